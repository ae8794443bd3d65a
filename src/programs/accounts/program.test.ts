import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { accounts } from './program.ts';

it.each([
  ['useradd', 'new user: name=bob, UID=1001, GID=1001, home=/home/bob, shell=/bin/bash, from=/dev/pts/0', 'user-add', { target_user: 'bob', uid: 1001, extra: { gid: 1001, home: '/home/bob', shell: '/bin/bash' } }],
  ['useradd', 'new user: name=toor, UID=0, GID=0, home=/root, shell=/bin/sh', 'user-add', { target_user: 'toor', uid: 0 }],
  ['useradd', 'new group: name=bob, GID=1001', 'group-add', { extra: { group: 'bob', gid: 1001 } }],
  ['usermod', "add 'bob' to group 'sudo'", 'group-member-add', { target_user: 'bob', extra: { group: 'sudo' } }],
  ['usermod', "add 'bob' to shadow group 'docker'", 'group-member-add', { target_user: 'bob', extra: { group: 'docker' } }],
  ['usermod', "delete 'bob' from group 'sudo'", 'group-member-remove', { target_user: 'bob', extra: { group: 'sudo' } }],
  ['usermod', "change user 'bob' UID from '1001' to '0'", 'user-change', { target_user: 'bob', uid: 0 }],
  ['usermod', "change user 'bob' shell from '/usr/sbin/nologin' to '/bin/bash'", 'user-change', { target_user: 'bob', extra: { shell: '/bin/bash', before: '/usr/sbin/nologin' } }],
  ['usermod', "change user 'bob' password", 'password-change', { target_user: 'bob' }],
  ['usermod', "change user name 'bob' to 'rob'", 'user-change', { target_user: 'bob', extra: { name: 'rob' } }],
  ['usermod', "unlock user 'bob' password", 'user-unlock', { target_user: 'bob' }],
  ['userdel', "delete user 'bob'", 'user-remove', { target_user: 'bob' }],
  ['userdel', "removed group 'bob' owned by 'bob'", 'group-remove', { extra: { group: 'bob' } }],
  ['groupadd', 'group added to /etc/group: name=ops, GID=1002', 'group-add', { extra: { group: 'ops', gid: 1002 } }],
  ['gpasswd', 'user bob added by root to group docker', 'group-member-add', { user: 'root', target_user: 'bob', extra: { group: 'docker' } }],
  ['gpasswd', 'user bob removed by root from group docker in /etc/gshadow', 'group-member-remove', { user: 'root', target_user: 'bob', extra: { group: 'docker' } }],
  ['gpasswd', 'members of group docker set by root to bob,eve', 'group-member-add', { user: 'root', extra: { group: 'docker', members: 'bob,eve' } }],
  ['passwd', "password for 'bob' changed by 'root'", 'password-change', { user: 'root', target_user: 'bob' }],
  ['chage', 'changed password expiry for bob', 'user-change', { target_user: 'bob' }],
  ['chsh', "changed user 'bob' shell to '/bin/zsh'", 'user-change', { target_user: 'bob' }],
])('%s: %s', (tag, message, action, expected) => {
  expect(feed(accounts, tag)(message)).toMatchObject({ said: true, kind: 'auth', category: 'account', outcome: 'success', service: tag, action, ...expected });
});

it('tells of failures and leaves what it does not know', () => {
  expect(feed(accounts)("failed adding user 'bob', data deleted")).toMatchObject({ outcome: 'failure', target_user: 'bob' });
  expect(feed(accounts)('gkr-pam: couldn\'t update the login keyring').said).toBe(false);
});
