/** Notices what became of a log's files: renamed, replaced, truncated, copied; and finds those that came and went unseen. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { SensorContext } from '../../core/ports.ts';
import { fileKey, findRotated, mark, rotatedSiblings } from '../../linux/file-identity.ts';
import type { Sibling } from '../../linux/file-identity.ts';
import { enough, headOf, isCopy, isPrefixOf, mayBeCopy } from './copies.ts';
import { newFile, soughtOf } from './file.ts';
import type { LogFile } from './file.ts';
import { compressed, timeSlackMs } from './followed.ts';
import type { Followed, Log } from './followed.ts';
import type { Reading, RotationHooks } from './reading.ts';
import type { Reporter } from './reporter.ts';
import { statLog } from './stat-log.ts';

export interface RotationOptions { reading: Reading; context: SensorContext; report: Reporter; matches: (path: string) => boolean; excluded: (path: string) => boolean }

export class Rotation implements RotationHooks {
  readonly #followed: Followed;
  readonly #reading: Reading;
  readonly #context: SensorContext;
  readonly #report: Reporter;
  readonly #matches: (path: string) => boolean;
  readonly #excluded: (path: string) => boolean;

  constructor(followed: Followed, { reading, context, report, matches, excluded }: RotationOptions) {
    this.#followed = followed;
    this.#reading = reading;
    this.#context = context;
    this.#report = report;
    this.#matches = matches;
    this.#excluded = excluded;
  }

  /** Compares what the path names with what is being read. */
  async look(log: Log): Promise<void> {
    this.#followed.lookFirst.delete(log);
    if (log.copyOf !== undefined) { await this.#lookAtCopy(log); return; }
    // Before the look: on a busy machine much may be written and rotated away between the look and the next line.
    const now = this.#context.now();
    const { stats, blind } = await statLog(log.path, this.#report);
    if (blind) return;
    const last = log.files[log.files.length - 1];
    const current = last?.rotatedAt === undefined ? last : undefined;
    if (!stats) {
      if (current) { current.rotatedAt = now; this.#followed.dirty.add(log); this.#followed.touched.add(log); }
      return;
    }
    const key = fileKey(stats);
    if (current?.key === key) {
      log.lookedAt = now;
      if (Number(stats.size) < current.offset) { await this.truncated(log, current); this.#followed.dirty.add(log); }
      else if (Number(stats.size) !== current.offset || stats.mtimeNs !== log.mtimeNs) { current.headChecked = false; this.#followed.dirty.add(log); }
      else log.since = now;
      log.mtimeNs = stats.mtimeNs;
      return;
    }
    if (current) current.rotatedAt = now;
    log.mtimeNs = stats.mtimeNs;
    const between = await this.between(log, now);
    log.files = [...log.files, ...between];
    const owner = this.#followed.keys.get(key);
    const moved = owner?.files.find((f) => f.key === key);
    if (owner && moved) {
      // Renamed from one followed name to another: reading goes on where it was.
      owner.files = owner.files.filter((f) => f !== moved);
      this.#followed.touched.add(owner);
      moved.rotatedAt = undefined;
      moved.path = log.path;
      log.files = [...log.files, moved];
    } else {
      log.files = [...log.files, newFile(log.path, key, { head: mark(await headOf(log.path, key)), grownAt: now, fresh: true })];
    }
    this.#followed.keys.set(key, log);
    this.#followed.touched.add(log);
    this.#followed.dirty.add(log);
    await this.#followed.resolve(log);
  }

  /**
   * Files that came and were rotated away while nobody looked: those written to since, read from the beginning.
   * `lookedAt` is when the path surely named what comes after them. Only those born since `bornSince`: older ones
   * were there before the log was followed.
   */
  async between(log: Log, lookedAt: number, bornSince = 0): Promise<LogFile[]> {
    for (const f of log.files) if (f.rotatedAt !== undefined && !f.handle && !f.gz) await this.#reading.openFile(log, f);
    for (let attempt = 1; ; attempt++) {
      const files = await this.#unknownSiblings(log, bornSince);
      if (files) {
        for (const f of files) this.#followed.keys.set(f.key, log);
        log.since = Math.max(log.since, lookedAt);
        return files;
      }
      // Rotated on and on: what came meanwhile is looked for with the next rotation.
      if (attempt >= 8) return [];
    }
  }

  /** Undefined when a name came to stand for another file while it was looked at: what is known of it would be taken for that of the other. */
  async #unknownSiblings(log: Log, bornSince: number): Promise<LogFile[] | undefined> {
    const files: LogFile[] = [];
    const now = this.#context.now();
    const siblings = await rotatedSiblings(log.path).catch(() => []);
    const names = new Set(siblings.map((s) => s.path));
    for (const s of siblings) {
      // Being compressed just now: the plain file is still there.
      if (s.path.endsWith('.gz') && names.has(s.path.slice(0, -3))) continue;
      if (s.mtimeMs < log.since - timeSlackMs || s.bornMs < bornSince || this.#followed.keys.has(s.key) || this.#matches(s.path)) continue;
      if (compressed.test(s.path) && !s.path.endsWith('.gz')) { this.#report.skipped(s.path, 'compressed'); continue; }
      // The compressed form of a file that is open here under its old inode.
      const head = await headOf(s.path, s.key);
      const isCopyOfKnown = await isKnown(log, s, head);
      const { stats } = await statLog(s.path, this.#report);
      if (!stats || fileKey(stats) !== s.key) return undefined;
      if (isCopyOfKnown) continue;
      const id = createHash('sha256').update(`${s.key}:${s.mtimeMs}:${s.path}`).digest('base64url').slice(0, 16);
      // Its beginning is what it is found again by, when it is compressed before it is read.
      files.push(newFile(s.path, s.key, { id, head: mark(head), gz: s.path.endsWith('.gz') ? 'unopened' : undefined, grownAt: now, rotatedAt: now }));
    }
    return files;
  }

  /** `path` now names a file that was followed under another name: it goes on under this one. */
  async adopt(path: string, file: LogFile, from: Log): Promise<void> {
    const since = this.#context.now();
    from.files = from.files.filter((f) => f !== file);
    this.#followed.touched.add(from);
    file.path = path;
    file.rotatedAt = undefined;
    const held = this.#followed.logs.get(path);
    if (held) { held.copyOf = undefined; held.files = [file]; this.#followed.keys.set(file.key, held); this.#followed.touched.add(held); this.#followed.dirty.add(held); return; }
    this.#followed.dirty.add(await this.#followed.add(path, [file], since));
  }

  /**
   * The same inode holds something else now: truncated, or removed and re-created. What was not yet read of the
   * old contents may stand in a copy beside it (logrotate's copytruncate).
   */
  async truncated(log: Log, f: LogFile): Promise<void> {
    const at = log.files.indexOf(f);
    if (at < 0) return;
    this.#followed.touched.add(log);
    f.half = false;
    if (f.rotatedAt !== undefined) { await this.#reading.finish(log, f); return; }
    const next = newFile(f.path, f.key, { generation: f.generation + 1, handle: f.handle, grownAt: this.#context.now(), fresh: true });
    if (f.handle) { this.#followed.open.delete(f); this.#followed.open.add(next); f.handle = undefined; }
    log.files = log.files.toSpliced(at, 1, f, next);
    f.rotatedAt = this.#context.now();
    const found = f.offset > 0 || f.head.length >= enough ? await findRotated(log.path, soughtOf(f)) : undefined;
    this.#context.count('log-truncated');
    if (found) {
      if (found.gz) f.gz = 'unopened';
      this.#followed.moved(log, f, found);
    } else {
      await this.#reading.finish(log, f);
    }
    const between = await this.between(log, log.lookedAt);
    log.files = log.files.toSpliced(log.files.indexOf(next), 0, ...between);
    if (found && !found.gz && this.#matches(found.path) && !this.#excluded(found.path)) await this.adopt(found.path, f, log);
  }

  /** The log in the same folder that the new file `path` is a copy of: nothing of it is new. */
  async copiedFrom(path: string): Promise<string | undefined> {
    const folder = dirname(path);
    const head = await headOf(path);
    for (const log of this.#followed.logs.values()) {
      const current = log.files[log.files.length - 1];
      if (!current || log.path === path || dirname(log.path) !== folder || !mayBeCopy(head, current.head)) continue;
      // It may have been truncated already; then reading it finds the copy by itself.
      await this.look(log);
      if (this.#followed.dirty.has(log)) await this.#reading.readLog(log);
      if (this.#followed.logs.has(path)) return undefined;
      if (await isPrefixOf(path, log.path)) { this.#report.skipped(path, 'copy'); return log.path; }
    }
    return undefined;
  }

  async #lookAtCopy(log: Log): Promise<void> {
    const original = log.copyOf === undefined ? undefined : this.#followed.logs.get(log.copyOf);
    const { stats } = await statLog(log.path, this.#report);
    if (!stats) { this.#followed.drop(log); return; }
    if (original) {
      if (await isPrefixOf(log.path, original.path)) return;
      await this.look(original);
      if (this.#followed.dirty.has(original)) await this.#reading.readLog(original);
      if (log.copyOf === undefined) return;
    }
    // It has become a log of its own.
    log.copyOf = undefined;
    log.files = [newFile(log.path, fileKey(stats), { grownAt: this.#context.now() })];
    this.#followed.keys.set(fileKey(stats), log);
    this.#report.seen(log.path);
    this.#followed.dirty.add(log);
  }
}

/** Is this file, which stands beside the log, one whose lines are read or were? Also the compressed form of a file that is open here under its old inode. */
async function isKnown(log: Log, file: Sibling, head: Buffer): Promise<boolean> {
  for (const known of [...log.files, ...log.done]) if (await isCopy(file, head, known)) return true;
  return false;
}
