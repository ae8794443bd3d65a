/** A machine made up of events: a real origin graph and one behaviour, fed as the engine feeds them. */
import { tryOut, type Trial } from '../src/behaviours/testing.ts';
import { Event, type Kind } from '../src/core/gen/event.ts';
import type { ContainerInfo, PackageFile, Packages, ProcessNode } from '../src/core/lineage.ts';
import type { Behaviour, Knowledge } from '../src/core/ports.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { noHost } from '../src/engine/origin/host.ts';

export const began = Date.UTC(2026, 10, 22, 2, 0);

const packaged = /^\/(?:usr\/(?:s?bin|lib|libexec|share)|s?bin|lib)\//;

/** Packages own what lies in the system's folders, apart from these. */
export function packagesBut(...unowned: string[]): Packages {
  const file: PackageFile = { manager: 'dpkg', name: 'some-package', version: '1', intact: true };
  return { ready: true, owner: (path) => (packaged.test(path) && !unowned.includes(path) ? file : undefined) };
}

export interface MachineOptions { settings?: Record<string, number | string | boolean | string[]>; state?: string; containers?: readonly ContainerInfo[]; knowledge?: Partial<Knowledge> }

export class Machine {
  readonly trial: Trial;
  readonly graph: OriginGraph;
  /** Unix ms; each event takes ten of them. */
  now = began;
  private readonly started = new Map<number, number>();
  private serial = 0;
  private nextPid = 5000;

  constructor(behaviour: Behaviour, options: MachineOptions = {}) {
    const packages = options.knowledge?.packages ?? packagesBut();
    this.graph = new OriginGraph({ host: { ...noHost, container: (id) => options.containers?.find((one) => one.id === id) }, packages });
    this.trial = tryOut(behaviour, options.settings, options.state, { lineage: this.graph, packages, ...options.knowledge });
    this.seen(1, 0, '/usr/lib/systemd/systemd', '/sbin/init', { cgroup: '/init.scope', uid: 0 });
    this.seen(2, 0, '', '', { process_path: undefined, process_name: 'kthreadd', uid: 0 });
  }

  get found() { return this.trial.found; }
  get levels() { return this.found.map((d) => d.level); }
  /** The worst told so far. */
  get worst(): string { return (['critical', 'high', 'medium', 'low', 'info'] as const).find((level) => this.levels.includes(level)) ?? 'quiet'; }

  give(event: Event): Event {
    this.graph.observe(event);
    this.trial.run.observe(event);
    return event;
  }

  make(kind: Kind, fields: Partial<Event>): Event {
    this.now += 10;
    return Object.assign(new Event(`e${++this.serial}`, this.now, kind), fields);
  }

  /** Something that this process does. */
  does(pid: number, kind: Kind, fields: Partial<Event> = {}): Event {
    const node = this.node(pid);
    return this.give(this.make(kind, { pid, process_started: this.started.get(pid), container_id: node?.container, uid: node?.uid, ...fields }));
  }

  seen(pid: number, parent: number, path: string, cmdline: string, fields: Partial<Event> = {}): number {
    this.started.set(pid, this.now - 3_600_000);
    this.give(this.make('process_creation', { action: 'process-seen', pid, process_started: this.started.get(pid), parent_pid: parent, process_name: path.split('/').at(-1), process_path: path, process_cmdline: cmdline, ...fields }));
    return pid;
  }

  fork(parent: number, fields: Partial<Event> = {}): number {
    const pid = this.nextPid++;
    this.started.set(pid, this.now + 10);
    const node = this.node(parent);
    this.give(this.make('process_fork', { action: 'fork', pid, process_started: this.started.get(pid), parent_pid: parent, uid: node?.uid, container_id: node?.container, ...fields }));
    return pid;
  }

  exec(pid: number, path: string, cmdline = path, fields: Partial<Event> = {}): Event {
    const node = this.node(pid);
    return this.does(pid, 'process_creation', {
      action: 'process-start', process_name: path.split('/').at(-1), process_path: path, process_cmdline: cmdline,
      parent_pid: node?.parent?.pid, parent_path: node?.parent?.path, ...fields,
    });
  }

  run(parent: number, path: string, cmdline = path, fields: Partial<Event> = {}): number {
    const pid = this.fork(parent, fields.uid === undefined ? {} : { uid: fields.uid });
    this.exec(pid, path, cmdline, fields);
    return pid;
  }

  node(pid: number): ProcessNode | undefined { return this.graph.process(pid, this.started.get(pid)); }

  /** The shell of somebody who came over ssh. */
  session(ip = '203.0.113.9', user = 'root', uid = 0): number {
    if (this.node(800) === undefined) this.seen(800, 1, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]', { cgroup: '/system.slice/ssh.service', uid: 0 });
    this.does(800, 'network_connection', { action: 'accept', direction: 'inbound', source_ip: ip, source_port: 40_000 + this.serial, destination_ip: '192.0.2.5', destination_port: 22 });
    const port = 40_000 + this.serial;
    const monitor = this.run(800, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R', { uid: 0 });
    this.give(this.make('sshd', { category: 'authentication', action: 'login', outcome: 'success', service: 'sshd', process_name: 'sshd', pid: monitor, user, source_ip: ip, source_port: port }));
    const child = this.fork(monitor, { uid });
    return this.run(child, '/bin/bash', '-bash', { user, uid, cgroup: '/user.slice/user-0.slice/session-5.scope' });
  }

  /** A worker of a web server. */
  worker(uid = 33): number {
    const master = this.seen(900, 1, '/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service', uid: 0 });
    return this.fork(master, { uid });
  }

  service(path: string, cmdline = path, fields: Partial<Event> = {}): number {
    const unit = path.split('/').at(-1)!;
    return this.run(1, path, cmdline, { cgroup: `/system.slice/${unit}.service`, uid: 0, ...fields });
  }

  cron(command: string): number {
    if (this.node(700) === undefined) this.seen(700, 1, '/usr/sbin/cron', '/usr/sbin/cron -f', { cgroup: '/system.slice/cron.service', uid: 0 });
    return this.run(this.fork(700), '/bin/sh', `/bin/sh -c ${command}`, { uid: 0 });
  }

  /** The first program of a container, started by its runtime. */
  container(id: string, path = '/bin/bash', cmdline = path, fields: Partial<Event> = {}): number {
    if (this.node(950) === undefined) this.seen(950, 1, '/usr/bin/containerd-shim-runc-v2', 'containerd-shim-runc-v2 -namespace moby', { cgroup: '/system.slice/containerd.service', uid: 0 });
    const runc = this.run(950, '/usr/sbin/runc', 'runc init', { uid: 0 });
    const inside = this.fork(runc, { container_id: id, cgroup: `/system.slice/docker-${id}.scope`, uid: 0 });
    this.exec(inside, path, cmdline, { container_id: id, cgroup: `/system.slice/docker-${id}.scope`, uid: 0, ...fields });
    return inside;
  }
}
