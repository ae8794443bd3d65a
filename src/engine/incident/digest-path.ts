/** The way from entry to effects, folded until it can be drawn: what is alike becomes one box, and the boxes that tell least are left out. */
import type { Story, StoryEdge, StoryNode } from '../../core/incident.ts';
import type { PathEffect, PathStep, Some } from '../../core/review.ts';

/** As many as fit on a page. */
const stepsMost = 26;
const effectsMost = 4;
const depthMost = 8;
const labelMost = 160;

interface Box { nodes: StoryNode[]; parent: Box | undefined; children: Box[]; effects: Map<string, PathEffect & { weight: number }>; alarmed: boolean; weight: number; chosen: boolean }

const deedWeights: Partial<Record<StoryEdge['deed'], number>> = { planted: 20, read: 12, spoke: 8, removed: 4, wrote: 3, ran: 2, asked: 1, 'logged-on': 5 };

export function pathOf(story: Story): Some<PathStep> {
  const nodes = new Map(story.nodes.map((node) => [node.id, node]));
  const roots = boxesOf(story, nodes);
  const order = inOrder(roots.boxes);
  addEffects(story.edges, nodes, roots.of);
  for (const box of order) box.weight = weightOf(box, story.entry?.node);
  // Sorting keeps the order of those that weigh the same.
  for (const box of [...order].sort((a, b) => b.weight - a.weight).slice(0, stepsMost)) box.chosen = true;
  const depths = new Map<Box, number>();
  const items = order.filter((box) => box.chosen).map((box) => {
    let skipped = 0, above = box.parent;
    for (; above !== undefined && !above.chosen; above = above.parent) skipped++;
    const depth = above === undefined ? 0 : Math.min(depthMost, (depths.get(above) ?? 0) + 1);
    depths.set(box, depth);
    return stepOf(box, depth, above === undefined ? 0 : skipped);
  });
  return { items, total: story.nodes.reduce((n, { kind }) => n + Number(kind === 'process'), 0) };
}

/** Processes in boxes: those of one program that began nothing themselves and have the same parent are one. */
function boxesOf({ nodes: all, edges }: Story, nodes: ReadonlyMap<string, StoryNode>): { boxes: Box[]; of: Map<string, Box> } {
  const parents = new Map<string, string>(), planters = new Map<string, string>();
  for (const { from, to, deed } of edges) {
    if (deed === 'planted' && !planters.has(to)) planters.set(to, from);
    if ((deed === 'started' || deed === 'became') && nodes.get(from)?.kind === 'process' && nodes.get(to)?.kind === 'process' && !parents.has(to)) parents.set(to, from);
  }
  // What a planted line or unit starts came of whoever planted it, where nothing else is known.
  for (const { from, to, deed } of edges) {
    const planter = deed === 'started' && nodes.get(from)?.kind !== 'process' ? planters.get(from) : undefined;
    if (planter !== undefined && nodes.get(to)?.kind === 'process' && !parents.has(to) && planter !== to) parents.set(to, planter);
  }
  const alarmed = new Set(edges.flatMap(({ to, deed }) => (deed === 'tells' ? [to] : [])));
  const begin = new Set(parents.values());
  const of = new Map<string, Box>(), alike = new Map<string, Box>();
  const boxes: Box[] = [];
  const ids = new Map<Box, number>();
  // Parents come first, wherever they stand in the list; a circle, which nobody has seen, is cut.
  const place = (node: StoryNode, parent: Box | undefined): void => {
    const isLeaf = !begin.has(node.id);
    const key = isLeaf ? `${parent === undefined ? '' : ids.get(parent)} ${alarmed.has(node.id)} ${programOf(node)}` : undefined;
    const same = key === undefined ? undefined : alike.get(key);
    if (same !== undefined) { same.nodes.push(node); of.set(node.id, same); return; }
    const box: Box = { nodes: [node], parent, children: [], effects: new Map(), alarmed: alarmed.has(node.id), weight: 0, chosen: false };
    ids.set(box, ids.size);
    if (key !== undefined) alike.set(key, box);
    (parent?.children ?? boxes).push(box);
    of.set(node.id, box);
  };
  for (const node of all) {
    if (node.kind !== 'process' || of.has(node.id)) continue;
    const line: StoryNode[] = [];
    const seen = new Set<string>();
    for (let at: StoryNode | undefined = node; at !== undefined && !of.has(at.id) && !seen.has(at.id); at = nodes.get(parents.get(at.id) ?? '')) { seen.add(at.id); line.push(at); }
    for (const one of line.toReversed()) place(one, of.get(parents.get(one.id) ?? ''));
  }
  return { boxes, of };
}

