/** The graph as rows of a store, so that it outlives a restart: one row a process, written when it has changed. */
import type { FileTouch, Origin, PeerTouch, Touch } from '../../core/lineage.ts';
import type { LineageRows } from '../../core/ports.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { OriginGraph } from './graph.ts';
import { attach, isBelow, Node, type Tree, type Was } from './node.ts';
import { roleOf } from './roles.ts';

const saveEveryMs = 60_000;
/** Rows of one commit: a batch of events must not wait for a thousand processes. */
const rowsPerCommit = 250;
/** Text of all rows together; beyond it processes are saved without their lists. */
const bytesMax = 8 * 2 ** 20;
const rowMax = 256 * 1024;
const metaRow = 'meta';

type Words = (string | number | null)[];
/** One process as JSON; the order is the format, so a new field goes to the end. */
type Row = [
  pid: number, started: number, parent: [number, number] | null, ended: number | null, exit: number | null,
  name: string | null, path: string | null, cmdline: string | null, cwd: string | null, uid: number | null, user: string | null,
  terminal: string | null, cgroup: string | null, container: string | null, programSince: number | null, heard: number, forgotten: number,
  tree: [serial: number, version: number, via: string | null, owns: 0 | 1, origin: Origin, isJoined: boolean, isSeen: boolean],
  was: Was[], wrote: Words[], read: Words[], spoke: Words[], asked: Words[], writtenBy: [string, number, number, number] | null,
];

/** Decides what is due, and reads it back. */
export class Rows {
  private readonly graph: OriginGraph;
  private readonly count: (what: string, n?: number) => void;
  private queue: Node[] = [];
  private nextRound: number;
  private bytes = 0;
  /** After a commit that failed nobody knows what the store holds. */
  private isLost = false;

  constructor(graph: OriginGraph, now: number, count: (what: string, n?: number) => void = () => undefined) {
    this.graph = graph;
    this.count = count;
    this.nextRound = now + saveEveryMs;
  }

  /** What the next commit should carry; `all` at the end. Undefined when nothing is due. */
  due(now: number, all = false): LineageRows | undefined {
    if (this.isLost || all || now >= this.nextRound) {
      this.nextRound = now + saveEveryMs;
      this.queue = [];
      for (const node of this.graph.memory.all()) if (node.isDirty || this.isLost) this.queue.push(node);
      if (this.isLost) this.bytes = this.graph.goneBytes;
    } else if (this.queue.length === 0) return undefined;
    const replace = this.isLost;
    const put = new Map<string, string>([[metaRow, JSON.stringify({ boot: this.graph.host.bootId, began: this.graph.host.bootTime, saved: now })]]);
    const drop = this.graph.gone;
    this.graph.gone = [];
    this.bytes -= this.graph.goneBytes;
    this.graph.goneBytes = 0;
    const room = all || replace ? Infinity : rowsPerCommit;
    while (this.queue.length > 0 && put.size <= room) {
      const node = this.queue.pop()!;
      if (node.isGone || (!node.isDirty && !replace) || node.started === 0) continue;
      node.isDirty = false;
      node.row ??= `${this.graph.host.bootId.slice(0, 8)}:${node.pid}:${node.started}`;
      put.set(node.row, this.text(node, replace));
    }
    this.isLost = false;
    return { put, drop, replace };
  }

  /** The commit that carried rows failed: all is written again. */
  lost(): void { this.isLost = true; }

  private text(node: Node, replace: boolean): string {
    if (!replace) this.bytes -= node.rowBytes;
    let text = JSON.stringify(rowOf(node, true));
    if (text.length > rowMax || this.bytes + text.length > bytesMax) {
      this.count('lists of processes not saved for room');
      text = JSON.stringify(rowOf(node, false));
    }
    node.rowBytes = text.length;
    this.bytes += text.length;
    return text;
  }

  /** Rebuilds the graph from rows. Returns when they were saved: undefined when there are none, or those of another boot. */
  restore(rows: Iterable<{ id: string; value: string }>): number | undefined {
    const read: { id: string; row: Row; bytes: number }[] = [];
    let boot = '', began = 0, saved = 0;
    for (const { id, value } of rows) {
      try {
        const row: unknown = JSON.parse(value);
        if (id === metaRow) ({ boot, began, saved } = row as { boot: string; began: number; saved: number });
        else if (Array.isArray(row) && row.length >= 24) read.push({ id, row: row as Row, bytes: value.length });
        else this.count('saved processes that could not be read');
      } catch { this.count('saved processes that could not be read'); }
    }
    const isThisBoot = boot === this.graph.host.bootId && boot !== '';
    // The clock was set meanwhile: start times, which are the identity, move with it.
    const moved = isThisBoot ? this.graph.host.bootTime - began : 0;
    if (moved !== 0) for (const { row } of read) move(row, moved);
    const pids = isThisBoot ? this.graph.host.pids() : undefined;
    const here = pids && new Set(pids);
    const nodes = new Map<string, Node>();
    const trees = new Map<number, Tree>();
    read.sort((a, b) => (a.row[3] ?? Infinity) - (b.row[3] ?? Infinity) || a.row[1] - b.row[1]);
    for (const { id, row, bytes } of read) {
      let node: Node;
      try { node = this.nodeOf(row, trees); } catch { this.count('saved processes that could not be read'); continue; }
      if (nodes.has(keyOf(node.pid, node.started))) continue;
      if (node.ended === undefined && !(isThisBoot && (here?.has(node.pid) ?? true))) { node.ended = Math.max(saved, node.heard); node.isDirty = true; }
      node.row = id;
      node.rowBytes = bytes;
      this.bytes += bytes;
      nodes.set(keyOf(node.pid, node.started), node);
    }
    for (const { row } of read) {
      const node = nodes.get(keyOf(row[0], row[1]));
      if (!node) continue;
      const parent = row[2] && nodes.get(keyOf(...row[2]));
      if (parent && parent !== node && !node.parent && !isBelow(parent, node)) attach(node, parent);
      const written = row[23];
      const by = written && nodes.get(keyOf(written[2], written[3]));
      if (written && by) node.writtenBy = { path: written[0], time: written[1], process: by };
    }
    for (const node of nodes.values()) this.graph.memory.restore(node);
    this.restoreWriters(nodes.values());
    for (const serial of trees.keys()) if (serial >= this.graph.places.serial) this.graph.places.serial = serial + 1;
    return isThisBoot ? saved : undefined;
  }

