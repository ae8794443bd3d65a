/** Which logs matter to whoever covers tracks, and who writes them by right. */
import { baseName } from '../program-kind.ts';

/**
 *   accounts  who logged on: utmp, wtmp, btmp, lastlog
 *   security  what the system and its guards wrote
 *   journal   files of systemd-journald
 *   history   what a person typed
 *   service   logs of web servers and databases
 */
export type LogKind = 'accounts' | 'security' | 'journal' | 'history' | 'service';

export interface LogFile { kind: LogKind; /** An old copy that rotation has put aside. */ rotated: boolean }

const accounts = /^\/(?:var\/log\/(?:wtmp|btmp|lastlog|faillog|tallylog|lastlog2\.db|wtmp\.db)|(?:var\/)?run\/utmp|var\/lib\/(?:lastlog\/lastlog2\.db|wtmpdb\/wtmp\.db))(?<old>[-.]\d.*)?$/;
const security = /^\/var\/log\/(?:auth\.log|secure|syslog|messages|kern\.log|cron|cron\.log|daemon\.log|user\.log|debug|mail\.log|maillog|audit\/audit\.log|fail2ban\.log|ufw\.log|sudo\.log|firewalld|dpkg\.log|apt\/history\.log|yum\.log|dnf\.log)(?<old>[-.]\d.*)?$/;
const service = /^\/(?:var\/log\/(?:nginx|apache2|httpd|mysql|mariadb|postgresql|redis|openresty|caddy|lighttpd|php[\d.-]*|tomcat\d*|mongodb|samba|squid|vsftpd|proftpd|openvpn)\/|www\/wwwlogs\/|usr\/local\/nginx\/logs\/).+$/;
const histories = new Set(['.bash_history', '.zsh_history', '.ash_history', '.sh_history', '.ksh_history', '.histfile', '.history', 'fish_history', '.mysql_history', '.psql_history', '.python_history', '.rediscli_history', '.dbshell', '.sqlite_history']);
const old = /(?:[-.]\d{1,12}(?:\.(?:gz|xz|zst|bz2))?|\.(?:gz|xz|zst|bz2))$/;

/** What log a path is; undefined for every other file. */
export function logOf(path: string): LogFile | undefined {
  if (path.startsWith('/var/') || path.startsWith('/run/') || path.startsWith('/www/') || path.startsWith('/usr/local/nginx/')) {
    const account = accounts.exec(path);
    if (account !== null) return { kind: 'accounts', rotated: account.groups?.['old'] !== undefined };
    const secured = security.exec(path);
    if (secured !== null) return { kind: 'security', rotated: secured.groups?.['old'] !== undefined };
    if ((path.startsWith('/var/log/journal/') || path.startsWith('/run/log/journal/')) && path.includes('.journal')) return { kind: 'journal', rotated: path.includes('@') };
    if (service.test(path)) return { kind: 'service', rotated: old.test(path) };
    return undefined;
  }
  return path.includes('hist') && histories.has(baseName(path)) ? { kind: 'history', rotated: false } : undefined;
}

const set = (names: string): ReadonlySet<string> => new Set(names.split(' '));

/** Programs that write each kind by right. The shell that typed it owns its history. */
export const writers: Readonly<Record<LogKind, ReadonlySet<string>>> = {
  accounts: set('sshd sshd-session login systemd systemd-logind systemd-update-utmp systemd-tmpfiles su sudo runuser agetty getty mingetty gdm gdm-session-worker lightdm sddm sddm-helper screen tmux utempter dropbear vsftpd proftpd pure-ftpd init useradd usermod userdel groupadd faillock faillog lastlog lastlog2 pam_tally2 cockpit-session xrdp-sesman in.telnetd wtmpdb cron crond atd logrotate gnome-terminal-server xterm mosh-server'),
  security: set('rsyslogd syslogd syslog-ng metalog busybox systemd-journald systemd-tmpfiles auditd audisp-remote fail2ban-server fail2ban-client ufw ufw-init firewalld sudo dpkg apt apt-get aptitude unattended-upgrade unattended-upgr yum dnf dnf5 microdnf rpm zypper postfix master logrotate savelog cron crond cloud-init vector fluent-bit'),
  journal: set('systemd-journald journalctl systemd-journal-remote systemd-journal-upload systemd-tmpfiles systemd-machine-id-setup systemd'),
  history: set('bash zsh ash sh dash ksh ksh93 mksh fish busybox mysql mariadb psql python python3 redis-cli valkey-cli mongo mongosh sqlite3 useradd userdel adduser sshd git'),
  service: set(''),
};

/** Whoever stands below one of these works for rotation, installation or removal of accounts. */
export const caretakers = set('logrotate savelog run-parts dpkg rpm apt-get apt aptitude unattended-upgrade yum dnf zypper cloud-init systemd-tmpfiles userdel deluser dockerd containerd containerd-shim-runc-v2 podman conmon buildah debootstrap ansible-playbook puppet chef-client salt-minion');
/** Tools by which people and intruders alike wipe and edit. */
export const isLogServer = (name: string): boolean => logServers.has(name);
const logServers = set('rsyslogd syslogd syslog-ng systemd-journald systemd-journal auditd');
