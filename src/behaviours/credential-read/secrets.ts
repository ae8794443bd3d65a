/** Files that hold credentials, by kind, and the programs that read them as their work. */
import type { Text } from '../../core/text.ts';

export type SecretId = 'shadow' | 'ssh-key' | 'host-key' | 'cloud' | 'database' | 'browser' | 'token' | 'memory';

export const secretNames: Readonly<Record<SecretId, Text>> = {
  'shadow': { zh: '密码哈希', en: 'password hashes' }, 'ssh-key': { zh: 'SSH 私钥', en: 'private SSH keys' }, 'host-key': { zh: 'SSH 主机私钥', en: 'SSH host keys' },
  'cloud': { zh: '云与集群凭据', en: 'credentials of clouds and clusters' }, 'database': { zh: '数据库密码', en: 'database passwords' }, 'browser': { zh: '浏览器保存的密码', en: 'passwords kept by a browser' },
  'token': { zh: '访问令牌', en: 'access tokens' }, 'memory': { zh: '其他进程的环境变量或内存', en: 'environment or memory of other processes' },
};

const whole = new Map<string, SecretId>([
  ['/etc/shadow', 'shadow'], ['/etc/gshadow', 'shadow'], ['/etc/shadow-', 'shadow'], ['/etc/gshadow-', 'shadow'], ['/etc/security/opasswd', 'shadow'], ['/var/backups/shadow.bak', 'shadow'], ['/var/lib/extrausers/shadow', 'shadow'],
  ['/proc/kcore', 'memory'],
  ['/etc/mysql/debian.cnf', 'database'], ['/etc/kubernetes/admin.conf', 'cloud'], ['/etc/kubernetes/kubelet.conf', 'cloud'], ['/etc/rancher/k3s/k3s.yaml', 'cloud'], ['/etc/boto.cfg', 'cloud'],
]);
/** Behind a home folder, wherever that lies. */
const ends: readonly (readonly [string, SecretId])[] = [
  ['/.aws/credentials', 'cloud'], ['/.aws/config', 'cloud'], ['/.aliyun/config.json', 'cloud'], ['/.ossutilconfig', 'cloud'], ['/.cos.conf', 'cloud'], ['/.cos.yaml', 'cloud'], ['/.hcloud/config.json', 'cloud'], ['/.kube/config', 'cloud'],
  ['/.docker/config.json', 'cloud'], ['/.config/containers/auth.json', 'cloud'], ['/.config/gcloud/credentials.db', 'cloud'], ['/.config/gcloud/access_tokens.db', 'cloud'], ['/.config/gcloud/application_default_credentials.json', 'cloud'],
  ['/.azure/accessTokens.json', 'cloud'], ['/.azure/msal_token_cache.json', 'cloud'], ['/.terraform.d/credentials.tfrc.json', 'cloud'], ['/.s3cfg', 'cloud'], ['/.boto', 'cloud'], ['/.config/rclone/rclone.conf', 'cloud'],
  ['/.my.cnf', 'database'], ['/.mylogin.cnf', 'database'], ['/.pgpass', 'database'], ['/.mongorc.js', 'database'], ['/.rediscli_auth', 'database'],
  ['/.git-credentials', 'token'], ['/.netrc', 'token'], ['/.config/gh/hosts.yml', 'token'], ['/.npmrc', 'token'], ['/.pypirc', 'token'], ['/.vault-token', 'token'], ['/.config/git/credentials', 'token'],
  ['/Login Data', 'browser'], ['/Cookies', 'browser'], ['/logins.json', 'browser'], ['/key4.db', 'browser'], ['/cookies.sqlite', 'browser'],
];
const notKeys = new Set(['known_hosts', 'known_hosts.old', 'config', 'authorized_keys', 'authorized_keys2', 'environment', 'rc']);

