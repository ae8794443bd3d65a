/** The event under evaluation: each field read once, folded once, and only when a rule asks. */
import { type Reader, itemHolds } from './interpret.ts';
import { fold } from './pattern.ts';
import type { Item } from './types.ts';
import type { Access, Binding } from './values.ts';

/** A field holds nothing (missing, null, an empty list), one scalar, or something the interpreter must look at. */
export const NOTHING = 0;
export const SCALAR = 1;
export const COMPLEX = 2;

export class Slot<E> {
  raw: unknown;
  text = '';
  private folded: string | undefined;
  private kind: 0 | 1 | 2 = NOTHING;
  private stamp = 0;
  private readonly read: Access<E>;

  constructor(read: Access<E>) { this.read = read; }

  /** What the field holds in the frame's event. */
  at(frame: Frame<E>): 0 | 1 | 2 {
    if (this.stamp !== frame.stamp) this.load(frame);
    return this.kind;
  }

  /** The folded text; call `at` first. */
  low(): string { return this.folded ??= fold(this.text); }

  /** Somebody remembers how the text of this event folds. */
  foldsTo(low: string): void { this.folded = low; }

  private load(frame: Frame<E>): void {
    this.stamp = frame.stamp;
    const raw = this.read(frame.event);
    // Most fields hold one of a few texts, and often the one they held in the event before.
    if (raw === this.raw && typeof raw === 'string') return;
    this.folded = undefined;
    this.raw = raw;
    switch (typeof raw) {
      case 'string': this.kind = SCALAR; this.text = raw; break;
      case 'number': case 'boolean': case 'bigint': this.kind = SCALAR; this.text = String(raw); break;
      case 'undefined': this.kind = NOTHING; break;
      default: this.kind = raw === null || (Array.isArray(raw) && raw.length === 0) ? NOTHING : COMPLEX;
    }
  }
}

export class Frame<E> {
  event!: E;
  /** Changes with each event. */
  stamp = 0;
  readonly reader: Reader;
  private readonly binding: Binding<E>;
  private words: readonly string[] | undefined;
  private foldedWords: readonly string[] | undefined;

  constructor(binding: Binding<E>, access: (field: string) => Access<E>) {
    this.binding = binding;
    this.reader = { read: (field) => access(field)(this.event), keywords: () => this.keywords() };
  }

  begin(event: E): void {
    this.event = event;
    this.stamp++;
    this.words = undefined;
    this.foldedWords = undefined;
  }

  keywords(): readonly string[] { return this.words ??= [...this.binding.keywords(this.event)]; }
  lowKeywords(): readonly string[] { return this.foldedWords ??= this.keywords().map(fold); }

  /** Whether any text of the event passes; called by generated code for keyword searches. */
  some(test: (low: string, text: string) => boolean): boolean {
    const texts = this.keywords();
    const low = this.lowKeywords();
    for (let i = 0; i < texts.length; i++) if (test(low[i]!, texts[i]!)) return true;
    return false;
  }

  /** An item on a field that holds a list or an object. */
  slow(item: Item): boolean { return itemHolds(item, this.reader); }
}
