import { describe, expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { pam } from './program.ts';

const line = (message: string, tag = 'tool'): unknown[] => {
  const event = feed(pam, tag)(message);
  return [event.said, event.kind, event.service, event.action, event.outcome, event.user, event.source_ip];
};
const failure = 'authentication failure; logname= uid=0 euid=0 tty=tty1 ruser= rhost=192.0.2.7  user=bob';

describe('PAM lines of programs we do not know', () => {
  it.each([
    ['tool', `pam_unix(web:auth): ${failure}`, [true, 'auth', 'web', 'login', 'failure', 'bob', '192.0.2.7']],
    ['tool', `(pam_unix) ${failure}`, [true, 'auth', 'tool', 'login', 'failure', 'bob', '192.0.2.7']],
    ['tool(pam_unix)', failure, [true, 'auth', 'tool', 'login', 'failure', 'bob', '192.0.2.7']],
    ['cockpit-session', 'pam_unix(cockpit:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=::ffff:192.0.2.7 user=bob', [true, 'auth', 'cockpit', 'login', 'failure', 'bob', '192.0.2.7']],
    ['sudo', 'pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 tty=/dev/pts/0 ruser=bob rhost=  user=bob', [true, 'sudo', 'sudo', 'login-detail', 'failure', 'bob', undefined]],
    ['tool', 'pam_unix(web:auth): 2 more authentication failures; logname= uid=0 euid=0 tty= ruser= rhost=192.0.2.7  user=bob', [true, 'auth', 'web', 'login-detail', 'failure', 'bob', '192.0.2.7']],
    ['CRON', 'pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)', [true, 'cron', 'cron', 'session-start', 'success', 'root', undefined]],
    ['su', 'pam_unix(su-l:session): session opened for user root(uid=0) by bob(uid=1000)', [true, 'auth', 'su-l', 'session-start', 'success', 'bob', undefined]],
    ['login', 'pam_unix(login:session): session closed for user bob', [true, 'auth', 'login', 'session-end', 'success', 'bob', undefined]],
    ['passwd', 'pam_unix(passwd:chauthtok): password changed for bob', [true, 'auth', 'passwd', 'password-change', 'success', undefined, undefined]],
    ['tool', 'pam_tally2(web:auth): user bob (1000) tally 6, deny 5', [true, 'auth', 'web', 'account-locked', 'failure', 'bob', undefined]],
    ['tool', 'pam_listfile(web:auth): Refused user bob for service web', [true, 'auth', 'web', 'login', 'failure', 'bob', undefined]],
    ['tool', 'pam_sss(web:auth): received for user bob: 7 (Authentication failure)', [true, 'auth', 'web', 'login-detail', 'failure', 'bob', undefined]],
    ['tool', 'pam_env(web:session): something else', [false, 'syslog', undefined, undefined, undefined, undefined, undefined]],
    ['tool', 'authentication failure for somebody', [false, 'syslog', undefined, undefined, undefined, undefined, undefined]],
    ['tool', 'plain text', [false, 'syslog', undefined, undefined, undefined, undefined, undefined]],
  ])('%s: %s', (tag, message, expected) => { expect(line(message, tag)).toEqual(expected); });

  it('says where rhost ends when a name looks like one', () => {
    expect(line('pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=rhost=203.0.113.9 rhost=192.0.2.7')[6]).toBe('192.0.2.7');
    expect(line('pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=y rhost=203.0.113.9  user=z')[6]).toBe('192.0.2.7');
  });

  it('gives no address when it could be a lie', () => {
    expect(line('pam_unix(web:auth): authentication failure; logname= uid=0 euid=0 tty= ruser=x rhost=203.0.113.9  user=y rhost=192.0.2.7  user=z')).toEqual([true, 'auth', 'web', 'login', 'failure', undefined, undefined]);
  });

  it('keeps who acts apart from whose session it is', () => {
    expect(feed(pam, 'su')('pam_unix(su:session): session opened for user root(uid=0) by bob(uid=1000)')).toMatchObject({ user: 'bob', target_user: 'root', uid: 0 });
  });
});
