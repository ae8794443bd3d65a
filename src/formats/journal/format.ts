import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../../core/format.ts';
import { Event } from '../../core/gen/event.ts';
import { identityOf } from './identity.ts';
import { openEveryProgram } from '../webapps.ts';

/** A longer record is not read: journalctl itself leaves out fields above 4 kB unless told otherwise. */
const longestRecord = 2 * 1024 * 1024;
const longestMessage = 64 * 1024;
const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;

/** `journalctl -o json`: one record a line. */
export const journal: LogFormat = {
  id: 'journal',
  title: { zh: 'systemd 日志（journalctl -o json）', en: 'systemd journal (journalctl -o json)' },
  paths: [],
  aliases: ['journald', 'journalctl'],
  sniff: (line) => (line.charCodeAt(0) === 123 && (line.includes('"__REALTIME_TIMESTAMP"') || line.includes('"_BOOT_ID"')) ? 1 : 0),
  open: (context, emit) => new JournalDecoder(context, emit),
};

type Fields = Readonly<Record<string, unknown>>;

class JournalDecoder implements LogDecoder {
  unparsed = 0;

  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #route = openEveryProgram();
  #lastTime: number | undefined;

  constructor(context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
  }

  decode(line: string, place: LinePlace): void {
    if (line === '' || line === '\r') return;
    const fields = parseRecord(line);
    if (fields === undefined) { this.unparsed += 1; return; }
    const time = micros(fields['_SOURCE_REALTIME_TIMESTAMP']) ?? micros(fields['__REALTIME_TIMESTAMP']) ?? this.#lastTime ?? this.#context.now();
    this.#lastTime = time;
    const event = new Event(`${this.#context.idPrefix}${place.position}`, time, 'syslog');
    const message = textOf(fields.MESSAGE) ?? '';
    const tag = fields['_TRANSPORT'] === 'kernel' ? 'kernel' : textOf(fields.SYSLOG_IDENTIFIER) ?? textOf(fields['_COMM']) ?? '';
    event.host = textOf(fields['_HOSTNAME']) ?? this.#context.host;
    event.message = message.length > longestMessage ? message.slice(0, longestMessage) : message;
    event.source = this.#context.source;
    if (place.line > 0) event.lines = [place.line];
    if (tag !== '') event.process_name = tag;
    event.pid = count(fields['_PID']) ?? count(fields.SYSLOG_PID);
    event.process_path = textOf(fields['_EXE']);
    const severity = count(fields.PRIORITY);
    if (severity !== undefined) event.severity = severities[severity];
    event.container_id = textOf(fields.CONTAINER_ID_FULL) ?? textOf(fields.CONTAINER_ID);
    const unit = textOf(fields['_SYSTEMD_UNIT']);
    const container = textOf(fields.CONTAINER_NAME);
    if (unit !== undefined || container !== undefined) event.extra = { unit, container_name: container };
    const sender = count(fields['_UID']);
    const identity = identityOf(tag, fields['_TRANSPORT'], sender, textOf(fields['_COMM']), event.process_path);
    if (identity === 'own') {
      this.#route(tag, event.message, event);
    } else {
      event.category = 'log';
      event.action = identity === 'foreign' ? 'forged-identity' : 'unproven-identity';
      event.outcome = 'unknown';
      event.user = String(sender);
      event.uid = sender;
    }
    this.#emit(event);
  }

  flush(): void {
    // Nothing is held back: a line is a record.
  }
}

function parseRecord(line: string): Fields | undefined {
  if (line.length > longestRecord || line.charCodeAt(0) !== 123) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value as Fields : undefined;
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder('utf-8');

/** A field's text: a string, the bytes of one that is not plain UTF-8, or the first of several values; null is one too long to print. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const list: readonly unknown[] = value;
  return isBytes(list) ? utf8.decode(Uint8Array.from(list)) : firstOf(list[0]);
}

function firstOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const list: readonly unknown[] = value;
  return isBytes(list) ? utf8.decode(Uint8Array.from(list)) : undefined;
}

const isBytes = (list: readonly unknown[]): list is readonly number[] => list.every((item) => typeof item === 'number');

function count(value: unknown): number | undefined {
  const text = textOf(value);
  if (text === undefined || text === '' || text.length > 10) return undefined;
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 ? number : undefined;
}

function micros(value: unknown): number | undefined {
  const text = textOf(value);
  if (text === undefined || text === '' || text.length > 16) return undefined;
  const number = Number(text);
  return Number.isInteger(number) && number >= 0 ? Math.floor(number / 1000) : undefined;
}
