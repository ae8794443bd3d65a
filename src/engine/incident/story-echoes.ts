/**
 * What logs tell beside the origin graph: who logged on, who failed to, who took more rights, what an address asked of the web server, in
 * the hours before and during a story. Where the graph does not know how somebody came in, the log-on of that time is the likely way.
 */
import type { Event } from '../../core/gen/event.ts';
import type { EchoSource, Story, StoryEcho, StoryEntry, StoryNode } from '../../core/incident.ts';
import type { Logon } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { cellsOf } from './matrix.ts';

/** An event of a log with where it was read, or a session of wtmp. */
export type Past = { from: EchoSource; event: Event } | { from: EchoSource; logon: Logon; failed?: boolean };

const echoesMax = 200;
const foldedMax = 2000;
const requestsOfAddress = 10;
/** One log-on is told by sshd, PAM and wtmp, in whole seconds. */
const sameMs = 5000;
/** A log-on so long before the first deed says nothing about it, when nobody knows when it ended. */
const sessionMs = 12 * 3_600_000;
const whatMax = 300;
const rankOf: Record<EchoSource, number> = { history: 0, journal: 1, wtmp: 2, btmp: 3, lastlog: 4 };

interface Relevant { addresses: ReadonlySet<string>; users: ReadonlySet<string>; all: boolean }

/** The story with what logs tell of it; `past` in any order. */
export function withEchoes(story: Story, past: Iterable<Past>): Story {
  const things = [...past];
  const guessed = needsEntry(story) ? guessEntry(story, things) : undefined;
  const entry = guessed ?? story.entry;
  const relevant = relevantTo(story, entry);
  const echoes = fold(things, relevant);
  return { ...story, entry, echoes, began: entry === undefined ? story.began : Math.min(story.began, entry.time) };
}

/** Whether nothing, or only a job that somebody must have made, is known of how they came in. */
function needsEntry({ entry }: Story): boolean {
  return entry === undefined || entry.kind === 'unknown' || entry.kind === 'cron' || entry.kind === 'timer' || (entry.kind === 'service' && entry.address === undefined);
}

function relevantTo({ nodes }: Story, entry: StoryEntry | undefined): Relevant {
  const addresses = new Set<string>(), users = new Set<string>();
  for (const { kind, facts } of nodes) {
    if (kind === 'address' && facts['came'] === true) addresses.add(String(facts['ip']));
    if (kind === 'account') users.add(String(facts['user']));
  }
  if (entry?.address !== undefined) addresses.add(entry.address);
  if (entry?.user !== undefined && entry.kind === 'login') users.add(entry.user);
  return { addresses, users, all: entry === undefined || entry.guessed !== undefined };
}

/** When the first thing was done that the story knows of. */
function firstDeed({ nodes }: Story): number | undefined {
  let first = Infinity;
  for (const { kind, facts, first: time } of nodes) if ((kind === 'process' || kind === 'file' || kind === 'persistence' || kind === 'account' || kind === 'finding') && facts['chain'] !== true && facts['weak'] !== true && time < first) first = time;
  return Number.isFinite(first) ? first : undefined;
}

interface Visit { user: string | undefined; address: string | undefined; since: number; until: number | undefined; from: EchoSource }

