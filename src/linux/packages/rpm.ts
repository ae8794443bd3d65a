/** rpm's database in any of its three forms. */
import { saidBy } from '../../core/error.ts';
import type { Slices } from '../slices.ts';
import type { Tree } from '../tree.ts';
import type { Collector } from './collect.ts';
import { PackagesError } from './error.ts';
import { Pages } from './pages.ts';
import { Folders, isFile, openIn, placeIn } from './read.ts';
import { bdbHeaders } from './rpm-bdb.ts';
import { parseHeader } from './rpm-header.ts';
import { ndbHeaders } from './rpm-ndb.ts';
import { sqliteHeaders } from './rpm-sqlite.ts';

const folders = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];
const forms = ['rpmdb.sqlite', 'Packages.db', 'Packages'] as const;
const databaseMax = 2 ** 30;

/** Where the database shows that it changed. */
export const rpmPlaces = folders.flatMap((folder) => [...forms, 'rpmdb.sqlite-wal'].map((name) => `${folder}/${name}`));
export const rpmLocks = folders.map((folder) => `${folder}/.rpm.lock`);

export const hasRpm = (tree: Tree): boolean => placesOf(tree).length > 0;

/** The database of each folder that has one; a folder that links to the other counts once. */
function placesOf(tree: Tree): { path: string; form: (typeof forms)[number] }[] {
  const seen = new Set<string>();
  const where = new Folders(tree);
  return folders.flatMap((folder) => {
    const real = where.real(folder);
    if (real === undefined || seen.has(real)) return [];
    seen.add(real);
    const form = forms.find((name) => (tree.stat(`${real}/${name}`)?.size ?? 0) > 0);
    return form === undefined ? [] : [{ path: `${real}/${form}`, form }];
  });
}

/** Adds every package and its files. Throws PackagesError when a database is none; a package that is broken is counted and left out. */
export async function readRpm(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  for (const { path, form } of placesOf(tree)) {
    const files: Pages[] = [];
    const open = (name: string): Pages => {
      const pages = new Pages(openIn(tree, name), placeIn(tree, name), slices);
      files.push(pages);
      if (pages.size > databaseMax) throw new PackagesError('too-large', `expected at most ${databaseMax} bytes, got ${pages.size} in ${pages.path}`, { zh: `${pages.path} 有 ${pages.size} 字节，超过上限 ${databaseMax}` });
      return pages;
    };
    try {
      const count = (what: string): void => into.count(what);
      const database = open(path);
      switch (form) {
        case 'rpmdb.sqlite': {
          const wal = isFile(tree, `${path}-wal`) ? open(`${path}-wal`) : undefined;
          await addAll(sqliteHeaders(database, wal), into, slices);
          break;
        }
        case 'Packages.db': await addAll(ndbHeaders(database, count), into, slices); break;
        case 'Packages': await addAll(bdbHeaders(database, count), into, slices); break;
      }
    } finally { for (const file of files) file.close(); }
  }
}

async function addAll(headers: AsyncIterable<Buffer>, into: Collector, slices: Slices): Promise<void> {
  for await (const blob of headers) {
    if (slices.due()) await slices.rest();
    try {
      const header = parseHeader(blob);
      const number = into.package({ manager: 'rpm', name: header.name, version: header.version, arch: header.arch });
      if (number === undefined) continue;
      let n = 0;
      for (const file of header.files()) {
        into.file(file.folder, file.name, number, file);
        if ((++n & 63) === 0 && slices.due()) await slices.rest();
      }
    } catch (error) {
      if (!(error instanceof PackagesError)) throw error;
      into.count('rpm: packages that are broken');
      into.fault(saidBy(error));
    }
  }
}
