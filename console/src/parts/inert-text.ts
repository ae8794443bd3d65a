/** What a host sends is hostile: signs that hide, turn around or look like nothing are made visible. Pure, so that it is tested alone. */

export interface Piece { text: string; /** A hidden sign, shown by its name. */ sign: boolean }

/** C0, C1, soft hyphen, Arabic letter mark, Hangul fillers, zero widths, line separators, bidirectional controls, invisible operators, variation selectors that stand alone, BOM, interlinear, tags, lone surrogates. */
// eslint-disable-next-line no-misleading-character-class -- each is meant by itself
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;
const names: Readonly<Record<number, string>> = { 0: 'NUL', 7: 'BEL', 8: 'BS', 9: '⇥', 10: '↵', 13: '␍', 27: 'ESC', 0x7f: 'DEL', 0xad: 'SHY', 0x200b: 'ZWSP', 0x200e: 'LRM', 0x200f: 'RLM', 0x202a: 'LRE', 0x202b: 'RLE', 0x202c: 'PDF', 0x202d: 'LRO', 0x202e: 'RLO', 0x2066: 'LRI', 0x2067: 'RLI', 0x2068: 'FSI', 0x2069: 'PDI', 0xfeff: 'BOM' };

const nameOf = (code: number): string => names[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

/** The text in pieces. `lines`: line ends and tabs stay what they are (in a block that keeps them). At most `most` characters; `left` counts the rest. */
export function inertPieces(text: string, { lines = false, most = 20_000 }: { lines?: boolean; most?: number } = {}): { pieces: Piece[]; left: number } {
  const cut = text.length > most ? text.slice(0, most) : text;
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of cut.matchAll(hidden)) {
    const code = match[0].codePointAt(0)!;
    if (lines && (code === 10 || code === 9)) continue;
    if (match.index > from) pieces.push({ text: cut.slice(from, match.index), sign: false });
    pieces.push({ text: nameOf(code), sign: true });
    from = match.index + match[0].length;
  }
  if (from < cut.length) pieces.push({ text: cut.slice(from), sign: false });
  return { pieces, left: text.length - cut.length };
}

/** A value of the wire as text: what is no text or number, as JSON. */
export const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value) ?? '');

/** As one plain text: for titles, charts and what is read aloud. */
export const inertString = (text: string, most = 500): string => {
  const { pieces, left } = inertPieces(text, { most });
  return `${pieces.map(({ text: said, sign }) => (sign ? `⟨${said}⟩` : said)).join('')}${left > 0 ? '…' : ''}`;
};