/** The latest log-on that was open when the first thing was done. */
function guessEntry(story: Story, past: readonly Past[]): StoryEntry | undefined {
  const at = firstDeed(story);
  if (at === undefined) return undefined;
  const visits: Visit[] = [];
  for (const one of past) {
    if ('logon' in one) {
      if (one.failed !== true && one.from === 'wtmp') visits.push({ user: one.logon.user, address: one.logon.source_ip, since: one.logon.since, until: one.logon.until, from: one.from });
    } else if (isLogon(one.event)) visits.push({ user: one.event.user, address: one.event.source_ip, since: one.event.time, until: undefined, from: one.from });
  }
  const fits = visits.filter(({ since, until }) => since <= at + 1000 && (until === undefined ? at - since <= sessionMs : until >= at)).sort((a, b) => b.since - a.since || Number(a.address === undefined) - Number(b.address === undefined) || rankOf[a.from] - rankOf[b.from]);
  const [best] = fits;
  if (best === undefined) return undefined;
  const others = new Set(fits.map(({ user, address }) => `${user ?? ''} ${address ?? ''}`)).size - 1;
  const node = story.nodes.find(({ kind, facts }) => (kind === 'process' || kind === 'file' || kind === 'persistence') && facts['chain'] !== true)?.id ?? story.nodes[0]?.id ?? '';
  const who = best.user ?? '?';
  const more = others === 0 ? { zh: '', en: '' } : { zh: `，当时还有另外 ${others} 个登录`, en: `; ${others} other log-on${others === 1 ? '' : 's'} stood open then` };
  const attack = ['T1078'];
  return {
    kind: 'login', time: best.since, node, ...(best.address !== undefined && { address: best.address }), ...(best.user !== undefined && { user: best.user }), guessed: best.from, attack, matrix: cellsOf(attack),
    text: { zh: `可能：${who} ${best.address === undefined ? '在本机' : `从 ${best.address} `}登录（当时正登录着${more.zh}）`, en: `perhaps: log-on of ${who}${best.address === undefined ? ' at the machine' : ` from ${best.address}`} (it was open at that time${more.en})` },
  };
}

const isLogon = ({ kind, action, outcome }: Event): boolean => (kind === 'sshd' || kind === 'auth') && action === 'login' && outcome === 'success';
const isFailed = ({ kind, action, outcome }: Event): boolean => (kind === 'sshd' || kind === 'auth') && action === 'login' && outcome === 'failure';

interface Draft extends StoryEcho { users: Set<string> }

