/** Extended attributes and the flags of chattr, which Node does not tell: asked of the C library. */
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { loadKoffi, openLibrary } from './native.ts';

const getFlags = 0x8008_6601; // FS_IOC_GETFLAGS on 64-bit machines
const immutableFlag = 0x10;
const appendFlag = 0x20;
const valueMax = 64 * 1024;
const here = -100; // AT_FDCWD
const noFollow = 0x100;

export interface FileAttributes {
  /** Undefined when there is none, or the file system keeps none. The last name is not followed. */
  attribute(path: string | Buffer, name: string): Buffer | undefined;
  /** Names of all that there are; empty where the file system keeps none. The last name is not followed. */
  names(path: string | Buffer): string[];
  /** Undefined where the file system has none. The last name is not followed. */
  flags(path: string | Buffer): { immutable: boolean; appendOnly: boolean } | undefined;
}

/** Throws MoatError 'no-koffi' or 'no-library' (src/linux/native.ts). */
export async function openFileAttributes(): Promise<FileAttributes> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const get = lib.func('int64_t lgetxattr(const char *path, const char *name, void *value, size_t size)');
  const list = lib.func('int64_t llistxattr(const char *path, void *names, size_t size)');
  const statx = optional(() => lib.func('int statx(int folder, const char *path, int flags, unsigned int mask, void *into)'));
  const ioctl = lib.func('int ioctl(int fd, unsigned long request, void *into)');
  const value = Buffer.alloc(valueMax);
  const word = Buffer.alloc(8);
  const status = Buffer.alloc(256);
  const zero = (path: string | Buffer): string | Buffer => (typeof path === 'string' ? path : Buffer.concat([path, Buffer.alloc(1)]));
  return {
    attribute(path, name) {
      const length = Number(get(zero(path), name, value, valueMax));
      return length < 0 ? undefined : Buffer.from(value.subarray(0, length));
    },
    names(path) {
      const length = Number(list(zero(path), value, valueMax));
      return length <= 0 ? [] : value.toString('utf8', 0, length).split('\0').filter(Boolean).sort();
    },
    flags(path) {
      // One call that opens nothing, where the C library and the file system have it.
      if (statx && (statx(here, zero(path), noFollow, 0, status) as number) === 0) {
        const [told, flags] = [status.readUInt32LE(56), status.readUInt32LE(8)];
        if ((told & (immutableFlag | appendFlag)) === (immutableFlag | appendFlag)) return { immutable: (flags & immutableFlag) !== 0, appendOnly: (flags & appendFlag) !== 0 };
        return undefined;
      }
      let file: number;
      try {
        // Opening a device may do something.
        const found = lstatSync(path, { throwIfNoEntry: false });
        if (found?.isFile() !== true && found?.isDirectory() !== true) return undefined;
        file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
      } catch { return undefined; }
      try {
        word.fill(0);
        if ((ioctl(file, getFlags, word) as number) < 0) return undefined;
        const flags = word.readUInt32LE(0);
        return { immutable: (flags & immutableFlag) !== 0, appendOnly: (flags & appendFlag) !== 0 };
      } finally { closeSync(file); }
    },
  };
}

/** Undefined for what an old library lacks. */
function optional<T>(look: () => T): T | undefined {
  try { return look(); } catch { return undefined; /* koffi throws for a name that is not there */ }
}
