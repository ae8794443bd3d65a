import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { logind } from './program.ts';

it.each([
  ['New session 5 of user bob.', { action: 'session-start', session: '5', user: 'bob' }],
  ["New session 'c2' of user 'bob' with class 'user' and type 'tty'.", { action: 'session-start', session: 'c2', user: 'bob' }],
  ['Session 5 logged out. Waiting for processes to exit.', { action: 'logout', session: '5' }],
  ['Removed session 5.', { action: 'session-end', session: '5' }],
  ['System is rebooting.', { action: 'shutdown' }],
])('%s', (message, expected) => {
  expect(feed(logind)(message)).toMatchObject({ said: true, kind: 'auth', outcome: 'success', ...expected });
});

it('leaves what it does not know', () => { expect(feed(logind)('New seat seat0.').said).toBe(false); });
