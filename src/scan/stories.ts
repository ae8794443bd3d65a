/**
 * Findings that belong together: by the files, processes, accounts and addresses they share, and signs of an intrusion
 * also by the time they came to be. Each finding is in exactly one story; the order in which findings come changes nothing.
 */
import type { Finding } from '../core/finding.ts';
import type { Level } from '../core/level.ts';
import { levels } from '../core/level.ts';
import { keysOf } from './links.ts';
import { byWeight, isSign, type BusySpan } from './report.ts';
import { isLogon, tellsWay, wayOf, type Way } from './way.ts';

/** The earliest sign in a story, and how it says somebody came. */
export interface Entry { finding: Finding; time: number; way: Way }

export interface Story {
  /** Id of its worst finding. */
  id: string;
  /** Holds at least one sign of an intrusion. */
  intrusion: boolean;
  level: Level;
  /** Worst first. */
  findings: readonly Finding[];
  /** Undefined when nothing in it has a time. */
  entry: Entry | undefined;
  /** Times of its signs (of all its findings when it has none), Unix ms. */
  began: number | undefined;
  ended: number | undefined;
  /** What ties it together, `path:/tmp/x`, `pid:12`, `user:lin`, `address:203.0.113.9`, `time`; bounded. */
  shared: readonly string[];
}

/** More findings than this that name one thing say that the thing is common, not that they belong together. */
const namedMax = 40;
/** Signs no further apart belong to one visit: somebody at a keyboard reads and tries between two of them … */
const gapMs = 15 * 60_000;
/** … which is not longer than this by time alone: a chain of small gaps must not tie a year together. */
const spanMs = 60 * 60_000;
/** A visit has at most so many signs; a copied disk or an unpacked image has thousands of one minute. */
const visitMax = 60;
/** Findings that are no signs but came in the same minutes, or nearly: an upgrade or a restore touched everything then. */
const bystandersMax = 10;
const bystandersMs = 5 * 60_000;
/** A way that is known within this time of the first sign tells more than a first sign that tells nothing. */
const nearEntryMs = 60 * 60_000;
/** Who guesses a password is mostly a program: whoever makes use of it comes within so long of it. */
const afterLogonMs = 12 * 60 * 60_000;
const sharedMax = 8;
/** What stands in evidence or came in the same minutes joins no more than this: a chain of names would make one story of everything. */
const joinedMax = 300;

/** `busy`: minutes in which much of the tree changed at once, where somebody walked it; undefined when nobody did. */
export function storiesOf(findings: readonly Finding[], busy?: readonly BusySpan[]): Story[] {
  const groups = new Groups(findings.length);
  const shared = linkByKeys(findings, groups);
  const visits = linkByTime(findings, groups, busy);
  const logons = linkLogons(findings, groups, busy);
  const members = new Map<number, { findings: Finding[]; shared: Set<string> }>();
  for (const [i, finding] of findings.entries()) {
    const root = groups.find(i);
    const story = members.get(root);
    if (story) story.findings.push(finding);
    else members.set(root, { findings: [finding], shared: new Set() });
  }
  for (const [key, i] of shared) members.get(groups.find(i))!.shared.add(key);
  for (const i of [...visits, ...logons]) members.get(groups.find(i))!.shared.add('time');
  return [...members.values()].map(tell).sort(worstThenFirst);
}

/** Of stories that are as bad, the one that began first comes first; that which has no time comes last. */
function worstThenFirst(a: Story, b: Story): number {
  const [beganA, beganB] = [a.began ?? Number.MAX_VALUE, b.began ?? Number.MAX_VALUE];
  return Number(b.intrusion) - Number(a.intrusion) || levels.indexOf(b.level) - levels.indexOf(a.level) || beganA - beganB || byWeight(a.findings[0]!, b.findings[0]!);
}

