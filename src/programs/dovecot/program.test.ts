import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { dovecot } from './program.ts';

const lines = (...messages: string[]): string[] => heard(dovecot, 'dovecot', ...messages);

test('log-in processes of all versions', () => {
  expect(lines(
    'imap-login: Disconnected (auth failed, 2 attempts in 9 secs): user=<kim@example.org>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1, TLS, session=<Ab1/+cd>',
    'pop3-login: Aborted login (auth failed, 1 attempts): user=<kim>, method=PLAIN, rip=::ffff:192.0.2.2, lip=198.51.100.1',
    'imap-login: Login aborted: Connection closed (auth failed, 3 attempts in 16 secs) (auth_failed): user=<kim>, method=PLAIN, rip=192.0.2.3, lip=198.51.100.1, TLS, session=<x>',
    'submission-login: Remote closed connection (auth failed, 1 attempts in 2 secs): user=<kim>, method=LOGIN, rip=2001:db8::4, lip=2001:db8::1',
    'managesieve-login: Disconnected: Too many invalid commands. (auth failed, 1 attempts in 2 secs): user=<kim>, method=PLAIN, rip=192.0.2.5, lip=198.51.100.1',
    'imap-login: Disconnected: Inactivity (auth failed, 1 attempts in 178 secs): method=PLAIN, rip=192.0.2.6, lip=198.51.100.1',
    'imap-login: Disconnected (proxy dest auth failed): user=<kim>, method=PLAIN, rip=192.0.2.7, lip=198.51.100.1',
    'imap-login: Info: Aborted login (auth failed, 1 attempts in 2 secs): user=<kim>, method=PLAIN, rip=192.0.2.8',
  )).toEqual(['login failure 192.0.2.1 kim@example.org', 'login failure 192.0.2.2 kim', 'login failure 192.0.2.3 kim', 'login failure 2001:db8::4 kim', 'login failure 192.0.2.5 kim', 'login failure 192.0.2.6 -', 'login failure 192.0.2.7 kim', 'login failure 192.0.2.8 kim']);
});

test('success, policy, and connections without a log-in', () => {
  expect(lines(
    'imap-login: Login: user=<kim>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1, mpid=411, TLS, session=<x>',
    'imap-login: Logged in: user=<kim>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1, mpid=411, TLS, session=<x>',
    'pop3-login: Aborted login (tried to use disallowed plaintext auth): user=<>, rip=192.0.2.2, lip=198.51.100.1',
    'imap-login: Disconnected (no auth attempts in 10 secs): user=<>, rip=192.0.2.3, lip=198.51.100.1, TLS: Disconnected',
    'imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.4, lip=198.51.100.1, TLS handshaking: SSL_accept() failed: error:1408F10B:SSL routines:ssl3_get_record:wrong version number',
    'imap-login: Disconnected (no auth attempts in 0 secs): user=<>, rip=192.0.2.5, lip=198.51.100.1, TLS handshaking: SSL_accept() failed: error:0A000416:SSL routines::sslv3 alert certificate unknown',
    'imap-login: Disconnected (client didn\'t finish SASL auth, waited 2 secs): user=<>, method=PLAIN, rip=192.0.2.6, lip=198.51.100.1',
  )).toEqual(['login success 192.0.2.1 kim', 'login success 192.0.2.1 kim', 'reject failure 192.0.2.2 -', 'disconnect unknown 192.0.2.3 -', 'probe failure 192.0.2.4 -', 'disconnect unknown 192.0.2.5 -', 'probe failure 192.0.2.6 -']);
});

test('auth processes: every back end and age', () => {
  expect(lines(
    'auth-worker(304): pam(kim,192.0.2.1): pam_authenticate() failed: Authentication failure (password mismatch?)',
    'auth: passwd-file(kim,192.0.2.2): unknown user',
    'auth-worker(80180): Info: conn unix:auth-worker (uid=143): auth-worker<13247>: sql(kim@example.org,192.0.2.3,<Yx7+W8+Io>): Password mismatch',
    'auth: ldap(kim,2001:db8::4,<LZmG>): unknown user (SHA1 of given password: f638ff)',
    'auth(default): pam(kim,192.0.2.5): pam_authenticate() failed: User not known to the underlying authentication module: 2 Time(s)',
    'auth(kim@example.org,192.0.2.6,sasl:login)<CvN+E>: Info: sql: Password mismatch (given password: secret)',
    'auth: ldap(kim,192.0.2.7,): invalid credentials',
    'auth: passwd-file(kim,192.0.2.8): internal failure',
    'auth: Debug: pam(kim,192.0.2.9): lookup service=dovecot',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 kim', 'login failure 192.0.2.3 kim@example.org', 'login failure 2001:db8::4 kim', 'login failure 192.0.2.5 kim', 'login failure 192.0.2.6 kim@example.org', 'login failure 192.0.2.7 kim', 'login unknown 192.0.2.8 kim', 'unknown']);
});

test('one attempt told by PAM, by auth and by the log-in process counts once', () => {
  expect(lines(
    'auth-worker: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=kim rhost=192.0.2.1',
    'auth-worker(7): pam(kim,192.0.2.1,<x>): pam_authenticate() failed: Authentication failure (password mismatch?)',
    'auth-worker(7): pam(kim,192.0.2.1,<x>): pam_authenticate() failed: Authentication failure (password mismatch?)',
    'imap-login: Disconnected (auth failed, 2 attempts in 9 secs): user=<kim>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1, session=<x>',
    'imap-login: Disconnected (auth failed, 1 attempts in 9 secs): user=<kim>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1, session=<y>',
  ).map((text) => text.split(' ')[0])).toEqual(['login', 'login-detail', 'login', 'login-detail', 'login']);
});

test('user names and passwords that look like the daemon\'s own words', () => {
  expect(lines(
    'imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, method=PLAIN, rip=203.0.113.9, lip=x>, method=PLAIN, rip=192.0.2.1, lip=198.51.100.1',
    'imap-login: Disconnected (no auth attempts in 2 secs): user=<(auth failed, 9 attempts)>, rip=192.0.2.2, lip=198.51.100.1',
    'auth-worker: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=rhost=203.0.113.9 rhost=192.0.2.3',
    'auth: sql(a,203.0.113.9): unknown user (b),192.0.2.4): unknown user',
    'auth: sql(kim,192.0.2.5): Password mismatch (given password: x,203.0.113.9): unknown user)',
  )).toEqual(['login failure 192.0.2.1 a>, method=PLAIN, rip=203.0.113.9, lip=x', 'disconnect unknown 192.0.2.2 (auth failed, 9 attempts)', 'login failure 192.0.2.3 rhost=203.0.113.9', 'login failure - a', 'login failure - kim']);
});

test('"auth" is anybody\'s tag', () => {
  const foreign = 'pam_unix(other:auth): authentication failure; logname= uid=0 euid=0 tty=x ruser= rhost=192.0.2.1';
  expect(heard(dovecot, 'auth', foreign, foreign.replace('other', 'dovecot'))).toEqual(['unknown', 'login failure 192.0.2.1 -']);
});
