import { Event, type Kind } from '../core/gen/event.ts';
import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../core/format.ts';
import type { Text } from '../core/text.ts';
import { Times } from './time.ts';

/** Understands lines that are one record each, and may remember a bounded little between them. */
export interface LineReader {
  /**
   * The event comes with id, host, source, lines and message set. Fills in what the line says, its time too where
   * `times` is given (a carrier such as syslog has set it already), and returns true. Returns false for a line
   * that is not of its kind; what it set until then does not count.
   */
  read(line: string, event: Event, times: Times | undefined): boolean;
}

export interface LineFormatSpec {
  id: string;
  title: Text;
  paths: readonly string[];
  aliases?: readonly string[];
  /** Kind of events; the reader may change it line by line. */
  kind: Kind;
  sniff(line: string): number;
  open(source: string): LineReader;
  /** Lines the reader does not know still become an event with their message: for logs with a kind for plain text. */
  keepUnknown?: { category: string; service: string };
}

/** A format whose every line is a record of its own. */
export function lineFormat(spec: LineFormatSpec): LogFormat {
  const { id, title, paths, aliases } = spec;
  return { id, title, paths, aliases, sniff: (line) => spec.sniff(line), open: (context, emit) => new LineDecoder(spec, context, emit) };
}

class LineDecoder implements LogDecoder {
  unparsed = 0;
  readonly #spec: LineFormatSpec;
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #reader: LineReader;
  readonly #times: Times;

  constructor(spec: LineFormatSpec, context: DecodeContext, emit: (event: Event) => void) {
    this.#spec = spec;
    this.#context = context;
    this.#emit = emit;
    this.#reader = spec.open(context.source);
    this.#times = new Times(context);
  }

  decode(line: string, place: LinePlace): void {
    const text = line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
    if (text === '') return;
    const event = this.#event(text, place);
    if (this.#reader.read(text, event, this.#times)) {
      this.#emit(event);
      return;
    }
    this.unparsed++;
    const keep = this.#spec.keepUnknown;
    if (!keep) return;
    const plain = this.#event(text, place); // the reader may have half-filled the other
    plain.time = this.#times.read(text, text.charCodeAt(0) === 91 ? 1 : 0);
    plain.category = keep.category;
    plain.service = keep.service;
    plain.action = 'log';
    plain.outcome = 'unknown';
    this.#emit(plain);
  }

  flush(): void { /* nothing is held back */ }

  #event(text: string, place: LinePlace): Event {
    const event = new Event(this.#context.idPrefix + place.position, 0, this.#spec.kind);
    event.host = this.#context.host;
    event.source = this.#context.source;
    event.message = text;
    if (place.line > 0) event.lines = [place.line];
    return event;
  }
}