/** Ties findings that share a key. Returns each key that tied something, with one of its findings. */
function linkByKeys(findings: readonly Finding[], groups: Groups): [string, number][] {
  const owners = new Map<string, number[]>();
  const namers = new Map<string, number[]>();
  for (const [i, finding] of findings.entries()) {
    const { own, named } = keysOf(finding);
    for (const key of own) put(owners, key, i);
    for (const key of named) put(namers, key, i);
  }
  const tied: [string, number][] = [];
  const tie = (key: string, all: readonly number[]): void => {
    for (const other of all.slice(1)) groups.join(all[0]!, other);
    if (all.length > 1) tied.push([key.split('\0', 1)[0]!, all[0]!]);
  };
  for (const [key, all] of owners) tie(key, all);
  // What few name tells most, and the order in which findings came must change nothing.
  const byRarity = [...namers].sort(([a, all], [b, others]) => all.length - others.length || (a < b ? -1 : 1));
  for (const [key, all] of byRarity) {
    // A common place named in evidence ties only to a sign about the place itself.
    const common = key.startsWith('?');
    const at = common ? key.slice(1) : key;
    const owned = (owners.get(at) ?? []).filter((i) => !common || isSign(findings[i]!));
    if (all.length > namedMax || (common && owned.length === 0)) continue;
    const both = [...owned, ...all];
    if (groups.sizeOf(both) <= joinedMax) tie(at, both);
  }
  return tied;
}

const isBusy = (time: number, busy: readonly BusySpan[] | undefined): boolean => busy?.some(({ from, to }) => time >= from && time < to) === true;

interface Dated { i: number; time: number; sign: boolean }

/** Ties signs of the same minutes, unless everything changed then. Returns one finding of each visit. */
function linkByTime(findings: readonly Finding[], groups: Groups, busy: readonly BusySpan[] | undefined): number[] {
  const dated = [...findings.entries()].flatMap(([i, finding]): Dated[] => (finding.time === undefined ? [] : [{ i, time: finding.time, sign: isSign(finding) }])).sort((a, b) => a.time - b.time);
  const signs = dated.filter(({ sign, time }) => sign && !isBusy(time, busy));
  const bystanders = dated.filter(({ sign }) => !sign).map(({ time }) => time);
  const visits: number[] = [];
  for (let from = 0; from < signs.length;) {
    let to = from + 1;
    while (to < signs.length && signs[to]!.time - signs[to - 1]!.time <= gapMs && signs[to]!.time - signs[from]!.time <= spanMs) to++;
    const all = signs.slice(from, to);
    from = to;
    const visit = all.length > visitMax && busy ? firstOfEach(all, findings) : all;
    if (visit.length < 2 || visit.length > visitMax) continue;
    const others = between(bystanders, visit[0]!.time - bystandersMs, visit.at(-1)!.time + bystandersMs);
    if (others > Math.max(bystandersMax, 2 * visit.length)) continue;
    if (groups.sizeOf(visit.map(({ i }) => i)) > joinedMax) continue;
    for (const { i } of visit.slice(1)) groups.join(visit[0]!.i, i);
    visits.push(visit[0]!.i);
  }
  return visits;
}

/** Ties the log-on of an intruder to the first sign after it, unless that tells another way in or everything changed then. Returns those tied. */
function linkLogons(findings: readonly Finding[], groups: Groups, busy: readonly BusySpan[] | undefined): number[] {
  const signs = [...findings.entries()].filter(([, one]) => isSign(one) && one.time !== undefined && !isBusy(one.time, busy))
    .sort(([, a], [, b]) => a.time! - b.time! || byWeight(a, b));
  const tied: number[] = [];
  for (const [at, [i, logon]] of signs.entries()) {
    if (!isLogon(logon)) continue;
    const next = signs.slice(at + 1, at + 1 + visitMax).find(([, one]) => !isLogon(one));
    if (!next || next[1].time! - logon.time! > afterLogonMs || tellsWay(wayOf(next[1])) || groups.sizeOf([i, next[0]]) > joinedMax) continue;
    groups.join(i, next[0]);
    tied.push(i);
  }
  return tied;
}

