/** The baseline of a tree: made, compared, taken over, verified. */
import { compareFile, type PackageIndex } from '../linux/packages/index.ts';
import type { PackageOwners } from '../linux/packages/owners.ts';
import { changeOf, sideBySide, type Change } from './compare.ts';
import { isWithin, type Entry } from './entry.ts';
import { BaselineError } from './error.ts';
import { outermost, ownedEntry, ownersOf, records, Unseen, type Looking } from './records.ts';
import { BaselineReader, BaselineWriter, type Accepted, type Summary } from './store.ts';

/**
 * A file that a package manager changed: it is what its package ships now, and the package is of another version than it was (`from`
 * empty for a new one, `to` for one that is gone).
 */
export interface Upgrade { name: string; from: string; to: string }
/** `shipped`: the file is what its package ships, though the package is of the same version: it was put right, or the baseline was made of a changed one. */
export interface JudgedChange extends Change { upgrade: Upgrade | undefined; shipped: boolean }

/** What a baseline looks at when nothing else is said; those that are not there are passed over. */
export const usualFolders: readonly string[] = [
  '/etc', '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/boot', '/opt', '/root', '/var/spool/cron', '/srv/www', '/srv/http', '/var/www', '/www/wwwroot', '/www/server/panel',
];
/** What changes all the time and starts nothing. */
export const usualExclude: readonly string[] = ['/root/.cache', '/root/.npm', '/root/.local/share/Trash', '/root/.local/state', '/usr/src', '/etc/mtab', '/etc/adjtime', '/etc/resolv.conf'];

const pathsMax = 100_000;
const tellNotCompared = (looking: Looking): void => { looking.count('entries of the baseline not compared: they could not be looked at'); };

export interface Making { folders?: readonly string[]; exclude?: readonly string[]; now: number; onProgress?: (files: number, path: string) => void }

/** Makes a baseline in the place of the one that is there; goes on with one that was broken off. Throws BaselineError and the signal's reason. */
export async function createBaseline(path: string, key: Buffer, looking: Looking, { folders = usualFolders, exclude = usualExclude, now, onProgress = () => undefined }: Making): Promise<Summary & { resumed: boolean }> {
  const scope = { tree: looking.tree.name, folders: outermost(absolute(folders)), exclude: absolute(exclude), created: now };
  const resumed = BaselineWriter.resume(path, key, scope);
  const writer = resumed?.writer ?? BaselineWriter.begin(path, key, scope);
  try {
    let files = 0;
    // Asked for when the first digests are under way.
    let owners: { are: PackageOwners | undefined } | undefined;
    for await (const entry of records(scope.folders, scope.exclude, looking, { after: resumed?.after })) {
      owners ??= { are: await ownersOf(looking, scope.folders) };
      writer.add(ownedEntry(entry, owners.are));
      onProgress(++files, entry.path);
    }
    writer.finish({ updated: now, accepted: [] });
  } catch (error) {
    writer.abandon(true);
    throw error;
  }
  return { ...verifyBaseline(path, key), resumed: resumed !== undefined };
}

/** Reads and authenticates all of it. Throws BaselineError. */
export function verifyBaseline(path: string, key: Buffer): Summary {
  const reader = new BaselineReader(path, key);
  try {
    for (const block of reader.blocks()) void block;
    return reader.summary();
  } finally { reader.close(); }
}

/** What is not as it was. Nothing is yielded for what is. Throws BaselineError where the baseline does not hold, which is worse than any change. */
export async function* diffBaseline(path: string, key: Buffer, looking: Looking, onProgress: (files: number, path: string) => void = () => undefined): AsyncGenerator<JudgedChange> {
  const reader = new BaselineReader(path, key);
  try {
    let files = 0;
    const { folders, exclude } = reader.head;
    const unseen = new Unseen();
    for await (const [before, after] of sideBySide(reader.entries(), records(folders, exclude, looking, { unseen }))) {
      onProgress(++files, (after ?? before)!.path);
      if (!after && unseen.has(before!.path)) { tellNotCompared(looking); continue; }
      const change = changeOf(before, after);
      if (change) yield await judged(change, looking);
    }
  } finally { reader.close(); }
}

/** What to take over: everything, what package managers did, or what lies at and below these paths. */
export type Wanted = 'all' | 'packages' | readonly string[];

export interface Accepting extends Pick<Making, 'now' | 'onProgress'> {
  /** Look at these paths alone and at what is below them, for 'all' and 'packages'. */
  within?: readonly string[];
  /** Nothing is written: what would be taken over is returned. */
  dry?: boolean;
  /** Told of what changed and is not taken over. */
  onOther?: (change: JudgedChange) => Promise<void> | void;
}

