/**
 * What many events have in common: whole command lines, paths, who says it. It stands once in a row of its own that
 * the events name, so that an event of a busy process takes a fifth of the room and half the time to store.
 */
import { own } from '../../core/own.ts';
import { type Event, eventFields } from '../../core/gen/event.ts';
import type { Database, Row, Value } from './driver.ts';
import { cutText, maxText } from './pack.ts';

/** Texts only. An event that has its own value in its own row, as those of older databases have, keeps that. */
export const contextFields = [
  'host', 'category', 'action', 'outcome', 'service', 'severity', 'source', 'protocol', 'direction',
  'process_name', 'process_path', 'process_cmdline', 'process_cwd', 'parent_path', 'parent_cmdline', 'cgroup', 'container_id',
  'origin', 'origin_ip', 'origin_user',
] as const satisfies readonly (keyof Event)[];

const indexOf = (field: keyof Event): number => eventFields.indexOf(field);
const indices = contextFields.map(indexOf);
const [kindAt, cmdlineAt, parentAt, serviceAt] = [indexOf('kind'), indexOf('process_cmdline'), indexOf('parent_cmdline'), indexOf('service')];

/**
 * A context is named only by events that come within so many after it. So it is known which are still named, without
 * counting: those that are at most so much older than the oldest event that is left.
 */
const reach = 4_000;
/** Contexts that are looked through for one command line; of more, the oldest is written again when it comes again. */
const maxSiblings = 16;
const maxKnown = 1_000;
const maxRead = 1_000;

interface Known { id: number; values: readonly unknown[] }

export interface Contexts {
  /** The context of an event whose fields are these; `seq` is at least the row that the event will get. Writes it when it is new. */
  of(fields: readonly unknown[], seq: number): number;
  /** What was written since the last commit is not there. */
  rolledBack(): void;
  /** The texts of a context by field; undefined when there is none. */
  read(id: number): Row | undefined;
  /** Drops what no event names any more, at most so many. `oldest`: the first row of the events that are left, undefined when none is. */
  drop(oldest: number | undefined, most: number): void;
}

/** Whether the event's row has this field itself. The command line of a new process is mostly its own, what it was started by is not. */
export function inContext(field: number, fields: readonly unknown[]): boolean {
  return isShared[field]! && !(field === cmdlineAt && fields[kindAt] === 'process_creation');
}
const isShared = eventFields.map((field) => (contextFields as readonly string[]).includes(field));

export function openContexts(db: Database, count: (what: string) => void): Contexts {
  const columns = contextFields.map((field) => `"${field}"`).join(', ');
  const put = db.prepare(`INSERT INTO context (id, ${columns}) VALUES (?, ${contextFields.map(() => '?').join(', ')})`);
  const get = db.prepare(`SELECT ${columns} FROM context WHERE id = ?`);
  const dropBefore = db.prepare('DELETE FROM context WHERE id IN (SELECT id FROM context WHERE id <= ? ORDER BY id LIMIT ?)');
  const dropAll = db.prepare('DELETE FROM context');
  let last = Number(db.prepare('SELECT max(id) AS id FROM context').get()?.['id'] ?? 0);
  /** By command line, the newest first. */
  const known = new Map<unknown, Known[]>();
  let size = 0;
  const texts = new Map<number, Row | undefined>();

  function forget(): void {
    known.clear();
    size = 0;
  }

  function add(fields: readonly unknown[], seq: number): Known {
    const values = indices.map((at) => (inContext(at, fields) ? kept(fields[at]) : undefined));
    // Never smaller than the row of the first event that names it, and never used twice.
    last = Math.max(last + 1, seq);
    put.run(last, ...values.map((value) => text(value, count)));
    return { id: last, values };
  }

  return {
    of(fields, seq) {
      const key = (fields[kindAt] === 'process_creation' ? fields[parentAt] : fields[cmdlineAt]) ?? fields[serviceAt];
      let siblings = known.get(key);
      if (siblings) {
        for (const one of siblings) if (seq - one.id < reach && fits(one.values, fields)) return one.id;
      }
      if (size >= maxKnown) { forget(); siblings = undefined; }
      if (!siblings) known.set(key, siblings = []);
      const one = add(fields, seq);
      siblings.unshift(one);
      if (siblings.length > maxSiblings) siblings.pop();
      else size++;
      return one.id;
    },
    rolledBack: forget,
    read(id) {
      const found = texts.get(id);
      if (found) return found;
      const row = get.get(id);
      if (texts.size >= maxRead) texts.clear();
      if (row) texts.set(id, row);
      return row;
    },
    drop(oldest, most) {
      if (oldest !== undefined) { dropBefore.run(oldest - reach, most); return; }
      dropAll.run();
      forget();
    },
  };
}

function fits(values: readonly unknown[], fields: readonly unknown[]): boolean {
  for (let n = 0; n < indices.length; n++) {
    const at = indices[n]!;
    if (values[n] !== fields[at] && (values[n] !== undefined || inContext(at, fields))) return false;
  }
  return true;
}

/** A text cut from a log must not keep all of what was read with it. */
const kept = (value: unknown): unknown => (typeof value === 'string' ? own(value) : value);

/** A plug-in set a field to what its type is not: the rest of the event is worth keeping. */
function text(value: unknown, count: (what: string) => void): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return cutText(value, maxText, count);
  count('event-field-type');
  return null;
}
