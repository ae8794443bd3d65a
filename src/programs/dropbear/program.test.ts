import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { dropbear } from './program.ts';

it.each([
  ["Bad password attempt for 'root' from 192.0.2.7:4711", 'login failure root 192.0.2.7 4711'],
  ["bad password attempt for 'root' from ::ffff:192.0.2.7:4711", 'login failure root 192.0.2.7 4711'],
  ["Bad password attempt for 'x' from 203.0.113.9:1' from 192.0.2.7:4711", "login failure x' from 203.0.113.9:1 192.0.2.7 4711"],
  ['Login attempt for nonexistent user from 192.0.2.7:4711', 'login failure undefined 192.0.2.7 4711'],
  ["Login attempt with wrong user 'eve' from 192.0.2.7:4711", 'login failure eve 192.0.2.7 4711'],
  ["Password auth succeeded for 'bob' from 192.0.2.7:4711", 'login success bob 192.0.2.7 4711'],
  ["Pubkey auth succeeded for 'bob' with ssh-ed25519 key SHA256:abc from 192.0.2.7:4711", 'login success bob 192.0.2.7 4711'],
  ["Exit before auth (user 'root', 10 fails): Max auth tries reached - user 'root' from 192.0.2.7:4711", 'login-detail failure root 192.0.2.7 4711'],
  ["Exit before auth from <192.0.2.7:4711>: (user 'root', 3 fails): Exited normally", 'login-detail failure root 192.0.2.7 4711'],
  ['Exit before auth from <192.0.2.7:4711>: Exited normally', 'probe failure undefined 192.0.2.7 4711'],
  ['Child connection from 192.0.2.7:4711', 'connect unknown undefined 192.0.2.7 4711'],
  ['Exit (bob) from <192.0.2.7:4711>: Disconnect received', 'logout success bob 192.0.2.7 4711'],
])('%s', (message, expected) => {
  const event = feed(dropbear)(message);
  expect(`${event.action} ${event.outcome} ${event.user} ${event.source_ip} ${event.source_port}`).toBe(expected);
  expect([event.said, event.service]).toEqual([true, 'dropbear']);
});

it('leaves what it does not know', () => { expect(feed(dropbear)('Running in background').said).toBe(false); });
