import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { asterisk } from './program.ts';

const lines = (...messages: string[]): string[] => heard(asterisk, 'asterisk', ...messages);

test('channels, manager and calls', () => {
  expect(lines(
    'NOTICE[1638] chan_sip.c: Registration from \'<sip:301@example.com>\' failed for \'192.0.2.1:5060\' - Wrong password', '[Nov 22 02:27:01] NOTICE[566]: chan_sip.c:28926 handle_request_register: Registration from \'"100" <sip:100@example.com>\' failed for \'192.0.2.2\' - No matching peer found',
    'NOTICE[17103] res_pjsip/pjsip_distributor.c: Request \'INVITE\' from \'"t" <sip:t@example.com>\' failed for \'192.0.2.3:5678\' (callid: cafe) - No matching endpoint found after 5 tries in 2.500 ms',
    'NOTICE[1638] chan_iax2.c: Host 192.0.2.4 failed to authenticate as \'kim\'', 'NOTICE[1638] chan_iax2.c: No registration for peer \'kim\' (from 192.0.2.5)', 'NOTICE [22382] manager.c: 192.0.2.6 tried to authenticate with nonexistent user \'kim\'',
    'NOTICE[12049]: res_pjsip_session.c:2337 new_invite: Call from \'anonymous\' (TCP:[2001:db8::7]:61470) to extension \'9011\' rejected because extension not found in context \'default\'.', 'WARNING[8447][C-00000244] Ext. s: "Rejecting unknown SIP connection from 192.0.2.8:52126"',
  )).toEqual(['login failure 192.0.2.1 301', 'login failure 192.0.2.2 100', 'login failure 192.0.2.3 t', 'login failure 192.0.2.4 kim', 'login failure 192.0.2.5 kim', 'login failure 192.0.2.6 kim', 'reject failure 2001:db8::7 -', 'reject failure 192.0.2.8 -']);
});

const event = (name: string, session: string, ip: string): string => `SECURITY[6988] res_security_log.c: SecurityEvent="${name}",EventTV="1",Severity="Error",Service="PJSIP",EventVersion="1",AccountID="kim",SessionID="${session}",LocalAddress="IPV4/UDP/198.51.100.1/5060",RemoteAddress="IPV4/UDP/${ip}/5061"`;

test('the security log, which tells again what the channel told', () => {
  expect(lines(event('InvalidPassword', 'a', '192.0.2.1'), 'NOTICE[1638] chan_sip.c: Registration from \'<sip:kim@example.com>\' failed for \'192.0.2.1\' - Wrong password', event('ChallengeSent', 'a', '192.0.2.1'), event('SuccessfulAuth', 'a', '192.0.2.2')))
    .toEqual(['login failure 192.0.2.1 kim', 'login-detail failure 192.0.2.1 kim', 'message unknown 192.0.2.1 kim', 'login success 192.0.2.2 kim']);
});

test('SIP fields with addresses of their own', () => {
  expect(lines(
    event('InvalidAccountID', '",LocalAddress="IPV4/UDP/127.0.0.1/5060",RemoteAddress="IPV4/UDP/203.0.113.9/1111"', '192.0.2.1'),
    'NOTICE[1638] chan_sip.c: Registration from \'<sip:x\' failed for \'203.0.113.9\' - y@example.com>\' failed for \'192.0.2.2\' - Wrong password',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login failure -']);
});
