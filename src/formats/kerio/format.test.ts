import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { kerio } from './format.ts';

const lines = [
  '[22/Nov/2026 02:27:01] Failed SMTP login from 192.0.2.1 with SASL method CRAM-MD5.',
  '[22/Nov/2026 02:27:02] Attempt to deliver to unknown recipient <a@example.org>, from <b, IP address 203.0.113.9@example.net>, IP address 192.0.2.2',
  '[22/Nov/2026 02:27:03] SMTP Spam attack detected from 192.0.2.3, client closed connection before SMTP greeting',
  '[22/Nov/2026 02:27:04] Relay attempt from IP address 192.0.2.4, mail from <a@example.net> to <b@example.org> rejected',
  '[22/Nov/2026 02:27:05] SMTP: User a@example.org doesn\'t exist. Attempt from IP address 192.0.2.5.',
  '[22/Nov/2026 02:27:06] Administration login into Web Administration from 192.0.2.6 failed: IP address not allowed',
];

test('security log', () => {
  const { events, unparsed } = readFile(kerio, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 -',
    'reject failure 192.0.2.2 -',
    'probe failure 192.0.2.3 -',
    'reject failure 192.0.2.4 -',
    'reject failure 192.0.2.5 -',
    'login failure 192.0.2.6 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(kerio.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(kerio.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(kerio, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
