/** Lists as lines: plain (one value a line, comments, hosts files) and CSV. Text is handed over in pieces. */
import type { IndicatorKind } from '../../core/lineage.ts';
import { ListBuilder } from './list.ts';
import { addValue } from './recognise.ts';

/** Reads a list handed over in pieces. */
export interface ListReader {
  push(text: string): void;
  /** Throws nothing: what was not understood is counted in the list. */
  end(): void;
  /** Lines or entries seen, and those understood. */
  readonly seen: number;
  readonly understood: number;
  /** Why nothing could be read of it at all. */
  readonly fault?: string | undefined;
}

const lineMax = 16 * 1024;

/** Cuts text into lines, without holding more than one. */
class Lines {
  #rest = '';
  #skipping = false;
  readonly #each: (line: string) => void;
  readonly #tooLong: () => void;

  constructor(each: (line: string) => void, tooLong: () => void) { this.#each = each; this.#tooLong = tooLong; }

  push(text: string): void {
    const all = this.#rest + text;
    let at = 0;
    for (;;) {
      const end = all.indexOf('\n', at);
      if (end < 0) break;
      if (this.#skipping) this.#skipping = false;
      else this.#one(all, at, end);
      at = end + 1;
    }
    this.#rest = all.slice(at);
    if (this.#rest.length > lineMax) {
      if (!this.#skipping) this.#tooLong();
      this.#skipping = true;
    }
    if (this.#skipping) this.#rest = '';
  }

  end(): void {
    if (this.#rest !== '' && !this.#skipping) this.#one(this.#rest, 0, this.#rest.length);
    this.#rest = '';
  }

  #one(text: string, start: number, end: number): void {
    const stop = text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end;
    if (stop - start > lineMax) this.#tooLong();
    else if (stop > start) this.#each(text.slice(start, stop));
  }
}

export function plainReader(into: ListBuilder, kind: IndicatorKind | undefined): ListReader {
  let seen = 0;
  let understood = 0;
  const lines = new Lines((line) => {
    const value = plainValue(line);
    if (value === '') return;
    seen++;
    if (addValue(into, value, kind)) understood++;
  }, () => { seen++; into.refuse('too large'); });
  return { push: (text) => lines.push(text), end: () => lines.end(), get seen() { return seen; }, get understood() { return understood; } };
}

/** Comments begin with #, ; or //; ! and [ begin lines of ad blockers' lists. Hosts files name the host behind 0.0.0.0. */
function plainValue(line: string): string {
  const text = line.charCodeAt(0) === 0xfeff ? line.slice(1).trim() : line.trim();
  const first = text.charCodeAt(0);
  if (text === '' || first === 35 || first === 59 || first === 33 || text.startsWith('//') || (first === 91 && !text.includes(':'))) return '';
  const [a = '', b = '', c = ''] = text.split(/[\s;#]+/, 3);
  if ((a === '0.0.0.0' || a === '127.0.0.1' || a === '::' || a === '::1') && b !== '' && !/[\s]#/.test(text.slice(0, text.indexOf(b)))) return b === 'localhost' ? '' : b;
  // `first - last` is a range.
  if (b === '-' && c !== '') return `${a}-${c}`;
  const comma = a.indexOf(',');
  return comma > 0 ? a.slice(0, comma) : a;
}

export interface CsvOptions { kind: IndicatorKind | undefined; /** Name in the first row, or number from 1; guessed when left out. */ column: string | number | undefined }

/** Rows that are kept until the column is chosen. */
const lookRows = 50;
const cellsMax = 200;

export function csvReader(into: ListBuilder, { kind, column }: CsvOptions): ListReader {
  const probe = new ListBuilder(into.head, 0);
  const couldBe = (cell: string): boolean => cell.trim() !== '' && addValue(probe, cell, kind);
  let seen = 0;
  let understood = 0;
  let fault: string | undefined;
  let chosen = -1;
  let separator = '';
  /** Some lists write the names of their columns into the last comment before the rows. */
  let comment: string[] = [];
  let waiting: string[][] = [];
  const take = (row: string[]): void => {
    seen++;
    if (addValue(into, row[chosen] ?? '', kind)) understood++;
  };
  const choose = (): void => {
    if (waiting.length === 0) return;
    const [head = []] = waiting;
    if (typeof column === 'number') chosen = column - 1;
    else if (column === undefined) chosen = guess(waiting, couldBe);
    else {
      chosen = Math.max(named(head, column), named(comment, column));
      if (chosen < 0) fault = `expected a column named ${column}, got ${head.slice(0, 20).join(', ').slice(0, 200)}`;
    }
    // A first row that names the columns is no entry.
    const names = !couldBe(head[chosen] ?? '') && (waiting.length === 1 || waiting.slice(1).some((row) => couldBe(row[chosen] ?? '')));
    const rows = names ? waiting.slice(1) : waiting;
    waiting = [];
    if (fault === undefined) for (const row of rows) take(row);
  };
  const lines = new Lines((line) => {
    if (fault !== undefined || line.trim() === '') return;
    const isComment = line.startsWith('#');
    const text = isComment ? line.slice(1).trim() : line;
    separator = isComment || separator === '' ? separatorOf(text) : separator;
    if (isComment) { if (chosen < 0 && waiting.length === 0) comment = cellsOf(text, separator); return; }
    const row = cellsOf(text, separator);
    if (chosen >= 0) { take(row); return; }
    waiting.push(row);
    if (waiting.length >= lookRows) choose();
  }, () => { seen++; into.refuse('too large'); });
  return {
    push: (text) => lines.push(text),
    end: () => { lines.end(); if (chosen < 0) choose(); },
    get seen() { return seen; }, get understood() { return understood; }, get fault() { return fault; },
  };
}

const named = (cells: readonly string[], name: string): number => cells.findIndex((cell) => cell.trim().toLowerCase() === name.trim().toLowerCase());

/** The column most of whose cells are values; the first of equals. */
function guess(rows: readonly string[][], couldBe: (cell: string) => boolean): number {
  const scores: number[] = [];
  for (const row of rows) row.forEach((cell, i) => { scores[i] = (scores[i] ?? 0) + (couldBe(cell) ? 1 : 0); });
  return scores.indexOf(Math.max(0, ...scores));
}

function separatorOf(line: string): string {
  const counts = [',', ';', '\t', '|'].map((mark) => [mark, line.split(mark).length] as const);
  return counts.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

/** Cells of one row; within quotes the separator is text and "" a quote. */
function cellsOf(line: string, separator: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length && cells.length < cellsMax) {
    while (line.charCodeAt(at) === 32) at++;
    let cell = '';
    if (line.charCodeAt(at) === 34) {
      let end = at + 1;
      for (;;) {
        const quote = line.indexOf('"', end);
        if (quote < 0) { cell += line.slice(end); end = line.length; break; }
        cell += line.slice(end, quote);
        end = quote + 1;
        if (line.charCodeAt(end) !== 34) break;
        cell += '"';
        end++;
      }
      const next = line.indexOf(separator, end);
      at = next < 0 ? line.length + 1 : next + 1;
    } else {
      const next = line.indexOf(separator, at);
      cell = line.slice(at, next < 0 ? line.length : next);
      at = next < 0 ? line.length + 1 : next + 1;
    }
    cells.push(cell);
  }
  return cells;
}
