/**
 * Sigma text values: literals with * and ? wildcards. A value is parsed into parts once, so that nothing later
 * (contains, endswith, windash …) can mix up a written backslash with an added wildcard.
 */

/** Any number of characters. */
export const ANY = 0;
/** Exactly one character (a code point, not a UTF-16 unit). */
export const ONE = 1;
/** One of the dash characters that Windows tools take for each other. */
const DASH = 2;
export type Part = string | typeof ANY | typeof ONE | typeof DASH;

export const dashes = ['-', '/', '\u2013', '\u2014', '\u2015'] as const;

/**
 * `\` is literal unless it stands before `*`, `?` or `\`: `\*` is a star, `\\*` a backslash and a wildcard,
 * `\\\*` a backslash and a star, `C:\x` and `C:\\x` the same path.
 */
export function parsePattern(text: string): Part[] {
  const parts: Part[] = [];
  let literal = '';
  const flush = (): void => { if (literal) { parts.push(literal); literal = ''; } };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) { literal += next; i++; continue; }
    if (char === '*') { flush(); if (parts.at(-1) !== ANY) parts.push(ANY); continue; }
    if (char === '?') { flush(); parts.push(ONE); continue; }
    literal += char;
  }
  flush();
  return parts;
}

/** Neighbouring literals become one, repeated * one. */
export function join(parts: readonly Part[]): Part[] {
  const out: Part[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (part === '') continue;
    if (typeof part === 'string' && typeof last === 'string') out[out.length - 1] = last + part;
    else if (part !== ANY || last !== ANY) out.push(part);
  }
  return out;
}

export const surround = (parts: readonly Part[], before: boolean, after: boolean): Part[] =>
  join([...(before ? [ANY] as const : []), ...parts, ...(after ? [ANY] as const : [])]);

/** Every dash becomes "any dash". */
export function windash(parts: readonly Part[]): Part[] {
  const out: Part[] = [];
  for (const part of parts) {
    if (typeof part !== 'string') { out.push(part); continue; }
    for (const piece of part.split(/([-/\u2013\u2014\u2015])/)) {
      if (piece !== '') out.push((dashes as readonly string[]).includes(piece) ? DASH : piece);
    }
  }
  return join(out);
}

/** Literal texts that together mean the pattern, or undefined when it has wildcards or more than `max` of them. */
export function expandDashes(parts: readonly Part[], max: number): string[] | undefined {
  let texts = [''];
  for (const part of parts) {
    if (part === ANY || part === ONE) return undefined;
    const choices = part === DASH ? dashes : [part];
    texts = texts.flatMap((text) => choices.map((choice) => text + choice));
    if (texts.length > max) return undefined;
  }
  return texts;
}

/** How the pattern reads in a rule: wildcards as * and ?, dashes as -. */
export function patternText(parts: readonly Part[]): string {
  return parts.map((part) => part === ANY ? '*' : part === ONE ? '?' : part === DASH ? '-' : part.replace(/[*?]|\\(?=[*?\\]|$)/g, '\\$&')).join('');
}

/**
 * Case folding for comparisons: each character's simple lower-case mapping, so length and positions stay.
 * toLowerCase differs from it in two characters: İ grows to two, and Σ depends on what stands around it.
 * Text that is lower-case already, as most fields of events are, is handed back as it is.
 */
export function fold(text: string): string {
  const low = text.toLowerCase();
  return low === text || !/[\u0130\u03A3]/.test(text) ? low : text.replaceAll('\u0130', 'i').replaceAll('\u03A3', '\u03C3').toLowerCase();
}

export const foldParts = (parts: readonly Part[]): Part[] => parts.map((part) => typeof part === 'string' ? fold(part) : part);
