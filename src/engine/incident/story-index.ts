/** The remembered processes by what stories follow: the files they run and wrote, the trees they are in, the addresses they met. One pass over all. */
import type { FileTouch, Origin, ProcessNode } from '../../core/lineage.ts';
import { placeOf } from '../../core/places.ts';
import { scriptOf } from './story-scope.ts';

/** A file as the machine has it. `inside`: as its container calls it. `elsewhere`: only the container has it, and `path` is its path there. */
export interface Place { path: string; inside?: string; elsewhere: boolean }

export interface Written { node: ProcessNode; touch: FileTouch; at: Place }

/** By what a file is known in the index. */
export const nameIn = ({ path, elsewhere }: Place, { container }: ProcessNode): string => (elsewhere ? `${container ?? ''}:${path}` : path);

export interface StoryIndex {
  /** By the file that is run, its own or as a script. */
  runners: ReadonlyMap<string, readonly ProcessNode[]>;
  /** By the file that was written, renamed, removed or given other rights. */
  writers: ReadonlyMap<string, readonly Written[]>;
  trees: ReadonlyMap<Origin, readonly ProcessNode[]>;
  /** Trees by the remote address that they began with. */
  visits: ReadonlyMap<string, ReadonlySet<Origin>>;
  /** By the address that was called. */
  callers: ReadonlyMap<string, readonly ProcessNode[]>;
  /** By the unit that started them, without `.service`. */
  units: ReadonlyMap<string, readonly ProcessNode[]>;
  /** Writes to places from which things start again. */
  planted: readonly Written[];
}

const plantedMax = 20_000;

const plainPath = (path: string): string => (path.endsWith(' (deleted)') ? path.slice(0, -10) : path);

/** `placed`: where a path of a process lies. */
export function indexOf(processes: Iterable<ProcessNode>, placed: (node: ProcessNode, path: string) => Place): StoryIndex {
  const runners = new Map<string, ProcessNode[]>(), writers = new Map<string, Written[]>(), trees = new Map<Origin, ProcessNode[]>();
  const visits = new Map<string, Set<Origin>>(), callers = new Map<string, ProcessNode[]>(), units = new Map<string, ProcessNode[]>();
  const planted: Written[] = [];
  for (const node of processes) {
    const { origin } = node;
    push(trees, origin, node);
    if (origin.source_ip !== undefined) {
      const known = visits.get(origin.source_ip);
      if (known) known.add(origin);
      else visits.set(origin.source_ip, new Set([origin]));
    }
    if ((origin.kind === 'service' || origin.kind === 'timer') && origin.name !== undefined) push(units, origin.name, node);
    for (const file of filesRun(node)) push(runners, node.container === undefined ? file : nameIn(placed(node, file), node), node);
    for (const touch of node.wrote) {
      const at = placed(node, touch.what);
      const one = { node, touch, at };
      push(writers, nameIn(at, node), one);
      if (planted.length < plantedMax && !at.elsewhere && placeOf(at.path) !== undefined) planted.push(one);
    }
    let before: string | undefined;
    for (const { direction, ip } of node.spoke) if (direction === 'outbound' && ip !== before) { push(callers, ip, node); before = ip; }
  }
  return { runners, writers, trees, visits, callers, units, planted };
}

/** Each once: what it is and was, and the script it runs. */
export function filesRun(node: ProcessNode): Set<string> {
  const files = new Set<string>();
  if (node.path !== undefined) files.add(plainPath(node.path));
  for (const { path } of node.was) if (path !== undefined) files.add(plainPath(path));
  const script = scriptOf(node);
  if (script !== undefined) files.add(script);
  return files;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
