/**
 * A machine made of events, for tests of behaviours: a real origin graph and one behaviour, fed as the engine feeds
 * them, with a kernel sensor that tells everything. Nothing runs; the story is told step by step:
 *
 *   const m = new Machine(triad);
 *   const shell = m.spawn(m.worker(), '/bin/sh', 'sh -c …');    // where things begin: login, worker, cron, service, daemon, container
 *   const curl = m.spawn(shell, '/usr/bin/curl', 'curl -o /tmp/x …');
 *   m.connect(curl, '198.51.100.7', 443);                       // what a process does: exec, connect, accept, flow, ask, file, end;
 *   m.file(curl, 'create', '/tmp/x');                           // anything else: tell(kind, pid, fields)
 *   m.later(60_000);                                            // time: later skips, wait ticks, load samples CPU
 *   expect(m.levels).toEqual(['critical']);                     // what was told: found, levels, worst, counts
 *
 * Every event takes two milliseconds. Packages own what lies in the system's folders (`debian`), unless told otherwise.
 */
import type { Detection } from '../src/core/alert.ts';
import { Event, type Kind } from '../src/core/gen/event.ts';
import { noKnowledge, type ContainerInfo, type Indicator, type Intelligence, type PackageFile, type Packages, type ProcessNode } from '../src/core/lineage.ts';
import type { Behaviour, BehaviourRun, Knowledge } from '../src/core/ports.ts';
import { noHost } from '../src/engine/origin/host.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { tryOut, unfilled, type Trial } from '../src/behaviours/testing.ts';

/** When every machine begins, Unix ms. */
export const began = Date.UTC(2026, 10, 22, 2);

/** What the standard streams of a process are, in `extra` of its exec. */
export const socket = { stdin: 'socket', stdout: 'socket', stderr: 'socket' };
export const inet = { stdin: 'inet', stdout: 'inet', stderr: 'inet' };
export const pipes = { stdin: 'pipe', stdout: 'pipe' };

/** Files under /usr (not /usr/local), /bin, /sbin and /lib belong to packages, unless they are hidden or `planted` or `changed` names them. */
export function debian(planted: readonly string[] = [], changed: readonly string[] = []): Packages {
  return {
    ready: true,
    owner(path): PackageFile | undefined {
      if (planted.includes(path) || path.includes('/.') || !/^\/(?:usr\/(?!local\/)|bin\/|sbin\/|lib)/.test(path)) return undefined;
      return { manager: 'dpkg', name: 'some-package', version: '1', intact: !changed.includes(path) };
    },
  };
}

/** No index of packages: nothing tells whose a file is. */
export const unindexed: Packages = { ready: false, owner: () => undefined };

/** A list of intelligence: value → what it is known for. Names below a listed name count. */
export function listing(listed: Readonly<Record<string, string>>): Intelligence {
  const find = (kind: Indicator['kind']) => (value: string): Indicator | undefined => {
    const what = listed[value];
    return what === undefined ? undefined : { kind, value, what, list: 'test', level: 'high' };
  };
  const domain = find('domain');
  return { ...noKnowledge.intelligence, address: find('address'), domain: (name) => name.split('.').map((_, i, labels) => domain(labels.slice(i).join('.'))).find(Boolean), wallet: find('wallet'), size: 1 };
}

export interface MachineOptions {
  settings?: Record<string, number | string | boolean | string[]>;
  /** What the behaviour saved in an earlier run. */
  state?: string | undefined;
  /** Default: `debian()`. */
  packages?: Packages;
  containers?: readonly ContainerInfo[];
  knowledge?: Partial<Knowledge>;
}

type Fields = Partial<Event>;
const stepMs = 2;

export class Machine {
  /** Unix ms. */
  clock = began;
  readonly graph: OriginGraph;
  readonly trial: Trial;
  private readonly behaviour: Behaviour;
  private readonly started = new Map<number, number>();
  private nextPid = 3000;
  private serial = 0;

  constructor(behaviour: Behaviour, options: MachineOptions = {}) {
    const packages = options.packages ?? debian();
    this.behaviour = behaviour;
    this.graph = new OriginGraph({ host: { ...noHost, container: (id) => options.containers?.find((one) => one.id === id) }, packages });
    this.trial = tryOut(behaviour, options.settings, options.state, { lineage: this.graph, packages, ...options.knowledge });
    this.seen('/usr/lib/systemd/systemd', '/sbin/init', { pid: 1, parent: 0, cgroup: '/init.scope', uid: 0 });
    this.seen('', '', { pid: 2, parent: 0, process_path: undefined, process_name: 'kthreadd', uid: 0 });
  }

  // --- what was told

