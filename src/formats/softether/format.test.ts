import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { softether } from './format.ts';

const lines = [
  '2026-11-22 02:27:01.000 Connection "CID-72": User authentication failed. The user name that has been provided was "kim", from 192.0.2.1.',
  '2026-11-22T02:27:02 server  [vpn.example.org/VPN/default] (2026-11-22 02:27:02.591) <SECURITY_LOG>: Connection "CID-594": User authentication failed. The user name that has been provided was "x", from 203.0.113.9", from 192.0.2.2.',
];

test('the security log, alone and through syslog', () => {
  const { events, unparsed } = readFile(softether, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'login failure 192.0.2.2 x", from 203.0.113.9',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(softether.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(softether.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(softether, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
