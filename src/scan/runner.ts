/** Runs checks over a tree: those of places one after the other, those of files in one walk together. */
import type { Check, PlaceCheck, ScanContext, Visitor, WalkedFile } from '../checks/port.ts';
import { MoatError, reasonOf } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import { maskSecrets } from '../core/secrets.ts';
import type { Text } from '../core/text.ts';
import { closedText } from '../linux/file-systems.ts';
import { tellingSpecials, withoutClosed, type Tree } from '../linux/tree.ts';
import { BusyTimes } from './busy.ts';
import type { WalkMounts } from './mounts.ts';
import { verdictOf, worstFirst, type Blind, type ReportHead, type ScanReport } from './report.ts';
import { walk } from './walk.ts';

/** What a scan is given: a context without what the runner itself keeps. */
export type ScanSetup = Omit<ScanContext, 'count' | 'blind'> & {
  /** What could not be looked at already when the tree was opened. */
  faults?: readonly { what: string; error: MoatError }[];
  /** What was counted then. */
  counts?: Readonly<Record<string, number>>;
  /** What is mounted below it, when that was looked at before; otherwise the walk looks. */
  mounts?: WalkMounts | undefined;
};

/** `nth` of `of` checks; in the walk, which several share, there is no title but a number of files. */
export interface Progress { check?: Text; nth: number; of: number; files: number; findings: number; /** The file that the walk came to last. */ at?: string }

/** Told while it runs, so that what was found is not lost when it is stopped. A finding with an id that was told before replaces it. */
export interface Watcher {
  begin(head: ReportHead): void;
  progress(progress: Progress): void;
  finding(finding: Finding): void;
  blind(blind: Blind): void;
}

/** Of each kind and level: who makes twenty thousand slight ones must not crowd out a grave one. */
const findingsMax = 20_000;
const faultsMax = 200;
const reportEveryFiles = 500;
/** Files that the walk is ahead of the looks, so that whoever takes digests always has some to take. */
const aheadFiles = 1024;
/** Files after which answers of other threads are heard. */
const turnEveryFiles = 128;

export interface ScanAbout {
  /** How many checks there are for such a tree, when only some were asked for. */
  known?: number;
  /** What is known from the outset not to be seen. */
  blind?: readonly Blind[];
  /** Milliseconds after which nothing more is begun; what was left out is told as not looked at. */
  limitMs?: number;
}

/** Folders named when there was no time for them. */
const leftShown = 8;

