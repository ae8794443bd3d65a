import { expect, it, vi } from 'vitest';
import { Feed } from './feed.ts';

it('tells what comes together as one, and of a flood only that there was one', async () => {
  let now = 1000;
  const feed = new Feed(() => now++);
  const said: string[] = [];
  feed.tell('alert', 'before');
  const leave = feed.watch((text) => { said.push(text); });
  for (let n = 0; n < 30; n++) feed.tell('alert', `a${n}`);
  await vi.waitUntil(() => said.length > 0);
  expect(said).toHaveLength(1);
  expect(said[0]!.match(/^event: alert$/gm)).toHaveLength(30);
  expect(said[0]).not.toContain('before');
  for (let n = 0; n < 50_000; n++) feed.tell('alert', `b${n}`);
  await vi.waitUntil(() => said.length > 1);
  expect(said[1]).toBe(`id: ${feed.last}\nevent: reset\ndata: {}\n\n`);
  // However many there were, only the last are held.
  expect(feed.after(feed.last - 2000)).toHaveLength(2000);
  expect(feed.after(feed.last - 10_000)).toBeUndefined();
  leave();
  feed.tell('alert', 'c');
  expect(feed.watching).toBe(0);
});
