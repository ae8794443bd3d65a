/** A machine whose kernel tells everything, for tests of behaviours: the real origin graph, a hand-made story. */
import type { Detection } from '../src/core/alert.ts';
import { Event, type Kind } from '../src/core/gen/event.ts';
import type { PackageFile, Packages, ProcessNode } from '../src/core/lineage.ts';
import type { Behaviour, BehaviourRun, Knowledge } from '../src/core/ports.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { noHost } from '../src/engine/origin/host.ts';
import { tryOut, unfilled } from '../src/behaviours/testing.ts';

type Settings = Record<string, number | string | boolean | string[]>;
type Extra = Record<string, string>;

export const socket: Extra = { stdin: 'socket', stdout: 'socket', stderr: 'socket' };
export const inet: Extra = { stdin: 'inet', stdout: 'inet', stderr: 'inet' };
export const pipes: Extra = { stdin: 'pipe', stdout: 'pipe' };

/** Files under /usr (not /usr/local), /bin, /sbin and /lib belong to packages, unless `changed` or `planted` names them. */
export function debian(planted: readonly string[] = [], changed: readonly string[] = []): Packages {
  return {
    ready: true,
    owner(path): PackageFile | undefined {
      if (planted.includes(path) || !/^\/(?:usr\/(?!local\/)|bin\/|sbin\/|lib)/.test(path)) return undefined;
      return { manager: 'dpkg', name: 'some-package', version: '1', intact: !changed.includes(path) };
    },
  };
}

export class Stage {
  clock = Date.UTC(2026, 10, 22, 2, 27);
  readonly graph: OriginGraph;
  readonly found: Detection[];
  readonly counts: Map<string, number>;
  readonly run: BehaviourRun;
  private readonly started = new Map<number, number>();
  private readonly kinds: ReadonlySet<Kind>;
  private nextPid = 5000;
  private serial = 0;

  constructor(behaviour: Behaviour, settings: Settings = {}, knowledge: Partial<Knowledge> = {}, state?: string) {
    this.kinds = new Set(behaviour.kinds);
    this.graph = new OriginGraph({ host: noHost });
    const trial = tryOut(behaviour, settings, state, { lineage: this.graph, packages: debian(), ...knowledge });
    this.found = trial.found;
    this.counts = trial.counts;
    this.run = trial.run;
    this.seen(1, 0, '/usr/lib/systemd/systemd', '/sbin/init', { cgroup: '/init.scope' });
  }

  tell(kind: Kind, pid: number, fields: Partial<Event> = {}): Event {
    this.clock += 10;
    const event = Object.assign(new Event(`e${++this.serial}`, this.clock, kind), { pid, process_started: this.started.get(pid), source: 'ebpf', ...fields });
    this.graph.observe(event);
    if (this.kinds.has(kind)) this.run.observe(event);
    return event;
  }

  seen(pid: number, parent: number, path: string, cmdline: string, fields: Partial<Event> = {}): number {
    this.started.set(pid, this.clock - 7_200_000);
    this.tell('process_creation', pid, { action: 'process-seen', parent_pid: parent, process_name: path.split('/').at(-1) ?? '', process_path: path, process_cmdline: cmdline, ...fields });
    return pid;
  }

  fork(parent: number): number {
    const pid = this.nextPid++;
    this.started.set(pid, this.clock + 10);
    this.tell('process_fork', pid, { action: 'fork', parent_pid: parent });
    return pid;
  }

  exec(pid: number, path: string, cmdline = path, extra: Extra = {}, fields: Partial<Event> = {}): Event {
    return this.tell('process_creation', pid, { action: 'process-start', process_name: (path.split('/').at(-1) ?? '').slice(0, 15), process_path: path, process_cmdline: cmdline, process_cwd: '/root', ...(Object.keys(extra).length > 0 && { extra }), ...fields });
  }

  spawn(parent: number, path: string, cmdline = path, extra: Extra = {}, fields: Partial<Event> = {}): number {
    const pid = this.fork(parent);
    this.exec(pid, path, cmdline, extra, fields);
    return pid;
  }

  end(pid: number): void { this.tell('process_termination', pid, { action: 'process-end', exit_code: 0 }); }
  connect(pid: number, ip = '198.51.100.7', port = 4444): Event { return this.tell('network_connection', pid, { action: 'connect', direction: 'outbound', destination_ip: ip, destination_port: port, protocol: 'tcp' }); }
  accept(pid: number, port: number, ip = '203.0.113.9'): Event { return this.tell('network_connection', pid, { action: 'accept', direction: 'inbound', source_ip: ip, source_port: 50_122, destination_ip: '10.0.0.5', destination_port: port, protocol: 'tcp' }); }
  write(pid: number, path: string, action = 'write', extra?: Extra): Event { return this.tell('file_event', pid, { action, file_path: path, ...(extra && { extra }) }); }
  rename(pid: number, from: string, to: string): Event { return this.tell('file_event', pid, { action: 'rename', file_from: from, file_path: to }); }
  later(ms: number): void { this.clock += ms; }
  node(pid: number): ProcessNode { return this.graph.process(pid, this.started.get(pid))!; }

  // --- where things begin

  /** The shell of somebody who came over ssh. */
  login(user = 'wang'): number {
    const listener = 800;
    if (!this.started.has(listener)) this.seen(listener, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', { cgroup: '/system.slice/ssh.service' });
    this.accept(listener, 22);
    const bash = this.spawn(this.fork(this.fork(listener)), '/usr/bin/bash', '-bash', {}, { user, uid: 1000, terminal: 'pts/0' });
    this.later(120_000);
    return bash;
  }

  /** A worker of php-fpm behind nginx. */
  phpWorker(): number {
    this.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)', { cgroup: '/system.slice/php8.2-fpm.service' });
    const worker = this.fork(900);
    this.later(3_600_000);
    return worker;
  }

  /** One run of cron. */
  cronJob(command: string): number {
    if (!this.started.has(300)) this.seen(300, 1, '/usr/sbin/cron', '/usr/sbin/cron -f', { cgroup: '/system.slice/cron.service' });
    return this.spawn(this.fork(300), '/usr/bin/dash', `/bin/sh -c ${command}`, {}, { user: 'root' });
  }

  /** A daemon with a unit of its own. */
  service(unit: string, path: string, cmdline = path): number {
    const pid = this.nextPid++;
    this.seen(pid, 1, path, cmdline, { cgroup: `/system.slice/${unit}.service` });
    return pid;
  }

  /** What was told, as level and key words of the English summary; every text is filled. */
  levels(): string[] {
    const open = this.found.flatMap(unfilled);
    if (open.length > 0) throw new Error(`texts with open places: ${open.join(', ')}`);
    return this.found.map((detection) => detection.level);
  }
}
