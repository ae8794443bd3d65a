/**
 * The integrity baseline in `moat up`: compared as a whole now and again in a process of its own, and changes told as they happen, by
 * whom. What package managers do is taken over with a record; what was told is not told again until it is put right or taken over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Event } from '../core/gen/event.ts';
import { MoatError, reasonOf, saidBy } from '../core/error.ts';
import { atLeast } from '../core/level.ts';
import type { Knowledge } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import type { JudgedChange } from '../baseline/baseline.ts';
import { BaselineError } from '../baseline/error.ts';
import { FolderWatch } from '../baseline/folder-watch.ts';
import { readKey } from '../baseline/key.ts';
import { LiveBaseline } from '../baseline/live.ts';
import { BaselineLookup, stampOf } from '../baseline/lookup.ts';
import { outermost, type Looking } from '../baseline/records.ts';
import { tamperedFinding } from '../checks/integrity/judge.ts';
import { treeDigests } from '../linux/digests.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { openFileAttributes, type FileAttributes } from '../linux/file-attributes.ts';
import type { LivePackages } from '../linux/packages/live.ts';
import { databaseStamp } from '../linux/packages/index.ts';
import { isLocked } from '../linux/packages/lock.ts';
import { mountsOfTree, type MountChoice } from '../scan/mounts.ts';
import type { KernelView } from '../sensors/kernel-view.ts';
import { changeAlert, isPackageManager, type Who } from './baseline-alert.ts';
import { baselinePath, defaultKeyPath } from './baseline.ts';
import { isQuiet, tellChange, type ToldChange } from './baseline-change.ts';
import { ChangeBook, noChanges, readChanges } from './baseline-known.ts';
import type { BaselineStatus } from './baseline-status.ts';
import { compareInProcess, type Comparison } from './baseline-process.ts';
import type { Config } from './config-schema.ts';
import type { RaisesAlerts } from './raises-alerts.ts';

export interface BaselineWatchOptions extends RaisesAlerts {
  config: Config['baseline'];
  lineage: Knowledge['lineage'];
  packages: Pick<LivePackages, 'index' | 'owner'>;
  /** Who tells changes of files. */
  view: KernelView;
  /** Which mounts are looked into, beside those that are by themselves. */
  mounts?: MountChoice;
  /** Another tree than the whole of this machine: a folder of it, by its real name. */
  root?: string;
}

const setting = 'baseline', part = 'baseline';
const livePart = 'baseline live';
const stepMs = 500, absentStepMs = 3000;
const hourMs = 3_600_000;
const againMs = 10 * 60_000;
/** Nobody is known to tell of changes at once, and not all folders can be watched: compared this often at least. */
const unwatchedMs = hourMs;
const saveMs = 5000;
/** A package manager is thought to be done this long after its last write, and waited for no longer than that. */
const heldQuietMs = 3000;
const heldMostMs = 10 * 60_000;
/** More than these are compared as parts of the whole anyway. */
const heldMax = 500;
const partsMax = 100;
const partsMs = 30_000;
/** After events were lost everything is compared, but not more often than this. */
const lossMs = 10 * 60_000;
/** Nobody watched for longer than this: everything is compared soon after the start. A configuration is read again sooner. */
const gapMs = 2 * 60_000;
const watchedSetting = 'baseline-watched';
const alertsMax = 200;
const alertsWindowMs = 60_000;
const cmdlineMax = 1024;
const realMax = 500;

export class BaselineWatch {
  readonly #options: BaselineWatchOptions;
  readonly #book: ChangeBook;
  readonly #store: string;
  readonly #started: number;
  #attributes: FileAttributes | undefined;
  #lookup: BaselineLookup | undefined;
  #live: LiveBaseline<Who> | undefined;
  #folders: FolderWatch | undefined;
  /** A baseline that could not be opened, as it was then. */
  #faulty = '';
  #looking: Looking | undefined;
  #running = false;
  #next: number | undefined;
  #source: BaselineStatus['live'];
  #held = new Map<string, Who | undefined>();
  #heldFrom = 0;
  #heldLast = 0;
  /** Parts to be compared since they could not be looked at one by one. */
  #parts = new Set<string>();
  #partsLast = Number.NEGATIVE_INFINITY;
  #lossSince: number | undefined;
  #lossLast = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #saved = 0;
  #alerts = { from: 0, n: 0 };
  /** Real names of folders, good for one step. */
  readonly #real = new Map<string, string | undefined>();
  readonly #blind = new Set<string>();

