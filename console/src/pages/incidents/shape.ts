/**
 * The drawing of a story: which of its nodes are drawn, where, and from when on. A story may hold tens of thousands of nodes and a person
 * reads some dozens: leaves of one kind that hang on the same thing by the same deed are one box ("214 files"), what alerts and findings
 * tell becomes a mark on the box they tell of, and beyond `drawnMost` the least telling are left out and counted.
 */
import { Graph, layout } from '@dagrejs/dagre';
import type { ToldStory } from '../../../../src/api/contract/incidents.ts';
import { type Level, levels } from '../../api/types.ts';

export type StoryGraph = Pick<ToldStory['story'], 'nodes' | 'edges' | 'entry'>;
export type StoryNode = ToldStory['story']['nodes'][number];
type StoryEdge = ToldStory['story']['edges'][number];

/** A box: one node, or `members` many of one kind. Times are Unix ms, places are pixels of its upper left corner. */
export interface Box { id: string; kind: StoryNode['kind']; label: string; members: readonly StoryNode[]; first: number; isEntry: boolean; lives: boolean; alerts: number; level: Level | undefined; x: number; y: number }
export interface Arrow { id: string; from: string; to: string; deed: StoryEdge['deed']; first: number; count: number }
export interface Shape { boxes: readonly Box[]; arrows: readonly Arrow[]; /** Nodes that found no room. */ left: number; width: number; height: number }

export const boxWidth = 188, boxHeight = 56;
const foldFrom = 4, drawnMost = 160, membersKept = 500;
/** What a person looks for first; the others go by how much hangs on them. */
const weight: Partial<Record<StoryNode['kind'], number>> = { persistence: 60, account: 50, secret: 45, unit: 45, module: 45, container: 40, package: 45, address: 30, process: 20, name: 10, file: 5 };
const isTold = (kind: StoryNode['kind']): boolean => kind === 'alert' || kind === 'finding';

/** `levelOf`: of an alert by its id, where it is known. Linear in nodes and edges up to the layout, which has at most `drawnMost` boxes. */
export function shapeOf({ nodes, edges, entry }: StoryGraph, levelOf: (alert: string) => Level | undefined = () => undefined): Shape {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const told = new Map<string, { count: number; level: Level | undefined }>();
  const drawn: StoryEdge[] = [];
  const degree = new Map<string, number>();
  for (const edge of edges) {
    const from = byId.get(edge.from), to = byId.get(edge.to);
    if (!from || !to) continue;
    if (isTold(from.kind) || isTold(to.kind)) {
      const [teller, of] = isTold(from.kind) ? [from, to] : [to, from];
      const before = told.get(of.id) ?? { count: 0, level: undefined };
      told.set(of.id, { count: before.count + 1, level: worse(before.level, levelOf(teller.id.slice(teller.id.indexOf(':') + 1))) });
      continue;
    }
    drawn.push(edge);
    degree.set(edge.from, (degree.get(edge.from) ?? 0) + 1);
    degree.set(edge.to, (degree.get(edge.to) ?? 0) + 1);
  }
  const { groupOf, groups } = fold(nodes, drawn, degree, (id) => id === entry?.node || told.has(id));
  const ranked = [...groups.values()].toSorted((a, b) => rankOf(b, degree, told, entry?.node) - rankOf(a, degree, told, entry?.node));
  const kept = ranked.slice(0, drawnMost);
  const keptIds = new Set(kept.map(({ id }) => id));
  const left = ranked.slice(drawnMost).reduce((sum, { members }) => sum + members.length, 0);

  const arrows = new Map<string, Arrow>();
  for (const { from, to, deed, first, count } of drawn) {
    const a = groupOf.get(from), b = groupOf.get(to);
    if (a === undefined || b === undefined || a === b || !keptIds.has(a) || !keptIds.has(b)) continue;
    const id = `${a} ${deed} ${b}`;
    const before = arrows.get(id);
    arrows.set(id, before ? { ...before, first: Math.min(before.first, first), count: before.count + count } : { id, from: a, to: b, deed, first, count });
  }
  const graph = new Graph({ multigraph: true }).setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 58, marginx: 8, marginy: 8 }).setDefaultEdgeLabel(() => ({}));
  for (const { id } of kept) graph.setNode(id, { width: boxWidth, height: boxHeight });
  for (const { id, from, to } of arrows.values()) graph.setEdge(from, to, {}, id);
  if (kept.length > 0) layout(graph);
  const boxes = kept.map(({ id, members }): Box => {
    const [one] = members as [StoryNode];
    const { x, y } = graph.node(id) as { x: number; y: number };
    const tales = members.map((node) => told.get(node.id));
    return {
      id, kind: one.kind, label: one.label, members: members.slice(0, membersKept), first: Math.min(...members.slice(0, membersKept).map(({ first }) => first)), isEntry: one.id === entry?.node, lives: members.some(({ lives }) => lives === true),
      alerts: tales.reduce((sum, tale) => sum + (tale?.count ?? 0), 0), level: tales.reduce<Level | undefined>((worst, tale) => worse(worst, tale?.level), undefined), x: x - boxWidth / 2, y: y - boxHeight / 2,
    };
  });
  return { boxes, arrows: [...arrows.values()], left, width: Math.max(0, ...boxes.map(({ x }) => x + boxWidth)), height: Math.max(0, ...boxes.map(({ y }) => y + boxHeight)) };
}

