import { describe, expect, it } from 'vitest';
import { boxHeight, boxWidth, moments, shapeOf, type StoryGraph, type StoryNode } from './shape.ts';

const node = (id: string, first = 0, more: Partial<StoryNode> = {}): StoryNode => ({ id, kind: id.slice(0, id.indexOf(':')) as StoryNode['kind'], label: id, first, last: first, facts: {}, ...more });
const edge = (from: string, deed: StoryGraph['edges'][number]['deed'], to: string, first = 0) => ({ from, to, deed, first, last: first, count: 1 });

describe('the shape of a story', () => {
  it('makes one box of many files of one process, and keeps what differs apart', () => {
    const files = Array.from({ length: 214 }, (_, i) => node(`file:/tmp/${i}`, 10 + i));
    const shape = shapeOf({
      entry: undefined, nodes: [node('process:1:1', 5), ...files, node('persistence:/etc/cron.d/x', 400)],
      edges: [...files.map(({ id, first }) => edge('process:1:1', 'wrote', id, first)), edge('process:1:1', 'planted', 'persistence:/etc/cron.d/x', 400)],
    });
    expect(shape.boxes.map(({ kind, members }) => `${kind} ${members.length}`).toSorted()).toEqual(['file 214', 'persistence 1', 'process 1']);
    expect(shape.arrows.map(({ deed, count, first }) => `${deed} ${count} from ${first}`).toSorted()).toEqual(['planted 1 from 400', 'wrote 214 from 10']);
    expect(shape.left).toBe(0);
  });

  it('draws alerts as marks on what they tell of, the worst giving the colour', () => {
    const shape = shapeOf({ entry: undefined, nodes: [node('process:1:1'), node('alert:a'), node('alert:b')], edges: [edge('alert:a', 'tells', 'process:1:1'), edge('alert:b', 'tells', 'process:1:1')] }, (id) => (id === 'a' ? 'medium' : 'critical'));
    expect(shape.boxes).toMatchObject([{ id: 'process:1:1', alerts: 2, level: 'critical' }]);
  });

  it('goes from left to right: who did it stands before what it was done to, no two boxes overlap', () => {
    const shape = shapeOf({ entry: undefined, nodes: [node('address:203.0.113.9'), node('process:1:1'), node('process:2:2'), node('file:/a'), node('file:/b')], edges: [edge('address:203.0.113.9', 'logged-on', 'process:1:1'), edge('process:1:1', 'started', 'process:2:2'), edge('process:2:2', 'wrote', 'file:/a'), edge('process:2:2', 'wrote', 'file:/b')] });
    const at = new Map(shape.boxes.map((box) => [box.id, box]));
    expect(at.get('address:203.0.113.9')!.x).toBeLessThan(at.get('process:1:1')!.x);
    expect(at.get('process:2:2')!.x).toBeLessThan(at.get('file:/a')!.x);
    for (const a of shape.boxes) for (const b of shape.boxes) expect(a === b || Math.abs(a.x - b.x) >= boxWidth || Math.abs(a.y - b.y) >= boxHeight).toBe(true);
  });

  it('holds a huge story: draws a bounded part, with the way in, and counts the rest', () => {
    const nodes: StoryNode[] = [node('address:203.0.113.9')];
    const edges = [];
    for (let i = 1; i <= 20_000; i++) {
      nodes.push(node(`process:${i}:1`, i));
      edges.push(edge(i === 1 ? 'address:203.0.113.9' : `process:${Math.floor(i / 2)}:1`, 'started', `process:${i}:1`, i));
    }
    const shape = shapeOf({ entry: { kind: 'log-on', time: 0, node: 'address:203.0.113.9', text: { zh: '', en: '' } }, nodes, edges });
    expect(shape.boxes.length).toBeLessThanOrEqual(160);
    expect(shape.boxes.some(({ isEntry }) => isEntry)).toBe(true);
    expect(shape.left + shape.boxes.reduce((sum, { members }) => sum + members.length, 0)).toBe(nodes.length);
  });

  it('grows through at most so many moments, the last of which shows all', () => {
    const nodes = Array.from({ length: 100 }, (_, i) => node(`process:${i}:1`, i * 10));
    const shape = shapeOf({ entry: undefined, nodes, edges: nodes.slice(1).map(({ id }, i) => edge(`process:${i}:1`, 'started', id)) });
    const all = moments(shape, 20);
    expect(all).toHaveLength(20);
    expect(all.at(0)).toBe(0);
    expect(all.at(-1)).toBe(Math.max(...shape.boxes.map(({ first }) => first)));
    expect(moments(shapeOf({ entry: undefined, nodes: [], edges: [] }))).toEqual([]);
  });

  it('lives with loops and with edges that lead nowhere', () => {
    const shape = shapeOf({ entry: undefined, nodes: [node('process:1:1'), node('file:/a')], edges: [edge('process:1:1', 'wrote', 'file:/a'), edge('file:/a', 'ran', 'process:1:1'), edge('process:1:1', 'wrote', 'file:/gone'), edge('process:1:1', 'became', 'process:1:1')] });
    expect(shape.boxes).toHaveLength(2);
    expect(shape.arrows).toHaveLength(2);
  });
});
