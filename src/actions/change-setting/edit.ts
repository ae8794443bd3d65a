/** One line of a text changed or added, told so that it can be taken back also when other lines changed since. Texts hold one character a byte. */
import { createHash } from 'node:crypto';
import { MoatError } from '../../core/error.ts';
import type { ActionErrorCode } from '../../core/action.ts';

/** `line` from 1. `old` undefined: `next` is put in before that line. Neither holds the end of the line. */
export interface Edit { line: number; old?: string; next: string }

/** Throws MoatError 'changed' when another line stands there. */
export function edited(text: string, { line, old, next }: Edit): string {
  const lines = text.split('\n');
  if (old === undefined) return lines.toSpliced(line - 1, 0, next).join('\n');
  if (lines[line - 1] !== old) throw new MoatError<ActionErrorCode>('changed', `expected ${JSON.stringify(old.slice(0, 200))} in line ${line}, got another`);
  return lines.with(line - 1, next).join('\n');
}

/** Without the edit, in a text that others changed since; undefined when its line cannot be told any more. */
export function unedited(text: string, { old, next }: Edit): string | undefined {
  const lines = text.split('\n');
  const at = lines.indexOf(next);
  if (at < 0 || lines.indexOf(next, at + 1) >= 0) return undefined;
  return (old === undefined ? lines.toSpliced(at, 1) : lines.with(at, old)).join('\n');
}

/** Does it hold the edit (finished), what was there before it (former), or neither? */
export function stateOf(text: string, { old, next }: Edit): 'finished' | 'former' | 'between' {
  const lines = text.split('\n');
  const count = (line: string): number => lines.filter((one) => one === line).length;
  if (count(next) === 1) return 'finished';
  return count(next) === 0 && (old === undefined || count(old) > 0) ? 'former' : 'between';
}

export const bytesIn = (text: string): Buffer => Buffer.from(text, 'latin1');
export const digestIn = (text: string): string => createHash('sha256').update(bytesIn(text)).digest('hex');
