/** A machine whose kernel sensor tells everything, as events handed to an origin graph. Time is the test's own. */
import { Event, type Kind } from '../src/core/gen/event.ts';
import type { Packages } from '../src/core/lineage.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { noHost, type HostFacts } from '../src/engine/origin/host.ts';

export const t0 = Date.UTC(2026, 10, 22, 2, 27);
/** Unix ms; each event comes 10 ms after the one before. */
export const clock = { now: t0 };
let serial = 0;

export function event(kind: Kind, fields: Partial<Event>): Event {
  clock.now += 10;
  return Object.assign(new Event(`e${++serial}`, clock.now, kind), fields);
}

export class Machine {
  readonly started = new Map<number, number>();
  readonly graph: OriginGraph;
  private nextPid = 5000;

  constructor(host: Partial<HostFacts> = {}, packages?: Packages) {
    this.graph = new OriginGraph({ host: { ...noHost, ...host }, ...(packages && { packages }) });
    this.seen(1, 0, '/usr/lib/systemd/systemd', '/sbin/init', { cgroup: '/init.scope' });
  }

  tell(kind: Kind, pid: number, fields: Partial<Event> = {}): Event {
    const said = event(kind, { pid, process_started: this.started.get(pid)!, ...fields });
    this.graph.observe(said);
    return said;
  }

  seen(pid: number, parent: number, path: string, cmdline: string, fields: Partial<Event> = {}): number {
    this.started.set(pid, clock.now - 3_600_000);
    this.tell('process_creation', pid, { action: 'process-seen', parent_pid: parent, process_name: path.split('/').at(-1), process_path: path, process_cmdline: cmdline, ...fields });
    return pid;
  }

  fork(parent: number, pid = this.nextPid++): number {
    this.started.set(pid, clock.now + 10);
    this.tell('process_fork', pid, { action: 'fork', parent_pid: parent });
    return pid;
  }

  exec(pid: number, path: string, cmdline = path, fields: Partial<Event> = {}): Event {
    return this.tell('process_creation', pid, { action: 'process-start', process_name: path.split('/').at(-1), process_path: path, process_cmdline: cmdline, ...fields });
  }

  run(parent: number, path: string, cmdline = path, fields: Partial<Event> = {}): number {
    const pid = this.fork(parent);
    this.exec(pid, path, cmdline, fields);
    return pid;
  }

  end(pid: number): void { this.tell('process_termination', pid, { action: 'process-end', exit_code: 0 }); }
  node(pid: number) { return this.graph.process(pid, this.started.get(pid))!; }
  origin(pid: number) { return this.node(pid).origin; }
}
