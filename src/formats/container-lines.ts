import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../core/format.ts';
import { Event } from '../core/gen/event.ts';
import { Nested } from './nested.ts';
import { Times } from './time.ts';

/** A joined line grows no longer than this; what is above is cut. */
const longestLine = 262_144;

/** What one line of a container runtime's log holds. */
export interface Wrapped { text: string; stream: string; time: string; partial: boolean }

/**
 * Lines that a container runtime wrote around a program's own. Parts of a long line are joined, each stream by
 * itself; the text goes to the format that knows it, and what none knows becomes a plain event of the container.
 */
export class ContainerDecoder implements LogDecoder {
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #unwrap: (line: string) => Wrapped | undefined;
  readonly #nested: Nested;
  readonly #times: Times;
  readonly #container: string | undefined;
  readonly #parts = new Map<string, { text: string; place: LinePlace }>();
  #broken = 0;
  #outer = 0;

  constructor(formats: readonly LogFormat[], unwrap: (line: string) => Wrapped | undefined, context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
    this.#unwrap = unwrap;
    this.#container = containerOf(context.source);
    this.#times = new Times(context);
    // A program's own line without a time gets the runtime's.
    const inner: DecodeContext = { ...context, now: () => this.#outer || context.now() };
    this.#nested = new Nested(formats, inner, (event) => {
      event.container_id = this.#container;
      emit(event);
    });
  }

  get unparsed(): number {
    return this.#broken;
  }

  decode(line: string, place: LinePlace): void {
    if (line === '') return;
    const found = this.#unwrap(line);
    if (!found) {
      this.#broken++;
      return;
    }
    const part = this.#parts.get(found.stream);
    let text = part ? part.text + found.text : found.text;
    if (text.length > longestLine) text = text.slice(0, longestLine);
    const from = part?.place ?? place;
    if (found.partial) {
      if (this.#parts.size < 4 || part) this.#parts.set(found.stream, { text, place: from });
      return;
    }
    this.#parts.delete(found.stream);
    const ms = this.#times.any(found.time, 0);
    this.#outer = this.#times.next < 0 ? this.#times.lost() : ms;
    this.#pass(text, from);
  }

  flush(): void {
    for (const { text, place } of this.#parts.values()) this.#pass(text, place);
    this.#parts.clear();
    this.#nested.flush();
  }

  pending(): LinePlace | undefined {
    let first: LinePlace | undefined;
    for (const { place } of this.#parts.values()) first ??= place;
    return first;
  }

  #pass(raw: string, place: LinePlace): void {
    const text = raw.endsWith('\n') ? raw.slice(0, raw.endsWith('\r\n') ? -2 : -1) : raw;
    if (text.trim() === '' || this.#nested.decode(text, place)) return;
    const event = new Event(this.#context.idPrefix + place.position, this.#outer, 'container');
    event.host = this.#context.host;
    event.source = this.#context.source;
    event.message = text;
    if (place.line > 0) event.lines = [place.line];
    event.category = 'log';
    event.action = 'log';
    event.outcome = 'unknown';
    event.container_id = this.#container;
    this.#emit(event);
  }
}

/** The id that Docker (`…/containers/ID/ID-json.log`) or Kubernetes (`…/pod_namespace_container-ID.log`) puts in the path. */
function containerOf(source: string): string | undefined {
  return /(?:^|[/-])([0-9a-f]{64})(?=[/.-]|$)/.exec(source)?.[1] ?? /\/pods\/[^/]{1,200}\/([\w.-]{1,100})\/\d+\.log/.exec(source)?.[1];
}
