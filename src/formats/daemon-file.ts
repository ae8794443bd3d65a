import { Event, type Kind } from '../core/gen/event.ts';
import type { DecodeContext, LinePlace, LogDecoder, LogFormat, ProgramDecoder } from '../core/format.ts';
import type { Text } from '../core/text.ts';
import { Times } from './time.ts';

/** What stands before the message of a line. `head` fills it; what the line does not say stays. */
export interface FileHead {
  time: number;
  message: string;
  tag: string;
  host: string;
  pid: number;
  severity: string;
}

export interface DaemonFileSpec {
  id: string;
  title: Text;
  paths: readonly string[];
  aliases?: readonly string[];
  kind: Kind;
  service: string;
  sniff(line: string): number;
  /** Reads the head of a line; false when the line is not of this file's kind. */
  head(line: string, times: Times, head: FileHead): boolean;
  /** Understands the messages: the same program that reads them from syslog, or the format's own reader. */
  program: { open(): ProgramDecoder };
}

/** A longer line is cut: no daemon writes one, and parsing must stay cheap. */
const longestLine = 64 * 1024;

/**
 * A log file that one daemon writes itself, one record a line: a head of its own (time, pid …) and a message.
 * Lines with another head are counted as unparsed and give no event, so that auto-detection can try other formats.
 */
export function daemonFile(spec: DaemonFileSpec): LogFormat {
  const { id, title, paths, aliases } = spec;
  return { id, title, paths, aliases, sniff: (line) => spec.sniff(line), open: (context, emit) => new DaemonFileDecoder(spec, context, emit) };
}

class DaemonFileDecoder implements LogDecoder {
  unparsed = 0;
  readonly #spec: DaemonFileSpec;
  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #program: ProgramDecoder;
  readonly #times: Times;
  readonly #head: FileHead = { time: 0, message: '', tag: '', host: '', pid: -1, severity: '' };

  constructor(spec: DaemonFileSpec, context: DecodeContext, emit: (event: Event) => void) {
    this.#spec = spec;
    this.#context = context;
    this.#emit = emit;
    this.#program = spec.program.open();
    this.#times = new Times(context);
  }

  decode(raw: string, place: LinePlace): void {
    let line = raw.length > longestLine ? raw.slice(0, longestLine) : raw;
    if (line.charCodeAt(line.length - 1) === 13) line = line.slice(0, -1);
    if (line === '') return;
    const head = this.#head;
    head.time = 0;
    head.message = line;
    head.tag = this.#spec.service;
    head.host = this.#context.host;
    head.pid = -1;
    head.severity = '';
    if (!this.#spec.head(line, this.#times, head)) {
      this.unparsed += 1;
      return;
    }
    const event = new Event(`${this.#context.idPrefix}${place.position}`, head.time, this.#spec.kind);
    event.host = head.host;
    event.source = this.#context.source;
    event.message = head.message;
    event.process_name = head.tag;
    if (place.line > 0) event.lines = [place.line];
    if (head.pid >= 0) event.pid = head.pid;
    if (head.severity !== '') event.severity = head.severity;
    if (!this.#program.decode(head.message, event)) event.service ??= this.#spec.service;
    this.#emit(event);
  }

  flush(): void { /* a line is an event: nothing is held back */ }
}

/** Index after `word` when the text has it at `at` or after blanks there, else -1. */
export function after(text: string, at: number, word: string): number {
  let i = at;
  while (text.charCodeAt(i) === 32) i += 1;
  return text.startsWith(word, i) ? i + word.length : -1;
}

/** True when the line begins as `2026-11-22 02:27:01` or with T between. */
export function isoDate(line: string): boolean {
  return line.charCodeAt(4) === 45 && line.charCodeAt(7) === 45 && line.charCodeAt(13) === 58 && line.charCodeAt(16) === 58;
}

/** True when the line begins as `Sun Nov 22 02:27:01 2026`. */
export function ctimeDate(line: string): boolean {
  return ctimeShape.test(line.slice(0, 25));
}
const ctimeShape = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d \d{4}/;
