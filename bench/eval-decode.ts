/** Log lines to events, for the evaluation: just as `moat replay` does it. */
import type { Event } from '../src/core/gen/event.ts';
import { MoatError } from '../src/core/error.ts';
import { openDecoder } from '../src/engine/decode.ts';

/** Turns the lines of one file into events; `lines` of an event count from 1 in the array given. A file of no known format has none. */
export type Decode = (lines: readonly string[], format: string, source: string) => Event[];

export const decodeLines: Decode = (lines, format, source) => {
  const events: Event[] = [];
  // Dates without a year mean the past year or this one; the corpora's are of no consequence here.
  const context = { idPrefix: `${source}:`, source, host: 'eval', now: () => Date.now(), zoneOffset: () => 0 };
  try {
    const { decoder } = openDecoder(format, lines, context, (event) => events.push(event));
    lines.forEach((line, index) => decoder.decode(line, { line: index + 1, position: index + 1 }));
    decoder.flush();
  } catch (error) {
    if (!(error instanceof MoatError && error.code === 'unrecognised')) throw error;
  }
  return events;
};
