/** The files that an image is delivered as: members of a tar archive, or of a folder. */
import type { DiskTree } from '../disk-tree.ts';
import { nameOf } from '../file-names.ts';
import type { OpenFile } from '../tree.ts';
import { part, type Bytes } from './bytes.ts';
import { ImageError } from './error.ts';
import { tarEntries } from './tar.ts';

export interface Archive {
  /** The bytes of a member; undefined when there is none. Throws what the file system throws. */
  member(name: string): Bytes | undefined;
  /** It holds folders that a root of Linux has. */
  readonly root: boolean;
  /** Why it could not be read to its end. */
  readonly fault: ImageError | undefined;
  close(): void;
}

const membersMax = 100_000;
const linksMax = 40;
const rootFolders = new Set(['bin', 'sbin', 'lib', 'lib64', 'usr', 'etc', 'var']);

/** Members of a tar archive by name; of a root exported as one only the first are kept, for it needs none. */
export function tarArchive(source: Bytes, signal: AbortSignal, count: (what: string, n?: number) => void): Archive {
  const places = new Map<string, { at: number; size: number } | { link: string }>();
  let root = false;
  let fault: ImageError | undefined;
  let left = 0;
  try {
    let seen = 0;
    for (const { kind, name, target, position, stored, pieces } of tarEntries(source, () => undefined)) {
      if (++seen % 4096 === 0) signal.throwIfAborted();
      const written = cleaned(nameOf(name.subarray(0, 4096)));
      const top = written.slice(0, (written.indexOf('/') + 1 || written.length + 1) - 1);
      if (rootFolders.has(top)) root = true;
      if (kind === 'folder' || pieces) continue;
      if (places.size >= membersMax) { left++; continue; }
      if (kind === 'file') places.set(written, { at: position, size: stored });
      else if (kind === 'link') places.set(written, { link: cleaned(`${written.slice(0, written.lastIndexOf('/') + 1)}${nameOf(target)}`) });
      else if (kind === 'hard-link') places.set(written, { link: cleaned(nameOf(target)) });
    }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    fault = error;
  }
  if (left > 0 && !root) count('members of an archive beyond the limit', left);
  return {
    root, fault,
    member(name) {
      let at = cleaned(name);
      for (let links = 0; links <= linksMax; links++) {
        const place = places.get(at);
        if (!place) return undefined;
        if ('at' in place) return part(source, place.at, place.size);
        at = place.link;
      }
      return undefined;
    },
    close: () => undefined,
  };
}

/** A folder with an image in it; links that lead out of it lead nowhere. */
export function folderArchive(folder: DiskTree): Archive {
  const files: OpenFile[] = [];
  return {
    root: [...rootFolders].some((name) => folder.stat(`/${name}`) !== undefined),
    fault: undefined,
    member(name) {
      const real = folder.real(`/${cleaned(name)}`);
      const file = real === undefined ? undefined : folder.open(real);
      if (file) files.push(file);
      return file && whollyRead(file);
    },
    close() { for (const file of files.splice(0)) file.close(); },
  };
}

/** The system may give less than was asked for though there is more. */
function whollyRead(file: OpenFile): Bytes {
  return {
    size: file.size,
    read(into, position) {
      let done = 0;
      while (done < into.length) {
        const got = file.read(into.subarray(done), position + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    },
  };
}

/** Without `.`, `..` and doubled slashes; it cannot lead upwards. */
function cleaned(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