/** The name of the program, for telling what is alike. */
export function programOf({ label, facts }: Pick<StoryNode, 'label' | 'facts'>): string {
  const path = typeof facts['path'] === 'string' ? facts['path'] : label.split(' ', 1)[0] ?? '';
  return path.slice(path.lastIndexOf('/') + 1) || label;
}

/** Each before what came of it; without calls in calls, for a chain may be thousands long. */
function inOrder(roots: readonly Box[]): Box[] {
  const out: Box[] = [];
  const open = roots.toReversed();
  for (let box = open.pop(); box !== undefined; box = open.pop()) {
    out.push(box);
    for (let i = box.children.length - 1; i >= 0; i--) open.push(box.children[i]!);
  }
  return out;
}

function addEffects(edges: readonly StoryEdge[], nodes: ReadonlyMap<string, StoryNode>, of: ReadonlyMap<string, Box>): void {
  for (const { from, to, deed } of edges) {
    if (deed === 'tells' || deed === 'started' || deed === 'became') continue;
    const actor = of.get(from), target = nodes.get(to), cameFrom = nodes.get(from);
    if (actor !== undefined && target !== undefined && target.kind !== 'process') add(actor, deed, target);
    // Who logged on, and from where.
    else if (cameFrom !== undefined && cameFrom.kind !== 'process') { const box = of.get(to); if (box) add(box, deed, cameFrom); }
  }
}

function add({ effects }: Box, deed: StoryEdge['deed'], { kind, label, facts }: StoryNode): void {
  // A line of a table says more than the table, an address that is alarmed more than another.
  const weight = (deedWeights[deed] ?? 1) + (kind === 'persistence' && facts['line'] !== undefined ? 5 : 0) + (facts['seed'] === true || facts['alarmed'] === true ? 10 : 0) - (facts['trace'] === true ? 3 : 0);
  const key = `${deed} ${kind}`;
  const known = effects.get(key);
  if (known === undefined) { effects.set(key, { deed, kind, label: short(label), count: 1, weight }); return; }
  known.count++;
  if (weight > known.weight) { known.weight = weight; known.label = short(label); }
}

function weightOf({ nodes, effects, alarmed, children, parent }: Box, entry: string | undefined): number {
  let weight = (alarmed ? 50 : 0) + Math.min(10, children.length) + (parent === undefined ? 3 : 0);
  for (const effect of effects.values()) weight += effect.weight + Math.log2(effect.count);
  const [first] = nodes;
  if (first!.facts['seed'] === true) weight += 40;
  if (first!.facts['weak'] === true) weight /= 2;
  return nodes.some(({ id }) => id === entry) ? weight + 1000 : weight;
}

function stepOf({ nodes, effects, alarmed }: Box, depth: number, skipped: number): PathStep {
  const [first] = nodes;
  const all = [...effects.values()].sort((a, b) => b.weight - a.weight || (a.deed < b.deed ? -1 : a.deed > b.deed ? 1 : a.kind < b.kind ? -1 : 1));
  return {
    label: short(first!.label), count: nodes.length, depth, skipped, first: Math.min(...nodes.slice(0, 1000).map((node) => node.first)), alarmed, carrier: first!.facts['chain'] === true,
    attack: [...new Set(nodes.slice(0, 100).flatMap(({ attack }) => attack ?? []))].slice(0, 4),
    effects: { items: all.slice(0, effectsMost).map(({ deed, kind, label, count }) => ({ deed, kind, label, count })), total: all.length },
  };
}

const short = (label: string): string => (label.length > labelMost ? `${label.slice(0, labelMost)}…` : label);
