/** Text wrapped at a width that counts wide characters as two columns. */

const wide = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
const none = /\p{M}/u;
/** What must not begin a line, and what must not end one. */
const closing = /^[，。；：！？、）】》」』”’…,.;:!?)\]}]/u;
const opening = /[（【《「『“‘([{]$/u;

/** Columns that one character takes. */
const columnsOf = (char: string): number => (char < '\u0300' ? 1 : wide.test(char) ? 2 : none.test(char) ? 0 : 1);

export function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += columnsOf(char);
  return width;
}

/** The beginning of a text that fits in `columns`, with `…` where something is left off. */
export function cutAt(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let out = '';
  let width = 0;
  for (const char of text) {
    width += columnsOf(char);
    if (width > columns - 1) break;
    out += char;
  }
  return `${out}…`;
}

/** Lines of at most `columns`; further lines begin with `hang` blanks. Breaks at blanks and between wide characters; a longer word is cut. */
export function wrap(text: string, columns: number, hang = 0): string[] {
  const lines: string[] = [];
  let line = '';
  let width = 0;
  const next = (): void => {
    lines.push(line.trimEnd());
    line = ' '.repeat(hang);
    width = hang;
  };
  for (const piece of pieces(text)) {
    const size = widthOf(piece);
    if (width + widthOf(piece.trimEnd()) <= columns) { line += piece; width += size; continue; }
    // A word that fills a line by itself begins where it stands: a break before it would gain nothing.
    if (size <= columns - hang) {
      next();
      line += piece.trimStart();
      width += widthOf(piece.trimStart());
      continue;
    }
    for (const char of piece) {
      const one = columnsOf(char);
      if (width + one > columns) next();
      line += char;
      width += one;
    }
  }
  if (line.trim() !== '' || lines.length === 0) lines.push(line.trimEnd());
  return lines;
}

/** What must stay on one line: a word with the blanks behind it, or one wide character with the punctuation that clings to it. */
function pieces(text: string): string[] {
  const out: string[] = [];
  let before = '';
  for (const char of text) {
    const clings = closing.test(char) ? before !== ' ' : opening.test(before);
    const joins = char === ' ' || (before !== ' ' && !wide.test(char) && !wide.test(before));
    if (before !== '' && (clings || joins)) out[out.length - 1] += char;
    else out.push(char);
    before = char;
  }
  return out;
}
