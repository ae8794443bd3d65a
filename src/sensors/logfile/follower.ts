/**
 * Follows logs: finds them, reads them in turn, and says what position holds. What a log and its files are is in
 * followed.ts, what becomes of them in rotation.ts, how they are read in reading.ts and file.ts.
 */
import { dirname } from 'node:path';
import type { BigIntStats } from 'node:fs';
import type { Batch, Position, SensorContext } from '../../core/ports.ts';
import { fileKey, mark } from '../../linux/file-identity.ts';
import { expandGlobs, pathMatcher } from '../../linux/glob.ts';
import { headOf } from './copies.ts';
import { newFile, savedOf } from './file.ts';
import type { LogFile } from './file.ts';
import { compressed, Followed, timeSlackMs } from './followed.ts';
import type { Log } from './followed.ts';
import type { LogfileOptions } from './options.ts';
import { formatPosition, parsePosition } from './position.ts';
import { Reading } from './reading.ts';
import { Reporter } from './reporter.ts';
import { Rotation } from './rotation.ts';
import { statLog } from './stat-log.ts';
import { watchFolders } from './watch.ts';
import type { FolderWatch } from './watch.ts';

const positionOf = (path: string): string => `logfile:${path}`;
/** When this sensor last began to look at everything: a log born later is read from its beginning. */
const aliveSource = 'logfile:';
const aliveEveryMs = 30_000;
const unreadableWaitMs = 3_600_000;
/** Events wait no longer than this for others to share their commit. */
const batchMs = 10;
const scanStep = 32;

export class Follower {
  readonly #options: Required<LogfileOptions>;
  readonly #context: SensorContext;
  readonly #report: Reporter;
  readonly #watch: FolderWatch;
  readonly #followed: Followed;
  readonly #reading: Reading;
  readonly #rotation: Rotation;
  readonly #matches: (path: string) => boolean;
  readonly #excluded: (path: string) => boolean;
  readonly #newNames = new Set<string>();
  readonly #startedAt: number;
  readonly #aliveBefore: number | undefined;
  #forgotten: Position[] = [];
  /** When the last rescan that ended began: each log there was then is known. */
  #scannedAt: number | undefined;
  #savedAliveAt = 0;
  #lastRescan = 0;
  #first = true;
  #scan: AsyncGenerator<void, void> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: Required<LogfileOptions>, context: SensorContext) {
    this.#options = options;
    this.#context = context;
    this.#report = new Reporter(context);
    this.#matches = pathMatcher(options.globs);
    this.#excluded = pathMatcher(options.exclude);
    this.#startedAt = context.now();
    const alive = Number(context.position(aliveSource));
    this.#aliveBefore = alive > 0 ? alive : undefined;
    this.#followed = new Followed(() => context.now());
    // Each needs the other: reading finds what rotation settles, and rotation has files read to their end.
    const hooks = { truncated: (log: Log, f: LogFile) => this.#rotation.truncated(log, f), between: (log: Log, lookedAt: number) => this.#rotation.between(log, lookedAt) };
    this.#reading = new Reading(this.#followed, { options, context, report: this.#report, hooks });
    this.#rotation = new Rotation(this.#followed, { reading: this.#reading, context, report: this.#report, matches: this.#matches, excluded: this.#excluded });
    this.#watch = watchFolders(options.maxWatches, (folder, name, renamed) => this.#changed(folder, name, renamed));
  }

