/**
 * The origin graph: every process with its identity, its parents and the tree it belongs to, and what it wrote,
 * ran, spoke to and asked. Fed with each event before detection; answers `Lineage`.
 *
 * Events of the kernel carry pid and process_started; where one of them was lost (the fork, the exec, the end)
 * what the others tell is taken. Log lines fill in who logged on from where: they may come before or after.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Lineage, Packages, PeerTouch, Writer } from '../../core/lineage.ts';
import { own } from '../../core/own.ts';
import { enrich } from './enrich.ts';
import { noHost, type HostFacts } from './host.ts';
import { entrance, fits, Peers, sudoOf, Waiting, type CronLine, type LogonLine, type SudoLine } from './logons.ts';
import { defaultBounds, Memory, type Bounds } from './memory.ts';
import { addFile, addName, addPeer, attach, isBelow, knownFile, knownName, knownPeer, leaveProgram, Node, type FileDone, type Tree } from './node.ts';
import { change, cut, Places } from './place.ts';
import { Requests } from './requests.ts';
import { isWebPort, roleOf } from './roles.ts';
import { shortPath, Texts } from './texts.ts';
import { Writers } from './writers.ts';

export interface OriginGraphOptions {
  host?: HostFacts;
  packages?: Packages;
  bounds?: Partial<Bounds>;
  count?: (what: string, n?: number) => void;
}

const sentMax = 64;
const reconcileMs = 60_000;

export class OriginGraph implements Lineage {
  readonly memory: Memory;
  readonly places: Places;
  readonly writers: Writers;
  readonly host: HostFacts;
  /** Rows of processes that were saved and have left since. */
  gone: string[] = [];
  goneBytes = 0;
  private readonly packages: Packages | undefined;
  private readonly peers = new Peers();
  private readonly logons = new Waiting<LogonLine>();
  private readonly requests = new Requests();
  private readonly cronRuns = new Waiting<CronLine>();
  private readonly count: (what: string, n?: number) => void;
  readonly texts = new Texts();
  private readonly done: FileDone = { path: '', action: '', inode: undefined, device: undefined, time: 0 };
  private lastEvent: Event | undefined;
  private lastNode: Node | undefined;
  private reconciled = 0;

  constructor(options: OriginGraphOptions = {}) {
    this.host = options.host ?? noHost;
    this.packages = options.packages;
    this.count = options.count ?? (() => undefined);
    this.places = new Places(this.host, options.packages);
    this.memory = new Memory({ ...defaultBounds, ...options.bounds }, (node) => this.left(node), this.count);
    this.writers = new Writers(this.count);
  }

  // --- Lineage

  of(event: Event): Node | undefined {
    if (event === this.lastEvent) return this.lastNode;
    return event.pid === undefined ? undefined : this.process(event.pid, event.process_started);
  }

  process(pid: number, started?: number): Node | undefined {
    return started === undefined ? this.memory.living(pid) : this.memory.find(pid, started);
  }

  writer(file: { path?: string | undefined; inode?: number | undefined; device?: number | undefined }): Writer | undefined {
    return this.writers.of(file.path, file.inode, file.device);
  }

  sudo(line: SudoLine): Node | undefined { return sudoOf(this.memory.all(), line); }

  // --- what the pipeline hands in

  /** Takes the event in and tells it where its process came from. */
  observe(event: Event): void {
    const node = this.take(event);
    this.lastEvent = event;
    this.lastNode = node;
    if (node) enrich(event, node, this.packages);
  }

  /** Time passes: what ended a day ago is forgotten, and ends that nobody told are noticed. */
  tick(now: number): void {
    this.memory.age(now);
    this.requests.tick(now, this.attribute);
    if (now - this.reconciled < reconcileMs && now >= this.reconciled) return;
    this.reconciled = now;
    this.reconcile(now);
  }

  private take(event: Event): Node | undefined {
    switch (event.kind) {
      case 'process_fork': return this.fork(event);
      case 'process_creation': return event.pid === undefined ? undefined : this.program(event, event.pid);
      case 'process_termination': return this.end(event);
      case 'network_connection': return this.spoke(event);
      case 'flow': return this.flow(event);
      case 'listener': return this.listens(event);
      case 'dns_query': return this.asked(event);
      case 'file_event':
        if (event.action !== 'read' && event.file_path !== undefined) this.packages?.changed?.(event.file_path);
        return this.file(event);
      case 'process_access': case 'privilege': case 'namespace': case 'module': return this.speaker(event);
      case 'metric': case 'finding': return event.pid === undefined || event.process_started === undefined ? undefined : this.memory.find(event.pid, event.process_started);
      case 'sshd': case 'auth': case 'sudo': case 'cron': return this.line(event);
      case 'access': case 'nginx': case 'apache': this.requests.request(event); return undefined;
      default: return undefined;
    }
  }

  // --- processes

  private fork(event: Event): Node | undefined {
    const { pid, time } = event;
    if (pid === undefined) return undefined;
    const started = event.process_started ?? time;
    const known = this.memory.find(pid, started);
    if (known) { known.heard = time; return known; }
    const parent = this.parentOf(event, started);
    const node = this.make(pid, started, parent, time);
    if (event.uid !== undefined) node.uid = event.uid;
    if (event.user !== undefined) node.user = this.texts.keep(event.user);
    if (event.cgroup !== undefined) node.cgroup = this.texts.keep(event.cgroup);
    if (event.container_id !== undefined) node.container = this.texts.keep(event.container_id);
    if (parent) this.places.forked(node, parent);
    else if (event.process_path !== undefined || event.process_name !== undefined) { this.describe(node, event); this.place(node, false); }
    this.joinLines(node);
    return node;
  }

  private make(pid: number, started: number, parent: Node | undefined, heard: number): Node {
    const before = this.memory.living(pid);
    if (before) this.memory.end(before, started || heard);
    const node = new Node(pid, started, parent, parent?.tree ?? this.places.unknown(started || heard), heard);
    if (parent) {
      node.name = parent.name;
      node.path = parent.path;
      node.cmdline = parent.cmdline;
      node.cwd = parent.cwd;
      node.uid = parent.uid;
      node.user = parent.user;
      node.terminal = parent.terminal;
      node.cgroup = parent.cgroup;
      node.container = parent.container;
      node.role = parent.role;
      node.label = parent.label;
      node.package = parent.package;
    } else node.tree.owner = node;
    node.isDirty = true;
    this.memory.add(node);
    return node;
  }

  /** The parent by its pid, made from what the event says of it when it was never heard of. */
  private parentOf(event: Event, started: number): Node | undefined {
    const pid = event.parent_pid;
    if (pid === undefined || pid <= 0 || pid === event.pid) return undefined;
    for (let node = this.memory.newest(pid); node !== undefined; node = node.older) {
      if (node.started <= started + 10 && (node.ended === undefined || node.ended >= started - 1000)) return node;
    }
    if (this.memory.newest(pid)?.ended === undefined && this.memory.newest(pid) !== undefined) return undefined; // a younger one: the pid was given anew
    const node = this.make(pid, 0, undefined, event.time);
    node.path = this.texts.path(event.parent_path);
    node.cmdline = this.texts.cmdline(event.parent_cmdline);
    node.name = node.path === undefined ? undefined : this.texts.keep(node.path.slice(node.path.lastIndexOf('/') + 1).slice(0, 15));
    this.describeRole(node);
    if (node.path !== undefined || pid <= 2) this.place(node, true);
    return node;
  }

  private program(event: Event, pid: number): Node {
    const { time } = event;
    const started = event.process_started ?? time;
    let node = this.memory.find(pid, started);
    const found = event.action === 'process-seen';
    if (!node) {
      const heardOf = this.memory.living(pid);
      // Until now it was only somebody's parent.
      if (heardOf?.started === 0) { node = heardOf; node.started = started; } else node = this.make(pid, started, this.parentOf(event, started), time);
    } else if (node.ended !== undefined && node.ended <= started && found) this.memory.revive(node);
    node.heard = time;
    this.hang(node, event, started);
    const path = this.texts.path(event.process_path), cmdline = this.texts.cmdline(event.process_cmdline);
    // A process may write itself another title; a look at /proc takes that for its command line.
    const isNew = path !== node.path || (cmdline !== node.cmdline && event.source !== 'process');
    if (node.hasProgram && isNew && !found) leaveProgram(node);
    if (node.hasProgram && !isNew) { this.describe(node, event); return node; }
    node.hasProgram = true;
    node.programSince = node.was.length === 0 ? Math.min(time, started) : time;
    node.package = undefined;
    this.describe(node, event);
    this.askPlace(node, event);
    this.place(node, found || event.source === 'process');
    const { parent } = node;
    if (parent && node.tree.origin.kind === 'web' && node.role !== 'web' && (parent.role === 'web' || parent.listens)) this.requests.started(node, time);
    const writer = this.writers.of(path, event.file_inode, event.file_device);
    if (writer) node.writtenBy = writer;
    node.isDirty = true;
    return node;
  }

  /** What a server ran for one request is a tree of its own, with the client's address. */
  private readonly attribute = (node: Node, ip: string): void => {
    const { origin } = node.tree;
    if (origin.kind !== 'web' || origin.source_ip !== undefined) return;
    this.places.begin(node, this.places.tree('web', node, node.started, { name: origin.name, user: origin.user, source_ip: ip }));
  };

  private place(node: Node, found: boolean): void {
    this.places.program(node, found);
    this.joinLines(node);
  }

  /** Hangs it under its parent when that was not known before. */
  private hang(node: Node, event: Event, started: number): void {
    if (node.parent !== undefined || event.parent_pid === undefined) return;
    const parent = this.parentOf(event, started);
    if (parent && parent !== node && !isBelow(parent, node)) attach(node, parent);
  }

  private describe(node: Node, event: Event): void {
    if (event.process_name !== undefined) node.name = this.texts.keep(event.process_name);
    if (event.process_path !== undefined) node.path = this.texts.path(event.process_path);
    if (event.process_cmdline !== undefined) node.cmdline = this.texts.cmdline(event.process_cmdline);
    if (event.process_cwd !== undefined) node.cwd = this.texts.path(event.process_cwd);
    // An account without a name here is not the one of its parent.
    if (event.uid !== undefined && event.uid !== node.uid) { node.uid = event.uid; node.user = undefined; }
    if (event.user !== undefined) node.user = this.texts.keep(event.user);
    if (event.terminal !== undefined) node.terminal = this.texts.keep(event.terminal);
    if (event.cgroup !== undefined) node.cgroup = this.texts.keep(event.cgroup);
    if (event.container_id !== undefined) node.container = this.texts.keep(event.container_id);
    this.describeRole(node);
  }

  private describeRole(node: Node): void {
    const { role, label } = roleOf(node.path, node.name, node.cmdline);
    node.role = role;
    node.label = label;
  }

  private askPlace(node: Node, event: Event): void {
    // The kernel sensor has looked already.
    if (event.cgroup !== undefined || node.ended !== undefined || event.source === 'ebpf') return;
    const place = this.host.place(node.pid);
    if (place?.cgroup !== undefined) node.cgroup = this.texts.keep(place.cgroup);
    if (place?.container !== undefined) node.container = this.texts.keep(place.container);
  }

  private end(event: Event): Node | undefined {
    const { pid } = event;
    if (pid === undefined) return undefined;
    const node = event.process_started === undefined ? this.memory.living(pid) : this.memory.find(pid, event.process_started);
    if (!node) return undefined;
    node.exit_code = event.exit_code;
    node.heard = event.time;
    node.isDirty = true;
    this.memory.end(node, event.time);
    return node;
  }

  /** The process an event speaks of; made from the event when its start was not seen. */
  private speaker(event: Event): Node | undefined {
    const { pid, process_started: started } = event;
    if (pid === undefined) return undefined;
    // Who told it may have known the number alone, of one that had ended already.
    let node = started === undefined ? this.memory.living(pid) ?? this.memory.at(pid, event.time) : this.memory.find(pid, started);
    if (!node && started !== undefined && (event.process_path !== undefined || event.process_name !== undefined)) {
      const newer = this.memory.newest(pid);
      // Told late of one that has made way for another: it is not brought back.
      if (newer !== undefined && newer.started > started) return undefined;
      node = this.program(event, pid);
    }
    if (node) node.heard = event.time;
    return node;
  }

  private reconcile(now: number): void {
    const pids = this.host.pids();
    if (pids === undefined) return;
    const here = new Set(pids);
    const missing: Node[] = [];
    for (const node of this.memory.all()) if (node.ended === undefined && !here.has(node.pid) && now - node.heard > 5000) missing.push(node);
    for (const node of missing) { node.isDirty = true; this.memory.end(node, now); }
  }

  private left(node: Node): void {
    if (node.tree.owner === node) node.tree.owner = undefined;
    if (node.row === undefined) return;
    this.gone.push(node.row);
    this.goneBytes += node.rowBytes;
  }

  // --- what they did

  private spoke(event: Event): Node | undefined {
    const node = this.speaker(event);
    if (!node) return undefined;
    const isInbound = event.direction === 'inbound';
    const ip = isInbound ? event.source_ip : event.destination_ip;
    if (ip === undefined) return node;
    if (isInbound && node.role === 'ssh') this.guest(node, ip, event.source_port ?? 0);
    this.peer(node, ip, event.destination_port ?? 0, isInbound ? 'inbound' : 'outbound', event);
    return node;
  }

  private peer(node: Node, ip: string, port: number, direction: PeerTouch['direction'], event: Event): PeerTouch {
    const known = knownPeer(node, ip, port, direction, event.time);
    if (known) { node.isDirty = true; return known; }
    const address = this.texts.keep(ip);
    const touch: PeerTouch = { what: `${address} ${port}`, count: 1, first: event.time, last: event.time, direction, ip: address, port };
    if (event.destination_host !== undefined && direction === 'outbound') touch.host = own(event.destination_host.slice(0, 253));
    this.memory.makeRoom(node);
    if (addPeer(node, touch)) this.memory.touches++;
    this.changed(node);
    return touch;
  }

  /** A connection to ssh: the listener takes it and forks for it, or its child is seen to hold it. */
  private guest(node: Node, ip: string, port: number): void {
    const at = entrance(node, 'ssh');
    if (!at) { node.guest = { ip: own(ip), port }; return; }
    this.peers.put(ip, port, at);
    if (at.tree.origin.source_ip !== undefined) return;
    at.tree.isSeen = true;
    change(at.tree, { source_ip: own(ip), source_port: port });
  }

  private flow(event: Event): Node | undefined {
    const node = this.speaker(event);
    if (!node || event.payload === undefined) return node;
    const isInbound = event.direction === 'inbound';
    const ip = isInbound ? event.source_ip : event.destination_ip;
    if (ip === undefined) return node;
    const touch = this.peer(node, ip, event.destination_port ?? 0, isInbound ? 'inbound' : 'outbound', event);
    touch.sent ??= own(event.payload.slice(0, sentMax));
    return node;
  }

  private listens(event: Event): Node | undefined {
    const node = this.speaker(event);
    if (!node) return undefined;
    node.listens = true;
    this.places.listens(node, event.protocol !== 'udp' && event.destination_port !== undefined && isWebPort(event.destination_port));
    return node;
  }

  private asked(event: Event): Node | undefined {
    const node = this.speaker(event);
    const name = event.destination_host;
    if (!node || name === undefined) return node;
    if (knownName(node, name, event.time)) { node.isDirty = true; return node; }
    this.memory.makeRoom(node);
    if (addName(node, own(name.slice(0, 253)), event.time)) this.memory.touches++;
    this.changed(node);
    return node;
  }

  private file(event: Event): Node | undefined {
    const node = this.speaker(event);
    const path = event.file_path;
    if (!node || path === undefined) return node;
    const { done } = this;
    done.path = shortPath(path);
    done.action = event.action ?? 'write';
    done.inode = event.file_inode;
    done.device = event.file_device;
    done.time = event.time;
    if (knownFile(node, done)) node.isDirty = true;
    else {
      done.path = own(done.path);
      this.memory.makeRoom(node);
      if (addFile(node, done)) this.memory.touches++;
      this.changed(node);
    }
    switch (done.action) {
      case 'write': case 'create': case 'link': this.writers.wrote(node, done.path, done.inode, done.device, event.time); break;
      case 'rename': this.writers.renamed(node, event.file_from, done.path, done.inode, done.device, event.time); break;
      case 'delete': this.writers.removed(done.path); break;
      default: break;
    }
    return node;
  }

  private changed(node: Node): void {
    node.isDirty = true;
    this.memory.tells(node);
  }

  // --- log lines

  /** The line's own process, when it is the one that the pid means. */
  private line(event: Event): Node | undefined {
    const { pid, time } = event;
    if (pid === undefined) return undefined;
    if (event.action === 'login' && event.outcome === 'success') this.loggedOn({ pid, user: event.user, ip: event.source_ip, port: event.source_port, time }, event);
    else if (event.action === 'cron-run') this.cronRan({ pid, user: event.user, command: event.process_cmdline, time });
    const node = this.memory.at(pid, time);
    // A forged or foreign line may name any pid.
    return node && node.name !== undefined && event.process_name !== undefined && node.name.toLowerCase() === event.process_name.toLowerCase() ? node : undefined;
  }

  private loggedOn(line: LogonLine, event: Event): void {
    const kept: LogonLine = { ...line, user: line.user === undefined ? undefined : own(line.user), ip: line.ip === undefined ? undefined : own(line.ip) };
    this.logons.put(kept);
    if (event.kind !== 'sshd') {
      const node = this.memory.at(line.pid, line.time);
      if (node?.role === 'getty') this.consoleLogon(node, kept);
      return;
    }
    const byPid = this.memory.at(line.pid, line.time);
    const at = (byPid && fits(byPid, line.time) ? entrance(byPid, 'ssh') : undefined) ?? this.peers.of(line.ip, line.port);
    if (at) this.fill(at.tree, kept);
  }

  /** Once: a connection has one such line, and what comes after it anyone may have written. The address that the kernel saw stands. */
  private fill(tree: Tree, line: LogonLine): void {
    if (tree.isJoined) return;
    tree.isJoined = true;
    this.places.loggedOn(tree, undefined);
    change(tree, { user: line.user ?? tree.origin.user });
    if (!tree.isSeen) change(tree, { source_ip: line.ip ?? tree.origin.source_ip, source_port: line.port ?? tree.origin.source_port });
  }

  private consoleLogon(node: Node, line: LogonLine): void {
    const tree = node.tree;
    if (tree.via !== 'console') return;
    if (line.ip !== undefined) this.fill(tree, line);
    else if (line.user !== undefined) change(tree, { user: line.user });
  }

  private cronRan(line: CronLine): void {
    const kept: CronLine = { ...line, user: line.user === undefined ? undefined : own(line.user), command: line.command === undefined ? undefined : own(cut(line.command)) };
    this.cronRuns.put(kept);
    const node = this.memory.at(line.pid, line.time);
    const at = node && entrance(node, 'cron');
    if (at && fits(at, line.time)) this.fillCron(at.tree, kept);
  }

  private fillCron(tree: Tree, line: CronLine): void {
    if (tree.isJoined) return;
    tree.isJoined = true;
    change(tree, { name: line.command, user: line.user });
  }

  /** Lines that came before their process. */
  private joinLines(node: Node): void {
    if (node.tree.owner !== node) return;
    switch (node.tree.via) {
      case 'ssh': {
        const line = this.logons.of(node);
        if (line) this.fill(node.tree, line);
        const { source_ip, source_port } = node.tree.origin;
        if (source_ip !== undefined && source_port !== undefined) this.peers.put(source_ip, source_port, node);
        break;
      }
      case 'cron': {
        const line = this.cronRuns.of(node);
        if (line) this.fillCron(node.tree, line);
        break;
      }
      case 'console': {
        const line = this.logons.of(node);
        if (line) this.consoleLogon(node, line);
        break;
      }
      default: break;
    }
  }
}
