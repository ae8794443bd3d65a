import { expect, it } from 'vitest';
import { make, tryOut, unfilled } from '../testing.ts';
import { hostCpu } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);

it('tells a machine that is busy for five minutes and who makes it so', () => {
  const { run, found } = tryOut(hostCpu);
  for (let s = 0; s <= 300; s += 5) {
    const time = began + s * 1000;
    for (const [pid, value] of [[1, 10], [2, 180], [3, 95], [4, 6], [5, 7], [6, 8]] as const) run.observe(make('metric', time, { metric: 'process-cpu', value, pid, process_path: `/usr/bin/p${pid}` }));
    run.observe(make('metric', time, { metric: 'host-cpu', value: s === 100 ? 20 : 97, host: 'web1' }));
  }
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ level: 'medium', key: 'web1', group: { now: '97', top: '/usr/bin/p2[2] 180%, /usr/bin/p3[3] 95%, /usr/bin/p1[1] 10%, /usr/bin/p6[6] 8%, /usr/bin/p5[5] 7%' } });
  expect(found.flatMap(unfilled)).toEqual([]);
});

it('keeps still at exactly the limit and after two calm samples', () => {
  const { run, found } = tryOut(hostCpu);
  for (let s = 0; s <= 500; s += 5) run.observe(make('metric', began + s * 1000, { metric: 'host-cpu', value: 85 }));
  for (let s = 505; s <= 1000; s += 5) run.observe(make('metric', began + s * 1000, { metric: 'host-cpu', value: s % 250 < 10 ? 50 : 99 }));
  expect(found).toEqual([]);
});
