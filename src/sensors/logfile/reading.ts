/** Reads the files of a log, in turn, whatever became of them: open, renamed, compressed. */
import type { Event } from '../../core/format.ts';
import type { SensorContext } from '../../core/ports.ts';
import { fileKey, findRotated, headBytes, isContinuation, mark, noMark, openLog } from '../../linux/file-identity.ts';
import { noLines, readLines } from '../../linux/lines.ts';
import type { Lines } from '../../linux/lines.ts';
import { headOf } from './copies.ts';
import { checkHead, maxLines, readBuffer, readChunk, readHalfLine, sampleLines, soughtOf } from './file.ts';
import type { LogFile, Progress } from './file.ts';
import { timeSlackMs } from './followed.ts';
import type { Followed, Log } from './followed.ts';
import type { LogfileOptions } from './options.ts';
import type { Reporter } from './reporter.ts';
import { statLog } from './stat-log.ts';

/** The last ones may come again as archives; those let go since the path was last surely known may come as they are. */
const lastDone = 8;
const maxDone = 64;
/** A batch of which nearly every line makes an alert takes a hundred times as long as one of everyday lines: it is made smaller until it holds up nobody for longer. */
const judgedMostMs = 40;
const leastLines = 128;

/** What reading finds and does not settle itself (rotation.ts). */
export interface RotationHooks {
  truncated(log: Log, f: LogFile): Promise<void>;
  between(log: Log, lookedAt: number): Promise<LogFile[]>;
}

export interface ReadingOptions { options: Required<LogfileOptions>; context: SensorContext; report: Reporter; hooks: RotationHooks }

export class Reading {
  readonly #followed: Followed;
  readonly #options: Required<LogfileOptions>;
  readonly #context: SensorContext;
  readonly #report: Reporter;
  readonly #hooks: RotationHooks;
  readonly #buffer = readBuffer();
  readonly #startedAt: number;
  /** Files whose decoder may hold lines back. */
  readonly #holding = new Set<LogFile>();
  /** What was read since the last `take`, and when the first of it came, on the monotonic clock. */
  #events: Event[] = [];
  #batchSince = 0;
  /** Lines that are read at once, and events of the last batch. */
  #linesMost = maxLines;
  #taken = 0;
  /** Offset of the line being decoded, for the emit of its file. */
  #at = 0;

  constructor(followed: Followed, { options, context, report, hooks }: ReadingOptions) {
    this.#followed = followed;
    this.#options = options;
    this.#context = context;
    this.#report = report;
    this.#hooks = hooks;
    this.#startedAt = context.now();
  }

  /** To be called when the last batch is judged. */
  paceItself(): void {
    const ms = this.#context.judgedMs?.() ?? 0;
    if (ms > judgedMostMs) this.#linesMost = Math.max(leastLines, Math.min(this.#linesMost, Math.floor((this.#taken * judgedMostMs) / ms)));
    else if (ms < judgedMostMs / 2) this.#linesMost = Math.min(maxLines, this.#linesMost * 2);
  }

