/** What the graph can tell of a process, a file or an address, as plain data: the answer to `moat origin` and `moat ps`. */
import { canonicalIp } from '../../core/address.ts';
import type { FileTouch, Origin, PeerTouch, ProcessNode, Touch, Writer } from '../../core/lineage.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { OriginGraph } from './graph.ts';
import type { Node } from './node.ts';

/** A process in a list. Times are Unix ms; `ended` is absent while it runs. */
export interface Brief { pid: number; started: number; name?: string; path?: string; cmdline?: string; user?: string; ended?: number; origin: Origin }
/** `first`, `last` and `count` of the deed that put it on the list. */
export interface BriefTouch extends Brief { touch: Touch }
export interface BriefWriter { path: string; time: number; process: Brief }
export interface Branch extends Brief { children: Branch[]; more: number }

export interface ProcessStory {
  kind: 'process';
  process: Brief & { cwd?: string; uid?: number; terminal?: string; cgroup?: string; container?: string; exit_code?: number; forgotten: number };
  /** From the topmost known ancestor down to the parent. */
  chain: Brief[];
  /** The topmost process of its tree. */
  root: Brief;
  was: { path?: string; cmdline?: string; time: number }[];
  wrote: FileTouch[];
  read: FileTouch[];
  spoke: PeerTouch[];
  asked: Touch[];
  written_by?: BriefWriter;
  children: Branch[];
  more_children: number;
  /** Earlier processes of the same pid. */
  older: Brief[];
}
export interface FileStory { kind: 'path'; path: string; writer?: BriefWriter; wrote: BriefTouch[]; read: BriefTouch[]; ran: Brief[]; more: number }
export interface AddressStory { kind: 'address'; address: string; spoke: BriefTouch[]; sessions: Brief[]; more: number }
export interface NameStory { kind: 'name'; name: string; asked: BriefTouch[]; spoke: BriefTouch[]; more: number }
export type Story = ProcessStory | FileStory | AddressStory | NameStory;

const listMax = 200;
const branchesMax = 200;
const depthMax = 8;
const chainMax = 128;

/**
 * `what` is a pid, an address, a path or a host name. `file` is what stat says of a path now. Undefined: nothing
 * is known of it.
 */
export function tellStory(graph: OriginGraph, what: string, file?: { inode: number; device: number }): Story | undefined {
  if (/^\d{1,10}$/.test(what)) return ofProcess(graph, Number(what));
  const address = canonicalIp(what);
  if (address !== undefined) return ofAddress(graph, address);
  return what.includes('/') ? ofPath(graph, what, file) : ofName(graph, what.toLowerCase());
}

function ofProcess(graph: OriginGraph, pid: number): ProcessStory | undefined {
  const node = graph.memory.newest(pid);
  if (!node) return undefined;
  const chain: Brief[] = [];
  for (let at = node.parent; at !== undefined && chain.length < chainMax; at = at.parent) chain.unshift(brief(at));
  const older: Brief[] = [];
  for (let at = node.older; at !== undefined && older.length < listMax; at = at.older) older.push(brief(at));
  const room = { left: branchesMax };
  const { children, more } = branches(node, room, 1);
  return {
    kind: 'process',
    process: { ...brief(node), ...given({ cwd: node.cwd, uid: node.uid, terminal: node.terminal, cgroup: node.cgroup, container: node.container, exit_code: node.exit_code }), forgotten: node.forgotten },
    chain, root: brief(node.root),
    was: node.was.map((was) => ({ ...given({ path: was.path, cmdline: maskSecrets(was.cmdline) }), time: was.time })),
    wrote: [...node.wrote], read: [...node.read], spoke: [...node.spoke], asked: [...node.asked],
    ...given({ written_by: writerOf(node.writtenBy) }),
    children, more_children: more, older,
  };
}

