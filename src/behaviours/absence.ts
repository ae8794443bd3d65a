/** Tells when a daemon has ended and not come back. Daemons fork and are restarted: only the last one's end counts. */
import type { Event } from '../core/gen/event.ts';
import { processKey } from './process.ts';

export interface Missing { name: string; event: Event; ms: number }

const mostAlive = 64;

export class Absence {
  private readonly graceMs: number;
  private readonly nameOf: (event: Event) => string | undefined;
  /** By daemon: its processes that live. */
  private readonly alive = new Map<string, Set<string>>();
  private readonly gone = new Map<string, { event: Event; told: boolean }>();

  /** `nameOf` answers one of a fixed list of names: there are never more entries than those. */
  constructor(graceMs: number, nameOf: (event: Event) => string | undefined) {
    this.graceMs = graceMs;
    this.nameOf = nameOf;
  }

  /** Answers the daemon that is back after it was told missing. */
  observe(event: Event): void {
    const name = this.nameOf(event);
    if (name === undefined || event.pid === undefined) return;
    let processes = this.alive.get(name);
    if (processes === undefined) this.alive.set(name, processes = new Set());
    if (event.kind === 'process_termination') {
      processes.delete(processKey(event));
      if (processes.size === 0) this.gone.set(name, { event, told: false });
      return;
    }
    if (processes.size < mostAlive) processes.add(processKey(event));
    this.gone.delete(name);
  }

  /** Those that have been away for the whole grace, each once. */
  *missing(now: number): Iterable<Missing> {
    for (const [name, one] of this.gone) {
      const ms = now - one.event.time;
      if (one.told || ms < this.graceMs) continue;
      one.told = true;
      yield { name, event: one.event, ms };
    }
  }

  get size(): number { return this.gone.size; }
}

/** How a process ended, by its exit code as a shell tells it. */
export const wasKilled = (event: Event): boolean => event.exit_code === 137 || event.exit_code === 139 || event.exit_code === 134;
