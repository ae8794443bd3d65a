/** For tests of formats: lines to events, and which format a line is taken for. */
import type { LogFormat } from '../src/core/format.ts';
import type { Event } from '../src/core/gen/event.ts';
import { formats } from '../src/formats/catalogue.ts';

const testNow = Date.UTC(2026, 10, 22, 4);

export interface Decoded { events: Event[]; unparsed: number }

/** Decodes lines of one source; times without a zone are UTC, positions are line indexes. */
export function decodeAll(format: LogFormat, lines: readonly string[], source = '/var/log/test.log'): Decoded {
  const events: Event[] = [];
  const decoder = format.open({ idPrefix: 'f:', source, host: 'local', now: () => testNow, zoneOffset: () => 0 }, (event) => { events.push(event); });
  for (const [index, line] of lines.entries()) decoder.decode(line, { line: index + 1, position: index });
  decoder.flush();
  return { events, unparsed: decoder.unparsed };
}

/** The event of a single line. */
export function decodeOne(format: LogFormat, line: string, source?: string): Event {
  const { events } = decodeAll(format, [line], source);
  const [event] = events;
  if (events.length !== 1 || !event) throw new Error(`expected one event, got ${events.length} for ${line.slice(0, 200)}`);
  return event;
}

/** The fields of interest, those that are set. */
export function pick(event: Event, ...names: (keyof Event)[]): Partial<Event> {
  return Object.fromEntries(names.filter((name) => event[name] !== undefined).map((name) => [name, event[name]]));
}

/** The id of the surest format for a line, as auto-detection chooses; undefined when none speaks up. */
export function surestFormat(line: string): string | undefined {
  let best: string | undefined;
  let score = 0;
  for (const format of formats) {
    const sure = format.sniff(line);
    if (sure <= score) continue;
    best = format.id;
    score = sure;
  }
  return best;
}
