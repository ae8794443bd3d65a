import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { exchange } from './format.ts';

const lines = [
  '2026-11-22T02:27:01.000Z,EX-1\\Default Frontend EX-1,08DA4F7C11473A60,9,198.51.100.1:25,192.0.2.1:53722,>,535 5.7.3 Authentication unsuccessful,',
  '2026-11-22T02:27:02.000Z,000000000000000E,2,198.51.100.1:143,192.0.2.2:35070,kim,168,31,31,authenticate,PLAIN,"R=""2 NO AUTHENTICATE failed."";Msg=""AuthFailed:LogonDenied,User: kim""",',
  '2026-11-22T02:27:03.000Z,EX-1\\Default Frontend EX-1,08DA4F7C11473A60,9,198.51.100.1:25,[2001:db8::3]:53722,<,EHLO 203.0.113.9,',
];

test('SMTP, IMAP and POP', () => {
  const { events, unparsed } = readFile(exchange, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 -',
    'login failure 192.0.2.2 kim',
    'message unknown 2001:db8::3 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(exchange.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(exchange.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(exchange, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