  get found(): readonly Detection[] { return this.trial.found; }
  get run(): BehaviourRun { return this.trial.run; }
  get counts(): ReadonlyMap<string, number> { return this.trial.counts; }
  /** The level of each detection; throws when one of their texts is not filled. */
  get levels(): string[] {
    const open = this.found.flatMap(unfilled);
    if (open.length > 0) throw new Error(`texts with open places: ${open.join(', ')}`);
    return this.found.map((detection) => detection.level);
  }
  /** The worst level so far. */
  get worst(): string { return (['critical', 'high', 'medium', 'low', 'info'] as const).find((level) => this.levels.includes(level)) ?? 'quiet'; }
  /** What the origin graph knows of a process. */
  node(pid: number): ProcessNode {
    const node = this.graph.process(pid, this.started.get(pid));
    if (node === undefined) throw new Error(`expected a known process, got pid ${pid}`);
    return node;
  }

  // --- processes and what they do

  /** An event of this kind by this process (undefined: by none). */
  tell(kind: Kind, pid: number | undefined, fields: Fields = {}): Event {
    this.clock += stepMs;
    return this.give(Object.assign(new Event(`m${++this.serial}`, this.clock, kind), this.identity(pid), { host: 'web1', source: 'ebpf' }, fields));
  }

  private identity(pid: number | undefined): Fields {
    if (pid === undefined) return {};
    const process_started = this.started.get(pid);
    const node = this.graph.process(pid, process_started);
    return { pid, process_started, uid: node?.uid, container_id: node?.container };
  }

  private give(event: Event): Event {
    this.graph.observe(event);
    if (this.behaviour.kinds.includes(event.kind)) this.run.observe(event);
    return event;
  }

  /** It has run for two hours when Moat sees it first. */
  seen(path: string, cmdline = path, { pid = this.nextPid++, parent = 1, ...fields }: Fields & { parent?: number } = {}): number {
    this.started.set(pid, this.clock - 7_200_000);
    this.tell('process_creation', pid, { action: 'process-seen', parent_pid: parent, ...program(path, cmdline), ...fields });
    return pid;
  }

  fork(parent: number, fields: Fields = {}): number {
    const pid = this.nextPid++;
    this.started.set(pid, this.clock + stepMs);
    const { uid, container_id } = this.identity(parent);
    this.tell('process_fork', pid, { action: 'fork', parent_pid: parent, uid, container_id, ...fields });
    return pid;
  }

  exec(pid: number, path: string, cmdline = path, fields: Fields = {}): Event {
    const parent = this.graph.process(pid, this.started.get(pid))?.parent;
    return this.tell('process_creation', pid, { action: 'process-start', ...program(path, cmdline), process_cwd: '/root', parent_pid: parent?.pid, parent_path: parent?.path, ...fields });
  }

  /** Fork and exec; gives the child's pid. */
  spawn(parent: number, path: string, cmdline = path, fields: Fields = {}): number {
    const pid = this.fork(parent, fields.uid === undefined ? {} : { uid: fields.uid });
    this.exec(pid, path, cmdline, fields);
    return pid;
  }

  end(pid: number, exit_code = 0): Event { return this.tell('process_termination', pid, { action: 'process-end', exit_code }); }

  connect(pid: number, ip = '198.51.100.7', port = 4444, fields: Fields = {}): Event {
    return this.tell('network_connection', pid, { action: 'connect', direction: 'outbound', destination_ip: ip, destination_port: port, protocol: 'tcp', ...fields });
  }

  /** A call to this port of ours. */
  accept(pid: number, port: number, ip = '203.0.113.9', fields: Fields = {}): Event {
    return this.tell('network_connection', pid, { action: 'accept', direction: 'inbound', source_ip: ip, source_port: 50_122, destination_ip: '192.0.2.10', destination_port: port, protocol: 'tcp', ...fields });
  }

  /** The first bytes of a connection. */
  flow(pid: number, ip: string, port: number, payload: string, fields: Fields = {}): Event {
    return this.tell('flow', pid, { action: 'first-bytes', direction: 'outbound', destination_ip: ip, destination_port: port, payload: payload.slice(0, 256), ...fields });
  }

  ask(pid: number, name: string): Event { return this.tell('dns_query', pid, { action: 'query', destination_host: name, destination_ip: '192.0.2.53', destination_port: 53 }); }

  /** write, create, delete, chmod, read … */
  file(pid: number, action: string, path: string, fields: Fields = {}): Event { return this.tell('file_event', pid, { action, file_path: path, ...fields }); }
  rename(pid: number, from: string, to: string): Event { return this.file(pid, 'rename', to, { file_from: from }); }

  // --- time

  /** Skips time in which nothing happens and nobody looks. */
  later(ms: number): void { this.clock += ms; }

