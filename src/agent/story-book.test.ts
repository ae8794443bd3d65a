import { expect, it } from 'vitest';
import type { Story, StoryNode } from '../core/incident.ts';
import { StoryBook } from './story-book.ts';

function ledger(): { settings: Map<string, string>; setting: (name: string) => string | undefined; setSetting: (name: string, value: string) => void } {
  const settings = new Map<string, string>();
  return { settings, setting: (name) => settings.get(name), setSetting(name, value) { if (value.length > 1 << 20) throw new Error('too long'); settings.set(name, value); } };
}
const story = (n: number, kind: StoryNode['kind'] = 'file'): Story => ({
  entry: undefined, edges: [], gaps: [], echoes: [], began: 1, ended: 2, left: 0,
  nodes: [{ id: 'persistence:/etc/cron.d/x', kind: 'persistence', label: '/etc/cron.d/x', first: 9, last: 9, facts: {} }, ...Array.from({ length: n }, (_, i): StoryNode => ({ id: `${kind}:${i}`, kind, label: `/srv/${i}/${Math.sin(i)}`, first: i, last: i, facts: { path: `/srv/${i}` } }))],
});

it('keeps what was told last, by incident, and is bounded', async () => {
  const kept = ledger(), book = new StoryBook(kept);
  await book.save('a', story(3), 1000);
  await book.save('a', story(4), 2000);
  expect(book.get('a')).toMatchObject({ told: 2000, story: { nodes: { length: 5 } } });
  for (let i = 0; i < 70; i++) await book.save(`i${i}`, story(1), 3000 + i);
  expect(kept.settings.size).toBeLessThanOrEqual(61);
  expect(book.get('a')).toBeUndefined();
  expect(book.get('i69')).toBeDefined();
});

it('leaves out of a large one what weighs least, and counts it', async () => {
  const kept = ledger(), book = new StoryBook(kept);
  await book.save('a', story(20_000), 1);
  const { nodes, left } = book.get('a')!.story;
  expect(nodes.some(({ kind }) => kind === 'persistence')).toBe(true);
  expect(nodes.length + left).toBe(20_001);
  expect(nodes.length).toBeLessThanOrEqual(5000);
});

it('takes what is damaged for not kept', async () => {
  const kept = ledger(), book = new StoryBook(kept);
  await book.save('a', story(1), 1);
  kept.settings.set('story.0', '{"id":"a","value":"AAAA"}');
  expect(book.get('a')).toBeUndefined();
  kept.settings.set('story.index', '[{"id":7},null,{"id":"a","slot":999,"at":1}]');
  expect(book.get('a')).toBeUndefined();
  await book.save('b', story(1), 2);
  expect(book.get('b')).toBeDefined();
});
