import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { exim } from './format.ts';

const lines = [
  '2026-11-22 02:27:01 login authenticator failed for (helo) [192.0.2.1]: 535 Incorrect authentication data (set_id=kim)',
  '2026-11-22 02:27:02.123 [4711] H=(helo) [192.0.2.2] F=<a@example.net> rejected RCPT <b@example.org>: relay not permitted',
  '2026-11-22 02:27:03 +0000 1abcde-000123-AB H=h.example.net [192.0.2.3] F=<a@example.net> rejected after DATA: spam',
  '2026-11-22 02:27:04 1abcde-00000001234-AbCd => b@example.org R=dnslookup T=remote_smtp',
];

test('mainlog with every head', () => {
  const { events, unparsed } = readFile(exim, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'reject failure 192.0.2.2 -',
    'reject failure 192.0.2.3 -',
    '- - - -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
  expect(events[1]).toMatchObject({ kind: 'mail', service: 'exim', pid: 4711 });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(exim.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(exim.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(exim, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
