/** Kind words when the server is of another version: which is which, what works, what to do. */
import { about as aboutShape, type About, contract, oldest } from '../../api/contract/revision.ts';
import { MoatError } from '../../core/error.ts';
import { version } from '../version.ts';
import type { Fetch } from './http.ts';
import type { RemoteErrorCode } from './profiles.ts';
import { missingAt, where } from './where.ts';

/** What an answer said of its server; none said it before revision 2. */
export interface Server { version: string | undefined; contract: number }

/** Of a server that is too old to say: the first revision. Throws MoatError when none answers. */
export async function aboutOf(fetch: Fetch): Promise<About | undefined> {
  try {
    const found = aboutShape.loose().safeParse(await fetch({ method: 'GET', path: '/about' }));
    return found.success ? found.data : undefined;
  } catch (error) {
    if (['other-version', 'not-found'].includes((error as MoatError).code)) return undefined;
    throw error;
  }
}

/** It does not know what was asked for. */
export function serverOlder(url: string, server: Server, what: string): MoatError<RemoteErrorCode> {
  const named = `Moat ${server.version ?? '?'}`;
  const missing = missingAt(server.contract);
  const hint = server.contract >= contract
    ? { zh: '两端版本相同也不认得：可能中间有代理改了地址', en: 'both are of one revision: a proxy in between may have changed the address' }
    : { zh: `请升级那台机器上的 Moat；在那之前还不能用：${missing.join('、')}；其余命令照常`, en: `update the Moat of that machine; until then these do not work: ${missing.join(', ')}; the other commands do` };
  return new MoatError<RemoteErrorCode>('other-version', `${url} is ${named} (contract ${server.contract}), this moat is ${version()} (contract ${contract}): it does not know ${what} yet; nothing was done`, {
    zh: `${url} 上是 ${named}（接口修订 ${server.contract}），这里的 moat 是 ${version()}（修订 ${contract}）：它还不认得 ${what}；什么也没做`, hint,
  });
}

/** It understands this moat no more. */
export function serverNewer(url: string, server: Server): MoatError<RemoteErrorCode> {
  return new MoatError<RemoteErrorCode>('other-version', `${url} is Moat ${server.version ?? '?'} (contract ${server.contract}) and no longer understands this moat ${version()} (contract ${contract}); nothing was done`, {
    zh: `${url} 上是 Moat ${server.version ?? '?'}（接口修订 ${server.contract}），已不支持这里的 moat ${version()}（修订 ${contract}）；什么也没做`,
    hint: { zh: '请升级这台机器上的 moat；在那之前用那台机器的控制台，或登录到那台机器上运行', en: 'update the moat of this machine; until then use the console of that one, or log on there' },
  });
}

/** Before a command begins: one that the first revision did not have is not begun at a server that may not know it. Throws MoatError 'other-version'. */
export async function mustKnow(url: string, words: string, fetch: Fetch): Promise<void> {
  const row = where[words];
  if (row === undefined || !('since' in row) || row.since <= 1) return;
  const told = await aboutOf(fetch);
  const server: Server = { version: told?.version, contract: told?.contract ?? 1 };
  if (told !== undefined && told.oldest > contract) throw serverNewer(url, server);
  if (server.contract < row.since) throw serverOlder(url, server, `moat ${words}`);
}

/** How two ends stand to each other, for people. */
export const standing = ({ contract: theirs, oldest: least }: Pick<About, 'contract' | 'oldest'>): 'same' | 'older' | 'newer' | 'too-new' | 'too-old' => (least > contract ? 'too-new' : theirs < oldest ? 'too-old' : theirs < contract ? 'older' : theirs > contract ? 'newer' : 'same');