function ofPath(graph: OriginGraph, path: string, file: { inode: number; device: number } | undefined): FileStory | undefined {
  const story: FileStory = { kind: 'path', path, wrote: [], read: [], ran: [], more: 0, ...given({ writer: writerOf(graph.writer({ path, ...file })) }) };
  for (const node of graph.memory.all()) {
    const wrote = node.wrote.find((touch) => isFile(touch, path, file));
    if (wrote) put(story, story.wrote, { ...brief(node), touch: wrote });
    const read = node.read.find((touch) => isFile(touch, path, file));
    if (read) put(story, story.read, { ...brief(node), touch: read });
    const runs = node.hasProgram && (node.path === path || node.path === `${path} (deleted)` || node.writtenBy?.path === path || node.was.some((was) => was.path === path));
    if (runs) put(story, story.ran, brief(node));
  }
  if (!story.writer && story.wrote.length + story.read.length + story.ran.length === 0) return undefined;
  story.wrote.sort(byFirst);
  story.read.sort(byFirst);
  story.ran.sort((a, b) => a.started - b.started);
  return story;
}

const isFile = (touch: FileTouch, path: string, file: { inode: number; device: number } | undefined): boolean =>
  touch.what === path || (file !== undefined && touch.inode === file.inode && touch.device === file.device);

function ofAddress(graph: OriginGraph, address: string): AddressStory | undefined {
  const story: AddressStory = { kind: 'address', address, spoke: [], sessions: [], more: 0 };
  for (const node of graph.memory.all()) {
    for (const touch of node.spoke) if (touch.ip === address) put(story, story.spoke, { ...brief(node), touch });
    if (node.origin.source_ip === address && node.root === node) put(story, story.sessions, brief(node));
  }
  if (story.spoke.length + story.sessions.length === 0) return undefined;
  story.spoke.sort(byFirst);
  story.sessions.sort((a, b) => a.started - b.started);
  return story;
}

function ofName(graph: OriginGraph, name: string): NameStory | undefined {
  const story: NameStory = { kind: 'name', name, asked: [], spoke: [], more: 0 };
  for (const node of graph.memory.all()) {
    const asked = node.asked.find((touch) => touch.what.toLowerCase() === name);
    if (asked) put(story, story.asked, { ...brief(node), touch: asked });
    const spoke = node.spoke.find((touch) => touch.host?.toLowerCase() === name);
    if (spoke) put(story, story.spoke, { ...brief(node), touch: spoke });
  }
  if (story.asked.length + story.spoke.length === 0) return undefined;
  story.asked.sort(byFirst);
  story.spoke.sort(byFirst);
  return story;
}

function put<T>(story: { more: number }, list: T[], item: T): void {
  if (list.length < listMax) list.push(item);
  else story.more++;
}

const byFirst = (a: BriefTouch, b: BriefTouch): number => a.touch.first - b.touch.first;

/** Processes as `moat ps` lists them; `parent` is the parent's place in the list. */
export interface Listed extends Brief { parent?: number; cgroup?: string }

const listedMax = 20_000;

/** Every process now, with the ended ones of the last day when `all`; parents stand before their children. */
export function listProcesses(graph: OriginGraph, all: boolean): { processes: Listed[]; more: number } {
  const nodes = [...graph.memory.all()].filter((node) => all || node.ended === undefined).sort((a, b) => a.started - b.started || a.pid - b.pid);
  const shown = nodes.slice(0, listedMax);
  const places = new Map<Node, number>(shown.map((node, i) => [node, i]));
  const processes = shown.map((node): Listed => {
    let parent = node.parent;
    // One whose parent has ended hangs below the nearest that is shown.
    for (let n = 0; n < chainMax && parent !== undefined && !places.has(parent); n++) parent = parent.parent;
    return { ...brief(node), ...given({ parent: parent && places.get(parent), cgroup: node.cgroup }) };
  });
  return { processes, more: nodes.length - shown.length };
}

function branches(node: Node, room: { left: number }, depth: number): { children: Branch[]; more: number } {
  const kids = [...node.children].sort((a, b) => a.started - b.started);
  const children: Branch[] = [];
  for (const child of kids) {
    if (room.left-- <= 0) break;
    const below = depth < depthMax ? branches(child, room, depth + 1) : { children: [], more: child.firstChild ? 1 : 0 };
    children.push({ ...brief(child), ...below });
  }
  return { children, more: kids.length - children.length };
}

function brief(node: ProcessNode): Brief {
  return { pid: node.pid, started: node.started, ...given({ name: node.name, path: node.path, cmdline: maskSecrets(node.cmdline), user: node.user, ended: node.ended }), origin: node.origin };
}

const writerOf = (writer: Writer | undefined): BriefWriter | undefined => writer && { path: writer.path, time: writer.time, process: brief(writer.process) };

/** Without what is not known. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
