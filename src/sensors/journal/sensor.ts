/**
 * Follows the systemd journal through journalctl, which knows every version of its files. The position is the
 * last record's cursor. When the journal is followed, leave the files out that rsyslog makes of it
 * (`journalTwins` of the logfile sensor).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { MoatError } from '../../core/error.ts';
import type { DecodeContext, Event, LogDecoder } from '../../core/format.ts';
import type { Batch, Sensor, SensorContext } from '../../core/ports.ts';
import { cursorOf, journalArguments, journalFolder, journalVersion, receivedOf } from '../../linux/journal.ts';
import type { JournalQuery } from '../../linux/journal.ts';
import { LineSplitter, noLines } from '../../linux/lines.ts';

export interface JournalOptions {
  /** Opens the decoder of journal JSON; undefined is refused, there is no other way to read it. */
  open(context: DecodeContext, emit: (event: Event) => void): LogDecoder | undefined;
  zoneOffset: (wallMs: number) => number;
  /** At the first start records so old are read, in ms. */
  firstReadMs?: number;
  fields?: readonly string[];
  folder?: string;
  /** The program, found by PATH. */
  journalctl?: string;
  maxEvents?: number;
}

class JournalError extends MoatError<'missing' | 'ended' | 'no-decoder'> {}

const source = 'journal';
const maxRecordBytes = 1024 * 1024;
/** While more records stream in, a batch waits so long for them, in ms, to share one commit. */
const batchMs = 10;
const flushMs = 250;

interface Saved { cursor: string; time: number }

function parseSaved(text: string | undefined): Saved | undefined {
  if (!text) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Saved> | null;
    return typeof value?.cursor === 'string' && typeof value.time === 'number' ? { cursor: value.cursor, time: value.time } : undefined;
  } catch {
    // A position that is none counts as none.
    return undefined;
  }
}

export function journalSensor(options: JournalOptions): Sensor {
  return {
    id: 'journal',
    title: { zh: 'systemd 日志', en: 'systemd journal' },
    blind: {
      zh: '只看得到写入 journald 的消息；journald 因限速丢弃的消息看不到。',
      en: 'Sees only what reaches journald; not messages that journald drops by its rate limit.',
    },
    open: (context) => follow(options, context),
  };
}

async function* follow(options: JournalOptions, context: SensorContext): AsyncGenerator<Batch> {
  const saved = parseSaved(context.position(source));
  const common = { fields: options.fields, folder: options.folder };
  const sinceMs = saved?.time ?? context.now() - (options.firstReadMs ?? 24 * 3_600_000);
  if (saved) {
    const ended = yield* run(options, context, { ...common, afterCursor: saved.cursor }, -1);
    if (ended !== 'bad-cursor') return;
    const when = new Date(saved.time).toISOString();
    context.count('journal-cursor-lost');
    context.log.warn(`journal: the saved place is not in the journal any more; reading on from ${when}`);
    context.health('cursor', 'live', {
      zh: `上次读到的位置已不在 journal 中（可能被清理），已从 ${when} 起继续读取`,
      en: `the place read to before is no longer in the journal (it was vacuumed?); reading went on from ${when}`,
    });
  }
  yield* run(options, context, { ...common, sinceMs }, saved?.time ?? -1);
}

