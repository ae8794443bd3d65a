/** The files of chosen folders as entries, in the order of the walk, digests taken ahead by threads. */
import { createHash } from 'node:crypto';
import { MoatError, reasonOf } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { isBelowWebRoot, isWebEntryText } from '../core/web-files.ts';
import type { Digests, Taken } from '../linux/digests.ts';
import type { PackageIndex } from '../linux/packages/index.ts';
import type { PackageOwners } from '../linux/packages/owners.ts';
import { ClosedMountError } from '../linux/file-systems.ts';
import type { FileStat, Tree } from '../linux/tree.ts';
import { comparePaths, isWithin, type Entry } from './entry.ts';

export interface Looking {
  tree: Tree;
  digests: Digests;
  /** Undefined where there are no packages. A function is asked when the first file needs it, which for a comparison that finds nothing is never. */
  index: PackageIndex | undefined | (() => Promise<PackageIndex | undefined>);
  /** Whose files at and below these paths they are, where that can be had for less than the index; the index when left out. */
  owners?: ((within: readonly string[]) => Promise<PackageOwners | undefined>) | undefined;
  signal: AbortSignal;
  /** Extended attributes and flags can be asked for. */
  attributes: boolean;
  /** Mount points that are not gone into, with the type of each. The tree itself refuses those that nobody may even ask (ClosedMountError). */
  over: ReadonlyMap<string, string> | undefined;
  count(what: string, n?: number): void;
  /** A folder or file that could not be looked at. */
  blind(path: string, why: Text): void;
}

/** Digests under way. */
const aheadMax = 4096;
const depthMax = 1024;
const unseenMax = 100_000;
const attributesMax = 64;
/** Text of an entry file that is kept. */
const keptTextMax = 32 * 1024;

/** Digests of files with several names, kept for the other names. */
type Shared = Map<string, Promise<Taken>>;
const sharedMax = 20_000;

/** Folders and files that nobody could look at: what was known of them, and of what lies below them, is neither gone nor as it was. */
export class Unseen {
  readonly #paths = new Set<string>();

