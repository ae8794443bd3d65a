/** A machine in a test: processes whose sensor tells everything, the origin graph, and behaviours that look on. */
import { Event, type Kind } from '../src/core/gen/event.ts';
import type { Indicator, Intelligence, Packages } from '../src/core/lineage.ts';
import { noKnowledge } from '../src/core/lineage.ts';
import type { Detection } from '../src/core/alert.ts';
import type { Behaviour, BehaviourRun, Self } from '../src/core/ports.ts';
import { noHost } from '../src/engine/origin/host.ts';
import { OriginGraph } from '../src/engine/origin/graph.ts';
import { tryOut, type Trial } from '../src/behaviours/testing.ts';

export interface MachineOptions {
  settings?: Record<string, number | string | boolean | string[]>;
  /** Folders whose files packages own: [folder, package]. Default: /usr/bin, /usr/sbin, /usr/lib, /bin, /sbin. */
  owned?: (path: string) => boolean;
  changed?: (path: string) => boolean;
  ready?: boolean;
  listed?: Record<string, string>;
  self?: Self;
  start?: number;
  state?: string;
}

const systemFolders = ['/usr/bin/', '/usr/sbin/', '/usr/lib/', '/usr/libexec/', '/bin/', '/sbin/'];
let serial = 0;

export class Machine {
  clock: number;
  readonly graph: OriginGraph;
  readonly trial: Trial;
  private readonly started = new Map<number, number>();
  private readonly behaviour: Behaviour;
  private nextPid = 3000;

  constructor(behaviour: Behaviour, options: MachineOptions = {}) {
    this.clock = options.start ?? Date.UTC(2026, 10, 22, 2);
    const owned = options.owned ?? ((path) => systemFolders.some((folder) => path.startsWith(folder)));
    const packages: Packages = {
      ready: options.ready ?? true,
      owner: (path) => ((options.ready ?? true) && owned(path) ? { manager: 'dpkg', name: 'shipped', version: '1', intact: options.changed?.(path) !== true } : undefined),
    };
    const find = (kind: Indicator['kind']) => (value: string): Indicator | undefined => {
      const what = options.listed?.[value];
      return what === undefined ? undefined : { kind, value, what, list: 'test', level: 'high' };
    };
    const intelligence: Intelligence = { ...noKnowledge.intelligence, address: find('address'), domain: (name) => name.split('.').map((_, i, labels) => find('domain')(labels.slice(i).join('.'))).find(Boolean), wallet: find('wallet'), size: 1 };
    this.graph = new OriginGraph({ host: noHost, packages });
    this.behaviour = behaviour;
    this.trial = tryOut(behaviour, options.settings, options.state, { lineage: this.graph, packages, intelligence, ...(options.self && { self: options.self }) });
    this.seen('/usr/lib/systemd/systemd', '/sbin/init', { pid: 1, cgroup: '/init.scope' });
  }

  get found(): readonly Detection[] { return this.trial.found; }
  get run(): BehaviourRun { return this.trial.run; }

  tell(kind: Kind, pid: number | undefined, fields: Partial<Event> = {}): Event {
    this.clock += 2;
    const event = Object.assign(new Event(`m${++serial}`, this.clock, kind), { pid, process_started: pid === undefined ? undefined : this.started.get(pid), host: 'web1' }, fields);
    this.graph.observe(event);
    if (this.behaviour.kinds.includes(kind)) this.run.observe(event);
    return event;
  }

  /** It was there before. */
  seen(path: string, cmdline = path, { pid = this.nextPid++, parent = 1, ...fields }: Partial<Event> & { parent?: number } = {}): number {
    this.started.set(pid, this.clock - 3_600_000);
    this.tell('process_creation', pid, { action: 'process-seen', ...(pid !== 1 && { parent_pid: parent }), ...program(path, cmdline), ...fields });
    return pid;
  }

  fork(parent: number): number {
    const pid = this.nextPid++;
    this.started.set(pid, this.clock + 2);
    this.tell('process_fork', pid, { action: 'fork', parent_pid: parent });
    return pid;
  }

  exec(pid: number, path: string, cmdline = path, fields: Partial<Event> = {}): Event {
    return this.tell('process_creation', pid, { action: 'process-start', ...program(path, cmdline), ...fields });
  }

  run1(parent: number, path: string, cmdline = path, fields: Partial<Event> = {}): number {
    const pid = this.fork(parent);
    this.exec(pid, path, cmdline, fields);
    return pid;
  }

