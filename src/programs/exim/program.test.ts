import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { exim } from './program.ts';

const lines = (...messages: string[]): string[] => heard(exim, 'exim', ...messages);

test('failed log-ins: with and without name, HELO, port, interface and account', () => {
  expect(lines(
    'login authenticator failed for (helo) [192.0.2.1]: 535 Incorrect authentication data (set_id=kim)',
    'dovecot_plain authenticator failed for h.example.net ([198.51.100.9]) [192.0.2.2]:55379: 535 Incorrect authentication data (set_id=kim@example.org)',
    'plain authenticator failed for h.example.net [192.0.2.3]: 535 Incorrect authentication data',
    'plain authenticator failed for [192.0.2.4] I=[198.51.100.1]:25: 535 Incorrect authentication data (set_id=kim)',
    '2026-11-22 02:27:01 login authenticator failed for (x) [2001:db8::5] U=x: 535 Incorrect authentication data',
    '[1/2] 2026-11-22 02:27:01 login authenticator failed for (x) [192.0.2.6]: 435 Unable to authenticate at present (set_id=kim): no socket',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 kim@example.org', 'login failure 192.0.2.3 -', 'login failure 192.0.2.4 kim', 'login failure 2001:db8::5 -', 'login unknown 192.0.2.6 kim']);
});

test('rejections', () => {
  expect(lines(
    'H=h.example.net (helo) [192.0.2.1]:4125 I=[198.51.100.1]:25 X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no F=<a@example.net> rejected RCPT <b@example.org>: relay not permitted',
    '1abcde-000123-AB H=[192.0.2.2] F=<a@example.net> temporarily rejected after DATA: greylisted',
    'H=(helo) [192.0.2.3] sender verify fail for <a@example.net>: Unknown user',
    'H=h.example.net [192.0.2.4] rejected EHLO or HELO x_y: syntactically invalid argument(s): x_y',
    'H=h.example.net [192.0.2.5] temporarily rejected connection in "connect" ACL: "Host is ratelimited"',
    'SMTP call from h.example.net [192.0.2.6]:4125 dropped: too many syntax or protocol errors (last command was "?")',
    'no MAIL in SMTP connection from (helo) [192.0.2.7] D=0.4s C=EHLO,AUTH',
    'SMTP connection from [192.0.2.8] closed by DROP in ACL',
    'rejected HELO from [192.0.2.9]: syntactically invalid argument(s): x y',
    '1abcde-0000000abcd-AbCd SA: Action: permanently rejected message: score=9.9 required=5.0 trigger=9.0 (scanned in 2/2 secs | Message-Id: a (host=x [203.0.113.9])). From <a@example.net> (host=h.example.net [192.0.2.10]) for b@example.org',
    'unqualified verify rejected: <root> H=(helo) [192.0.2.12]:4125 I=[198.51.100.1]:25',
    'SMTP connection from (helo) [192.0.2.12]:4125 I=[198.51.100.1]:25 closed by QUIT',
    'unexpected disconnection while reading SMTP command from h.example.net [192.0.2.11] D=1s',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'reject failure 192.0.2.3 -', 'probe failure 192.0.2.4 -', 'reject failure 192.0.2.5 -', 'probe failure 192.0.2.6 -', 'probe failure 192.0.2.7 -', 'reject failure 192.0.2.8 -', 'probe failure 192.0.2.9 -', 'reject failure 192.0.2.10 -', 'reject failure 192.0.2.12 -', 'disconnect unknown 192.0.2.12 -', 'disconnect unknown 192.0.2.11 -']);
});

test('a mail that came in by someone who logged in', () => {
  const [event] = events(exim, 'exim4', ['1abcde-000123-AB <= kim@example.org H=h.example.net (helo) [192.0.2.1]:4125 P=esmtpsa X=TLS1.3:x:256 CV=no A=login:kim S=1202 id=x T="a A=x:y H=z [203.0.113.9]"']);
  expect(event).toMatchObject({ kind: 'mail', service: 'exim', action: 'login', outcome: 'success', user: 'kim', method: 'login', source_ip: '192.0.2.1', source_port: 4125 });
});

test('forged accounts, HELO names and commands do not move the address', () => {
  expect(lines(
    'login authenticator failed for (helo) [192.0.2.1]: 535 Incorrect authentication data (set_id=x) [203.0.113.9]: 535 Incorrect authentication data)',
    'login authenticator failed for (x) [203.0.113.9]: 535 Incorrect authentication data) [192.0.2.2]: 535 Incorrect authentication data (set_id=kim)',
    'login authenticator failed for (x) [203.0.113.9]: 535 Incorrect authentication data (set_id=y)) [192.0.2.3]: 535 Incorrect authentication data (set_id=kim)',
    'H=h.example.net (helo) [192.0.2.4] F=<"x [203.0.113.9]"@example.net> rejected RCPT <"H=y [203.0.113.9]"@example.org>: no',
    'SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=[192.0.2.5] input="GET / H=x [203.0.113.9]\\r\\n"',
    'SMTP protocol synchronization error (next input sent too soon: pipelining was not advertised): rejected "EHLO" H=h.example.net [192.0.2.6] next input="QUIT\\r\\n"',
    'SMTP protocol synchronization error (next input sent too soon: pipelining was not advertised): rejected "X" H=x [203.0.113.9]" H=h.example.net [192.0.2.6] next input="QUIT\\r\\n"',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login failure 192.0.2.2', 'login failure -', 'reject failure 192.0.2.4', 'probe failure 192.0.2.5', 'probe failure 192.0.2.6', 'probe failure -']);
});
