import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { fail2ban } from './format.ts';

const lines = [
  '2026-11-22 02:27:01,388 fail2ban.actions        [123]: NOTICE  [sshd] Ban 192.0.2.1',
  '2026-11-22 02:27:02,388 fail2ban.actions: NOTICE [recidive] Ban 192.0.2.1',
  '2026-11-22 02:27:03,388 fail2ban.filter         [123]: INFO    [sshd] Found 2001:db8::1 - 2026-11-22 02:27:03',
];

test('bans', () => {
  const { events, unparsed } = readFile(fail2ban, lines);
  expect(events.map(summary)).toEqual([
    'ban failure 192.0.2.1 -',
    'ban unknown 192.0.2.1 -',
    'found unknown 2001:db8::1 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ pid: 123, severity: 'notice', session: 'sshd' });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(fail2ban.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(fail2ban.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(fail2ban, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
