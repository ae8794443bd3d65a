import { describe, expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { sudo } from './program.ts';

const once = (message: string): ReturnType<ReturnType<typeof feed>> => feed(sudo)(message);

describe('sudo', () => {
  it('tells who ran what as whom', () => {
    expect(once('     bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow')).toMatchObject({
      said: true, kind: 'sudo', service: 'sudo', category: 'privilege', action: 'sudo', outcome: 'success',
      user: 'bob', target_user: 'root', terminal: 'pts/0', process_cwd: '/home/bob', process_cmdline: '/usr/bin/cat /etc/shadow',
    });
  });

  it.each([
    ['bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'sudo-denied'],
    ['bob : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'sudo-denied'],
    ['bob : user NOT authorized on host ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'sudo-denied'],
    ['bob : a password is required ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'sudo-denied'],
    ['bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'login'],
    ['bob : 1 incorrect password attempt ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh', 'login'],
  ])('%s', (message, action) => {
    expect(once(message)).toMatchObject({ said: true, action, outcome: 'failure', user: 'bob', target_user: 'root', process_cmdline: '/bin/sh' });
  });

  it('counts the passwords of one line', () => {
    expect(once('bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh').value).toBe(3);
  });

  it('shows the real command even when a folder is named like one', () => {
    expect(once('bob : TTY=pts/0 ; PWD=/tmp/ ; USER=bob ; COMMAND=/bin/true ; USER=root ; COMMAND=/bin/sh -c id').process_cmdline).toContain('/bin/sh -c id');
  });

  it('leaves PAM lines and other text to others', () => {
    expect([once('pam_unix(sudo:session): session closed for user root').said, once('unable to resolve host web01').said, once(' : ').said]).toEqual([false, false, false]);
  });
});
