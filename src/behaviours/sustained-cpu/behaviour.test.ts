import { expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { sustainedCpu } from './behaviour.ts';

const began = Date.UTC(2026, 2, 1, 12);
const cpu = (trial: Trial, at: number, value: number, fields = {}): void => {
  trial.run.observe(make('metric', at, { metric: 'process-cpu', value, pid: 77, process_started: 5, process_name: 'work', process_path: '/usr/bin/work', process_cmdline: 'work --all', ...fields }));
  trial.run.observe(make('metric', at, { metric: 'host-cpu', value: 50 }));
};

it('tells five minutes above 70 %, and while it goes on every five minutes', () => {
  const trial = tryOut(sustainedCpu);
  for (let s = 0; s < 300; s += 5) cpu(trial, began + s * 1000, 95);
  expect(trial.found).toEqual([]);
  for (let s = 300; s <= 900; s += 5) cpu(trial, began + s * 1000, 95);
  expect(trial.found.map((d) => (d.time - began) / 1000)).toEqual([300, 600, 900]);
  expect(trial.found[0]).toMatchObject({ level: 'medium', key: '77:5', count: 61, group: { program: '/usr/bin/work', command: 'work --all', minutes: '5', now: '95' } });
  expect(trial.found.flatMap(unfilled)).toEqual([]);
});

it('is not reset by one low sample, but by two', () => {
  const run = (low: readonly number[]): number => {
    const trial = tryOut(sustainedCpu);
    for (let s = 0; s <= 400; s += 5) cpu(trial, began + s * 1000, low.includes(s) ? 3 : 90);
    return trial.found.length;
  };
  expect(run([])).toBe(1);
  expect(run([150, 200, 295])).toBe(1);
  expect(run([150, 155])).toBe(0);
});

it('allows for samples that come late on a machine without time to spare', () => {
  const trial = tryOut(sustainedCpu);
  for (let s = 0; s <= 320; s += 16) cpu(trial, began + s * 1000, 99);
  expect(trial.found).toHaveLength(1);
});

it('keeps below the limit still, begins anew after a pid came back or the clock jumped', () => {
  const trial = tryOut(sustainedCpu);
  for (let s = 0; s <= 900; s += 5) cpu(trial, began + s * 1000, 69);
  for (let s = 900; s <= 1500; s += 5) cpu(trial, began + s * 1000, 99, { process_started: s < 1100 ? 5 : s < 1300 ? 6 : 7 });
  for (let s = 0; s < 290; s += 5) cpu(trial, began - 86_400_000 + s * 1000, 99, { process_started: 7 });
  expect(trial.found).toEqual([]);
});

it('takes an executable in a place for none as worse', () => {
  const level = (path: string | undefined): string | undefined => {
    const trial = tryOut(sustainedCpu, { seconds: 10 });
    for (let s = 0; s <= 10; s += 5) cpu(trial, began + s * 1000, 99, { process_path: path });
    return trial.found[0]?.level;
  };
  for (const path of ['/tmp/x', '/var/tmp/.a/b', '/dev/shm/k', '/home/a/.cache/x', '/memfd:x (deleted)', '/root/x (deleted)']) expect(level(path), path).toBe('high');
  for (const path of ['/usr/bin/ffmpeg', '/usr/sbin/mysqld (deleted)', '/opt/app/run', '/tmpfiles/x', undefined]) expect(level(path), path).toBe('medium');
});
