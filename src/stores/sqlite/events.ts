/** The event history: a ring in one table, oldest out first. */
import { statSync } from 'node:fs';
import { Event, eventFields, fieldTypes, type Kind, readFields } from '../../core/gen/event.ts';
import type { EventLog } from '../../core/ports.ts';
import { StoreError } from '../error.ts';
import { inContext, openContexts } from './contexts.ts';
import { busyMs, type Database, guarded, type Row, type Statement, transaction, type Value } from './driver.ts';
import { cutText, maxText, packList, packRecord } from './pack.ts';
import { eventColumns, ofKinds } from './schema.ts';

export interface RingOptions {
  file: string;
  maxAgeMs: number;
  /** Bytes of the database file with its write-ahead log. */
  maxBytes: number;
  /** Kinds that are not kept. */
  unstored: ReadonlySet<Kind>;
  count: (what: string, n?: number) => void;
}

export interface Ring extends Omit<EventLog, 'append'> {
  /** For a caller that has a transaction open. */
  insert: (events: readonly Event[]) => void;
  /** The transaction of the last `insert` was not committed. */
  rolledBack: () => void;
  /** Keeps the size cap; cheap when there is nothing to do. Called after each commit. */
  trim: () => number;
  /** Whether the rest of the database alone is over the cap: dropping events cannot help any more. */
  isOver: () => boolean;
  /** Writes the log back into the file, unless a reader still needs it. */
  checkpoint: () => void;
}

/** Rows in one INSERT: each step into SQLite and back costs as much as binding several rows. */
const rowsPerInsert = 32;
const pageOfRows = 500;
const kindsMax = 8;
/** Most rows that one call deletes, so that deleting never stalls the agent for long. */
const chunk = 5_000;
/** Most pages (of 4 KiB) that one call moves to shrink the file. */
const vacuumPages = 1_000;

