import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { dovecot } from './format.ts';

const lines = [
  '2026-11-22 02:27:01 imap-login: Info: Aborted login (auth failed, 1 attempts in 2 secs): user=<kim>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1',
  'Nov 22 02:27:02 auth(kim@example.org,192.0.2.2,sasl:login)<CvN+E>: Info: sql: Password mismatch',
  '@4000000065a1b2c30a0b0c0d auth-worker(7): Info: pam(kim,192.0.2.3): unknown user',
  '2026-11-22 02:27:04 master: Info: Dovecot v2.3.19 starting up for imap',
];

test('dovecot.log of both ages and under multilog', () => {
  const { events, unparsed } = readFile(dovecot, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'login failure 192.0.2.2 kim@example.org',
    'login failure 192.0.2.3 kim',
    '- - - -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(dovecot.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(dovecot.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(dovecot, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
