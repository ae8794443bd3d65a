/** A binding for plain records with Sigma field names, such as JSON lines. */
import type { Logsource } from './types.ts';
import type { Binding } from './values.ts';

export type PlainRecord = Readonly<Record<string, unknown>>;

export interface RecordBindingOptions {
  /** Log source of events that carry none in a `logsource` map of their own. Without it such events match no rule. */
  logsource?: Logsource;
  /** Names of fields that hold the time, first found wins. Default timestamp, @timestamp, time, UtcTime. */
  time?: readonly string[];
}

/**
 * A field name is a property; a dotted name that is no property is a path. Time is a number (ms, or seconds below
 * 1e11) or text that Date.parse takes. Keywords search all text, at most 1,000 values and 16 levels deep.
 */
export function recordBinding(options: RecordBindingOptions = {}): Binding<PlainRecord> {
  const timeFields = options.time ?? ['timestamp', '@timestamp', 'time', 'UtcTime'];
  const fallbackSource = options.logsource ?? {};
  return {
    field: (name) => [name],
    fallback: (name) => name.includes('.') ? name.split('.') : undefined,
    time(event) {
      for (const name of timeFields) {
        const value = event[name];
        if (typeof value === 'number') return Math.abs(value) < 1e11 ? value * 1000 : value;
        if (typeof value === 'string') { const time = Date.parse(value); if (!Number.isNaN(time)) return time; }
      }
      return Number.NaN;
    },
    logsource(event) {
      const own = event['logsource'];
      const source = own !== null && typeof own === 'object' && !Array.isArray(own) ? own as Record<string, unknown> : fallbackSource as Record<string, unknown>;
      return JSON.stringify([text(source['category']), text(source['product']), text(source['service'])]);
    },
    logsources(key) {
      const [category, product, service] = JSON.parse(key) as (string | null)[];
      if (category === null && product === null && service === null) return [];
      return [{ ...(category === null ? {} : { category }), ...(product === null ? {} : { product }), ...(service === null ? {} : { service }) }];
    },
    keywords(event) {
      const out: string[] = [];
      collect(event, out, 0);
      return out;
    },
  };
}

const text = (value: unknown): string | null => typeof value === 'string' ? value.toLowerCase() : null;

function collect(value: unknown, out: string[], depth: number): void {
  if (out.length >= 1000 || depth > 16) return;
  switch (typeof value) {
    case 'string': out.push(value); break;
    case 'number': case 'boolean': case 'bigint': out.push(String(value)); break;
    case 'object':
      if (value === null) break;
      for (const one of Object.values(value)) collect(one, out, depth + 1);
      break;
    default: // functions and symbols are no text
  }
}
