import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { freeswitch } from './program.ts';

test('sofia\'s registrations, in the file\'s form and in syslog', () => {
  expect(heard(freeswitch, 'freeswitch',
    '[WARNING] sofia_reg.c:1478 SIP auth failure (INVITE) on sofia profile \'internal\' for [100@198.51.100.1] from ip 192.0.2.1', '2026-11-22 02:27:01.894719 82.43% [WARNING] sofia_reg.c:2889 Can\'t find user [201@::1] from 192.0.2.2', '[WARN] [SOFIA] [sofia_reg.c:4130] Can\'t find user [x] from 203.0.113.9] from 192.0.2.3',
    '[WARNING] sofia_reg.c:1533 SIP auth challenge (INVITE) on sofia profile \'internal\' for [100@198.51.100.1] from ip 192.0.2.4', '[WARNING] sofia_reg.c:3223 IP 192.0.2.5 Rejected by register acl', '[DEBUG] sofia.c:7954 IP 192.0.2.6 Rejected by acl "domains". Falling back to Digest auth.',
  )).toEqual(['login failure 192.0.2.1 100', 'login failure 192.0.2.2 201', 'login failure 192.0.2.3 x] from 203.0.113.9', 'login-start unknown 192.0.2.4 100', 'reject failure 192.0.2.5 -', 'reject unknown 192.0.2.6 -']);
});
