import type { Detection } from '../core/alert.ts';
import type { Event } from '../core/gen/event.ts';

/** Says that a rule's alerts about something are wanted behaviour. Kept as data beside the rules or in the configuration. */
export interface Exception {
  /** Rule id or name; `*` for all. */
  rule: string;
  /** Every field must equal one of its values; `*` at an end of a text stands for anything. */
  when: Readonly<Record<string, string | number | readonly (string | number)[]>>;
  /** Why; shown in `moat status`. */
  why: string;
  /** Unix ms after which it no longer holds. */
  until?: number;
}

const countedMost = 20_000;
/** How often each exception kept something quiet, since Moat began; it stays when the settings are read anew. */
export class ExceptionHits {
  private readonly hits = new Map<string, { hits: number; last: number }>();

  /** `time`: of what it kept quiet, Unix ms. */
  count(exception: Pick<Exception, 'rule' | 'when'>, n: number, time: number): void {
    const key = keyOf(exception);
    const known = this.hits.get(key) ?? { hits: 0, last: 0 };
    this.hits.delete(key);
    this.hits.set(key, { hits: known.hits + n, last: Math.max(known.last, time) });
    for (const old of this.hits.keys()) { if (this.hits.size <= countedMost) break; this.hits.delete(old); }
  }

  of(exception: Pick<Exception, 'rule' | 'when'>): { hits: number; last?: number } { return this.hits.get(keyOf(exception)) ?? { hits: 0 }; }
}
const keyOf = ({ rule, when }: Pick<Exception, 'rule' | 'when'>): string => JSON.stringify([rule, when]);

/** True when an exception covers all the events of the detection that it shows. */
export function excused(detection: Detection, exceptions: readonly Exception[]): Exception | undefined {
  return exceptions.find((exception) =>
    (exception.rule === '*' || exception.rule === detection.ruleId) &&
    (exception.until === undefined || detection.time <= exception.until) &&
    detection.events.length > 0 &&
    detection.events.every((event) => covers(exception, event)));
}

function covers(exception: Exception, event: Event): boolean {
  return Object.entries(exception.when).every(([field, wanted]) => {
    const value = (event as unknown as Record<string, unknown>)[field];
    if (typeof value !== 'string' && typeof value !== 'number') return false;
    const options = Array.isArray(wanted) ? (wanted as readonly (string | number)[]) : [wanted as string | number];
    return options.some((option) => equals(String(value), String(option)));
  });
}

/** `*` at an end of `wanted` stands for anything. */
export function equals(value: string, wanted: string): boolean {
  const open = wanted.startsWith('*');
  const end = wanted.endsWith('*') && wanted.length > 1;
  const core = wanted.slice(open ? 1 : 0, end ? -1 : undefined);
  if (open && end) return value.includes(core);
  if (open) return value.endsWith(core);
  if (end) return value.startsWith(core);
  return value === wanted;
}
