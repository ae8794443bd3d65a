/** A process tree as it is asked for and shown: what actions on processes have in common before they act. */
import type { ActionErrorCode, PlanStep } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { maskSecrets } from '../core/secrets.ts';
import { bootTime } from '../linux/proc-host.ts';
import { membersOf, readProcesses, type TreeProcess } from '../linux/process-tree.ts';
import { cgroupPath, ticksPerSecond, type Procfs } from '../linux/procfs.ts';
import type { ProcessIdentity, TreeSignal } from '../linux/signals.ts';
import { Users } from '../linux/users.ts';
import type { ProcessWorld } from './process-freeze.ts';

/** A process by pid and, where it is known, when it started: Unix ms, as events and the origin graph say it. */
export interface ProcessName { pid: number; started?: number }

export interface TreeInput extends ProcessName {
  /** Members that /proc does not show as descendants: daemons that cut their ties, as the origin graph knows them. */
  also: readonly ProcessName[];
  /** Where it came from, for the receipt. */
  origin?: string;
  /** Process of whoever asks. */
  asker?: number;
}

/** What ran, as the receipt keeps it. `command` is masked. */
export interface Ran extends ProcessIdentity { /** Unix ms. */ started: number; parent: number; path: string; command: string; cwd: string; user: string }

export interface FoundTree { root: TreeProcess; all: ReadonlyMap<number, TreeProcess>; /** Parents before children. */ members: TreeProcess[] }

const alsoMax = 1000;
const pidMax = 2 ** 22;
const commandMax = 400;
const pathMax = 400;
const ranMax = 200;
const shownMax = 40;
/** Start times are told in whole clock ticks. */
const tickMs = 1000 / ticksPerSecond;
const unitPattern = /\/([A-Za-z0-9:_.\\@-]{1,240}\.service)(?:\/|$)/;

/** Throws MoatError 'bad-input'. */
export function parseTree(input: unknown): TreeInput {
  const { also = [], origin, asker, ...first } = (typeof input === 'object' && input !== null ? input : {}) as { also?: unknown; origin?: unknown; asker?: unknown };
  if (!Array.isArray(also) || also.length > alsoMax) throw bad(`at most ${alsoMax} further processes`, also);
  return { ...parseName(first), also: also.map(parseName), ...(typeof origin === 'string' && { origin: origin.slice(0, 1000) }), ...(isPid(asker) && { asker }) };
}

function parseName(input: unknown): ProcessName {
  const { pid, started } = (typeof input === 'object' && input !== null ? input : {}) as { pid?: unknown; started?: unknown };
  if (!isPid(pid)) throw bad('the number of a process', pid);
  if (started !== undefined && (typeof started !== 'number' || !Number.isFinite(started))) throw bad('its start as Unix milliseconds', started);
  return { pid, ...(started !== undefined && { started }) };
}

const isPid = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= pidMax;
const bad = (expected: string, got: unknown): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('bad-input', `expected ${expected}, got ${JSON.stringify(got)?.slice(0, 100) ?? 'none'}`);

/** The tree below a process, and those handed in that still live. Throws 'not-there' when the first has ended or the pid is another's by now. */
export function findTree({ procfs }: ProcessWorld, { pid, started, also }: TreeInput): FoundTree {
  const all = readProcesses(procfs);
  const root = all.get(leaderOf(procfs, pid));
  if (root === undefined) throw gone({ zh: `没有进程 ${pid}，它已经结束`, en: `there is no process ${pid}; it has ended` });
  if (!isThat(procfs, root, started)) throw gone({ zh: `进程 ${pid} 已经结束，这个编号现在属于另一个进程（${root.name}）`, en: `process ${pid} has ended, and its number is another's by now (${root.name})` });
  const others = also.flatMap((name) => {
    const one = all.get(name.pid);
    return one !== undefined && isThat(procfs, one, name.started) ? [one] : [];
  });
  return { root, all, members: membersOf(all, { known: [root, ...others], forked: undefined, groups: new Set() }) };
}