  private nodeOf(row: Row, trees: Map<number, Tree>): Node {
    const [pid, started, , ended, exit, name, path, cmdline, cwd, uid, user, terminal, cgroup, container, programSince, heard, forgotten, [serial, version, via, owns, origin, isJoined, isSeen], was, wrote, read, spoke, asked] = row;
    let tree = trees.get(serial);
    if (!tree) trees.set(serial, tree = { serial, version, origin, via: (via ?? undefined) as Tree['via'], owner: undefined, isJoined, isSeen });
    else if (version > tree.version) Object.assign(tree, { version, origin, isJoined, isSeen });
    const node = new Node(pid, started, undefined, tree, heard);
    if (owns) tree.owner = node;
    const { texts } = this.graph;
    const text = (value: string | null): string | undefined => (value === null ? undefined : texts.keep(value));
    node.ended = ended ?? undefined;
    node.exit_code = exit ?? undefined;
    node.name = text(name);
    node.path = text(path);
    node.cmdline = text(cmdline);
    node.cwd = text(cwd);
    node.uid = uid ?? undefined;
    node.user = text(user);
    node.terminal = text(terminal);
    node.cgroup = text(cgroup);
    node.container = text(container);
    node.hasProgram = programSince !== null;
    node.programSince = programSince ?? 0;
    node.forgotten = forgotten;
    ({ role: node.role, label: node.label } = roleOf(node.path, node.name, node.cmdline));
    if (was.length > 0) node.was = was;
    node.touches = wrote.length + read.length + spoke.length + asked.length;
    if (wrote.length > 0) node.wrote = wrote.map(fileOf);
    if (read.length > 0) node.read = read.map(fileOf);
    if (spoke.length > 0) node.spoke = spoke.map(peerOf);
    if (asked.length > 0) node.asked = asked.map(touchOf);
    return node;
  }

  private restoreWriters(nodes: Iterable<Node>): void {
    const files: { node: Node; touch: FileTouch }[] = [];
    for (const node of nodes) for (const touch of node.wrote) if (touch.action === 'write' || touch.action === 'create' || touch.action === 'rename' || touch.action === 'link') files.push({ node, touch });
    for (const { node, touch } of files.sort((a, b) => a.touch.last - b.touch.last)) this.graph.writers.wrote(node, touch.what, touch.inode, touch.device, touch.last);
  }
}

function move(row: Row, ms: number): void {
  row[1] += ms;
  if (row[2]) row[2][1] += ms;
  const written = row[23];
  if (written) written[3] += ms;
}

const keyOf = (pid: number, started: number): string => `${pid}:${started}`;

function rowOf(node: Node, whole: boolean): Row {
  const { tree, parent, writtenBy } = node;
  return [
    node.pid, node.started, parent && parent.started > 0 ? [parent.pid, parent.started] : null, node.ended ?? null, node.exit_code ?? null,
    node.name ?? null, node.path ?? null, maskSecrets(node.cmdline) ?? null, node.cwd ?? null, node.uid ?? null, node.user ?? null,
    node.terminal ?? null, node.cgroup ?? null, node.container ?? null, node.hasProgram ? node.programSince : null, node.heard, node.forgotten + (whole ? 0 : node.touches),
    [tree.serial, tree.version, tree.via ?? null, tree.owner === node ? 1 : 0, tree.origin, tree.isJoined, tree.isSeen],
    whole ? node.was.map((was) => ({ ...was, cmdline: maskSecrets(was.cmdline) })) : [], whole ? node.wrote.map(fileWords) : [], whole ? node.read.map(fileWords) : [], whole ? node.spoke.map(peerWords) : [], whole ? node.asked.map(words) : [],
    writtenBy ? [writtenBy.path, writtenBy.time, writtenBy.process.pid, writtenBy.process.started] : null,
  ];
}

const words = (touch: Touch): Words => [touch.what, touch.count, touch.first, touch.last];
const fileWords = (touch: FileTouch): Words => [...words(touch), touch.action, touch.inode ?? null, touch.device ?? null];
const peerWords = (touch: PeerTouch): Words => [...words(touch), touch.direction, touch.ip, touch.port, touch.host ?? null, touch.sent ?? null];

function touchOf(from: Words): Touch {
  return { what: String(from[0]), count: Number(from[1]), first: Number(from[2]), last: Number(from[3]) };
}

function fileOf(from: Words): FileTouch {
  const touch: FileTouch = { ...touchOf(from), action: String(from[4]) };
  if (typeof from[5] === 'number') touch.inode = from[5];
  if (typeof from[6] === 'number') touch.device = from[6];
  return touch;
}

function peerOf(from: Words): PeerTouch {
  const touch: PeerTouch = { ...touchOf(from), direction: from[4] === 'inbound' ? 'inbound' : 'outbound', ip: String(from[5]), port: Number(from[6]) };
  if (typeof from[7] === 'string') touch.host = from[7];
  if (typeof from[8] === 'string') touch.sent = from[8];
  return touch;
}