export function openRing(db: Database, options: RingOptions): Ring {
  const { file, count } = options;
  const present = new Set(eventColumns(db));
  const columns = eventFields.filter((field) => present.has(field)).map((field) => `"${field}"`).join(', ');
  const contexts = openContexts(db, count);
  /** Fields that a row has had since the start: a NULL costs as much to bind as a value, and each source fills its own few. */
  let inUse = statements(always);
  const paged = (only: string): { first: Statement; next: Statement } => ({
    first: db.prepare(`SELECT seq, context, ${columns} FROM event WHERE time >= ? AND time < ?${only} ORDER BY time, seq LIMIT ${pageOfRows}`),
    next: db.prepare(`SELECT seq, context, ${columns} FROM event WHERE (time, seq) > (?, ?) AND time < ?${only} ORDER BY time, seq LIMIT ${pageOfRows}`),
  });
  const pages = paged('');
  const byKinds = new Map<string, { first: Statement; next: Statement }>();
  /** The words of the index on log-ons, when it is these: so it is used. */
  const pagesOf = (kinds: readonly Kind[]): { first: Statement; next: Statement } => {
    const only = ` AND ${ofKinds(kinds)}`;
    const known = byKinds.get(only);
    if (known) return known;
    if (byKinds.size >= kindsMax) byKinds.clear();
    const made = paged(only);
    byKinds.set(only, made);
    return made;
  };
  const deleteOldest = db.prepare('DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY seq LIMIT ?)');
  const deleteBefore = db.prepare('DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE time < ? ORDER BY time LIMIT ?)');
  const oldest = db.prepare('SELECT min(seq) AS seq FROM event');
  const newest = db.prepare('SELECT max(seq) AS seq FROM event');
  const span = db.prepare('SELECT (SELECT max(seq) FROM event) - (SELECT min(seq) FROM event) + 1 AS n');
  const first = db.prepare('SELECT min(time) AS time FROM event');
  const writeBack = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  const pageCount = db.prepare('PRAGMA page_count');
  const freeCount = db.prepare('PRAGMA freelist_count');
  const pageSize = Number(db.prepare('PRAGMA page_size').get()!['page_size']);

  // The write-ahead log is part of the cap: it gets its share, the rest is for the file itself. Deleting
  // begins a little before, because free pages are only reused once they are free.
  const walBytes = Math.min(64 * 2 ** 20, Math.max(6 * 2 ** 20, options.maxBytes / 8));
  const budget = options.maxBytes - walBytes;
  const high = budget * 0.95;

  const fileBytes = (): number => Number(pageCount.get()!['page_count']) * pageSize;
  const freeBytes = (): number => Number(freeCount.get()!['freelist_count']) * pageSize;
  const walSize = (): number => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;

  function statements(fields: readonly number[]): Inserts {
    const names = fields.map((at) => `"${eventFields[at]}"`).join(', ');
    const row = `(?, ${fields.map(() => '?').join(', ')})`;
    const sql = (rows: number): string => `INSERT INTO event (context, ${names}) VALUES ${Array<string>(rows).fill(row).join(', ')} ON CONFLICT (id) DO NOTHING`;
    return { fields, width: fields.length + 1, has: eventFields.map((_, at) => fields.includes(at)), one: db.prepare(sql(1)), many: db.prepare(sql(rowsPerInsert)) };
  }

  function insert(events: readonly Event[]): void {
    if (events.length === 0) return;
    const begin = Number(newest.get()!['seq'] ?? 0) + 1;
    let values: Value[] = [];
    let tried = 0;
    let stored = 0;
    const flush = (): void => {
      const { width, one, many } = inUse;
      if (values.length === rowsPerInsert * width) stored += Number(many.run(...values).changes);
      else for (let at = 0; at < values.length; at += width) stored += Number(one.run(...values.slice(at, at + width)).changes);
      values = [];
    };
    for (const event of events) {
      if (options.unstored.has(event.kind)) continue;
      if (!isStorable(event)) { count('event-invalid'); continue; }
      readFields(event, fieldValues);
      const more = ownFields(fieldValues, inUse.has);
      if (more) {
        flush();
        inUse = statements([...inUse.fields, ...more].sort((a, b) => a - b));
      }
      values.push(contexts.of(fieldValues, begin + tried));
      bind(fieldValues, inUse.fields, values, count);
      tried++;
      if (values.length === rowsPerInsert * inUse.width) flush();
    }
    flush();
    if (tried > stored) count('event-known', tried - stored);
  }

  /** Deletes the oldest by arrival: a forged time cannot make an event outlive the others. */
  function trim(): number {
    let gone = 0;
    let used = fileBytes() - freeBytes();
    if (used > high) {
      // Several chunks only when one did not bring it below the cap itself.
      do {
        const n = transaction(db, () => dropContexts(Number(deleteOldest.run(surplus(used)).changes)));
        if (n === 0) break;
        gone += n;
        used = fileBytes() - freeBytes();
      } while (used > budget);
      count('event-pruned-size', gone);
    }
    if (fileBytes() > budget) shrink();
    if (walSize() > walBytes) checkpoint();
    return gone;
  }

  /** Behind events that were deleted, so many. */
  function dropContexts(gone: number): number {
    const seq = oldest.get()!['seq'];
    if (gone > 0) contexts.drop(typeof seq === 'number' ? seq : undefined, chunk);
    return gone;
  }

  /** How many of the oldest rows to drop so that about a tenth of the budget becomes free, if they are of usual size. */
  function surplus(used: number): number {
    const rows = Number(span.get()!['n'] ?? 0);
    return Math.min(chunk, Math.max(100, Math.ceil(rows * (used - budget * 0.9) / used)));
  }

  /** Gives free pages at the end back to the file system, a bounded number a call. */
  function shrink(): void {
    db.exec(`PRAGMA incremental_vacuum(${vacuumPages})`);
    // The file itself becomes shorter only when the log is written back to it.
    if (statSync(file).size > fileBytes() + 2 ** 20) checkpoint();
  }

  /** Empties the write-ahead log unless a reader still needs it; then the next call tries again. */
  function checkpoint(): void {
    db.exec('PRAGMA busy_timeout = 0');
    try {
      const result = writeBack.get();
      if (Number(result?.['busy'] ?? 0) !== 0) count('checkpoint-busy');
    } finally {
      db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    }
  }

  return {
    insert,
    rolledBack: () => contexts.rolledBack(),
    trim,
    checkpoint,
    isOver: () => fileBytes() - freeBytes() > budget,

    *range(fromMs, toMs, kinds) {
      const { first, next } = kinds === undefined ? pages : pagesOf(kinds);
      // Page by page, each its own short read: a slow consumer holds up neither writes nor checkpoints.
      let rows = guarded(file, () => first.all(fromMs, toMs));
      while (rows.length > 0) {
        // At once: a consumer may write between two of them, and what that drops may take a context with it.
        yield* rows.map((row) => toEvent(row, row['context'] === null ? undefined : contexts.read(Number(row['context'])), file));
        if (rows.length < pageOfRows) return;
        const { time, seq } = rows.at(-1)!;
        rows = guarded(file, () => next.all(time!, seq!, toMs));
      }
    },

    extent() {
      return guarded(file, () => {
        const from = first.get()?.['time'], n = span.get()!['n'];
        return { events: Number(n ?? 0), ...(from !== null && from !== undefined && { from: Number(from) }) };
      });
    },

    // One bounded step; the caller goes on while it returns more than 0. Age is the event's own time against
    // the clock it is given: when that clock is wrong by years, so is what goes. 5,000 rows a call leave time to see it.
    prune(now) {
      return guarded(file, () => {
        const aged = transaction(db, () => dropContexts(Number(deleteBefore.run(now - options.maxAgeMs, chunk).changes)));
        if (aged > 0) count('event-pruned-age', aged);
        const gone = aged + trim();
        // What is free is kept for reuse up to a quarter of the file, and given back beyond.
        const free = freeBytes();
        if (free > 4 * 2 ** 20 && free > fileBytes() / 4) shrink();
        return gone;
      });
    },
  };
}

