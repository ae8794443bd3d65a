/** Which fields of an alert's evidence an exception may name. Pure. */

export interface Choice { field: string; value: string; isNumber: boolean; /** What an exception is usually about. */ isUsual: boolean }

/** What is different each time: an exception about it would never hold again. */
const passing = new Set(['id', 'time', 'message', 'kind', 'category', 'action', 'outcome', 'source', 'pid', 'ppid', 'session', 'source_port', 'http_bytes', 'duration', 'lines', 'extra', 'boot', 'start', 'parent_start']);
const usual = ['source_ip', 'user', 'process_path', 'command_line', 'path', 'url_path', 'destination_ip', 'domain', 'service', 'host'];

/** Those that all events of the evidence have with the same value, the usual ones first. */
export function choicesOf(evidence: readonly Readonly<Record<string, string | number>>[]): Choice[] {
  const [first, ...others] = evidence;
  if (!first) return [];
  const rank = (field: string): number => { const at = usual.indexOf(field); return at === -1 ? usual.length : at; };
  return Object.entries(first)
    .filter(([field, value]) => !passing.has(field) && value !== '' && String(value).length <= 1000 && others.every((one) => one[field] === value))
    .map(([field, value]) => ({ field, value: String(value), isNumber: typeof value === 'number', isUsual: usual.includes(field) }))
    .toSorted((a, b) => rank(a.field) - rank(b.field));
}
