/** dpkg's database below var/lib/dpkg: status, info/*.list and *.md5sums, diversions; and status.d of distroless images. */
import { isAscii } from 'node:buffer';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Slices } from '../slices.ts';
import type { Tree } from '../tree.ts';
import { bytesOf, nameOf, nameOfLatin1 } from '../file-names.ts';
import { PackagesError } from './error.ts';
import type { Collector } from './collect.ts';
import { hashOf, LineSet, PathLines, sameBytes } from './line-set.ts';
import { isFile, isFolder, readWhole, Scratch } from './read.ts';
import { byteText } from './slots.ts';

const home = '/var/lib/dpkg';
const none = Buffer.alloc(0);
const statusMax = 128 * 2 ** 20;
const listMax = 64 * 2 ** 20;
const diversionsMax = 8 * 2 ** 20;

interface Paragraph { package: string; version: string; architecture: string; multiArch: boolean; status: string; conffiles: string }

/** Where the database shows that it changed. */
export const dpkgPlaces = [`${home}/status`, `${home}/status.d`, `${home}/diversions`, `${home}/info`, `${home}/updates`];
export const dpkgLocks = [`${home}/lock`, `${home}/lock-frontend`];

/** All that dpkg has here is its database with lists: no packages of a distroless image beside it. */
export const hasDpkgLists = (tree: Tree): boolean => isFile(tree, `${home}/status`) && !isFolder(tree, `${home}/status.d`);
export const hasDpkg = (tree: Tree): boolean => isFile(tree, `${home}/status`) || isFolder(tree, `${home}/status.d`);

/** Adds every package and its files. Throws PackagesError when the status cannot be read; a list that cannot is counted and its package has no files. */
export async function readDpkg(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  if (isFolder(tree, `${home}/status.d`)) await readStatusFolder(tree, into, slices);
  if (!isFile(tree, `${home}/status`)) return;
  const listBytes = new Scratch();
  const sumBytes = new Scratch();
  const work = newWork();
  await eachList(tree, into, slices, async ({ name, number, paragraph, info, diverted }) => {
    const list = await readBytes(tree, `${home}/info/${name}.list`, listMax, slices, listBytes);
    const sums = info.has(`${name}.md5sums`) ? await readBytes(tree, `${home}/info/${name}.md5sums`, listMax, slices, sumBytes) : none;
    await addFiles(list, sums, { number, name: paragraph.package, conffiles: paragraph.conffiles, diverted }, work, into, slices);
  });
}

/** A list as it was read, valid until the next one is; `moved` says where one of its paths that are `diverted` lies. Texts have one character a byte. */
export interface DpkgList { bytes: Buffer; number: number; diverted: ReadonlySet<string>; moved: (path: string) => string }

/** Hands over the lists alone. Throws as `readDpkg`. */
export async function readDpkgLists(tree: Tree, into: Collector, slices: Slices, take: (list: DpkgList) => void): Promise<void> {
  const scratch = new Scratch();
  await eachList(tree, into, slices, async ({ name, number, paragraph, diverted }) => {
    const bytes = await readBytes(tree, `${home}/info/${name}.list`, listMax, slices, scratch);
    take({ bytes, number, diverted: diverted.froms, moved: (path) => byteText(diverted.path(nameOfLatin1(path), paragraph.package)) });
  });
}

interface Listed { number: number; paragraph: Paragraph; /** Of its files in info. */ name: string; info: ReadonlySet<string>; diverted: Diversions }

