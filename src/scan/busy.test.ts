import { expect, it } from 'vitest';
import { BusyTimes } from './busy.ts';

const at = Date.parse('2026-11-20T03:10:00Z');
const minute = 60_000;
function spansOf(...files: [n: number, time: (i: number) => number][]): { from: number; to: number }[] {
  const times = new BusyTimes();
  for (const [n, time] of files) for (let i = 0; i < n; i++) times.add(time(i));
  return times.spans();
}

it('a restore and an upgrade are busy, a visitor with his tools is not', () => {
  const installed: [number, (i: number) => number] = [100_000, () => at - 9e9];
  expect(spansOf(installed, [20_000, (i) => at + (i % 10) * minute], [900, () => at + 60 * minute], [4000, () => at + 90 * minute])).toEqual([
    { from: at - 9e9, to: at - 9e9 + minute }, { from: at, to: at + 10 * minute },
  ]);
});

it('a handful of files is never much', () => expect(spansOf([999, () => at])).toEqual([]));

it('times without end fill no memory', () => expect(spansOf([250_000, (i) => at + i * 5 * minute], [50_000, () => at])).toEqual([{ from: at, to: at + minute }]));

it('minutes are busy wherever those of the clock begin, and of a disk with very many files a thousand are not much', () => {
  const upgrade: [number, (i: number) => number] = [1200, (i) => at - 10_000 + i * 20];
  expect(spansOf(upgrade, [1, () => at - 60 * minute], [900, () => at + 1440 * minute])).toEqual([{ from: at - minute, to: at + minute }]);
  expect(spansOf(upgrade, [30_000, (i) => i * 10 * minute])).toEqual([]);
});
