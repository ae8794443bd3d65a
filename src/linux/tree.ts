/**
 * A file tree that is looked at: the running machine, a mounted disk, or an image that was never unpacked.
 * Paths are absolute as seen from inside; symbolic links are followed as if the tree were `/`, so that nothing leads
 * out of it. Calls are synchronous: a scan is a process of its own and a system call costs less than a turn of the loop.
 *
 * Names that are no valid UTF-8 come with each bad byte as a code unit U+DC80–U+DCFF (Python's surrogateescape) and can be handed
 * back as they are.
 */
import type { Text } from '../core/text.ts';
import { ClosedMountError, type ClosedMount } from './file-systems.ts';

export type FileKind = 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'block-device' | 'character-device';

export interface FileStat {
  kind: FileKind;
  /** Permission bits with set-uid, set-gid and sticky: 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Bytes on disk; less than size for a sparse file. */
  allocated: number;
  links: number;
  inode: number;
  device: number;
  /** Unix ms. */
  modified: number;
  changed: number;
  /** Undefined where the file system or image does not keep it. */
  born: number | undefined;
}

export interface OpenFile {
  readonly size: number;
  /** Bytes read into `into` from `position` on; 0 at the end. */
  read(into: Uint8Array, position: number): number;
  close(): void;
}

export interface Tree {
  readonly kind: 'machine' | 'folder' | 'image';
  /** What a person calls it: `/`, `/mnt/disk`, `app.tar`. */
  readonly name: string;
  /** Of the path itself, not of what it links to; undefined when it is not there. Throws TreeError 'denied' or 'broken'. */
  stat(path: string): FileStat | undefined;
  /** The path with every link followed, its own too; undefined when it leads nowhere, or round. */
  real(path: string): string | undefined;
  /** What a symbolic link says; undefined for anything else. */
  link(path: string): string | undefined;
  /** Names in a folder, sorted; undefined when there is no such folder. Throws TreeError 'denied' or 'broken'. */
  list(folder: string): string[] | undefined;
  /** The same, unsorted and a few at a time, for folders of millions. To be read to the end or left by `return`. Throws as `list` does, at any name. */
  names(folder: string): Iterable<string> | undefined;
  /** The first `max` bytes of a regular file, links followed; undefined when there is none. Throws TreeError 'denied' or 'broken'. */
  read(path: string, max?: number): { bytes: Buffer; /** The file goes on. */ cut: boolean } | undefined;
  /** A regular file, its own name not followed; undefined when there is none. Throws TreeError. */
  open(path: string): OpenFile | undefined;
  /** Value of an extended attribute such as security.capability; undefined when there is none or the file system keeps none. */
  attribute(path: string, name: string): Buffer | undefined;
  /** Names of its extended attributes, sorted; not there where a tree cannot list them. */
  attributeNames?(path: string): string[];
  /** Flags of chattr; undefined where the file system has none. */
  flags(path: string): { immutable: boolean; appendOnly: boolean } | undefined;
  /** The same file for the system and other programs, its own name not followed; undefined for an image. */
  outside(path: string): string | undefined;
  /** It lies on a mount that is not looked into, so that nobody knows whether it is there. Only of `withoutClosed`. */
  isClosed?(path: string): boolean;
}

/** Somebody was led by `path` to a mount that is not looked into. */
export type OnClosed = (path: string, mount: ClosedMount) => void;

/** The tree, for which nothing is there on mounts that are not looked into; `onClosed` is told of each path that leads to one. */
export function withoutClosed(tree: Tree, onClosed?: OnClosed): Tree {
  const ask = <T>(path: string, look: () => T): T | undefined => {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof ClosedMountError)) throw error;
      onClosed?.(path, error.mount);
      return undefined;
    }
  };
  const isClosed = (path: string): boolean => {
    try {
      tree.outside(path);
      return false;
    } catch (error) { return error instanceof ClosedMountError; }
  };
  return {
    kind: tree.kind, name: tree.name, isClosed,
    stat: (path) => ask(path, () => tree.stat(path)), real: (path) => ask(path, () => tree.real(path)), link: (path) => ask(path, () => tree.link(path)), list: (folder) => ask(folder, () => tree.list(folder)), names: (folder) => ask(folder, () => tree.names(folder)),
    read: (path, max) => ask(path, () => tree.read(path, max)), open: (path) => ask(path, () => tree.open(path)), attribute: (path, name) => ask(path, () => tree.attribute(path, name)), flags: (path) => ask(path, () => tree.flags(path)), outside: (path) => ask(path, () => tree.outside(path)),
    ...(tree.attributeNames && { attributeNames: (path: string) => ask(path, () => tree.attributeNames!(path)) ?? [] }),
  };
}