  constructor(options: BaselineWatchOptions) {
    this.#options = options;
    this.#store = baselinePath(options.dataFolder);
    this.#started = options.now();
    const saved = readChanges(options.store.ledger.setting(setting));
    if (!saved) options.health.count(part, 'known changes that could not be read');
    this.#book = new ChangeBook(saved ?? noChanges());
  }

  status(): BaselineStatus {
    const { tried } = this.#book.state;
    const exists = this.#stamp() !== '';
    return {
      state: this.#lookup ? 'open' : exists ? 'closed' : 'none', running: this.#running, entries: this.#lookup?.summary.entries ?? 0,
      last: this.#book.state.compared ?? tried, next: exists ? this.#next : undefined, ...this.#book.counts(), live: this.#source, waiting: this.#live?.waiting ?? 0, held: this.#held.size,
    };
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#options;
    if (!config.enabled) return;
    try {
      while (!signal.aborted) {
        try {
          if (await this.#step(signal)) await this.#compareDue(signal);
        } catch (error) {
          if (signal.aborted) return;
          log.debug(`baseline: ${(error as Error).stack ?? String(error)}`);
          this.#cannot(reasonOf(error));
          await this.#toldFaulty(error);
          this.#failedAt = this.#options.now();
        }
        this.#save();
        await sleep(this.#lookup ? stepMs : absentStepMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      const isDone = this.#source !== undefined && this.#held.size + this.#parts.size + (this.#live?.waiting ?? 0) === 0 && this.#lossSince === undefined;
      await this.#closeLookup();
      this.#save(true);
      if (isDone) this.#noteWatched(String(this.#options.now()));
    }
  }

  /** Events that have passed the origin graph: what was done to files of the baseline is looked at in a moment. */
  observe(events: readonly Event[]): void {
    const live = this.#live, lookup = this.#lookup;
    if (!live || !lookup || !this.#options.config.live) return;
    for (const event of events) {
      if (event.kind !== 'file_event' || event.file_path === undefined || event.action === 'read') continue;
      const opened = event.action === 'write' || event.action === 'create';
      // Told once more since it was looked into.
      if (opened && event.extra?.['entropy'] !== undefined) continue;
      for (const outside of event.file_from === undefined ? [event.file_path] : [event.file_path, event.file_from]) {
        const path = this.#inside(outside);
        if (path === undefined) continue;
        const named = lookup.covers(path) || opened ? path : this.#realName(path);
        if (!lookup.covers(named)) continue;
        // The kernel sensor tells of the opening, fanotify of the closing.
        live.saw({ path: named, deep: !opened || event.extra?.['folder'] !== undefined, who: this.#whoOf(event), opener: opened && event.source === 'ebpf' ? event.pid : undefined });
      }
    }
  }

  /** Events of files were lost. */
  lost(): void {
    if (!this.#live) return;
    this.#options.health.count(part, 'losses of file events, everything is compared again');
    this.#lossSince ??= this.#options.now();
  }

  /** Brings lookup, live watch and its source up to date; false when there is nothing to compare with. */
  async #step(signal: AbortSignal): Promise<boolean> {
    const { health } = this.#options;
    this.#real.clear();
    this.#looking = undefined;
    const stamp = this.#stamp();
    if (stamp === '') {
      await this.#closeLookup();
      health.state(part, 'waiting', { zh: '还没有完整性基线：moat baseline create', en: 'there is no integrity baseline yet: moat baseline create' });
      return false;
    }
    if (this.#lookup?.isReplaced) await this.#closeLookup();
    if (!this.#lookup) {
      // What is told as faulty is tried again when it, or its key, changes.
      const state = `${stamp} ${stampOf(this.#keyFile)}`;
      if (state === this.#faulty) return false;
      this.#faulty = state;
      if (!await this.#openLookup(signal)) return false;
      this.#faulty = '';
    }
    await this.#chooseSource(signal);
    return true;
  }

  async #openLookup(signal: AbortSignal): Promise<boolean> {
    const { health, config } = this.#options;
    try {
      const key = readKey(this.#keyFile);
      this.#lookup = await BaselineLookup.open(this.#store, key, signal);
    } catch (error) {
      if (!(error instanceof BaselineError)) throw error;
      await this.#toldFaulty(error);
      health.state(part, 'blind', error.code === 'no-key' ? { zh: `密钥不在 ${this.#keyFile}，不能比对`, en: `the key is not at ${this.#keyFile}: it cannot be compared` } : reasonOf(error));
      return false;
    }
    const { summary } = this.#lookup;
    this.#attributes ??= await openFileAttributes().catch((error: unknown) => { this.#options.log.debug(`baseline: ${(error as Error).message}`); return undefined; });
    this.#live = new LiveBaseline<Who>({
      lookup: this.#lookup, looking: () => this.#look(signal),
      found: (path, change, who) => { this.#found(path, change, who); },
      lost: (path, why) => { this.#lostPart(path, why); },
      failed: (error) => {
        health.count(part, 'looks at changes that failed');
        this.#options.log.debug(`baseline: ${String(error)}`);
        // It was changed under us: opened again it tells so.
        if (error instanceof BaselineError) void this.#closeLookup();
      },
    });
    const { state } = this.#book;
    const about = `${summary.created}`;
    if (state.store !== about) {
      // A new one: nothing is known of it, and the time runs from its making.
      if (state.store !== '') this.#book.forget();
      state.store = about;
      state.tried = state.compared = undefined;
      this.#book.isDirty = true;
    } else for (const path of this.#book.paths()) this.#live.saw({ path, deep: false, who: undefined });
    if (config.live) {
      const { store: { ledger }, now } = this.#options;
      // Not a number while it is watched: then it was not ended in order, and nobody knows what was still to be looked at.
      const watched = Math.max(Number(ledger.setting(watchedSetting) ?? 0) || 0, summary.updated);
      if (Math.abs(now() - watched) > gapMs) this.#lossSince ??= now();
      this.#noteWatched('running');
    }
    health.state(part, 'live', { zh: `${summary.entries} 项，每 ${config.every_hours} 小时比对`, en: `${summary.entries} entries, compared every ${config.every_hours} hours` });
    return true;
  }

  /** What the baseline itself suffered is worse than any change. */
  async #toldFaulty(error: unknown): Promise<void> {
    if (!(error instanceof MoatError) || (error.code !== 'tampered' && error.code !== 'unfinished')) return;
    await this.#tell([{ told: { path: this.#store, signature: error.code, finding: tamperedFinding(saidBy(error), this.#store) }, who: this.#writerOf(this.#store) }]);
  }

  async #closeLookup(): Promise<void> {
    const [live, lookup] = [this.#live, this.#lookup];
    this.#live = this.#lookup = this.#looking = undefined;
    this.#folders?.close();
    this.#folders = undefined;
    this.#source = undefined;
    await live?.end();
    lookup?.close();
  }

  /** The kernel sensor, else fanotify, else the folders themselves. */
  async #chooseSource(signal: AbortSignal): Promise<void> {
    const { config, view, health } = this.#options;
    if (!config.live) {
      this.#source = undefined;
      health.state(livePart, 'waiting', { zh: '已在配置中关闭：只定时比对', en: 'switched off in the configuration: it is only compared now and again' });
      return;
    }
    const told = view.files;
    if (told === 'ebpf' || told === 'fanotify') {
      if (this.#source === told) return;
      // What happened between the two is seen by the folders, or by comparing.
      if (this.#source !== undefined && !this.#folders) this.#lossSince ??= this.#options.now();
      this.#folders?.close();
      this.#folders = undefined;
      this.#source = told;
      health.state(livePart, 'live', told === 'ebpf' ? { zh: '由内核传感器', en: 'by the kernel sensor' } : { zh: '由 fanotify', en: 'by fanotify' });
      return;
    }
    if (this.#folders || !this.#lookup) return;
    if (this.#options.now() - this.#started < 2 * stepMs) return; // the sensors are still beginning
    const lookup = this.#lookup;
    const { summary: { folders } } = lookup;
    this.#folders = await FolderWatch.open({ tree: this.#tree().tree, folders, covers: (path) => lookup.covers(path), signal, changed: (path) => { this.#live?.saw({ path, deep: true, who: undefined }); } });
    this.#source = 'folders';
    const { size, left } = this.#folders;
    health.state(livePart, left > 0 ? 'blind' : 'live', {
      zh: `没有内核传感器和 fanotify：监视 ${size} 个目录，不知道是谁改的${left > 0 ? `；另有 ${left} 个目录没能监视，每小时比对一次` : ''}`,
      en: `neither kernel sensor nor fanotify: ${size} folders are watched, who changed a file is not known${left > 0 ? `; ${left} more cannot be watched, they are compared every hour` : ''}`,
    });
  }

  /** Whatever is due, one at a time: what a package manager left, parts that got lost, the whole. */
  async #compareDue(signal: AbortSignal): Promise<void> {
    const { config, now, health } = this.#options;
    const time = now();
    const every = this.#source === 'folders' && (this.#folders?.left ?? 0) > 0 ? Math.min(unwatchedMs, config.every_hours * hourMs) : config.every_hours * hourMs;
    const { tried } = this.#book.state;
    const begin = tried ?? this.#lookup!.summary.updated;
    // A clock that was set back must not keep it from running; what fell due while the machine was off runs soon after the start.
    this.#next = begin > time ? time : Math.max(begin + every, this.#started + config.delay_seconds * 1000);
    if (time - this.#failedAt < againMs && this.#failedAt <= time) return;
    const isLossDue = this.#lossSince !== undefined && time - this.#lossLast > lossMs && time - this.#lossSince > heldQuietMs && time - this.#started >= config.delay_seconds * 1000;
    if (this.#next <= time || isLossDue) {
      this.#lossSince = undefined;
      this.#lossLast = time;
      this.#parts.clear();
      await this.#compare(undefined, signal);
      return;
    }
    const heldDue = this.#held.size > 0 && ((time - this.#heldLast > heldQuietMs && !isLocked(this.#root)) || time - this.#heldFrom > heldMostMs);
    const partsDue = this.#parts.size > 0 && time - this.#partsLast > partsMs;
    if (!heldDue && !partsDue) return;
    const within = outermost([...(heldDue ? this.#held.keys() : []), ...(partsDue ? this.#parts : [])]);
    if (partsDue) { this.#parts.clear(); this.#partsLast = time; health.count(part, 'parts compared again', 1); }
    await this.#compare(within.length > heldMax + partsMax ? undefined : within, signal);
  }

  async #compare(within: readonly string[] | undefined, signal: AbortSignal): Promise<void> {
    const { config, dataFolder, log, now } = this.#options;
    const since = now();
    const held = this.#held;
    this.#held = new Map();
    this.#running = true;
    if (!within) this.#book.state.tried = since;
    this.#book.isDirty = true;
    try {
      const done = await compareInProcess({
        data: dataFolder, ...(config.key_file !== undefined && { keyFile: config.key_file }), ...(this.#options.root !== undefined && { root: this.#options.root }),
        ...(this.#options.mounts && { mounts: this.#options.mounts }), ...(within && { within }), accept: config.accept_packages, now: since,
      }, { signal, maxMemoryMb: config.max_memory_mb, warn: (text) => log.debug(`baseline: ${text.en}`) });
      await this.#take(done, within, since, held);
    } catch (error) {
      // What was held is judged with the next: nothing is passed over.
      for (const [path, who] of held) this.#hold(path, who);
      throw error;
    } finally { this.#running = false; }
  }

  async #take({ changes, upgrades, blind, counts, whole, stopped, files }: Comparison, within: readonly string[] | undefined, since: number, held: ReadonlyMap<string, Who | undefined>): Promise<void> {
    const { health, now } = this.#options;
    await this.#tell(changes.map((told) => ({ told, who: this.#best(held.get(told.path), told.path) })));
    if (whole && !stopped) this.#book.rest(new Set(changes.map(({ path }) => path)), within, since);
    for (const { what, files: n, accepted } of upgrades) await this.#recordUpgrade(what, n, accepted, since);
    for (const [what, n] of counts) health.count(part, what, n);
    if (!within && !stopped) { this.#book.state.compared = now(); this.#book.isDirty = true; }
    if (stopped) { this.#cannot(stopped); this.#failedAt = now(); return; }
    if (!within) this.#tellBlind(blind);
    health.state(part, 'live', { zh: `${within ? '部分比对' : `${files} 项已比对`}，${this.#book.size} 处改动未接受`, en: `${within ? 'parts compared' : `${files} entries compared`}, ${this.#book.size} changes stand` });
  }

  #tellBlind(blind: readonly { path: string; why: Text }[]): void {
    const { health } = this.#options;
    const name = `${part} paths`;
    if (blind.length > 0) { this.#blind.add(name); health.state(name, 'blind', { zh: `${blind.length} 处没能查，如 ${blind[0]!.path}：${blind[0]!.why.zh}`, en: `${blind.length} places could not be looked at, such as ${blind[0]!.path}: ${blind[0]!.why.en}` }); }
    else if (this.#blind.delete(name)) health.state(name, 'live');
  }

  /** What a package manager did stands in the baseline's own record, and in the history. */
  async #recordUpgrade(what: string, files: number, accepted: boolean, since: number): Promise<void> {
    const { host, now, push } = this.#options;
    const event = new Event(`baseline:upgrade:${what}:${since}`, now(), 'finding');
    event.host = host;
    event.source = event.service = 'baseline';
    event.action = accepted ? 'accepted' : 'upgraded';
    const [name, from, , to] = what.split(' ');
    event.package_name = name;
    event.package_version = to === '-' ? from : to;
    event.message = `${what}: ${files} files`;
    await push({ events: [event], positions: [] });
  }

  #found(path: string, change: JudgedChange | undefined, who: Who | undefined): void {
    // While a package manager works, its databases may name the new content with the old version.
    if (change?.shipped && this.#packagesMove()) { this.#hold(path, who); return; }
    if (!change || isQuiet(change)) { this.#book.right(path); return; }
    if (change.upgrade || who?.isPackageManager || (isUnknown(who) && this.#packagesMove())) { this.#hold(path, who); return; }
    this.#tell([{ told: tellChange(change, this.#look(undefined).tree), who: this.#best(who, path) }]).catch((error: unknown) => { this.#options.log.warn(`baseline: ${String(error)}`); });
  }

  /** Is a package manager at work, or was it since its databases were read? */
  #packagesMove(): boolean {
    const { index } = this.#options.packages;
    if (isLocked(this.#root)) return true;
    try { return index !== undefined && databaseStamp(this.#look(undefined).tree) !== index.stamp; } catch { return false; /* not ours to look at */ }
  }

  #hold(path: string, who: Who | undefined): void {
    const time = this.#options.now();
    if (this.#held.size === 0) this.#heldFrom = time;
    this.#heldLast = time;
    // A part of the whole then: who wrote each is asked of the origin graph.
    if (this.#held.size >= heldMax && !this.#held.has(path)) this.#lostPart(path, 'many');
    else this.#held.set(path, who);
  }

  async #tell(found: readonly { told: ToldChange; who: Who | undefined }[]): Promise<void> {
    const { lang, host, now, push, raise, health, found: kept } = this.#options;
    const fresh = found.flatMap(({ told, who }) => {
      const again = this.#book.take(told, now());
      return again === undefined || !atLeast(told.finding.level, 'low') ? [] : [{ told, who, again }];
    });
    if (this.#book.dropped > 0) { health.count(part, 'changes not kept, too many', this.#book.dropped); this.#book.dropped = 0; }
    if (now() - this.#alerts.from > alertsWindowMs || now() < this.#alerts.from) this.#alerts = { from: now(), n: 0 };
    const room = Math.max(0, alertsMax - this.#alerts.n);
    fresh.sort((a, b) => (atLeast(a.told.finding.level, b.told.finding.level) ? (a.told.finding.level === b.told.finding.level ? 0 : -1) : 1));
    if (fresh.length > room) health.count(part, 'changes without an alert, too many at once', fresh.length - room);
    this.#alerts.n += Math.min(room, fresh.length);
    if (room > 0 && fresh.length > 0) kept?.(fresh.slice(0, room).map(({ told }) => told.finding));
    for (const { told, who, again } of fresh.slice(0, room)) {
      const { event, detection } = changeAlert(told.finding, told.signature, again, who, { lang, host, now: now() });
      const stored = push({ events: [event], positions: [] });
      raise(detection);
      await stored;
    }
  }

  #lostPart(path: string, why: 'queue' | 'many' | 'large'): void {
    const words = { queue: 'changed paths beyond the limit, their part is compared again', many: 'folders too large to be looked at at once, compared again', large: 'large files compared beside the work' };
    this.#options.health.count(part, words[why]);
    if (this.#parts.size < partsMax) this.#parts.add(path);
    else this.#lossSince ??= this.#options.now();
  }

  #whoOf(event: Event): Who {
    const { lineage, packages } = this.#options;
    const node = lineage.of(event);
    return {
      pid: event.pid, started: event.process_started ?? node?.started, name: event.process_name ?? node?.name, path: event.process_path ?? node?.path, cmdline: (event.process_cmdline ?? node?.cmdline)?.slice(0, cmdlineMax),
      user: event.user ?? node?.user, uid: event.uid ?? node?.uid, container: event.container_id ?? node?.container, action: event.action, time: event.time,
      isPackageManager: isPackageManager(node ?? { path: event.process_path, cmdline: event.process_cmdline, parent: undefined }, (path) => { const owner = packages.owner(path); return packages.index === undefined || (owner !== undefined && owner.intact !== false); }),
    };
  }

  #best(who: Who | undefined, path: string): Who | undefined { return isUnknown(who) ? this.#writerOf(path) ?? who : who; }

  /** As far as the origin graph saw it. */
  #writerOf(path: string): Who | undefined {
    const writer = this.#options.lineage.writer({ path: this.#root === '/' ? path : `${this.#root}${path}` });
    if (!writer) return undefined;
    const { process: node, time } = writer;
    return { pid: node.pid, started: node.started, name: node.name, path: node.path, cmdline: node.cmdline?.slice(0, cmdlineMax), user: node.user, uid: node.uid, container: node.container, action: 'write', time, isPackageManager: false };
  }

  #look(signal: AbortSignal | undefined): Looking {
    if (this.#looking) return this.#looking;
    const { health, packages } = this.#options;
    const { tree, over } = this.#tree();
    return this.#looking = {
      tree, digests: treeDigests(tree, signal), index: packages.index, signal: signal ?? new AbortController().signal, attributes: this.#attributes !== undefined, over,
      count: (what, n) => { health.count(part, what, n); }, blind: (path, why) => { health.count(part, 'changed paths that could not be looked at'); this.#options.log.debug(`baseline: ${path}: ${why.en}`); },
    };
  }

  /** As it is mounted now: what was mounted meanwhile must not keep the agent waiting. */
  #tree(): { tree: DiskTree; over: ReadonlyMap<string, string> | undefined } {
    const mounts = mountsOfTree(new DiskTree(this.#root, undefined), this.#options.mounts);
    return { tree: new DiskTree(this.#root, this.#attributes, mounts?.closed), over: mounts?.over };
  }

  /** A path of this machine as the tree names it. */
  #inside(path: string): string | undefined {
    if (this.#root === '/') return path;
    return path.startsWith(`${this.#root}/`) ? path.slice(this.#root.length) : undefined;
  }

  /** Of a path as a program wrote it: links of folders followed. */
  #realName(path: string): string {
    const slash = path.lastIndexOf('/');
    if (slash <= 0) return path;
    const folder = path.slice(0, slash);
    if (!this.#real.has(folder)) {
      if (this.#real.size >= realMax) this.#real.clear();
      try { this.#real.set(folder, this.#look(undefined).tree.real(folder)); } catch { this.#real.set(folder, undefined); /* not ours to look at: the comparison tells */ }
    }
    const real = this.#real.get(folder);
    return real === undefined ? path : `${real === '/' ? '' : real}/${path.slice(slash + 1)}`;
  }

  #save(last = false): void {
    const time = this.#options.now();
    if (!this.#book.isDirty || (!last && time - this.#saved < saveMs && time >= this.#saved)) return;
    // Nothing is known that nobody could be told.
    if (!this.#options.settle()) return;
    this.#saved = time;
    this.#options.store.ledger.setSetting(setting, this.#book.text());
  }

  /** For the next start: that it is watched, or until when it was. */
  #noteWatched(value: string): void {
    try { this.#options.store.ledger.setSetting(watchedSetting, value); } catch { /* the disk is full, which the store tells: the next start compares everything */ }
  }

  #cannot(why: Text): void { this.#options.health.state(part, 'blind', why); }

  get #root(): string { return this.#options.root ?? '/'; }
  get #keyFile(): string { return this.#options.config.key_file ?? defaultKeyPath(this.#options.dataFolder); }
  #stamp(): string { return stampOf(this.#store); }
}

/** A process that had ended before it could be looked at; of one that nobody has waited for yet the name is left. */
const isUnknown = (who: Who | undefined): boolean => who?.path === undefined;