/** What kind of secret a file is; undefined for any other. `pid` is the reader's: its own memory is no secret to it. */
export function secretOf(path: string, pid: number | undefined): SecretId | undefined {
  const known = whole.get(path);
  if (known !== undefined) return known;
  if (path.startsWith('/proc/')) {
    const found = /^\/proc\/(\d{1,10}|self)\/(?:task\/\d{1,10}\/)?(?:environ|mem)$/.exec(path);
    return found === null || found[1] === 'self' || Number(found[1]) === pid ? undefined : 'memory';
  }
  if (path.startsWith('/etc/ssh/')) return path.startsWith('/etc/ssh/ssh_host_') && path.endsWith('_key') ? 'host-key' : undefined;
  const ssh = path.lastIndexOf('/.ssh/');
  if (ssh >= 0) {
    const name = path.slice(ssh + 6);
    return name === '' || name.includes('/') || notKeys.has(name) || name.endsWith('.pub') ? undefined : 'ssh-key';
  }
  if (path.includes('/.tccli/') && path.endsWith('.credential')) return 'cloud';
  if (path.includes('/.config/gcloud/legacy_credentials/')) return 'cloud';
  const end = ends.find(([text]) => path.endsWith(text));
  if (end === undefined) return undefined;
  // Names that others use too.
  return end[1] !== 'browser' || /\/(?:\.mozilla|\.config\/(?:google-chrome|chromium|BraveSoftware|microsoft-edge)|snap\/firefox)/.test(path) ? end[1] : undefined;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** What everything may be read by: backups, integrity checkers, configuration management, scanners. */
export const generalReaders = words('restic borg borgbackup rsync tar duplicity bacula-fd bareos-fd amanda aide aide.wrapper tripwire samhain rkhunter chkrootkit lynis clamscan clamd freshclam moat ansible ansible-playbook puppet chef-client salt-minion salt-call cfagent osqueryd auditd wazuh-agentd wazuh-syscheckd falco updatedb updatedb.mlocate updatedb.plocate debsums dpkg rpm fsfreeze');

const readers: Readonly<Record<SecretId, ReadonlySet<string>>> = {
  'shadow': words('sshd sshd-session sshd-auth sudo su passwd login agetty cron crond atd anacron unix_chkpwd unix_update chage chfn chsh useradd usermod userdel groupadd groupmod groupdel groupmems gpasswd newgrp sg chpasswd chgpasswd newusers pwck grpck pwconv pwunconv grpconv grpunconv vipw vigr adduser deluser getent systemd systemd-sysusers systemd-homed systemd-userdbd systemd-logind (systemd) systemd-executor polkitd polkit-agent-helper-1 accounts-daemon nscd nslcd sssd sssd_be sssd_pam vsftpd proftpd pure-ftpd dovecot auth dovecot-auth saslauthd gdm-session-worker gdm lightdm xrdp-sesman cockpit-session screen vlock xscreensaver i3lock doas runuser pkexec cloud-init update-passwd webmin miniserv.pl samba smbd pdbedit mysqld_safe slapd opensmtpd smtpctl dropbear'),
  'ssh-key': words('ssh ssh-add ssh-agent ssh-keygen scp sftp sshfs autossh gpg-agent gnome-keyring-daemon mosh dbclient keychain sshd ssh-keysign ssh-copy-id'),
  'host-key': words('sshd sshd-session sshd-auth ssh-keygen ssh-keysign cloud-init dropbear'),
  'cloud': words('aws aws_completer aliyun tccli kubectl kubelet kubeadm k3s k9s helm docker dockerd docker-compose podman buildah skopeo nerdctl gcloud gsutil bq az azcopy terraform terragrunt tofu pulumi ossutil ossutil64 coscmd coscli rclone s3cmd eksctl crane argocd istioctl docker-credential-pass cri-dockerd'),
  'database': words('mysql mysqladmin mysqldump mysqlcheck mysqlimport mysqlshow mysqlslap mysql_upgrade mariadb mariadb-admin mariadb-dump mariadb-check mariadb-upgrade mysqld mysqld_safe mariadbd debian-start psql pg_dump pg_dumpall pg_restore pg_basebackup pg_isready createdb dropdb vacuumdb reindexdb mongosh mongo mongodump redis-cli mydumper xtrabackup mariabackup logrotate automysqlbackup postgres zabbix_agentd mysqld_exporter'),
  'browser': words('firefox firefox-esr firefox-bin chrome google-chrome chromium chromium-browser brave msedge'),
  'token': words('git git-remote-http git-remote-https git-credential-store curl wget ftp lftp npm npx node yarn pnpm pip pip3 python3 twine gh vault hub composer cargo gem bundle mvn gradle go'),
  'memory': words('ps top htop atop btop pgrep pkill pidof w who uptime pstree lsof fuser ss netstat systemd systemd-logind (systemd) systemd-journald systemd-coredump systemd-oomd systemctl loginctl sudo su sshd gdb strace ltrace perf criu crash drgn makedumpfile kdump abrt apport kerneloops dbus-daemon polkitd needrestart checkrestart node_exporter process-exporter telegraf zabbix_agentd netdata apps.plugin collectd monit supervisord dockerd containerd containerd-shim containerd-shim-runc-v2 runc snapd cockpit-bridge glances nmon sysstat pidstat iotop service init start-stop-daemon killall killall5'),
};

/** The process that an environment or memory is of, as its own /proc numbers it. */
export function processOf(path: string): number | undefined {
  const found = /^\/proc\/(\d{1,10})\//.exec(path);
  return found === null ? undefined : Number(found[1]);
}

/** Programs whose work it is to read this. */
export const isReader = (id: SecretId, name: string): boolean => generalReaders.has(name) || readers[id].has(name);
