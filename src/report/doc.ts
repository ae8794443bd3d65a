/** A report as blocks of plain text, from which Markdown and HTML are made. Nothing in it is escaped: that is for whoever writes it out. */

/** `code`: as it was seen (a path, a command line); it is never read as anything but text. */
export type Words = string | { code: string } | readonly (string | { code: string })[];
export type Tone = 'good' | 'bad' | 'warn' | 'dim';

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'subheading'; text: string }
  | { kind: 'text'; words: Words; tone?: Tone }
  | { kind: 'list'; items: readonly Words[]; ordered?: boolean }
  | { kind: 'facts'; rows: readonly (readonly [what: string, value: Words, tone?: Tone])[] }
  /** `widths`: of the columns in percent. */
  | { kind: 'table'; head: readonly string[]; widths: readonly number[]; rows: readonly (readonly Words[])[] }
  /** `svg` is finished markup of our own making; `lines` say the same as an indented list. */
  | { kind: 'figure'; svg: string; caption: string; lines: readonly { depth: number; words: Words }[] };

export interface Doc { lang: 'zh' | 'en'; product: string; title: string; /** How bad it is: decides the colour of the head. */ tone: Tone; lead: readonly string[]; blocks: readonly Block[]; foot: string }

export const parts = (words: Words): readonly (string | { code: string })[] => (typeof words === 'string' || 'code' in words ? [words] : words);
export const code = (text: string): { code: string } => ({ code: text });
