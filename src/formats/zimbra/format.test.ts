import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { zimbra } from './format.ts';

const lines = [
  '2026-11-22 02:27:01,000 INFO  [qtp9-324:smtp://mail.example.org:7073/service/admin/soap/] [oip=192.0.2.1;oport=57752;oproto=smtp;soapId=688cb579;] SoapEngine - handler exception: authentication failed for [kim], account not found',
  '2026-11-22 02:27:02,000 WARN  [qtp9-324:https://mail.example.org/service/soap/AuthRequest] [name=kim;oip=192.0.2.2;ua=zclient/8;] security - cmd=Auth; account=kim; protocol=soap; error=authentication failed for [kim], invalid password;',
  '2026-11-22 02:27:03,000 INFO  [qtp9-324:https://mail.example.org/service/soap/AuthRequest] [name=kim;oip=192.0.2.3;ua=x;oip=203.0.113.9;] security - cmd=Auth; account=kim; protocol=soap;',
];

test('mailbox.log and audit.log', () => {
  const { events, unparsed } = readFile(zimbra, lines);
  expect(events.map(summary)).toEqual([
    'login failure 192.0.2.1 kim',
    'login failure 192.0.2.2 kim',
    'login success - kim',
  ]);
  expect(unparsed).toBe(0);
  expect(events[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1), lines: [1] });
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(zimbra.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of [
    'Nov 22 02:27:01 server sshd[411]: Failed password for kim from 192.0.2.1 port 4125 ssh2',
    '2026-11-22 02:27:01 something else altogether',
    '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 12 "-" "-"',
    '',
  ]) expect(zimbra.sniff(line), line).toBe(0);
});

test('what is no line of this file is counted, not made an event', () => {
  const { events, unparsed } = readFile(zimbra, ['no time, no head', '\u0000\u001b[31m', '[', '<', '(']);
  expect(events).toEqual([]);
  expect(unparsed).toBe(5);
});
