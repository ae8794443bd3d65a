import type { Times } from './time.ts';

export type JsonRecord = { readonly [key: string]: unknown };

/** Longer JSON lines are not parsed: no log record of use is that long. */
const maxJson = 262_144;

/** The object that the whole line is, or undefined. Never throws. */
export function parseRecord(line: string): JsonRecord | undefined {
  if (line.charCodeAt(0) !== 123 || line.length > maxJson) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value under a key; `a.b` is looked up as it stands first, then as b inside a. */
export function pluck(record: JsonRecord, key: string): unknown {
  if (Object.hasOwn(record, key)) return record[key];
  const dot = key.indexOf('.');
  if (dot < 0) return undefined;
  const outer = key.slice(0, dot);
  const inner = Object.hasOwn(record, outer) ? record[outer] : undefined;
  return isRecord(inner) ? pluck(inner, key.slice(dot + 1)) : undefined;
}

/** The first of the keys that holds a text or number that says something, as text. */
export function pickText(record: JsonRecord, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = pluck(record, key);
    const text = Array.isArray(value) ? asText(value[0]) : asText(value);
    if (text !== undefined && text !== '' && text !== '-') return text;
  }
  return undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
}

const timeKeys = ['time', 'ts', '@timestamp', 'timestamp', 'time_iso8601', 'time_local', 't', 't.$date', 'asctime', 'date', 'datetime', 'start_time', 'StartUTC', 'StartLocal', 'eventTime', 'msec', 'time_unix'] as const;

/** The record's own time in Unix ms, undefined when it holds none that can be read. */
export function recordTime(record: JsonRecord, times: Times): number | undefined {
  for (const key of timeKeys) {
    const value = pluck(record, key);
    if (typeof value === 'number' && value > 0) return value > 1e17 ? Math.floor(value / 1e6) : value > 1e14 ? Math.floor(value / 1e3) : value > 1e11 ? Math.floor(value) : Math.floor(value * 1000);
    if (typeof value !== 'string' || value.length < 8 || value.length > 60) continue;
    const ms = times.any(value, 0);
    if (times.next >= 0) return ms;
  }
  return undefined;
}
