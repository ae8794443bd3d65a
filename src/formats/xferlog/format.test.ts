import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { xferlog } from './format.ts';

const lines = [
  'Sun Nov 22 02:27:01 2026 1 192.0.2.1 1202 /www/shell.php b _ i r kim ftp 0 * c',
  'Sun Nov 22 02:27:02 2026 1 ::ffff:192.0.2.2 1202 /pub/a b o x c.txt a _ o a guest@example.net ftp 0 * i',
];

test('uploads, downloads, names with blanks', () => {
  const { events, unparsed } = readFile(xferlog, lines);
  expect(events.map(summary)).toEqual([
    'upload success 192.0.2.1 kim',
    'download failure 192.0.2.2 guest@example.net',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
  expect(events[1]).toMatchObject({ file_path: '/pub/a b o x c.txt', method: 'anonymous', extra: { bytes: 1202 } });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(xferlog.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(xferlog.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(xferlog, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