/** Writes the baseline anew with the wanted changes in it; the old one stays when package managers did nothing, and when it throws BaselineError. Returns what was taken over. */
export async function acceptChanges(path: string, key: Buffer, looking: Looking, wanted: Wanted, { now, within, dry = false, onOther, onProgress = () => undefined }: Accepting): Promise<{ changes: JudgedChange[]; dropped: number; summary: Summary }> {
  const reader = new BaselineReader(path, key);
  const { head } = reader;
  const paths = typeof wanted === 'string' ? within && absolute(within) : absolute(wanted);
  const outside = paths?.find((one) => !head.folders.some((folder) => isWithin(one, folder)));
  if (outside !== undefined) { reader.close(); throw new BaselineError('bad-path', `expected a path below ${head.folders.join(', ')}, got ${outside}`, { zh: `${outside} 不在基线覆盖的目录（${head.folders.join('、')}）里`, hint: { zh: '用 --folder 包括它，重做基线', en: 'make the baseline anew with --folder to include it' } }); }
  const changes: JudgedChange[] = [];
  let dropped = 0;
  const groups = new Map<string, Accepted>();
  let writer: BaselineWriter | undefined;
  try {
    // Paths are looked at alone; the rest of the baseline is taken as it stands.
    const unseen = new Unseen();
    const fresh = records(paths ?? head.folders, head.exclude, looking, { unseen });
    writer = dry ? undefined : BaselineWriter.begin(path, key, head, 'accept');
    let files = 0;
    let owners: { are: PackageOwners | undefined } | undefined;
    for await (const [before, after] of sideBySide(reader.entries(), fresh)) {
      const at = (after ?? before)!.path;
      onProgress(++files, at);
      // What nobody could look at stays as it was remembered.
      const isUnseen = !after && unseen.has(at);
      if (isUnseen) tellNotCompared(looking);
      const inScope = !isUnseen && (!paths || paths.some((one) => isWithin(at, one)));
      const change = inScope ? changeOf(before, after) : undefined;
      const found = change && await judged(change, looking);
      const take = found && (wanted !== 'packages' || found.upgrade !== undefined || found.action === 'touched');
      const entry: Entry | undefined = take ? after && ownedEntry(after, (owners ??= { are: await ownersOf(looking, paths ?? head.folders) }).are) : before;
      if (entry) writer?.add(entry);
      if (!take) { if (found && onOther) await onOther(found); continue; }
      if (changes.length < pathsMax) changes.push(found);
      else dropped++;
      if (found.action === 'touched') continue;
      const what = found.upgrade ? `${found.upgrade.name} ${found.upgrade.from || '-'} → ${found.upgrade.to || '-'}` : typeof wanted === 'string' ? wanted : paths!.find((one) => isWithin(at, one))!;
      const group = groups.get(what);
      if (group) group.files++;
      else groups.set(what, { time: now, what, files: 1 });
    }
    if (!writer) return { changes, dropped, summary: reader.summary() };
    // A new seal for nothing would make the one that was written down worthless.
    if (groups.size === 0 && wanted === 'packages') { writer.abandon(false); return { changes: [], dropped: 0, summary: reader.summary() }; }
    writer.finish({ updated: now, accepted: [...reader.summary().accepted, ...groups.values()] }, reader.inode);
  } catch (error) {
    writer?.abandon(false);
    throw error;
  } finally { reader.close(); }
  return { changes, dropped, summary: verifyBaseline(path, key) };
}

/** Did a package manager do it? Digests of changed files only. */
export async function judged(change: Change, looking: Pick<Looking, 'tree' | 'index' | 'digests'>): Promise<JudgedChange> {
  const { tree, digests } = looking;
  const { path, before, after } = change;
  const none = { ...change, upgrade: undefined, shipped: false };
  if (change.action === 'touched') return none;
  const index = typeof looking.index === 'function' ? await looking.index() : looking.index;
  if (!index) return none;
  const [name, from] = nameAndVersion(before?.package);
  if (!after) {
    // Gone with its package, or with the version that had it.
    if (name === undefined || from === undefined) return none;
    const now = versionsOf(index).get(name);
    return now === from ? none : { ...none, upgrade: { name, from, to: now ?? '' } };
  }
  const file = index.owner(path);
  if (!file) return none;
  const { verdict } = await compareFile(file, tree.stat(path), tree, digests);
  if (verdict !== 'intact' && !(verdict === 'unchecked' && after.kind === 'link')) return none;
  const version = file.package.version;
  if (name === file.package.name && from === version) return { ...none, shipped: verdict === 'intact' };
  return { ...none, upgrade: { name: file.package.name, from: name === file.package.name ? from ?? '' : '', to: version } };
}

function nameAndVersion(text: string | undefined): [string | undefined, string | undefined] {
  const space = text?.indexOf(' ') ?? -1;
  return text === undefined || space < 0 ? [undefined, undefined] : [text.slice(0, space), text.slice(space + 1)];
}

const versions = new WeakMap<PackageIndex, ReadonlyMap<string, string>>();

function versionsOf(index: PackageIndex): ReadonlyMap<string, string> {
  let known = versions.get(index);
  if (!known) versions.set(index, known = new Map(index.packages.map(({ name, version }) => [name, version])));
  return known;
}

/** A path as the walk names it. Throws BaselineError 'bad-path'. */
function absolute(paths: readonly string[]): string[] {
  return paths.map((path) => {
    if (!path.startsWith('/') || /\/\.{1,2}(?:\/|$)/.test(path) || path.includes('\0')) throw new BaselineError('bad-path', `expected an absolute path without . and .., got ${path}`, { zh: `要写不含 . 和 .. 的绝对路径，不是 ${path}` });
    return path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  });
}
