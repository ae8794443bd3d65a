/** Servers that this command line may speak for: their address, the authority that their certificate must come from, and where the token lies. */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { MoatError } from '../../core/error.ts';
import { remotesPath } from './place.ts';

export type RemoteErrorCode = 'remote' | 'remote-token' | 'not-remote' | 'not-trusted' | 'other-version';

const profile = z.strictObject({ url: z.string().max(300), ca: z.string().max(100_000).optional(), fingerprint: z.string().max(200).optional(), token_file: z.string().startsWith('/').max(4096).optional() });
const book = z.strictObject({ version: z.literal(1), use: z.string().max(64).optional(), remotes: z.record(z.string().max(64), profile).default({}) });
export type Profile = z.infer<typeof profile>;
export type Profiles = z.infer<typeof book>;

/** Where the request goes. */
export interface Target extends Profile { name: string | undefined; token: () => string; /** Named by the command line or the environment; otherwise it is the one that is in use. */ named: boolean }

const tokenMax = 1024;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);
/** What stands for this machine, whatever is in use. */
export const here = 'local';
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function readProfiles(path = remotesPath()): Profiles {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 1, remotes: {} };
    throw new MoatError<RemoteErrorCode>('remote', `cannot read ${path}: ${(error as Error).message}`, { zh: `读不了 ${path}`, cause: error });
  }
  try {
    return book.parse(JSON.parse(text));
  } catch (error) { throw new MoatError<RemoteErrorCode>('remote', `${path} is not a list of remote servers`, { zh: `${path} 不是远程服务器列表`, hint: { zh: '移走它，再用 moat remote add 添加', en: 'move it away and add them again: moat remote add' }, cause: error }); }
}

/** Whole or not at all. */
export function writeProfiles(profiles: Profiles, path = remotesPath()): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}

export function checkName(name: string): string {
  if (!namePattern.test(name) || name === here) throw new MoatError<RemoteErrorCode>('remote', `expected a name of letters, digits, . _ and -, other than ${here}; got ${name}`, { zh: `名称只能有字母、数字、.、_、-，且不能是 ${here}` });
  return name;
}

/** An address without a path. Throws for plain HTTP beyond loopback: the token would be read by whoever listens. */
export function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/') throw new MoatError<RemoteErrorCode>('remote', `expected an address such as https://moat.example:8443, got ${text}`, { zh: `应为 https://moat.example:8443 这样的网址，得到 ${text}` });
  if (url.protocol === 'http:' && !loopback.has(url.hostname)) throw new MoatError<RemoteErrorCode>('remote', `expected https for ${url.host}: plain http is for loopback alone`, { zh: `${url.host} 必须用 https：不加密的 http 只能用于本机回环地址` });
  return url.origin;
}

/** The server that a command line asks; undefined for this machine. `given`: what --remote says. Throws MoatError. */
export function targetOf(given: string | undefined, profiles: () => Profiles = readProfiles): Target | undefined {
  const asked = given ?? (process.env['MOAT_REMOTE'] || undefined);
  if (asked === here) return undefined;
  const known = profiles();
  const name = asked ?? known.use;
  if (name === undefined) return undefined;
  const named = asked !== undefined;
  if (Object.hasOwn(known.remotes, name)) return whole(name, known.remotes[name]!, named);
  if (!name.includes('://')) throw new MoatError<RemoteErrorCode>('remote', `there is no remote server named ${name}`, { zh: `没有名为 ${name} 的远程服务器`, hint: { zh: 'moat remote list 列出；moat remote add 添加', en: 'moat remote list shows them, moat remote add adds one' } });
  const url = checkUrl(name);
  const found = Object.entries(known.remotes).find(([, one]) => one.url === url);
  if (found) return whole(found[0], found[1], named);
  if (url.startsWith('https:')) throw new MoatError<RemoteErrorCode>('not-trusted', `the certificate of ${url} was not looked at yet`, { zh: `还没有核对过 ${url} 的证书`, hint: `moat remote add NAME ${url}` });
  return whole(undefined, { url }, named);
}

const whole = (name: string | undefined, one: Profile, named: boolean): Target => ({ ...one, url: checkUrl(one.url), name, named, token: () => tokenFor(one) });

/** From MOAT_TOKEN, the file that MOAT_TOKEN_FILE names, or that of the profile. Never from the command line, which everybody on the machine can read. */
function tokenFor({ token_file: file }: Profile): string {
  const { MOAT_TOKEN: text, MOAT_TOKEN_FILE: path = file } = process.env;
  const token = (text ?? (path === undefined ? '' : readTokenFile(path))).trim();
  if (!/^[\x21-\x7e]{1,200}$/.test(token)) throw new MoatError<RemoteErrorCode>('remote-token', 'there is no API token', { zh: '没有 API 令牌', hint: { zh: '在控制台“系统”中生成令牌，写进只有自己可读的文件（chmod 600），再 moat remote add … --token-file 文件，或设环境变量 MOAT_TOKEN_FILE、MOAT_TOKEN', en: 'make one in the console (System), put it into a file that only you can read (chmod 600), then: moat remote add … --token-file FILE, or set MOAT_TOKEN_FILE or MOAT_TOKEN' } });
  return token;
}

export function readTokenFile(path: string): string {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) { throw new MoatError<RemoteErrorCode>('remote-token', `cannot read the token in ${path}: ${(error as Error).message}`, { zh: `读不了令牌文件 ${path}`, cause: error }); }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new MoatError<RemoteErrorCode>('remote-token', `expected a file with a token, got something else: ${path}`, { zh: `${path} 不是文件` });
    if ((stat.mode & 0o077) !== 0) throw new MoatError<RemoteErrorCode>('remote-token', `others can read the token in ${path} (mode ${(stat.mode & 0o777).toString(8)})`, { zh: `别人也能读取令牌文件 ${path}（权限 ${(stat.mode & 0o777).toString(8)}）`, hint: `chmod 600 ${path}` });
    const buffer = Buffer.alloc(tokenMax);
    return buffer.toString('utf8', 0, readSync(handle, buffer, 0, tokenMax, 0));
  } finally { closeSync(handle); }
}
