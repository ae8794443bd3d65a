import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { slapd } from './program.ts';

test('bind and result are joined by connection', () => {
  expect(heard(slapd, 'slapd',
    'conn=7 fd=12 ACCEPT from IP=192.0.2.1:4321 (IP=0.0.0.0:636)', 'conn=7 op=0 BIND dn="uid=kim,dc=example,dc=org" method=128', 'conn=7 op=0 RESULT tag=97 err=49 text=', 'conn=7 op=1 BIND dn="uid=kim,dc=example,dc=org" method=128', 'conn=7 op=1 RESULT tag=97 err=0 text=', 'conn=7 op=2 RESULT tag=101 err=0 text=',
    'conn=8 fd=13 ACCEPT from IP=[2001:db8::1]:4321 (IP=[::]:636)', 'conn=8 op=0 BIND dn="x" method=128 err=49" method=128', 'conn=8 op=0 RESULT tag=97 err=49 text=',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['connect success 192.0.2.1', 'login-start unknown 192.0.2.1', 'login failure 192.0.2.1', 'login-start unknown 192.0.2.1', 'login success 192.0.2.1', 'message unknown 192.0.2.1', 'connect success 2001:db8::1', 'login-start unknown 2001:db8::1', 'login failure 2001:db8::1']);
});
