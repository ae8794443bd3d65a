import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { qmail } from './program.ts';

test('block lists, tcpserver and vpopmail', () => {
  expect(heard(qmail, 'qmail',
    '1795314421.485077 rblsmtpd: 192.0.2.1 pid 19597 bl.example.org: 451 https://bl.example.org/?192.0.2.1', '1795314421.633171 qmail-smtpd: 421 badiprbl: ip 192.0.2.2 rbl: bl.example.org', '1795314421.633171 tcpserver: ok 12',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'unknown']);
  expect(heard(qmail, 'rblsmtpd', 'bl.example.org blocked 192.0.2.3 test.example.org -')).toEqual(['reject failure 192.0.2.3 -']);
  expect(heard(qmail, 'vpopmail',
    'vchkpw-pop3: password fail (pass: \'x\') kim@example.org:192.0.2.4', 'vchkpw-smtp: vpopmail user not found kim@example.org:2001:db8::5', 'vchkpw-submission: (PLAIN) login success kim@example.org:192.0.2.6', 'vchkpw-pop3: password fail (pass: \'a b@c:203.0.113.9\') kim@example.org:192.0.2.7',
  )).toEqual(['login failure 192.0.2.4 kim@example.org', 'login failure 2001:db8::5 kim@example.org', 'login success 192.0.2.6 kim@example.org', 'login failure 192.0.2.7 kim@example.org']);
});
