import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { monit } from './program.ts';

test('log-ins to the web console', () => {
  expect(heard(monit, 'monit',
    'HttpRequest: access denied -- client 192.0.2.1: wrong password for user \'kim\'', 'HttpRequest: access denied -- client [2001:db8::1]: unknown user \'x\'', 'HttpRequest: access denied -- client 192.0.2.1: unknown user \'\'', 'HttpRequest: access denied -- client 192.0.2.1: missing or invalid Authorization header', 'HttpRequest: access denied -- client 192.0.2.1: empty password',
    'Warning: Client \'192.0.2.2\' supplied wrong password for user \'admin\' accessing monit httpd', 'HttpRequest: access denied -- client 192.0.2.3: unknown user \'x\' client 203.0.113.9: unknown user \'y\'',
  )).toEqual(['login failure 192.0.2.1 kim', 'login failure 2001:db8::1 x', 'request unknown 192.0.2.1 -', 'request unknown 192.0.2.1 -', 'login failure 192.0.2.1 -', 'login failure 192.0.2.2 admin', 'login failure 192.0.2.3 x\' client 203.0.113.9: unknown user \'y']);
});
