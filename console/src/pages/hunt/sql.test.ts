import { expect, it } from 'vitest';
import { barsOf, complete } from './sql.ts';

const views = [{ name: 'events', columns: [{ name: 'source_ip', type: 'text' }, { name: 'service', type: 'text' }] }, { name: 'alerts', columns: [{ name: 'rule_id', type: 'text' }] }];

it('completes views after FROM, columns of the views that are named first, words of SQL', () => {
  expect(complete('SELECT * FROM ', 14, views, true).items).toEqual(['events', 'alerts']);
  expect(complete('SELECT s FROM events', 8, views)).toEqual({ from: 7, items: ['source_ip', 'service', 'SELECT', 'sum('] });
  expect(complete('SELECT ', 7, views).items).toEqual([]);
});
it('draws numbers by texts, never times', () => {
  expect(barsOf({ columns: ['ip', 'time', 'n'], rows: [['a', 5, 2], [null, 6, 1]] })).toEqual({ label: 'ip', value: 'n', bars: [{ label: 'a', value: 2 }, { label: '—', value: 1 }], left: 0 });
  expect(barsOf({ columns: ['ip', 'time'], rows: [['a', 5]] })).toBeUndefined();
});
