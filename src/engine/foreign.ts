import { Event, fieldTypes } from '../core/gen/event.ts';
import { fieldPath } from './binding.ts';
import { isTime } from './event-json.ts';

const timeNames = ['@timestamp', 'timestamp', 'UtcTime', 'TimeCreated', 'EventTime', 'eventTime', 'time', '_time'];
/** Set by Moat, never by the record. */
const reserved = new Set(['id', 'time', 'kind', 'lines', 'extra']);
const maxDepth = 8;
const maxFields = 2000;

/**
 * An event from another system, as one JSON object with Sigma field names; `logsource` may stand in it.
 * Nested objects become dotted names. `time` is taken from the usual time fields, else `fallbackTime` (ms).
 */
export function foreignEvent(record: Record<string, unknown>, id: string, fallbackTime: number): Event {
  const event = new Event(id, timeOf(record) ?? fallbackTime, 'foreign');
  const extra: Record<string, unknown> = Object.create(null);
  event.extra = extra;
  let room = maxFields;
  const put = (prefix: string, object: Record<string, unknown>, depth: number): void => {
    for (const [key, value] of Object.entries(object)) {
      if (room-- <= 0) return;
      const name = prefix + key;
      if (name === 'logsource') { extra['logsource'] = value; continue; }
      if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < maxDepth) { put(`${name}.`, value as Record<string, unknown>, depth + 1); continue; }
      extra[name] = value;
      const [field] = fieldPath(name);
      // The value keeps its JSON type: rules tell null, '' and a missing field apart.
      if (field && !reserved.has(field) && Object.hasOwn(fieldTypes, field)) (event as unknown as Record<string, unknown>)[field] = value;
    }
  };
  put('', record, 0);
  return event;
}

function timeOf(record: Record<string, unknown>): number | undefined {
  for (const name of timeNames) {
    const value = record[name];
    if (typeof value === 'number') {
      const ms = value > 1e11 ? value : value * 1000;
      if (isTime(ms)) return ms;
    }
    if (typeof value === 'string') {
      // A zone-less time is UTC, as UtcTime says by its name.
      const text = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(value) ? `${value.replace(' ', 'T')}Z` : value;
      const ms = Date.parse(text);
      if (!Number.isNaN(ms)) return ms;
    }
  }
  return undefined;
}