  /** Throws MoatError 'broken' at too many: then nothing can be said any more. */
  add(path: string): void {
    if (this.#paths.size >= unseenMax) throw new MoatError('broken', `expected to look at ${path}, more than ${unseenMax} files and folders could not be looked at`, { zh: `没能查的文件和目录超过 ${unseenMax} 个` });
    this.#paths.add(path);
  }

  has(path: string): boolean {
    if (this.#paths.size === 0) return false;
    for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (this.#paths.has(at)) return true;
    return this.#paths.has('/');
  }
}

export interface Walking { /** Begin behind this path. */ after?: string | undefined; /** Told of what could not be looked at, before what comes behind it is yielded. */ unseen?: Unseen }

/** Without their packages: `ownedEntry` adds them. */
export async function* records(folders: readonly string[], exclude: readonly string[], looking: Looking, walking: Walking = {}): AsyncGenerator<Entry> {
  const shared: Shared = new Map();
  const ahead: Promise<Entry | undefined>[] = [];
  let first = 0;
  for (const { path, stat } of walk(folders, exclude, looking, walking)) {
    const work = record(path, stat, looking, shared);
    // Whoever takes it from the row is told of its failure.
    work.catch(() => undefined);
    ahead.push(work);
    if (ahead.length - first < aheadMax) continue;
    const entry = await ahead[first++];
    if (first === aheadMax) { void ahead.splice(0, first); first = 0; }
    if (entry) yield entry;
  }
  for (const work of ahead.slice(first)) {
    looking.signal.throwIfAborted();
    const entry = await work;
    if (entry) yield entry;
  }
}

/** Whose files at and below these paths they are, by the packages. */
export function ownersOf({ index, owners }: Looking, within: readonly string[]): Promise<PackageOwners | undefined> {
  if (owners) return owners(within);
  return typeof index === 'function' ? index() : Promise.resolve(index);
}

export function ownedEntry(entry: Entry, owners: PackageOwners | undefined): Entry {
  const owner = entry.kind === 'folder' ? undefined : owners?.owner(entry.path);
  if (owner) entry.package = `${owner.package.name} ${owner.package.version}`;
  return entry;
}

/** The entry of this very path; undefined when there is nothing. */
export async function recordAt(path: string, looking: Looking): Promise<Entry | undefined> {
  const stat = told(path, looking, () => looking.tree.stat(path));
  return stat && record(path, stat, looking);
}

/** Those that are there, each once, none within another, in the order of the walk. */
export function outermost(folders: readonly string[]): string[] {
  const sorted = [...new Set(folders.map((folder) => folder.replace(/\/+$/, '') || '/'))].sort(comparePaths);
  return sorted.filter((folder) => !sorted.some((other) => other !== folder && isWithin(folder, other)));
}

interface Walked { path: string; stat: FileStat }

function* walk(folders: readonly string[], exclude: readonly string[], looking: Looking, walking: Walking): Iterable<Walked> {
  for (const folder of outermost(folders)) yield* below(folder, new Set(exclude), looking, walking);
}

/** Passed over: what comes before `after` and does not hold it. */
const isDone = (path: string, after: string | undefined): boolean => after !== undefined && comparePaths(path, after) <= 0;

interface Level { path: string; names: readonly string[]; next: number }

/** A stack of its own: generators within generators would hand each entry up through all of them. */
function* below(top: string, exclude: ReadonlySet<string>, looking: Looking, { after, unseen }: Walking): Iterable<Walked> {
  const { tree, signal, over } = looking;
  const onBlind = (path: string): void => { unseen?.add(path); };
  const levels: Level[] = [{ path: top.slice(0, top.lastIndexOf('/')), names: [top.slice(top.lastIndexOf('/') + 1)], next: 0 }];
  for (let level = levels.at(-1); level; level = levels.at(-1)) {
    const name = level.names[level.next++];
    if (name === undefined) { levels.pop(); continue; }
    const path = name === '' ? '/' : `${level.path}/${name}`;
    signal.throwIfAborted();
    if (exclude.has(path) || (isDone(path, after) && !isWithin(after!, path))) continue;
    const stat = told(path, looking, () => tree.stat(path), onBlind);
    if (!stat) { if (tree.isClosed?.(path)) onBlind(path); continue; }
    if (!isDone(path, after)) yield { path, stat };
    if (stat.kind !== 'folder') continue;
    const mount = over?.get(path);
    if (mount !== undefined) { looking.count(`mounts passed over: ${mount}`); continue; }
    if (levels.length > depthMax) { looking.blind(path, { zh: '目录太深', en: 'too deep' }); onBlind(path); continue; }
    levels.push({ path: path === '/' ? '' : path, names: told(path, looking, () => tree.list(path), onBlind) ?? [], next: 0 });
  }
}

function told<T>(path: string, looking: Looking, look: () => T, onBlind?: (path: string) => void): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    onBlind?.(path);
    if (error instanceof ClosedMountError && error.mount.leftOut) looking.count(`mounts passed over: ${error.mount.type}`);
    else looking.blind(path, reasonOf(error));
    return undefined;
  }
}

/** Undefined for what vanished meanwhile. */
async function record(path: string, stat: FileStat, looking: Looking, shared?: Shared): Promise<Entry | undefined> {
  const { tree } = looking;
  const taking = stat.kind === 'file' ? take(path, stat, looking, shared) : undefined;
  const entry: Entry = { path, kind: stat.kind, mode: stat.mode, uid: stat.uid, gid: stat.gid, size: stat.kind === 'file' || stat.kind === 'link' ? stat.size : 0, modified: stat.modified, changed: stat.changed, inode: stat.inode, links: stat.kind === 'folder' ? 0 : stat.links };
  if (stat.kind === 'link') entry.target = tree.link(path) ?? '';
  const attributes = looking.attributes ? told(path, looking, () => attributesOf(tree, path)) : undefined;
  if (attributes) entry.attributes = attributes;
  const flags = looking.attributes && (stat.kind === 'file' || stat.kind === 'folder') ? told(path, looking, () => tree.flags(path)) : undefined;
  if (flags?.immutable || flags?.appendOnly) entry.flags = `${flags.immutable ? 'i' : ''}${flags.appendOnly ? 'a' : ''}`;
  return taking ? withDigest(entry, await taking, looking) : entry;
}

/** A file of several names is read once, as long as it is the very file in the very state that another name led to. */
async function take(path: string, stat: FileStat, { digests }: Looking, shared: Shared | undefined): Promise<Taken> {
  if (!shared || stat.links < 2 || stat.size === 0) return digests.take(path, 'sha256', stat.size);
  const key = `${stat.device}:${stat.inode}`;
  const before = shared.get(key);
  if (before) {
    const taken = await before;
    if (taken.state === 'taken' && taken.device === stat.device && taken.inode === stat.inode && taken.size === stat.size && taken.changed === stat.changed && taken.modified === stat.modified) return taken;
    return digests.take(path, 'sha256', stat.size);
  }
  const taking = digests.take(path, 'sha256', stat.size);
  if (shared.size >= sharedMax) shared.clear();
  shared.set(key, taking);
  return taking;
}

/** The numbers that the digest holds for: the file may have been replaced since it was walked by. */
function withDigest(entry: Entry, taken: Taken, looking: Looking): Entry | undefined {
  switch (taken.state) {
    case 'taken': {
      const { hex, size, modified, changed, inode } = taken;
      const text = keptText(entry.path, size, hex, looking);
      Object.assign(entry, { size, modified, changed, inode, sha256: hex });
      if (text !== undefined) entry.text = text;
      return entry;
    }
    case 'gone':
      if (told(entry.path, looking, () => looking.tree.stat(entry.path)) === undefined) { looking.count('files that vanished while looked at'); return undefined; }
      return { ...entry, unread: 'changed' };
    case 'changed': looking.count('files that were written to while they were read'); return { ...entry, unread: 'changed' };
    case 'too-large': looking.count('files too large to be read: compared by size and times'); return { ...entry, unread: 'too-large' };
    case 'denied': case 'broken': looking.blind(entry.path, taken.why); return { ...entry, unread: taken.state };
  }
}

/** Only what has the digest, and is text. */
function keptText(path: string, size: number, hex: string, { tree }: Looking): string | undefined {
  if (size === 0 || size > keptTextMax || !isWebEntryText(path.slice(path.lastIndexOf('/') + 1)) || !isBelowWebRoot(path)) return undefined;
  try {
    const bytes = tree.read(path, keptTextMax)?.bytes;
    if (!bytes || createHash('sha256').update(bytes).digest('hex') !== hex) return undefined;
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes) ? text : undefined;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return undefined; // the digest was taken all the same
  }
}

function attributesOf(tree: Tree, path: string): Record<string, string> | undefined {
  const names = tree.attributeNames?.(path) ?? [];
  if (names.length === 0) return undefined;
  // Whoever adds so many changes those that are kept, and that is told.
  return Object.fromEntries(names.slice(0, attributesMax).map((name) => [name, tree.attribute(path, name)?.toString('base64') ?? '']));
}
