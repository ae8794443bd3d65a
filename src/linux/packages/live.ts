/**
 * The packages of the running machine: read beside this process, read again when the databases change, digests
 * of the files that are asked for taken one by one beside the work.
 */
import { lstatSync, type Stats } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Packages, PackageFile } from '../../core/lineage.ts';
import type { Text } from '../../core/text.ts';
import { hashFile, stampOf } from './digest.ts';
import { PackagesError } from './error.ts';
import { databasePlaces, type OwnedFile, type PackageIndex } from './index.ts';
import { openPackagesInProcess } from './in-process.ts';
import { isLocked, statOrNothing } from './lock.ts';

export interface LiveOptions {
  root?: string;
  health: (state: 'live' | 'waiting' | 'blind', detail?: Text) => void;
  count: (what: string, n?: number) => void;
  /** How often the databases are looked at for changes. */
  everyMs?: number;
  /** After how long a reader that failed is tried again at first; default half a minute. */
  retryMs?: number;
  /** Reads the databases; throws PackagesError, 'not-built' when another attempt may do better. */
  open?: (root: string, options: { signal: AbortSignal }) => Promise<PackageIndex>;
}

export interface LivePackages extends Packages {
  /** The index in use; undefined until it is built. */
  readonly index: PackageIndex | undefined;
  /** Whether the first reading goes on, which is worth waiting for. */
  readonly building: boolean;
  /** Takes the digest of this file now, if it must be; undefined when it cannot be told. */
  settle(path: string): Promise<PackageFile | undefined>;
  close(): Promise<void>;
}

const checkMs = 5000;
/** A long upgrade is not waited for longer than this. */
const patienceMs = 60_000;
const retryMs = 30_000;
const retryLongestMs = 10 * 60_000;
const cacheMax = 20_000;
/** One program that starts is asked for by many, and again with the next of its kind: for so long nobody looks at the file again. */
const toldForMs = 200;
const toldMax = 500;
const queueMax = 2000;
const fileMax = 2 ** 31;

interface Taken { stamp: string; algorithm: string; /** Empty: it cannot be read. */ hex: string }

export function watchPackages(options: LiveOptions): LivePackages { return new Live(options); }

