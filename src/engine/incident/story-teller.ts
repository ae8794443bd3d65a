/**
 * Which processes belong to a story. Those that certainly do are `strong`: all they started and did belongs as well. Of `weak` ones (who
 * wrote a file days ago that an intruder runs now) only the deed that ties them belongs. What carries others' work is on the way in, not part of it.
 */
import type { Origin, OriginKind, ProcessNode, Writer } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import { baseName } from '../origin/roles.ts';
import { addFile, addSecret, judgedPath } from './story-files.ts';
import { filesRun, indexOf, nameIn, type Place, type StoryIndex } from './story-index.ts';
import { addPackage } from './story-package.ts';
import { argumentsOf, isCarrier, isInstaller, isOddPlace, isOneVisit, isShell, isShipped, scopeOf } from './story-scope.ts';
import { type Bounds, processId, Sketch } from './story-sketch.ts';
import { databaseAt } from './story-steps.ts';
import type { FileLook, StoryWorld } from './story-world.ts';

export type Strength = 'strong' | 'weak';

const entrances = new Set(['login', 'cron', 'console', 'timer']);
const makesAccounts = new Set(['useradd', 'adduser', 'usermod', 'chpasswd', 'passwd']);
const accountName = /^[a-z_][a-z0-9_.-]{0,31}\$?$/i;
const moduleName = /^[\w-]{1,64}$/;
const wasMax = 500;
const textRoom = 16 << 20;
const writersMax = 16;

export class Teller {
  readonly world: StoryWorld;
  readonly index: StoryIndex;
  readonly sketch: Sketch;
  readonly members = new Map<ProcessNode, Strength>();
  readonly chained = new Set<ProcessNode>();
  /** What the alerts themselves are about. */
  readonly seeds = new Set<ProcessNode>();
  /** Connections, requests and jobs of strong members, and the addresses these came from. */
  readonly visits = new Set<Origin>();
  readonly addresses = new Set<string>();
  /** What alerts say of the beginning of processes that are no longer remembered. */
  readonly heard: { kind: OriginKind; ip: string | undefined; user: string | undefined; time: number; node: string }[] = [];
  private readonly open: ProcessNode[] = [];
  private readonly omitted = new Set<ProcessNode>();
  private readonly texts = new Map<string, string | undefined>();
  private room = textRoom;
  private readonly looks = new Map<string, FileLook | 'blind' | undefined>();

  constructor(world: StoryWorld, bounds?: Bounds) {
    this.world = world;
    this.sketch = new Sketch(bounds);
    this.index = indexOf(world.processes(), (node, path) => this.place(node, path));
  }

  /** Follows all that joined. */
  settle(): void {
    for (let node = this.open.pop(); node !== undefined; node = this.open.pop()) this.follow(node, this.members.get(node) ?? 'weak');
  }

  /** Where a path lies that a process knows. */
  place(node: ProcessNode, path: string): Place {
    if (node.container === undefined) return { path, elsewhere: false };
    const here = this.world.onHost(node, path);
    return here === undefined ? { path, elsewhere: true } : { path: here, inside: path, elsewhere: false };
  }

  look(path: string): FileLook | 'blind' | undefined {
    if (!this.looks.has(path)) this.looks.set(path, this.world.look(path));
    return this.looks.get(path);
  }

  /** What files that start things hold; together at most so much, what is beyond is counted as left out. */
  text(path: string): string | undefined {
    if (this.texts.has(path)) return this.texts.get(path);
    if (this.room <= 0) { this.sketch.left++; return undefined; }
    const text = this.world.text(path);
    this.room -= text?.length ?? 0;
    this.texts.set(path, text);
    return text;
  }

  /** Nothing is done to it: it does the work of others, or is what Moat or whoever asks runs in. */
  carries(node: ProcessNode): boolean { return this.world.apart.has(node) || isCarrier(node, node.origin.kind); }

  /** The suspicious part of the tree that this process is in. False when it carries others' work and nothing of it joined. */
  addTree(node: ProcessNode, strength: Strength): boolean {
    const { chain, top } = scopeOf(node, this.world.apart);
    this.addChain(chain);
    if (top === undefined) return false;
    this.join(top, strength);
    // The tree may have been cut where a service began in it.
    this.join(node, strength);
    return true;
  }

  /** Shown as the way in; nothing is done to it. */
  addChain(chain: readonly ProcessNode[]): void {
    let above: ProcessNode | undefined;
    for (const node of chain) {
      if (!this.members.has(node) && !this.chained.has(node)) {
        if (!this.addProcess(node, { chain: true })) return;
        this.chained.add(node);
        this.ofVisit(node);
      }
      if (above) this.sketch.edge(processId(above), processId(node), 'started', node.started);
      above = node;
    }
  }