const gone = (text: { zh: string; en: string }): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('not-there', text.en, { text });

const isThat = (procfs: Procfs, { ticks }: TreeProcess, started: number | undefined): boolean => started === undefined || Math.abs(startedOf(procfs, ticks) - started) <= tickMs;

/** Unix ms. */
const startedOf = (procfs: Procfs, ticks: number): number => bootTime(procfs) + Math.round(ticks * tickMs);

/** The process that a thread belongs to: /proc answers for the numbers of threads too. */
function leaderOf(procfs: Procfs, pid: number): number {
  const text = procfs.read(`${pid}/status`, 8192);
  const leader = text === undefined ? Number.NaN : Number(/^Tgid:\s+(\d+)$/m.exec(text)?.[1]);
  return Number.isInteger(leader) ? leader : pid;
}

/** What runs in it, for the receipt and for whoever decides. Bounded. */
export function ranOf(procfs: Procfs, members: readonly TreeProcess[]): Ran[] {
  const users = new Users(procfs.root);
  return members.slice(0, ranMax).map(({ pid, ticks, parentPid, name }) => {
    const uid = procfs.uids(pid)?.effective;
    return {
      pid, ticks, started: startedOf(procfs, ticks), parent: parentPid, path: (procfs.exe(pid) ?? '').slice(0, pathMax), cwd: (procfs.cwd(pid) ?? '').slice(0, pathMax),
      command: maskSecrets(procfs.cmdline(pid) || `[${name}]`).slice(0, commandMax), user: uid === undefined ? '?' : users.name(uid, 0) ?? String(uid),
    };
  });
}

/** A line for each process, children further in, with what a person would type. */
export function treeSteps(members: readonly TreeProcess[], ran: readonly Ran[], signal: TreeSignal): PlanStep[] {
  const depths = new Map<number, number>();
  for (const { pid, parentPid } of members) depths.set(pid, (depths.get(parentPid) ?? -1) + 1);
  const steps = ran.slice(0, shownMax).map(({ pid, command, user }): PlanStep => {
    const text = `${'  '.repeat(Math.min(depths.get(pid) ?? 0, 20))}${pid}  ${command}  (${user})`;
    return { text: { zh: text, en: text }, command: ['kill', `-${signal.slice(3)}`, String(pid)] };
  });
  const more = members.length - steps.length;
  return more > 0 ? [...steps, { text: { zh: `以及另外 ${more} 个进程`, en: `and ${more} more` } }] : steps;
}

/** What brings it back when it is killed: the unit whose main process is among the members. Undefined when nothing is known to. */
export async function restartStep({ procfs, run }: ProcessWorld, members: readonly TreeProcess[]): Promise<PlanStep | undefined> {
  const units = new Map<string, Set<number>>();
  for (const { pid } of members) {
    const unit = unitPattern.exec(cgroupPath(procfs.read(`${pid}/cgroup`, 8192) ?? '') ?? '')?.[1];
    if (unit === undefined) continue;
    const pids = units.get(unit);
    if (pids) pids.add(pid); else if (units.size < 10) units.set(unit, new Set([pid]));
  }
  for (const [unit, pids] of units) {
    const said = await run('systemctl', ['show', '--property=Restart,MainPID', '--', unit], { timeoutMs: 3000 }).catch(() => undefined);
    if (said?.code !== 0) continue; // systemd does not answer: then it does not start anything again either
    const restart = /^Restart=(\S+)$/m.exec(said.stdout)?.[1] ?? 'no';
    const main = Number(/^MainPID=(\d+)$/m.exec(said.stdout)?.[1]);
    // A kill is an end by signal.
    if (pids.has(main) && ['always', 'on-failure', 'on-abnormal', 'on-abort'].includes(restart)) {
      return { text: { zh: `注意：systemd 会重新启动 ${unit}（Restart=${restart}）；要它不再运行，请停止该服务`, en: `mind: systemd starts ${unit} again (Restart=${restart}); to keep it from running, stop the unit` }, command: ['systemctl', 'stop', unit] };
    }
  }
  return undefined;
}