  /** As many events as a batch shall have. */
  get isFull(): boolean { return this.#events.length >= Math.min(this.#options.maxEvents, this.#linesMost); }
  get waiting(): number { return this.#events.length; }
  get batchSince(): number { return this.#batchSince; }

  /** What was read; the next ones are gathered anew. */
  take(): Event[] {
    const events = this.#events;
    this.#events = [];
    this.#taken = events.length;
    return events;
  }

  /** When held lines are to be given out, on the monotonic clock; Infinity when there are none. */
  flushAt(): number {
    let at = Infinity;
    for (const f of this.#holding) at = Math.min(at, f.decodedAt + this.#options.flushMs);
    return at;
  }

  async deliverHalf(log: Log, f: LogFile): Promise<void> {
    if (!f.handle || !f.half || !f.decoder) return;
    const out = noLines();
    await readHalfLine(f, f.handle, this.#buffer, out);
    this.#context.count('half-lines', out.lines.length);
    this.#decode(f, out);
    this.#followed.touched.add(log);
  }

  /** Nothing more comes from this file. */
  async finish(log: Log, f: LogFile): Promise<void> {
    await this.deliverHalf(log, f);
    this.#at = f.offset;
    f.decoder?.flush();
    this.#holding.delete(f);
    await this.closeFile(f);
    log.files = log.files.filter((other) => other !== f);
    if (f.head.length > 0) {
      const done = [...log.done, { ...soughtOf(f), at: this.#context.now() }];
      log.done = done.filter((d, i) => i >= done.length - lastDone || d.at >= log.since - timeSlackMs).slice(-maxDone);
    }
    this.#followed.disown(log, f.key);
    this.#followed.touched.add(log);
  }

  /** Reads a chunk; true when there is more. */
  async readLog(log: Log): Promise<boolean> {
    for (const f of log.files) {
      if (!log.files.includes(f)) continue;
      const progress = await this.readFile(log, f);
      if (progress !== 'end') return true;
    }
    return false;
  }

  async readFile(log: Log, f: LogFile): Promise<Progress> {
    if (f.gz) return this.#readGz(log, f);
    if (!f.handle) await this.openFile(log, f);
    // What was compressed meanwhile is read as an archive in the next round.
    if (f.gz) return 'more';
    const { handle } = f;
    if (!handle) return 'end';
    try {
      if (!f.headChecked && !await checkHead(f, handle)) { await this.#hooks.truncated(log, f); return 'changed'; }
      f.headChecked = true;
      if (f.fresh && f.offset > 0) f.fresh = false;
      if (f.fresh && f.head.length > 0) {
        // A longer beginning would not be mistaken for that of other contents.
        f.fresh = f.head.length < headBytes;
        const before = await this.#hooks.between(log, log.since);
        if (before.length > 0) {
          log.files = log.files.toSpliced(log.files.indexOf(f), 0, ...before);
          this.#followed.touched.add(log);
          return 'more';
        }
      }
      if (!f.decoder) {
        const { size } = await handle.stat();
        if (size < f.unknownUntil || !this.#choose(f, await sampleLines(handle, f.rotatedAt !== undefined), size)) return 'end';
      }
      const out = noLines();
      const { offset } = f;
      const progress = await readChunk(f, handle, this.#buffer, out, this.#linesMost);
      if (progress === 'changed') { await this.#hooks.truncated(log, f); return 'changed'; }
      if (f.rotatedAt === undefined) log.since = Math.max(log.since, log.lookedAt);
      const now = this.#context.now();
      if (f.offset !== offset) {
        f.grownAt = now;
        f.halfSince = undefined;
        this.#followed.open.delete(f);
        this.#followed.open.add(f);
        this.#followed.touched.add(log);
      }
      if (f.half) f.halfSince ??= now;
      this.#decode(f, out);
      return progress;
    } catch (e) {
      if (!isFileError(e)) throw e;
      await this.closeFile(f);
      this.#report.blind(f.path, e.code);
      return 'end';
    }
  }

  async #readGz(log: Log, f: LogFile): Promise<Progress> {
    try {
      if (f.gz === 'unopened') await this.#findArchive(log, f);
      if (f.gz === 'unopened') f.gz = readLines(f.path, { gz: true, start: f.offset, signal: this.#context.signal });
      if (!f.gz) return 'more';
      const next = typeof f.gz === 'object' ? await f.gz.next() : undefined;
      if (!next || next.done) {
        if (!this.#context.signal.aborted) await this.finish(log, f);
        return 'end';
      }
      const out = next.value;
      if (f.head.length === 0) f.head = mark(await headOf(f.path));
      if (!f.decoder && !this.#choose(f, out.lines.slice(0, 20), 0)) { await this.finish(log, f); return 'end'; }
      if (f.skip) { out.lines.shift(); out.offsets.shift(); f.skip = false; }
      f.offset = out.next;
      f.tail = noMark;
      this.#followed.touched.add(log);
      this.#decode(f, out);
      return 'more';
    } catch (e) {
      this.#context.log.warn(`${f.path}: ${e instanceof Error ? e.message : String(e)}`);
      this.#context.count('archives-damaged');
      await this.finish(log, f);
      return 'end';
    }
  }

  /** The archive may have another name by now. */
  async #findArchive(log: Log, f: LogFile): Promise<void> {
    const { stats } = await statLog(f.path, this.#report);
    if (stats && fileKey(stats) === f.key) return;
    const found = await findRotated(log.path, soughtOf(f));
    if (!found) return;
    if (!found.gz) f.gz = undefined;
    this.#followed.moved(log, f, found);
  }

  /** Opens the file where it is now, under whatever name. False when it cannot be read (now, or ever again). */
  async openFile(log: Log, f: LogFile): Promise<boolean> {
    for (const path of [f.path, undefined]) {
      const found = path === undefined ? await findRotated(log.path, soughtOf(f)) : { path, gz: false, key: f.key };
      if (!found) break;
      if (found.gz) {
        f.gz = 'unopened';
        this.#followed.moved(log, f, found);
        return true;
      }
      try {
        const handle = await openLog(found.path);
        const s = await handle.stat({ bigint: true });
        // The inode of one that is gone may be another file's by now; for the current file `readFile` finds that out.
        const isOther = !s.isFile() || fileKey(s) !== found.key || (f.rotatedAt !== undefined && !await isContinuation(handle, f));
        if (isOther) { await handle.close(); continue; }
        if (path === undefined) {
          this.#followed.moved(log, f, { path: found.path, key: found.key });
        }
        f.handle = handle;
        f.headChecked = false;
        this.#followed.open.add(f);
        this.#report.seen(log.path);
        await this.#closeQuiet(f);
        return true;
      } catch (e) {
        if (!isFileError(e)) throw e;
        if (e.code === 'ENOENT' || e.code === 'ENOTDIR') continue;
        this.#report.blind(found.path, e.code);
        return false;
      }
    }
    // The current file is replaced just now: the next look tells.
    if (f.rotatedAt === undefined) { this.#followed.lookFirst.add(log); this.#followed.nextRescan = Math.min(this.#followed.nextRescan, performance.now() + 50); return false; }
    if (!f.decoder || f.half) {
      this.#context.count('rotated-not-found');
      this.#context.log.info(`${log.path}: the file that was rotated away is gone; what was written to it after offset ${f.offset} was not read`);
    }
    await this.finish(log, f);
    return false;
  }

  async closeFile(f: LogFile): Promise<void> {
    this.#followed.open.delete(f);
    const { handle } = f;
    f.handle = undefined;
    if (typeof f.gz === 'object') await f.gz.return(undefined);
    await handle?.close();
  }

  /** Keeps the number of open files bounded; a rotated one stays open, its name may vanish. */
  async #closeQuiet(wanted: LogFile): Promise<void> {
    for (const f of this.#followed.open) {
      if (this.#followed.open.size <= this.#options.maxOpenFiles) return;
      if (f.rotatedAt === undefined && f !== wanted) await this.closeFile(f);
    }
  }

  #choose(f: LogFile, sample: readonly string[], size: number): boolean {
    if (sample.length === 0) return false;
    const { host } = this.#context;
    const now = (): number => this.#context.now();
    const emit = (event: Event): void => {
      if (this.#at < f.seen) return;
      if (this.#at < f.backlogEnd && event.time < this.#startedAt - this.#options.firstReadMs) { this.#context.count('older-than-first-read'); return; }
      if (this.#events.length === 0) this.#batchSince = performance.now();
      this.#events.push(event);
    };
    f.decoder = this.#options.open(f.path, sample, { idPrefix: `${f.id}:`, source: f.path, host, now, zoneOffset: this.#options.zoneOffset }, emit);
    if (f.decoder) { this.#report.seen(f.path); return true; }
    // Not lost: when a format knows it later, reading begins where it would have begun now.
    f.unknownUntil = Math.max(64 * 1024, size * 2);
    this.#report.skipped(f.path, 'unknown-format');
    return false;
  }

  #decode(f: LogFile, out: Lines): void {
    const { decoder } = f;
    if (!decoder) return;
    if (out.cut > 0) this.#context.count('lines-cut', out.cut);
    const unparsed = decoder.unparsed;
    for (let i = 0; i < out.lines.length; i++) {
      this.#at = out.offsets[i]!;
      decoder.decode(out.lines[i]!, { line: 0, position: this.#at });
    }
    // What a flush gives out later belongs to the last line.
    if (decoder.unparsed > unparsed) this.#context.count('lines-unparsed', decoder.unparsed - unparsed);
    f.decodedAt = performance.now();
    if (decoder.pending?.() !== undefined) this.#holding.add(f); else this.#holding.delete(f);
  }

  /** Gives out incomplete records that nothing followed. */
  flushQuiet(): void {
    for (const f of this.#holding) {
      const log = this.#followed.keys.get(f.key);
      if (performance.now() < f.decodedAt + this.#options.flushMs || (log && this.#followed.dirty.has(log))) continue;
      this.#holding.delete(f);
      this.#at = f.offset;
      f.decoder?.flush();
      if (log) this.#followed.touched.add(log);
    }
  }
}

const isFileError = (e: unknown): e is NodeJS.ErrnoException & { code: string } => e instanceof Error && typeof (e as NodeJS.ErrnoException).code === 'string';
