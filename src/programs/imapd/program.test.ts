import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { imapd } from './program.ts';

test('Courier', () => {
  expect(heard(imapd, 'imapd',
    'LOGIN FAILED, user=kim, ip=[::ffff:192.0.2.1]', 'LOGIN FAILED, method=PLAIN, ip=[192.0.2.2], port=[4125]', 'LOGIN, user=kim, ip=[2001:db8::1], port=[4125], protocol=IMAP', 'LOGIN FAILED, user=x, ip=[203.0.113.9], ip=[192.0.2.3]', 'INFO: LOGIN FAILED, user=kim, ip=[192.0.2.4], port=[4125]',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 -', 'login success 2001:db8::1 kim', 'login failure 192.0.2.3 x, ip=[203.0.113.9]', 'login failure 192.0.2.4 kim']);
  expect(events(imapd, 'pop3d', ['LOGIN FAILED, user=kim, ip=[192.0.2.1], port=[4125]'])[0]).toMatchObject({ service: 'courier', source_port: 4125, kind: 'mail' });
});

test('Cyrus, sieve included', () => {
  expect(heard(imapd, 'cyrus/imaps',
    'badlogin: h.example.net [192.0.2.1] PLAIN kim SASL(-13): authentication failure: checkpass failed', 'badlogin: [192.0.2.2] plaintext kim SASL(-13): user not found: checkpass failed', 'badlogin: h.example.net[192.0.2.3] PLAIN authentication failure',
    'badlogin: h.example.net [192.0.2.4] CRAM-MD5 [SASL(-13): user not found: no secret in database]', 'badlogin: [192.0.2.5] DIGEST-MD5 [SASL(-4): no mechanism available]', 'login: h.example.net [2001:db8::6] kim PLAIN+TLS User logged in',
    'badlogin: h.example.net [192.0.2.7] plaintext x[203.0.113.9] invalid user',
    'badlogin: h.example.net [192.0.2.8] PLAIN (kim@example.org) [SASL(-13): authentication failure: Password verification failed]', 'badlogin: [192.0.2.9] plaintext (a b) invalid user', 'badlogin: [192.0.2.9] anonymous login refused',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 kim', 'login failure 192.0.2.3 -', 'login failure 192.0.2.4 -', 'probe failure 192.0.2.5 -', 'login success 2001:db8::6 kim', 'login failure 192.0.2.7 x[203.0.113.9]',
    'login failure 192.0.2.8 kim@example.org', 'login failure 192.0.2.9 a b', 'reject failure 192.0.2.9 -']);
});

test('UW-IMAP', () => {
  expect(heard(imapd, 'ipop3d',
    'Login failed user=kim auth=kim host=h.example.net [192.0.2.1]', 'Login excessive login failures user=kim auth=kim host=h.example.net [192.0.2.1]', 'AUTHENTICATE PLAIN failure host=h.example.net [192.0.2.2]', 'Login user=kim host=h.example.net [192.0.2.3]', 'Failed uwmaster override of user=kim  host=h.example.net [192.0.2.4] ',
    'Login failed user=x host=y [203.0.113.9] auth=x host=h.example.net [192.0.2.5]',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login-detail failure 192.0.2.1', 'login failure 192.0.2.2', 'login success 192.0.2.3', 'login failure 192.0.2.4', 'login failure 192.0.2.5']);
});

test('Perdition and solid-pop3d', () => {
  expect(heard(imapd, 'perdition.imaps',
    'Auth: 192.0.2.1:58379->198.51.100.1:993 client-secure=ssl authorisation_id=NONE authentication_id="kim" server="imap.example.org:993" protocol=IMAP4S server-secure=plaintext status="failed: Re-Authentication Failure"',
    'Auth: 192.0.2.2:58379->198.51.100.1:993 client-secure=ssl authorisation_id=NONE authentication_id="kim" server="imap.example.org:993" protocol=IMAP4S server-secure=plaintext status="ok"',
    'Fatal Error reading authentication information from client 192.0.2.3:58379->198.51.100.1:993: Exiting child',
  )).toEqual(['login failure 192.0.2.1 kim', 'login success 192.0.2.2 kim', 'probe failure 192.0.2.3 -']);
  expect(heard(imapd, 'solid-pop3d', 'authentication failed: no such user: kim - 192.0.2.1', 'APOP authentication failed for user kim - 192.0.2.2', 'authentication failed: no such user: x - 203.0.113.9 - 192.0.2.3'))
    .toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 kim', 'login failure 192.0.2.3 x - 203.0.113.9']);
});
