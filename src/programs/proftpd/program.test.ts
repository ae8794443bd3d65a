import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { proftpd } from './program.ts';

const lines = (...messages: string[]): string[] => heard(proftpd, 'proftpd', ...messages);

test('log-ins', () => {
  expect(lines(
    'ftp.example.org (h.example.net[192.0.2.1]) - USER kim (Login failed): Incorrect password',
    'ftp.example.org (::ffff:192.0.2.2[::ffff:192.0.2.2]): USER nobody: no such user found from ::ffff:192.0.2.2 [::ffff:192.0.2.2] to ::ffff:198.51.100.1:21',
    'ftp.example.org (192.0.2.3[192.0.2.3]): SECURITY VIOLATION: Root login attempted',
    'ftp.example.org (192.0.2.3[192.0.2.3]) - Maximum login attempts (3) exceeded, connection refused',
    'ftp.example.org (192.0.2.4[192.0.2.4]) - mod_sftp/0.9.9: USER kim (Login failed): No such user',
    'ftp.example.org (192.0.2.5[192.0.2.5]) - USER kim: Login successful.',
    'ftp.example.org (192.0.2.5[192.0.2.5]) - FTP session opened.',
    'ftp.example.org (192.0.2.6[192.0.2.6]) - Refused PORT 198,51,100,9,0,22 (bounce attack)',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 192.0.2.2 nobody', 'login failure 192.0.2.3 root', 'login-detail failure 192.0.2.3 -', 'login failure 192.0.2.4 kim', 'login success 192.0.2.5 kim', 'session-start success 192.0.2.5 -', 'probe failure 192.0.2.6 -']);
});

test('PAM and the daemon tell one attempt, which counts once', () => {
  expect(lines(
    'pam_unix(proftpd:auth): authentication failure; logname= uid=0 euid=0 tty=/dev/ftpd1 ruser=kim rhost=192.0.2.1  user=kim',
    'ftp.example.org (192.0.2.1[192.0.2.1]) - USER kim (Login failed): Incorrect password',
  )).toEqual(['login failure 192.0.2.1 kim', 'login-detail failure 192.0.2.1 kim']);
});

test('a user name that is a whole log line', () => {
  expect(lines(
    'ftp.example.org (192.0.2.1[192.0.2.1]): USER ftp.example.org (x[203.0.113.9]): no such user found from x: no such user found from 192.0.2.1 [192.0.2.1] to 198.51.100.1:21',
    'ftp.example.org (192.0.2.1[192.0.2.1]): USER kim: Login successful. (Login failed): Incorrect password',
  )).toEqual(['login failure 192.0.2.1 ftp.example.org (x[203.0.113.9]): no such user found from x', 'login failure 192.0.2.1 kim: Login successful.']);
});
