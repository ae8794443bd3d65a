/**
 * A name in a folder that is held open. Who can rename folders above a path can make it mean another file between two looks; what
 * is opened, renamed and removed here is reached through the open folder, so that swapped folders lead nowhere else.
 */
import { closeSync, constants, fstatSync, fsyncSync, lstatSync, openSync, realpathSync, renameSync, rmSync, statSync, type BigIntStats } from 'node:fs';
import { MoatError } from '../core/error.ts';
import { noAccessTime, readFlags } from './file-change.ts';
import { bytesOf, nameOf } from './file-names.ts';

export type PlaceErrorCode = 'bad-input' | 'not-there' | 'changed';

/** The folder as it was planned: `inode` decimal. Its device is not kept, for it may be another number after a reboot. */
export interface FolderIdentity { inode: string; uid: number }

const pathMax = 4096;
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Of a path from outside: absolute, with a last name. Text as `nameOf` makes it. Throws MoatError 'bad-input'. */
export function parsePath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/') || path.length > pathMax || path.includes('\0')) throw new MoatError<PlaceErrorCode>('bad-input', `expected the full path of a file, got ${JSON.stringify(path)?.slice(0, 200) ?? 'none'}`);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name === '.' || name === '..') throw new MoatError<PlaceErrorCode>('bad-input', `expected the path of a file, got that of a folder: ${path.slice(0, 200)}`);
  return path;
}

/**
 * The same file with the links of its folders followed; its own name is not. Throws MoatError 'not-there', and 'bad-input' for a way
 * through /proc into another root (that of a container): as text it would lead to this machine's file of that name.
 */
export function realPlace(path: string): string {
  const cut = path.lastIndexOf('/');
  try {
    const asked = bytesOf(path.slice(0, cut) || '/');
    const folder = nameOf(realpathSync.native(asked, 'buffer'));
    const [there, here] = [statSync(asked, { bigint: true }), statSync(bytesOf(folder), { bigint: true })];
    if (there.ino !== here.ino || there.dev !== here.dev) throw new MoatError<PlaceErrorCode>('bad-input', `expected a path of this machine, got one into another root: ${path.slice(0, 200)}`, { text: { zh: `${path.slice(0, 200)} 经 /proc 通向另一个根（容器），请给出本机上的路径`, en: `expected a path of this machine, got one into another root: ${path.slice(0, 200)}` } });
    return `${folder === '/' ? '' : folder}/${path.slice(cut + 1)}`;
  } catch (error) {
    if (error instanceof MoatError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
    throw new MoatError<PlaceErrorCode>('not-there', `expected a file at ${path}, its folder is not there`, { cause: error });
  }
}

export class Place {
  readonly folder: number;
  readonly name: string;
  readonly path: string;

  /** Walks down from the root, following no link: a real path only. To be closed. Throws MoatError 'not-there', 'changed' when a folder has become a link. */
  constructor(path: string) {
    const [, ...parts] = path.split('/');
    this.path = path;
    this.name = parts.pop() ?? '';
    let at = openSync('/', folderFlags);
    for (const part of parts) {
      const from = at;
      try {
        at = openSync(joined(`/proc/self/fd/${from}`, part), folderFlags);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') throw new MoatError<PlaceErrorCode>('not-there', `expected the folder of ${path}, ${part} is not there`, { cause: error });
        if (code === 'ELOOP' || code === 'ENOTDIR') throw new MoatError<PlaceErrorCode>('changed', `expected the folder of ${path}, ${part} is a link or no folder any more`, { cause: error });
        throw error;
      } finally { closeSync(from); }
    }
    this.folder = at;
  }

  /** How the system reaches this name, or another in the same folder. */
  at(name = this.name): string | Buffer { return joined(`/proc/self/fd/${this.folder}`, name); }

  /** Undefined when nothing has this name. */
  stat(name = this.name): BigIntStats | undefined { return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false }); }

  identity(): FolderIdentity {
    const { ino, uid } = fstatSync(this.folder, { bigint: true });
    return { inode: ino.toString(), uid: Number(uid) };
  }

  /** Opens for reading; no link, no trace in the access time where that is allowed. To be closed. */
  open(name = this.name): number {
    try {
      return openSync(this.at(name), readFlags | noAccessTime);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      return openSync(this.at(name), readFlags);
    }
  }

  rename(from: string, to: string): void { renameSync(this.at(from), this.at(to)); }

  /** Nothing happens when nothing has this name; a folder is not removed. */
  remove(name: string): void { rmSync(this.at(name), { force: true }); }

  /** What was named and removed is on disk. */
  sync(): void { fsyncSync(this.folder); }

  close(): void { closeSync(this.folder); }
}

function joined(folder: string, name: string): string | Buffer {
  const bytes = bytesOf(name);
  return typeof bytes === 'string' ? `${folder}/${bytes}` : Buffer.concat([Buffer.from(`${folder}/`), bytes]);
}

/** Opens the place, works, closes it. */
export async function withPlace<T>(path: string, work: (place: Place) => Promise<T> | T): Promise<T> {
  const place = new Place(path);
  try {
    return await work(place);
  } finally { place.close(); }
}
