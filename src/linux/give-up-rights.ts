/** A process that has what it needs goes on as nobody: no rights of root, no other groups, and none to be had again. */
import { MoatError } from '../core/error.ts';
import { loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';

const nobody = 65_534;
const noNewPrivileges = 38;

/** For all threads of this process (as the C library does it). Throws MoatError 'native' when any right is left. */
export async function giveUpRights(): Promise<void> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const prctl = lib.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
  try {
    process.setgroups!([]);
    process.setgid!(nobody);
    process.setuid!(nobody);
  } catch (error) {
    throw new MoatError<NativeErrorCode>('native', `expected to go on as nobody: ${(error as Error).message}`, { zh: `无法放弃 root 权限：${(error as Error).message}`, hint: { zh: '需要 CAP_SETUID 与 CAP_SETGID；已装成服务的，打开抓包后重新运行 moat install', en: 'it needs CAP_SETUID and CAP_SETGID; a service that was installed before needs another moat install once capture is on' }, cause: error });
  }
  prctl(noNewPrivileges, 1, 0, 0, 0);
  let isBack = false;
  try {
    process.setuid!(0);
    isBack = true;
  } catch { /* as it must be */ }
  if (isBack || process.getuid!() !== nobody || process.geteuid!() !== nobody) throw new MoatError<NativeErrorCode>('native', 'expected to be nobody, and is not');
}
