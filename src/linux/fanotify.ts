/**
 * Changes of files by fanotify. `names` (Linux 5.9): made, removed, renamed and attributes too, by folder and name. `closes`: files
 * closed after they were opened for writing, where the kernel or the file system has no more.
 */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { MoatError } from '../core/error.ts';
import { nameOf } from './file-names.ts';
import { diskMounts } from './proc-host.ts';
import { Procfs } from './procfs.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';

export type FileChangeAction = 'write' | 'create' | 'delete' | 'rename' | 'attributes';

/** `from`: where it was, when the kernel tells both ends of a rename; without it a rename comes as one of each end. */
export interface FileChange { action: FileChangeAction; path: string; from: string | undefined; pid: number; isFolder: boolean }

export interface Fanotify {
  /** Mount points by what is told of them. */
  readonly names: readonly string[];
  readonly closes: readonly string[];
  /** File systems that take no mark. */
  readonly without: readonly string[];
  /** Waits for changes, half a second at most. `lost`: the queue was full. `unnamed`: changes whose folder was gone before it could be named. */
  read(): Promise<{ changes: FileChange[]; lost: boolean; unnamed: number }>;
  close(): void;
}

const closeOnExec = 0x1, doNotBlock = 0x2, reportFolder = 0x400, reportName = 0x800;
const add = 0x1, wholeMount = 0x10, wholeFileSystem = 0x100;
const mask = { attributes: 0x4n, closeWrite: 0x8n, movedFrom: 0x40n, movedTo: 0x80n, create: 0x100n, delete: 0x200n, overflow: 0x4000n, rename: 0x1000_0000n, folder: 0x4000_0000n } as const;
const infoName = 2, infoOld = 10, infoNew = 12;
const currentFolder = -100;
const metadataSize = 24;
const waitMs = 500;
/** Changes of one read at most. */
const mostChanges = 8192;
const fsidAt = 56;

