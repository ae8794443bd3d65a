/** Halts a process tree so that nothing of it gets away, and lets it go again: what freezing and killing have in common. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ActionContext, ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import { CgroupFreezer, type FreezerGroup } from '../linux/cgroup-freezer.ts';
import { bootId, uptime } from '../linux/proc-host.ts';
import { haltOf, isHeldInKernel, livesStill, lookAround, membersOf, readProcesses, type TreeProcess } from '../linux/process-tree.ts';
import { ticksPerSecond, type Procfs } from '../linux/procfs.ts';
import type { Run } from '../linux/run.ts';
import type { ProcessIdentity, Signals } from '../linux/signals.ts';
import type { ProcessProtection } from './process-protection.ts';

export interface ProcessWorld {
  procfs: Procfs;
  signals: () => Promise<Signals>;
  processes: ProcessProtection;
  run: Run;
}

export interface HaltedProcess extends ProcessIdentity { /** It was stopped before; it stays so. */ stopped: boolean }

/** What freezing needs to be finished, looked at and taken back. */
export interface HaltState {
  boot: string;
  /** Parents before children; those found later at the end. */
  processes: readonly HaltedProcess[];
  /** Ticks after boot when it was planned: orphans of a member's process group that are younger were forked meanwhile. */
  since: number;
  /** Process groups all of whose members are the tree's: stopped at one stroke, which may hit members that are not in `processes` yet. */
  groups: readonly number[];
  /** Control groups that are the tree's own. `frozen`: somebody had frozen them before. */
  cgroups: readonly (FreezerGroup & { frozen: boolean })[];
}

/** So long after it was planned an orphan still counts as forked meanwhile. */
const forkedTicks = 60 * ticksPerSecond;
const membersMax = 50_000;
const roundsMax = 200;
/** So often a look around in which processes came and went is done again before nothing new means nothing new. */
const looksMax = 5;
const haltMs = 7000;
const lookMs = 2;

/** What would be halted, and how. `members` live, parents before children. */
export function planHalt({ procfs }: ProcessWorld, all: ReadonlyMap<number, TreeProcess>, members: readonly TreeProcess[]): HaltState {
  const freezer = new CgroupFreezer(procfs);
  const inside = new Set(members.map(({ pid }) => pid));
  const cgroups = new Map<string, FreezerGroup & { frozen: boolean }>();
  const processes = members.map(({ pid, ticks, state }): HaltedProcess => {
    const group = freezer.groupOf(pid);
    if (group !== undefined && !cgroups.has(group.path) && isOwn(freezer, group, inside)) cgroups.set(group.path, { ...group, frozen: freezer.isAsked(group) });
    return { pid, ticks, stopped: state === 'T' || (group !== undefined && freezer.isFrozen(group)) };
  });
  return {
    boot: bootId(procfs), since: Math.floor(uptime(procfs) * ticksPerSecond), cgroups: [...cgroups.values()], processes,
    // What the kernel freezes needs no signal.
    groups: cgroups.size > 0 ? [] : [...ownGroups(all, members)],
  };
}

/**
 * Halts all members, then looks for new ones, until none appear. `save` is given the grown state before any of it is acted on.
 * Throws MoatError 'failed' when the tree grows faster than it can be stopped, 'refused' when something that is never touched has
 * come into it.
 */
