/** The lock that all tools take which write /etc/passwd and /etc/shadow: lckpwdf(3), /etc/.pwd.lock. */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';

export type AccountLockErrorCode = 'locked';

/** F_OFD_SETLK: held by the open file, so that it ends with this process and does not end with another file's being closed. Meets the locks of fcntl(2) that others take. */
const setLock = 37, writeLock = 1;
const lookMs = 20;

/** Works while nobody else changes accounts under `root`. Throws MoatError 'locked' when somebody does for longer than `waitMs`. */
export async function withAccountLock<T>(root: string, work: () => Promise<T>, { waitMs = 15_000, signal }: { waitMs?: number; signal?: AbortSignal } = {}): Promise<T> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const fcntl = lib.func('int fcntl(int fd, int command, ...)');
  const fd = openSync(join(root, 'etc/.pwd.lock'), constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    // struct flock on 64-bit machines: type, whence, start, length (0: all), pid (0 for a lock of an open file).
    const lock = Buffer.alloc(32);
    lock.writeInt16LE(writeLock, 0);
    for (const end = performance.now() + waitMs; (fcntl(fd, setLock, 'void *', lock) as number) !== 0;) {
      const errno = koffi.errno();
      if (errno !== koffi.os.errno['EAGAIN'] && errno !== koffi.os.errno['EACCES']) throw new MoatError<NativeErrorCode>('native', `/etc/.pwd.lock could not be locked: ${errorName(koffi, errno)}`);
      if (performance.now() > end) throw new MoatError<AccountLockErrorCode>('locked', `expected the accounts to be free within ${waitMs} ms, another program changes them`, { hint: 'try again' });
      await wait(lookMs, undefined, { signal });
    }
    return await work();
  } finally { closeSync(fd); }
}