  join(node: ProcessNode, strength: Strength): void {
    const known = this.members.get(node);
    if (known === 'strong' || known === strength || this.world.apart.has(node)) return;
    if (!this.addProcess(node, { chain: false, weak: strength === 'weak', ...(this.seeds.has(node) && { seed: true }) })) { this.leave(node); return; }
    this.members.set(node, strength);
    this.chained.delete(node);
    if (strength === 'strong' && isOneVisit(node.origin)) this.addVisit(node.origin);
    this.open.push(node);
  }

  /** No room: those below it are counted as well, each once. */
  private leave(node: ProcessNode): void {
    const open = [node];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.omitted.has(at)) continue;
      this.omitted.add(at);
      this.sketch.left++;
      for (const child of at.children) if (!this.members.has(child)) open.push(child);
    }
  }

  /** All of a log-on or request: the alert is about who came, not about one program. */
  addWholeVisit(origin: Origin): void {
    this.addVisit(origin);
    for (const node of this.index.trees.get(origin) ?? []) {
      if (!this.carries(node)) { this.join(node, 'strong'); continue; }
      this.addChain(scopeOf(node, this.world.apart).chain);
      if (!this.chained.has(node)) continue;
      // What they typed at the shell itself did.
      if (isShell(node)) for (const touch of node.wrote) addFile(this, node, touch);
    }
  }

  /** A program that a story file became, here or in another session. */
  addRunner(node: ProcessNode): void {
    const { chain } = scopeOf(node, this.world.apart);
    this.addChain(chain.filter((one) => one !== node));
    if (this.carries(node)) this.addChain([node]);
    else this.join(node, 'strong');
  }

  /** Whoever wrote what a member runs. Strong when they came the same way as the others. */
  addWriter(writer: Writer, file: string): void {
    const { process, time } = writer;
    if (isInstaller(process)) return;
    if (!this.members.has(process)) {
      const { origin } = process;
      const same = this.visits.has(origin) || (isOneVisit(origin) && origin.source_ip !== undefined && this.addresses.has(origin.source_ip));
      const { chain } = scopeOf(process, this.world.apart);
      if (same) this.addTree(process, 'strong');
      else {
        this.addChain(chain.filter((one) => one !== process));
        if (this.carries(process)) this.addChain([process]);
        else this.join(process, 'weak');
      }
    }
    this.sketch.edge(processId(process), file, 'wrote', time);
  }

  private addVisit(origin: Origin): void {
    this.visits.add(origin);
    // Whoever installs a package did not write it.
    if (origin.source_ip !== undefined && origin.kind !== 'package') this.addresses.add(origin.source_ip);
  }

  private addProcess(node: ProcessNode, facts: { chain: boolean; weak?: boolean; seed?: boolean }): boolean {
    const { pid, started, path, uid, user, cwd, ended, origin } = node;
    const was = node.was.map((one) => one.path ?? '?').join(' → ').slice(0, wasMax) || undefined;
    const label = maskSecrets(node.cmdline ?? path ?? node.name ?? `pid ${pid}`);
    return this.sketch.node('process', processId(node), label, started || origin.since, ended ?? this.world.now, { pid, started, path, uid, user, cwd, was, origin: origin.kind, ...facts, weak: facts.weak ?? false }, ended === undefined);
  }

  /** Account, address and container that its tree began with. */
  private ofVisit(node: ProcessNode): void {
    const { origin } = node;
    const { kind, user, source_ip: ip, since } = origin;
    const id = processId(node);
    if (kind === 'login' && user !== undefined) {
      this.sketch.node('account', `account:${user}`, user, since, since, { user });
      this.sketch.edge(`account:${user}`, id, 'logged-on', since);
    }
    if (ip !== undefined) {
      this.sketch.node('address', `address:${ip}`, ip, since, since, { ip, came: true });
      this.sketch.edge(`address:${ip}`, id, kind === 'login' ? 'logged-on' : 'spoke', since);
    }
    if (node.container !== undefined) {
      const name = origin.container?.name;
      this.sketch.node('container', `container:${node.container}`, name ?? node.container.slice(0, 12), since, since, { container: node.container, name, image: origin.container?.image });
      this.sketch.edge(`container:${node.container}`, id, 'started', node.started);
    }
  }

  private follow(node: ProcessNode, strength: Strength): void {
    const id = processId(node), { parent, origin } = node;
    if (parent) this.sketch.edge(processId(parent), id, 'started', node.started);
    if (node.root === node || parent === undefined || !this.sketch.has(processId(parent)) || this.chained.has(parent)) this.ofVisit(node);
    if (strength === 'weak') return;
    // What an installer brings is of its packages: it joins by itself when something in it is alarmed.
    if (isInstaller(node)) return;
    for (const child of node.children) {
      if (child.origin !== origin && entrances.has(child.origin.kind) && child.root === child) continue;
      this.join(child, 'strong');
      this.sketch.edge(id, processId(child), 'started', child.started);
    }
    this.runs(node, id);
    for (const touch of node.wrote) addFile(this, node, touch);
    for (const touch of node.read) addSecret(this, node, touch);
    for (const touch of node.spoke) this.spoke(id, touch);
    for (const { what, first, last, count } of node.asked) {
      const name = what.toLowerCase();
      this.sketch.node('name', `name:${name}`, name, first, last, { name });
      this.sketch.edge(id, `name:${name}`, 'asked', first, last, count);
    }
    this.plants(node, id);
    if (node.origin.kind === 'package') addPackage(this, node);
  }

  private spoke(id: string, { ip, port, host, sent, direction, first, last, count }: ProcessNode['spoke'][number]): void {
    const isOut = direction === 'outbound';
    if (ip.startsWith('127.') || ip === '::1') {
      // Of what is on this machine only the databases say how far it went.
      const known = String(this.sketch.facts(id)?.['local_databases'] ?? '').split(' ').filter(Boolean);
      if (isOut && databaseAt(port) !== undefined && !known.includes(String(port))) this.sketch.node('process', id, '', first, last, { local_databases: [...known, port].join(' ') });
      return;
    }
    this.sketch.node('address', `address:${ip}`, host === undefined ? ip : `${ip} (${host})`, first, last, { ip, host, sent, ...(isOut ? { called: true, port } : { came: true, own_port: port }) });
    this.sketch.edge(isOut ? id : `address:${ip}`, isOut ? `address:${ip}` : id, 'spoke', first, last, count);
  }

  /** Accounts and modules by the programs that make them. */
  private plants(node: ProcessNode, id: string): void {
    const program = baseName(node.path ?? node.name ?? '');
    if (makesAccounts.has(program)) {
      const user = argumentsOf(node).findLast((word) => !word.startsWith('-'));
      if (user === undefined || !accountName.test(user)) return;
      this.sketch.node('account', `account:${user}`, user, node.started, node.started, { user, made: program === 'useradd' || program === 'adduser', changed: true });
      this.sketch.edge(id, `account:${user}`, 'planted', node.started);
    } else if (program === 'insmod' || program === 'modprobe' || (program === 'kmod' && /^\S*(?:insmod|modprobe)\b/.test(node.cmdline ?? ''))) {
      const word = argumentsOf(node).find((one) => !one.startsWith('-'));
      const module = word === undefined ? undefined : baseName(word).replace(/\.ko(?:\.[a-z0-9]{1,4})?$/, '').replaceAll('-', '_');
      if (module === undefined || !moduleName.test(module)) return;
      this.sketch.node('module', `module:${module}`, module, node.started, node.started, { module, path: word?.startsWith('/') ? word : undefined });
      this.sketch.edge(id, `module:${module}`, 'planted', node.started);
    }
  }

  /** The files it runs, unless a package put them there, and who wrote these. */
  private runs(node: ProcessNode, id: string): void {
    for (const path of filesRun(node)) {
      const at = this.place(node, path);
      const owner = at.elsewhere ? undefined : this.world.owner(at.path);
      if (isShipped(owner)) continue;
      const writers = writersOf(this, node, path, at);
      const isOdd = isOddPlace(judgedPath(at));
      // What only runs in a container is of its image.
      if (writers.length === 0 && !isOdd && (node.container !== undefined || !this.seeds.has(node))) continue;
      const file = addFile(this, node, { what: path, action: 'ran', count: 1, first: node.started, last: node.started });
      if (file === undefined) continue;
      this.sketch.edge(id, file, 'ran', node.started);
      for (const writer of writers) this.addWriter(writer, file);
    }
  }
}

function writersOf({ world, index }: Teller, node: ProcessNode, path: string, at: Place): Writer[] {
  const found = new Map<ProcessNode, Writer>();
  const last = node.container === undefined ? world.lineage.writer({ path }) : undefined;
  for (const writer of [node.writtenBy?.path === path ? node.writtenBy : undefined, last]) if (writer) found.set(writer.process, writer);
  for (const { node: process, touch } of index.writers.get(nameIn(at, node)) ?? []) {
    if (found.size >= writersMax) break;
    // Whoever came later than the run did not write what ran.
    if ((touch.action === 'write' || touch.action === 'create' || touch.action === 'rename' || touch.action === 'link') && touch.first <= node.started + 1000 && !found.has(process)) found.set(process, { path, time: touch.first, process });
  }
  return [...found.values()];
}
