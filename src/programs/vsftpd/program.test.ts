import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { vsftpd } from './program.ts';

const lines = (...messages: string[]): string[] => heard(vsftpd, 'vsftpd', ...messages);

test('log-ins and transfers', () => {
  expect(lines(
    'CONNECT: Client "::ffff:192.0.2.1"',
    '[kim] FAIL LOGIN: Client "::ffff:192.0.2.1"',
    '[guest] FAIL LOGIN: Client "192.0.2.2", "User is not in the allow user list."',
    '[kim] OK LOGIN: Client "2001:db8::1"',
    '[ftp] OK LOGIN: Client "192.0.2.3", anon password "a@example.net"',
  )).toEqual(['connect success 192.0.2.1 -', 'login failure 192.0.2.1 kim', 'login failure 192.0.2.2 guest', 'login success 2001:db8::1 kim', 'login success 192.0.2.3 ftp']);
  const [upload] = events(vsftpd, 'vsftpd', ['[kim] OK UPLOAD: Client "192.0.2.1", "/www/a b.php", 12 bytes, 3.40Kbyte/sec']);
  expect(upload).toMatchObject({ kind: 'ftp', category: 'file', action: 'upload', outcome: 'success', file_path: '/www/a b.php', user: 'kim' });
});

test('PAM and the daemon tell one attempt, which counts once', () => {
  expect(lines(
    'pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=kim rhost=192.0.2.1',
    '[kim] FAIL LOGIN: Client "192.0.2.1"',
    '[kim] FTP response: Client "192.0.2.1", "530 Login incorrect."',
    '[kim] FAIL LOGIN: Client "192.0.2.1"',
  )).toEqual(['login failure 192.0.2.1 kim', 'login-detail failure 192.0.2.1 kim', 'login-detail failure 192.0.2.1 kim', 'login failure 192.0.2.1 kim']);
});

test('names and passwords that look like the log', () => {
  expect(lines(
    '[x] OK LOGIN: Client "203.0.113.9"] FAIL LOGIN: Client "192.0.2.1"',
    '[x] FAIL LOGIN: Client "203.0.113.9"] FAIL LOGIN: Client "192.0.2.1"',
    '[ftp] OK LOGIN: Client "192.0.2.1", anon password "] FAIL LOGIN: Client "203.0.113.9"',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login failure 192.0.2.1', 'login success 192.0.2.1']);
});
