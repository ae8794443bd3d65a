/**
 * What the machine's own records tell of a time: journal files, wtmp, btmp and lastlog, read with limits and in slices, so that nobody
 * waits. For the time before Moat was installed, and when it did not run.
 */
import { hostname } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { canonicalIp } from '../core/address.ts';
import { saidBy } from '../core/error.ts';
import type { Event } from '../core/gen/event.ts';
import type { StoryGap } from '../core/incident.ts';
import type { Text } from '../core/text.ts';
import { openDecoder } from '../engine/decode.ts';
import type { Past } from '../engine/incident/story-echoes.ts';
import { readAccounts } from '../linux/accounts.ts';
import { DiskTree } from '../linux/disk-tree.ts';
import { JournalFile, journalPaths } from '../linux/journal-file.ts';
import { logons } from '../linux/logons.ts';
import type { Tree } from '../linux/tree.ts';
import { lastLogs, readUtmp } from '../linux/utmp.ts';
import { localZone } from './zone.ts';

export interface PastOptions {
  /** Unix ms. */
  from: number;
  to: number;
  root?: string;
  /** Wall-clock time for all of it. */
  ms?: number;
  now?: () => number;
}

export interface PastFound { past: Past[]; gaps: StoryGap[] }

/** Who lets people in, and who gives them more rights. */
const speakers = new Set(['sshd', 'sshd-session', 'sshd-auth', 'sudo', 'su', 'login', 'systemd-logind']);
const names = new Set(['MESSAGE', 'SYSLOG_IDENTIFIER', '_PID', '_UID', '_COMM', '_EXE', '_HOSTNAME', '_TRANSPORT']);
const entriesMax = 20_000;
const filesMax = 64;
const recordsMax = 5000;
const accountsMax = 2000;
const usualMs = 2000;
const sliceMs = 6;

/** Never throws: what cannot be read is a gap. */
export async function readPast(options: PastOptions): Promise<PastFound> {
  const { from, to, root = '/', ms = usualMs } = options;
  const found: PastFound = { past: [], gaps: [] };
  const until = performance.now() + ms;
  const gap = (kind: StoryGap['kind'], a: number, b: number, what: Text): void => { found.gaps.push({ kind, from: a, to: b, what }); };
  try {
    const tree = new DiskTree(root, undefined);
    readSessions(root, tree, options, found, gap);
    await turn();
    await readJournals(tree, options, until, found, gap);
  } catch (error) {
    const { zh, en } = saidBy(error);
    gap('log', from, to, { zh: `读不了系统自己的日志：${zh}`, en: `the machine’s own logs could not be read: ${en}` });
  }
  return found;
}

type Gap = (kind: StoryGap['kind'], from: number, to: number, what: Text) => void;

function readSessions(root: string, tree: Tree, { from, to }: PastOptions, { past }: PastFound, gap: Gap): void {
  const whole = attempt('/var/log/wtmp', gap, from, to, () => readUtmp(tree, '/var/log/wtmp'));
  if (whole === undefined) gap('log', from, to, { zh: '没有 wtmp：查不到过去的登录会话', en: 'there is no wtmp: past sessions are not known' });
  else {
    const [first] = whole.records.filter(({ time }) => time > 0);
    if (first !== undefined && first.time > from) gap('log', from, Math.min(first.time, to), { zh: 'wtmp 从这之后才有记录（轮转或被清过）', en: 'wtmp begins only after this (rotated, or cut)' });
  }
  for (const logon of attempt('/var/log/wtmp', gap, from, to, () => logons(root, from)) ?? []) if (logon.since <= to) past.push({ from: 'wtmp', logon });
  const failed = attempt('/var/log/btmp', gap, from, to, () => readUtmp(tree, '/var/log/btmp'));
  let n = 0;
  for (const { time, user, host, terminal, pid } of failed?.records.toReversed() ?? []) {
    if (time < from || time > to || n++ >= recordsMax) continue;
    past.push({ from: 'btmp', failed: true, logon: { user, source_ip: canonicalIp(host), terminal, pid, since: time, until: time } });
  }
  const accounts = attempt('/etc/passwd', gap, from, to, () => readAccounts(tree))?.slice(0, accountsMax) ?? [];
  const last = attempt('/var/log/lastlog', gap, from, to, () => lastLogs(tree, accounts.map(({ uid }) => uid)));
  for (const [uid, { time, terminal, host }] of last ?? []) {
    if (time < from || time > to) continue;
    past.push({ from: 'lastlog', logon: { user: accounts.find((one) => one.uid === uid)?.name, source_ip: canonicalIp(host), terminal, pid: undefined, since: time, until: undefined } });
  }
}

