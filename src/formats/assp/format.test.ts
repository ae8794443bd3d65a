import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { assp } from './format.ts';

const lines = [
  'Nov-22-26 02:27:01 [Worker_1] [TLS-out] 192.0.2.1 [SMTP Error] 535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6',
  'Nov-22-26 02:27:02 m1-25391-06124 [Worker_1] [TLS-out] [RelayAttempt] 192.0.2.2 <203.0.113.9@example.net> to: b@example.org relay attempt blocked for: c@example.org',
  'Nov-22-26 02:27:03 Blocking 192.0.2.3 - too much AUTH errors (8);',
  'Nov-22-26 02:27:04 [SSL-out] 192.0.2.4 SSL negotiation with client failed: SSL accept attempt failed;',
];

test('log-ins and relaying', () => {
  const { events, unparsed } = readFile(assp, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 -',
    'reject failure 192.0.2.2 -',
    'login-detail failure 192.0.2.3 -',
    'probe failure 192.0.2.4 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(assp.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(assp.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(assp, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