/** Prepared for rows that have these fields, by their place in the schema. */
interface Inserts { fields: readonly number[]; width: number; has: readonly boolean[]; one: Statement; many: Statement }

const always = (['id', 'time', 'kind'] as const).map((field) => eventFields.indexOf(field));
const types = eventFields.map((field) => fieldTypes[field]);
/** Of the event at hand, in schema order. */
const fieldValues: unknown[] = eventFields.map(() => undefined);

/** False when it has no id, time or kind to be stored under. */
function isStorable({ id, time, kind }: Event): boolean {
  return typeof id === 'string' && id !== '' && id.length <= maxText && Number.isSafeInteger(Math.trunc(time)) && typeof kind === 'string';
}

/** The fields that the event's own row needs and that are not prepared; undefined when there is none. */
function ownFields(values: readonly unknown[], prepared: readonly boolean[]): number[] | undefined {
  let more: number[] | undefined;
  for (let at = 0; at < values.length; at++) {
    if (values[at] !== undefined && !prepared[at] && !inContext(at, values)) (more ??= []).push(at);
  }
  return more;
}

/** Adds these fields of the event's own row. */
function bind(given: readonly unknown[], fields: readonly number[], values: Value[], count: (what: string) => void): void {
  for (const at of fields) {
    const value = given[at];
    if (value === undefined || value === null || inContext(at, given)) { values.push(null); continue; }
    switch (types[at]!) {
      case 'string': values.push(typeof value === 'string' ? cutText(value, maxText, count) : wrongType(count)); break;
      case 'number': values.push(typeof value === 'number' && Number.isFinite(value) ? value : wrongType(count)); break;
      case 'string[]': case 'number[]': values.push(Array.isArray(value) ? packList(value, count) : wrongType(count)); break;
      case 'record': values.push(typeof value === 'object' ? packRecord(value as Record<string, unknown>, count) : wrongType(count)); break;
    }
  }
}

/** A plug-in set a field to what its type is not: the rest of the event is worth keeping. */
function wrongType(count: (what: string) => void): null {
  count('event-field-type');
  return null;
}

function toEvent(row: Row, context: Row | undefined, file: string): Event {
  const event = new Event(String(row['id']), Number(row['time']), row['kind'] as Kind);
  const fields = event as unknown as Record<string, unknown>;
  for (const field of eventFields) {
    const value = row[field] ?? context?.[field];
    if (value === null || value === undefined) continue;
    const type = fieldTypes[field];
    fields[field] = type === 'string' || type === 'number' ? value : fromJson(value, file, field);
  }
  return event;
}

/** JSON that we wrote ourselves. Throws StoreError 'corrupt' when it no longer is. */
export function fromJson(text: Value, file: string, what: string): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new StoreError('corrupt', `expected JSON, got damaged text in column ${what} of ${file}`, { cause });
  }
}
