/** Text from outside made visible: for terminals, reports and logs of our own. */

/** Control and format characters, line and paragraph separators, halves of pairs, and all that is drawn as nothing (zero-width, fillers, tags, variation selectors). */
export const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Makes text from outside safe to print: control characters (escape sequences, carriage returns, C1) and
 * characters that reorder or hide text become visible codes.
 */
export function safe(text: string): string {
  return text.replace(unseen, (c) => (c === '\t' ? ' ' : `\\x${c.codePointAt(0)!.toString(16).padStart(2, '0')}`));
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For HTML and SVG, in text and in attributes in quotes; what a browser would obey or not draw becomes a visible code. */
export const markup = (text: string): string => safe(text).replace(/[&<>"']/g, (char) => entities[char]!);
