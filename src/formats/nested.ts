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
    const sure = this.#current?.format.sniff(line) ?? 0;
    const chosen = sure >= 0.7 ? this.#current : this.#choose(line) ?? (sure > 0 ? this.#current : undefined);
    if (!chosen) return false;
    const before = chosen.decoder.unparsed;
    chosen.decoder.decode(line, place);
    return chosen.decoder.unparsed === before;
  }

  flush(): void {
    for (const decoder of this.#open.values()) decoder.flush();
  }

  #choose(line: string): { format: LogFormat; decoder: LogDecoder } | undefined {
    let best: LogFormat | undefined;
    let score = 0.3;
    for (const format of this.#formats) {
      const sure = format.sniff(line);
      if (sure <= score) continue;
      best = format;
      score = sure;
    }
    if (!best) return undefined;
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
    return this.#current;
  }
}
