import { expect, it } from 'vitest';
import type { Matrix } from '../../../../src/api/contract/rules.ts';
import { attackColumns, cellById, cellsOf, cloudColumns, heat, shownOf } from './shape.ts';

const text = (name: string) => ({ zh: name, en: name });
const rule = (id: string, seen: number) => ({ what: 'rule' as const, id, title: text(id), seen });
const matrix: Matrix = {
  since: 0,
  techniques: [
    { id: 'T1059', tactics: ['execution'], name: text('T1059 command'), cell: 'shell-run', covered: [rule('a', 2)], covered_count: 1, seen: 2, last: 5 },
    { id: 'T1059.004', tactics: ['execution'], name: text('T1059.004 shell'), cell: 'shell-run', covered: [rule('b', 9), rule('a', 1)], covered_count: 2, seen: 10, last: 9 },
    { id: 'T1053.003', tactics: ['execution', 'persistence'], name: text('T1053.003 cron'), covered: [], covered_count: 0, seen: 0 },
    { id: 'T9999', tactics: [], name: text('T9999'), covered: [rule('c', 0)], covered_count: 1, seen: 0 },
  ],
  cells: [{ id: 'shell-run', column: text('execution'), name: text('commands'), techniques: ['T1059'], covered_count: 2, seen: 12 }, { id: 'phishing', column: text('first access'), name: text('phishing'), techniques: ['T1566'], covered_count: 0, seen: 0 }],
};

it('joins parts to their technique, counts what covers both once, and keeps the latest', () => {
  const cell = cellById(attackColumns(matrix), 'T1059.004')!;
  expect(cell).toMatchObject({ id: 'T1059', name: { en: 'Command' }, covered: 2, seen: 12, last: 9 });
  expect(cell.things.map(({ id, seen }) => [id, seen])).toEqual([['b', 9], ['a', 3]]);
});
it('shows a technique under each of its tactics, one without any in a column of its own, and counts cells once', () => {
  const columns = attackColumns(matrix);
  expect(columns.filter(({ cells }) => cells.some(({ id }) => id === 'T1053')).map(({ id }) => id)).toEqual(['execution', 'persistence']);
  expect(columns.at(-1)).toMatchObject({ id: 'rest', cells: [{ id: 'T9999' }] });
  expect(cellsOf(columns).map(({ id }) => id)).toEqual(['T1059', 'T1053', 'T9999']);
});
it('filters what was seen and what nothing covers', () => {
  const columns = cloudColumns(matrix);
  expect(columns.map(({ id }) => id)).toEqual(['execution', 'first access']);
  expect(cellsOf(shownOf(columns, 'seen')).map(({ id }) => id)).toEqual(['shell-run']);
  expect(cellsOf(shownOf(columns, 'open')).map(({ id }) => id)).toEqual(['phishing']);
  expect(cellsOf(columns).map(heat)).toEqual([1, 0]);
});
