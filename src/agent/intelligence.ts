/**
 * Intelligence lists from files and URLs: read in slices beside the work, fetched again on schedule, the last
 * good copy of a URL kept below the data folder. A bad update changes nothing and is said in the health.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MoatError } from '../core/error.ts';
import type { Indicator, IndicatorKind, Intelligence } from '../core/lineage.ts';
import type { Level } from '../core/level.ts';
import type { Text } from '../core/text.ts';
import type { PartState } from '../engine/health.ts';
import { bytesOf, ListBuilder, levelFor, sizesOf, type ListTable } from '../engine/intelligence/list.ts';
import { Lists } from '../engine/intelligence/lists.ts';
import { faultOf, guessFormat, openReader, type ListFormat } from '../engine/intelligence/reader.ts';
import { Slices } from '../linux/slices.ts';
import { appliedPath } from './applied-indicators.ts';
import type { Config, ListConfig } from './config-schema.ts';
import { fetchList, type Fetched } from './intelligence-fetch.ts';
import { piecesOf } from './intelligence-file.ts';
import { installRoot } from './paths.ts';

export type IntelligenceErrorCode = 'bad-list' | 'too-large' | 'unreachable';

/** What `moat intel list` shows. Times are Unix ms. */
export interface ListState {
  name: string;
  source: string;
  format: ListFormat | undefined;
  what: string | undefined;
  level: Level;
  entries: Record<IndicatorKind, number>;
  bytes: number;
  /** Left out, by reason. */
  refused: Record<string, number>;
  /** When this content was fetched, or the file last written. */
  updated: number | undefined;
  /** When it is looked at again. */
  next: number | undefined;
  expires: number | undefined;
  state: PartState;
  fault: string | undefined;
}

