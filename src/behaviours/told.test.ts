import { expect, it } from 'vitest';
import { Told } from './told.ts';

it('one thing is told once in a while, and the oldest are forgotten first', () => {
  let forgotten = 0;
  const told = new Told(2, () => { forgotten++; });
  expect([told.lately('a', 1000, 500), told.lately('a', 1400, 500), told.lately('a', 600, 500)]).toEqual([false, true, true]);
  expect([told.lately('a', 1500, 500), told.lately('a', 1900, 500)]).toEqual([false, true]);
  expect([told.lately('b', 2000, 500), told.lately('c', 2000, 500), told.lately('a', 2000, 500)]).toEqual([false, false, false]);
  expect([told.size, forgotten]).toEqual([2, 2]);
});

it('what turns out worse is told again, what turns out milder is not', () => {
  const told = new Told(2, () => undefined);
  expect([told.lately('a', 1000, 500, 'high'), told.lately('a', 1100, 500, 'critical'), told.lately('a', 1200, 500, 'high'), told.lately('a', 1300, 500, 'critical')]).toEqual([false, false, true, true]);
});
