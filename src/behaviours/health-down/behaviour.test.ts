import { expect, it } from 'vitest';
import { make, tryOut, unfilled } from '../testing.ts';
import { healthDown } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);
const url = 'http://127.0.0.1:80/';

function checks(outcomes: string): string[] {
  const { run, found } = tryOut(healthDown);
  for (const [i, outcome] of outcomes.split('').entries()) {
    run.observe(make('sensor', began + i * 30_000, { action: 'health', service: url, outcome: outcome === '+' ? 'success' : 'failure', message: 'ECONNREFUSED' }));
  }
  expect(found.flatMap(unfilled)).toEqual([]);
  return found.map((d) => `${(d.time - began) / 30_000} ${d.level} ${d.count}`);
}

it('tells the third failure in a row and the recovery', () => {
  expect(checks('+++--+--+-+')).toEqual([]);
  expect(checks('+---')).toEqual(['3 high 3']);
  expect(checks('+-----++++---')).toEqual(['3 high 3', '6 info 1', '12 high 3']);
});

it('tells again every half hour while it lasts', () => {
  expect(checks('-'.repeat(130))).toEqual(['2 high 3', '62 high 60', '122 high 60']);
});
