/** Joins log lines with processes: a line comes before or after the process it speaks of, by seconds. */
import { stepsMax, type Node } from './node.ts';

/** Who logged on, as a log line says it. */
export interface LogonLine { pid: number; user: string | undefined; ip: string | undefined; port: number | undefined; time: number }
/** What cron ran. */
export interface CronLine { pid: number; user: string | undefined; command: string | undefined; time: number }

/** What sudo ran, or would not run; `command` is what was asked for with its full path. */
export interface SudoLine { user: string | undefined; command: string | undefined; time: number }

/** A child of sshd lives at most so long before somebody has logged on (LoginGraceTime is two minutes by default), ms. */
const graceMs = 15 * 60_000;
/** Logs that write whole seconds, and clocks that differ. */
const slackMs = 2000;
const keptMax = 4096;
const peersMax = 4096;

export class Waiting<Line extends { pid: number; time: number }> {
  private readonly lines = new Map<number, Line>();

  put(line: Line): void {
    this.lines.delete(line.pid);
    if (this.lines.size >= keptMax) drop(this.lines, keptMax / 8);
    this.lines.set(line.pid, line);
  }

  /** The line that speaks of this process. */
  of(node: Node): Line | undefined {
    const line = this.lines.get(node.pid);
    return line !== undefined && fits(node, line.time) ? line : undefined;
  }

  get size(): number { return this.lines.size; }
}

export const fits = (node: Node, time: number): boolean =>
  (node.started === 0 || (node.started <= time + slackMs && node.started >= time - graceMs)) && (node.ended === undefined || node.ended >= time - slackMs * 5);

/** The password may be asked for first. */
const askedMs = 5 * 60_000;

/** The sudo that this line is of: of that user, at that time, with that command on its command line. Undefined when several trees come into question. */
export function sudoOf(nodes: Iterable<Node>, { user, command, time }: SudoLine): Node | undefined {
  if (user === undefined || command === undefined) return undefined;
  const end = command.indexOf(' ') < 0 ? command.length : command.indexOf(' ');
  const asked = [` ${command}`, ` ${command.slice(command.lastIndexOf('/', end) + 1)}`];
  let found: Node | undefined;
  for (const node of nodes) {
    const { name, started, ended, cmdline, parent } = node;
    if (name !== 'sudo' || started === 0 || started > time + slackMs || started < time - askedMs || (ended !== undefined && ended < time - slackMs)) continue;
    // Its own account is root's soon; that of whoever called it stays.
    if ((node.user !== user && parent?.user !== user) || cmdline === undefined || !asked.some((one) => cmdline.endsWith(one))) continue;
    // Its monitor is of the same name and tree.
    if (found !== undefined && found.tree !== node.tree) return undefined;
    if (found === undefined || started > found.started) found = node;
  }
  return found;
}

/** Connections to ssh by their far end: the line of a daemon in a container names another pid than the kernel. */
export class Peers {
  private readonly nodes = new Map<string, Node>();

  put(ip: string, port: number, node: Node): void {
    const key = `${ip} ${port}`;
    this.nodes.delete(key);
    if (this.nodes.size >= peersMax) drop(this.nodes, peersMax / 8);
    this.nodes.set(key, node);
  }

  of(ip: string | undefined, port: number | undefined): Node | undefined {
    return ip === undefined || port === undefined ? undefined : this.nodes.get(`${ip} ${port}`);
  }
}

function drop(map: Map<unknown, unknown>, n: number): void {
  for (const key of map.keys()) {
    if (n-- <= 0) return;
    map.delete(key);
  }
}

/** The entrance of this kind above a process, itself included: one ssh connection, one run of cron. */
export function entrance(node: Node, via: Node['tree']['via']): Node | undefined {
  let at: Node | undefined = node;
  for (let i = 0; i < stepsMax && at !== undefined; i++, at = at.parent) if (at.tree.via === via && at.tree.owner === at) return at;
  return undefined;
}
