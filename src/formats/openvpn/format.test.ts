import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { openvpn } from './format.ts';

const lines = [
  '2026-11-22 02:27:01 192.0.2.1:1194 TLS Auth Error: Auth Username/Password verification failed for peer',
  'Sun Nov 22 02:27:02 2026 us=123456 192.0.2.2:1194 TLS Error: TLS handshake failed',
  '2026-11-22 02:27:03 OpenVPN 2.6.3 x86_64-pc-linux-gnu',
];

test('openvpn.log of both ages', () => {
  const { events, unparsed } = readFile(openvpn, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 -',
    'probe failure 192.0.2.2 -',
    '- - - -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(openvpn.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(openvpn.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(openvpn, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