/** Reads until the signal or until the child ends. Records received at or before `skipTo` are known already. */
async function* run(options: JournalOptions, context: SensorContext, query: JournalQuery, skipTo: number): AsyncGenerator<Batch, 'bad-cursor' | undefined> {
  const maxEvents = options.maxEvents ?? 4000;
  let events: Event[] = [];
  const decoder = options.open(
    { idPrefix: 'j:', source, host: context.host, now: () => context.now(), zoneOffset: options.zoneOffset },
    (event) => { events.push(event); },
  );
  if (!decoder) throw new JournalError('no-decoder', 'expected a decoder for the journal, got none');
  const splitter = new LineSplitter({ maxLine: maxRecordBytes });
  const child = await start(options.journalctl ?? 'journalctl', query, context);
  let last: Saved | undefined;
  let unsaved = false;
  const take = (chunk: Buffer): void => {
    const out = noLines();
    splitter.push(chunk, out);
    if (out.cut > 0) context.count('journal-records-cut', out.cut);
    const { unparsed } = decoder;
    for (const line of out.lines) {
      const cursor = cursorOf(line);
      const time = receivedOf(line);
      if (time !== undefined && time <= skipTo) continue;
      decoder.decode(line, { line: 0, position: cursor ?? 'unknown' });
      if (cursor === undefined || time === undefined) continue;
      last = { cursor, time };
      unsaved = true;
    }
    if (decoder.unparsed > unparsed) context.count('journal-records-unparsed', decoder.unparsed - unparsed);
  };
  // A cursor behind lines that the decoder holds back would lose them.
  const batch = (): Batch => {
    const positions = last && !decoder.pending?.() ? [{ source, value: JSON.stringify(last) }] : [];
    const out = { events, positions };
    events = [];
    unsaved = positions.length === 0 && unsaved;
    return out;
  };
  try {
    let streaming = false;
    for (;;) {
      if (context.signal.aborted) return undefined;
      const chunk = child.output.read() as Buffer | null;
      if (chunk) {
        take(chunk);
        if (events.length > 0) child.seen();
        streaming = chunk.length >= 16 * 1024;
        if (events.length < maxEvents) continue;
      } else if (events.length > 0 && streaming) {
        streaming = false;
        await child.wait(batchMs);
        continue;
      }
      if (events.length > 0) { yield batch(); continue; }
      const result = child.ended();
      if (result !== undefined && child.output.readableLength === 0) {
        if (result === 'bad-cursor' && !unsaved) return result;
        throw new JournalError('ended', `expected journalctl to go on, got ${result}`, { hint: 'journalctl -f shows the reason' });
      }
      const held = decoder.pending?.() !== undefined;
      await child.wait(held ? flushMs : 30_000);
      if (held && child.output.readableLength === 0) decoder.flush();
      else if (unsaved && events.length === 0 && child.output.readableLength === 0) yield batch();
    }
  } finally { await child.stop(); }
}

interface Child {
  output: Readable;
  /** Resolves when there is output, when the child ends, on the signal, or after so many ms. */
  wait(ms: number): Promise<void>;
  /** Why it ended, undefined while it runs. */
  ended(): string | undefined;
  /** A record came: nothing is missing. */
  seen(): void;
  stop(): Promise<void>;
}

/** Throws JournalError 'missing' when the program does not run. */
async function start(program: string, query: JournalQuery, context: SensorContext): Promise<Child> {
  const version = await journalVersion(program).catch((e: NodeJS.ErrnoException) => {
    context.health(source, 'blind', { zh: `无法运行 ${program}（${e.code}）；请安装 systemd，或改读 /var/log 下的文件`, en: `${program} cannot be run (${e.code}); install systemd, or follow the files under /var/log` });
    throw new JournalError('missing', `expected to run ${program}, got ${e.message}`, { hint: 'install systemd', cause: e });
  });
  // journalctl waits in silence when there is nothing to read.
  if (query.folder === undefined && !await journalFolder()) {
    context.health(source, 'blind', { zh: '没有可见的 journal 文件；请检查 systemd-journald 是否运行、journald.conf 的 Storage=，以及是否有读取权限', en: 'there are no journal files to be seen; check that systemd-journald runs, Storage= in journald.conf, and the permissions' });
  } else {
    context.health(source, 'waiting');
  }
  const child: ChildProcess = spawn(program, journalArguments(query, version), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C', SYSTEMD_COLORS: '0' } });
  const output = child.stdout!;
  let why: string | undefined;
  let errors = '';
  let live = false;
  let wake: (() => void) | undefined;
  const ring = (): void => wake?.();
  output.on('readable', ring);
  output.on('end', ring);
  context.signal.addEventListener('abort', ring);
  const closed = new Promise<void>((resolve) => { child.once('close', () => resolve()); child.once('error', (e) => { why = e.message; resolve(); }); });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
    if (text.includes('not seeing messages from other users') || text.includes('insufficient permissions')) {
      context.health('permission', 'blind', { zh: '没有读取系统日志的权限；请以 root 运行，或把运行账号加入 systemd-journal 组', en: 'may not read the system journal; run as root or put the account into the group systemd-journal' });
    }
  });
  child.once('close', (code, signal) => {
    why = errors.includes('to seek to cursor') || errors.includes('parse cursor') ? 'bad-cursor' : `exit ${code ?? signal}: ${errors.trim().slice(-300) || 'no reason given'}`;
    ring();
  });
  return {
    output,
    ended: () => why,
    seen() {
      if (live) return;
      live = true;
      context.health(source, 'live');
    },
    async wait(ms) {
      if (output.readableLength > 0 || why !== undefined || context.signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => { clearTimeout(timer); resolve(); };
      });
      wake = undefined;
    },
    async stop() {
      context.signal.removeEventListener('abort', ring);
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 2000);
      output.destroy();
      await closed;
      clearTimeout(force);
    },
  };
}