function fold(past: readonly Past[], { addresses, users, all }: Relevant): StoryEcho[] {
  const sorted = past.toSorted((a, b) => timeOf(a) - timeOf(b) || rankOf[a.from] - rankOf[b.from] || (keyOf(a) < keyOf(b) ? -1 : 1));
  const drafts = new Map<string, Draft>();
  const seen = new Map<string, number>();
  const requests = new Map<string, number>();
  const put = (key: string, echo: StoryEcho): void => {
    const known = drafts.get(key);
    if (known === undefined) {
      if (drafts.size < foldedMax) drafts.set(key, { ...echo, users: new Set(echo.user === undefined ? [] : [echo.user]) });
      return;
    }
    known.first = Math.min(known.first, echo.first);
    known.last = Math.max(known.last, echo.last);
    known.count += echo.count;
    if (echo.bytes !== undefined) known.bytes = (known.bytes ?? 0) + echo.bytes;
    if (echo.user !== undefined && known.users.size < 20) known.users.add(echo.user);
  };
  for (const one of sorted) {
    if ('logon' in one) {
      const { user, source_ip: address, since, until, terminal } = one.logon;
      if (one.failed === true && address !== undefined && !addresses.has(address)) continue;
      if (!all && !(address !== undefined && addresses.has(address)) && !(user !== undefined && users.has(user))) continue;
      if (one.failed === true) { put(`failed ${address ?? ''} ${one.from}`, { kind: 'failed-log-on', from: one.from, first: since, last: since, count: 1, ...(user !== undefined && user !== '' && { user: user.slice(0, 100) }), ...(address !== undefined && { address }) }); continue; }
      // sshd has told of it.
      if (isSame(seen, `${user ?? ''} ${address ?? ''}`, since)) continue;
      put(`session ${user ?? ''} ${address ?? ''} ${since}`, { kind: 'session', from: one.from, first: since, last: until ?? since, count: 1, ...(user !== undefined && { user }), ...(address !== undefined && { address }), ...(terminal !== undefined && { what: terminal }) });
      continue;
    }
    const { event, from } = one;
    const { time, user, source_ip: address } = event;
    const isOurs = (address !== undefined && addresses.has(address)) || (user !== undefined && users.has(user));
    const base = { from, first: time, last: time, count: 1, ...(user !== undefined && { user: user.slice(0, 100) }), ...(address !== undefined && { address }) };
    if (isLogon(event)) {
      if (!isOurs && !all) continue;
      // PAM and sshd both say it, and what the journal has Moat's history may have.
      if (isSame(seen, `${user ?? ''} ${address ?? ''}`, time)) continue;
      if (address === undefined && isSame(seen, user ?? '', time)) continue;
      seen.set(`${user ?? ''} ${address ?? ''}`, time);
      seen.set(user ?? '', time);
      put(`log-on ${user ?? ''} ${address ?? ''} ${time}`, { kind: 'log-on', ...base, ...(event.method !== undefined && { what: event.method.slice(0, 50) }) });
    } else if (isFailed(event)) {
      if (address === undefined ? !isOurs : !addresses.has(address)) continue;
      put(`failed ${address ?? ''} ${from}`, { kind: 'failed-log-on', ...base });
    } else if ((event.kind === 'sudo' || event.action === 'su') && event.outcome === 'success' && isOurs) {
      const what = event.process_cmdline ?? event.target_user;
      put(`privilege ${user ?? ''} ${what ?? ''}`, { kind: 'privilege', ...base, ...(what !== undefined && { what: maskSecrets(what).slice(0, whatMax) }) });
    } else if (address !== undefined && addresses.has(address) && (event.kind === 'access' || event.kind === 'nginx' || event.kind === 'apache')) {
      const line = maskSecrets(`${event.http_method ?? 'GET'} ${event.url_path ?? event.url ?? ''}`).slice(0, whatMax);
      const key = `request ${address} ${line}`;
      const n = requests.get(address) ?? 0;
      const bytes = typeof event.http_bytes === 'number' && event.http_bytes >= 0 ? { bytes: event.http_bytes } : {};
      if (drafts.has(key) || n < requestsOfAddress) {
        if (!drafts.has(key)) requests.set(address, n + 1);
        put(key, { kind: 'request', ...base, what: line, ...bytes });
      } else put(`request ${address}`, { kind: 'request', ...base, what: '…', ...bytes });
    }
  }
  const echoes = dedupeFailed([...drafts.values()]).map(({ users: who, ...echo }): StoryEcho => (who.size > 1 ? { ...echo, user: `${[...who].sort().slice(0, 3).join(', ')}${who.size > 3 ? ' …' : ''}` } : echo));
  // What matters most stays when there is no room: who got in, then the latest.
  const kept = echoes.length <= echoesMax ? echoes : [...echoes.filter(({ kind }) => kind !== 'request'), ...echoes.filter(({ kind }) => kind === 'request')].slice(0, echoesMax);
  return kept.sort((a, b) => a.first - b.first || rankOf[a.from] - rankOf[b.from] || (`${a.kind} ${a.address ?? ''} ${a.what ?? ''}` < `${b.kind} ${b.address ?? ''} ${b.what ?? ''}` ? -1 : 1));
}

/** The same failures are told by the history, the journal and btmp: whoever is read first in that order counts. */
function dedupeFailed(drafts: readonly Draft[]): Draft[] {
  const best = new Map<string, Draft>();
  for (const one of drafts) {
    if (one.kind !== 'failed-log-on') continue;
    const known = best.get(one.address ?? '');
    if (known === undefined || rankOf[one.from] < rankOf[known.from]) best.set(one.address ?? '', one);
  }
  return drafts.filter((one) => one.kind !== 'failed-log-on' || best.get(one.address ?? '') === one || one.last < (best.get(one.address ?? '')?.first ?? 0));
}

function isSame(seen: ReadonlyMap<string, number>, key: string, time: number): boolean {
  const at = seen.get(key);
  return at !== undefined && Math.abs(time - at) <= sameMs;
}

const timeOf = (one: Past): number => ('logon' in one ? one.logon.since : one.event.time);
const keyOf = (one: Past): string => ('logon' in one ? `${one.logon.user ?? ''} ${one.logon.source_ip ?? ''} ${one.logon.terminal ?? ''}` : `${one.event.id} ${one.event.message ?? ''}`);

/** Addresses by which somebody came: of these web requests are looked up. */
export const cameFrom = (nodes: readonly StoryNode[]): string[] => nodes.flatMap(({ kind, facts }) => (kind === 'address' && facts['came'] === true ? [String(facts['ip'])] : []));
