/**
 * Follows logs: finds them, notices rotation, reads them in turn, and says what position holds.
 *
 * A log is a path and the files (inodes) behind it, oldest first. The last one is what the path names now;
 * those before it were rotated away and are read to their end. How one file is read is in file.ts. The state
 * machine below is longer than a file should be: its parts share nearly all of their state.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { Event } from '../../core/format.ts';
import type { Batch, Position, SensorContext } from '../../core/ports.ts';
import { fileKey, findRotated, headBytes, isContinuation, isRotatedName, mark, noMark, openLog, rotatedSiblings } from '../../linux/file-identity.ts';
import type { Sibling } from '../../linux/file-identity.ts';
import { expandGlobs, pathMatcher } from '../../linux/glob.ts';
import { noLines, readLines } from '../../linux/lines.ts';
import type { Lines } from '../../linux/lines.ts';
import { enough, headOf, isCopy, isPrefixOf, mayBeCopy } from './copies.ts';
import { checkHead, newFile, readBuffer, readChunk, readHalfLine, sampleLines, savedOf, soughtOf } from './file.ts';
import type { LogFile, Progress } from './file.ts';
import type { LogfileOptions } from './options.ts';
import { formatPosition, parsePosition } from './position.ts';
import type { DoneFile } from './position.ts';
import { Reporter } from './reporter.ts';
import { watchFolders } from './watch.ts';
import type { FolderWatch } from './watch.ts';

interface Log {
  path: string;
  /** Never changed in place: it is replaced, so that a loop over it stays whole. */
  files: readonly LogFile[];
  /** It is a copy, in the making or made, of this log: what it says has been read there. */
  copyOf: string | undefined;
  /** Where a symbolic link leads: inotify speaks of that name. */
  real: string;
  mtimeNs: bigint;
  /** The last time, Unix ms, at which the path surely named the current file, unchanged; files rotated away later may be unknown. */
  since: number;
  /** Files that were read to their end and let go, newest last. */
  done: readonly DoneFile[];
  /** The last look; it becomes `since` when reading confirms it. */
  lookedAt: number;
}

const positionOf = (path: string): string => `logfile:${path}`;
/** When this sensor last began to look at everything: a log born later is read from its beginning. */
const aliveSource = 'logfile:';
const compressed = /\.(gz|bz2|xz|zst|zip|Z)$/;
const aliveEveryMs = 30_000;
/** File times are some ms coarse, more where the machine is a virtual one that is held up. */
const timeSlackMs = 1000;
/** The last ones may come again as archives; those let go since the path was last surely known may come as they are. */
const lastDone = 8;
const maxDone = 64;
const unreadableWaitMs = 3_600_000;
/** Events wait no longer than this for others to share their commit. */
const batchMs = 10;
const scanStep = 32;

export class Follower {
  readonly #options: Required<LogfileOptions>;
  readonly #context: SensorContext;
  readonly #report: Reporter;
  readonly #watch: FolderWatch;
  readonly #matches: (path: string) => boolean;
  readonly #excluded: (path: string) => boolean;
  readonly #logs = new Map<string, Log>();
  /** Which log an inode belongs to. */
  readonly #keys = new Map<string, Log>();
  /** Real names of logs that are symbolic links. */
  readonly #aliases = new Map<string, Log>();
  /** Open files, the one that was quiet longest first. */
  readonly #open = new Set<LogFile>();
  /** Logs to read now; looked at first when `look` says so. */
  readonly #dirty = new Set<Log>();
  readonly #lookFirst = new Set<Log>();
  readonly #newNames = new Set<string>();
  /** Logs whose position has changed since the last batch. */
  readonly #touched = new Set<Log>();
  /** Files whose decoder may hold lines back. */
  readonly #holding = new Set<LogFile>();
  readonly #buffer = readBuffer();
  readonly #startedAt: number;
  readonly #aliveBefore: number | undefined;
  #events: Event[] = [];
  #forgotten: Position[] = [];
  #nextRescan = 0;
  /** When the last rescan that ended began: each log there was then is known. */
  #scannedAt: number | undefined;
  #savedAliveAt = 0;
  #batchSince = 0;
  #lastRescan = 0;
  #first = true;
  #scan: AsyncGenerator<void, void> | undefined;
  #wake: (() => void) | undefined;
  /** Offset of the line being decoded, for the emit of its file. */
  #at = 0;

