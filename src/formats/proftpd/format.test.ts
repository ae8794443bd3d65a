import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { proftpd } from './format.ts';

const lines = [
  '2026-11-22 02:27:01,121 server proftpd[25891] localhost (h.example.net[192.0.2.1]): USER kim: no such user found from h.example.net [192.0.2.1] to ::ffff:198.51.100.1:21',
  'Nov 22 02:27:02 server proftpd[25891] localhost (192.0.2.2[192.0.2.2]): USER kim (Login failed): Incorrect password.',
];

test('proftpd.log of both ages', () => {
  const { events, unparsed } = readFile(proftpd, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'login failure 192.0.2.2 kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ host: 'server', pid: 25891 });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(proftpd.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server proftpd[411]: ftp.example.org (192.0.2.1[192.0.2.1]) - USER kim (Login failed): x',
    '2026-11-22 02:27:01 something else altogether',
  ]) expect(proftpd.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(proftpd, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