/** Throws MoatError 'no-koffi', 'no-library', or 'native' where it is not permitted or no file system takes a mark. */
export async function openFanotify(mounts: readonly string[] = diskMountPoints()): Promise<Fanotify> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const init = lib.func('int fanotify_init(unsigned int flags, unsigned int file_flags)');
  const mark = lib.func('int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int folder, const char *path)');
  const poll = lib.func('int poll(void *fds, unsigned long count, int timeout)');
  const wait = promisify(poll.async as (fds: Buffer, count: number, timeout: number, done: (error: Error | null, got: number) => void) => void);
  const read = lib.func('int64_t read(int fd, void *data, size_t size)');
  const close = lib.func('int close(int fd)');
  const openByHandle = lib.func('int open_by_handle_at(int mount, void *handle, int flags)');
  const statfs = lib.func('int statfs(const char *path, void *data)');
  const begin = (flags: number): number => init(flags, constants.O_RDONLY | 0o2000000 /* O_CLOEXEC */) as number;
  const marked = (fd: number, how: number, bits: bigint, path: string): boolean => (mark(fd, add | how, bits, currentFolder, path) as number) === 0;

  const byName = begin(closeOnExec | doNotBlock | reportFolder | reportName);
  const byFile = begin(closeOnExec | doNotBlock);
  const fault = byFile < 0 ? errorName(koffi, koffi.errno()) : undefined;
  const names: string[] = [], closes: string[] = [], without: string[] = [];
  /** By f_fsid: a descriptor on that file system. */
  const roots = new Map<string, number>();
  const all = mask.closeWrite | mask.attributes | mask.create | mask.delete | mask.folder;
  for (const path of mounts) {
    const data = Buffer.alloc(256);
    if ((statfs(path, data) as number) !== 0) { without.push(path); continue; }
    const fsid = data.toString('hex', fsidAt, fsidAt + 8);
    if (roots.has(fsid)) continue;
    if (byName >= 0 && !/^0*$/.test(fsid) && (marked(byName, wholeFileSystem, all | mask.rename, path) || marked(byName, wholeFileSystem, all | mask.movedFrom | mask.movedTo, path))) {
      try {
        roots.set(fsid, openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
        names.push(path);
        continue;
      } catch { /* the mount went away: it is tried as a file below */ }
    }
    if (byFile >= 0 && (marked(byFile, wholeFileSystem, mask.closeWrite, path) || marked(byFile, wholeMount, mask.closeWrite, path))) closes.push(path);
    else without.push(path);
  }
  const end = (): void => {
    for (const fd of [byName, byFile]) if (fd >= 0) close(fd);
    for (const fd of roots.values()) closeSync(fd);
  };
  if (names.length + closes.length === 0) {
    end();
    throw new MoatError<NativeErrorCode>('native', `expected fanotify to watch a file system, got ${fault ?? `none of ${mounts.join(', ')}`}`, { hint: 'root with CAP_SYS_ADMIN and a kernel with CONFIG_FANOTIFY' });
  }

  const buffer = Buffer.alloc(64 * 1024);
  const descriptors = pollSet([byName, byFile].filter((fd) => fd >= 0));
  const state = { open: true };

  /** Of a folder by its handle; undefined when it is gone. */
  const folderOf = (fsid: string, handle: Buffer): string | undefined => {
    const root = roots.get(fsid);
    const fd = root === undefined ? -1 : openByHandle(root, handle, constants.O_RDONLY | constants.O_DIRECTORY | 0o10000000 /* O_PATH */) as number;
    if (fd < 0) return undefined;
    try { return linkOf(fd); } finally { close(fd); }
  };

  return {
    names, closes, without,
    async read() {
      const out = { changes: [] as FileChange[], lost: false, unnamed: 0 };
      await wait(descriptors, descriptors.length / 8, waitMs);
      if (!state.open) return out;
      // Good for one turn: folders are renamed.
      const folders = new Map<string, string | undefined>();
      const nameAt = (at: number, length: number): string | undefined => {
        const handleBytes = buffer.readUInt32LE(at + 12);
        const nameFrom = at + 20 + handleBytes;
        if (nameFrom > at + length) return undefined;
        const key = buffer.toString('latin1', at + 4, nameFrom);
        if (!folders.has(key)) folders.set(key, folderOf(buffer.toString('hex', at + 4, at + 12), Buffer.from(buffer.subarray(at + 12, nameFrom))));
        const folder = folders.get(key);
        if (folder === undefined) return undefined;
        const stop = buffer.indexOf(0, nameFrom);
        const name = nameOf(Buffer.from(buffer.subarray(nameFrom, stop < 0 || stop > at + length ? at + length : stop)));
        return name === '.' || name === '' ? folder : `${folder === '/' ? '' : folder}/${name}`;
      };
      for (let got = byName < 0 ? 0 : Number(read(byName, buffer, buffer.length)); got > 0; got = out.changes.length < mostChanges ? Number(read(byName, buffer, buffer.length)) : 0) {
        for (const { bits, pid, at, next } of eventsIn(buffer, got)) {
          if ((bits & mask.overflow) !== 0n) { out.lost = true; continue; }
          let path: string | undefined, from: string | undefined;
          for (let info = at + metadataSize; info + 20 <= next;) {
            const [type, length] = [buffer.readUInt8(info), buffer.readUInt16LE(info + 2)];
            if (length < 4) break;
            if (type === infoName || type === infoNew) path = nameAt(info, length);
            else if (type === infoOld) from = nameAt(info, length);
            info += length;
          }
          if (path === undefined) { if (pid !== process.pid) out.unnamed++; continue; }
          // Several things done to one file may come in one.
          for (const action of actionsOf(bits)) out.changes.push({ action, path, from: action === 'rename' ? from : undefined, pid, isFolder: (bits & mask.folder) !== 0n });
        }
      }
      for (let got = byFile < 0 ? 0 : Number(read(byFile, buffer, buffer.length)); got > 0; got = out.changes.length < mostChanges ? Number(read(byFile, buffer, buffer.length)) : 0) {
        for (const { bits, pid, at } of eventsIn(buffer, got)) {
          if ((bits & mask.overflow) !== 0n) { out.lost = true; continue; }
          const fd = buffer.readInt32LE(at + 16);
          if (fd < 0) continue;
          const path = linkOf(fd);
          close(fd);
          if (path === undefined) out.unnamed++;
          else out.changes.push({ action: 'write', path, from: undefined, pid, isFolder: false });
        }
      }
      return out;
    },
    close() {
      if (!state.open) return;
      state.open = false;
      end();
    },
  };
}

function* eventsIn(buffer: Buffer, got: number): Iterable<{ bits: bigint; pid: number; at: number; next: number }> {
  for (let at = 0; at + metadataSize <= got;) {
    const length = buffer.readUInt32LE(at);
    if (length < metadataSize) return;
    yield { bits: buffer.readBigUInt64LE(at + 8), pid: buffer.readInt32LE(at + 20), at, next: at + length };
    at += length;
  }
}

function actionsOf(bits: bigint): FileChangeAction[] {
  const out: FileChangeAction[] = [];
  if ((bits & mask.create) !== 0n) out.push('create');
  if ((bits & mask.closeWrite) !== 0n) out.push('write');
  if ((bits & (mask.rename | mask.movedFrom | mask.movedTo)) !== 0n) out.push('rename');
  if ((bits & mask.attributes) !== 0n) out.push('attributes');
  if ((bits & mask.delete) !== 0n) out.push('delete');
  return out;
}

/** struct pollfd for each, asking for POLLIN. */
function pollSet(fds: readonly number[]): Buffer {
  const set = Buffer.alloc(fds.length * 8);
  for (const [i, fd] of fds.entries()) { set.writeInt32LE(fd, i * 8); set.writeInt16LE(1, i * 8 + 4); }
  return set;
}

/** Undefined for what is removed meanwhile. */
function linkOf(fd: number): string | undefined {
  try {
    const path = nameOf(readlinkSync(`/proc/self/fd/${fd}`, 'buffer'));
    return path.startsWith('/') && !path.endsWith(' (deleted)') ? path : undefined;
  } catch { return undefined; /* closed by somebody: nothing to tell */ }
}

/** Mounts of disks, and what else programs and settings lie on. */
function diskMountPoints(): string[] {
  return ['/', ...diskMounts(new Procfs('/')).map(({ path }) => path)];
}