/** `work` is done for each package that has a list; when it throws, that is told and the next one has its turn. */
async function eachList(tree: Tree, into: Collector, slices: Slices, work: (listed: Listed) => Promise<void>): Promise<void> {
  const status = await readBytes(tree, `${home}/status`, statusMax, slices);
  const info = new Set(tree.list(`${home}/info`));
  const diverted = parseDiversions(await optional(tree, `${home}/diversions`, diversionsMax, slices) ?? none);
  for (const paragraph of paragraphs(status)) {
    if (slices.due()) await slices.rest();
    if (paragraph.package === '' || /\bnot-installed$/.test(paragraph.status)) continue;
    const qualified = `${paragraph.package}:${paragraph.architecture}`;
    const name = paragraph.multiArch && info.has(`${qualified}.list`) ? qualified : paragraph.package;
    if (!isFileName(name)) { into.count('dpkg: packages whose name is none'); continue; }
    const number = into.package({ manager: 'dpkg', name: paragraph.package, version: paragraph.version, arch: paragraph.architecture });
    if (number === undefined) continue;
    if (!info.has(`${name}.list`)) { into.count('dpkg: packages without a list of files'); continue; }
    try {
      await work({ number, paragraph, name, info, diverted });
    } catch (error) {
      if (slices.aborted) throw error;
      into.count('dpkg: lists of files that cannot be read');
      const { zh, en } = saidBy(error);
      into.fault({ zh: `${name}：${zh}`, en: `${name}: ${en}` });
    }
  }
}

interface Owner { number: number; name: string; conffiles: string; diverted: Diversions }

/** Kept from list to list: what is made anew for each of a thousand is a tenth of the work. */
interface Work { lines: PathLines; folders: LineSet; digests: LineSet }
const newWork = (): Work => ({ lines: new PathLines(), folders: new LineSet(), digests: new LineSet() });

/** Lines that are gone through without a look at the clock. */
const portion = 2048;

/**
 * Works on bytes: a hundred thousand lines made into texts, cut and looked up as texts cost three times as much. What is rare
 * (settings, diversions) is looked up as text.
 */
async function addFiles(list: Buffer, sums: Buffer, owner: Owner, { lines: listed, folders, digests }: Work, into: Collector, slices: Slices): Promise<void> {
  const config = new Map(conffilesOf(Buffer.from(owner.conffiles)));
  digests.clear(sums);
  folders.clear(list);
  listed.clear(list);
  for (let at = 0; at < sums.length;) { at = addDigests(sums, at, digests, into); if (slices.due()) await slices.rest(); }
  while (listed.more()) if (slices.due()) await slices.rest();
  for (let i = 0; i < listed.length; i += portion) { addFolders(listed, i, folders, into); if (slices.due()) await slices.rest(); }
  const inside = { from: 0, to: -1, text: '' };
  for (let i = 0; i < listed.length; i += portion) {
    const to = Math.min(listed.length, i + portion);
    for (let line = i; line < to; line++) addFile(line);
    if (slices.due()) await slices.rest();
  }
  if (digests.left > 0) into.strangers.add(into.packages[owner.number]!);

  function addFile(i: number): void {
    const from = listed.from[i]!;
    const to = listed.to[i]!;
    const slash = listed.slash[i]!;
    const hash = listed.hash[i]!;
    if (to - from <= 2 && isRoot(list, from, to)) return;
    if (folders.find(hash, list, from, to) >= 0) return;
    // A digest's path is written from the root on, without the slash.
    const sum = list[from] === slashByte ? digests.take(hash, list, from + 1, to) : -1;
    const moved = owner.diverted.hashes.has(hash);
    if (moved || config.size > 0) { addRare(textAt(list, from, to), sum, moved); return; }
    if (slash < from) { into.count('paths that are none'); return; }
    if (!sameBytes(list, from, slash, inside.from, inside.to)) {
      inside.from = from;
      inside.to = slash;
      inside.text = textAt(list, from, slash);
    }
    into.table.addBytes(inside.text, list, slash + 1, to, owner.number, sums.length === 0 ? undefined : sums, sum);
  }

  function addRare(line: string, sum: number, moved: boolean): void {
    const path = moved ? owner.diverted.path(line, owner.name) : line;
    const hex = config.get(line) ?? (sum < 0 ? undefined : sums.toString('latin1', sum, sum + 32));
    const slash = path.lastIndexOf('/');
    if (slash < 0) { into.count('paths that are none'); return; }
    into.file(path.slice(0, slash), path.slice(slash + 1), owner.number, { digest: hex === undefined ? undefined : { algorithm: 'md5', hex }, config: config.has(line), undigested: hex === undefined && sums.length > 0 });
  }
}

