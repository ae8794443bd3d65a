import { Event, eventFields, fieldTypes, kindLogsources, type Kind } from '../core/gen/event.ts';

/** The fields an event has, in schema order; `time` as ISO text. What `--events --json` prints. */
export function eventJson(event: Event): Record<string, unknown> {
  const out: Record<string, unknown> = { time: new Date(event.time).toISOString(), category: event.category, action: event.action, outcome: event.outcome, service: event.service };
  for (const field of eventFields) {
    if (field === 'time') continue;
    const value = event[field];
    if (value !== undefined) out[field] = value;
  }
  return out;
}

/** Unix ms that a Date can hold; beyond it a time cannot be written as text. */
export const isTime = (ms: number): boolean => Math.abs(ms) <= 8.64e15;

/** Reads back what `eventJson` wrote; undefined when it is no event. Fields of the wrong type are left out. */
export function eventOf(record: Record<string, unknown>, fallbackId: string): Event | undefined {
  const kind = record['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(kindLogsources, kind)) return undefined;
  const given = record['time'];
  const time = typeof given === 'number' ? given : typeof given === 'string' ? Date.parse(given) : Number.NaN;
  if (!isTime(time)) return undefined;
  const id = record['id'];
  const event = new Event(typeof id === 'string' && id !== '' ? id : fallbackId, time, kind as Kind);
  const target = event as unknown as Record<string, unknown>;
  for (const field of eventFields) {
    if (field === 'id' || field === 'time' || field === 'kind') continue;
    const value = record[field];
    if (fits(value, fieldTypes[field])) target[field] = value;
  }
  return event;
}

function fits(value: unknown, type: (typeof fieldTypes)[keyof Event]): boolean {
  switch (type) {
    case 'string': return typeof value === 'string';
    // JSON's 1e999 is read as Infinity.
    case 'number': return typeof value === 'number' && Number.isFinite(value);
    case 'string[]': return Array.isArray(value) && value.every((v) => typeof v === 'string');
    case 'number[]': return Array.isArray(value) && value.every((v) => Number.isFinite(v));
    case 'record': return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}
