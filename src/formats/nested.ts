import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../core/format.ts';
import type { Event } from '../core/gen/event.ts';

/** Formats open at once inside one wrapped log; a container speaks few. */
const mostOpen = 8;

/**
 * Hands the lines that a wrapper (docker, cri) took out to the format that knows them best. A format once found
 * is kept while it still knows the lines; the others are asked again for one that it does not know.
 */
export class Nested {
  unparsed = 0;
  readonly #formats: readonly LogFormat[];
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #open = new Map<string, LogDecoder>();
  #current: { format: LogFormat; decoder: LogDecoder } | undefined;

  constructor(formats: readonly LogFormat[], context: DecodeContext, emit: (event: Event) => void) {
    this.#formats = formats;
    this.#context = context;
    this.#emit = emit;
  }

  /** True when a format took the line; events come through `emit` (at once for formats of one line). */
  decode(line: string, place: LinePlace): boolean {
    const current = this.#current;
    if (!current || current.format.sniff(line) < 0.7) this.#choose(line);
    const chosen = this.#current;
    if (!chosen || chosen.format.sniff(line) <= 0) return false;
    const before = chosen.decoder.unparsed;
    chosen.decoder.decode(line, place);
    return chosen.decoder.unparsed === before;
  }

  flush(): void {
    for (const decoder of this.#open.values()) decoder.flush();
  }

  #choose(line: string): void {
    let best: LogFormat | undefined;
    let score = 0.3;
    for (const format of this.#formats) {
      const sure = format.sniff(line);
      if (sure <= score) continue;
      best = format;
      score = sure;
    }
    if (!best) return;
    let decoder = this.#open.get(best.id);
    if (!decoder) {
      if (this.#open.size >= mostOpen) {
        const [oldest] = this.#open.keys();
        if (oldest !== undefined) {
          this.#open.get(oldest)?.flush();
          this.#open.delete(oldest);
        }
      }
      decoder = best.open(this.#context, this.#emit);
      this.#open.set(best.id, decoder);
    }
    this.#current = { format: best, decoder };
  }
}
