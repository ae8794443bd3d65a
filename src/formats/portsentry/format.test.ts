import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { portsentry } from './format.ts';

const lines = [
  '1795314421 - 11/22/2026 02:27:01 Host: h.example.net/192.0.2.1 Port: 111 TCP Blocked',
];

test('blocked hosts', () => {
  const { events, unparsed } = readFile(portsentry, lines);
  expect(events.map(summary)).toEqual([
    'scan failure 192.0.2.1 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
  expect(events[0]).toMatchObject({ destination_port: 111, protocol: 'tcp' });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(portsentry.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(portsentry.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(portsentry, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
