import { expect, it } from 'vitest';
import { barsOf, complete, meaningOf } from './sql.ts';

const views = [{ name: 'events', columns: [{ name: 'source_ip', type: 'text' }, { name: 'service', type: 'text' }] }, { name: 'alerts', columns: [{ name: 'rule_id', type: 'text' }] }];

it('completes views after FROM, columns of the views that are named first, words of SQL', () => {
  expect(complete('SELECT * FROM ', 14, views, true).items).toEqual(['events', 'alerts']);
  expect(complete('SELECT s FROM events', 8, views)).toEqual({ from: 7, items: ['source_ip', 'service', 'SELECT', 'sum('] });
  expect(complete('SELECT ', 7, views).items).toEqual([]);
});
it('completes the columns of the view before the point, also by the name that the question gives it', () => {
  const of = (sql: string): string[] => complete(sql, sql.length, views).items;
  expect(of('SELECT * FROM events WHERE events.')).toEqual(['source_ip', 'service']);
  expect(of('SELECT * FROM alerts a JOIN events AS e ON e.so')).toEqual(['source_ip']);
  expect(complete('SELECT a.r FROM events e, alerts a', 10, views)).toEqual({ from: 9, items: ['rule_id'] });
  expect(of('SELECT nobody.')).toEqual([]);
});
it('says what a view and a column mean, as the view that the question names has it', () => {
  const say = (en: string) => ({ zh: en, en });
  const known = [{ name: 'processes', title: say('what runs'), live: true, columns: [{ name: 'user', type: 'text', text: say('acts as') }] }, { name: 'events', title: say('what was seen'), live: false, columns: [{ name: 'user', type: 'text', text: say('tried') }] }];
  expect(['processes', 'user', 'SELECT'].map((item) => meaningOf(item, 'SELECT u FROM events', known)?.en)).toEqual(['what runs', 'tried', undefined]);
});
it('draws numbers by texts, never times', () => {
  expect(barsOf({ columns: ['ip', 'time', 'n'], rows: [['a', 5, 2], [null, 6, 1]] })).toEqual({ label: 'ip', value: 'n', bars: [{ label: 'a', value: 2 }, { label: '—', value: 1 }], left: 0 });
  expect(barsOf({ columns: ['ip', 'time'], rows: [['a', 5]] })).toBeUndefined();
});
