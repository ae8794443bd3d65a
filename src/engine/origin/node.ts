/** One process in memory, the tree it belongs to, and the bounded lists of what it did. */
import type { FileTouch, Origin, PeerTouch, ProcessNode, Touch, Writer } from '../../core/lineage.ts';
import type { Role } from './roles.ts';

/**
 * What a tree began with, shared by all its processes: what a log line adds later is then true for all of them.
 * `via` says which entrance made it: one ssh connection, one run of cron, one worker of a web server.
 */
export interface Tree {
  readonly serial: number;
  /** Grows with each change, so that after a restart the newest copy counts. */
  version: number;
  origin: Origin;
  via: 'ssh' | 'cron' | 'console' | 'worker' | undefined;
  /** The process it was made for; undefined when that is forgotten. */
  owner: Node | undefined;
  /** Its log line has been taken. */
  isJoined: boolean;
  /** Its address is the kernel's word, not a log's. */
  isSeen: boolean;
}

export interface Was { path: string | undefined; cmdline: string | undefined; time: number }

/** Entries of one list of one process: the first half and the latest half stay. */
const touchesPerList = 64;
const wasMax = 8;
const nothing: readonly never[] = Object.freeze([]);

export class Node implements ProcessNode {
  readonly pid: number;
  /** 0 for a parent that was only heard of. */
  started: number;
  name: string | undefined;
  path: string | undefined;
  cmdline: string | undefined;
  cwd: string | undefined;
  uid: number | undefined;
  user: string | undefined;
  terminal: string | undefined;
  cgroup: string | undefined;
  container: string | undefined;
  parent: Node | undefined;
  ended: number | undefined;
  exit_code: number | undefined;
  was: readonly Was[] = nothing;
  wrote: readonly FileTouch[] = nothing;
  read: readonly FileTouch[] = nothing;
  spoke: readonly PeerTouch[] = nothing;
  asked: readonly Touch[] = nothing;
  forgotten = 0;
  writtenBy: Writer | undefined;

  tree: Tree;
  role: Role = 'other';
  label = '';
  /** Whether it has become a program of its own since the fork, and when it became the present one. */
  hasProgram = false;
  programSince = 0;
  listens = false;
  /** The far end of a connection that an ssh listener took and has not yet forked for. */
  guest: { ip: string; port: number } | undefined;
  /** Package that owns its executable: null is none, undefined not looked at. */
  package: string | null | undefined;
  /** Last time anything was heard of it, Unix ms. */
  heard: number;
  /** In the lists above. */
  touches = 0;
  isDirty = false;
  /** The name of its row in the store, once it is saved. */
  row: string | undefined;
  rowBytes = 0;
  isGone = false;

  older: Node | undefined;
  firstChild: Node | undefined;
  next: Node | undefined;
  previous: Node | undefined;

  constructor(pid: number, started: number, parent: Node | undefined, tree: Tree, heard: number) {
    this.pid = pid;
    this.started = started;
    this.tree = tree;
    this.heard = heard;
    this.parent = undefined;
    if (parent) attach(this, parent);
  }

  get origin(): Origin { return this.tree.origin; }

  get root(): Node {
    let at = this as Node;
    for (let i = 0; i < stepsMax && at.parent !== undefined && at.parent.tree === this.tree; i++) at = at.parent;
    return at;
  }

  get children(): Iterable<Node> { return childrenOf(this); }
}

/** A chain of living parents may be as long as a fork bomb makes it: walks end here. */
export const stepsMax = 512;

function* childrenOf(node: Node): Iterable<Node> {
  for (let child = node.firstChild; child !== undefined; child = child.next) yield child;
}

export function attach(child: Node, parent: Node): void {
  child.parent = parent;
  child.next = parent.firstChild;
  child.previous = undefined;
  if (parent.firstChild) parent.firstChild.previous = child;
  parent.firstChild = child;
}

