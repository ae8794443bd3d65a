/** A package as apt fetches it: by an account that may do nothing else, into a folder of its own, then copied into Moat's. */
import { chmodSync, chownSync, closeSync, constants, copyFileSync, fstatSync, lstatSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import { readAccounts } from '../accounts.ts';
import { DiskTree } from '../disk-tree.ts';
import type { Run } from '../run.ts';
import type { Package } from './index.ts';

const fetchMs = 45_000;
const debMax = 1 << 30;
/** What is kept of what was fetched. */
const keptFiles = 20, keptBytes = 1 << 30;
const sandboxUser = '_apt';

export const fileNameOf = ({ name, version, arch }: Package): string => `${name}_${version.replaceAll(':', '%3a')}_${arch}.deb`;
export const specOf = ({ name, version, arch }: Package): string => `${name}${arch === 'all' || arch === '' ? '' : `:${arch}`}=${version}`;
/** As Debian allows them; nothing that a program would take for an option. */
const isPackage = ({ name, version, arch }: Package): boolean => /^[a-z0-9][a-z0-9+.-]{0,200}$/.test(name) && /^[\w.+:~-]{1,200}$/.test(version) && /^[a-z0-9-]{0,30}$/.test(arch);

/** The very version that is installed, in `folder`; or why it is not to be had. `root`: of the machine, whose account apt uses. */
export async function fetchDeb(one: Package, folder: string, run: Run, signal: AbortSignal, root: string): Promise<{ deb: string } | { why: Text }> {
  if (!isPackage(one)) return { why: { zh: `软件包的名字或版本不合规矩：${one.name.slice(0, 100)}`, en: `no name or version of a package: ${one.name.slice(0, 100)}` } };
  const account = process.getuid?.() === 0 ? readAccounts(new DiskTree(root, undefined))?.find(({ name }) => name === sandboxUser) : undefined;
  // Not below the data folder: nobody but root may enter that.
  const into = mkdtempSync(join(tmpdir(), 'moat-apt-'));
  try {
    chmodSync(into, 0o700);
    if (account) chownSync(into, account.uid, account.gid);
    const args = ['-q', '-o', 'Debug::NoLocking=1', '-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15', 'download', specOf(one)];
    const attempt = async (as?: { uid: number; gid: number }): Promise<string | undefined> => {
      const { code, stdout, stderr } = await run('apt-get', args, { cwd: into, env: { HOME: into, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: fetchMs, signal, ...(as && { as }) });
      return code === 0 ? undefined : (stderr || stdout).trim().split('\n').findLast((line) => line.startsWith('E:')) ?? `exit code ${code} ${(stderr || stdout).trim().slice(-300)}`;
    };
    let why: string | undefined = '';
    try {
      why = await attempt(account);
    } catch (error) {
      // A service without the right to become somebody else: apt itself gives its rights away then.
      if (account === undefined || (error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      why = await attempt();
    }
    if (why !== undefined) return { why: { zh: `apt-get download 没能取到 ${specOf(one)}：${why.slice(0, 300)}`, en: `apt-get download did not get ${specOf(one)}: ${why.slice(0, 300)}` } };
    const [name, ...more] = readdirSync(into).filter((file) => file.endsWith('.deb'));
    if (name === undefined || more.length > 0) return { why: { zh: 'apt-get download 没有留下一个软件包', en: 'apt-get download left no package, or several' } };
    return { deb: take(join(into, name), join(folder, fileNameOf(one))) };
  } catch (error) {
    if (signal.aborted || !(error instanceof MoatError)) throw error;
    const { zh, en } = saidBy(error);
    return { why: { zh: `没能下载：${zh}`, en: `it could not be fetched: ${en}` } };
  } finally { rmSync(into, { recursive: true, force: true }); }
}

/** A copy of our own: whoever fetched it cannot change it any more. */
function take(from: string, to: string): string {
  const fd = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > debMax) throw new MoatError('no-original', 'expected a package, apt left something else or one too large');
    const temp = `${to}.new`;
    rmSync(temp, { force: true });
    copyFileSync(`/proc/self/fd/${fd}`, temp, constants.COPYFILE_EXCL);
    chmodSync(temp, 0o600);
    renameSync(temp, to);
    return to;
  } finally { closeSync(fd); }
}

/** The oldest go; `but` stays. */
export function keepFew(folder: string, but: string): void {
  const rows = readdirSync(folder).map((name) => join(folder, name)).filter((path) => lstatSync(path).isFile()).map((path) => ({ path, size: statSync(path).size, time: statSync(path).mtimeMs })).sort((a, b) => b.time - a.time);
  let bytes = 0, files = 0;
  for (const { path, size } of rows) {
    files++;
    bytes += size;
    if (path !== but && (files > keptFiles || bytes > keptBytes)) rmSync(path, { force: true });
  }
}
