/** A report or figures as JSON: stable names, times as ISO 8601. */

/** Names of fields that hold a moment, Unix ms. */
const moments = new Set(['time', 'last', 'last_time', 'first', 'from', 'to', 'began', 'ended', 'told', 'made', 'created', 'changed', 'due', 'until', 'summary_due', 'since', 'now']);

export function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typeof one === 'number' && moments.has(name) && Math.abs(one) < 8.64e15 ? new Date(one).toISOString() : jsonOf(one)]));
}
