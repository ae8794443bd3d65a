import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { webmin } from './program.ts';

it.each([
  ['Invalid login as root from 192.0.2.7', 'login failure root 192.0.2.7'],
  ['Non-existent login as eve from 192.0.2.7', 'login failure eve 192.0.2.7'],
  ['Invalid login as x from 203.0.113.9 from 192.0.2.7', 'login failure x from 203.0.113.9 192.0.2.7'],
  ['Successful login as root from 192.0.2.7', 'login success root 192.0.2.7'],
  ['Security alert: Host 192.0.2.7 blocked after 5 failed logins for user root', 'address-blocked failure root 192.0.2.7'],
])('%s', (message, expected) => {
  const event = feed(webmin)(message);
  expect(`${event.action} ${event.outcome} ${event.user} ${event.source_ip}`).toBe(expected);
});

it('leaves what it does not know', () => { expect(feed(webmin)('Webmin starting').said).toBe(false); });
