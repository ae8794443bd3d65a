/** Which form a list has, and whether what was read of it may replace what was there. */
import type { IndicatorKind } from '../../core/lineage.ts';
import type { ListBuilder } from './list.ts';
import { mispReader } from './misp.ts';
import { stixReader } from './stix.ts';
import { csvReader, plainReader, type ListReader } from './text-lists.ts';

export const listFormats = ['plain', 'csv', 'misp', 'stix'] as const;
export type ListFormat = (typeof listFormats)[number];

export interface ReadOptions { kind?: IndicatorKind | undefined; column?: string | number | undefined; now: number }

export function openReader(format: ListFormat, into: ListBuilder, { kind, column, now }: ReadOptions): ListReader {
  switch (format) {
    case 'plain': return plainReader(into, kind);
    case 'csv': return csvReader(into, { kind, column });
    case 'misp': return mispReader(into, kind);
    case 'stix': return stixReader(into, kind, now);
  }
}

/** The form, told by the first piece of the text and the name of the file or URL. */
export function guessFormat(head: string, name: string, column: string | number | undefined): ListFormat {
  const text = head.replace(/^\ufeff/, '').trimStart();
  if (text.startsWith('{') || /^\[\s*\{/.test(text)) return /"(?:spec_version|objects|bundle)"/.test(text) ? 'stix' : 'misp';
  if (column !== undefined || /\.csv(?:[?#].*)?$/i.test(name)) return 'csv';
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^[#;!/]/.test(line)).slice(0, 20);
  if (lines.some((line) => line.startsWith('"'))) return 'csv';
  const [first = '', second = ''] = lines;
  return [',', ';', '\t'].some((mark) => first.split(mark).length > 2 && first.split(mark).length === second.split(mark).length) ? 'csv' : 'plain';
}

/**
 * Why what was read cannot be the list; undefined when it
 * can. A page that says "not found" is text too: most of a list must be understood. A list may be empty, a file may not.
 */
export function faultOf(format: ListFormat, reader: ListReader, into: ListBuilder, chars: number): string | undefined {
  if (reader.fault !== undefined) return reader.fault;
  if (chars === 0) return 'expected a list, got an empty file';
  const lines = format === 'plain' || format === 'csv';
  if (lines && reader.understood * 2 < reader.seen) return `expected a ${format} list, got ${reader.understood} of ${reader.seen} lines understood`;
  if (!lines && reader.seen > 0 && into.size === 0 && reader.understood === 0) return `expected a ${format} list, got none of ${reader.seen} entries understood`;
  return undefined;
}
