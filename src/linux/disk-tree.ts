/** The running machine, or a disk or unpacked image mounted somewhere on it. */
import { closeSync, constants, fstatSync, lstatSync, opendirSync, openSync, readdirSync, readlinkSync, readSync, realpathSync, type Dir, type Stats } from 'node:fs';
import { join } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { FileAttributes } from './file-attributes.ts';
import { bytesOf, nameOf, nameOfLatin1 } from './file-names.ts';
import { ClosedMountError, type ClosedMount } from './file-systems.ts';
import { headOf, saneTime, textMax, type FileKind, type FileStat, type OpenFile, type Tree } from './tree.ts';

/**
 * denied   no right to look
 * broken   the system gave an error that is neither "not there" nor "no right"
 */
export type TreeErrorCode = 'denied' | 'broken';

const linksMax = 40;
const partsMax = 8192;
const quiet = { throwIfNoEntry: false } as const;
const directoryOptions = { encoding: 'latin1', bufferSize: 256 } as const;
/** Folders whose place is remembered; a tree of millions forgets and asks again. */
const knownMax = 20_000;

export class DiskTree implements Tree {
  readonly kind: 'machine' | 'folder';
  readonly name: string;
  readonly #prefix: string;
  readonly #attributes: FileAttributes | undefined;
  readonly #known = new Map<string, string | undefined>();
  readonly #closed: ReadonlyMap<string, ClosedMount>;
  /** Links may be followed by the system itself: nothing is in the way. */
  readonly #bySystem: boolean;

  /**
   * `attributes` undefined: they are not told, and asking for one throws. The system is asked for nothing that lies on one of the
   * `closed` mounts, wherever a link to it stands: it might never answer.
   */
  constructor(root: string, attributes: FileAttributes | undefined, closed: ReadonlyMap<string, ClosedMount> = new Map()) {
    this.name = join('/', root);
    this.#prefix = realOf(this.name).replace(/\/+$/, '');
    this.kind = this.#prefix === '' ? 'machine' : 'folder';
    this.#attributes = attributes;
    this.#closed = closed;
    this.#bySystem = this.#prefix === '' && closed.size === 0;
  }

