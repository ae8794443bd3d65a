import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { freeswitch } from './format.ts';

const lines = [
  '2026-11-22 02:27:01.385000 96.03% [WARNING] sofia_reg.c:3223 Can\'t find user [2501@198.51.100.1] from 192.0.2.1',
  '11-22 02:27:02.026292 [WARN] [SOFIA] [sofia_reg.c:2248] SIP auth failure (INVITE) on sofia profile \'external\' for [41@198.51.100.1] from ip 192.0.2.2',
];

test('freeswitch.log with and without load and year', () => {
  const { events, unparsed } = readFile(freeswitch, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 2501',
    'login failure 192.0.2.2 41',
  ]);
  expect(unparsed).toBe(0);
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(freeswitch.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(freeswitch.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(freeswitch, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
