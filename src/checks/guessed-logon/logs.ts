/** What sshd wrote of log-ons, oldest first: text logs with their older parts, packed ones laid open, or else the journal. */
import { reasonOf } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import { syslog } from '../../formats/syslog/format.ts';
import { packingOf, Store, type Limits } from '../../linux/image/inflate.ts';
import type { Bytes } from '../../linux/image/bytes.ts';
import type { OpenFile } from '../../linux/tree.ts';
import { eachJournal } from '../journals.ts';
import { attempt, attemptLong, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { olderParts } from '../rotated.ts';
import { zoneOf } from '../zone.ts';

/** Of all parts of all logs, the newest: some two million lines. */
const bytesMax = 128 * 2 ** 20;
const unpackLimits: Limits = { bytes: bytesMax, ratio: 200, ratioFrom: 32 * 2 ** 20 };
const partsMax = 60;
const journalMax = 100_000;
const pieceBytes = 1 << 20;
const lineMax = 8192;
const daemons = ['sshd', 'sshd-session', 'sshd-auth', 'dropbear'] as const;

/** `line` from 1; 0 where the beginning of the file was left out, and in the journal. */
export interface LogLine { path: string; line: number; text: string }
/** Hands over the lines that speak of a daemon of SSH, each time from the first. */
export interface LogonLog { lines(): Iterable<LogLine>; /** A reader of these lines that gives what they say of log-ons. */ reader(): (line: LogLine) => readonly Event[] }

interface Part { path: string; bytes: Bytes; from: number; modified: number }

/** `use` is given one log after the other; what they are laid open in is gone afterwards. */
export async function* logonLogs<T>(context: ScanContext, bases: readonly string[], use: (log: LogonLog) => Iterable<T>): AsyncIterable<T> {
  const zone = zoneOf(context);
  const open: OpenFile[] = [];
  let store: Store | undefined;
  let left = bytesMax;
  let said = false;
  try {
    for (const base of bases) {
      const parts: Part[] = [];
      const all = [base, ...olderParts(context, base)];
      for (const [i, path] of all.entries()) {
        if (left <= 0 || i >= partsMax) { context.count('older logs of log-ons not read', all.length - i); break; }
        const file = attempt(context, path, () => { const real = context.tree.real(path); return real === undefined ? undefined : context.tree.open(real); });
        if (!file) continue;
        open.push(file);
        const packing = attempt(context, path, () => packingOf(file));
        if (packing === undefined) continue;
        let bytes: Bytes = file;
        if (packing !== 'plain') {
          const laid = await attemptLong(context, path, () => (store ??= new Store(unpackLimits)).inflate(file, packing, context.signal));
          if (!laid) continue;
          if (laid.fault?.code === 'too-large') context.count('older logs of log-ons not read');
          else if (laid.fault) context.blind(path, reasonOf(laid.fault));
          ({ bytes } = laid);
        }
        const from = Math.max(0, bytes.size - left);
        if (from > 0) context.count('logs read only at their end');
        left -= bytes.size - from;
        parts.unshift({ path, bytes, from, modified: targetStat(context, path)?.modified ?? context.now() });
      }
      const log: LogonLog = { lines: () => linesOf(parts, context), reader: () => readerOf(zone, new Map(parts.map(({ path, modified }) => [path, modified])), context.now()) };
      const [first] = linesOf(parts.filter(({ path }) => path === base), context);
      said ||= first !== undefined;
      yield* use(log);
    }
  } finally {
    for (const file of open) file.close();
    store?.close();
  }
  // The journal has the same lines: it is read where no text log goes on to now, or where somebody emptied it.
  if (said) return;
  const kept = journalLines(context);
  if (kept.length > 0) yield* use({ lines: () => kept, reader: () => readerOf(zone, new Map(), context.now()) });
}

const speaks = (text: string): boolean => text.includes('sshd') || text.includes('dropbear');

function* linesOf(parts: readonly Part[], context: ScanContext): Iterable<LogLine> {
  const piece = Buffer.alloc(pieceBytes);
  for (const { path, bytes, from } of parts) {
    let rest = '';
    // The first line of what was cut is no whole one.
    let number = from > 0 ? -1 : 1;
    let broken = from > 0;
    for (let at = from; at < bytes.size;) {
      context.signal.throwIfAborted();
      const got = attempt(context, path, () => bytes.read(piece, at)) ?? 0;
      if (got <= 0) break;
      at += got;
      const text = rest + piece.toString('latin1', 0, got);
      let begin = 0;
      for (let end = text.indexOf('\n'); end >= 0; begin = end + 1, end = text.indexOf('\n', begin)) {
        const line = text.slice(begin, Math.min(end, begin + lineMax));
        if (!broken && speaks(line)) yield { path, line: Math.max(0, number), text: line };
        broken = false;
        if (number > 0) number++;
      }
      // A line without an end is no line of a log: only its beginning is kept.
      rest = text.slice(begin, begin + lineMax);
    }
    if (!broken && speaks(rest)) yield { path, line: Math.max(0, number), text: rest };
  }
}

function readerOf(zone: (wallMs: number) => number, modified: ReadonlyMap<string, number>, now: number): (line: LogLine) => readonly Event[] {
  const events: Event[] = [];
  let until = now;
  let position = 0;
  const decoder = syslog.open({ idPrefix: '', source: '', host: '', now: () => until, zoneOffset: zone }, (event) => { events.push(event); });
  return ({ path, line, text }) => {
    events.length = 0;
    until = modified.get(path) ?? now;
    // Lines were cut up as bytes.
    decoder.decode(Buffer.from(text, 'latin1').toString('utf8'), { line, position: position++ });
    return events;
  };
}

function journalLines(context: ScanContext): LogLine[] {
  const found: { time: number; line: LogLine }[] = [];
  const wanted = new Set(['MESSAGE', '_UID', '_PID', 'SYSLOG_PID']);
  eachJournal(context, (journal) => {
    if (/\/user-\d+/.test(journal.path)) return true;
    for (const { value, entries } of journal.values('SYSLOG_IDENTIFIER')) {
      if (!daemons.some((one) => one === value)) continue;
      for (const one of entries()) {
        if (found.length >= journalMax) { context.count('log-ons in the journal beyond the limit'); return false; }
        const said = journal.fields(one, wanted);
        // Anybody may write under such a name; only what root and sshd's own account wrote is sshd's.
        const message = said.get('MESSAGE');
        if (message === undefined || !isDaemon(said.get('_UID')) || one.time >= 8e15) continue;
        const text = `${new Date(one.time).toISOString()} localhost ${value}[${said.get('_PID') ?? said.get('SYSLOG_PID') ?? 0}]: ${message.replace(/\s+/g, ' ').slice(0, lineMax)}`;
        found.push({ time: one.time, line: { path: journal.path, line: 0, text: Buffer.from(text, 'utf8').toString('latin1') } });
      }
    }
    return true;
  });
  return found.sort((a, b) => a.time - b.time).map(({ line }) => line);
}

/** The half of sshd that speaks to strangers runs as an account of the system. */
const isDaemon = (uid: string | undefined): boolean => uid !== undefined && Number(uid) < 1000;