export async function scan(checks: readonly Check[], setup: ScanSetup, watcher: Partial<Watcher> = {}, about: ScanAbout = {}): Promise<ScanReport> {
  const { kind, name } = setup.tree;
  const words = checks.map(({ id, group, title, blind: cannotSee }) => ({ id, group, title, blind: cannotSee }));
  const head: ReportHead = { tree: { kind, name }, started: setup.now(), checks: words, known: about.known ?? checks.length };
  watcher.begin?.(head);
  const counts: Record<string, number> = { ...setup.counts };
  const spent: Record<string, number> = {};
  const findings = new Map<string, Finding>();
  const kept = new Map<string, number>();
  const blind: Blind[] = [];
  const count = (what: string, n = 1): void => { counts[what] = (counts[what] ?? 0) + n; };
  const blindTo = new Set<string>();
  const cannot = (one: Blind): void => {
    // One check may look at the same place again and again.
    const key = JSON.stringify([one.check, one.what, one.why.en]);
    if (blindTo.has(key)) return;
    if (blind.length >= faultsMax) { count('places that could not be looked at, beyond those listed'); return; }
    blindTo.add(key);
    blind.push(one);
    watcher.blind?.(one);
  };
  /** The check that looks now, those beside it left out. */
  let current = '';
  const told = new Set<string>();
  const tellOnce = (check: string, path: string, why: Text, key = `${check} ${path}`): void => {
    if (told.has(key)) return;
    if (told.size >= faultsMax) { count('places that could not be looked at, beyond those listed'); return; }
    told.add(key);
    cannot({ check, what: path, why });
  };
  const treeFor = (check: () => string): Tree => {
    // A check may ask for hundreds of files on a mount: the first says all.
    const tree = withoutClosed(setup.tree, (path, mount) => { if (mount.leftOut) count('looks at mounts that were left out'); else tellOnce(check(), path, closedText(mount, path), `${check()}\0${mount.at}`); });
    return tellingSpecials(tree, (path, why) => tellOnce(check(), path, why));
  };
  // One for all that come one after the other: what they read of it is kept by it.
  const shared = treeFor(() => current);
  const contextOf = (id: string, tree = shared): ScanContext => ({ ...setup, tree, count, blind: (what, why) => cannot({ check: id, what, why }) });
  const keep = (seen: Finding): void => {
    const found = datable(masked(seen), setup.now());
    const sort = `${found.kind} ${found.level}`;
    const before = findings.get(found.id);
    if (!before || `${before.kind} ${before.level}` !== sort) {
      const n = (kept.get(sort) ?? 0) + 1;
      if (n > findingsMax) { count('findings beyond the limit'); return; }
      kept.set(sort, n);
    }
    findings.set(found.id, found);
    watcher.finding?.(found);
  };
  const guard = async (id: string, work: () => Promise<void>, what?: string, beside = false): Promise<void> => {
    const began = performance.now();
    if (!beside) current = id;
    try {
      await work();
    } catch (error) {
      setup.signal.throwIfAborted();
      cannot({ check: id, ...(what !== undefined && { what }), why: whyOf(error) });
    } finally { spent[id] = (spent[id] ?? 0) + performance.now() - began; }
  };
  for (const one of about.blind ?? []) cannot(one);
  let files = 0;
  let nth = 0;
  let at: string | undefined;
  const tell = (check?: Text): void => { watcher.progress?.({ ...(check && { check }), nth, of: checks.length, files, findings: findings.size, ...(at !== undefined && { at }) }); };
  for (const { what, error } of setup.faults ?? []) cannot({ check: setup.tree.kind, what, why: reasonOf(error) });

  // Digests of whole packages are begun here, so that threads have work while known places are looked at.
  const visitors = new Map<string, Visitor>();
  for (const check of checks) if ('walk' in check) await guard(check.id, async () => { visitors.set(check.id, check.walk(contextOf(check.id))); });

  const look = (check: PlaceCheck): Promise<void> => guard(check.id, async () => {
    for await (const one of check.run(contextOf(check.id, check.beside ? treeFor(() => check.id) : shared))) keep(one);
    nth++;
  }, undefined, check.beside);
  const places = checks.filter((check) => 'run' in check);
  const { limitMs } = about;
  const startedAt = performance.now();
  const overdue = (): boolean => limitMs !== undefined && performance.now() - startedAt >= limitMs;
  const minutes = Math.round((limitMs ?? 0) / 6000) / 10;
  const noTime = (left: Text): Text => ({ zh: `到了时限（${minutes} 分钟，--max-time 可调）：${left.zh}`, en: `the time is over (${minutes} minutes, see --max-time): ${left.en}` });
  const beside = Promise.all(places.filter((check) => check.beside).map(look));
  // Awaited below, when there may have been another reason to end before.
  beside.catch(() => undefined);
  for (const check of places) {
    setup.signal.throwIfAborted();
    if (check.beside) continue;
    if (overdue()) { cannot({ check: check.id, why: noTime({ zh: '没做这项检查', en: 'this check was not done' }) }); continue; }
    tell(check.title);
    await look(check);
    // Between two checks the process can be spoken to: one that finds nothing else never waits.
    await turn();
  }

  const busy = new BusyTimes();
  if (visitors.size > 0) {
    nth += visitors.size;
    tell();
    const onFault = (path: string, why: Text): void => cannot({ check: 'walk', what: path, why });
    const began = performance.now();
    const others = sum(spent);
    const waiting: Wanted[] = [];
    const lookAt = async ({ file, by }: Wanted): Promise<void> => {
      for (const [id, visitor] of by) await guard(id, async () => { for await (const one of visitor.look(file)) keep(one); }, file.path);
    };
    let whole = true;
    const onLeft = (at: string, folders: readonly string[]): void => {
      whole = false;
      const named = [...folders].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, leftShown).join(', ');
      cannot({ check: 'walk', what: at, why: noTime({ zh: `看了 ${files} 个文件，从这里起没看；还有 ${folders.length} 个目录没进去${named && `（${named}）`}`, en: `${files} files were looked at, those from here on were not; ${folders.length} folders were not gone into${named && ` (${named})`}` }) });
    };
    const onClosed = (path: string, why: Text): void => cannot({ check: 'mounts', what: path, why });
    for (const file of walk(setup.tree, { signal: setup.signal, machine: setup.machine, mounts: setup.mounts, count, onFault, onClosed, overdue, onLeft })) {
      busy.add(file.stat.changed);
      if (++files % reportEveryFiles === 0) { at = file.path; tell(); }
      if (files % turnEveryFiles === 0) await turn();
      const by = wantedBy(file, visitors);
      if (!by) continue;
      if (by.some(([, { asksOwner }]) => asksOwner)) setup.provenance.ahead(file.path, file.stat);
      waiting.push({ file, by });
      if (waiting.length > aheadFiles) await lookAt(waiting.shift()!);
    }
    for (const one of waiting) { setup.signal.throwIfAborted(); await lookAt(one); }
    at = undefined;
    for (const [id, visitor] of visitors) if (visitor.end) await guard(id, async () => { for await (const one of visitor.end!(whole)) keep(one); });
    spent['walk'] = performance.now() - began - (sum(spent) - others);
  }
  await beside;
  tell();

  const sorted = [...findings.values()].sort(worstFirst);
  return { ...head, ended: setup.now(), findings: sorted, blind, counts, files, spent, verdict: verdictOf(sorted, blind), ...(visitors.size > 0 && { busy: busy.spans() }) };
}

