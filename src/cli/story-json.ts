/** The graph of a story as `moat incident show --json` prints it: stable names, ISO times, bounded, with what was left out counted. Described in docs/guide/incident-story.md. */
import type { Story } from '../core/incident.ts';
import { cellByName } from '../engine/incident/matrix.ts';
import { techniqueText } from '../engine/incident/technique-names.ts';
import { stepsOf } from '../engine/incident/story-steps.ts';

const stepsMost = 20_000;
const iso = (ms: number): string | undefined => (Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : undefined);

export function storyJson({ entry, nodes, edges, gaps, echoes, reached, began, ended, left, ...rest }: Story): Record<string, unknown> {
  const steps = stepsOf({ entry, nodes, edges, gaps, echoes, began, ended, left, ...rest });
  const named = new Set([...entry?.attack ?? [], ...steps.flatMap(({ attack }) => attack)]), cells = new Set([...entry?.matrix ?? [], ...steps.flatMap(({ matrix }) => matrix)]);
  return {
    began: iso(began), ended: iso(ended),
    entry: entry && { ...entry, time: iso(entry.time) },
    reached,
    steps: steps.slice(0, stepsMost).map(({ time, last, ...step }) => ({ time: iso(time), last: iso(last), ...step })),
    nodes: nodes.map(({ first, last, ...node }) => ({ ...node, first: iso(first), last: iso(last) })),
    edges: edges.map(({ first, last, ...edge }) => ({ ...edge, first: iso(first), last: iso(last) })),
    gaps: gaps.map(({ from, to, ...gap }) => ({ ...gap, from: iso(from), to: iso(to) })),
    echoes: echoes.map(({ first, last, ...echo }) => ({ ...echo, first: iso(first), last: iso(last) })),
    techniques: Object.fromEntries([...named].sort().map((one) => [one, techniqueText(one)])), cells: Object.fromEntries([...cells].sort().map((one) => [one, cellByName(one)])),
    left_out: { nodes: left, steps: Math.max(0, steps.length - stepsMost) },
  };
}
