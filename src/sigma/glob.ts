/** Wildcard patterns as fast functions. All cost at most text length × pattern length, whatever the text. */
import { ANY, dashes, type Part } from './pattern.ts';

/** What a pattern asks, in the simplest words. */
export type Shape =
  | { kind: 'anything' }
  | { kind: 'equals' | 'startswith' | 'endswith' | 'contains'; text: string }
  | { kind: 'glob'; parts: readonly Part[] };

export function shapeOf(parts: readonly Part[]): Shape {
  if (parts.length === 0) return { kind: 'equals', text: '' };
  if (parts.length === 1 && parts[0] === ANY) return { kind: 'anything' };
  const head = parts[0] === ANY;
  const tail = parts.at(-1) === ANY;
  const middle = parts.slice(head ? 1 : 0, tail ? -1 : undefined);
  const text = middle[0];
  if (middle.length !== 1 || typeof text !== 'string') return { kind: 'glob', parts };
  return { kind: head ? (tail ? 'contains' : 'endswith') : tail ? 'startswith' : 'equals', text };
}

/** Escapes text so that it stands for itself in a regex. */
export const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/**
 * A matcher for the whole text. The stretches between * are found one after the other, each as early as possible:
 * never a regex with `.*`, which backtracks polynomially when there are several. A stretch is of fixed length (in
 * characters), so its regex has no quantifier.
 */
export function compileGlob(parts: readonly Part[]): (text: string) => boolean {
  const stretches: Part[][] = [[]];
  for (const part of parts) { if (part === ANY) stretches.push([]); else stretches.at(-1)!.push(part); }
  const first = stretches[0]!;
  if (stretches.length === 1) { const whole = new RegExp(`^${source(first)}$`, 'su'); return (text) => whole.test(text); }
  const last = stretches.at(-1)!;
  const head = first.length === 0 ? undefined : new RegExp(source(first), 'suy');
  const tail = last.length === 0 ? undefined : new RegExp(`${source(last)}$`, 'gsu');
  const middle = stretches.slice(1, -1).filter((stretch) => stretch.length > 0).map((stretch) => {
    const [only] = stretch;
    return stretch.length === 1 && typeof only === 'string' ? only : new RegExp(source(stretch), 'gsu');
  });
  const tailText = last.length === 1 && typeof last[0] === 'string' ? last[0] : undefined;
  return (text) => {
    let from = 0;
    if (head) { head.lastIndex = 0; if (!head.test(text)) return false; from = head.lastIndex; }
    for (const stretch of middle) {
      if (typeof stretch === 'string') {
        const found = text.indexOf(stretch, from);
        if (found < 0) return false;
        from = found + stretch.length;
      } else {
        stretch.lastIndex = from;
        if (!stretch.test(text)) return false;
        from = stretch.lastIndex;
      }
    }
    if (tailText !== undefined) return text.length - from >= tailText.length && text.endsWith(tailText);
    if (!tail) return true;
    tail.lastIndex = from;
    return tail.test(text);
  };
}

const source = (stretch: readonly Part[]): string =>
  stretch.map((part) => typeof part === 'string' ? escapeUnicode(part) : part === ANY ? '' : part === 1 ? '.' : `[${dashes.map(escapeUnicode).join('')}]`).join('');

/** In `u` mode only syntax characters may be escaped by a backslash; code points are safe for all. */
const escapeUnicode = (text: string): string => Array.from(text, (char) => /[A-Za-z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`).join('');
