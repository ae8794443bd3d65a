/** Which processes belong to the log-on sessions of an account. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { logindSession, logons } from './logons.ts';
import type { TreeProcess } from './process-tree.ts';
import { cgroupPath, type Procfs } from './procfs.ts';

type All = ReadonlyMap<number, TreeProcess>;

const unset = 4_294_967_295;
const sessionsMax = 1000;
const logonMs = 24 * 3_600_000;

/** The kernel's number of the log-on that a process came from, which it keeps over sudo, setsid and the end of its parents; undefined where none is kept. */
function auditSession(procfs: Procfs, pid: number): number | undefined {
  const id = Number(procfs.read(`${pid}/sessionid`, 32)?.trim() || Number.NaN);
  return Number.isInteger(id) && id !== unset ? id : undefined;
}

function loginUid(procfs: Procfs, pid: number): number | undefined {
  const uid = Number(procfs.read(`${pid}/loginuid`, 32)?.trim() || Number.NaN);
  return Number.isInteger(uid) && uid !== unset ? uid : undefined;
}

const groupOf = (procfs: Procfs, pid: number): string => cgroupPath(procfs.read(`${pid}/cgroup`, 8192) ?? '') ?? '';
const scopeOf = (group: string): string | undefined => /^.*\/session-[^/]{1,40}\.scope/.exec(group)?.[0];

/**
 * By the log-on that the kernel noted, by logind's control groups, by what utmp and logind call the leader, and by the processes of
 * sshd that carry the account's name; with all that came of these. `everything`: whatever else runs under its uid too.
 */
export function sessionProcesses(procfs: Procfs, all: All, { name, uid, everything, now }: { name: string; uid: number; everything: boolean; now: number }): TreeProcess[] {
  const leaders = leadersOf(procfs.root, name, now);
  const slice = `/user-${uid}.slice`;
  const first = [...all.values()].filter((one) => {
    const { pid } = one;
    if (one.kernelThread || pid === 1) return false;
    if (leaders.has(pid) || loginUid(procfs, pid) === uid || groupOf(procfs, pid).includes(slice)) return true;
    const uids = procfs.uids(pid);
    if (everything && (uids?.real === uid || uids?.effective === uid)) return true;
    return isSshOf(procfs, one, name);
  });
  return [...new Map([...below(all, first)].map((one) => [one.pid, one])).values()];
}

/** The session that this process is in: what is left alone when it is the operator's. `members`: who may be meant. */
export function sessionOf(procfs: Procfs, all: All, pid: number, members: readonly TreeProcess[]): Set<number> {
  const inside = new Set(members.map((one) => one.pid));
  const chain: TreeProcess[] = [];
  for (let at = all.get(pid); at !== undefined && at.pid > 1 && !chain.includes(at); at = all.get(at.parentPid)) chain.push(at);
  // The highest that could be meant: what is below it hangs on it.
  const top = chain.findLast((one) => inside.has(one.pid));
  const audit = auditSession(procfs, pid), scope = scopeOf(groupOf(procfs, pid));
  const same = members.filter((one) => (audit !== undefined && auditSession(procfs, one.pid) === audit) || (scope !== undefined && scopeOf(groupOf(procfs, one.pid)) === scope));
  return new Set([...chain, ...(top === undefined ? [] : below(all, [top])), ...same].map((one) => one.pid));
}

/** Parents before children. */
function below(all: All, first: readonly TreeProcess[]): TreeProcess[] {
  const children = new Map<number, TreeProcess[]>();
  for (const one of all.values()) {
    const list = children.get(one.parentPid);
    if (list) list.push(one); else children.set(one.parentPid, [one]);
  }
  const found = new Set<TreeProcess>();
  const waiting = [...first];
  for (let at = 0; at < waiting.length; at++) {
    const one = waiting[at]!;
    if (found.has(one)) continue;
    found.add(one);
    waiting.push(...children.get(one.pid) ?? []);
  }
  return [...found];
}

/** `sshd: name@pts/0`, `sshd: name [priv]`, of sshd's own program. */
function isSshOf(procfs: Procfs, { pid, name: program }: TreeProcess, name: string): boolean {
  if (!program.startsWith('sshd')) return false;
  const title = procfs.cmdline(pid, 1024) ?? '';
  return ['sshd: ', 'sshd-session: '].some((start) => title.startsWith(`${start}${name}@`) || title.startsWith(`${start}${name} [priv]`));
}

function leadersOf(root: string, name: string, now: number): Set<number> {
  const found = new Set<number>();
  for (const { user, pid, until } of logonsOf(root, now)) if (user === name && pid !== undefined && until === undefined) found.add(pid);
  for (const id of sessionsOf(root)) {
    const logon = logindSession(root, id);
    if (logon?.user === name && logon.pid !== undefined) found.add(logon.pid);
  }
  return found;
}

function logonsOf(root: string, now: number): ReturnType<typeof logons> {
  try {
    return logons(root, now - logonMs);
  } catch { return []; /* no utmp to read: the kernel and logind still tell */ }
}

function sessionsOf(root: string): string[] {
  try {
    return readdirSync(join(root, 'run/systemd/sessions')).slice(0, sessionsMax);
  } catch { return []; /* no logind on this machine */ }
}
