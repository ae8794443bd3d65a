/** What Node cannot do to a file: extended attributes, the flags of chattr, times to the nanosecond, a rename that overwrites nothing. Asked of the C library. */
import { constants } from 'node:fs';
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';

const getFlags = 0x8008_6601; // FS_IOC_GETFLAGS on 64-bit machines
const setFlags = 0x4008_6602; // FS_IOC_SETFLAGS
const here = -100; // AT_FDCWD
const noFollow = 0x100; // AT_SYMLINK_NOFOLLOW
const noReplace = 1; // RENAME_NOREPLACE
const valueMax = 64 * 1024;

/** Flags of chattr that a person sets: s(ync), i(mmutable), a(ppend), (no)d(ump), A (no atime). The others are the file system's own. */
const settable = 0x08 | 0x10 | 0x20 | 0x40 | 0x80;
/** Those of them that forbid a change. */
const locking = 0x10 | 0x20;

/** Paths are text, or bytes without the closing NUL; the last name is never followed. Each throws MoatError 'native' with the system's word for what went wrong. */
export interface FileChanges {
  attributes(path: string | Buffer): { name: string; value: Buffer }[];
  setAttribute(path: string | Buffer, name: string, value: Buffer): void;
  removeAttribute(path: string | Buffer, name: string): void;
  /** The settable flags; undefined where the file system has none. */
  flags(fd: number): number | undefined;
  /** Sets the settable flags to these and leaves the others. */
  setFlags(fd: number, flags: number): void;
  /** Nanoseconds since 1970. */
  setTimes(path: string | Buffer, accessed: bigint, modified: bigint): void;
  /** False when something has the new name already. */
  renameNew(from: string | Buffer, to: string | Buffer): boolean;
}

export const isLocked = (flags: number | undefined): boolean => flags !== undefined && (flags & locking) !== 0;
export const unlocked = (flags: number): number => flags & ~locking;

/** Reads without a trace in the access time, where the system lets us (owner or root). */
export const noAccessTime = 0o1000000; // O_NOATIME, the same on x86-64 and arm64

/** Throws MoatError 'no-koffi' or 'no-library' (src/linux/native.ts). */
export async function openFileChanges(): Promise<FileChanges> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const get = lib.func('int64_t lgetxattr(const char *path, const char *name, void *value, size_t size)');
  const list = lib.func('int64_t llistxattr(const char *path, void *names, size_t size)');
  const set = lib.func('int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)');
  const remove = lib.func('int lremovexattr(const char *path, const char *name)');
  const ioctl = lib.func('int ioctl(int fd, unsigned long request, void *into)');
  const utimensat = lib.func('int utimensat(int folder, const char *path, const void *times, int flags)');
  const syscall = lib.func('long syscall(long number, int from, const char *old, int to, const char *new, unsigned int flags)');
  const link = lib.func('int link(const char *old, const char *new)');
  const unlink = lib.func('int unlink(const char *path)');
  const renameat2 = process.arch === 'arm64' ? 276 : 316;
  const { ENOTSUP, ENODATA, EEXIST, EINVAL, ENOSYS, ENOTTY } = koffi.os.errno;
  const value = Buffer.alloc(valueMax);
  const word = Buffer.alloc(8);
  const times = Buffer.alloc(32);
  const zero = (path: string | Buffer): Buffer => Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.alloc(1)]);
  const failed = (what: string): MoatError<NativeErrorCode> => new MoatError<NativeErrorCode>('native', `${what}: ${errorName(koffi, koffi.errno())}`);
  const rawFlags = (fd: number): number | undefined => {
    word.fill(0);
    if ((ioctl(fd, getFlags, word) as number) === 0) return word.readUInt32LE(0);
    if ([ENOTTY, ENOTSUP, EINVAL, ENOSYS].includes(koffi.errno())) return undefined;
    throw failed('the flags of chattr could not be read');
  };
  return {
    attributes(path) {
      const at = zero(path);
      const length = Number(list(at, value, valueMax));
      if (length < 0) {
        if (koffi.errno() === ENOTSUP) return [];
        throw failed('extended attributes could not be listed');
      }
      return value.toString('utf8', 0, length).split('\0').filter(Boolean).sort().flatMap((name) => {
        const size = Number(get(at, name, value, valueMax));
        if (size >= 0) return [{ name, value: Buffer.from(value.subarray(0, size)) }];
        if (koffi.errno() === ENODATA) return [];
        throw failed(`the extended attribute ${name} could not be read`);
      });
    },
    setAttribute(path, name, bytes) {
      if ((set(zero(path), name, bytes, bytes.length, 0) as number) !== 0) throw failed(`the extended attribute ${name} could not be set`);
    },
    removeAttribute(path, name) {
      if ((remove(zero(path), name) as number) !== 0 && koffi.errno() !== ENODATA) throw failed(`the extended attribute ${name} could not be removed`);
    },
    flags: (fd) => {
      const flags = rawFlags(fd);
      return flags === undefined ? undefined : flags & settable;
    },
    setFlags(fd, flags) {
      const before = rawFlags(fd);
      if (before === undefined) { if (flags === 0) return; throw new MoatError<NativeErrorCode>('native', 'this file system keeps no flags of chattr'); }
      if ((before & settable) === flags) return;
      word.fill(0);
      word.writeUInt32LE(((before & ~settable) | flags) >>> 0, 0);
      if ((ioctl(fd, setFlags, word) as number) !== 0) throw failed('the flags of chattr could not be set');
    },
    setTimes(path, accessed, modified) {
      for (const [i, ns] of [accessed, modified].entries()) {
        // Before 1970 the seconds go down and the nanoseconds still up.
        const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
        times.writeBigInt64LE((ns - rest) / 1_000_000_000n, i * 16);
        times.writeBigInt64LE(rest, i * 16 + 8);
      }
      if ((utimensat(here, zero(path), times, noFollow) as number) !== 0) throw failed('the times could not be set');
    },
    renameNew(from, to) {
      const [old, next] = [zero(from), zero(to)];
      if (Number(syscall(renameat2, here, old, here, next, noReplace)) === 0) return true;
      const errno = koffi.errno();
      if (errno === EEXIST) return false;
      if (errno !== EINVAL && errno !== ENOSYS) throw failed('the file could not be renamed');
      // A file system without this rename: a second name, which also is never made over another, and the first one away.
      if ((link(old, next) as number) !== 0) {
        if (koffi.errno() === EEXIST) return false;
        throw failed('the file could not be given its name');
      }
      if ((unlink(old) as number) !== 0) throw failed('the name it had could not be removed');
      return true;
    },
  };
}

/** Read, the last name not followed, never waiting for a FIFO's other end. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
