import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { ejabberd } from './program.ts';

test('log-ins of old and new versions, a forged name among them', () => {
  expect(heard(ejabberd, 'ejabberd',
    '<0.479.0>@ejabberd_c2s:process_auth_result:272 (tls|<0.479.0>) Failed c2s PLAIN authentication for kim@example.org from 192.0.2.1: Invalid username or password', '(tls|<0.479.0>) Failed c2s PLAIN authentication from 192.0.2.2: Malformed request',
    '<0.22741.1>@ejabberd_c2s:wait_for_feature_request:662 ({socket_state,p1_tls,x}) Failed authentication for kim@example.org from IP 192.0.2.3 ({{192,0,2,3},4321})', '(tls|<0.479.0>) Accepted c2s PLAIN authentication for kim@example.org by sql backend from 2001:db8::4',
    '(tls|<0.479.0>) Failed c2s PLAIN authentication for x from 203.0.113.9: y@example.org from 192.0.2.5: Invalid username or password',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login failure 192.0.2.2', 'login failure 192.0.2.3', 'login success 2001:db8::4', 'login failure 192.0.2.5']);
});
