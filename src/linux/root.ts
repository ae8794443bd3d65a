/**
 * A file tree that is looked at from outside: the machine itself, a mounted disk or an unpacked image.
 * Symbolic links inside it are followed as if it were `/`, so that nothing leads out of it.
 */
import { constants, lstatSync, readlinkSync, type Stats } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';

export type RootErrorCode = 'too-large' | 'no-file' | 'links';

const linksMax = 40;
const depthMax = 128;

/** Memory for reading many files one after the other: what is freed in pieces does not come back to the system. */
export class Scratch {
  #bytes = Buffer.alloc(0);

  take(size: number): Buffer {
    if (size > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(Math.max(1 << 16, Math.ceil(size * 1.25)));
    return this.#bytes.subarray(0, size);
  }
}

export class Root {
  /** As the system sees it, without a slash at its end; empty for `/` itself. */
  readonly prefix: string;
  /** Folders already followed. */
  readonly #known = new Map<string, string>([['', ''], ['/', '']]);

  constructor(root = '/') { this.prefix = join('/', root).replace(/\/+$/, ''); }

  /**
   * Where this folder really is, seen from inside; one that is not there stays as it is written. Touches the disk
   * once a folder. Throws MoatError 'links' for links that go round or too deep: the system would follow them otherwise than we do.
   */
  folder(path: string): string { return this.#follow(path, { links: linksMax }, 0); }

  /** The same, undefined instead of 'links'. */
  tryFolder(path: string): string | undefined {
    try {
      return this.folder(path);
    } catch (error) {
      if (error instanceof MoatError && error.code === 'links') return undefined;
      throw error;
    }
  }

  /** Where this file really is, seen from inside: its folder followed, its own name not. */
  file(path: string): string {
    const slash = path.lastIndexOf('/');
    return `${this.folder(path.slice(0, slash))}/${path.slice(slash + 1)}`;
  }

  /** The same for the system: to be opened with O_NOFOLLOW. */
  outside(path: string): string { return this.prefix + this.file(path); }

  /** A regular file, opened without following its own name. Throws MoatError 'no-file' for a folder, link, pipe or device. */
  async open(path: string): Promise<FileHandle> {
    const file = await open(this.outside(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!(await file.stat()).isFile()) throw new MoatError<RootErrorCode>('no-file', `expected a regular file, got something else in ${this.prefix}${path}`);
      return file;
    } catch (error) { await file.close(); throw error; }
  }

  /** The whole of a file of at most `max` bytes; in the scratch memory, when one is given, until it is used again. */
  async read(path: string, max: number, scratch?: Scratch): Promise<Buffer> {
    const file = await this.open(path);
    try {
      const { size } = await file.stat();
      if (size > max) throw new MoatError<RootErrorCode>('too-large', `expected at most ${max} bytes, got ${size} in ${this.prefix}${path}`);
      const bytes = scratch ? scratch.take(size) : Buffer.allocUnsafe(size);
      let have = 0;
      while (have < size) {
        const { bytesRead } = await file.read(bytes, have, size - have, have);
        if (bytesRead === 0) break;
        have += bytesRead;
      }
      return bytes.subarray(0, have);
    } finally { await file.close(); }
  }

  list(folder: string): Promise<string[]> { return readdir(this.prefix + this.folder(folder) || '/'); }

  /** Of the file itself, not of what it links to; undefined when it is not there. */
  stat(path: string): Stats | undefined {
    try {
      return lstatSync(this.outside(path), { throwIfNoEntry: false });
    } catch (error) {
      // A file where a folder should be, or links that lead nowhere: what was asked for is not there.
      if ((error instanceof MoatError && error.code === 'links') || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  #follow(path: string, left: { links: number }, depth: number): string {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    if (depth > depthMax) throw tooMany(this.prefix + path);
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const parent = this.#follow(path.slice(0, Math.max(0, slash)), left, depth + 1);
    const here = name === '' || name === '.' ? parent : name === '..' ? parent.slice(0, Math.max(0, parent.lastIndexOf('/'))) : this.#step(`${parent}/${name}`, parent, left, depth);
    this.#known.set(path, here);
    return here;
  }

  #step(path: string, parent: string, left: { links: number }, depth: number): string {
    const target = linkOf(this.prefix + path);
    if (target === undefined) return path;
    if (left.links-- <= 0) throw tooMany(this.prefix + path);
    return this.#follow(target.startsWith('/') ? target.replace(/\/+$/, '') : `${parent}/${target}`, left, depth + 1);
  }
}

function linkOf(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch { return undefined; /* not readable or no folder: it stays as written */ }
}

const tooMany = (path: string): MoatError<RootErrorCode> => new MoatError('links', `expected at most ${linksMax} links and ${depthMax} folders on the way, got more at ${path}`);