/** `hash  path` with the path relative to the root, some lines from `at` on. Returns where the next begins. */
function addDigests(sums: Buffer, at: number, digests: LineSet, into: Collector): number {
  for (let n = 0; n < portion && at < sums.length; n++) {
    let end = sums.indexOf(newline, at);
    if (end < 0) end = sums.length;
    if (end - at > 34 && sums[at + 32] === 32) {
      const from = sums[at + 34] === dotByte && sums[at + 35] === slashByte ? at + 36 : at + 34;
      if (!digests.add(hashOf(sums, from, end), from, end, at)) into.count('dpkg: digests left out, names collide');
    }
    at = end + 1;
  }
  return at;
}

/** Folders stand in a list like files: what something else stands in is one. An empty one passes for a file. */
function addFolders({ bytes, length, from, slash, folderHash }: PathLines, first: number, folders: LineSet, into: Collector): void {
  const end = Math.min(length, first + portion);
  for (let i = first, last = -1; i < end; i++) {
    const begin = from[i]!;
    const to = slash[i]!;
    if (to < begin || (last >= 0 && sameBytes(bytes, begin, to, from[last]!, slash[last]!))) continue;
    last = i;
    if (!folders.add(folderHash[i]!, begin, to)) into.count('dpkg: folders left out, names collide');
  }
}

/** `/` and `/.`, the root itself. */
const isRoot = (list: Buffer, from: number, to: number): boolean => list[from] === slashByte && (to - from === 1 || list[from + 1] === dotByte);

/** Distroless images keep one file a package in status.d and no lists: what is shipped is what has a digest. */
async function readStatusFolder(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  const names = tree.list(`${home}/status.d`) ?? [];
  const all = new Set(names);
  const work = newWork();
  for (const name of names) {
    if (slices.due()) await slices.rest();
    if (name.endsWith('.md5sums') || !isFileName(name)) continue;
    const [paragraph] = paragraphs(await optional(tree, `${home}/status.d/${name}`, statusMax, slices) ?? none);
    if (!paragraph || paragraph.package === '') { into.count('dpkg: packages whose name is none'); continue; }
    const number = into.package({ manager: 'dpkg', name: paragraph.package, version: paragraph.version, arch: paragraph.architecture });
    const sums = number !== undefined && all.has(`${name}.md5sums`) ? await optional(tree, `${home}/status.d/${name}.md5sums`, listMax, slices) : undefined;
    if (number === undefined || sums === undefined) continue;
    const list = Buffer.from([...lines(sums)].map((line) => `/${line.slice(line.startsWith('./', 34) ? 36 : 34)}`).join('\n'));
    await addFiles(list, sums, { number, name: paragraph.package, conffiles: paragraph.conffiles, diverted: undiverted }, work, into, slices);
  }
}

/** The path at which a package's file really lies. */
interface Diversions {
  path(path: string, owner: string): string;
  /** Of the paths that are moved, as `hashOf` gives them: all others stay where they are. */
  hashes: ReadonlySet<number>;
  /** The same as texts with one character a byte. */
  froms: ReadonlySet<string>;
}
const undiverted: Diversions = { path: (path) => path, hashes: new Set(), froms: new Set() };

