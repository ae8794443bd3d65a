/** A source read by the forgiving reader and followed: shared by every language that has no parser of its own here. */
import { Budget, LimitError, Lines, type Analysis, type Limits, type Place, type Sign } from '../sign.ts';
import { Follower, type Dialect } from './follow.ts';
import { lex, type Family } from './lex.ts';
import { parse } from './parse.ts';
import type { Code } from './tree.ts';

export interface Part { source: string; family: Family; dialect: Dialect }

/** Cuts a source at the limit; tells in `cut`. */
export function bounded(source: string, limits: Limits, cut: string[]): string {
  if (source.length <= limits.bytes) return source;
  cut.push('the end of a file that is too large');
  return source.slice(0, limits.bytes);
}

/** `original`: the file as it stands, whose lines are shown; its lines match those of `part.source`. */
export function readPart({ source, family, dialect }: Part, limits: Limits, cut: string[], original = source, layer = 0): Sign[] {
  const budget = new Budget(limits);
  return follow(() => parse(lex(source, family, budget), family, budget), dialect, budget, placer(source, original, layer), cut);
}

export function follow(codes: () => Code[], dialect: Dialect, budget: Budget, place: (at: number) => Place, cut: string[]): Sign[] {
  const follower = new Follower(dialect, budget, place);
  try {
    follower.run(codes());
  } catch (error) {
    if (!(error instanceof LimitError || error instanceof RangeError)) throw error;
    cut.push(error instanceof LimitError ? error.message : 'nested deeper than can be followed');
  }
  return [...follower.signs.values()];
}

export function placer(source: string, original: string, layer = 0): (at: number) => Place {
  const lines = new Lines(original, layer);
  if (source === original) return (at) => lines.at(Math.max(0, Math.min(at, source.length)));
  const own = new Lines(source, layer);
  return (at) => lines.place(own.at(at).line);
}

export const result = (signs: Sign[], cut: string[], read: Analysis['read'] = 'parser'): Analysis => ({ signs, cut: [...new Set(cut)], read });

/** For languages in which a statement ends with its line: says so where it can end. */
export const statementsEnd = (text: string): string => text.replace(/([\w)\]}"'`])[ \t]*\r?\n(?!\s{0,200}[.&|?:+,)\]}])/g, '$1;\n');

/** Turned to blanks, lines kept. */
export const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
