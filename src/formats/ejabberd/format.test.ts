import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { ejabberd } from './format.ts';

const lines = [
  '2026-11-22 02:27:01.000 [info] <0.22741.1>@ejabberd_c2s:wait_for_feature_request:662 ({socket_state,p1_tls,x}) Failed authentication for kim from IP 192.0.2.1 ({{192,0,2,1},4321})',
  '2026-11-22 02:27:02.000000+00:00 [warning] <0.479.0>@ejabberd_c2s:process_auth_result/3:344 (tls|<0.479.0>) Failed c2s PLAIN authentication for kim@example.org from 192.0.2.2: Invalid username or password',
];

test('ejabberd.log', () => {
  const { events, unparsed } = readFile(ejabberd, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'login failure 192.0.2.2 kim@example.org',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(ejabberd.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(ejabberd.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(ejabberd, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