export async function halt<S extends HaltState>(world: ProcessWorld, state: S, context: ActionContext): Promise<S> {
  const { procfs } = world;
  let current = state;
  if (!isThisBoot(procfs, current)) return current;
  world.processes.mustNotHoldMoat(current.processes);
  const signals = await world.signals();
  freezeGroups(procfs, current);
  const until = performance.now() + haltMs;
  stopGroups(procfs, signals, current.groups, current.processes);
  let asked = current.processes;
  for (let round = 0, looks = 0; round < roundsMax; round++) {
    context.signal.throwIfAborted();
    await stopAll(world, signals, current, asked, until, context.signal);
    // All that were known stand, so that whatever they forked is in this listing, unless it ended while it was listed.
    const { all, missed } = lookAround(procfs);
    const members = membersIn(all, current);
    const fresh = unknown(members, current);
    if (fresh.length === 0) {
      if (missed === 0 || ++looks >= looksMax) return current;
      asked = [];
      continue;
    }
    looks = 0;
    if (performance.now() > until || current.processes.length + fresh.length > membersMax) break;
    world.processes.mustNotTouch(all, fresh);
    const groups = [...new Set([...current.groups, ...ownGroups(all, members)])];
    // One that stands already was hit with its group before a crash, or by somebody else.
    const hit = new Set(current.groups);
    asked = fresh.map(({ pid, ticks, state: letter, group }) => ({ pid, ticks, stopped: letter === 'T' && !hit.has(group) }));
    current = { ...current, groups, processes: [...current.processes, ...asked] };
    await context.save(current);
    stopGroups(procfs, signals, groups, members);
  }
  throw new MoatError<ActionErrorCode>('failed', `expected the tree to stand still, it still grows after ${current.processes.length} processes`, { hint: 'limit it first: systemctl set-property UNIT TasksMax=1, or ulimit -u for its account' });
}

/** Lets go what `halt` halted: children first, so that no parent sees them stopped. What has ended, or was stopped before, is left alone. */
export async function release(world: ProcessWorld, state: HaltState): Promise<void> {
  const { procfs } = world;
  if (!isThisBoot(procfs, state)) return;
  const freezer = new CgroupFreezer(procfs);
  for (const group of state.cgroups) if (!group.frozen) freezer.set(group, false);
  const signals = await world.signals();
  let fault: Error | undefined;
  for (const { stopped, ...process } of [...state.processes, ...caughtUnnamed(procfs, state)].toReversed()) {
    if (stopped || haltOf(procfs, process) === 'running' || !livesStill(procfs, process)) continue;
    try {
      signals.send(process, 'SIGCONT');
    } catch (error) { fault ??= error as Error; /* the others go on all the same; it is thrown below */ }
  }
  if (fault) throw fault;
}

/** How the tree stands: what is halted and what runs of that which was not stopped before, ended ones left out; `grown` came into it since. */
export interface Standing { halted: ProcessIdentity[]; running: ProcessIdentity[]; grown: ProcessIdentity[] }

export function standing({ procfs }: ProcessWorld, state: HaltState): Standing {
  const found: Standing = { halted: [], running: [], grown: [] };
  if (!isThisBoot(procfs, state)) return found;
  const freezer = new CgroupFreezer(procfs);
  const stands = (process: ProcessIdentity): boolean => haltOf(procfs, process) === 'halted' || isHeldInKernel(procfs, process) || isFrozen(freezer, state, process.pid);
  for (const { stopped, ...process } of state.processes) if (!stopped && livesStill(procfs, process)) found[stands(process) ? 'halted' : 'running'].push(process);
  for (const { pid, ticks } of unknown(membersIn(readProcesses(procfs), state), state)) if (!stands({ pid, ticks })) found.grown.push({ pid, ticks });
  return found;
}

/** Members that live now, those that came since included. */
export const membersNow = ({ procfs }: ProcessWorld, state: HaltState): TreeProcess[] => (isThisBoot(procfs, state) ? membersIn(readProcesses(procfs), state) : []);

function membersIn(all: ReadonlyMap<number, TreeProcess>, state: HaltState): TreeProcess[] {
  const groups = new Set(state.groups);
  for (const { pid, ticks } of state.processes) {
    const one = all.get(pid);
    if (one?.ticks === ticks) groups.add(one.group);
  }
  return membersOf(all, { known: state.processes, forked: forkedIn(state), groups });
}

const forkedIn = ({ since }: HaltState): { from: number; to: number } => ({ from: since, to: since + forkedTicks });

/** The state was written in this boot: pids of another mean nothing. */
export const isThisBoot = (procfs: Procfs, { boot }: HaltState): boolean => boot === bootId(procfs);

