import { expect, it } from 'vitest';
import { make, tryOut, unfilled, type Trial } from '../testing.ts';
import { diskFullSoon } from './behaviour.ts';

const minute = 60_000, hour = 60 * minute;
const began = Date.UTC(2026, 2, 1, 12);

function fillUp(trial: Trial, hours: number, used: (h: number) => number, metric = 'disk-space', from = began): void {
  for (let time = from; time <= from + hours * hour; time += minute) trial.run.observe(make('metric', time, { metric, file_path: '/data', value: Math.max(0, Math.min(100, used((time - from) / hour))) }));
}

it('forecasts a disk that fills at an even rate', () => {
  const trial = tryOut(diskFullSoon);
  fillUp(trial, 5, (h) => 60 + h * 0.7);
  expect(trial.found).toHaveLength(1);
  const [alarm] = trial.found;
  expect(alarm).toMatchObject({ level: 'medium', key: 'disk-space:/data', events: [{ file_path: '/data' }] });
  // Told after about three hours: 62 % used, 38 % left at 0.7 an hour.
  expect(Number(alarm?.group?.['hours'])).toBeGreaterThan(50);
  expect(Number(alarm?.group?.['hours'])).toBeLessThan(58);
  expect(trial.found.flatMap(unfilled)).toEqual([]);
});

it('is not misled by logs that are rotated away, and sees through them', () => {
  const saw = tryOut(diskFullSoon);
  fillUp(saw, 36, (h) => 70 + (h % 6));
  expect(saw.found.filter((d) => d.level !== 'medium')).toEqual([]);
  const calm = tryOut(diskFullSoon);
  fillUp(calm, 36, (h) => 70 + Math.sin(h) * 0.3);
  expect(calm.found).toEqual([]);
  const shrinking = tryOut(diskFullSoon);
  fillUp(shrinking, 24, (h) => 90 - h);
  expect(shrinking.found).toEqual([]);
  const slow = tryOut(diskFullSoon);
  fillUp(slow, 48, (h) => 40 + h * 0.1);
  expect(slow.found).toEqual([]);
});

it('tells a full disk at once, inodes too, and again every six hours', () => {
  const trial = tryOut(diskFullSoon);
  fillUp(trial, 13, () => 96.5, 'disk-inodes');
  expect(trial.found.map((d) => [d.level, (d.time - began) / hour])).toEqual([['medium', 0], ['medium', 6], ['medium', 12]]);
  expect(trial.found[0]?.summary?.en).toContain('inodes');
  const full = tryOut(diskFullSoon);
  fillUp(full, 0, () => 99.7);
  expect(full.found.map((d) => d.level)).toEqual(['high']);
});

it('goes on after a restart with what it had', () => {
  const first = tryOut(diskFullSoon);
  fillUp(first, 2.5, (h) => 60 + h);
  expect(first.found).toEqual([]);
  const second = tryOut(diskFullSoon, {}, first.run.save?.());
  fillUp(second, 1, (h) => 63 + h, 'disk-space', began + 3 * hour);
  expect(second.found).toHaveLength(1);
});
