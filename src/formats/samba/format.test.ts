import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { samba } from './format.ts';

const lines = [
  '[2026/11/22 02:27:01.024000,  2] ../auth/auth_log.c:653(log_authentication_event_human_readable)',
  '  Auth: [SMB2,(null)] user [WORKGROUP]\\[kim] at [Sun, 22 Nov 2026 02:27:01.02 UTC] with [NTLMv2] status [NT_STATUS_WRONG_PASSWORD] workstation [PC] remote host [ipv4:192.0.2.1:44890] mapped to [WORKGROUP]\\[kim]. local host [ipv4:198.51.100.1:445]',
];

test('a head and the record below it, which shares its time', () => {
  const { events, unparsed } = readFile(samba, lines);
  expect(events.map(summary)).toEqual([
    '- - - -',
    'login failure 192.0.2.1 kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[1]?.time).toBe(events[0]?.time);
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(samba.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(samba.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(samba, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