  /** Lets time pass second by second, as the engine's clock does. */
  wait(ms: number): void {
    for (const end = this.clock + ms; this.clock < end;) {
      this.clock = Math.min(end, this.clock + 1000);
      this.graph.tick(this.clock);
      this.run.tick?.(this.clock);
    }
  }

  /** Samples every five seconds for so many minutes; `loads` gives percent of one core for each process, and `host` what the whole machine does. */
  load(minutes: number, loads: readonly { pid: number; percent: number | ((second: number) => number); name?: string; write?: number }[], host: number): void {
    for (let second = 0; second < minutes * 60; second += 5) {
      this.clock += 5000;
      for (const { pid, percent, name, write } of loads) {
        const value = typeof percent === 'number' ? percent * (1 + 0.02 * Math.sin(second)) : percent(second);
        if (value >= 5) this.sample({ metric: 'process-cpu', value, ...(name !== undefined && { process_name: name }) }, pid);
        if (write !== undefined) this.sample({ metric: 'process-write', value: write }, pid);
      }
      this.sample({ metric: 'host-cpu', value: host });
      this.run.tick?.(this.clock);
    }
  }

  private sample(fields: Fields, pid?: number): void {
    const node = pid === undefined ? undefined : this.graph.process(pid, this.started.get(pid));
    this.give(Object.assign(new Event(`m${++this.serial}`, this.clock, 'metric'), { action: 'sample', pid, process_started: pid === undefined ? undefined : this.started.get(pid), process_path: node?.path, process_name: node?.name, process_cmdline: node?.cmdline }, fields));
  }

  // --- where things begin

  /** The shell of somebody who came over ssh, two minutes ago. */
  login(user = 'wang', ip = '203.0.113.9'): number {
    const uid = user === 'root' ? 0 : 1000;
    const sshd = this.once(800, '/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups', 'ssh');
    const source_port = 40_000 + (this.serial % 20_000);
    this.accept(sshd, 22, ip, { source_port });
    const monitor = this.spawn(sshd, '/usr/sbin/sshd', '/usr/sbin/sshd -D -R', { uid: 0 });
    this.tell('sshd', monitor, { process_started: undefined, source: 'journal', category: 'authentication', action: 'login', outcome: 'success', service: 'sshd', process_name: 'sshd', user, source_ip: ip, source_port });
    const shell = this.spawn(this.fork(monitor, { uid }), '/usr/bin/bash', '-bash', { user, uid, terminal: 'pts/0', cgroup: `/user.slice/user-${uid}.slice/session-${monitor}.scope` });
    this.later(120_000);
    return shell;
  }

  /** A worker of php-fpm behind a web server, an hour old. */
  worker(uid = 33): number {
    const worker = this.fork(this.once(900, '/usr/sbin/php-fpm8.2', 'php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)', 'php8.2-fpm'), { uid });
    this.later(3_600_000);
    return worker;
  }

  /** The shell of one run of cron. */
  cron(command: string): number {
    return this.spawn(this.fork(this.once(600, '/usr/sbin/cron', '/usr/sbin/cron -f', 'cron')), '/usr/bin/dash', `/bin/sh -c ${command}`, { user: 'root', uid: 0 });
  }

  /** The main process of a systemd unit that is started now. The unit is called as the program unless it is named. */
  service(path: string, cmdline = path, { unit = path.split('/').at(-1) ?? '', ...fields }: Fields & { unit?: string } = {}): number {
    return this.spawn(1, path, cmdline, { cgroup: `/system.slice/${unit}.service`, uid: 0, ...fields });
  }

  /** The main process of a systemd unit that has run for two hours. */
  daemon(unit: string, path: string, cmdline = path): number { return this.seen(path, cmdline, { cgroup: `/system.slice/${unit}.service`, uid: 0 }); }

  /** The first program of a container, started by its runtime. */
  container(id: string, path = '/bin/bash', cmdline = path, fields: Fields = {}): number {
    const runc = this.spawn(this.once(950, '/usr/bin/containerd-shim-runc-v2', 'containerd-shim-runc-v2 -namespace moby', 'containerd'), '/usr/sbin/runc', 'runc init', { uid: 0 });
    const inside = { container_id: id, cgroup: `/system.slice/docker-${id}.scope`, uid: 0 };
    const pid = this.fork(runc, inside);
    this.exec(pid, path, cmdline, { ...inside, ...fields });
    return pid;
  }

  private once(pid: number, path: string, cmdline: string, unit: string): number {
    return this.started.has(pid) ? pid : this.seen(path, cmdline, { pid, cgroup: `/system.slice/${unit}.service`, uid: 0 });
  }
}

const program = (path: string, cmdline: string): Fields => ({ process_name: path.slice(path.lastIndexOf('/') + 1).slice(0, 15), process_path: path, process_cmdline: cmdline });