  /** Batches without end, until the context's signal; reads only when asked for the next one. */
  async *batches(): AsyncGenerator<Batch> {
    const { signal } = this.#context;
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        // A rescan of thousands of logs must not keep the others waiting: it goes step by step.
        if (!this.#scan && performance.now() >= this.#followed.nextRescan) this.#scan = this.#rescan();
        if (this.#scan && (await this.#scan.next()).done) this.#scan = undefined;
        await this.#readRound();
        this.#reading.flushQuiet();
        const batch = this.#batch();
        if (batch) { yield batch; this.#reading.paceItself(); continue; }
        if (!this.#scan && this.#followed.dirty.size === 0 && this.#newNames.size === 0 && !signal.aborted) await this.#sleep();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#watch.close();
      for (const f of this.#followed.open) await this.#reading.closeFile(f);
      for (const log of this.#followed.logs.values()) for (const f of log.files) if (typeof f.gz === 'object') await f.gz.return(undefined);
    }
  }

  #changed(folder: string, name: string, renamed: boolean): void {
    const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
    const log = this.#followed.logs.get(path) ?? this.#followed.aliases.get(path);
    if (log) {
      this.#followed.dirty.add(log);
      this.#followed.lookFirst.add(log);
    } else if (renamed && !this.#excluded(path)) {
      if (this.#matches(path)) {
        this.#newNames.add(path);
        if (this.#newNames.size > this.#options.maxFiles) { this.#newNames.clear(); this.#followed.nextRescan = 0; }
      }
      // Perhaps a new folder.
      else this.#followed.nextRescan = Math.min(this.#followed.nextRescan, this.#lastRescan + Math.min(1000, this.#options.rescanMs));
    } else {
      // Perhaps a rotated file that is still written to.
      for (const other of this.#followed.touchedByRotation(folder, name)) this.#followed.dirty.add(other);
      if (this.#followed.dirty.size === 0) return;
    }
    this.#wake?.();
  }

  async #sleep(): Promise<void> {
    const ms = Math.max(1, Math.min(this.#followed.nextRescan, this.#reading.flushAt()) - performance.now());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => { clearTimeout(timer); resolve(); };
    });
    this.#wake = undefined;
  }

  /** Looks at everything; yields every few logs. */
  async *#rescan(): AsyncGenerator<void, void> {
    let spent = 0;
    let began = cpuMs();
    let steps = 0;
    const beganAt = this.#context.now();
    const pause = (): boolean => {
      if (++steps % scanStep !== 0) return false;
      spent += cpuMs() - began;
      return true;
    };
    const { maxFiles, maxWatches, globs, rescanMs } = this.#options;
    this.#newNames.clear();
    const found = await expandGlobs(globs, { maxFolders: maxWatches, maxFiles: maxFiles * 4, maxDepth: 16 });
    this.#report.unreadableFolders(found.unreadable);
    const folders = new Set(found.folders);
    for (const real of this.#followed.aliases.keys()) folders.add(dirname(real));
    const added = await this.#watch.set(folders);
    this.#report.watches(this.#watch.failed);
    // Known logs first: their rotations explain new names.
    for (const log of this.#followed.logs.values()) {
      await this.#rotation.look(log);
      if (log.files.some((f) => f.rotatedAt !== undefined)) this.#followed.dirty.add(log);
      if (pause()) { yield; began = cpuMs(); }
    }
    const fresh = found.paths.filter((p) => !this.#followed.logs.has(p) && !this.#excluded(p));
    const saved = new Set(fresh.filter((p) => this.#context.position(positionOf(p))));
    for (const path of [...saved, ...fresh.filter((p) => !saved.has(p))]) {
      await this.#discover(path);
      if (pause()) { yield; began = cpuMs(); }
    }
    for (const log of this.#followed.logs.values()) await this.#settle(log);
    this.#report.summary(this.#followed.logs.size, found.truncated);
    this.#first = false;
    // The very first time is stored at once.
    if (this.#scannedAt === undefined) this.#savedAliveAt = 0;
    this.#scannedAt = beganAt;
    this.#lastRescan = performance.now();
    const took = spent + cpuMs() - began;
    // At most 1 % of a processor goes into rescans.
    this.#followed.nextRescan = performance.now() + (added > 0 ? 50 : Math.min(60_000, Math.max(rescanMs, took * 100)));
  }

  async #discover(path: string): Promise<void> {
    if (this.#followed.logs.has(path)) return;
    const lookedAt = this.#context.now();
    const { stats } = await statLog(path, this.#report);
    if (!stats) return;
    if (compressed.test(path)) { this.#report.skipped(path, 'compressed'); return; }
    const key = fileKey(stats);
    const owner = this.#followed.keys.get(key);
    if (owner) {
      await this.#rotation.look(owner);
      const file = owner.files.find((f) => f.key === key);
      if (file?.rotatedAt === undefined && file) { this.#report.skipped(path, 'second-name'); return; }
      if (file) { await this.#rotation.adopt(path, file, owner); return; }
    }
    if (this.#followed.logs.size >= this.#options.maxFiles) { this.#report.overLimit(); return; }
    this.#report.seen(path);
    const now = this.#context.now();
    const saved = parsePosition(this.#context.position(positionOf(path)));
    let copyOf: string | undefined;
    let files: LogFile[] = [];
    if (saved) {
      files = saved.files.map((f) => newFile(path, f.key, { ...f, grownAt: now, rotatedAt: now }));
      const last = files[files.length - 1];
      if (last) last.rotatedAt = undefined;
    } else {
      // On the very first start nothing has been read, so nothing can be read twice.
      copyOf = this.#first && this.#aliveBefore === undefined ? undefined : await this.#rotation.copiedFrom(path);
      if (this.#followed.logs.has(path)) return;
      if (!copyOf) {
        files = [this.#firstSight(path, stats)];
        files[0]!.head = mark(await headOf(path, key));
      }
    }
    const log = await this.#followed.add(path, files, saved?.time ?? lookedAt, copyOf);
    if (saved) {
      log.done = saved.done;
      await this.#rotation.look(log);
    } else if (!copyOf) {
      this.#followed.dirty.add(log);
      // It may have been rotated before it was ever seen.
      const unseenSince = this.#first ? this.#aliveBefore : this.#scannedAt;
      if (unseenSince === undefined || Number(stats.birthtimeMs) < unseenSince - timeSlackMs) return;
      log.since = Math.min(lookedAt, unseenSince);
      log.files = [...await this.#rotation.between(log, lookedAt, log.since - timeSlackMs), ...log.files];
    }
  }

  /** A log never seen before: from its beginning when it is new, else its last part. */
  #firstSight(path: string, s: BigIntStats): LogFile {
    const { firstReadBytes, firstReadMs } = this.#options;
    const now = this.#context.now();
    const size = Number(s.size);
    const file = newFile(path, fileKey(s), { grownAt: now });
    const born = Number(s.birthtimeMs);
    const since = this.#first ? this.#aliveBefore : this.#startedAt;
    if (since !== undefined && born >= since - timeSlackMs) { file.fresh = true; return file; }
    file.backlogEnd = size;
    if (Number(s.mtimeMs) < now - firstReadMs) file.offset = size;
    // One byte more, which is skipped up to a newline: a line that starts just there is kept whole.
    else if (size > firstReadBytes) file.offset = size - firstReadBytes - 1;
    file.skip = file.offset > 0 && file.offset < size;
    return file;
  }

  /** Lets rotated files go that were quiet for long, delivers half lines that wait for long. */
  async #settle(log: Log): Promise<void> {
    const now = this.#context.now();
    for (const f of log.files) {
      if (f.rotatedAt !== undefined) {
        const quiet = now - Math.max(f.grownAt, f.rotatedAt);
        if (f.gz || quiet < this.#options.rotatedWaitMs) continue;
        const { offset } = f;
        await this.#reading.readFile(log, f);
        // It cannot be read now: not for ever, as a list that only grows is worse.
        if (!f.handle && log.files.includes(f) && quiet < unreadableWaitMs) continue;
        if (f.offset !== offset || f.gz || !log.files.includes(f)) continue;
        if (quiet < this.#options.rotatedKeepMs && await this.#mayGrow(f)) continue;
        await this.#reading.finish(log, f);
      } else if (f.half && f.halfSince !== undefined && now - f.halfSince >= this.#options.halfLineMs) {
        await this.#reading.deliverHalf(log, f);
      }
    }
    // What comes back soon may have been rotated again before it is seen: that is known by when it was gone.
    if (log.files.length > 0 || log.copyOf !== undefined || now - log.since < this.#options.forgetMs) return;
    this.#followed.drop(log);
    this.#forgotten.push({ source: positionOf(log.path), value: '' });
  }

  /** A rotated file that still has a name, as programs that were not told of the rotation go on writing to it. Not too many are held open for that. */
  async #mayGrow(f: LogFile): Promise<boolean> {
    let kept = 0;
    for (const other of this.#followed.open) if (other.rotatedAt !== undefined) kept++;
    return kept <= this.#options.maxOpenFiles / 4 && f.handle !== undefined && (await f.handle.stat()).nlink > 0;
  }

  /** One chunk of every log that has something, so that no log starves the others. */
  async #readRound(): Promise<void> {
    // At the start, logs with a saved position come first: they explain others.
    if (!this.#first) for (const path of this.#newNames) { this.#newNames.delete(path); await this.#discover(path); }
    // What becomes dirty meanwhile waits for the next round.
    const round = [...this.#followed.dirty];
    for (const log of round) {
      if (this.#context.signal.aborted || this.#reading.isFull) return;
      if (this.#followed.lookFirst.has(log)) await this.#rotation.look(log);
      this.#followed.dirty.delete(log);
      // Put back at the end of the queue.
      if (await this.#reading.readLog(log)) this.#followed.dirty.add(log);
    }
  }

  #batch(): Batch | undefined {
    const now = this.#context.now();
    if (this.#reading.waiting === 0) {
      if (this.#followed.dirty.size > 0 || now - this.#savedAliveAt < aliveEveryMs) return undefined;
    } else if (!this.#reading.isFull && this.#followed.dirty.size > 0 && performance.now() < this.#reading.batchSince + batchMs) {
      return undefined;
    }
    const positions: Position[] = [...this.#forgotten];
    if (this.#scannedAt !== undefined) positions.push({ source: aliveSource, value: String(this.#scannedAt) });
    for (const log of this.#followed.touched) {
      if (log.copyOf === undefined) positions.push({ source: positionOf(log.path), value: formatPosition({ files: log.files.map(savedOf), done: log.done, time: log.since }) });
    }
    this.#savedAliveAt = now;
    if (this.#reading.waiting === 0 && positions.length === 0) return undefined;
    const batch = { events: this.#reading.take(), positions };
    this.#forgotten = [];
    this.#followed.touched.clear();
    return batch;
  }
}

/** Processor time of this program so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
