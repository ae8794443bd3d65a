import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { asterisk } from './format.ts';

const lines = [
  '[2026-11-22 02:27:01] NOTICE[1638] chan_sip.c: Registration from \'<sip:301@example.com>\' failed for \'192.0.2.1\' - Wrong password',
  '[Nov 22 02:27:02] NOTICE[12049][C-0000001a]: manager.c: 192.0.2.2 failed to authenticate as \'kim\'',
];

test('messages and security log', () => {
  const { events, unparsed } = readFile(asterisk, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 301',
    'login failure 192.0.2.2 kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(asterisk.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(asterisk.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(asterisk, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