/** Three lines each: from, to, and the package that keeps the place; `:` when a person diverted it, which moves everybody's file. */
function parseDiversions(bytes: Buffer): Diversions {
  const moved = new Map<string, { to: string; by: string }>();
  const hashes = new Set<number>();
  const all = [...lines(bytes)];
  for (let i = 0; i + 2 < all.length; i += 3) {
    const from = all[i]!;
    moved.set(from, { to: all[i + 1]!, by: all[i + 2]! });
    const key = bytesOf(from);
    const written = typeof key === 'string' ? Buffer.from(key) : key;
    hashes.add(hashOf(written, written[0] === slashByte ? 1 : 0, written.length));
  }
  return {
    hashes, froms: new Set([...moved.keys()].map(byteText)),
    path(path, owner) {
      const entry = moved.get(path);
      return entry && entry.by !== owner ? entry.to : path;
    },
  };
}

function* conffilesOf(field: Buffer): Iterable<[string, string]> {
  for (const line of lines(field)) {
    // ` /etc/name md5`, perhaps followed by a word such as obsolete; `newconffile` stands where it was never installed.
    const words = line.trim().split(' ', 64);
    const at = words.findLastIndex((word) => word.length === 32 && /^[0-9a-f]+$/.test(word));
    if (at > 0) yield [words.slice(0, at).join(' '), words[at] ?? ''];
  }
}

const newline = 10;
const slashByte = 47;
const dotByte = 46;

/** Lines that are not empty. They may be parts of one large text: who keeps one makes it `own`. */
function* lines(bytes: Buffer): Iterable<string> {
  // One text for all of them costs a fraction of one for each; bytes beyond ASCII are read by themselves, for they may be no UTF-8.
  const all = isAscii(bytes) ? bytes.toString('latin1') : undefined;
  let at = 0;
  while (at < bytes.length) {
    let end = all === undefined ? bytes.indexOf(newline, at) : all.indexOf('\n', at);
    if (end < 0) end = bytes.length;
    if (end > at) yield all === undefined ? textAt(bytes, at, end) : all.slice(at, end);
    at = end + 1;
  }
}

function textAt(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to);
  // A replacement character may stand for bytes that are no UTF-8.
  return text.includes('\ufffd') ? nameOf(bytes.subarray(from, to)) : text;
}

function* paragraphs(bytes: Buffer): Iterable<Paragraph> {
  let at = 0;
  while (at < bytes.length) {
    let end = bytes.indexOf('\n\n', at);
    if (end < 0) end = bytes.length;
    yield paragraph(bytes.subarray(at, end));
    at = end + 2;
  }
}

function paragraph(text: Buffer): Paragraph {
  const out: Paragraph = { package: '', version: '', architecture: '', multiArch: false, status: '', conffiles: '' };
  let inConffiles = false;
  for (const line of lines(text)) {
    if (line.startsWith(' ') || line.startsWith('\t')) { if (inConffiles) out.conffiles += `${line}\n`; continue; }
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    const key = line.slice(0, colon).toLowerCase();
    inConffiles = key === 'conffiles';
    switch (key) {
      case 'package': out.package = value; break;
      case 'version': out.version = value; break;
      case 'config-version': out.version ||= value; break;
      case 'architecture': out.architecture = value; break;
      case 'multi-arch': out.multiArch = value === 'same'; break;
      case 'status': out.status = value; break;
      default:
    }
  }
  return out;
}

/** Names become parts of paths. */
const isFileName = (name: string): boolean => name.length > 0 && name.length <= 250 && !name.startsWith('.') && !/[/\0]/.test(name);

async function readBytes(tree: Tree, path: string, max: number, slices: Slices, scratch?: Scratch): Promise<Buffer> {
  try {
    return await readWhole(tree, path, max, slices, scratch);
  } catch (error) {
    if (slices.aborted || error instanceof PackagesError || !(error instanceof MoatError)) throw error;
    throw new PackagesError('broken', `expected a readable file of dpkg, got ${error.message}`, { zh: `读不了 dpkg 的文件 ${path}：${saidBy(error).zh}`, cause: error });
  }
}

async function optional(tree: Tree, path: string, max: number, slices: Slices): Promise<Buffer | undefined> {
  return isFile(tree, path) ? readBytes(tree, path, max, slices) : undefined;
}
