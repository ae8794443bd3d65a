/** Block lists as files that hosts share: a plain list, CSV, or JSON lines. Reading is pure; a line that is none is counted, never guessed. */
import { parseNetwork } from '../core/networks.ts';

export const blocklistFormats = ['plain', 'csv', 'jsonl'] as const;
export type BlocklistFormat = (typeof blocklistFormats)[number];

/** `until`: Unix ms; for good when undefined. `network` canonical. */
export interface SharedBlock { network: string; until?: number; why: string }

/** `bad`: lines that name no address; `first`: the first of them by its number, from 1. Comments and empty lines are neither. */
export interface ReadBlocklist { format: BlocklistFormat; entries: SharedBlock[]; bad: number; first: number | undefined; twins: number }

const lineMax = 4096;
const whyMax = 500;
/** As many as the packet filter holds. */
const entriesMost = 1_000_000;
const networkNames = ['network', 'address', 'ip', 'ip_address', 'source_ip', 'cidr', 'value'];
const untilNames = ['until', 'expires', 'expiration', 'valid_until'];
const whyNames = ['why', 'reason', 'comment', 'description'];
const marks = [',', ';', '\t'];

/** Throws Error when there are more entries than can be blocked. */
export function readBlocklist(text: string, wanted?: BlocklistFormat): ReadBlocklist {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const format = wanted ?? formatOf(lines);
  const found = new Map<string, SharedBlock>();
  const out: ReadBlocklist = { format, entries: [], bad: 0, first: undefined, twins: 0 };
  const csv = format === 'csv' ? csvOf(lines) : undefined;
  for (const [i, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || (format !== 'jsonl' && /^[#;]|^\/\//.test(line)) || i === csv?.header) continue;
    const entry = line.length > lineMax ? undefined : csv ? csv.read(line) : format === 'jsonl' ? readJson(line) : readPlain(line);
    if (entry === undefined) { out.bad++; out.first ??= i + 1; continue; }
    if (found.has(entry.network)) out.twins++;
    else if (found.size >= entriesMost) throw new Error(`expected at most ${entriesMost} addresses and networks`);
    found.set(entry.network, entry);
  }
  out.entries = [...found.values()];
  return out;
}

export function writeBlocklist(rows: readonly { network: string; since: number; until?: number; why: string; by: string; list?: string; times: number }[], format: BlocklistFormat): string {
  const iso = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());
  switch (format) {
    case 'plain': return rows.map(({ network }) => `${network}\n`).join('');
    case 'csv': return ['network,since,until,why,by,list,times', ...rows.map((row) => [row.network, iso(row.since), iso(row.until), row.why, row.by, row.list ?? '', String(row.times)].map(cell).join(','))].map((line) => `${line}\n`).join('');
    case 'jsonl': return rows.map(({ since, until, ...row }) => `${JSON.stringify({ ...row, since: iso(since), ...(until !== undefined && { until: iso(until) }) })}\n`).join('');
  }
}

/** What a table program would run is written as text. */
const cell = (text: string): string => {
  const one = text.replaceAll(/[\r\n]+/g, ' ');
  const safe = /^[=+\-@\t]/.test(one) ? `'${one}` : one;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

function formatOf(lines: readonly string[]): BlocklistFormat {
  const first = lines.find((line) => line.trim() !== '' && !/^\s*(?:[#;]|\/\/)/.test(line))?.trim() ?? '';
  if (first.startsWith('{')) return 'jsonl';
  return marks.some((mark) => first.includes(mark)) && readPlain(first) === undefined ? 'csv' : 'plain';
}

/** `203.0.113.9`, what follows a blank, `#` or `;` is why. */
function readPlain(line: string): SharedBlock | undefined {
  const [, word = '', rest = ''] = /^([^\s#;]+)(.*)$/.exec(line) ?? [];
  const network = parseNetwork(word);
  return network && { network: network.text, why: rest.replace(/^[\s#;]+/, '').slice(0, whyMax) };
}

function readJson(line: string): SharedBlock | undefined {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch { return undefined; /* counted as a bad line */ }
  if (typeof row !== 'object' || row === null) return undefined;
  const of = (names: readonly string[]): unknown => names.map((name) => (row as Readonly<Record<string, unknown>>)[name]).find((value) => value !== undefined && value !== null && value !== '');
  return entryOf(of(networkNames), of(untilNames), of(whyNames));
}

/** Columns by the names of the first line; without names the first that holds an address is it. */
function csvOf(lines: readonly string[]): { header: number | undefined; read: (line: string) => SharedBlock | undefined } {
  const at = lines.findIndex((line) => line.trim() !== '' && !/^\s*[#;]/.test(line));
  const first = lines[at]?.trim() ?? '';
  const mark = marks.reduce((best, one) => (first.split(one).length > first.split(best).length ? one : best));
  const names = cellsOf(first, mark).map((name) => name.toLowerCase());
  const column = (wanted: readonly string[]): number => names.findIndex((name) => wanted.includes(name));
  const [network, until, why] = [column(networkNames), column(untilNames), column(whyNames)];
  if (network < 0) return { header: undefined, read: (line) => { const found = cellsOf(line, mark).find((one) => parseNetwork(one) !== undefined); return entryOf(found, undefined, undefined); } };
  return { header: at, read: (line) => { const cells = cellsOf(line, mark); return entryOf(cells[network], cells[until], cells[why]); } };
}

function cellsOf(line: string, mark: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= line.length;) {
    if (line[at] === '"') {
      let text = '';
      for (at++; at < line.length && !(line[at] === '"' && line[at + 1] !== '"'); at++) { if (line[at] === '"') at++; text += line[at] ?? ''; }
      cells.push(text.trim());
      const next = line.indexOf(mark, at);
      if (next < 0) return cells;
      at = next + 1;
    } else {
      const next = line.indexOf(mark, at);
      cells.push(line.slice(at, next < 0 ? undefined : next).trim());
      if (next < 0) return cells;
      at = next + 1;
    }
  }
  return cells;
}

function entryOf(network: unknown, until: unknown, why: unknown): SharedBlock | undefined {
  const read = typeof network === 'string' ? parseNetwork(network.trim()) : undefined;
  if (read === undefined) return undefined;
  const end = until === undefined || until === '' ? undefined : typeof until === 'number' ? (until < 1e11 ? until * 1000 : until) : typeof until === 'string' ? Date.parse(until) : Number.NaN;
  // An end that cannot be read is no end for ever.
  if (end !== undefined && !Number.isFinite(end)) return undefined;
  return { network: read.text, ...(end !== undefined && { until: end }), why: typeof why === 'string' ? why.replace(/^'(?=[=+\-@])/, '').slice(0, whyMax) : '' };
}