export function detach(child: Node): void {
  const { parent, next, previous } = child;
  if (!parent) return;
  if (previous) previous.next = next;
  else parent.firstChild = next;
  if (next) next.previous = previous;
  child.parent = child.next = child.previous = undefined;
}

/** True when `node` stands below `other`: making it the parent would close a ring. */
export function isBelow(node: Node, other: Node): boolean {
  let at: Node | undefined = node;
  for (let i = 0; i < stepsMax && at !== undefined; i++, at = at.parent) if (at === other) return true;
  return false;
}

/** Keeps what it was before it becomes another program. */
export function leaveProgram(node: Node): void {
  const was = [...node.was];
  was.push({ path: node.path, cmdline: node.cmdline, time: node.programSince });
  if (was.length > wasMax) { was.splice(wasMax / 2, 1); node.forgotten++; }
  node.was = was;
}

/** Adds to a list; `true` when the list has one entry more than before. */
function add<T extends Touch>(list: readonly T[], touch: T, node: Node, set: (list: T[]) => void): boolean {
  if (list === nothing) { set([touch]); node.touches++; return true; }
  const own = list as T[];
  own.push(touch);
  if (own.length <= touchesPerList) { node.touches++; return true; }
  own.splice(touchesPerList / 2, 1);
  node.forgotten++;
  return false;
}

function again(touch: Touch, time: number): void {
  touch.count++;
  if (time > touch.last) touch.last = time;
}

export interface FileDone { path: string; action: string; inode: number | undefined; device: number | undefined; time: number }

/** Counts a deed that is in the list; false when it is not: the caller makes room and adds it. */
export function knownFile(node: Node, done: FileDone): boolean {
  const list = done.action === 'read' ? node.read : node.wrote;
  for (let i = list.length - 1; i >= 0; i--) {
    const touch = list[i]!;
    if (touch.what !== done.path) continue;
    // What it made it also writes: one entry.
    if (touch.action !== done.action && !(touch.action === 'create' && done.action === 'write')) continue;
    if (done.inode !== undefined) { touch.inode = done.inode; touch.device = done.device; }
    again(touch, done.time);
    return true;
  }
  return false;
}

export function addFile(node: Node, done: FileDone): boolean {
  const touch: FileTouch = { what: done.path, count: 1, first: done.time, last: done.time, action: done.action };
  if (done.inode !== undefined) touch.inode = done.inode;
  if (done.device !== undefined) touch.device = done.device;
  return done.action === 'read'
    ? add(node.read, touch, node, (list) => { node.read = list; })
    : add(node.wrote, touch, node, (list) => { node.wrote = list; });
}

export function knownPeer(node: Node, ip: string, port: number, direction: PeerTouch['direction'], time: number): PeerTouch | undefined {
  for (let i = node.spoke.length - 1; i >= 0; i--) {
    const touch = node.spoke[i]!;
    if (touch.port !== port || touch.ip !== ip || touch.direction !== direction) continue;
    again(touch, time);
    return touch;
  }
  return undefined;
}

export function addPeer(node: Node, touch: PeerTouch): boolean {
  return add(node.spoke, touch, node, (list) => { node.spoke = list; });
}

export function knownName(node: Node, name: string, time: number): boolean {
  for (let i = node.asked.length - 1; i >= 0; i--) {
    const touch = node.asked[i]!;
    if (touch.what !== name) continue;
    again(touch, time);
    return true;
  }
  return false;
}

export function addName(node: Node, name: string, time: number): boolean {
  return add(node.asked, { what: name, count: 1, first: time, last: time }, node, (list) => { node.asked = list; });
}

/** Empties its lists and returns how many entries they held. */
export function clearTouches(node: Node): number {
  const n = node.touches;
  node.wrote = node.read = nothing;
  node.spoke = nothing;
  node.asked = nothing;
  node.touches = 0;
  node.forgotten += n;
  return n;
}
