/** Which tree a process belongs to: where something begins (a connection, a job, a service) it gets a new one. */
import type { ContainerInfo, Logon, Origin, OriginKind, Packages } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { HostFacts } from './host.ts';
import type { Node, Tree } from './node.ts';
import { roleOf, roleOfUnit } from './roles.ts';

/** Where only root installs programs: a file elsewhere that bears a server's name is none before it serves. */
const systemPlaces = ['/usr/', '/bin/', '/sbin/', '/lib', '/opt/', '/snap/', '/nix/store/', '/www/server/'];
/** Temporary folders, memory, hidden and removed files. */
const neverInstalled = /^\/(?:(?:tmp|var\/tmp|dev|run|proc)\/|memfd:)|\/\.| \(deleted\)$/;

const nameMax = 200;
const adoptedMax = 20_000;
const againMax = 2000;
const remembered = 1024;

export class Places {
  private readonly host: HostFacts;
  private readonly packages: Packages | undefined;
  /** A later run goes on counting behind the trees it has read back. */
  serial = 1;
  /** Trees of log-on sessions by logind's id, and of units: for processes found without their parents. */
  private readonly sessions = new Map<string, Tree>();
  private readonly units = new Map<string, Tree>();

  constructor(host: HostFacts, packages?: Packages) {
    this.host = host;
    this.packages = packages;
  }

  tree(kind: OriginKind, node: Node | undefined, since: number, more: Partial<Origin> = {}, via?: Tree['via']): Tree {
    const origin: Origin = { kind, since };
    for (const [key, value] of Object.entries(more)) if (value !== undefined) Object.assign(origin, { [key]: value });
    const container = node?.container === undefined ? undefined : this.containerOf(node.container);
    if (container) origin.container = container;
    return { serial: this.serial++, version: 1, origin, via, owner: node, isJoined: false, isSeen: false };
  }

  unknown(since: number): Tree { return this.tree('unknown', undefined, since); }

  /** A child that has not become a program of its own. */
  forked(child: Node, parent: Node): void {
    const { role, tree } = parent;
    if (role === 'ssh' && tree.via !== 'ssh') {
      const { guest } = parent;
      parent.guest = undefined;
      this.begin(child, this.tree('service', child, child.started, { name: parent.label, source_ip: guest?.ip, source_port: guest?.port }, 'ssh'));
      child.tree.isSeen = guest !== undefined;
    } else if (role === 'cron' && tree.via !== 'cron') {
      this.begin(child, this.tree('cron', child, child.started, {}, 'cron'));
    } else if (role === 'web' && tree.origin.kind === 'web' && tree.via !== 'worker') {
      this.begin(child, this.tree('web', child, child.started, { name: tree.origin.name, user: child.user }, 'worker'));
    } else if (parent.pid === 1 && parent.role === 'init') {
      // What the first process starts says itself what it is, once it is in its control group.
      this.begin(child, this.tree('unknown', child, child.started));
    }
  }

  /** A process that became a program, or was found as one. `found`: it was there before; nothing was seen of its start. */
  program(node: Node, found: boolean): void {
    if (!this.isWhatItSays(node)) node.role = 'other';
    if (this.byRole(node, found)) return;
    if (this.byPlace(node, found)) return;
    const { parent } = node;
    if (node.tree.owner === node && node.tree.origin.kind !== 'unknown') return;
    if (parent && !(parent.pid === 1 && parent.role === 'init') && parent.tree.origin.kind !== 'unknown') { this.inherit(node, parent); return; }
    this.byTerminal(node, found);
  }

  /**
   * A miner that calls itself nginx must not lose the origin it has: in what a person, a web request or a job
   * started, a name alone begins nothing. A program that a package owns is what it says; so is one in a system
   * place that a service started. Others show it by listening.
   */
  private isWhatItSays(node: Node): boolean {
    const { role, path, tree } = node;
    const { kind } = tree.origin;
    switch (role) {
      case 'other': case 'runtime': case 'init': return true;
      // The entrance itself, and what forks of it.
      case 'ssh': case 'cron': if (tree.via === role && node.parent?.role === role) return true; break;
      case 'web': if (kind === 'web' && node.parent?.role === 'web') return true; break;
      case 'package': if (kind === 'web') return false; break;
      default: break;
    }
    const isSystem = path === undefined || systemPlaces.some((place) => path.startsWith(place));
    if (kind === 'service' || kind === 'unknown' || kind === 'container' || kind === 'timer' || kind === 'cloud' || kind === 'kernel') return isSystem;
    if (tree.owner === node && role !== 'package') return isSystem;
    if (role === 'package') return isSystem;
    if (role === 'getty') return kind === 'login' || kind === 'console';
    if (path === undefined || node.container !== undefined || this.packages?.ready !== true) return false;
    const owner = this.packages.owner(path);
    return owner !== undefined && owner.intact !== false;
  }

