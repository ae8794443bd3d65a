import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { opensmtpd } from './program.ts';

test('the address of a session is in its first line', () => {
  expect(heard(opensmtpd, 'smtpd',
    '4f1ab0c2d3e4f506 smtp connected address=192.0.2.1 host=h.example.net', '4f1ab0c2d3e4f506 smtp authentication user=kim result=permfail', '4f1ab0c2d3e4f506 smtp failed-command command="AUTH LOGIN (password)" result="535 Authentication failed"', '4f1ab0c2d3e4f506 smtp failed-command command="RCPT TO:<a@example.org address=203.0.113.9>" result="550 Invalid recipient"', '4f1ab0c2d3e4f506 smtp disconnected reason=quit',
    '4f1ab0c2d3e4f599 smtp event=failed-command address=192.0.2.2 host=h.example.net command="AUTH PLAIN (...)" result="535 Authentication failed"', 'info: OpenSMTPD starting',
  )).toEqual(['connect success 192.0.2.1 -', 'login failure 192.0.2.1 kim', 'login failure 192.0.2.1 -', 'reject failure 192.0.2.1 -', 'disconnect success 192.0.2.1 -', 'login failure 192.0.2.2 -', 'unknown']);
});
