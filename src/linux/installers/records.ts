/** What installers write down of their files. */
import { textOf, type Tree } from '../tree.ts';

export interface RecordedFile { name: string; version: string; /** Hexadecimal. */ sha256: string | undefined }
/** By full path. */
export type Records = ReadonlyMap<string, RecordedFile>;

/** Entries held at the same time. */
export const recordsMax = 400_000;
const textMax = 16 << 20;
const wordMax = 200;

/** An object of a JSON file; undefined when there is no such file or it holds something else. Throws TreeError. */
export function jsonOf(tree: Tree, path: string): Record<string, unknown> | undefined {
  const text = textOf(tree, path, textMax);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch { return undefined; /* no JSON is no record */ }
}

/** A name or version as a record gives it. */
export const wordOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.slice(0, wordMax) : undefined);

/** `folder/relative` with `.` and `..` taken away, as long as it stays below the root. */
export function resolved(folder: string, relative: string): string | undefined {
  const parts = relative.startsWith('/') ? [] : folder.split('/').filter(Boolean);
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return `/${parts.join('/')}`;
}
