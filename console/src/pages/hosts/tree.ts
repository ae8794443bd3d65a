/** The processes as a tree in rows: pure, so that it is tested alone. */
import type { Processes } from '../../../../src/api/contract/host.ts';

export type Process = Processes['processes'][number];
export interface TreeRow { process: Process; depth: number; /** How many came of it, all in all. */ below: number; isClosed: boolean; /** It fits the filter itself; otherwise it is shown for what it started. */ fits: boolean }
export interface TreeFilter { text?: string; origin?: string; user?: string }

/** A pid is given again and again; with its beginning it is one process for good. */
export const keyOf = ({ pid, started }: Pick<Process, 'pid' | 'started'>): string => `${pid}-${started}`;
const originKinds = ['login', 'web', 'service', 'cron', 'timer', 'container', 'package', 'cloud', 'console', 'kernel', 'unknown'] as const;
export type OriginKind = (typeof originKinds)[number];
export const originKind = (kind: string): OriginKind => originKinds.find((one) => one === kind) ?? 'unknown';

const has = (value: string | undefined, wanted: string): boolean => value?.toLowerCase().includes(wanted) ?? false;

function fits({ pid, name, path, cmdline, user, origin }: Process, { text, origin: kind, user: of }: TreeFilter): boolean {
  if (kind !== undefined && origin.kind !== kind) return false;
  if (of !== undefined && user !== of) return false;
  if (text === undefined) return true;
  const wanted = text.toLowerCase();
  return String(pid) === wanted || [name, path, cmdline, user, origin.name, origin.user, origin.source_ip, origin.container?.name].some((value) => has(value, wanted));
}

/** Parents before children; `closed` hides what came of these. With a filter the parent of a process that fits is shown too, and nothing is closed. */
export function treeRows(processes: readonly Process[], filter: TreeFilter, closed: ReadonlySet<string>): TreeRow[] {
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const children = new Map<number, number[]>();
  const roots: number[] = [];
  for (const [at, { parent }] of processes.entries()) {
    if (parent === undefined || parent === at || processes[parent] === undefined) roots.push(at);
    else if (children.has(parent)) children.get(parent)!.push(at);
    else children.set(parent, [at]);
  }
  // Depth first without recursion: a chain of processes may be as long as a host likes.
  const order: { at: number; depth: number }[] = [];
  const seen = new Uint8Array(processes.length);
  const open = roots.toReversed().map((at) => ({ at, depth: 0 }));
  for (let next = open.pop(); next; next = open.pop()) {
    if (seen[next.at]) continue;
    seen[next.at] = 1;
    order.push(next);
    for (const child of (children.get(next.at) ?? []).toReversed()) open.push({ at: child, depth: next.depth + 1 });
  }
  const below = new Int32Array(processes.length);
  const fit = new Uint8Array(processes.length);
  const shown = new Uint8Array(processes.length);
  for (const { at } of order.toReversed()) {
    const { parent } = processes[at]!;
    if (fits(processes[at]!, filter)) { fit[at] = 1; shown[at] = 1; }
    if (parent === undefined || parent === at || processes[parent] === undefined) continue;
    below[parent] = below[parent]! + below[at]! + 1;
    // Of what leads to it the nearest alone: behind a long chain nobody would see what was looked for.
    if (isFiltered ? fit[at] : shown[at]) shown[parent] = 1;
  }
  const rows: TreeRow[] = [];
  const shownAt = new Int32Array(processes.length);
  let hiddenBelow = Infinity;
  for (const { at, depth } of order) {
    if (depth > hiddenBelow) continue;
    hiddenBelow = Infinity;
    if (!shown[at]) continue;
    const isClosed = !isFiltered && closed.has(keyOf(processes[at]!));
    if (isClosed) hiddenBelow = depth;
    const { parent } = processes[at]!;
    shownAt[at] = !isFiltered ? depth : parent !== undefined && parent !== at && shown[parent] ? shownAt[parent]! + 1 : 0;
    rows.push({ process: processes[at]!, depth: shownAt[at], below: below[at]!, isClosed, fits: fit[at] === 1 });
  }
  return rows;
}

/** How many there are of each kind of origin, most first. */
export function originsOf(processes: readonly Process[]): { kind: OriginKind; count: number }[] {
  const counts = new Map<OriginKind, number>();
  for (const { origin } of processes) counts.set(originKind(origin.kind), (counts.get(originKind(origin.kind)) ?? 0) + 1);
  return [...counts].map(([kind, count]) => ({ kind, count })).toSorted((a, b) => b.count - a.count);
}

/** Only this machine gets there. */
export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
/** All addresses of the machine. */
export const isAnyAddress = (address: string): boolean => address === '0.0.0.0' || address === '::' || address === '*';
