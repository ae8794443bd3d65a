/** What the origin graph asks of the machine beside events; src/agent answers from /proc, /run and state files. */
import type { ContainerInfo, Logon } from '../../core/lineage.ts';

/** Every answer is cheap (cached, bounded) and undefined when it is not known. */
export interface HostFacts {
  /** Names this boot: pids and start times of another one are history. */
  readonly bootId: string;
  /** When it began by the clock as it is now, Unix ms: start times count from it. */
  readonly bootTime: number;
  /** Process 2 is the kernel's own, as it is outside a pid namespace. */
  readonly kernelThreads: boolean;
  /** Control group path and container id of a living process. */
  place(pid: number): { cgroup: string | undefined; container: string | undefined } | undefined;
  /** Whether a timer starts this unit (`X.service`). */
  hasTimer(unit: string): boolean;
  container(id: string): ContainerInfo | undefined;
  /** A session of logind by its id. */
  session(id: string): Logon | undefined;
  /** Log-ons of the last day, the newest last. */
  logons(): readonly Logon[];
  /** Every process id there is now; undefined when it cannot be told. */
  pids(): readonly number[] | undefined;
}

/** For tests and where nothing can be asked. */
export const noHost: HostFacts = {
  bootId: '', bootTime: 0, kernelThreads: true,
  place: () => undefined, hasTimer: () => false, container: () => undefined, session: () => undefined, logons: () => [], pids: () => undefined,
};
