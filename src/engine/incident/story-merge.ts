/** A story told earlier and the same told anew: what has been forgotten meanwhile stays known. */
import type { Story, StoryEdge, StoryNode } from '../../core/incident.ts';

const nodesMax = 50_000, edgesMax = 250_000;

/** All of `now`, and of `before` what is not in it. Whether something still lives only `now` can say. */
export function mergeStories(before: Story, now: Story): Story {
  const nodes = new Map<string, StoryNode>(now.nodes.map((node) => [node.id, node]));
  let left = Math.max(before.left, now.left);
  for (const old of before.nodes) {
    const known = nodes.get(old.id);
    if (known === undefined) {
      if (nodes.size >= nodesMax) { left++; continue; }
      nodes.set(old.id, old.kind === 'process' ? { ...old, lives: false, facts: { ...old.facts, earlier: true } } : { ...old, facts: { ...old.facts, earlier: true } });
      continue;
    }
    const attack = union(known.attack, old.attack), matrix = union(known.matrix, old.matrix);
    nodes.set(old.id, {
      ...known, first: Math.min(known.first, old.first), last: Math.max(known.last, old.last), facts: { ...old.facts, ...known.facts },
      ...(attack && { attack }), ...(matrix && { matrix }),
    });
  }
  const keyOf = ({ from, to, deed }: StoryEdge): string => `${from}\0${to}\0${deed}`;
  const edges = new Map<string, StoryEdge>(now.edges.map((edge) => [keyOf(edge), edge]));
  for (const old of before.edges) {
    const known = edges.get(keyOf(old));
    if (known !== undefined) edges.set(keyOf(old), { ...known, first: Math.min(known.first, old.first), last: Math.max(known.last, old.last), count: Math.max(known.count, old.count) });
    else if (edges.size < edgesMax && nodes.has(old.from) && nodes.has(old.to)) edges.set(keyOf(old), old);
    else left++;
  }
  // What is known first hand tells more than a guess; of two of a kind the earlier.
  const entry = betterEntry(before.entry, now.entry);
  return {
    entry, nodes: [...nodes.values()].sort((a, b) => a.first - b.first || (a.id < b.id ? -1 : 1)), edges: [...edges.values()].sort((a, b) => a.first - b.first || (keyOf(a) < keyOf(b) ? -1 : 1)),
    gaps: now.gaps, echoes: now.echoes, began: Math.min(before.began, now.began), ended: Math.max(before.ended, now.ended), left,
  };
}

function betterEntry(before: Story['entry'], now: Story['entry']): Story['entry'] {
  if (before === undefined || now === undefined) return now ?? before;
  const sure = (entry: NonNullable<Story['entry']>): number => (entry.kind === 'unknown' ? 3 : entry.guessed !== undefined ? 2 : entry.text.en.startsWith('perhaps:') ? 2 : entry.kind === 'cron' || entry.kind === 'timer' || entry.kind === 'service' ? 1 : 0);
  const [a, b] = [sure(before), sure(now)];
  return a < b || (a === b && before.time < now.time) ? { ...before, ...(before.request === undefined && now.request !== undefined && before.time === now.time && { request: now.request }) } : now;
}

function union(a: readonly string[] | undefined, b: readonly string[] | undefined): string[] | undefined {
  if (a === undefined && b === undefined) return undefined;
  return [...new Set([...a ?? [], ...b ?? []])].slice(0, 20);
}
