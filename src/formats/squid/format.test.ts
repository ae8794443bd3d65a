import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { squid } from './format.ts';

const lines = [
  '1795314421.000      5 192.0.2.1 TCP_DENIED/403 3921 CONNECT example.com:443 - HIER_NONE/- text/html',
  '1795314422.000      5 192.0.2.2 TCP_DENIED/407 3921 CONNECT example.com:443 - HIER_NONE/- text/html',
  '1795314423.000      5 192.0.2.2 TCP_DENIED/407 3921 CONNECT example.com:443 kim HIER_NONE/- text/html',
  '1795314424.000     95 192.0.2.3 TCP_TUNNEL/200 3921 CONNECT example.com:443 - HIER_DIRECT/198.51.100.1 -',
  '1795314425.000      0 192.0.2.4 NONE/405 3921 GET / - HIER_NONE/- text/html',
];

test('access.log', () => {
  const { events, unparsed } = readFile(squid, lines);
  expect(events.map(summary)).toEqual([
    'reject failure 192.0.2.1 -',
    'login unknown 192.0.2.2 -',
    'login failure 192.0.2.2 kim',
    'proxy-request success 192.0.2.3 -',
    'probe failure 192.0.2.4 -',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(squid.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(squid.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(squid, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