  /** True when the role alone settles it. */
  private byRole(node: Node, found: boolean): boolean {
    const { parent, tree, role } = node;
    const { kind } = tree.origin;
    switch (role) {
      case 'ssh':
        this.ssh(node, found);
        return true;
      case 'cron':
        if (tree.via === 'cron') return true;
        if (parent?.role === 'cron' && parent.tree.via !== 'cron') { this.begin(node, this.tree('cron', node, node.started, {}, 'cron')); return true; }
        if (!(tree.owner === node && kind === 'service')) this.begin(node, this.tree('service', node, node.started, { name: unitOf(node.cgroup) ?? node.label }));
        return true;
      case 'getty':
        if (kind === 'login' || tree.via === 'ssh') return false;
        if (kind !== 'console') this.begin(node, this.tree('console', node, node.started, { name: node.terminal }, 'console'));
        return true;
      case 'web':
        if (kind === 'web' && tree.via === 'worker' && tree.owner === node) return true;
        if (parent?.tree.origin.kind === 'web' && parent.role === 'web') {
          if (parent.tree.via === 'worker') this.inherit(node, parent);
          else if (tree.owner !== node) this.begin(node, this.tree('web', node, node.started, { name: parent.tree.origin.name, user: node.user }, 'worker'));
          return true;
        }
        if (!(kind === 'web' && tree.owner === node)) this.begin(node, this.tree('web', node, node.started, { name: node.label }));
        return true;
      case 'database':
        if (!(kind === 'service' && tree.origin.name === node.label)) this.begin(node, this.tree('service', node, node.started, { name: node.label }));
        return true;
      case 'cloud':
        if (kind !== 'cloud') this.begin(node, this.tree('cloud', node, node.started, { name: node.label }));
        return true;
      default:
        return this.byParent(node);
    }
  }

  private ssh(node: Node, found: boolean): void {
    const { parent, tree } = node;
    const title = found ? /^(?:sshd|sshd-session): (?!.*\[listener\])([^ @]{1,64})(?:@([^ ,]{1,32}))?/.exec(node.cmdline ?? '') : null;
    if (parent?.role === 'ssh' && parent.tree.via === 'ssh') this.inherit(node, parent);
    else if (parent?.role === 'ssh' || title !== null || isPerConnection(node.cmdline)) {
      if (!(tree.via === 'ssh' && tree.owner === node)) this.begin(node, this.tree('service', node, node.started, { name: node.label }, 'ssh'));
    } else if (!(tree.owner === node && tree.origin.kind === 'service')) {
      this.begin(node, this.tree('service', node, node.started, { name: unitOf(node.cgroup) ?? node.label }));
    }
    // `sshd: wang@pts/3` is how it calls itself once wang is in; before that there is no @.
    const user = title?.[1], terminal = title?.[2];
    if (terminal === undefined || node.tree.via !== 'ssh') return;
    this.loggedOn(node.tree, user);
    if (node.tree.origin.source_ip !== undefined) return;
    const logon = this.host.logons().findLast((one) => one.until === undefined && (one.pid === node.pid || one.pid === parent?.pid || one.terminal === terminal));
    if (logon?.source_ip !== undefined) change(node.tree, { source_ip: logon.source_ip });
  }

  private byParent(node: Node): boolean {
    const { parent, tree } = node;
    if (parent?.role === 'package' && parent.hasProgram) {
      if (parent.tree.origin.kind === 'package') { this.inherit(node, parent); return true; }
      if (tree.origin.kind === 'package') return true;
      const { user, source_ip, source_port } = parent.tree.origin;
      this.begin(node, this.tree('package', node, node.started, { name: parent.label, user, source_ip, source_port }));
      return true;
    }
    switch (tree.via) {
      case 'ssh':
        // Only who was let in gets a program that is not sshd's own.
        this.loggedOn(tree, node.user, parent?.role === 'ssh');
        this.bindSession(node);
        return true;
      case 'cron':
        if (tree.origin.name === undefined) change(tree, { name: cut(maskSecrets(node.cmdline ?? '').replace(/^\S*sh -c /, '')) || undefined });
        if (tree.origin.user === undefined && node.user !== undefined) change(tree, { user: node.user });
        return true;
      case 'console':
        if (tree.origin.user === undefined && node.user !== undefined) change(tree, { user: node.user });
        this.bindSession(node);
        return true;
      default:
        return false;
    }
  }

