/** Block lists as files that hosts share: a plain list, CSV, or JSON lines. Reading is pure; a line that is none is counted, never guessed. */
import { closeSync, openSync, readSync } from 'node:fs';
import { MoatError } from '../core/error.ts';
import { parseNetwork } from '../core/networks.ts';

export type BlocklistErrorCode = 'too-large';

export const blocklistFormats = ['plain', 'csv', 'jsonl'] as const;
export type BlocklistFormat = (typeof blocklistFormats)[number];

/** `until`: Unix ms; for good when undefined. `network` canonical. */
export interface SharedBlock { network: string; until?: number; why: string }

/** `bad`: lines that name no address; `first`: the first of them by its number, from 1. Comments and empty lines are neither. */
export interface ReadBlocklist { format: BlocklistFormat; entries: SharedBlock[]; bad: number; first: number | undefined; twins: number }

const lineMax = 4096;
const whyMax = 500;
/** As many as lists may have in all (blocklists.ts). */
const entriesMost = 900_000;
const comment = /^(?:[#;]|\/\/)/;
const networkNames = ['network', 'address', 'ip', 'ip_address', 'source_ip', 'cidr', 'value'];
const untilNames = ['until', 'expires', 'expiration', 'valid_until'];
const whyNames = ['why', 'reason', 'comment', 'description'];
const marks = [',', ';', '\t'];

/** Throws MoatError 'too-large' when there are more entries than can be blocked. */
export function readBlocklist(text: string, wanted?: BlocklistFormat): ReadBlocklist {
  const found = new Map<string, SharedBlock>();
  const out: ReadBlocklist = { format: wanted ?? 'plain', entries: [], bad: 0, first: undefined, twins: 0 };
  let isFirst = true, number = 0;
  let csv: Csv | undefined;
  // Cut one at a time: a file of nothing but line ends would be an array of its whole size.
  for (const raw of linesOf(text)) {
    number++;
    const line = raw === undefined ? '' : raw.trim();
    if (raw !== undefined && (line === '' || (out.format !== 'jsonl' && comment.test(line)))) continue;
    if (isFirst && raw !== undefined) {
      isFirst = false;
      out.format = wanted ?? formatOf(line);
      csv = out.format === 'csv' ? csvOf(line) : undefined;
      if (csv?.hasNames === true) continue;
    }
    const entry = raw === undefined ? undefined : csv ? csv.read(line) : out.format === 'jsonl' ? readJson(line) : readPlain(line);
    if (entry === undefined) { out.bad++; out.first ??= number; continue; }
    if (found.has(entry.network)) out.twins++;
    else if (found.size >= entriesMost) throw new MoatError<BlocklistErrorCode>('too-large', `expected at most ${entriesMost} addresses and networks`);
    found.set(entry.network, entry);
  }
  out.entries = [...found.values()];
  return out;
}

/** Undefined for a line that is too long for any entry. */
function* linesOf(text: string): Iterable<string | undefined> {
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length;) {
    const next = text.indexOf('\n', at);
    const end = next < 0 ? text.length : next;
    yield end - at > lineMax ? undefined : text.slice(at, end);
    at = end + 1;
  }
}

const bytesMost = 64 * 2 ** 20;

/** The text of a list; `-` is the standard input. Reads no more than a list may have, whatever the file says of its size. Throws MoatError 'too-large', or what the system throws. */
export function blocklistText(file: string): string {
  const from = file === '-' ? 0 : openSync(file, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let size = 0; ;) {
      const piece = Buffer.allocUnsafe(1 << 20);
      const got = readSync(from, piece, 0, piece.length, null);
      if (got === 0) return Buffer.concat(pieces).toString('utf8');
      size += got;
      if (size > bytesMost) throw new MoatError<BlocklistErrorCode>('too-large', `expected a list of at most ${bytesMost / 2 ** 20} MiB, got more`);
      pieces.push(piece.subarray(0, got));
    }
  } finally { if (from !== 0) closeSync(from); }
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

/** By the first line that is no comment. */
function formatOf(first: string): BlocklistFormat {
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

interface Csv { hasNames: boolean; read: (line: string) => SharedBlock | undefined }

/** Columns by the names of the first line; without names the first that holds an address is it. */
function csvOf(first: string): Csv {
  const mark = marks.reduce((best, one) => (first.split(one).length > first.split(best).length ? one : best));
  const names = cellsOf(first, mark).map((name) => name.toLowerCase());
  const column = (wanted: readonly string[]): number => names.findIndex((name) => wanted.includes(name));
  const [network, until, why] = [column(networkNames), column(untilNames), column(whyNames)];
  if (network < 0) return { hasNames: false, read: (line) => { const found = cellsOf(line, mark).find((one) => parseNetwork(one) !== undefined); return entryOf(found, undefined, undefined); } };
  return { hasNames: true, read: (line) => { const cells = cellsOf(line, mark); return entryOf(cells[network], cells[until], cells[why]); } };
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
