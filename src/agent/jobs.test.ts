import { expect, it } from 'vitest';
import { Jobs } from './jobs.ts';

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(() => setImmediate(resolve)); });

it('one of a kind, a few at a time, and each says why it is refused', async () => {
  const jobs = new Jobs(Date.now, () => undefined);
  const open: (() => void)[] = [];
  const wait = (): Promise<void> => new Promise((resolve) => { open.push(resolve); });
  jobs.begin('scan', 'li', wait, { alone: true });
  expect(() => jobs.begin('scan', 'li', wait, { alone: true })).toThrow('one scan runs already');
  for (const kind of ['a', 'b', 'c']) jobs.begin(kind, 'li', wait);
  expect(() => jobs.begin('evidence', 'li', wait, { alone: true })).toThrow('too much is under way');
  await turn();
  for (const resolve of open) resolve();
  await turn();
  expect(jobs.list().map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
  expect(jobs.begin('evidence', 'li', wait, { alone: true })).toMatch(/^[0-9a-f]{16}$/);
});

it('what is told of a job after its end changes nothing; one that is stopped says so', async () => {
  const changed: string[] = [];
  const jobs = new Jobs(Date.now, (id) => changed.push(id));
  let late: (() => void) | undefined;
  const id = jobs.begin('scan', 'li', async ({ progress, signal }) => {
    progress({ part: 0.5 });
    late = () => progress({ part: 0.9 });
    await new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); });
  });
  await turn();
  expect(jobs.get(id).progress).toEqual({ part: 0.5 });
  expect(jobs.stop(id)).toBe(true);
  await turn();
  const told = changed.length;
  late?.();
  expect(jobs.get(id)).toMatchObject({ state: 'cancelled', problem: { detail: 'somebody stopped it' } });
  expect([jobs.get(id).progress, changed.length, jobs.stop(id)]).toEqual([undefined, told, false]);
  expect(() => jobs.get('0')).toThrow('expected the id of a job');
});
