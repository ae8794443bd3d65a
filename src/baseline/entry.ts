/** One file as a baseline remembers it, and as a line of text. */
import type { FileKind } from '../linux/tree.ts';

/** Why there is no digest of a regular file. */
export type Unread = 'changed' | 'gone' | 'too-large' | 'denied' | 'broken';

export interface Entry {
  path: string;
  kind: FileKind;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Unix ms. */
  modified: number;
  changed: number;
  inode: number;
  links: number;
  /** Of a regular file, hexadecimal. */
  sha256?: string;
  unread?: Unread;
  /** What a link says. */
  target?: string;
  /** Extended attributes, values in base64. */
  attributes?: Record<string, string>;
  /** Flags of chattr: i immutable, a append-only. */
  flags?: string;
  /** Owner by the package databases: `name version`. */
  package?: string;
  /** Of a small entry file of a web site: what it says, to tell which lines changed. */
  text?: string;
}

const kinds: readonly FileKind[] = ['file', 'folder', 'link', 'pipe', 'socket', 'block-device', 'character-device'];
type More = Pick<Entry, 'unread' | 'target' | 'attributes' | 'flags' | 'package' | 'text'>;

export function lineOf({ path, kind, mode, uid, gid, size, modified, changed, inode, links, sha256, ...more }: Entry): string {
  const digest = sha256 === undefined ? 0 : Buffer.from(sha256, 'hex').toString('base64url');
  return JSON.stringify([path, kinds.indexOf(kind), mode, uid, gid, size, modified, changed, inode, links, digest, ...(Object.keys(more).length > 0 ? [more] : [])]);
}

/** Reads what `lineOf` wrote; the line was authenticated before. */
export function entryOf(line: string): Entry {
  const [path, kind, mode, uid, gid, size, modified, changed, inode, links, digest, more] = JSON.parse(line) as [string, number, number, number, number, number, number, number, number, number, string | 0, More?];
  return { path, kind: kinds[kind] ?? 'file', mode, uid, gid, size, modified, changed, inode, links, ...(digest !== 0 && { sha256: Buffer.from(digest, 'base64url').toString('hex') }), ...more };
}

/** The order of the walk: a folder, then what is in it, names by their code units. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    return x === slash ? -1 : y === slash ? 1 : x - y;
  }
  return a.length - b.length;
}
const slash = 47;

/** Is it this path, or below it? */
export const isWithin = (path: string, folder: string): boolean => path === folder || folder === '/' || (path.startsWith(folder) && path.charCodeAt(folder.length) === slash);