async function readJournals(tree: Tree, { from, to, now = Date.now }: PastOptions, until: number, { past }: PastFound, gap: Gap): Promise<void> {
  const paths = attempt('/var/log/journal', gap, from, to, () => journalPaths(tree)) ?? [];
  if (paths.length === 0) return;
  const lines: { time: number; line: string; id: string }[] = [];
  let slice = performance.now() + sliceMs;
  let earliest = Infinity, stopped = false;
  for (const path of paths.slice(0, filesMax)) {
    if (stopped) break;
    const file = attempt(path, gap, from, to, () => tree.open(path));
    if (!file) continue;
    try {
      const journal = new JournalFile(file, path);
      if (journal.firstTime > 0) earliest = Math.min(earliest, journal.firstTime);
      // One that is being written has no last time yet that holds.
      if (journal.firstTime > to || (!journal.isOpen && journal.lastTime < from)) continue;
      for (const { value, entries } of journal.values('SYSLOG_IDENTIFIER')) {
        if (!speakers.has(value)) continue;
        for (const entry of entries()) {
          if (entry.time > to) break;
          const at = performance.now();
          if (at > until || lines.length >= entriesMax) { stopped = true; break; }
          if (at > slice) { await turn(); slice = performance.now() + sliceMs; }
          if (entry.time < from) continue;
          const fields = Object.fromEntries(journal.fields(entry, names));
          lines.push({ time: entry.time, id: `${entry.boot}:${entry.number}`, line: JSON.stringify({ ...fields, __REALTIME_TIMESTAMP: String(Math.round(entry.time * 1000)) }) });
        }
        if (stopped) break;
      }
    } catch (error) {
      const { zh, en } = saidBy(error);
      gap('log', from, to, { zh: `${path} 读不全：${zh}`, en: `${path} could not be read to its end: ${en}` });
    } finally { file.close(); }
  }
  if (stopped) gap('unread', from, to, { zh: `systemd 日志太多，只读了其中 ${lines.length} 条登录记录`, en: `there is more in the systemd journal than could be read in the time: ${lines.length} records of log-ons were` });
  if (earliest > from && Number.isFinite(earliest)) gap('log', from, Math.min(earliest, to), { zh: 'systemd 日志从这之后才有（更早的已轮转或未保存）', en: 'the systemd journal begins only after this (older parts are rotated away or were not kept)' });
  // Decoders know the lines of one process by their order.
  lines.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
  const events: Event[] = [];
  const { decoder } = openDecoder('journal', [], { idPrefix: 'journal:', source: 'journal', host: hostname(), now, zoneOffset: localZone() }, (event) => { events.push(event); });
  for (const { line, id } of lines) {
    decoder.decode(line, { line: 0, position: id });
    if (performance.now() > slice) { await turn(); slice = performance.now() + sliceMs; }
  }
  decoder.flush();
  for (const event of events) past.push({ from: 'journal', event });
}

function attempt<T>(what: string, gap: Gap, from: number, to: number, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const { zh, en } = saidBy(error);
    gap('log', from, to, { zh: `读不了 ${what}：${zh}`, en: `${what} could not be read: ${en}` });
    return undefined;
  }
}
