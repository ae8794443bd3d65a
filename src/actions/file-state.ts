/** A file as it is: all that must come back when it is put in its place again. JSON. */
import { accessSync, closeSync, fchmodSync, fchownSync, fstatSync, fsyncSync, lchownSync, openSync, readFileSync, readlinkSync, readSync, symlinkSync, constants, type BigIntStats } from 'node:fs';
import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { isLocked, unlocked, type FileChanges } from '../linux/file-change.ts';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import { withPlace, type Place } from '../linux/place.ts';

export interface FileState {
  kind: 'file' | 'symlink';
  /** Of this boot. */
  device: string;
  inode: string;
  size: number;
  /** Of the content, or of what a link leads to. */
  sha256: string;
  /** Of a link: what it leads to. */
  target?: string;
  /** Permissions with set-uid, set-gid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970, decimal. */
  accessed: string;
  modified: string;
  changed: string;
  /** Names that the same file has. */
  links: number;
  /** ACL, capabilities, SELinux and whatever else stands in extended attributes; values in Base64. */
  attributes: { name: string; value: string }[];
  /** Of chattr; undefined where the file system has none. */
  flags?: number;
}

const pieceBytes = 1 << 20;

const kindOf = (found: BigIntStats): 'file' | 'symlink' | 'folder' | 'fifo' | 'socket' | 'device' =>
  found.isFile() ? 'file' : found.isSymbolicLink() ? 'symlink' : found.isDirectory() ? 'folder' : found.isFIFO() ? 'fifo' : found.isSocket() ? 'socket' : 'device';

/**
 * Looks at what has this name; undefined when nothing has. Rejects with MoatError 'refused' for what is neither file nor link or is
 * larger than `most` bytes, 'changed' when it is another file at each look.
 */
export async function lookAt(place: Place, changes: FileChanges, most: number, name = place.name): Promise<FileState | undefined> {
  const found = place.stat(name);
  if (found === undefined) return undefined;
  const kind = kindOf(found);
  const common = (now: BigIntStats) => ({
    device: now.dev.toString(), inode: now.ino.toString(), mode: Number(now.mode & 0o7777n), uid: Number(now.uid), gid: Number(now.gid),
    accessed: now.atimeNs.toString(), modified: now.mtimeNs.toString(), changed: now.ctimeNs.toString(), links: Number(now.nlink),
  });
  const encoded = (one: { name: string; value: Buffer }) => ({ name: one.name, value: one.value.toString('base64') });
  if (kind === 'symlink') {
    const target = nameOf(readlinkSync(place.at(name), 'buffer'));
    return { kind, size: Buffer.from(bytesOf(target)).length, sha256: createHash('sha256').update(bytesOf(target)).digest('hex'), target, ...common(found), attributes: changes.attributes(place.at(name)).map(encoded) };
  }
  if (kind !== 'file') throw notAFile(place.path, kind);
  const fd = place.open(name);
  try {
    const opened = fstatSync(fd, { bigint: true });
    if (!opened.isFile() || opened.ino !== found.ino) throw changedMeanwhile(place.path);
    if (opened.size > BigInt(most)) throw new MoatError<ActionErrorCode>('refused', `${place.path} has ${opened.size} bytes, at most ${most} are taken`, { text: { zh: `${place.path} 有 ${opened.size} 字节，最多只收 ${most} 字节`, en: `${place.path} has ${opened.size} bytes, at most ${most} are taken` }, hint: 'end what uses it, then remove it by hand' });
    const sha256 = await digestOf(fd, most);
    const flags = changes.flags(fd);
    const attributes = changes.attributes(place.at(name)).map(encoded);
    const after = fstatSync(fd, { bigint: true });
    if (sha256 === undefined || after.size !== opened.size || after.mtimeNs !== opened.mtimeNs || place.stat(name)?.ino !== opened.ino) throw changedMeanwhile(place.path);
    // The access time as it was before it was read.
    return { kind, size: Number(opened.size), sha256, ...common(after), attributes, accessed: opened.atimeNs.toString(), ...(flags !== undefined && { flags }) };
  } finally { closeSync(fd); }
}

export const changedMeanwhile = (path: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('changed', `${path} has become another file since it was looked at`, { text: { zh: `${path} 在查看之后已变成另一个文件`, en: `${path} has become another file since it was looked at` }, hint: 'look again' });

function notAFile(path: string, kind: string): MoatError<ActionErrorCode> {
  const zh = { folder: '目录', fifo: '命名管道', socket: '套接字', device: '设备节点' }[kind] ?? kind;
  const en = { folder: 'a folder', fifo: 'a named pipe', socket: 'a socket', device: 'a device node' }[kind] ?? kind;
  return new MoatError<ActionErrorCode>('refused', `${path} is ${en}: only files and symbolic links are taken`, { text: { zh: `${path} 是${zh}：只处理文件与符号链接`, en: `${path} is ${en}: only files and symbolic links are taken` }, ...(kind === 'folder' && { hint: 'name the files in it' }) });
}

/** SHA-256 of an open file, in pieces between which others have their turn; undefined when it grew beyond `most`. */
async function digestOf(fd: number, most: number): Promise<string | undefined> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(pieceBytes);
  for (let at = 0; ;) {
    const n = readSync(fd, piece, 0, piece.length, at);
    if (n === 0) return hash.digest('hex');
    at += n;
    if (at > most) return undefined;
    hash.update(piece.subarray(0, n));
    await breathe();
  }
}

