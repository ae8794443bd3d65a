/**
 * Who really wrote a journal record. Fields that begin with _ come from journald; the tag
 * (SYSLOG_IDENTIFIER) comes from the sender, and any user may write `logger -t sshd "Accepted …"`.
 */

/** Tags whose messages we believe about other people's log-ons and accounts, and what executables write them. */
const writers: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({
  sshd: ['sshd', 'sshd-session', 'sshd-auth'],
  'sshd-session': ['sshd-session', 'sshd'],
  'sshd-auth': ['sshd-auth', 'sshd-session', 'sshd'],
  sudo: ['sudo'],
  su: ['su'],
  login: ['login', 'agetty'],
  cron: ['cron', 'crond'],
  crond: ['cron', 'crond'],
  crontab: ['crontab'],
  anacron: ['anacron'],
  useradd: ['useradd', 'adduser'],
  adduser: ['useradd', 'adduser', 'perl'],
  userdel: ['userdel'],
  usermod: ['usermod'],
  groupadd: ['groupadd'],
  groupdel: ['groupdel'],
  groupmod: ['groupmod'],
  gpasswd: ['gpasswd'],
  passwd: ['passwd'],
  chpasswd: ['chpasswd'],
  chage: ['chage'],
  chfn: ['chfn'],
  chsh: ['chsh'],
  newusers: ['newusers'],
  systemd: ['systemd', 'systemd-executor'],
  'systemd-logind': ['systemd-logind'],
  polkitd: ['polkitd'],
  pkexec: ['pkexec'],
  dropbear: ['dropbear', 'dropbearmulti'],
  auditd: ['auditd'],
  rsyslogd: ['rsyslogd'],
  'systemd-journald': ['systemd-journald'],
  vsftpd: ['vsftpd'],
  proftpd: ['proftpd'],
  'pure-ftpd': ['pure-ftpd'],
  'xrdp-sesman': ['xrdp-sesman'],
}));

const systemFolders = ['/usr/', '/bin/', '/sbin/', '/lib/', '/nix/store/', '/run/current-system/'];

/** own: the sender may use this tag; foreign: it is another program; unproven: journald could not see which program it was. */
export type Identity = 'own' | 'foreign' | 'unproven';

/**
 * Judges whether an unprivileged process speaks under a tag that is its own. Root may write what it likes
 * and is believed; without `_UID` (records taken over from another system) nothing can be said against it.
 * journald reads the sender's executable after the fact: a process that ends at once stays unseen, which
 * happens to honest programs too, so that is no proof of forgery, but not believed either.
 */
export function identityOf(tag: string, transport: unknown, uid: number | undefined, comm: string | undefined, exe: string | undefined): Identity {
  if (uid === undefined || uid === 0) return 'own';
  const bracket = tag.indexOf('(');
  const name = (bracket > 0 ? tag.slice(0, bracket) : tag).toLowerCase();
  if (name === 'kernel') return transport === 'kernel' ? 'own' : 'foreign';
  const expected = writers.get(name);
  if (expected === undefined) return 'own';
  if (exe !== undefined) {
    const path = exe.endsWith(' (deleted)') ? exe.slice(0, -10) : exe;
    const base = path.slice(path.lastIndexOf('/') + 1);
    return expected.includes(base) && systemFolders.some((folder) => path.startsWith(folder)) ? 'own' : 'foreign';
  }
  // A process may give itself any name, so the name alone can speak against it, not for it.
  return comm !== undefined && !expected.includes(comm) ? 'foreign' : 'unproven';
}
