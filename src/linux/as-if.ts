/** Runs a program as if a file were another one already: in mounts of its own, where the new file lies over the old. Nobody else sees it. */
import { MoatError } from '../core/error.ts';
import type { Run, RunResult } from './run.ts';

/** no-namespaces: this process may not make mounts of its own (some containers and sandboxes) */
export type AsIfErrorCode = 'no-namespaces';

/** Fixed text; what it works on are its arguments. */
const script = 'mount --bind -- "$1" "$2" || exit 97; shift 2; exec "$@"';

/**
 * `alone`: without a network too, so that a daemon that is tried meets nobody. `as`: this account runs it, with no other rights: who may
 * write to a configuration of an unprivileged service must not get root by what it loads. Throws MoatError 'no-namespaces'.
 */
export async function runAsIf(run: Run, { path, candidate, alone = false, as, timeoutMs = 20_000 }: { path: string; candidate: string; alone?: boolean; as?: { uid: number; gid: number }; timeoutMs?: number }, program: string, args: readonly string[]): Promise<RunResult> {
  const drop = as === undefined || as.uid === 0 ? [] : ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'];
  const said = await run('unshare', ['--mount', '--propagation', 'private', ...(alone ? ['--net'] : []), 'sh', '-c', script, 'sh', candidate, path, ...drop, program, ...args], { timeoutMs });
  if (said.code === 97 || (said.code !== 0 && said.stderr.startsWith('unshare: '))) throw new MoatError<AsIfErrorCode>('no-namespaces', `a change cannot be tried beforehand here: ${said.stderr.trim().slice(0, 200)}`, { zh: `这里无法事先试行改动：${said.stderr.trim().slice(0, 200)}` });
  return said;
}
