import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { polkit } from './program.ts';

it.each([
  ['Operator of unix-session:3 successfully authenticated as unix-user:root to gain ONE-SHOT authorization for action org.freedesktop.policykit.exec for unix-process:71:2 [sh] (owned by unix-user:bob)', { action: 'authorize', outcome: 'success', user: 'bob', target_user: 'root', session: 'unix-session:3', extra: { polkit_action: 'org.freedesktop.policykit.exec' } }],
  ['Operator of unix-session:3 FAILED to authenticate to gain authorization for action org.freedesktop.policykit.exec for unix-process:71:2 [sh] (owned by unix-user:bob)', { action: 'authorize', outcome: 'failure', user: 'bob' }],
  ['bob: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/home/bob] [COMMAND=/usr/bin/id -u]', { action: 'pkexec', outcome: 'success', user: 'bob', target_user: 'root', terminal: '/dev/pts/0', process_cwd: '/home/bob', process_cmdline: '/usr/bin/id -u' }],
  ['bob: Error executing command as another user: Not authorized [USER=root] [TTY=unknown] [CWD=/] [COMMAND=/bin/sh]', { action: 'pkexec', outcome: 'failure', terminal: undefined }],
  ['bob: The value for the SHELL variable was not found the /etc/shells file [USER=root] [TTY=/dev/pts/0] [CWD=/tmp] [COMMAND=pwn]', { action: 'pkexec-suspicious', outcome: 'failure', user: 'bob' }],
])('%s', (message, expected) => {
  expect(feed(polkit)(message)).toMatchObject({ said: true, kind: 'auth', category: 'privilege', ...expected });
});
