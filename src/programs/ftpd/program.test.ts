import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { ftpd } from './program.ts';

test('classic FTP daemons', () => {
  expect(heard(ftpd, 'wu-ftpd',
    'failed login from h.example.net [192.0.2.1]', 'repeated login failures from h.example.net [192.0.2.1]', 'FTP LOGIN REFUSED (username in denied-uid) FROM h.example.net [192.0.2.2], root', 'FTP LOGIN FROM h.example.net [192.0.2.3], kim', 'ANONYMOUS FTP LOGIN FROM h.example.net [192.0.2.4], x [203.0.113.9]',
  )).toEqual(['login failure 192.0.2.1 -', 'login-detail failure 192.0.2.1 -', 'login failure 192.0.2.2 root', 'login success 192.0.2.3 kim', 'login success 192.0.2.4 anonymous']);
  expect(heard(ftpd, 'gssftpd', 'repeated login failures from 192.0.2.5 (h.example.net)')).toEqual(['login failure 192.0.2.5 -']);
  expect(heard(ftpd, 'ftpd', 'FTP LOGIN FAILED FROM h.example.net, kim')).toEqual(['login failure h.example.net kim']);
  expect(events(ftpd, 'wu-ftpd', ['pam_unix(wu-ftpd:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=192.0.2.6  user=root'])[0]).toMatchObject({ kind: 'ftp', service: 'wu-ftpd', user: 'root', source_ip: '192.0.2.6', method: 'pam' });
});
