import type { LogFormat, ProgramDecoder } from '../core/format.ts';
import { type LineFormatSpec, type LineReader, lineFormat } from './lines.ts';
import type { Times } from './time.ts';

/** What stands before the message of a line. `head` fills it; what the line does not say stays. */
export interface FileHead {
  time: number;
  message: string;
  tag: string;
  host: string;
  pid: number;
  severity: string;
}

export interface DaemonFileSpec extends Omit<LineFormatSpec, 'open' | 'keepUnknown'> {
  service: string;
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
  return lineFormat({ ...spec, open: () => openReader(spec) });
}

function openReader(spec: DaemonFileSpec): LineReader {
  const program = spec.program.open();
  const head: FileHead = { time: 0, message: '', tag: '', host: '', pid: -1, severity: '' };
  return {
    read(raw, event, times) {
      if (times === undefined) return false; // inside syslog these daemons write without a head, as programs
      const line = raw.length > longestLine ? raw.slice(0, longestLine) : raw;
      head.time = 0;
      head.message = line;
      head.tag = spec.service;
      head.host = event.host ?? '';
      head.pid = -1;
      head.severity = '';
      if (!spec.head(line, times, head)) return false;
      event.time = head.time;
      event.host = head.host;
      event.message = head.message;
      event.process_name = head.tag;
      if (head.pid >= 0) event.pid = head.pid;
      if (head.severity !== '') event.severity = head.severity;
      if (!program.decode(head.message, event)) event.service ??= spec.service;
      return true;
    },
  };
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