  stat(path: string): FileStat | undefined {
    const at = this.#place(path);
    const found = at === undefined ? undefined : attempt(at, () => lstatSync(bytesOf(this.#prefix + at), quiet));
    return found && statOf(found);
  }

  real(path: string): string | undefined {
    // The system follows links on the running machine by itself, and faster.
    if (this.#bySystem) return attempt(path, () => nameOf(realpathSync.native(bytesOf(path || '/') as string, 'buffer')));
    const at = this.#follow(path);
    return at !== undefined && attempt(at, () => lstatSync(bytesOf(this.#prefix + at), quiet)) !== undefined ? at || '/' : undefined;
  }

  link(path: string): string | undefined {
    const at = this.#place(path);
    return at === undefined ? undefined : this.#linkAt(at);
  }

  list(folder: string): string[] | undefined {
    const at = this.#follow(folder);
    return at === undefined ? undefined : this.#inFolder(at, (path) => allNames(at, path))?.sort();
  }

  names(folder: string): Iterable<string> | undefined {
    const at = this.#follow(folder);
    if (at === undefined) return undefined;
    return this.#inFolder(at, (path) => namesOf(at, opendirSync(path, directoryOptions)));
  }

  /** `look` at this folder and no other: under a prefix it is held open, by a name that nobody can turn into a link. */
  #inFolder<T>(at: string, look: (path: string) => T): T | undefined {
    if (this.#prefix === '') return attempt(at, () => look((bytesOf(at) || '/') as string));
    const fd = attempt(at, () => openSync(bytesOf(this.#prefix + at), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY | constants.O_NONBLOCK));
    if (fd === undefined) return undefined;
    try {
      return this.#isAt(fd, at) ? attempt(at, () => look(`/proc/self/fd/${fd}`)) : undefined;
    } finally { closeSync(fd); }
  }

  read(path: string, max = textMax): { bytes: Buffer; cut: boolean } | undefined {
    const at = this.real(path);
    const file = at === undefined ? undefined : this.open(at);
    return file && headOf(file, max);
  }

  open(path: string): OpenFile | undefined {
    const at = this.#place(path);
    if (at === undefined) return undefined;
    const native = bytesOf(this.#prefix + at);
    // Opening a device may do something: a watchdog starts to count, a tape winds back.
    if (attempt(at, () => lstatSync(native, quiet))?.isFile() !== true) return undefined;
    // Should it be replaced meanwhile: a pipe would wait for a writer and a terminal would become ours.
    const fd = attempt(at, () => openSync(native, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY));
    if (fd === undefined) return undefined;
    const found = fstatSync(fd);
    if (!found.isFile() || (this.#prefix !== '' && !this.#isAt(fd, at))) { closeSync(fd); return undefined; }
    return {
      size: found.size,
      read: (into, position) => attempt(at, () => readSync(fd, into, 0, into.length, position)) ?? 0,
      close: () => { closeSync(fd); },
    };
  }

  attribute(path: string, name: string): Buffer | undefined {
    const at = this.#place(path);
    return at === undefined ? undefined : this.#native().attribute(bytesOf(this.#prefix + at), name);
  }

  attributeNames(path: string): string[] {
    const at = this.#place(path);
    return at === undefined ? [] : this.#native().names(bytesOf(this.#prefix + at));
  }

  flags(path: string): { immutable: boolean; appendOnly: boolean } | undefined {
    const at = this.#place(path);
    if (at === undefined) return undefined;
    return this.#native().flags(bytesOf(this.#prefix + at));
  }

  outside(path: string): string | undefined {
    const at = this.#place(path);
    return at === undefined ? undefined : this.#prefix + at;
  }

  #native(): FileAttributes {
    if (!this.#attributes) throw new MoatError<TreeErrorCode>('broken', 'expected the package koffi to read extended attributes, it could not be loaded', { zh: '读扩展属性要用 koffi 包，它没能载入', hint: { zh: '连同依赖重新安装 Moat：npm ci', en: 'install Moat again with its dependencies: npm ci' } });
    return this.#attributes;
  }

  /**
   * What was opened is what was asked for: a folder that was replaced by a link meanwhile would lead out of the tree. False when it
   * is gone. Throws MoatError 'broken' when it is another.
   */
  #isAt(fd: number, at: string): boolean {
    let real: string;
    try {
      real = nameOf(readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }));
    } catch { return true; /* no /proc here: nobody can tell */ }
    if (real === this.#prefix + at) return true;
    if (real === `${this.#prefix}${at} (deleted)`) return false;
    throw new MoatError<TreeErrorCode>('broken', `expected ${at || '/'} where it was, got another place: a folder was moved or replaced by a link while it was looked at`, { zh: `查看 ${at || '/'} 期间目录被移动或换成了链接` });
  }

  /** The folder followed, the last name not; undefined when a folder on the way is none. */
  #place(path: string): string | undefined {
    if (this.#bySystem) return path;
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (name === '' || name === '.' || name === '..') return this.#follow(path);
    const folder = this.#follow(path.slice(0, slash));
    return folder === undefined ? undefined : this.#reached(`${folder}/${name}`, path);
  }

  /** A path whose folders hold no link, when it is no mount that is closed: what lies below one came by it. Throws ClosedMountError. */
  #reached(at: string, path: string): string {
    const mount = this.#closed.size === 0 ? undefined : this.#closed.get(at);
    if (mount === undefined) return at;
    throw new ClosedMountError(mount, path);
  }

  /** Every link followed; '' for the root. Undefined for links that go round. What is not there stays as it is written. Throws as `#reached` does. */
  #follow(path: string): string | undefined {
    if (path === '' || path === '/') return '';
    if (this.#known.has(path)) return this.#known.get(path);
    const slash = path.lastIndexOf('/');
    const start = this.#known.get(path.slice(0, Math.max(0, slash)));
    let at: string | undefined = start ?? '';
    const left = (start === undefined ? path : path.slice(slash + 1)).split('/').reverse();
    for (let links = 0; left.length > 0;) {
      const name = left.pop()!;
      if (name === '' || name === '.') continue;
      if (name === '..') { at = at.slice(0, Math.max(0, at.lastIndexOf('/'))); continue; }
      const target = this.#linkAt(this.#reached(`${at}/${name}`, path));
      if (target === undefined) { at = `${at}/${name}`; continue; }
      if (++links > linksMax || left.length > partsMax) { at = undefined; break; }
      if (target.startsWith('/')) at = '';
      left.push(...target.split('/').reverse());
    }
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(path, at);
    return at;
  }

  #linkAt(at: string): string | undefined {
    try {
      const native = bytesOf(this.#prefix + at);
      // Asking a file what it links to throws, which costs more than a look at what it is.
      if (lstatSync(native, quiet)?.isSymbolicLink() !== true) return undefined;
      return nameOf(readlinkSync(native, { encoding: 'buffer' }));
    } catch { return undefined; /* no link, not there, or not ours to see: whoever opens it is told */ }
  }
}

/** The folder itself when a link leads to it; as it is written when it is not there. */
function realOf(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch { return folder; /* whoever looks into it is told */ }
}

/** All at once, which costs half of one by one. */
function allNames(at: string, path: string): string[] | undefined {
  return attempt(at, () => readdirSync(path, 'latin1').map(nameOfLatin1));
}

/** Reads and closes a folder. One character a byte: what is no UTF-8 would be lost otherwise. */
function* namesOf(at: string, folder: Dir): Iterable<string> {
  try {
    for (let entry = attempt(at, () => folder.readSync()); entry; entry = attempt(at, () => folder.readSync())) yield nameOfLatin1(entry.name);
  } finally { folder.closeSync(); }
}

const refusedRoot: Text = { zh: '连 root 也被拒绝：中间有容器、安全模块或特殊的文件系统', en: 'even root was refused: a container, a security module or an unusual file system stands in between' };
const asRoot: Text = { zh: '用 root 运行再扫一次', en: 'run the scan as root' };

/** Undefined for what is not there. Throws MoatError 'denied' and 'broken'. */
function attempt<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT': case 'ENOTDIR': case 'ELOOP': case 'ESRCH': case 'ENXIO': case 'ENODEV': case 'ENAMETOOLONG': return undefined;
      case 'EACCES': case 'EPERM': throw new MoatError<TreeErrorCode>('denied', `no permission to look at ${path}`, { zh: `没有权限查看 ${path}`, hint: process.getuid?.() === 0 ? refusedRoot : asRoot, cause: error });
      default: throw new MoatError<TreeErrorCode>('broken', `expected to read ${path}, got ${(error as Error).message}`, { zh: `读不了 ${path}：${saidBy(error).zh}`, cause: error });
    }
  }
}

function kindOf(s: Stats): FileKind {
  if (s.isFile()) return 'file';
  if (s.isDirectory()) return 'folder';
  if (s.isSymbolicLink()) return 'link';
  if (s.isFIFO()) return 'pipe';
  if (s.isSocket()) return 'socket';
  return s.isBlockDevice() ? 'block-device' : 'character-device';
}

const statOf = (s: Stats): FileStat => ({
  kind: kindOf(s), mode: s.mode & 0o7777, uid: s.uid, gid: s.gid, size: s.size, allocated: s.blocks * 512, links: s.nlink, inode: s.ino, device: s.dev,
  modified: saneTime(s.mtimeMs), changed: saneTime(s.ctimeMs), born: s.birthtimeMs > 0 ? saneTime(s.birthtimeMs) : undefined,
});
