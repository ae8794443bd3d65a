/** Two streams of entries in the same order, side by side: what came, went and changed. */
import { comparePaths, type Entry } from './entry.ts';

export type Field = 'kind' | 'content' | 'size' | 'mode' | 'owner' | 'target' | 'attributes' | 'flags' | 'links' | 'modified' | 'changed' | 'inode' | 'readable';
export interface FieldChange { field: Field; before: string; after: string }

/**
 * added, removed
 * changed   content, kind, permissions, owner, target, attributes or flags
 * touched   times, inode or number of links only; or a folder came or went, while what is in it is told by itself
 */
export interface Change {
  action: 'added' | 'removed' | 'changed' | 'touched';
  path: string;
  before: Entry | undefined;
  after: Entry | undefined;
  fields: readonly FieldChange[];
  /** The content is another while the modification time is the old one, to the millisecond that most tools can set: somebody set it back. */
  timeKept: boolean;
}

/** Pairs of the same path; one side is missing where only the other has it. */
export async function* sideBySide(before: Iterable<Entry>, after: AsyncIterable<Entry>): AsyncGenerator<[before: Entry | undefined, after: Entry | undefined]> {
  const left = before[Symbol.iterator]();
  let old = left.next();
  for await (const now of after) {
    for (; !old.done && comparePaths(old.value.path, now.path) < 0; old = left.next()) yield [old.value, undefined];
    if (!old.done && old.value.path === now.path) { yield [old.value, now]; old = left.next(); }
    else yield [undefined, now];
  }
  for (; !old.done; old = left.next()) yield [old.value, undefined];
}

/** Undefined when both are the same. */
export function changeOf(before: Entry | undefined, after: Entry | undefined): Change | undefined {
  const one = before ?? after;
  if (!one) return undefined;
  const { path } = one;
  if (!before || !after) return { action: one.kind === 'folder' ? 'touched' : before ? 'removed' : 'added', path, before, after, fields: [], timeKept: false };
  const fields = fieldsOf(before, after);
  if (fields.length === 0) return undefined;
  const touched = fields.every(({ field }) => lesser.has(field));
  return { action: touched ? 'touched' : 'changed', path, before, after, fields, timeKept: fields.some(({ field }) => field === 'content') && Math.abs(before.modified - after.modified) < 1 };
}

/** What alone says nothing: a copy put back, a link made elsewhere. */
const lesser: ReadonlySet<Field> = new Set<Field>(['modified', 'changed', 'inode', 'links']);

function fieldsOf(before: Entry, after: Entry): FieldChange[] {
  const fields: FieldChange[] = [];
  const differ = (field: Field, from: string, to: string): void => { if (from !== to) fields.push({ field, before: from, after: to }); };
  differ('kind', before.kind, after.kind);
  differ('content', contentOf(before, after), contentOf(after, before));
  differ('readable', before.unread ?? 'yes', after.unread ?? 'yes');
  if (before.kind === 'file') differ('size', String(before.size), String(after.size));
  differ('mode', octal(before.mode), octal(after.mode));
  differ('owner', `${before.uid}:${before.gid}`, `${after.uid}:${after.gid}`);
  differ('target', before.target ?? '', after.target ?? '');
  differ('attributes', attributesText(before), attributesText(after));
  differ('flags', before.flags ?? '', after.flags ?? '');
  // The times of a folder change with every file in it, which is told by itself.
  if (before.kind === 'folder' && after.kind === 'folder') return fields;
  differ('links', String(before.links), String(after.links));
  differ('modified', time(before.modified), time(after.modified));
  differ('changed', time(before.changed), time(after.changed));
  differ('inode', String(before.inode), String(after.inode));
  return fields;
}

/** The digest; of what could not be read, in one of them, the size and the time of change. */
function contentOf(one: Entry, other: Entry): string {
  if (one.kind !== 'file' || other.kind !== 'file') return '';
  return one.sha256 !== undefined && other.sha256 !== undefined ? one.sha256 : `${one.size} bytes, changed ${time(one.changed)}`;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
const time = (ms: number): string => (Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? `${new Date(ms).toISOString().slice(0, -1)}${(ms % 1).toFixed(6).slice(1)}` : String(ms));
const attributesText = ({ attributes = {} }: Entry): string => Object.entries(attributes).map(([name, value]) => `${name}=${value}`).sort().join(' ');
