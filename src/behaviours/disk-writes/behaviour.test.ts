import { expect, it } from 'vitest';
import { make, tryOut, unfilled } from '../testing.ts';
import { diskWrites } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);

it('tells a process and a disk with more than 500 MB/s for ten seconds', () => {
  const { run, found } = tryOut(diskWrites);
  for (let s = 0; s <= 10; s += 5) {
    run.observe(make('metric', began + s * 1000, { metric: 'process-write', value: 620e6, pid: 9, process_started: 1, process_path: '/dev/shm/enc', process_cmdline: 'enc /home' }));
    run.observe(make('metric', began + s * 1000, { metric: 'disk-write', value: 700e6, file_path: '/dev/vda' }));
    run.observe(make('metric', began + s * 1000, { metric: 'disk-write', value: 500e6, file_path: '/dev/vdb' }));
    run.observe(make('metric', began + s * 1000, { metric: 'process-read', value: 900e6, pid: 10 }));
  }
  expect(found.map((d) => [d.level, d.key, d.group?.['now']])).toEqual([['high', '9:1', '620'], ['medium', '/dev/vda', '700']]);
  expect(found.flatMap(unfilled)).toEqual([]);
});

it('passes over a short burst', () => {
  const { run, found } = tryOut(diskWrites);
  for (const s of [0, 5, 60, 65, 200]) run.observe(make('metric', began + s * 1000, { metric: 'disk-write', value: 900e6, file_path: '/dev/vda' }));
  expect(found).toEqual([]);
});
