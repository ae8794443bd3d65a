/** Log lines to events, for the evaluation: the one place that knows how. */
import type { DecodeContext, LogDecoder, LogFormat } from '../src/core/format.ts';
import type { Event } from '../src/core/gen/event.ts';
import { formats } from '../src/formats/catalogue.ts';

/** Turns the lines of one file into events; `lines` of an event count from 1 in the array given. */
export type Decode = (lines: readonly string[], format: string, source: string) => Event[];

/**
 * Evaluation files mix what one service writes in several places (its own file, syslog, the journal), so the format
 * is chosen line by line, each with one decoder for the whole file. `format` other than `auto` names it for all.
 */
export function decodeLines(lines: readonly string[], format: string, source: string): Event[] {
  const events: Event[] = [];
  // Dates without a year mean the past year or this one; the corpora's are of no consequence here.
  const context: DecodeContext = { idPrefix: `${source}:`, source, host: 'eval', now: () => Date.now(), zoneOffset: () => 0 };
  const open = new Map<LogFormat, LogDecoder>();
  let current = format === 'auto' ? undefined : formats.find((one) => one.id === format || one.aliases?.includes(format));
  const fixed = current !== undefined;
  lines.forEach((line, index) => {
    if (!fixed) current = surest(line, current);
    if (current === undefined) return;
    let decoder = open.get(current);
    if (decoder === undefined) {
      decoder = current.open(context, (event) => events.push(event));
      open.set(current, decoder);
    }
    decoder.decode(line, { line: index + 1, position: index + 1 });
  });
  for (const decoder of open.values()) decoder.flush();
  return events;
}

/** The format that is surest of a line; the one of the line before when none speaks up. */
function surest(line: string, before: LogFormat | undefined): LogFormat | undefined {
  let best = before;
  let score = 0.1;
  for (const format of formats) {
    const sure = format.sniff(line);
    if (sure > score) {
      best = format;
      score = sure;
    }
  }
  return best;
}
