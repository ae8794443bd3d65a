import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { vsftpd } from './format.ts';

const lines = [
  'Sun Nov 22 02:27:01 2026 [pid 411] CONNECT: Client "::ffff:192.0.2.1"',
  'Sun Nov 22 02:27:02 2026 [pid 410] [kim] FAIL LOGIN: Client "::ffff:192.0.2.1"',
  'Sun Nov  8 02:27:03 2026 [pid 410] [kim] OK LOGIN: Client "192.0.2.1"',
];

test('vsftpd.log', () => {
  const { events, unparsed } = readFile(vsftpd, lines);
  expect(events.map(summary)).toEqual([
    'connect success 192.0.2.1 -',
    'login failure 192.0.2.1 kim',
    'login success 192.0.2.1 kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
  expect(events[1]).toMatchObject({ kind: 'ftp', service: 'vsftpd', pid: 410 });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(vsftpd.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(vsftpd.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(vsftpd, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
