import { expect, test } from 'vitest';
import { events, heard } from '../../../test/heard.ts';
import { pureFtpd } from './program.ts';

test('log-ins, in whatever language the server was built for', () => {
  expect(heard(pureFtpd, 'pure-ftpd',
    '(?@192.0.2.1) [INFO] New connection from 192.0.2.1', '(?@192.0.2.1) [WARNING] Authentication failed for user [kim]', '(?@host.example.net) [WARNING] Authentifizierung fehlgeschlagen für Benutzer [kim].', '(?@192.0.2.2) [WARNING] [kim] 身份验证失败',
    '(?@192.0.2.1) [WARNING] Can\'t login as [kim]: account disabled', '(?@192.0.2.1) [ERROR] Too many authentication failures', '(?@192.0.2.1) [WARNING] Too many connections (5) from this IP: [192.0.2.1]', '(?@2001:db8::1) [INFO] kim is now logged in', '(kim@192.0.2.1) [INFO] Logout.',
  )).toEqual(['connect success 192.0.2.1 -', 'login failure 192.0.2.1 kim', 'login failure host.example.net kim', 'login failure 192.0.2.2 kim', 'login failure 192.0.2.1 kim', 'login-detail failure 192.0.2.1 -', 'reject failure 192.0.2.1 -', 'login success 2001:db8::1 kim', 'session-end success 192.0.2.1 kim']);
  const [upload] = events(pureFtpd, 'pure-ftpd', ['(kim@192.0.2.1) [NOTICE] /home/kim//shell.php uploaded  (120 bytes, 3.1KB/sec)']);
  expect(upload).toMatchObject({ kind: 'ftp', action: 'upload', file_path: '/home/kim//shell.php', user: 'kim' });
});

test('a name cannot add a second address', () => {
  expect(heard(pureFtpd, 'pure-ftpd', '(?@192.0.2.1) [WARNING] Authentication failed for user [x] (?@203.0.113.9) [WARNING] Authentication failed for user [y]')).toEqual(['login failure 192.0.2.1 x] (?@203.0.113.9) [WARNING] Authentication failed for user [y']);
});
