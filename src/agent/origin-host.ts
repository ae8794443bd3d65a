/** What the origin graph asks of this machine, answered from /proc, /run and the state files of container runtimes. */
import type { ContainerInfo, Logon } from '../core/lineage.ts';
import type { HostFacts } from '../engine/origin/host.ts';
import { containerInfo } from '../linux/containers.ts';
import { logindSession, logons } from '../linux/logons.ts';
import { bootId, bootTime } from '../linux/proc-host.ts';
import { cgroupPath, containerOf, Procfs } from '../linux/procfs.ts';
import { timedUnits } from '../linux/timers.ts';

const dayMs = 24 * 3_600_000;
const refreshMs = 60_000;
const containersMax = 1000;

/** `count` is told of what could not be read. */
export function originHost(count: (what: string, n?: number) => void, root = '/', now: () => number = Date.now): HostFacts {
  const procfs = new Procfs(root);
  const timers = cached(() => timedUnits(root), new Set<string>());
  const logonList = cached<readonly Logon[]>(() => logons(root, now() - dayMs), []);
  const containers = new Map<string, { info: ContainerInfo | undefined; at: number }>();

  /** Reads again when the last answer has had its time; when it cannot, the last one holds and it is counted. */
  function cached<T>(read: () => T, empty: T): () => T {
    let value = empty;
    let at = Number.NEGATIVE_INFINITY;
    return () => {
      if (now() - at < refreshMs && now() >= at) return value;
      at = now();
      try { value = read(); } catch { count('facts of the machine that could not be read'); }
      return value;
    };
  }

  return {
    bootId: bootId(procfs),
    bootTime: bootTime(procfs),
    kernelThreads: procfs.read('2/comm')?.trim() === 'kthreadd',
    place(pid) {
      const text = procfs.read(`${pid}/cgroup`, 8192);
      return text === undefined ? undefined : { cgroup: cgroupPath(text), container: containerOf(text) };
    },
    // A template's timer starts each of its units.
    hasTimer: (unit) => timers().has(unit) || (unit.includes('@') && timers().has(unit.replace(/@.*\./, '@.'))),
    container(id) {
      const known = containers.get(id);
      if (known && (known.info !== undefined || (now() - known.at < refreshMs && now() >= known.at))) return known.info;
      const info = containerInfo(root, id);
      if (containers.size >= containersMax) containers.delete(containers.keys().next().value!);
      containers.set(id, { info, at: now() });
      return info;
    },
    session(id) {
      try { return logindSession(root, id); } catch { count('facts of the machine that could not be read'); return undefined; }
    },
    logons: logonList,
    pids() {
      try { return procfs.pids(); } catch { count('facts of the machine that could not be read'); return undefined; }
    },
  };
}