interface Wanted { file: WalkedFile; by: [id: string, visitor: Visitor][] }

function wantedBy(file: WalkedFile, visitors: ReadonlyMap<string, Visitor>): Wanted['by'] | undefined {
  let by: Wanted['by'] | undefined;
  for (const one of visitors) if (one[1].wants(file)) (by ??= []).push(one);
  return by;
}

/** Command lines hold passwords, and reports are handed on. What a check told twice is told once. */
function masked(finding: Finding): Finding {
  const evidence = new Map(finding.evidence.map((one) => {
    const value = maskSecrets(one.value);
    return [`${one.what.en}\0${value}`, value === one.value ? one : { ...one, value }];
  }));
  return { ...finding, evidence: [...evidence.values()], refs: [...new Set(finding.refs)] };
}

const earliest = Date.UTC(2000, 0);
const dayMs = 86_400_000;

/**
 * A time that cannot be (an image whose files all say 1970, a clock that was wrong, a number of which no date can be made) would
 * make a false beginning of the story, and hide what bears it from those who ask for the last days.
 */
function datable(found: Finding, now: number): Finding {
  const { time, ...rest } = found;
  if (time === undefined || (time >= earliest && time <= Math.max(now, earliest) + dayMs)) return found;
  const date = new Date(time);
  const value = Number.isFinite(date.getTime()) ? date.toISOString() : String(time);
  return { ...rest, evidence: [...found.evidence, { what: { zh: '记录的时间不可信', en: 'its time cannot be right' }, value }] };
}

const sum = (numbers: Readonly<Record<string, number>>): number => Object.values(numbers).reduce((all, one) => all + one, 0);

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** What is none of ours to expect is said to be that. */
function whyOf(error: unknown): Text {
  const { zh, en } = reasonOf(error);
  return error instanceof MoatError ? { zh, en } : { zh: `出了意外：${zh}`, en: `unexpected: ${en}` };
}