  /** By control group and container, where these differ from the parent's. */
  private byPlace(node: Node, found: boolean): boolean {
    const { parent, cgroup } = node;
    const orphan = parent === undefined || parent.role === 'init' || parent.tree.origin.kind === 'unknown';
    if (node.container !== undefined && node.container !== parent?.container) {
      this.begin(node, this.tree('container', node, node.started, { name: this.containerOf(node.container)?.name }));
      return true;
    }
    if (cgroup === undefined || cgroup === '/' || (!orphan && cgroup === parent?.cgroup)) return this.byKernel(node);
    const session = sessionOf(cgroup);
    if (session !== undefined) {
      if (!orphan) return false;
      const tree = this.sessions.get(session) ?? this.ofLogon(node, this.host.session(session));
      remember(this.sessions, session, tree);
      this.begin(node, tree);
      return true;
    }
    const unit = unitOf(cgroup);
    if (unit === undefined) return this.byKernel(node);
    if (!orphan && (parent.tree.via === 'ssh' || parent.tree.via === 'cron' || unit === unitOf(parent.cgroup))) return false;
    const shared = found ? this.units.get(cgroup) : undefined;
    // Of a unit that was started anew the tree is another one.
    if (shared?.owner !== undefined && shared.owner.ended === undefined) { this.begin(node, shared); return true; }
    const tree = this.ofUnit(node, unit);
    remember(this.units, cgroup, tree);
    this.begin(node, tree);
    return true;
  }

  private ofUnit(node: Node, unit: string): Tree {
    const since = node.started;
    if (this.host.hasTimer(`${unit}.service`)) return this.tree('timer', node, since, { name: unit, user: node.user });
    const { role, label } = roleOfUnit(unit);
    switch (role) {
      case 'ssh': return this.tree('login', node, since, { user: node.user });
      case 'cron': return this.tree('cron', node, since, { user: node.user });
      case 'web': return this.tree('web', node, since, { name: label, user: node.user });
      case 'getty': return this.tree('console', node, since, { user: node.user });
      case 'cloud': return this.tree('cloud', node, since, { name: label });
      default: return this.tree('service', node, since, { name: unit, user: node.user });
    }
  }

  private byKernel(node: Node): boolean {
    const { parent } = node;
    if (!this.host.kernelThreads || (node.pid !== 2 && !(parent?.pid === 2 && parent.path === undefined))) return false;
    if (node.tree.origin.kind !== 'kernel') this.begin(node, this.tree('kernel', node, node.started));
    return true;
  }

  /** Nothing else tells: a terminal, or the records of log-ons. */
  private byTerminal(node: Node, found: boolean): void {
    if (node.pid === 1) { this.begin(node, this.tree('service', node, node.started, { name: node.label || node.name })); return; }
    const { terminal } = node;
    if (terminal !== undefined && !terminal.startsWith('pts/')) { this.begin(node, this.tree('console', node, node.started, { name: terminal, user: node.user }, 'console')); return; }
    const logon = terminal === undefined || !found ? undefined : this.host.logons().findLast((one) => one.terminal === terminal && one.since <= node.started + 2000 && (one.until === undefined || one.until >= node.started));
    if (logon) { this.begin(node, this.ofLogon(node, logon)); return; }
    const { parent } = node;
    if (parent && parent.pid !== 1) { this.inherit(node, parent); return; }
    if (node.tree.owner !== node) this.begin(node, this.tree('unknown', node, node.started, { name: node.name }));
    else if (node.name !== node.tree.origin.name) change(node.tree, { name: node.name });
  }

  private ofLogon(node: Node, logon: Logon | undefined): Tree {
    const user = logon?.user ?? node.user;
    const local = logon !== undefined && logon.source_ip === undefined && logon.terminal !== undefined && !logon.terminal.startsWith('pts/');
    return this.tree(local ? 'console' : 'login', node, logon?.since ?? node.started, { user, source_ip: logon?.source_ip, name: local ? logon.terminal : undefined });
  }

  /** Somebody got in through this entrance. */
  loggedOn(tree: Tree, user: string | undefined, isFirst = false): void {
    if (tree.origin.kind !== 'login') change(tree, { kind: 'login', name: undefined });
    // What sshd runs as root before the session (PAM, the message of the day) is not yet whoever logged on.
    const wasSshd = isFirst && tree.origin.user === 'root' && !tree.isJoined;
    if (user !== undefined && (tree.origin.user === undefined || wasSshd)) change(tree, { user });
  }

  private bindSession(node: Node): void {
    const session = node.cgroup === undefined ? undefined : sessionOf(node.cgroup);
    if (session !== undefined && this.sessions.get(session) !== node.tree) remember(this.sessions, session, node.tree);
  }

