/** Lines of a text changed or added, told so that they can be taken back also when other lines changed since. Texts hold one character a byte. */
import { createHash } from 'node:crypto';
import { MoatError } from '../../core/error.ts';
import type { ActionErrorCode } from '../../core/action.ts';

/** `line` from 1. `old` undefined: `next` is put in before that line. Both may be several lines; neither holds the end of the last one. */
export interface Edit { line: number; old?: string; next: string }

const isAt = (lines: readonly string[], at: number, part: readonly string[]): boolean => part.every((one, i) => lines[at + i] === one);
const places = (lines: readonly string[], part: readonly string[]): number[] => lines.flatMap((_, at) => (isAt(lines, at, part) ? [at] : []));

/** Throws MoatError 'changed' when another line stands there. */
export function edited(text: string, { line, old, next }: Edit): string {
  const lines = text.split('\n');
  if (old === undefined) return lines.toSpliced(line - 1, 0, next).join('\n');
  const before = old.split('\n');
  if (!isAt(lines, line - 1, before)) throw new MoatError<ActionErrorCode>('changed', `expected ${JSON.stringify(old.slice(0, 200))} in line ${line}, got another`);
  return lines.toSpliced(line - 1, before.length, next).join('\n');
}

/** Without the edit, in a text that others changed since; undefined when its lines cannot be told any more. */
export function unedited(text: string, { old, next }: Edit): string | undefined {
  const lines = text.split('\n'), after = next.split('\n');
  const [at, ...more] = places(lines, after);
  if (at === undefined || more.length > 0) return undefined;
  return lines.toSpliced(at, after.length, ...(old === undefined ? [] : [old])).join('\n');
}

/** Does it hold the edit (finished), what was there before it (former), or neither? */
export function stateOf(text: string, { old, next }: Edit): 'finished' | 'former' | 'between' {
  const lines = text.split('\n');
  const count = (part: string): number => places(lines, part.split('\n')).length;
  if (count(next) === 1) return 'finished';
  return count(next) === 0 && (old === undefined || count(old) > 0) ? 'former' : 'between';
}

export const bytesIn = (text: string): Buffer => Buffer.from(text, 'latin1');
export const digestIn = (text: string): string => createHash('sha256').update(bytesIn(text)).digest('hex');
