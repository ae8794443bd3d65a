/** dpkg's database below var/lib/dpkg: status, info/*.list and *.md5sums, diversions; and status.d of distroless images. */
import { isAscii } from 'node:buffer';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Slices } from '../slices.ts';
import type { Tree } from '../tree.ts';
import { nameOf } from '../file-names.ts';
import { PackagesError } from './error.ts';
import type { Collector } from './collect.ts';
import { isFile, isFolder, readWhole, Scratch } from './read.ts';

const home = '/var/lib/dpkg';
const none = Buffer.alloc(0);
const statusMax = 128 * 2 ** 20;
const listMax = 64 * 2 ** 20;
const diversionsMax = 8 * 2 ** 20;

interface Paragraph { package: string; version: string; architecture: string; multiArch: boolean; status: string; conffiles: string }

/** Where the database shows that it changed. */
export const dpkgPlaces = [`${home}/status`, `${home}/status.d`, `${home}/diversions`, `${home}/info`, `${home}/updates`];
export const dpkgLocks = [`${home}/lock`, `${home}/lock-frontend`];

export const hasDpkg = (tree: Tree): boolean => isFile(tree, `${home}/status`) || isFolder(tree, `${home}/status.d`);

/** Adds every package and its files. Throws PackagesError when the status cannot be read; a list that cannot is counted and its package has no files. */
export async function readDpkg(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  if (isFolder(tree, `${home}/status.d`)) await readStatusFolder(tree, into, slices);
  if (!isFile(tree, `${home}/status`)) return;
  const status = await readBytes(tree, `${home}/status`, statusMax, slices);
  const info = new Set(tree.list(`${home}/info`));
  const diverted = parseDiversions((await optional(tree, `${home}/diversions`, diversionsMax, slices) ?? none).toString());
  const listBytes = new Scratch();
  const sumBytes = new Scratch();
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
      const list = await readBytes(tree, `${home}/info/${name}.list`, listMax, slices, listBytes);
      const sums = info.has(`${name}.md5sums`) ? await readBytes(tree, `${home}/info/${name}.md5sums`, listMax, slices, sumBytes) : none;
      await addFiles(list, sums, { number, name: paragraph.package, conffiles: paragraph.conffiles, diverted }, into, slices);
    } catch (error) {
      if (slices.aborted) throw error;
      into.count('dpkg: lists of files that cannot be read');
      const { zh, en } = saidBy(error);
      into.fault({ zh: `${name}：${zh}`, en: `${name}: ${en}` });
    }
  }
}

interface Owner { number: number; name: string; conffiles: string; diverted: Diversions }

async function addFiles(list: Buffer, sums: Buffer, owner: Owner, into: Collector, slices: Slices): Promise<void> {
  const digests = new Map<string, string>();
  for (const line of lines(sums)) {
    if ((digests.size & 255) === 0 && slices.due()) await slices.rest();
    // `hash  path` with the path relative to the root.
    if (line.charCodeAt(32) === 32 && line.length > 34) digests.set(line.slice(line.startsWith('./', 34) ? 36 : 34), line.slice(0, 32));
  }
  const config = new Map(conffilesOf(Buffer.from(owner.conffiles)));
  let n = 0;
  // Folders stand in a list like files: what something else stands in is one. An empty one passes for a file.
  const folders = new Set<string>();
  let last = '/';
  const listed = [...lines(list)];
  for (const line of listed) {
    if ((++n & 255) === 0 && slices.due()) await slices.rest();
    const slash = line.lastIndexOf('/');
    if (slash !== last.length || !line.startsWith(last)) folders.add(last = line.slice(0, Math.max(0, slash)));
  }
  let inside = '/';
  for (const line of listed) {
    if ((++n & 63) === 0 && slices.due()) await slices.rest();
    if (folders.has(line) || line === '/.' || line === '/') continue;
    const digest = config.get(line) ?? digests.get(line.slice(1));
    digests.delete(line.slice(1));
    const path = owner.diverted(line, owner.name);
    const slash = path.lastIndexOf('/');
    if (slash < 0) { into.count('paths that are none'); continue; }
    if (slash !== inside.length || !path.startsWith(inside)) inside = path.slice(0, slash);
    into.file(inside, path.slice(slash + 1), owner.number, { digest: digest === undefined ? undefined : { algorithm: 'md5', hex: digest }, config: config.has(line) });
  }
  if (digests.size > 0) into.strangers.add(into.packages[owner.number]!);
}

/** Distroless images keep one file a package in status.d and no lists: what is shipped is what has a digest. */
async function readStatusFolder(tree: Tree, into: Collector, slices: Slices): Promise<void> {
  const names = tree.list(`${home}/status.d`) ?? [];
  const all = new Set(names);
  for (const name of names) {
    if (slices.due()) await slices.rest();
    if (name.endsWith('.md5sums') || !isFileName(name)) continue;
    const [paragraph] = paragraphs(await optional(tree, `${home}/status.d/${name}`, statusMax, slices) ?? none);
    if (!paragraph || paragraph.package === '') { into.count('dpkg: packages whose name is none'); continue; }
    const number = into.package({ manager: 'dpkg', name: paragraph.package, version: paragraph.version, arch: paragraph.architecture });
    const sums = number !== undefined && all.has(`${name}.md5sums`) ? await optional(tree, `${home}/status.d/${name}.md5sums`, listMax, slices) : undefined;
    if (number === undefined || sums === undefined) continue;
    const list = Buffer.from([...lines(sums)].map((line) => `/${line.slice(line.startsWith('./', 34) ? 36 : 34)}`).join('\n'));
    await addFiles(list, sums, { number, name: paragraph.package, conffiles: paragraph.conffiles, diverted: (path) => path }, into, slices);
  }
}

/** The path at which a package's file really lies. */
type Diversions = (path: string, owner: string) => string;

/** Three lines each: from, to, and the package that keeps the place; `:` when a person diverted it, which moves everybody's file. */
function parseDiversions(text: string): Diversions {
  const moved = new Map<string, { to: string; by: string }>();
  const all = text.split('\n');
  for (let i = 0; i + 2 < all.length; i += 3) moved.set(all[i] ?? '', { to: all[i + 1] ?? '', by: all[i + 2] ?? '' });
  return (path, owner) => {
    const entry = moved.get(path);
    return entry && entry.by !== owner ? entry.to : path;
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
