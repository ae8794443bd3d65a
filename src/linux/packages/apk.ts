/** apk's database of what is installed (Alpine): one text file of paragraphs. */
import { MoatError, saidBy } from '../../core/error.ts';
import type { Slices } from '../slices.ts';
import type { Tree } from '../tree.ts';
import type { Collector } from './collect.ts';
import { PackagesError } from './error.ts';
import { Folders, isFile, readWhole } from './read.ts';
import type { Digest, FileRow } from './table.ts';

const homes = ['/lib/apk/db', '/usr/lib/apk/db'];
const databaseMax = 256 * 2 ** 20;
const regular = 0o100000;
const linkMode = 0o777;

/** Where the database shows that it changed. */
export const apkPlaces = homes.map((home) => `${home}/installed`);
export const apkLocks = homes.map((home) => `${home}/lock`);

export const hasApk = (tree: Tree): boolean => placesOf(tree).length > 0;

/** A home that is a link to the other counts once. */
function placesOf(tree: Tree): string[] {
  const folders = new Folders(tree);
  const real = new Set(homes.flatMap((home) => folders.real(home) ?? []));
  return [...real].map((home) => `${home}/installed`).filter((path) => isFile(tree, path));
}

/** Adds every package and its files. Throws PackagesError when the database cannot be read. */
export async function readApk(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  for (const path of placesOf(tree)) {
    let bytes: Buffer;
    try {
      bytes = await readWhole(tree, path, databaseMax, slices);
    } catch (error) {
      if (slices.aborted || error instanceof PackagesError || !(error instanceof MoatError)) throw error;
      throw new PackagesError('broken', `expected a readable database of apk, got ${error.message}`, { zh: `读不了 apk 的数据库 ${path}：${saidBy(error).zh}`, cause: error });
    }
    for (let at = 0; at < bytes.length;) {
      if (slices.due()) await slices.rest();
      let end = bytes.indexOf('\n\n', at);
      if (end < 0) end = bytes.length;
      await addPackage(bytes.toString('utf8', at, end), into, slices);
      at = end + 2;
    }
  }
}

/**
 * Lines `letter:value`. F: begins a folder, R: a file in it; a: (owner and mode) and Z: (digest) tell of the file before them.
 * A file without a: is root's with mode 0644.
 */
async function addPackage(paragraph: string, into: Collector, slices: Slices): Promise<void> {
  const head = { name: '', version: '', arch: '' };
  let number: number | undefined;
  let folder = '';
  let file: { name: string; mode: number; digest: Digest | undefined } | undefined;
  const finish = (): void => {
    if (file && number !== undefined) into.file(folder, file.name, number, rowOf(folder, file));
    file = undefined;
  };
  let n = 0;
  for (const line of paragraph.split('\n')) {
    if ((++n & 63) === 0 && slices.due()) await slices.rest();
    if (line[1] !== ':') continue;
    const value = line.slice(2);
    switch (line[0]) {
      case 'P': head.name = value; break;
      case 'V': head.version = value; break;
      case 'A': head.arch = value; break;
      case 'F':
        finish();
        folder = value === '' ? '' : `/${value}`;
        break;
      case 'R':
        finish();
        if (head.name === '') { into.count('apk: files of no package'); break; }
        number ??= into.package({ manager: 'apk', ...head });
        file = { name: value, mode: 0o644, digest: undefined };
        break;
      case 'a': if (file) file.mode = modeOf(value) ?? file.mode; break;
      case 'Z':
        if (!file) break;
        file.digest = digestOf(value);
        if (!file.digest) into.count('digests that are none');
        break;
      default:
    }
  }
  finish();
  // A package may own nothing, and yet be there.
  if (number === undefined && head.name !== '') into.package({ manager: 'apk', ...head });
}

/** What lies below /etc may be changed by people: apk itself puts a new version beside it. */
const rowOf = (folder: string, { mode, digest }: { mode: number; digest: Digest | undefined }): FileRow => ({
  digest, config: folder === '/etc' || folder.startsWith('/etc/'),
  // Links carry 0777, and whether this is one is not said: nothing can be compared then.
  mode: mode === linkMode ? undefined : regular | mode,
});

/** `uid:gid:mode`. */
function modeOf(value: string): number | undefined {
  const octal = /^\d{1,10}:\d{1,10}:([0-7]{1,5})/.exec(value)?.[1];
  return octal === undefined ? undefined : Number.parseInt(octal, 8) & 0o7777;
}

/** Q1 and SHA-1, or Q2 and SHA-256, in base64. Of a link, of what it says. */
function digestOf(value: string): Digest | undefined {
  const algorithm = value.startsWith('Q1') ? 'sha1' : value.startsWith('Q2') ? 'sha256' : undefined;
  const bytes = Buffer.from(value.slice(2), 'base64');
  return algorithm !== undefined && bytes.length === (algorithm === 'sha1' ? 20 : 32) ? { algorithm, hex: bytes.toString('hex') } : undefined;
}