class Live implements LivePackages {
  index: PackageIndex | undefined;
  readonly #root: string;
  readonly #options: LiveOptions;
  readonly #abort = new AbortController();
  /** By path, the one used longest ago first. */
  readonly #taken = new Map<string, Taken>();
  readonly #queue = new Map<string, OwnedFile>();
  #told = new Map<string, PackageFile | undefined>();
  #toldFrom = 0;
  readonly #running: Promise<unknown>;
  #working: Promise<void> | undefined;
  #building = true;
  /** State of the databases when they were last read, well or not. */
  #read = '';
  /** State that the index in use holds for. */
  #indexed = '';
  /** When a reader that failed is tried again, on the clock of `performance.now()`, and after how long the next time. */
  #againAt = Number.POSITIVE_INFINITY;
  #delay: number;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#root = options.root ?? '/';
    this.#delay = options.retryMs ?? retryMs;
    options.health('waiting', { zh: '正在读软件包数据库', en: 'reading the package databases' });
    this.#running = this.#keep();
  }

  get building(): boolean { return this.#building; }

  get ready(): boolean { return this.index !== undefined; }

  owner(path: string): PackageFile | undefined {
    const now = performance.now();
    if (now - this.#toldFrom > toldForMs || this.#told.size >= toldMax) { this.#told.clear(); this.#toldFrom = now; }
    if (this.#told.has(path)) return this.#told.get(path);
    const file = this.index?.owner(path);
    const told = file && this.#tell(file, this.#state(file));
    this.#told.set(path, told);
    return told;
  }

  changed(path: string): void {
    // By this or another of its names.
    if (this.#told.size > 0 && (this.#told.has(path) || this.index?.owner(path) !== undefined)) this.#told.clear();
  }

  async settle(path: string): Promise<PackageFile | undefined> {
    const file = this.index?.owner(path);
    if (!file) return undefined;
    if (this.#state(file) === 'unknown') await this.#take(file);
    return this.#tell(file, this.#state(file));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled([this.#running, this.#working]);
  }

  #tell({ package: { manager, name, version } }: OwnedFile, state: 'intact' | 'modified' | 'unknown' | 'never'): PackageFile {
    return { manager, name, version, intact: state === 'intact' ? true : state === 'modified' ? false : undefined };
  }

  /** 'unknown' asks for the digest; 'never' means that none can be had. */
  #state(file: OwnedFile): 'intact' | 'modified' | 'unknown' | 'never' {
    if (!file.digest) return 'never';
    let stamp: string;
    try {
      const found = lstatSync(join(this.#root, file.path), { throwIfNoEntry: false });
      if (!found?.isFile() || found.size > fileMax) return 'never';
      stamp = stampOf(found);
    } catch { return 'never'; /* a folder on the way that is none or is closed to us */ }
    const taken = this.#taken.get(file.path);
    if (taken?.stamp !== stamp || taken.algorithm !== file.digest.algorithm) { this.#ask(file); return 'unknown'; }
    this.#taken.delete(file.path);
    this.#taken.set(file.path, taken);
    if (taken.hex === '') return 'never';
    if (taken.hex === file.digest.hex) return 'intact';
    // An upgrade puts files in place before the database says so.
    return this.#stamp() !== this.#indexed || isLocked(this.#root) ? 'never' : 'modified';
  }

  #ask(file: OwnedFile): void {
    if (this.#queue.has(file.path)) return;
    if (this.#queue.size >= queueMax) { this.#options.count('files not checked, too many at once'); return; }
    this.#queue.set(file.path, file);
    this.#working ??= this.#work().finally(() => { this.#working = undefined; });
  }

  async #work(): Promise<void> {
    for (const [path, file] of this.#queue) {
      if (this.#abort.signal.aborted) return;
      const began = performance.now();
      await this.#take(file);
      this.#queue.delete(path);
      // Half of one core at most, and much less in truth: a file is read once.
      await sleep(performance.now() - began, undefined, { signal: this.#abort.signal, ref: false }).catch(() => undefined);
    }
  }

  async #take(file: OwnedFile): Promise<void> {
    if (!file.digest) return;
    const { algorithm } = file.digest;
    const path = join(this.#root, file.path);
    const known = this.#taken.get(file.path);
    const now = lstatOrNothing(path);
    // It was asked for twice, or is gone.
    if (now === undefined || (known?.stamp === stampOf(now) && known.algorithm === algorithm)) return;
    let taken: Taken;
    try {
      taken = { ...await hashFile(path, algorithm, this.#abort.signal), algorithm };
      // It changed while it was read: who asks again has it taken again.
      if (taken.stamp === '') return;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#options.count('files that cannot be read');
      const found = lstatOrNothing(path);
      if (found === undefined || (error as NodeJS.ErrnoException).code === 'ENOENT') return;
      taken = { stamp: stampOf(found), algorithm, hex: '' };
    }
    this.#taken.delete(file.path);
    this.#taken.set(file.path, taken);
    // Now it is known what was told to be unknown.
    this.#told.clear();
    if (this.#taken.size > cacheMax) for (const [oldest] of this.#taken) { this.#taken.delete(oldest); break; }
  }

  /** Reads the databases, and again whenever they have changed and lie still, or have changed for long. */
  async #keep(): Promise<void> {
    const { signal } = this.#abort;
    let changedSince: number | undefined;
    let last = '';
    while (!signal.aborted) {
      const now = this.#stamp();
      const isDue = performance.now() >= this.#againAt;
      if (now === this.#read && !isDue) changedSince = undefined;
      else {
        changedSince ??= Date.now();
        if (isDue || this.#read === '' || now === last || Date.now() - changedSince > patienceMs) { await this.#build(now); changedSince = undefined; }
      }
      last = now;
      await sleep(this.#options.everyMs ?? checkMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #build(stamp: string): Promise<void> {
    // A database that stays broken is not read again until it changes.
    this.#read = stamp;
    this.#againAt = Number.POSITIVE_INFINITY;
    try {
      const index = await (this.#options.open ?? openPackagesInProcess)(this.#root, { signal: this.#abort.signal });
      this.#delay = this.#options.retryMs ?? retryMs;
      this.index = index;
      this.#told.clear();
      this.#indexed = stamp;
      const left = [...index.counts.values()].reduce((sum, n) => sum + n, 0);
      const detail: Text = { zh: `${index.packages.length} 个软件包，${index.size} 个文件`, en: `${index.packages.length} packages, ${index.size} files` };
      if (index.faults.length > 0) { detail.zh += `；${left} 项未读懂：${index.faults[0]!.zh}`; detail.en += `; ${left} entries not understood: ${index.faults[0]!.en}`; }
      this.#options.health('live', detail);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const message = (error as Error).message;
      const isBroken = !(error instanceof PackagesError && error.code === 'not-built');
      if (!isBroken) {
        this.#againAt = performance.now() + this.#delay;
        this.#delay = Math.min(this.#delay * 2, retryLongestMs);
      }
      const old = this.index ? { zh: '；仍用之前读到的', en: '; what was read before stays' } : { zh: '', en: '' };
      if (error instanceof PackagesError && error.code === 'no-database') this.#options.health('blind', { zh: '没有 dpkg、rpm 或 apk 数据库，看不出文件属于哪个软件包', en: 'no dpkg, rpm or apk database: which package a file belongs to cannot be told' });
      else if (!isBroken) this.#options.health('blind', { zh: `软件包索引没能建好，稍后重试：${message}${old.zh}`, en: `the package index could not be built, it is tried again later: ${message}${old.en}` });
      else this.#options.health('blind', { zh: `软件包数据库读不了：${message}${old.zh}`, en: `the package database cannot be read: ${message}${old.en}` });
    } finally { this.#building = false; }
  }

  #stamp(): string {
    return databasePlaces.map((place) => {
      const found = statOrNothing(join(this.#root, place));
      return found ? `${found.ino}:${found.size}:${found.mtimeMs}` : '';
    }).join(' ');
  }
}

function lstatOrNothing(path: string): Stats | undefined {
  try { return lstatSync(path, { throwIfNoEntry: false }); } catch { return undefined; /* as good as not there */ }
}