/**
 * One intruder writes a web trojan into each of two hundred folders: the first of them and what else was done in these minutes is
 * the visit, the others are more of the same. Only where the whole tree is known not to have changed then.
 */
function firstOfEach(visit: readonly Dated[], findings: readonly Finding[]): Dated[] {
  const first = new Map<string, Dated>();
  for (const one of visit) {
    const { check } = findings[one.i]!;
    const before = first.get(check);
    // Of those of one moment the same one, in whichever order they came.
    if (!before || (one.time === before.time && byWeight(findings[one.i]!, findings[before.i]!) < 0)) first.set(check, one);
  }
  return [...first.values()].sort((a, b) => a.time - b.time);
}

function tell({ findings, shared }: { findings: Finding[]; shared: Set<string> }): Story {
  findings.sort(byWeight);
  const signs = findings.filter(isSign);
  const dated = (signs.length > 0 ? signs : findings).filter(({ time }) => time !== undefined).sort((a, b) => a.time! - b.time! || byWeight(a, b));
  const keys = [...shared].sort();
  return {
    id: findings[0]!.id, intrusion: signs.length > 0, level: worst(signs.length > 0 ? signs : findings), findings,
    entry: entryOf(dated), began: dated[0]?.time, ended: dated.at(-1)?.time,
    shared: keys.length > sharedMax ? keys.slice(0, sharedMax) : keys,
  };
}

/** `dated` oldest first. */
function entryOf(dated: readonly Finding[]): Entry | undefined {
  const [first] = dated;
  if (!first) return undefined;
  const near = dated.filter(({ time }) => time! - first.time! <= nearEntryMs).map((finding): Entry => ({ finding, time: finding.time!, way: wayOf(finding) }));
  // Only when a log-on is known is it sure that what else lies there is its fruit.
  const known = near.find(({ way }) => tellsWay(way));
  if (known?.way === 'guessed') return known;
  const way = near.find((one) => one.way !== 'unknown')?.way ?? 'unknown';
  // A key that was planted after something that tells nothing may be what came of it.
  return { ...near[0]!, way: way === 'ssh' && near[0]!.way === 'unknown' ? 'maybe-ssh' : way };
}

const worst = (findings: readonly Finding[]): Level => findings.reduce<Level>((level, one) => (levels.indexOf(one.level) > levels.indexOf(level) ? one.level : level), 'info');

/** How many of these times, in order, lie in the span. */
function between(times: readonly number[], from: number, to: number): number {
  return firstAfter(times, to) - firstAfter(times, from - 1);
}

function firstAfter(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function put(map: Map<string, number[]>, key: string, i: number): void {
  const all = map.get(key);
  if (all) all.push(i);
  else map.set(key, [i]);
}

/** Union-find: which findings are in one group. */
class Groups {
  private readonly parent: Int32Array;
  /** Of the group that a root stands for. */
  private readonly size: Int32Array;

  constructor(size: number) {
    this.parent = Int32Array.from({ length: size }, (_, i) => i);
    this.size = new Int32Array(size).fill(1);
  }

  /** How many would be in one group if these were joined. */
  sizeOf(members: readonly number[]): number {
    return [...new Set(members.map((i) => this.find(i)))].reduce((sum, root) => sum + this.size[root]!, 0);
  }

  find(i: number): number {
    while (this.parent[i] !== i) {
      this.parent[i] = this.parent[this.parent[i]!]!;
      i = this.parent[i]!;
    }
    return i;
  }

  /** The smaller number is the root, whoever came first. */
  join(a: number, b: number): void {
    const x = this.find(a);
    const y = this.find(b);
    if (x === y) return;
    const root = Math.min(x, y);
    this.parent[Math.max(x, y)] = root;
    this.size[root] = this.size[x]! + this.size[y]!;
  }
}