  constructor(options: Required<LogfileOptions>, context: SensorContext) {
    this.#options = options;
    this.#context = context;
    this.#report = new Reporter(context);
    this.#matches = pathMatcher(options.globs);
    this.#excluded = pathMatcher(options.exclude);
    this.#startedAt = context.now();
    const alive = Number(context.position(aliveSource));
    this.#aliveBefore = alive > 0 ? alive : undefined;
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
        if (!this.#scan && performance.now() >= this.#nextRescan) this.#scan = this.#rescan();
        if (this.#scan && (await this.#scan.next()).done) this.#scan = undefined;
        await this.#readRound();
        this.#flushQuiet();
        const batch = this.#batch();
        if (batch) { yield batch; continue; }
        if (!this.#scan && this.#dirty.size === 0 && this.#newNames.size === 0 && !signal.aborted) await this.#sleep();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#watch.close();
      for (const f of this.#open) await this.#closeFile(f);
      for (const log of this.#logs.values()) for (const f of log.files) if (typeof f.gz === 'object') await f.gz.return(undefined);
    }
  }

  // --- waking

  #changed(folder: string, name: string, renamed: boolean): void {
    const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
    const log = this.#logs.get(path) ?? this.#aliases.get(path);
    if (log) {
      this.#dirty.add(log);
      this.#lookFirst.add(log);
    } else if (renamed && !this.#excluded(path)) {
      if (this.#matches(path)) {
        this.#newNames.add(path);
        if (this.#newNames.size > this.#options.maxFiles) { this.#newNames.clear(); this.#nextRescan = 0; }
      }
      // Perhaps a new folder.
      else this.#nextRescan = Math.min(this.#nextRescan, this.#lastRescan + Math.min(1000, this.#options.rescanMs));
    } else {
      // Perhaps a rotated file that is still written to.
      for (const other of this.#touchedByRotation(folder, name)) this.#dirty.add(other);
      if (this.#dirty.size === 0) return;
    }
    this.#wake?.();
  }

  *#touchedByRotation(folder: string, name: string): Iterable<Log> {
    for (const f of this.#open) {
      if (f.rotatedAt === undefined) continue;
      const log = this.#keys.get(f.key);
      if (log && dirname(log.path) === folder && isRotatedName(basename(log.path), name)) yield log;
    }
  }

  async #sleep(): Promise<void> {
    let until = this.#nextRescan;
    for (const f of this.#holding) until = Math.min(until, f.decodedAt + this.#options.flushMs);
    const ms = Math.max(1, until - performance.now());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => { clearTimeout(timer); resolve(); };
    });
    this.#wake = undefined;
  }

  // --- finding logs

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
    for (const real of this.#aliases.keys()) folders.add(dirname(real));
    const added = await this.#watch.set(folders);
    this.#report.watches(this.#watch.failed);
    // Known logs first: their rotations explain new names.
    for (const log of this.#logs.values()) {
      await this.#look(log);
      if (log.files.some((f) => f.rotatedAt !== undefined)) this.#dirty.add(log);
      if (pause()) { yield; began = cpuMs(); }
    }
    const fresh = found.paths.filter((p) => !this.#logs.has(p) && !this.#excluded(p));
    const saved = new Set(fresh.filter((p) => this.#context.position(positionOf(p))));
    for (const path of [...saved, ...fresh.filter((p) => !saved.has(p))]) {
      await this.#discover(path);
      if (pause()) { yield; began = cpuMs(); }
    }
    for (const log of this.#logs.values()) await this.#settle(log);
    this.#report.summary(this.#logs.size, found.truncated);
    this.#first = false;
    // The very first time is stored at once.
    if (this.#scannedAt === undefined) this.#savedAliveAt = 0;
    this.#scannedAt = beganAt;
    this.#lastRescan = performance.now();
    const took = spent + cpuMs() - began;
    // At most 1 % of a processor goes into rescans.
    this.#nextRescan = performance.now() + (added > 0 ? 50 : Math.min(60_000, Math.max(rescanMs, took * 100)));
  }

  /** What the path names: undefined (and said, where it is not simply absent) unless it is a regular file. */
  async #stat(path: string): Promise<{ stats: BigIntStats | undefined; blind: boolean }> {
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) return { stats, blind: false };
      this.#report.skipped(path, stats.isDirectory() ? 'directory' : 'special-file');
      return { stats: undefined, blind: false };
    } catch (e) {
      const code = (e as NodeJS.ErrnoException).code ?? 'error';
      if (code === 'ENOENT' || code === 'ENOTDIR') {
        this.#report.seen(path);
        return { stats: undefined, blind: false };
      }
      if (code === 'ELOOP') this.#report.skipped(path, 'symlink-loop');
      else this.#report.blind(path, code);
      return { stats: undefined, blind: true };
    }
  }

  async #discover(path: string): Promise<void> {
    if (this.#logs.has(path)) return;
    const lookedAt = this.#context.now();
    const { stats } = await this.#stat(path);
    if (!stats) return;
    if (compressed.test(path)) { this.#report.skipped(path, 'compressed'); return; }
    const key = fileKey(stats);
    const owner = this.#keys.get(key);
    if (owner) {
      await this.#look(owner);
      const file = owner.files.find((f) => f.key === key);
      if (file?.rotatedAt === undefined && file) { this.#report.skipped(path, 'second-name'); return; }
      if (file) { await this.#adopt(path, file, owner); return; }
    }
    if (this.#logs.size >= this.#options.maxFiles) { this.#report.overLimit(); return; }
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
      copyOf = await this.#copiedFrom(path);
      if (this.#logs.has(path)) return;
      if (!copyOf) {
        files = [this.#firstSight(path, stats)];
        files[0]!.head = mark(await headOf(path, key));
      }
    }
    const log = await this.#addLog(path, files, saved?.time ?? lookedAt, copyOf);
    if (saved) {
      log.done = saved.done;
      await this.#look(log);
    } else if (!copyOf) {
      this.#dirty.add(log);
      // It may have been rotated before it was ever seen.
      const unseenSince = this.#first ? this.#aliveBefore : this.#scannedAt;
      if (unseenSince === undefined || Number(stats.birthtimeMs) < unseenSince - timeSlackMs) return;
      log.since = Math.min(lookedAt, unseenSince);
      log.files = [...await this.#between(log, lookedAt, log.since - timeSlackMs), ...log.files];
    }
  }

  async #addLog(path: string, files: LogFile[], since: number, copyOf?: string): Promise<Log> {
    const log: Log = { path, files, copyOf, real: path, mtimeNs: -1n, since, lookedAt: 0, done: [] };
    this.#logs.set(path, log);
    await this.#resolve(log);
    for (const f of files) this.#keys.set(f.key, log);
    this.#touched.add(log);
    return log;
  }

  /** Follows a symbolic link, so that inotify's word on its target is understood. */
  async #resolve(log: Log): Promise<void> {
    const linked = await lstat(log.path).then((s) => s.isSymbolicLink(), () => false);
    const real = linked ? await realpath(log.path).catch(() => log.path) : log.path;
    if (real === log.real) return;
    if (this.#aliases.get(log.real) === log) this.#aliases.delete(log.real);
    log.real = real;
    if (real === log.path) return;
    this.#aliases.set(real, log);
    // Its folder is to be watched.
    this.#nextRescan = Math.min(this.#nextRescan, performance.now() + 50);
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

  // --- rotation

  /** Compares what the path names with what is being read. */
  async #look(log: Log): Promise<void> {
    this.#lookFirst.delete(log);
    if (log.copyOf !== undefined) { await this.#lookAtCopy(log); return; }
    // Before the look: on a busy machine much may be written and rotated away between the look and the next line.
    const now = this.#context.now();
    const { stats, blind } = await this.#stat(log.path);
    if (blind) return;
    const last = log.files[log.files.length - 1];
    const current = last?.rotatedAt === undefined ? last : undefined;
    if (!stats) {
      if (current) { current.rotatedAt = now; this.#dirty.add(log); this.#touched.add(log); }
      return;
    }
    const key = fileKey(stats);
    if (current?.key === key) {
      log.lookedAt = now;
      if (Number(stats.size) < current.offset) { await this.#truncated(log, current); this.#dirty.add(log); }
      else if (Number(stats.size) !== current.offset || stats.mtimeNs !== log.mtimeNs) { current.headChecked = false; this.#dirty.add(log); }
      else log.since = now;
      log.mtimeNs = stats.mtimeNs;
      return;
    }
    if (current) current.rotatedAt = now;
    log.mtimeNs = stats.mtimeNs;
    const between = await this.#between(log, now);
    log.files = [...log.files, ...between];
    const owner = this.#keys.get(key);
    const moved = owner?.files.find((f) => f.key === key);
    if (owner && moved) {
      // Renamed from one followed name to another: reading goes on where it was.
      owner.files = owner.files.filter((f) => f !== moved);
      this.#touched.add(owner);
      moved.rotatedAt = undefined;
      moved.path = log.path;
      log.files = [...log.files, moved];
    } else {
      log.files = [...log.files, newFile(log.path, key, { head: mark(await headOf(log.path, key)), grownAt: now, fresh: true })];
    }
    this.#keys.set(key, log);
    this.#touched.add(log);
    this.#dirty.add(log);
    await this.#resolve(log);
  }

  /**
   * Files that came and were rotated away while nobody looked: those written to since, read from the beginning.
   * `lookedAt` is when the path surely named what comes after them. Only those born since `bornSince`: older ones
   * were there before the log was followed.
   */
  async #between(log: Log, lookedAt: number, bornSince = 0): Promise<LogFile[]> {
    for (const f of log.files) if (f.rotatedAt !== undefined && !f.handle && !f.gz) await this.#openFile(log, f);
    const files: LogFile[] = [];
    const now = this.#context.now();
    const siblings = await rotatedSiblings(log.path).catch(() => []);
    const names = new Set(siblings.map((s) => s.path));
    for (const s of siblings) {
      // Being compressed just now: the plain file is still there.
      if (s.path.endsWith('.gz') && names.has(s.path.slice(0, -3))) continue;
      if (s.mtimeMs < log.since - timeSlackMs || s.bornMs < bornSince || this.#keys.has(s.key) || this.#matches(s.path)) continue;
      if (compressed.test(s.path) && !s.path.endsWith('.gz')) { this.#report.skipped(s.path, 'compressed'); continue; }
      // The compressed form of a file that is open here under its old inode.
      const head = await headOf(s.path, s.key);
      if (await isKnown(log, s, head)) continue;
      const id = createHash('sha256').update(`${s.key}:${s.mtimeMs}:${s.path}`).digest('base64url').slice(0, 16);
      // Its beginning is what it is found again by, when it is compressed before it is read.
      files.push(newFile(s.path, s.key, { id, head: mark(head), gz: s.path.endsWith('.gz') ? 'unopened' : undefined, grownAt: now, rotatedAt: now }));
      this.#keys.set(s.key, log);
    }
    log.since = Math.max(log.since, lookedAt);
    return files;
  }

  /** `path` now names a file that was followed under another name: it goes on under this one. */
  async #adopt(path: string, file: LogFile, from: Log): Promise<void> {
    const since = this.#context.now();
    from.files = from.files.filter((f) => f !== file);
    this.#touched.add(from);
    file.path = path;
    file.rotatedAt = undefined;
    const held = this.#logs.get(path);
    if (held) { held.copyOf = undefined; held.files = [file]; this.#keys.set(file.key, held); this.#touched.add(held); this.#dirty.add(held); return; }
    this.#dirty.add(await this.#addLog(path, [file], since));
  }

  /**
   * The same inode holds something else now: truncated, or removed and re-created. What was not yet read of the
   * old contents may stand in a copy beside it (logrotate's copytruncate).
   */
  async #truncated(log: Log, f: LogFile): Promise<void> {
    const at = log.files.indexOf(f);
    if (at < 0) return;
    this.#touched.add(log);
    f.half = false;
    if (f.rotatedAt !== undefined) { await this.#finish(log, f); return; }
    const next = newFile(f.path, f.key, { generation: f.generation + 1, handle: f.handle, grownAt: this.#context.now(), fresh: true });
    if (f.handle) { this.#open.delete(f); this.#open.add(next); f.handle = undefined; }
    log.files = log.files.toSpliced(at, 1, f, next);
    f.rotatedAt = this.#context.now();
    const found = f.offset > 0 || f.head.length >= enough ? await findRotated(log.path, soughtOf(f)) : undefined;
    this.#context.count('log-truncated');
    if (found) {
      if (found.gz) f.gz = 'unopened';
      this.#moved(log, f, found);
    } else {
      await this.#finish(log, f);
    }
    const between = await this.#between(log, log.lookedAt);
    log.files = log.files.toSpliced(log.files.indexOf(next), 0, ...between);
    if (found && !found.gz && this.#matches(found.path) && !this.#excluded(found.path)) await this.#adopt(found.path, f, log);
  }

  /** The file is now found elsewhere: rotated away, perhaps as a copy under another inode. */
  #moved(log: Log, f: LogFile, to: { path: string; key: string }): void {
    const { key } = f;
    f.path = to.path;
    f.key = to.key;
    f.headChecked = false;
    f.rotatedAt ??= this.#context.now();
    this.#disown(log, key);
    this.#keys.set(f.key, log);
    this.#touched.add(log);
  }

  /** The inode is free for others unless another file of the log has it. */
  #disown(log: Log, key: string): void {
    if (this.#keys.get(key) === log && !log.files.some((other) => other.key === key)) this.#keys.delete(key);
  }

  /** The log in the same folder that the new file `path` is a copy of: nothing of it is new. */
  async #copiedFrom(path: string): Promise<string | undefined> {
    // On the very first start nothing has been read, so nothing can be read twice.
    if (this.#first && this.#aliveBefore === undefined) return undefined;
    const folder = dirname(path);
    const head = await headOf(path);
    for (const log of this.#logs.values()) {
      const current = log.files[log.files.length - 1];
      if (!current || log.path === path || dirname(log.path) !== folder || !mayBeCopy(head, current.head)) continue;
      // It may have been truncated already; then reading it finds the copy by itself.
      await this.#look(log);
      if (this.#dirty.has(log)) await this.#readLog(log);
      if (this.#logs.has(path)) return undefined;
      if (await isPrefixOf(path, log.path)) { this.#report.skipped(path, 'copy'); return log.path; }
    }
    return undefined;
  }

  async #lookAtCopy(log: Log): Promise<void> {
    const original = log.copyOf === undefined ? undefined : this.#logs.get(log.copyOf);
    const { stats } = await this.#stat(log.path);
    if (!stats) { this.#drop(log); return; }
    if (original) {
      if (await isPrefixOf(log.path, original.path)) return;
      await this.#look(original);
      if (this.#dirty.has(original)) await this.#readLog(original);
      if (log.copyOf === undefined) return;
    }
    // It has become a log of its own.
    log.copyOf = undefined;
    log.files = [newFile(log.path, fileKey(stats), { grownAt: this.#context.now() })];
    this.#keys.set(fileKey(stats), log);
    this.#report.seen(log.path);
    this.#dirty.add(log);
  }

  /** Lets rotated files go that were quiet for long, delivers half lines that wait for long. */
  async #settle(log: Log): Promise<void> {
    const now = this.#context.now();
    for (const f of log.files) {
      if (f.rotatedAt !== undefined) {
        const quiet = now - Math.max(f.grownAt, f.rotatedAt);
        if (f.gz || quiet < this.#options.rotatedWaitMs) continue;
        const { offset } = f;
        await this.#readFile(log, f);
        // It cannot be read now: not for ever, as a list that only grows is worse.
        if (!f.handle && log.files.includes(f) && quiet < unreadableWaitMs) continue;
        if (f.offset !== offset || f.gz || !log.files.includes(f)) continue;
        if (quiet < this.#options.rotatedKeepMs && await this.#mayGrow(f)) continue;
        await this.#finish(log, f);
      } else if (f.half && f.halfSince !== undefined && now - f.halfSince >= this.#options.halfLineMs) {
        await this.#deliverHalf(log, f);
      }
    }
    // What comes back soon may have been rotated again before it is seen: that is known by when it was gone.
    if (log.files.length > 0 || log.copyOf !== undefined || now - log.since < this.#options.forgetMs) return;
    this.#drop(log);
    this.#forgotten.push({ source: positionOf(log.path), value: '' });
  }

  #drop(log: Log): void {
    this.#logs.delete(log.path);
    this.#aliases.delete(log.real);
    this.#dirty.delete(log);
    this.#lookFirst.delete(log);
    this.#touched.delete(log);
  }

  /** A rotated file that still has a name, as programs that were not told of the rotation go on writing to it. Not too many are held open for that. */
  async #mayGrow(f: LogFile): Promise<boolean> {
    let kept = 0;
    for (const other of this.#open) if (other.rotatedAt !== undefined) kept++;
    return kept <= this.#options.maxOpenFiles / 4 && f.handle !== undefined && (await f.handle.stat()).nlink > 0;
  }

  async #deliverHalf(log: Log, f: LogFile): Promise<void> {
    if (!f.handle || !f.half || !f.decoder) return;
    const out = noLines();
    await readHalfLine(f, f.handle, this.#buffer, out);
    this.#context.count('half-lines', out.lines.length);
    this.#decode(f, out);
    this.#touched.add(log);
  }

  /** Nothing more comes from this file. */
  async #finish(log: Log, f: LogFile): Promise<void> {
    await this.#deliverHalf(log, f);
    this.#at = f.offset;
    f.decoder?.flush();
    this.#holding.delete(f);
    await this.#closeFile(f);
    log.files = log.files.filter((other) => other !== f);
    if (f.head.length > 0) {
      const done = [...log.done, { ...soughtOf(f), at: this.#context.now() }];
      log.done = done.filter((d, i) => i >= done.length - lastDone || d.at >= log.since - timeSlackMs).slice(-maxDone);
    }
    this.#disown(log, f.key);
    this.#touched.add(log);
  }

  // --- reading

  /** One chunk of every log that has something, so that no log starves the others. */
  async #readRound(): Promise<void> {
    // At the start, logs with a saved position come first: they explain others.
    if (!this.#first) for (const path of this.#newNames) { this.#newNames.delete(path); await this.#discover(path); }
    // What becomes dirty meanwhile waits for the next round.
    const round = [...this.#dirty];
    for (const log of round) {
      if (this.#context.signal.aborted || this.#events.length >= this.#options.maxEvents) return;
      if (this.#lookFirst.has(log)) await this.#look(log);
      this.#dirty.delete(log);
      // Put back at the end of the queue.
      if (await this.#readLog(log)) this.#dirty.add(log);
    }
  }

  /** Reads a chunk; true when there is more. */
  async #readLog(log: Log): Promise<boolean> {
    for (const f of log.files) {
      if (!log.files.includes(f)) continue;
      const progress = await this.#readFile(log, f);
      if (progress !== 'end') return true;
    }
    return false;
  }

  async #readFile(log: Log, f: LogFile): Promise<Progress> {
    if (f.gz) return this.#readGz(log, f);
    if (!f.handle) await this.#openFile(log, f);
    // What was compressed meanwhile is read as an archive in the next round.
    if (f.gz) return 'more';
    const { handle } = f;
    if (!handle) return 'end';
    try {
      if (!f.headChecked && !await checkHead(f, handle)) { await this.#truncated(log, f); return 'changed'; }
      f.headChecked = true;
      if (f.fresh && f.offset > 0) f.fresh = false;
      if (f.fresh && f.head.length > 0) {
        // A longer beginning would not be mistaken for that of other contents.
        f.fresh = f.head.length < headBytes;
        const before = await this.#between(log, log.since);
        if (before.length > 0) {
          log.files = log.files.toSpliced(log.files.indexOf(f), 0, ...before);
          this.#touched.add(log);
          return 'more';
        }
      }
      if (!f.decoder) {
        const { size } = await handle.stat();
        if (size < f.unknownUntil || !this.#choose(f, await sampleLines(handle, f.rotatedAt !== undefined), size)) return 'end';
      }
      const out = noLines();
      const { offset } = f;
      const progress = await readChunk(f, handle, this.#buffer, out);
      if (progress === 'changed') { await this.#truncated(log, f); return 'changed'; }
      if (f.rotatedAt === undefined) log.since = Math.max(log.since, log.lookedAt);
      const now = this.#context.now();
      if (f.offset !== offset) {
        f.grownAt = now;
        f.halfSince = undefined;
        this.#open.delete(f);
        this.#open.add(f);
        this.#touched.add(log);
      }
      if (f.half) f.halfSince ??= now;
      this.#decode(f, out);
      return progress;
    } catch (e) {
      if (!isFileError(e)) throw e;
      await this.#closeFile(f);
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
        if (!this.#context.signal.aborted) await this.#finish(log, f);
        return 'end';
      }
      const out = next.value;
      if (f.head.length === 0) f.head = mark(await headOf(f.path));
      if (!f.decoder && !this.#choose(f, out.lines.slice(0, 20), 0)) { await this.#finish(log, f); return 'end'; }
      if (f.skip) { out.lines.shift(); out.offsets.shift(); f.skip = false; }
      f.offset = out.next;
      f.tail = noMark;
      this.#touched.add(log);
      this.#decode(f, out);
      return 'more';
    } catch (e) {
      this.#context.log.warn(`${f.path}: ${e instanceof Error ? e.message : String(e)}`);
      this.#context.count('archives-damaged');
      await this.#finish(log, f);
      return 'end';
    }
  }

  /** The archive may have another name by now. */
  async #findArchive(log: Log, f: LogFile): Promise<void> {
    const { stats } = await this.#stat(f.path);
    if (stats && fileKey(stats) === f.key) return;
    const found = await findRotated(log.path, soughtOf(f));
    if (!found) return;
    if (!found.gz) f.gz = undefined;
    this.#moved(log, f, found);
  }

  /** Opens the file where it is now, under whatever name. False when it cannot be read (now, or ever again). */
  async #openFile(log: Log, f: LogFile): Promise<boolean> {
    for (const path of [f.path, undefined]) {
      const found = path === undefined ? await findRotated(log.path, soughtOf(f)) : { path, gz: false, key: f.key };
      if (!found) break;
      if (found.gz) {
        f.gz = 'unopened';
        this.#moved(log, f, found);
        return true;
      }
      try {
        const handle = await openLog(found.path);
        const s = await handle.stat({ bigint: true });
        // The inode of one that is gone may be another file's by now; for the current file `readFile` finds that out.
        const isOther = !s.isFile() || fileKey(s) !== found.key || (f.rotatedAt !== undefined && !await isContinuation(handle, f));
        if (isOther) { await handle.close(); continue; }
        if (path === undefined) {
          this.#moved(log, f, { path: found.path, key: found.key });
        }
        f.handle = handle;
        f.headChecked = false;
        this.#open.add(f);
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
    if (f.rotatedAt === undefined) { this.#lookFirst.add(log); this.#nextRescan = Math.min(this.#nextRescan, performance.now() + 50); return false; }
    if (!f.decoder || f.half) {
      this.#context.count('rotated-not-found');
      this.#context.log.info(`${log.path}: the file that was rotated away is gone; what was written to it after offset ${f.offset} was not read`);
    }
    await this.#finish(log, f);
    return false;
  }

  async #closeFile(f: LogFile): Promise<void> {
    this.#open.delete(f);
    const { handle } = f;
    f.handle = undefined;
    if (typeof f.gz === 'object') await f.gz.return(undefined);
    await handle?.close();
  }

  /** Keeps the number of open files bounded; a rotated one stays open, its name may vanish. */
  async #closeQuiet(wanted: LogFile): Promise<void> {
    for (const f of this.#open) {
      if (this.#open.size <= this.#options.maxOpenFiles) return;
      if (f.rotatedAt === undefined && f !== wanted) await this.#closeFile(f);
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
  #flushQuiet(): void {
    for (const f of this.#holding) {
      const log = this.#keys.get(f.key);
      if (performance.now() < f.decodedAt + this.#options.flushMs || (log && this.#dirty.has(log))) continue;
      this.#holding.delete(f);
      this.#at = f.offset;
      f.decoder?.flush();
      if (log) this.#touched.add(log);
    }
  }

  #batch(): Batch | undefined {
    const now = this.#context.now();
    if (this.#events.length === 0) {
      if (this.#dirty.size > 0 || now - this.#savedAliveAt < aliveEveryMs) return undefined;
    } else if (this.#events.length < this.#options.maxEvents && this.#dirty.size > 0 && performance.now() < this.#batchSince + batchMs) {
      return undefined;
    }
    const positions: Position[] = [...this.#forgotten];
    if (this.#scannedAt !== undefined) positions.push({ source: aliveSource, value: String(this.#scannedAt) });
    for (const log of this.#touched) {
      if (log.copyOf === undefined) positions.push({ source: positionOf(log.path), value: formatPosition({ files: log.files.map(savedOf), done: log.done, time: log.since }) });
    }
    this.#savedAliveAt = now;
    if (this.#events.length === 0 && positions.length === 0) return undefined;
    const batch = { events: this.#events, positions };
    this.#events = [];
    this.#forgotten = [];
    this.#touched.clear();
    return batch;
  }
}

/** Is this file, which stands beside the log, one whose lines are read or were? Also the compressed form of a file that is open here under its old inode. */
async function isKnown(log: Log, file: Sibling, head: Buffer): Promise<boolean> {
  for (const known of [...log.files, ...log.done]) if (await isCopy(file, head, known)) return true;
  return false;
}

/** Processor time of this program so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const isFileError = (e: unknown): e is NodeJS.ErrnoException & { code: string } => e instanceof Error && typeof (e as NodeJS.ErrnoException).code === 'string';
