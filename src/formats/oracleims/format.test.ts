import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { oracleims } from './format.ts';

const lines = [
  '<co ts="2026-11-22T02:27:01.00" pi="72aa.17f0.25622" sc="tcp_local" dr="+" ac="U" tr="TCP|198.51.100.1|25|192.0.2.1|4299" ap="SMTP" mi="Bad password" us="kim@example.org" di="535 5.7.8 Bad username or password (Authentication failed)."/>',
  '<co ts="2026-11-22T02:27:02.00" pi="72aa.17f0.25622" sc="tcp_submit" dr="+" ac="U" tr="TCP|198.51.100.1|465|192.0.2.2|4299" ap="SMTP" mi="Authentication successful - switched to channel tcp_submit" us="kim@example.org" di="235 2.7.0 LOGIN authentication successful."/>',
];

test('bad and good passwords', () => {
  const { events, unparsed } = readFile(oracleims, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim@example.org',
    'login success 192.0.2.2 kim@example.org',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(oracleims.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(oracleims.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(oracleims, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