export interface IntelligenceOptions {
  dataFolder: string;
  version: string;
  health: (part: string, state: PartState, detail?: Text) => void;
  now?: () => number;
  /** How often a file is looked at for changes. */
  fileEveryMs?: number;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const fileCheckMs = 15_000;
const retryMs = 5 * 60_000;

/** What is kept of a fetched list beside its text. */
interface Meta { url: string; etag?: string | undefined; modified?: string | undefined; fetched: number }

export class IntelligenceLists {
  readonly intelligence: Intelligence;
  readonly #lists: Lists;
  readonly #options: IntelligenceOptions;
  #running: Running[] = [];
  /** Lists are read one after the other: the memory of two at once is not needed. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: IntelligenceOptions) {
    this.#options = options;
    this.#lists = new Lists(options.now);
    this.intelligence = this.#lists;
  }

  /** Uses these lists from now on; those that were there and are the same go on as they are. */
  async configure(config: Config['intelligence']): Promise<void> {
    const before = this.#running;
    this.#running = listsOf(config, this.#options.dataFolder).map((list) => before.find((running) => same(running.config, list)) ?? this.#begin(list));
    const gone = before.filter((running) => !this.#running.includes(running));
    this.#publish();
    for (const running of gone) this.#options.health(partOf(running.config), 'waiting', { zh: '已从配置中去掉', en: 'no longer in the configuration' });
    await Promise.all(gone.map((running) => running.stop()));
  }

  state(): ListState[] { return this.#running.map((running) => running.state()); }

  async close(): Promise<void> { await Promise.all(this.#running.map((running) => running.stop())); }

  #begin(config: ListConfig): Running {
    return new Running(config, this.#options, {
      changed: () => this.#publish(),
      inTurn: (work) => (this.#turn = this.#turn.then(work, work)),
    });
  }

  #publish(): void { this.#lists.use(this.#running.flatMap((running) => running.table ?? [])); }
}

/** Reads files and the copies of URLs fetched before, without asking the network: what `moat intel check` uses. */
export async function readLists(config: Config['intelligence'], dataFolder: string): Promise<{ intelligence: Intelligence; states: ListState[] }> {
  const lists = new Lists();
  const states: ListState[] = [];
  const tables: ListTable[] = [];
  for (const list of listsOf(config, dataFolder)) {
    const one = new List(list, dataFolder, Date.now);
    await one.readKept(undefined);
    if (one.table) tables.push(one.table);
    states.push(one.state());
  }
  lists.use(tables);
  return { intelligence: lists, states };
}

/** What stands on a list, if it does. `unread`: lists that could not be read, so that they may have it all the same. */
export interface Checked { found?: Indicator; unread: string[] }
export function checkOf(intelligence: Intelligence, states: readonly ListState[], value: unknown): Checked {
  if (typeof value !== 'string') throw new MoatError('bad-input', 'expected an address, domain, URL, hash or wallet', { zh: '请给出地址、域名、网址、哈希或钱包' });
  const found = lookUp(intelligence, value);
  return { ...(found && { found }), unread: states.flatMap(({ name, state }) => (state === 'live' ? [] : [name])) };
}

/** An address, a domain, a URL (its host), a digest or a wallet. */
function lookUp(intelligence: Intelligence, value: string): Indicator | undefined {
  const text = value.trim();
  const url = /^[a-z][a-z0-9+.-]{0,15}:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(text);
  const host = (url?.[1] ?? text).replace(/^\[(.*)\]$/, '$1');
  return intelligence.address(host) ?? intelligence.hash(text) ?? intelligence.wallet(text) ?? intelligence.domain(host);
}

/** The configured lists, and our own unless one of that name takes its place: mining pools, and what people put there out of incidents. */
function listsOf(config: Config['intelligence'], dataFolder: string): ListConfig[] {
  const pools: ListConfig = { name: 'pools', file: join(installRoot(), 'intel/pools.txt'), format: 'plain', kind: 'domain', what: 'miner', refresh_hours: 24 };
  const applied: ListConfig = { name: 'incidents', file: appliedPath(dataFolder), format: 'stix', what: 'incident', level: 'high', refresh_hours: 24 };
  const own = [...(config.builtin ? [pools] : []), ...(existsSync(appliedPath(dataFolder)) ? [applied] : [])];
  return [...config.lists, ...own.filter(({ name }) => !config.lists.some((list) => list.name === name))];
}

/** Without the account, the password and the key that a URL may hold. */
function openPart(text: string): string {
  const { origin, pathname, search } = new URL(text);
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

const same = (a: ListConfig, b: ListConfig): boolean => JSON.stringify(a) === JSON.stringify(b);
const partOf = (config: ListConfig): string => `intelligence ${config.name}`;

/** One list: what was read of it last, and how it is read. */
class List {
  readonly config: ListConfig;
  table: ListTable | undefined;
  protected readonly now: () => number;
  protected readonly folder: string;
  protected next: number | undefined;
  protected fault: string | undefined;
  protected meta: Meta | undefined;
  #format: ListFormat | undefined;
  #refused: Record<string, number> = {};
  #updated: number | undefined;

  constructor(config: ListConfig, dataFolder: string, now: () => number) {
    this.config = config;
    this.now = now;
    this.folder = join(dataFolder, 'intelligence');
  }

  get level(): Level { return this.config.level ?? levelFor(this.config.what); }

  state(): ListState {
    const { name, file, url, what } = this.config;
    return {
      name, source: file ?? (url === undefined ? '' : openPart(url)), format: this.#format, what, level: this.level,
      entries: this.table ? sizesOf(this.table) : { address: 0, domain: 0, hash: 0, wallet: 0 }, bytes: this.table ? bytesOf(this.table) : 0,
      refused: this.#refused, updated: this.#updated, next: this.next, expires: this.table?.expires,
      state: this.table === undefined ? (this.fault === undefined ? 'waiting' : 'blind') : this.fault === undefined ? 'live' : 'blind', fault: this.fault,
    };
  }

  /** The file itself, or the copy of a URL fetched before. A fault is kept for `state`; what was read before stays. */
  async readKept(signal: AbortSignal | undefined): Promise<void> {
    const { file, url } = this.config;
    try {
      if (file !== undefined) await this.read(file, statSync(file).mtimeMs, signal);
      else {
        const meta = await this.#readMeta();
        if (meta === undefined || meta.url !== url) { this.fault = 'expected a copy fetched before, got none'; return; }
        await this.read(this.copy, meta.fetched, signal);
        this.meta = meta;
      }
      this.fault = undefined;
    } catch (error) {
      signal?.throwIfAborted();
      this.fault = (error as Error).message;
    }
  }

  /** Where the last good copy of a URL is kept. */
  protected get copy(): string { return join(this.folder, `${this.config.name}.list`); }
  protected get metaPath(): string { return join(this.folder, `${this.config.name}.json`); }

  /** Throws when the text is no such list; nothing is changed then. */
  protected async read(path: string, updated: number, signal: AbortSignal | undefined): Promise<void> {
    const { name, what, kind, column, format: asked, file, url } = this.config;
    const slices = new Slices(signal);
    const now = this.now();
    const builder = new ListBuilder({ name, what, level: this.level, own: file !== undefined }, now);
    let format: ListFormat | undefined;
    let reader: ReturnType<typeof openReader> | undefined;
    let chars = 0;
    for await (const piece of piecesOf(path, signal)) {
      format ??= asked === 'auto' ? guessFormat(piece.slice(0, 16 * 1024), file ?? new URL(url ?? '').pathname, column) : asked;
      reader ??= openReader(format, builder, { kind, column, now });
      reader.push(piece);
      chars += piece.length;
      if (slices.due()) await slices.rest();
    }
    format ??= 'plain';
    reader ??= openReader(format, builder, { kind, column, now });
    reader.end();
    const fault = faultOf(format, reader, builder, chars);
    if (fault !== undefined) throw new MoatError<IntelligenceErrorCode>('bad-list', fault);
    const sealing = builder.seal();
    let step = sealing.next();
    for (; !step.done; step = sealing.next()) if (slices.due()) await slices.rest();
    this.table = step.value;
    this.#format = format;
    this.#refused = Object.fromEntries(builder.refused);
    this.touch(updated);
  }

  /** The content was found to be current at this time. */
  protected touch(updated: number): void {
    this.#updated = updated;
    if (this.table && this.config.expire_days !== undefined) this.table.expires = updated + this.config.expire_days * dayMs;
  }

  async #readMeta(): Promise<Meta | undefined> {
    let text: string;
    try { text = await readFile(this.metaPath, 'utf8'); } catch { return undefined; /* nothing was fetched yet */ }
    try {
      const meta = JSON.parse(text) as Partial<Meta> | null;
      return typeof meta?.url === 'string' && typeof meta.fetched === 'number' ? { url: meta.url, fetched: Math.min(meta.fetched, this.now()), etag: textOr(meta.etag), modified: textOr(meta.modified) } : undefined;
    } catch { return undefined; /* cut off in the middle: fetched anew */ }
  }
}

const textOr = (value: unknown): string | undefined => (typeof value === 'string' && value.length < 1000 ? value : undefined);

interface Around { changed: () => void; inTurn: (work: () => Promise<void>) => Promise<unknown> }

/** A list that is kept up to date. */
class Running extends List {
  readonly #abort = new AbortController();
  readonly #options: IntelligenceOptions;
  readonly #around: Around;
  readonly #done: Promise<void>;
  #failures = 0;
  /** State of the file that was read last. */
  #stamp = '';

  constructor(config: ListConfig, options: IntelligenceOptions, around: Around) {
    super(config, options.dataFolder, options.now ?? Date.now);
    this.#options = options;
    this.#around = around;
    this.#done = this.#keep().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) { this.fault = String(error); this.#tell(); }
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#abort;
    this.#options.health(partOf(this.config), 'waiting', { zh: '正在读取', en: 'being read' });
    if (this.config.url !== undefined) {
      await this.#around.inTurn(() => this.readKept(signal));
      this.#told();
    }
    while (!signal.aborted) {
      const waitMs = this.config.url === undefined ? await this.#lookAtFile() : await this.#lookAtUrl();
      this.next = this.now() + waitMs;
      // A clock that is set, and what a timer can hold, ask for a look now and then.
      await sleep(Math.min(waitMs, hourMs), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #lookAtFile(): Promise<number> {
    const stamp = stampOf(this.config.file ?? '');
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      await this.#around.inTurn(() => this.readKept(this.#abort.signal));
      this.#told();
    }
    return this.#options.fileEveryMs ?? fileCheckMs;
  }

  async #lookAtUrl(): Promise<number> {
    const everyMs = this.config.refresh_hours * hourMs;
    const due = this.meta === undefined ? 0 : this.meta.fetched + everyMs - this.now();
    if (due > 0) return due;
    try {
      await this.#fetch();
      this.fault = undefined;
      this.#failures = 0;
      this.#told();
      return everyMs;
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      this.fault = (error as Error).message;
      this.#told();
      return Math.min(everyMs, hourMs, retryMs * 2 ** Math.min(10, this.#failures++));
    }
  }

  async #fetch(): Promise<void> {
    const { signal } = this.#abort;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const part = `${this.copy}.part`;
    try {
      const url = this.config.url ?? '';
      // Without what was read of it a "not modified" would leave nothing.
      const known = this.table === undefined ? undefined : this.meta;
      const fetched: Fetched = await fetchList(url, part, { etag: known?.etag, modified: known?.modified, agent: `moat/${this.#options.version}`, signal });
      const now = this.now();
      if (fetched.changed) {
        await this.#around.inTurn(() => this.read(part, now, signal));
        await rename(part, this.copy);
        this.meta = { url, etag: fetched.etag, modified: fetched.modified, fetched: now };
      } else {
        this.meta = { url, etag: known?.etag, modified: known?.modified, fetched: now };
        this.touch(now);
      }
      const fresh = `${this.metaPath}.new`;
      await writeFile(fresh, JSON.stringify(this.meta), { mode: 0o600 });
      await rename(fresh, this.metaPath);
    } finally { await rm(part, { force: true }); }
  }

  #told(): void {
    this.#around.changed();
    this.#tell();
  }

  #tell(): void {
    const { entries, refused, updated } = this.state();
    const size = Object.values(entries).reduce((a, b) => a + b, 0);
    const left = Object.entries(refused).filter(([why]) => why !== 'expired' && why !== 'not for detection').reduce((sum, [, n]) => sum + n, 0);
    const old = this.table && updated !== undefined ? { zh: `；仍用 ${day(updated)} 的 ${size} 条`, en: `; the ${size} entries of ${day(updated)} stay` } : { zh: '', en: '' };
    if (this.fault !== undefined) this.#options.health(partOf(this.config), 'blind', { zh: `更新失败：${this.fault}${old.zh}`, en: `${this.fault}${old.en}` });
    else this.#options.health(partOf(this.config), 'live', { zh: `${size} 条${left > 0 ? `，${left} 条未采用` : ''}`, en: `${size} entries${left > 0 ? `, ${left} left out` : ''}` });
  }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function stampOf(path: string): string {
  try {
    const s = statSync(path);
    return `${s.dev}:${s.ino}:${s.size}:${s.mtimeMs}`;
  } catch (error) { return (error as NodeJS.ErrnoException).code ?? 'error'; /* reading it then says what is wrong */ }
}
