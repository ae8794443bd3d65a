import { expect, it } from 'vitest';
import type { Finding } from '../core/finding.ts';
import type { ToldChange } from './baseline-change.ts';
import { ChangeBook, noChanges, readChanges } from './baseline-known.ts';

const change = (path: string, signature: string, level: Finding['level'] = 'high'): ToldChange => ({ path, signature, finding: { id: path, check: 'integrity', kind: 'intrusion', level, title: { zh: '', en: '' }, evidence: [], refs: [] } });

it('knows a change until it is put right, over a restart, and counts how often it came back', () => {
  const book = new ChangeBook(noChanges());
  expect([book.take(change('/a', '1'), 5), book.take(change('/a', '1'), 6), book.take(change('/a', '2'), 7), book.take(change('/b', '1', 'info'), 8)]).toEqual([0, undefined, 0, 0]);
  expect(book.counts()).toMatchObject({ signs: 1, known: { high: 1, info: 1 } });
  const again = new ChangeBook(readChanges(book.text())!);
  expect([again.take(change('/a', '2'), 9), again.isDirty]).toEqual([undefined, false]);
  again.right('/a');
  again.right('/a');
  expect(again.take(change('/a', '2'), 10)).toBe(1);
  expect([readChanges('nonsense'), readChanges('{"version":2}'), readChanges('')]).toEqual([undefined, undefined, noChanges()]);
});

it('takes what a comparison did not tell of for right, but for other parts and for what came meanwhile', () => {
  const book = new ChangeBook(noChanges());
  for (const [path, time] of [['/etc/a', 1], ['/etc/b', 1], ['/usr/c', 1], ['/etc/late', 20]] as const) book.take(change(path, '1'), time);
  book.rest(new Set(['/etc/a']), ['/etc'], 10);
  expect([...book.paths()]).toEqual(['/etc/a', '/usr/c', '/etc/late']);
  book.rest(new Set(), undefined, 30);
  expect([...book.paths()]).toEqual([]);
});

it('keeps no more than it can', () => {
  const book = new ChangeBook(noChanges());
  for (let i = 0; i < 20_010; i++) book.take(change(`/${i}`, '1', 'low'), 1);
  expect([book.size, book.dropped]).toEqual([20_000, 10]);
});