interface Group { id: string; members: StoryNode[] }
/** Leaves that hang on the same node by the same deed, from `foldFrom` of them on, are one. */
function fold(nodes: readonly StoryNode[], edges: readonly StoryEdge[], degree: ReadonlyMap<string, number>, standsAlone: (id: string) => boolean): { groupOf: Map<string, string>; groups: Map<string, Group> } {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const candidates = new Map<string, string[]>();
  for (const { from, to, deed } of edges) {
    for (const [leaf, other, way] of [[to, from, 'out'], [from, to, 'in']] as const) {
      if (degree.get(leaf) !== 1 || standsAlone(leaf)) continue;
      const key = `${other} ${way} ${deed} ${byId.get(leaf)!.kind}`;
      const list = candidates.get(key);
      if (list) list.push(leaf);
      else candidates.set(key, [leaf]);
    }
  }
  const groupOf = new Map<string, string>();
  const groups = new Map<string, Group>();
  for (const [key, leaves] of candidates) {
    if (leaves.length < foldFrom) continue;
    const members = leaves.map((id) => byId.get(id)!).toSorted((a, b) => a.first - b.first);
    groups.set(key, { id: key, members });
    for (const { id } of members) groupOf.set(id, key);
  }
  for (const node of nodes) {
    if (isTold(node.kind) || groupOf.has(node.id)) continue;
    groups.set(node.id, { id: node.id, members: [node] });
    groupOf.set(node.id, node.id);
  }
  return { groupOf, groups };
}

function rankOf({ members }: Group, degree: ReadonlyMap<string, number>, told: ReadonlyMap<string, unknown>, entry: string | undefined): number {
  const [one] = members as [StoryNode];
  return (one.id === entry ? 1e6 : 0) + (told.has(one.id) ? 1000 : 0) + (weight[one.kind] ?? 0) * 4 + Math.min(200, degree.get(one.id) ?? 0);
}

const worse = (a: Level | undefined, b: Level | undefined): Level | undefined => (a === undefined ? b : b === undefined ? a : levels.indexOf(a) >= levels.indexOf(b) ? a : b);

/** The moments at which the drawing grows, oldest first, at most `most` of them; the last shows all. */
export function moments({ boxes }: Shape, most = 60): readonly number[] {
  const times = [...new Set(boxes.map(({ first }) => first))].toSorted((a, b) => a - b);
  if (times.length <= most) return times;
  return Array.from({ length: most }, (_, at) => times[Math.round((at * (times.length - 1)) / (most - 1))]!);
}