function unknown(members: readonly TreeProcess[], { processes }: HaltState): TreeProcess[] {
  const known = new Set(processes.map(({ pid, ticks }) => `${pid} ${ticks}`));
  return members.filter(({ pid, ticks }) => !known.has(`${pid} ${ticks}`));
}

/** Hit with their process group, but not written down before Moat was killed. */
function caughtUnnamed(procfs: Procfs, state: HaltState): HaltedProcess[] {
  if (state.groups.length === 0) return [];
  const groups = new Set(state.groups);
  const { from, to } = forkedIn(state);
  return unknown([...readProcesses(procfs).values()].filter(({ group, ticks }) => groups.has(group) && ticks >= from && ticks <= to), state).map(({ pid, ticks }) => ({ pid, ticks, stopped: false }));
}

function freezeGroups(procfs: Procfs, state: HaltState): void {
  const freezer = new CgroupFreezer(procfs);
  let inside: Set<number> | undefined;
  for (const group of state.cgroups) {
    inside ??= new Set(membersIn(readProcesses(procfs), state).map(({ pid }) => pid));
    // Somebody else may have come into it since it was planned: then signals do.
    if (!group.frozen && isOwn(freezer, group, inside)) freezer.set(group, true);
  }
}

function isOwn(freezer: CgroupFreezer, group: FreezerGroup, inside: ReadonlySet<number>): boolean {
  const pids = freezer.pids(group);
  return pids !== undefined && pids.size > 0 && [...pids].every((pid) => inside.has(pid));
}

const isFrozen = (freezer: CgroupFreezer, { cgroups }: HaltState, pid: number): boolean => cgroups.some((group) => freezer.holds(group, pid) && freezer.isFrozen(group));

/** Parents first. Comes back when all stand, or are deep in the kernel with the stop on its way. */
async function stopAll({ procfs }: ProcessWorld, signals: Signals, state: HaltState, processes: readonly HaltedProcess[], until: number, signal: AbortSignal): Promise<void> {
  const freezer = new CgroupFreezer(procfs);
  const asked = state.cgroups.filter((group) => freezer.isAsked(group));
  const frozen = (pid: number): boolean => asked.some((group) => freezer.holds(group, pid));
  const pending: HaltedProcess[] = [];
  for (const process of processes) {
    if (process.stopped || frozen(process.pid) || haltOf(procfs, process) === 'halted') continue;
    if (signals.send(process, 'SIGSTOP')) pending.push(process);
  }
  const left = (): boolean => pending.some((process) => haltOf(procfs, process) !== 'halted' && !isHeldInKernel(procfs, process)) || asked.some((group) => !freezer.isFrozen(group) && freezer.isAsked(group));
  while (left()) {
    if (performance.now() > until) throw new MoatError<ActionErrorCode>('failed', `expected every process to stop within ${haltMs} ms, it did not`);
    await wait(lookMs, undefined, { signal });
  }
}

/** Process groups all of whose members belong to the tree. */
function ownGroups(all: ReadonlyMap<number, TreeProcess>, members: readonly TreeProcess[]): Set<number> {
  const groups = new Set(members.map(({ group }) => group).filter((group) => group > 1));
  const inside = new Set(members.map(({ pid }) => pid));
  for (const { pid, group } of all.values()) if (!inside.has(pid)) groups.delete(group);
  return groups;
}

/**
 * At one stroke: no fork gets away, since the kernel does not let one finish while a signal waits. The number of a group cannot be
 * handed out again while somebody is in it, so a member that is stopped by its descriptor pins it.
 */
function stopGroups(procfs: Procfs, signals: Signals, groups: readonly number[], members: readonly ProcessIdentity[]): void {
  for (const group of groups) {
    const pin = members.find((one) => livesStill(procfs, one)?.group === group && signals.send(one, 'SIGSTOP') && livesStill(procfs, one)?.group === group);
    if (pin === undefined) continue;
    try {
      process.kill(-group, 'SIGSTOP');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
