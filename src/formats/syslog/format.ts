import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../../core/format.ts';
import { Event } from '../../core/gen/event.ts';
import { Times } from '../time.ts';
import { HeadReader, severities, type Head } from './head.ts';
import { openEveryProgram } from '../webapps.ts';

/** A longer message is cut: no program we know writes one, and parsing must stay cheap. */
const longestLine = 64 * 1024;
/** Events made of one "repeated N times" at most; what is above is counted in `repeatsDropped`. */
const mostRepeats = 1000;
/** Hosts whose last message is remembered for "last message repeated". */
const rememberedHosts = 256;

/** Lines that syslog daemons and `journalctl -o short…` write. */
export const syslog: LogFormat = {
  id: 'syslog',
  title: { zh: '系统日志（syslog）', en: 'system log (syslog)' },
  paths: ['/var/log/auth.log', '/var/log/secure', '/var/log/syslog', '/var/log/messages', '/var/log/kern.log', '/var/log/mail.log', '/var/log/maillog', '/var/log/cron', '/var/log/daemon.log', '/var/log/user.log', '/var/log/ufw.log'],
  aliases: ['auth', 'secure', 'messages'],
  sniff,
  open: (context, emit) => new SyslogDecoder(context, emit),
};

function sniff(line: string): number {
  return sureness(new HeadReader(new Times({ now: () => 0, zoneOffset: () => 0 })).read(line.slice(0, 512)));
}

function sureness(head: Head): number {
  if (!head.timed) return head.dmesg ? 0.6 : 0;
  if (head.pri && head.tag !== '') return 0.97;
  // Many programs begin their own lines with an ISO time; only syslog goes on with "host tag:".
  if (head.tag !== '' && head.colon) return head.host === '' ? 0.6 : 0.9;
  return head.iso ? 0.1 : 0.5;
}

class SyslogDecoder implements LogDecoder {
  unparsed = 0;
  /** Repetitions above the bound for one line, which gave no event. */
  repeatsDropped = 0;

  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #heads: HeadReader;
  readonly #route = openEveryProgram();
  readonly #lastOf = new Map<string, Said>();
  /** The line whose head stands in #heads. */
  #sniffed: string | undefined;

  constructor(context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
    this.#heads = new HeadReader(new Times(context));
  }

  sniff(raw: string): number {
    this.#sniffed = raw;
    return sureness(this.#heads.read(trimmed(raw)));
  }

  decode(raw: string, place: LinePlace): void {
    const line = trimmed(raw);
    if (line === '') return;
    const head = this.#sniffed === raw ? this.#heads.head : this.#heads.read(line);
    this.#sniffed = undefined;
    if (!head.timed && !head.dmesg) this.unparsed += 1;
    if (head.host === '') head.host = this.#context.host;
    const repeats = (head.message.startsWith('message repeated ') || head.message.startsWith('last message repeated ')) ? repetition(head) : undefined;
    if (repeats === undefined) {
      this.#make(head, place, `${this.#context.idPrefix}${place.position}`);
      this.#remember(head);
      return;
    }
    const inner = repeats.message ?? this.#lastOf.get(head.host);
    if (inner === undefined) {
      this.#make(head, place, `${this.#context.idPrefix}${place.position}`);
      return;
    }
    const repeated: Head = { ...head, ...inner };
    const times = Math.min(repeats.times, mostRepeats);
    this.repeatsDropped += repeats.times - times;
    for (let n = 1; n <= times; n += 1) this.#make(repeated, place, `${this.#context.idPrefix}${place.position}#${n}`);
  }

  flush(): void {
    // Nothing is held back: a line is an event.
  }

  #make(head: Head, place: LinePlace, id: string): void {
    const event = new Event(id, head.time, 'syslog');
    event.host = head.host;
    event.message = head.message;
    event.source = this.#context.source;
    if (place.line > 0) event.lines = [place.line];
    if (head.pid >= 0) event.pid = head.pid;
    if (head.severity >= 0) event.severity = severities[head.severity];
    if (head.tag !== '') {
      event.process_name = head.tag;
      if (head.path !== '') event.process_path = head.path;
    }
    this.#route(head.tag, head.message, event);
    this.#emit(event);
  }

  /** Only daemons that fold repeats need the last message, and they write RFC 3164: keep one a host. */
  #remember(head: Head): void {
    if (head.iso) return;
    if (this.#lastOf.size >= rememberedHosts && !this.#lastOf.has(head.host)) this.#lastOf.clear();
    const last = this.#lastOf.get(head.host);
    if (last === undefined) { this.#lastOf.set(head.host, said(head)); return; }
    last.tag = head.tag;
    last.path = head.path;
    last.pid = head.pid;
    last.severity = head.severity;
    last.message = head.message;
  }
}

function trimmed(raw: string): string {
  const line = raw.length > longestLine ? raw.slice(0, longestLine) : raw;
  return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line;
}

/** Who said what: the part of a head that a repetition says again. */
type Said = Pick<Head, 'tag' | 'path' | 'pid' | 'severity' | 'message'>;

const said = (head: Head): Said => ({ tag: head.tag, path: head.path, pid: head.pid, severity: head.severity, message: head.message });

/** What "last message repeated 3 times" or "message repeated 3 times: [ … ]" stands for; `message` undefined: the last one. */
function repetition(head: Head): { times: number; message: Said | undefined } | undefined {
  const found = /^(last )?message repeated (\d{1,9}) times?(?:: \[ ?(.*)\])?$/.exec(head.message);
  if (found === null) return undefined;
  const times = Number(found[2]);
  if (found[3] !== undefined) return { times, message: { ...said(head), message: found[3] } };
  return found[1] === undefined ? undefined : { times, message: undefined };
}
