import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { murmur } from './format.ts';

const lines = [
  '<W>2026-11-22 02:27:01.000 1 => <4:kim(-1)> Rejected connection from 192.0.2.1:29530: Invalid server password',
];

test('mumble-server.log', () => {
  const { events, unparsed } = readFile(murmur, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(murmur.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(murmur.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(murmur, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
