import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { sendmail } from './program.ts';

const lines = (...messages: string[]): string[] => heard(sendmail, 'sm-mta', ...messages);

test('log-ins', () => {
  expect(lines(
    'uAM2R1ab012345: h.example.net [192.0.2.1] (may be forged): possible SMTP attack: command=AUTH, count=5',
    'uAM2R1ab012345: [192.0.2.2]: possible SMTP attack: command=HELO/EHLO, count=3',
    'uAM2R1ab012345: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, user=kim, relay=h.example.net [192.0.2.3] (may be forged)',
    'uAM2R1ab012345: AUTH failure (PLAIN): authentication failure (-13) SASL(-13): x, relay=[IPv6:2001:DB8::4]',
    'AUTH=server, relay=h.example.net [192.0.2.5], authid=kim, mech=PLAIN, bits=0',
  )).toEqual(['login failure 192.0.2.1 -', 'probe failure 192.0.2.2 -', 'login failure 192.0.2.3 kim', 'login failure 2001:db8::4 -', 'login success 192.0.2.5 kim']);
});

test('rejections and strange sessions', () => {
  expect(lines(
    'uAM2R1ab012345: ruleset=check_rcpt, arg1=<a@example.org>, relay=h.example.net [192.0.2.1], reject=550 5.7.1 <a@example.org>... Relaying denied. Proper authentication required.',
    'ruleset=check_relay, arg1=[192.0.2.2], arg2=192.0.2.2, relay=[192.0.2.2] (may be forged), reject=421 4.3.2 Connection rate limit exceeded.',
    'uAM2R1ab012345: rejecting commands from h.example.net [192.0.2.3] due to pre-greeting traffic after 6 seconds',
    'uAM2R1ab012345: rejecting commands from  [192.0.2.3] due to pre-greeting traffic after 0 seconds',
    'uAM2R1ab012345: [192.0.2.4]: EXPN root [rejected]',
    'uAM2R1ab012345: h.example.net [192.0.2.5] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA',
    'uAM2R1ab012345: lost input channel from [192.0.2.6] to MTA-v4 after rcpt',
    'uAM2R1ab012345: timeout waiting for input from h.example.net [192.0.2.7] during server cmd read',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'probe failure 192.0.2.3 -', 'probe failure 192.0.2.3 -', 'probe failure 192.0.2.4 -', 'probe failure 192.0.2.5 -', 'probe failure 192.0.2.6 -', 'disconnect unknown 192.0.2.7 -']);
});

test('unknown users are told without an address, which the end of the same transaction gives', () => {
  expect(lines(
    'uAM2R1ab012345: <nobody@example.org>... No such user here',
    'uAM2R1ab099999: from=<a@example.net>, size=1, class=0, nrcpts=1, proto=ESMTP, daemon=MTA, relay=h.example.net [192.0.2.9]',
    'uAM2R1ab012345: from=<a@example.net>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=h.example.net [192.0.2.1]',
  )).toEqual(['user-unknown unknown - -', 'message success 192.0.2.9 -', 'reject failure 192.0.2.1 -']);
});

test('forged relays', () => {
  expect(lines(
    'uAM2R1ab012345: AUTH failure (LOGIN): x, user=a, relay=[203.0.113.9], relay=[192.0.2.1]',
    'uAM2R1ab012345: ruleset=check_rcpt, arg1=<a, relay=[203.0.113.9], reject=@example.org>, relay=[192.0.2.1], reject=550 5.7.1 <a, relay=[203.0.113.9], reject=@example.org>... no',
  )).toEqual(['login failure 192.0.2.1 a, relay=[203.0.113.9]', 'reject failure - -']);
});
