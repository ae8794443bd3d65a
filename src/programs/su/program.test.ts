import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { su } from './program.ts';

it.each([
  ['(to root) bob on pts/0', ['success', 'bob', 'root', 'pts/0']],
  ['FAILED SU (to root) bob on pts/0', ['failure', 'bob', 'root', 'pts/0']],
  ['Successful su for root by bob', ['success', 'bob', 'root', undefined]],
  ['FAILED su for root by bob', ['failure', 'bob', 'root', undefined]],
  ['+ /dev/pts/0 bob:root', ['success', 'bob', 'root', '/dev/pts/0']],
  ['- /dev/pts/0 bob:root', ['failure', 'bob', 'root', '/dev/pts/0']],
  ['BAD SU bob to root on /dev/pts/0', ['failure', 'bob', 'root', '/dev/pts/0']],
  ['bob to root on /dev/pts/0', ['success', 'bob', 'root', '/dev/pts/0']],
])('%s', (message, expected) => {
  const event = feed(su)(message);
  expect([event.outcome, event.user, event.target_user, event.terminal]).toEqual(expected);
  expect([event.kind, event.service, event.category, event.action]).toEqual(['auth', 'su', 'privilege', 'su']);
});

it('leaves what it does not know', () => {
  expect(feed(su)('pam_unix(su:session): session closed for user root').said).toBe(false);
});