  end(pid: number, exit = 0): Event { return this.tell('process_termination', pid, { action: 'process-end', exit_code: exit }); }

  connect(pid: number, ip: string, port: number, fields: Partial<Event> = {}): Event {
    return this.tell('network_connection', pid, { action: 'connect', direction: 'outbound', destination_ip: ip, destination_port: port, protocol: 'tcp', ...fields });
  }

  accept(pid: number, ip: string, port: number, fields: Partial<Event> = {}): Event {
    return this.tell('network_connection', pid, { action: 'accept', direction: 'inbound', source_ip: ip, source_port: 50_000, destination_ip: '192.0.2.10', destination_port: port, protocol: 'tcp', ...fields });
  }

  flow(pid: number, ip: string, port: number, payload: string, fields: Partial<Event> = {}): Event {
    return this.tell('flow', pid, { action: 'first-bytes', direction: 'outbound', destination_ip: ip, destination_port: port, payload: payload.slice(0, 256), ...fields });
  }

  ask(pid: number, name: string): Event { return this.tell('dns_query', pid, { action: 'query', destination_host: name, destination_ip: '192.0.2.53', destination_port: 53 }); }

  file(pid: number, action: string, path: string, fields: Partial<Event> = {}): Event { return this.tell('file_event', pid, { action, file_path: path, ...fields }); }

  /** Samples every five seconds for so many minutes; `load` gives percent of one core for each process, and what the whole machine does. */
  load(minutes: number, loads: readonly { pid: number; percent: number | ((second: number) => number); path?: string; name?: string; write?: number }[], host: number): void {
    for (let second = 0; second < minutes * 60; second += 5) {
      this.clock += 5000;
      const at = this.clock;
      for (const { pid, percent, name, write } of loads) {
        const value = typeof percent === 'number' ? percent * (1 + 0.02 * Math.sin(second)) : percent(second);
        if (value >= 5) this.sample(at, { metric: 'process-cpu', value, ...(name !== undefined && { process_name: name }) }, pid);
        if (write !== undefined) this.sample(at, { metric: 'process-write', value: write }, pid);
      }
      this.sample(at, { metric: 'host-cpu', value: host });
      this.run.tick?.(at);
    }
  }

  private sample(at: number, fields: Partial<Event>, pid?: number): void {
    const node = pid === undefined ? undefined : this.graph.process(pid, this.started.get(pid));
    const event = Object.assign(new Event(`m${++serial}`, at, 'metric'), { action: 'sample', pid, process_started: pid === undefined ? undefined : this.started.get(pid), process_path: node?.path, process_name: node?.name, process_cmdline: node?.cmdline }, fields);
    this.graph.observe(event);
    this.run.observe(event);
  }

  wait(ms: number): void {
    for (const end = this.clock + ms; this.clock < end;) {
      this.clock = Math.min(end, this.clock + 1000);
      this.graph.tick(this.clock);
      this.run.tick?.(this.clock);
    }
  }

  /** A shell of somebody who logged on over ssh. */
  login(user = 'wang', ip = '203.0.113.9'): number {
    const sshd = this.seen('/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]', { cgroup: '/system.slice/ssh.service' });
    this.accept(sshd, ip, 22);
    const session = this.fork(sshd);
    return this.run1(this.fork(session), '/usr/bin/bash', '-bash', { user, uid: user === 'root' ? 0 : 1000, cgroup: `/user.slice/user-0.slice/session-${session}.scope` });
  }

  /** A worker of a web server. */
  worker(): number {
    const master = this.seen('/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service' });
    return this.fork(master);
  }

  /** A shell that cron started. */
  cron(command: string): number {
    const cron = this.seen('/usr/sbin/cron', '/usr/sbin/cron -f', { cgroup: '/system.slice/cron.service' });
    return this.run1(this.fork(cron), '/usr/bin/dash', `/bin/sh -c ${command}`);
  }

  /** The main process of a systemd unit. */
  unit(name: string, path: string, cmdline = path): number { return this.run1(1, path, cmdline, { cgroup: `/system.slice/${name}.service`, user: 'root', uid: 0 }); }
}

const program = (path: string, cmdline: string): Partial<Event> => ({ process_name: path.slice(path.lastIndexOf('/') + 1).slice(0, 15), process_path: path, process_cmdline: cmdline });