  /** A server without a unit of its own shows what it is when it listens. */
  listens(node: Node, web: boolean): void {
    const { role } = roleOf(node.path, node.name, node.cmdline);
    if (node.role === 'other' && (role === 'web' || role === 'database' || role === 'ssh') && this.mayServe(node)) {
      node.role = role;
      this.byRole(node, false);
      this.again(node);
      return;
    }
    const { tree } = node;
    const { kind } = tree.origin;
    if (web && node.role === 'runtime' && (kind === 'service' || kind === 'unknown' || kind === 'container')) {
      if (tree.owner === node) { change(tree, { kind: 'web', name: tree.origin.name ?? node.label }); return; }
      this.begin(node, this.tree('web', node, node.started, { name: kind === 'service' ? tree.origin.name ?? node.label : node.label, user: node.user }));
    } else if (kind === 'unknown' && tree.owner === node && (node.parent === undefined || node.parent.pid === 1)) {
      change(tree, { kind: 'service', name: node.label || node.name });
    }
  }

  /** In what a person, a web request or a job started, a program is no server that lies where none is installed, or that they put there themselves. */
  private mayServe({ path, tree, writtenBy }: Node): boolean {
    const { kind } = tree.origin;
    if (kind === 'service' || kind === 'unknown' || kind === 'container' || kind === 'timer') return true;
    return path !== undefined && !neverInstalled.test(path) && writtenBy?.process.origin !== tree.origin;
  }

  /** What a server started before it was known as one: each of its children may be a beginning. */
  private again(server: Node): void {
    const open = [...server.children];
    for (let n = 0; n < againMax; n++) {
      const node = open.pop();
      if (node === undefined) return;
      if (node.parent && !node.hasProgram) {
        node.role = node.parent.role;
        this.forked(node, node.parent);
      } else this.program(node, true);
      if (open.length < againMax) open.push(...node.children);
    }
  }

  private inherit(node: Node, parent: Node): void {
    if (node.tree !== parent.tree) this.begin(node, parent.tree);
  }

  /** Puts the process, and those below it that shared its tree, into this one. */
  begin(node: Node, tree: Tree): void {
    const before = node.tree;
    if (before === tree) return;
    tree.owner ??= node;
    if (before.owner === node) before.owner = undefined;
    const open = [node];
    for (let n = 0; n < adoptedMax; n++) {
      const at = open.pop();
      if (at === undefined) return;
      at.tree = tree;
      at.isDirty = true;
      for (let child = at.firstChild; child !== undefined; child = child.next) if (child.tree === before && open.length < adoptedMax) open.push(child);
    }
  }

  private containerOf(id: string): ContainerInfo { return this.host.container(id) ?? { id }; }
}

/** Changes what a tree began with, for all in it. */
export function change(tree: Tree, what: { [K in keyof Origin]?: Origin[K] | undefined }): void {
  for (const [key, value] of Object.entries(what)) {
    if (value === undefined) delete (tree.origin as unknown as Record<string, unknown>)[key];
    else Object.assign(tree.origin, { [key]: value });
  }
  tree.version++;
  if (tree.owner) tree.owner.isDirty = true;
}

function remember(map: Map<string, Tree>, key: string, tree: Tree): void {
  if (map.size >= remembered && !map.has(key)) map.delete(map.keys().next().value!);
  map.set(key, tree);
}

export const cut = (text: string): string => (text.length > nameMax ? `${text.slice(0, nameMax)}…` : text);

/** `sshd -i` under a socket unit serves one connection. */
const isPerConnection = (cmdline: string | undefined): boolean => cmdline !== undefined && / -i(?: |$)/.test(cmdline.slice(0, 256));

/** The last unit in a control group path: nginx for /system.slice/nginx.service. */
function unitOf(cgroup: string | undefined): string | undefined {
  if (cgroup === undefined) return undefined;
  let end = cgroup.lastIndexOf('.service');
  if (end < 0) return undefined;
  const start = cgroup.lastIndexOf('/', end) + 1;
  // "my.services" is no unit.
  const after = cgroup.charCodeAt(end + 8);
  if (!Number.isNaN(after) && after !== 47) end = -1;
  return end > start ? cgroup.slice(start, end) : undefined;
}

/** The session of /user.slice/user-0.slice/session-5.scope. */
function sessionOf(cgroup: string): string | undefined {
  const at = cgroup.lastIndexOf('/session-');
  if (at < 0) return undefined;
  const end = cgroup.indexOf('.scope', at);
  return end > at + 9 && end - at < 40 ? cgroup.slice(at + 9, end) : undefined;
}