/** Same in all that comes back, flags of chattr and access time aside: the first are set last, the second changes by itself. */
export function isSame(a: FileState, b: FileState): boolean {
  return a.kind === b.kind && a.size === b.size && a.sha256 === b.sha256 && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.modified === b.modified && sameAttributes(a, b);
}

const sameAttributes = (a: Pick<FileState, 'attributes'>, b: Pick<FileState, 'attributes'>): boolean => JSON.stringify(a.attributes) === JSON.stringify(b.attributes);

/** The same file as it was planned, as far as one look tells: nobody wrote to it or put another in its place. */
export function isStill(state: FileState, found: BigIntStats): boolean {
  return found.ino.toString() === state.inode && Number(found.size) === state.size && found.mtimeNs.toString() === state.modified && (found.isSymbolicLink() ? 'symlink' : 'file') === state.kind;
}

/**
 * A new file under `name` with this state but for the flags of chattr; `write` gives it its content. On disk when it resolves.
 * What had the name is gone: it is one of our own.
 */
export async function make(place: Place, name: string, state: FileState, changes: FileChanges, write: (fd: number) => Promise<void>): Promise<void> {
  place.remove(name);
  try {
    await fill(place, name, state, changes, write);
  } catch (error) {
    // A full disk, or a vault that was tampered with: no half of it is left lying about.
    place.remove(name);
    throw error;
  }
  place.sync();
}

async function fill(place: Place, name: string, state: FileState, changes: FileChanges, write: (fd: number) => Promise<void>): Promise<void> {
  const at = place.at(name);
  if (state.kind === 'symlink') {
    symlinkSync(bytesOf(state.target ?? ''), at);
    lchownSync(at, state.uid, state.gid);
    dress(at, state, changes);
    return;
  }
  const fd = openSync(at, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    await write(fd);
    // A new owner takes set-uid and capabilities away, so they come after.
    fchownSync(fd, state.uid, state.gid);
    fchmodSync(fd, state.mode);
    dress(at, state, changes);
    fsyncSync(fd);
  } finally { closeSync(fd); }
}

function dress(at: string | Buffer, state: FileState, changes: FileChanges): void {
  const wanted = new Map(state.attributes.map(({ name, value }) => [name, Buffer.from(value, 'base64')]));
  const there = changes.attributes(at);
  // What a folder's default ACL put there.
  for (const { name } of there) if (!wanted.has(name)) changes.removeAttribute(at, name);
  for (const [name, value] of wanted) if (!there.some((one) => one.name === name && one.value.equals(value))) changes.setAttribute(at, name, value);
  changes.setTimes(at, BigInt(state.accessed), BigInt(state.modified));
}

/** Makes a file's flags these; false when nothing has the name, or a link does. */
export function setFlags(place: Place, name: string, flags: number | undefined, changes: FileChanges): boolean {
  if (flags === undefined || place.stat(name)?.isFile() !== true) return false;
  const fd = place.open(name);
  try {
    changes.setFlags(fd, flags);
    return true;
  } finally { closeSync(fd); }
}

/** Lets a name be changed: takes the flags of chattr that forbid it from the file. */
export function unlock(place: Place, name: string, state: FileState, changes: FileChanges): void {
  if (isLocked(state.flags)) setFlags(place, name, unlocked(state.flags ?? 0), changes);
}

/** CHOWN, DAC_OVERRIDE, FOWNER and FSETID: without these a file could be taken away and not put back as it was. */
const neededRights = [0n, 1n, 3n, 4n];
/** Needed for what only some files have. */
const setFileCapabilities = 31n, linuxImmutable = 9n;

/**
 * May this process take the file away and put it back? A service in a sandbox often may not, and then nothing is to be begun.
 * `locked`: the folder has flags of chattr that are taken off first. Throws MoatError 'refused'.
 */
export function ensureRights(place: Place, file: FileState, locked: boolean): void {
  const refuse = (zh: string, en: string): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', en, { text: { zh, en }, hint: 'give the service these rights: docs/guide/response.md' });
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const needed = [...neededRights, ...file.attributes.some(({ name }) => name === 'security.capability') ? [setFileCapabilities] : [], ...locked || isLocked(file.flags) ? [linuxImmutable] : []];
  if (needed.some((bit) => (effective & (1n << bit)) === 0n)) throw refuse('Moat 没有改动他人文件并原样放回的权限（缺少 capability）', 'Moat lacks the rights to change the files of others and put them back as they were (capabilities)');
  if (locked) return;
  try {
    accessSync(place.at('.'), constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(`Moat 无法在 ${place.path} 所在的目录中改动文件（${code === 'EROFS' ? '对它是只读的' : code ?? ''}）`, `Moat cannot change files in the folder of ${place.path} (${code === 'EROFS' ? 'it is read-only for it' : code ?? ''})`);
  }
}

/**
 * Works in the folder of a file, whose own flags of chattr are taken off for that long. `flags`: as they were when it was planned,
 * so that a crash in between is mended by the next call.
 */
export function inFolder<T>(path: string, flags: number | undefined, changes: FileChanges, work: (place: Place) => Promise<T>): Promise<T> {
  return withPlace(path, async (place) => {
    if (!isLocked(flags)) return await work(place);
    changes.setFlags(place.folder, unlocked(flags ?? 0));
    try {
      return await work(place);
    } finally { changes.setFlags(place.folder, flags ?? 0); }
  });
}
