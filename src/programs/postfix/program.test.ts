import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { postfix } from './program.ts';

const smtpd = (...messages: string[]): string[] => heard(postfix, 'postfix/smtpd', ...messages);

test('a failed SASL log-in, with and without port, reason and name', () => {
  expect(smtpd(
    'warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6',
    'warning: mail.example.net[192.0.2.1]:50122: SASL PLAIN authentication failed:',
    'warning: unknown[2001:DB8::1]: SASL login authentication failed: (reason unavailable), sasl_username=kim@example.org',
    'warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: (reason unavailable), sasl_username=(unavailable)',
  )).toEqual(['login failure 192.0.2.1 -', 'login failure 192.0.2.1 -', 'login failure 2001:db8::1 kim@example.org', 'login failure 192.0.2.1 -']);
});

test('a backend that is down and a mechanism that is not offered are no failed log-ins', () => {
  expect(smtpd(
    'warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: Connection lost to authentication server',
    'disconnect from unknown[192.0.2.1] ehlo=1 auth=0/1 commands=1/2',
    'warning: unknown[192.0.2.1]: SASL CRAM-MD5 authentication failed: Invalid authentication mechanism',
  )).toEqual(['login unknown 192.0.2.1 -', 'login-detail failure 192.0.2.1 -', 'probe failure 192.0.2.1 -']);
});

test('an attempt counts once: its own line, then the sum at the end of the connection', () => {
  expect(smtpd(
    'connect from unknown[192.0.2.7]',
    'warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6',
    'lost connection after AUTH from unknown[192.0.2.7]',
    'disconnect from unknown[192.0.2.7] ehlo=1 auth=0/1 commands=1/2',
    'disconnect from unknown[192.0.2.7] ehlo=1 auth=0/2 rset=1 commands=2/4',
    'disconnect from unknown[192.0.2.7] ehlo=1 auth=1 mail=1 commands=3',
  )).toEqual(['connect success 192.0.2.7 -', 'login failure 192.0.2.7 -', 'disconnect unknown 192.0.2.7 -', 'login-detail failure 192.0.2.7 -', 'login failure 192.0.2.7 -', 'disconnect success 192.0.2.7 -']);
});

test('rejections of every stage, and what is only strange', () => {
  expect(smtpd(
    'NOQUEUE: reject: RCPT from host.example.net[192.0.2.1]: 554 5.7.1 <a@example.org>: Relay access denied; from=<b@example.net> to=<a@example.org> proto=ESMTP helo=<x>',
    '4ABC12: reject: RCPT from unknown[192.0.2.2]:4125: 550 5.1.1 <a@example.org>: Recipient address rejected: User unknown in local recipient table; from=<> to=<a@example.org> proto=SMTP helo=<x>',
    '4ABC12: milter-reject: END-OF-MESSAGE from unknown[192.0.2.3]: 5.7.1 Spam; from=<b@example.net> to=<a@example.org> proto=ESMTP helo=<x>',
    'improper command pipelining after EHLO from unknown[192.0.2.4]: QUIT',
    'too many errors after RCPT from unknown[192.0.2.5]',
    'NOQUEUE: lost connection after CONNECT from unknown[192.0.2.6]',
    'lost connection after DATA (1202 bytes) from unknown[192.0.2.6]',
    'warning: non-SMTP command from unknown[192.0.2.8]: GET / HTTP/1.1',
    'warning: Connection rate limit exceeded: 31 from unknown[192.0.2.9] for service smtpd',
    'NOQUEUE: reject: MAIL from unknown[192.0.2.10]: 451 4.3.0 <a@example.net>: Temporary lookup failure; from=<a@example.net> proto=ESMTP helo=<x>',
    'NOQUEUE: reject: RCPT from unknown[192.0.2.10]: 421 4.3.0 mx.example.org Server local data error; proto=SMTP',
    'warning: hostname h.example.net does not resolve to address 192.0.2.10: Name or service not known',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'reject failure 192.0.2.3 -', 'probe failure 192.0.2.4 -', 'probe failure 192.0.2.5 -', 'probe failure 192.0.2.6 -',
    'disconnect unknown 192.0.2.6 -', 'probe failure 192.0.2.8 -', 'reject failure 192.0.2.9 -', 'reject unknown 192.0.2.10 -', 'reject unknown 192.0.2.10 -', 'hostname-mismatch unknown 192.0.2.10 -']);
});

test('a successful log-in names the account and the method', () => {
  const [event] = events(postfix, 'postfix/submission/smtpd', ['4F0A1B2C3D: client=host.example.net[192.0.2.1], sasl_method=PLAIN, sasl_username=kim']);
  expect(event).toMatchObject({ kind: 'mail', service: 'postfix', category: 'authentication', action: 'login', outcome: 'success', user: 'kim', method: 'PLAIN', source_ip: '192.0.2.1' });
});

test('postscreen and anvil', () => {
  expect(heard(postfix, 'postfix/postscreen',
    'CONNECT from [192.0.2.1]:4711 to [198.51.100.1]:25', 'PREGREET 14 after 0.08 from [192.0.2.1]:4711: EHLO from [203.0.113.9]:1\\r\\n', 'HANGUP after 1.6 from [192.0.2.2]:4711 in tests after SMTP handshake',
    'DNSBL rank 6 for [192.0.2.3]:4711', 'NOQUEUE: reject: RCPT from [192.0.2.4]:4711: 550 5.7.1 Service unavailable; client [192.0.2.4] blocked using bl.example.org; from=<a@example.net>, to=<b@example.org>, proto=ESMTP, helo=<x>', 'COMMAND COUNT LIMIT from [192.0.2.5]:4711 after RCPT', 'PASS NEW [2001:db8::2]:4711',
  )).toEqual(['connect success 192.0.2.1 -', 'probe failure 192.0.2.1 -', 'probe failure 192.0.2.2 -', 'reject failure 192.0.2.3 -', 'reject failure 192.0.2.4 -', 'probe failure 192.0.2.5 -', 'connect success 2001:db8::2 -']);
  expect(heard(postfix, 'postfix/anvil', 'statistics: max connection rate 3/60s for (smtp:192.0.2.1) at Nov 22 02:27:01')).toEqual(['statistics unknown 192.0.2.1 -']);
});

test('addresses forged in what the client says are not taken', () => {
  expect(smtpd(
    'warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: x, sasl_username=a from h[203.0.113.9]: SASL LOGIN authentication failed: y',
    'NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 504 5.5.2 <h[203.0.113.9]>: Helo command rejected; from=<a@example.net> to=<b@example.org> proto=SMTP helo=<h[203.0.113.9]>',
    'improper command pipelining after AUTH from unknown[192.0.2.1]: RCPT from h[203.0.113.9]',
  )).toEqual(['login failure 192.0.2.1 a from h[203.0.113.9]: SASL LOGIN authentication failed: y', 'reject failure 192.0.2.1 -', 'probe failure 192.0.2.1 -']);
  // A header check prints the header before the address: with a forged one in it, nobody is named.
  expect(heard(postfix, 'postfix/cleanup',
    '4ABC12: reject: header Subject: buy from h.example.net[192.0.2.1]; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<x>: 5.7.1 no',
    '4ABC12: reject: header Subject: x from h[203.0.113.9]; from=<c> from h.example.net[192.0.2.1]; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<x>: 5.7.1 no',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure - -']);
});
