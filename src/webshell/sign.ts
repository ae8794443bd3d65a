/**
 * Reading a file as a web server would run it, and telling what in it is a trojan. Pure: no file is opened here. Each language is a
 * file (`php.ts`, …) that exports `analyse`; `languages.ts` lists them.
 */
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';

/**
 * What a sign says.
 * code          data of a request is run as code
 * command       data of a request is run as a command
 * callback      a request names the function that is called
 * write         a request says which file is written with what
 * include       a file that is no code, or one a request names, is run as code
 * connect       a shell is handed to another machine
 * file-manager  a request lists, reads, writes and deletes files
 * hidden        code or names that were hidden turn out to be dangerous
 * remote        what another machine or the database answers is run as code
 * injection     the page sends its readers elsewhere, mines on their machines or loads a stranger's script
 * handler       settings make the server run what is no program, or run a file before each other
 * carrier       a picture or document carries code
 * unpack        what a visitor sends is made objects of, which may run code
 * account       a page makes or hides administrators of the site, or takes passwords
 * mail          a visitor says who is sent what
 * sql           a visitor gives the statement, or the database too
 * odd           unusual by its statistics only
 */
export type SignKind = 'code' | 'command' | 'callback' | 'write' | 'include' | 'connect' | 'file-manager' | 'hidden' | 'remote' | 'injection' | 'handler' | 'carrier' | 'unpack' | 'account' | 'mail' | 'sql' | 'odd';

/** A line of the file; `text` bounded, as it stands there. `layer`: how many decoded layers deep, 0 for the file itself. */
export interface Place { line: number; text: string; layer: number }

export interface Sign {
  kind: SignKind;
  /** By itself, before it is known whose the file is and where it lies. */
  level: Level;
  title: Text;
  /** Where the data come in. */
  source?: Place;
  /** Where they arrive: the line that is dangerous. */
  sink: Place;
  /** The line as it is once unfolded, when it was hidden. */
  decoded?: string;
  /** ATT&CK techniques beside T1505.003. */
  attack?: readonly string[];
}

/** What one file may cost. All are for the file with all of its decoded layers together. */
export interface Limits {
  /** Bytes of source read. */
  bytes: number;
  /** Nodes of the syntax tree. */
  nodes: number;
  /** Nesting of expressions and calls. */
  depth: number;
  /** Evaluated nodes. */
  steps: number;
  /** Code decoded out of code decoded out of code. */
  layers: number;
  /** Length of one string that is built or unpacked. */
  text: number;
  /** Length of all strings that are built or unpacked. */
  texts: number;
  /** Milliseconds on the clock; a busy machine gets less done in them. */
  time: number;
}

export const defaultLimits: Limits = { bytes: 2 << 20, nodes: 400_000, depth: 200, steps: 1_000_000, layers: 24, text: 4 << 20, texts: 64 << 20, time: 6000 };

/** `cut`: what was left unread or unfinished, in words for the report; empty when the file was looked at whole. */
export interface Analysis { signs: Sign[]; cut: string[]; /** `parser` or, where it could not be parsed, `tokens`. */ read: 'parser' | 'tokens' }

/** `source` is a binary string: one char a byte, 0–255 (`latin1`). Never throws for what the source holds. */
export type Analyse = (source: string, limits?: Limits) => Analysis;

/** Thrown inside an analysis when a limit is reached; what was found so far stands. */
export class LimitError extends Error {
  readonly limit: keyof Limits;
  constructor(limit: keyof Limits) { super(`more ${limit} than allowed`); this.limit = limit; }
}

/** Counts what an analysis costs. `spend` is called for every step and looks at the clock now and then. */
export class Budget {
  readonly limits: Limits;
  readonly #ends: number;
  readonly #now: () => number;
  #steps = 0;
  #texts = 0;

  constructor(limits: Limits, now: () => number = Date.now) { this.limits = limits; this.#now = now; this.#ends = now() + limits.time; }

  get steps(): number { return this.#steps; }

  /** Throws LimitError. */
  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > this.limits.steps) throw new LimitError('steps');
    if ((this.#steps & 1023) < steps && this.#now() > this.#ends) throw new LimitError('time');
  }

  /** Asked before a string of this length is made; throws LimitError. */
  text(length: number): void {
    if (length > this.limits.text) throw new LimitError('text');
    this.#texts += length;
    if (this.#texts > this.limits.texts) throw new LimitError('texts');
  }

  /** Can a string of this length be made at all? What cannot is left unknown and the analysis goes on. */
  fits(length: number): boolean { return length <= this.limits.text && this.#texts + length <= this.limits.texts; }
}

const lineMax = 300;
const placesMax = 500;

/** Lines of a source by number, cut around the column of interest; for evidence. */
export class Lines {
  readonly #source: string;
  readonly #layer: number;
  #starts: number[] | undefined;
  readonly #places = new Map<string, Place>();

  constructor(source: string, layer = 0) { this.#source = source; this.#layer = layer; }

  /** `column` (0-based) is kept in view when the line is long. */
  place(line: number, column = 0): Place {
    const key = `${line} ${column}`;
    const known = this.#places.get(key);
    if (known) return known;
    const made = this.#make(line, column);
    if (this.#places.size < placesMax) this.#places.set(key, made);
    return made;
  }

  #make(line: number, column: number): Place {
    if (!this.#starts) {
      this.#starts = [0];
      for (let at = this.#source.indexOf('\n'); at >= 0; at = this.#source.indexOf('\n', at + 1)) this.#starts.push(at + 1);
    }
    const start = this.#starts[line - 1] ?? 0;
    const end = (this.#starts[line] ?? this.#source.length + 1) - 1;
    const from = column > lineMax - 100 ? start + column - 60 : start;
    const text = this.#source.slice(from, Math.min(end, from + lineMax));
    return { line, text: `${from > start ? '…' : ''}${readable(text.trim())}${end > from + lineMax ? '…' : ''}`, layer: this.#layer };
  }

  /** A part of the source. */
  slice(from: number, to: number): string { return this.#source.slice(from, to); }

  /** The place of an offset into the source. */
  at(offset: number): Place {
    if (!this.#starts) this.place(1);
    const starts = this.#starts!;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (starts[middle]! <= offset) low = middle; else high = middle - 1; }
    return this.place(low + 1, offset - starts[low]!);
  }
}

/** A binary string as people read it: UTF-8 where it is, else with \x.. for bytes that are none. */
function readable(binary: string): string {
  try {
    // oxlint-disable-next-line no-control-regex
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (char) => char.charCodeAt(0))).replace(/[\0-\x08\x0b-\x1f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  } catch {
    return binary.replace(/[^\t\n -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`); // no UTF-8
  }
}