/**
 * The tree, for somebody who is told of each path that was to be read and is a pipe, socket or device: whoever opens it reads what
 * nobody can look at here. /dev/null is nothing.
 */
export function tellingSpecials(tree: Tree, onSpecial: (path: string, why: Text) => void): Tree {
  return {
    kind: tree.kind, name: tree.name,
    stat: (path) => tree.stat(path), real: (path) => tree.real(path), link: (path) => tree.link(path), list: (folder) => tree.list(folder), names: (folder) => tree.names(folder),
    open: (path) => tree.open(path), attribute: (path, name) => tree.attribute(path, name), flags: (path) => tree.flags(path), outside: (path) => tree.outside(path),
    ...(tree.attributeNames && { attributeNames: (path: string) => tree.attributeNames!(path) }), ...(tree.isClosed && { isClosed: (path: string) => tree.isClosed!(path) }),
    read(path, max) {
      const read = tree.read(path, max);
      if (read) return read;
      const real = tree.real(path);
      const kind = real === undefined || real === '/dev/null' ? undefined : tree.stat(real)?.kind;
      if (kind !== undefined && kind !== 'file' && kind !== 'folder' && kind !== 'link') onSpecial(path, noFile(kind));
      return undefined;
    },
  };
}

const specials: Partial<Record<FileKind, Text>> = { 'pipe': { zh: '命名管道', en: 'a named pipe' }, 'socket': { zh: '套接字', en: 'a socket' }, 'block-device': { zh: '块设备', en: 'a block device' }, 'character-device': { zh: '字符设备', en: 'a character device' } };
/** Something that nobody can look at where a file was expected. */
function noFile(kind: FileKind): Text {
  const { zh, en } = specials[kind] ?? { zh: kind, en: kind };
  return { zh: `不是文件而是${zh}：程序从那里读到什么，看不到`, en: `expected a file, got ${en}: what a program reads there cannot be looked at` };
}

/** What a date can be made of: some file systems and images keep times of billions of years, and whoever writes one out would fail. */
const timeMax = 8_640_000_000_000_000;
export const saneTime = (ms: number): number => (ms >= -timeMax && ms <= timeMax ? ms : ms > 0 ? timeMax : -timeMax);

/** The largest text that is read whole unless a check says otherwise. */
export const textMax = 1 << 20;

/** The first `max` bytes of an open file, which is closed. */
export function headOf(file: OpenFile, max = textMax): { bytes: Buffer; cut: boolean } {
  try {
    // Files of /proc and /sys say 0 and hold more; others may grow or shrink while they are read.
    const bytes = Buffer.allocUnsafe(Math.min(max, file.size === 0 ? 65_536 : file.size) + 1);
    const parts: Buffer[] = [];
    let total = 0;
    while (total <= max) {
      const got = file.read(bytes.subarray(0, Math.min(bytes.length, max + 1 - total)), total);
      if (got === 0) break;
      parts.push(Buffer.from(bytes.subarray(0, got)));
      total += got;
    }
    const all = Buffer.concat(parts);
    return { bytes: all.subarray(0, max), cut: all.length > max };
  } finally { file.close(); }
}

/** Text of a file, invalid UTF-8 replaced, cut at `max` bytes; undefined when there is no such regular file. */
export function textOf(tree: Tree, path: string, max = textMax): string | undefined {
  return tree.read(path, max)?.bytes.toString('utf8');
}

/** What can be read in a folder with its full path: files, links and pipes, not its folders; empty when there is none. */
export function filesIn(tree: Tree, folder: string): string[] {
  const base = folder.replace(/\/$/, '');
  return (tree.list(folder) ?? []).map((name) => `${base}/${name}`).filter((path) => {
    const kind = tree.stat(path)?.kind;
    return kind === 'file' || kind === 'link' || kind === 'pipe';
  });
}
