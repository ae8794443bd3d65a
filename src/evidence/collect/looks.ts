/**
 * What is looked at, as data: tables of the kernel, programs, files, by group, in order of volatility. Programs only look: none is here
 * that loads a module (iptables -L, ipvsadm, conntrack, wg), starts a service (pm2, virsh) or makes files of its own (lxc, flatpak).
 * One that is not installed is noted.
 */
import type { FileSet } from './files.ts';

export interface CommandLook { name: string; argv: readonly string[]; /** Milliseconds; 20,000 when left out. */ ms?: number; fine?: readonly number[]; /** Only where this is: a program that would make its own folders, or load a module, is not asked for what is not there. */ needs?: string }

const needed: Readonly<Record<string, string>> = { podman: '/var/lib/containers/storage', rpm: '/var/lib/rpm', dnf: '/var/lib/dnf', yum: '/var/lib/yum', pacman: '/var/lib/pacman', apk: '/lib/apk/db', zpool: '/proc/spl', zfs: '/proc/spl', btrfs: '/sys/fs/btrfs' };

const commands = (group: string, list: readonly (readonly [string, ...string[]] | CommandLook)[]): CommandLook[] => list.map((one) => {
  const needs = needed['argv' in one ? one.argv[0] ?? '' : one[0]];
  if ('argv' in one) return { ...one, name: `${group}/${one.name}`, ...(needs !== undefined && { needs }) };
  return { ...(needs !== undefined && { needs }), name: `${group}/${one.map((word) => word.replaceAll(/[^A-Za-z0-9._+=-]/g, '_')).join('_').replaceAll(/_{2,}/g, '_').slice(0, 120)}.txt`, argv: one };
});

/** Tables of the whole machine, from memory: first of all. */
export const kernelTables: readonly string[] = [
  'uptime', 'loadavg', 'stat', 'meminfo', 'vmstat', 'swaps', 'version', 'cmdline', 'modules', 'mounts', 'self/mountinfo', 'partitions', 'diskstats', 'filesystems', 'devices', 'misc', 'interrupts', 'softirqs', 'cpuinfo', 'crypto', 'consoles',
  'locks', 'keys', 'key-users', 'cgroups', 'iomem', 'ioports', 'kallsyms', 'timer_list', 'sched_debug', 'slabinfo', 'zoneinfo', 'buddyinfo', 'schedstat', 'sysvipc/shm', 'sysvipc/sem', 'sysvipc/msg', 'tty/drivers', 'mdstat', 'execdomains',
  'net/tcp', 'net/tcp6', 'net/udp', 'net/udp6', 'net/udplite', 'net/udplite6', 'net/raw', 'net/raw6', 'net/icmp', 'net/icmp6', 'net/unix', 'net/packet', 'net/netlink', 'net/arp', 'net/route', 'net/ipv6_route', 'net/if_inet6', 'net/dev', 'net/dev_mcast',
  'net/igmp', 'net/igmp6', 'net/fib_trie', 'net/rt_cache', 'net/snmp', 'net/snmp6', 'net/netstat', 'net/sockstat', 'net/sockstat6', 'net/protocols', 'net/ptype', 'net/psched', 'net/wireless', 'net/vlan/config', 'net/nf_conntrack', 'net/ip_tables_names',
  'net/ip6_tables_names', 'net/ip_vs', 'net/ip_vs_conn', 'sys/kernel/tainted', 'sys/kernel/core_pattern', 'sys/kernel/modprobe', 'sys/kernel/hotplug', 'sys/kernel/random/boot_id', 'sys/kernel/kptr_restrict', 'sys/kernel/modules_disabled', 'sys/kernel/yama/ptrace_scope',
  'sys/fs/binfmt_misc/status', 'sys/fs/suid_dumpable', 'sys/vm/overcommit_memory',
];

/** Of /sys, in whole. */
export const kernelFiles: readonly string[] = ['/sys/kernel/debug/kprobes/list', '/sys/kernel/tracing/kprobe_events', '/sys/kernel/tracing/uprobe_events', '/sys/kernel/tracing/enabled_functions', '/sys/kernel/security/lsm', '/sys/kernel/security/lockdown', '/sys/kernel/uevent_helper', '/sys/fs/selinux/enforce', '/sys/fs/selinux/policyvers', '/sys/class/dmi/id/product_name', '/sys/class/dmi/id/sys_vendor', '/sys/class/dmi/id/product_uuid', '/sys/firmware/efi/fw_platform_size', '/proc/sys/fs/binfmt_misc/status'];

const ps = ['-e', '-ww', '-o', 'pid,ppid,pgid,sid,uid,euid,user,lstart,etime,time,tty,stat,ni,rss,vsz,nlwp,cgroup,unit,label,comm,args'] as const;

export const commandLooks: readonly CommandLook[] = [
  ...commands('process', [
    { name: 'ps.txt', argv: ['ps', ...ps] }, ['ps', '-eLf'], ['ps', 'auxfww'], ['pstree', '-alpsu'], ['top', '-b', '-n', '1', '-w', '512'], { name: 'lsof.txt', argv: ['lsof', '-b', '-w', '-n', '-P', '-l', '+L'], ms: 60_000, fine: [0, 1] }, { name: 'lsof-deleted.txt', argv: ['lsof', '-b', '-w', '-n', '-P', '+L1'], ms: 60_000, fine: [0, 1] },
    ['ipcs', '-a'], ['ipcs', '-p'], ['lslocks', '-u'], ['lsns', '-n'], ['systemd-cgls', '--no-pager', '-l'], ['systemd-cgtop', '-b', '-n', '1'], ['prlimit'], 
  ]),
  ...commands('network', [
    ['ss', '-a', '-n', '-p', '-e', '-m', '-i', '-o'], ['ss', '-l', '-n', '-t', '-u', '-p'], ['ss', '-s'], ['ss', '-x', '-a', '-p', '-n'], ['netstat', '-anp'], ['netstat', '-rn'], ['netstat', '-s'], ['netstat', '-i'],
    ['ip', '-s', '-d', 'address'], ['ip', '-s', '-d', 'link'], ['ip', 'route', 'show', 'table', 'all'], ['ip', '-6', 'route', 'show', 'table', 'all'], ['ip', 'rule'], ['ip', '-6', 'rule'], ['ip', '-s', 'neighbour'], ['ip', 'netns', 'list'], ['ip', 'maddress'], ['ip', 'mroute'],
    ['ifconfig', '-a'], ['route', '-n'], ['arp', '-an'], ['iw', 'dev'], ['nmcli', 'device', 'show'], ['nmcli', 'connection', 'show'], ['networkctl', 'status', '-a', '--no-pager'], ['resolvectl', 'status', '--no-pager'], ['resolvectl', 'statistics', '--no-pager'],
    ['nft', '-a', 'list', 'ruleset'], ['iptables-save', '-c'], ['ip6tables-save', '-c'], ['ipset', 'save'],
    ['firewall-cmd', '--list-all-zones'], ['ufw', 'status', 'verbose'], ['tc', '-s', 'qdisc', 'show'], ['tc', 'filter', 'show'], ['bridge', 'link', 'show'], ['bridge', 'fdb', 'show'], ['bridge', 'vlan', 'show'], ['hostname', '-f'], ['rpcinfo', '-p'], ['fail2ban-client', 'status'],
  ]),
  ...commands('session', [
    ['who', '-a'], ['w', '-i'], ['users'], ['last', '-F', '-w', '-i', '-n', '5000'], ['lastb', '-F', '-w', '-i', '-n', '5000'], ['lastlog'], ['lastlog2'], ['loginctl', 'list-sessions', '--no-pager'], ['loginctl', 'list-users', '--no-pager'], ['loginctl', 'session-status', '--no-pager'], ['tmux', 'ls'], ['screen', '-ls'], ['faillock'], ['getent', 'passwd'], ['getent', 'group'], ['chage', '-l', 'root'],
  ]),
  ...commands('system', [
    ['date', '--iso-8601=ns'], ['uname', '-a'], ['hostnamectl', 'status'], ['uptime', '-s'], ['timedatectl', 'status', '--no-pager'], ['chronyc', '-n', 'tracking'], ['chronyc', '-n', 'sources'], ['ntpq', '-pn'], ['free', '-b', '-w'], ['vmstat', '-s'], ['lscpu'], ['lsmem'], ['lspci', '-nn', '-k'], ['lsusb'], ['lshw', '-short', '-quiet'], ['dmidecode'], ['systemd-detect-virt'],
    ['locale'], ['localectl', 'status', '--no-pager'], ['sestatus', '-v'], ['aa-status'], ['apparmor_status'], ['getenforce'], ['auditctl', '-l'], ['auditctl', '-s'], ['runlevel'], ['sysctl', '-a'],
  ]),
  ...commands('kernel', [
    ['lsmod'], ['dmesg', '-T'], ['bpftool', '-j', 'prog', 'show'], ['bpftool', '-j', 'map', 'show'], ['bpftool', '-j', 'link', 'show'], ['bpftool', '-j', 'net', 'show'], ['bpftool', '-j', 'cgroup', 'tree'], ['bpftool', '-j', 'perf', 'show'], ['bpftool', '-j', 'struct_ops', 'show'], ['mokutil', '--sb-state'], ['mokutil', '--list-enrolled'], ['keyctl', 'show'], ['dkms', 'status'], ['kmod', 'static-nodes'], ['depmod', '-n'],
  ]),
  ...commands('storage', [
    ['mount', '-l'], ['findmnt', '-A', '-D'], ['df', '-a', '-T', '-x', 'nfs', '-x', 'nfs4', '-x', 'cifs'], ['df', '-i', '-l'], ['lsblk', '-O', '-J'], ['lsblk', '-f'], ['blkid', '-c', '/dev/null'], ['fdisk', '-l'], ['swapon', '--show'], ['losetup', '-a'], ['dmsetup', 'table'], ['dmsetup', 'ls', '--tree'], ['pvs'], ['vgs'], ['lvs'], ['mdadm', '--detail', '--scan'], ['zpool', 'status'], ['zfs', 'list'], ['btrfs', 'filesystem', 'show'], ['btrfs', 'subvolume', 'list', '/'], ['exportfs', '-v'], ['iscsiadm', '-m', 'session'], ['multipath', '-ll'], ['cryptsetup', 'status', 'root'], ['quota', '-v'],
    ['getcap', '-r', '/usr/bin', '/usr/sbin', '/usr/local', '/usr/libexec'], { name: 'flags.txt', argv: ['lsattr', '-R', '-a', '/etc', '/usr/bin', '/usr/sbin', '/usr/local/bin'], ms: 30_000, fine: [0, 1] },
  ]),
  ...['docker', 'podman', 'nerdctl'].flatMap((engine) => commands(`container/${engine}`, [
    [engine, 'ps', '-a', '--no-trunc', '--size'], [engine, 'version'], [engine, 'info'], [engine, 'images', '-a', '--no-trunc', '--digests'], [engine, 'network', 'ls'], [engine, 'volume', 'ls'], [engine, 'stats', '--no-stream', '--no-trunc'], [engine, 'system', 'df', '-v'],
  ])),
  ...commands('container', [
    ['docker', 'events', '--since', '24h', '--until', '0s'], ['docker', 'service', 'ls'], ['docker', 'node', 'ls'], ['docker', 'plugin', 'ls'], ['docker', 'context', 'ls'], ['docker', 'compose', 'ls', '-a'], ['crictl', 'ps', '-a'], ['crictl', 'pods'], ['crictl', 'images'], ['crictl', 'info'], ['ctr', '-a', '/run/containerd/containerd.sock', 'namespaces', 'ls'], ['ctr', '-n', 'k8s.io', 'containers', 'ls'], ['ctr', '-n', 'moby', 'containers', 'ls'], ['runc', 'list'],
    ['lxc-ls', '-f'], ['machinectl', 'list', '--all', '--no-pager'], ['qm', 'list'], ['pct', 'list'], ['kubectl', 'version', '--client'],
  ]),
  ...commands('unit', [
    ['systemctl', 'list-units', '--all', '--full', '--no-pager'], ['systemctl', 'list-unit-files', '--full', '--no-pager'], ['systemctl', 'list-timers', '--all', '--full', '--no-pager'], ['systemctl', 'list-sockets', '--all', '--full', '--no-pager'], ['systemctl', 'list-paths', '--all', '--full', '--no-pager'], ['systemctl', 'list-dependencies', '--no-pager'], ['systemctl', '--failed', '--no-pager'], ['systemctl', 'show-environment', '--no-pager'], { name: 'show.txt', argv: ['systemctl', 'show', '*', '--all', '--no-pager'], ms: 30_000 }, ['systemctl', 'list-jobs', '--no-pager'],
    ['systemd-analyze', 'unit-paths'], ['systemd-delta', '--no-pager'], ['chkconfig', '--list'], ['rc-status', '-a'], ['rc-update', 'show', '-v'], ['initctl', 'list'], ['atq'], ['crontab', '-l'], ['supervisorctl', 'status'],
  ]),
  ...commands('package', [
    ['dpkg', '-l'], { name: 'dpkg-verify.txt', argv: ['dpkg', '--verify'], ms: 60_000, fine: [0, 1, 2] }, ['apt-mark', 'showmanual'], ['rpm', '-qa', '--last'], { name: 'rpm-verify.txt', argv: ['rpm', '-Va', '--nomtime'], ms: 90_000, fine: [0, 1] }, ['rpm', '-qa', 'gpg-pubkey*'], ['dnf', 'history', 'list'], ['yum', 'history', 'list'], ['zypper', 'search', '--installed-only'], ['pacman', '-Q'], ['pacman', '-Qkk'], ['apk', 'info', '-vv'], ['apk', 'audit', '--system'], ['snap', 'list', '--all'], ['snap', 'changes'], ['alternatives', '--list'], ['update-alternatives', '--get-selections'],
  ]),
  ...commands('log', [
    ['journalctl', '--list-boots', '--no-pager'], ['journalctl', '--disk-usage'], ['aureport', '--summary'],
  ]),
];

const MiB = 1 << 20;

/** Private keys prove nothing and open much; what is kept of passwords is in `shadow.txt` without its hashes. */
const secrets = ['*_key', 'id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', '*.key', '*.p12', '*.pfx', 'shadow', 'shadow-', 'gshadow', 'gshadow-', 'opasswd', 'krb5.keytab', '.git-credentials', '.netrc', '.pgpass', '.my.cnf', 'debian.cnf', 'sasldb2'];

/** `since`: logs that were written to since the window began. */
export function fileLooks(since: number | undefined): readonly { group: string; set: FileSet }[] {
  const homes = ['/root', '/home/*', '/var/www', '/var/lib/*'];
  const inHomes = (names: readonly string[]): string[] => homes.flatMap((home) => names.map((name) => `${home}/${name}`));
  return [
    { group: 'volatile', set: { paths: ['/run/utmp', '/var/run/utmp', '/run/systemd/system', '/run/systemd/transient', '/run/systemd/generator', '/run/systemd/generator.late', '/run/systemd/sessions', '/run/systemd/users', '/run/sudo', '/run/cron*', '/run/udev/rules.d', '/run/docker/runtime-runc', '/run/containerd', '/run/crio', '/run/NetworkManager', '/run/resolvconf', '/run/systemd/resolve'], most: 4 * MiB, total: 128 * MiB } },
    { group: 'temporary', set: { paths: ['/dev/shm', '/tmp', '/var/tmp'], most: 32 * MiB, total: 512 * MiB, since } },
    { group: 'logon', set: { paths: ['/var/log/wtmp*', '/var/log/btmp*', '/var/log/lastlog', '/var/lib/wtmpdb', '/var/lib/lastlog', '/var/log/tallylog', '/var/log/faillog'], most: 64 * MiB, total: 256 * MiB, tail: true } },
    { group: 'shell', set: { paths: inHomes(['.bash_history', '.zsh_history', '.zhistory', '.ash_history', '.sh_history', '.history', '.local/share/fish/fish_history', '.python_history', '.node_repl_history', '.mysql_history', '.mariadb_history', '.psql_history', '.sqlite_history', '.rediscli_history', '.mongosh', '.dbshell', '.lesshst', '.viminfo', '.nano_history', '.wget-hsts', '.gdb_history', '.irb_history', '.php_history', '.ipython/profile_default/history.sqlite', '.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.bash_aliases', '.profile', '.zshrc', '.zshenv', '.zprofile', '.zlogin', '.kshrc', '.cshrc', '.tcshrc', '.config/fish', '.inputrc', '.pam_environment', '.environment', '.xprofile', '.xinitrc', '.xsession', '.vimrc', '.gitconfig', '.tmux.conf', '.screenrc', '.selected_editor', '.forward', '.procmailrc', '.rhosts', '.shosts', '.k5login', '.ssh', '.config/autostart', '.config/systemd', '.local/share/systemd', '.config/cron', '.config/htop', '.npmrc', '.config/pip', '.pip', '.condarc', '.docker/config.json', '.kube/config', '.config/containers', '.config/rclone', '.config/ngrok', '.ngrok2', '.local/share/recently-used.xbel', '.local/bin', '.pm2/dump.pm2', '.pm2/pm2.log']), most: 8 * MiB, total: 128 * MiB, without: secrets } },
    { group: 'persistence', set: { paths: ['/etc', '/var/spool/cron', '/var/spool/at', '/var/spool/anacron', '/var/spool/incron', '/usr/local/etc', '/usr/local/bin', '/usr/local/sbin', '/usr/local/lib/systemd', '/usr/local/share/pam-configs', '/lib/systemd/system-generators', '/usr/lib/systemd/system-generators', '/usr/lib/systemd/system-shutdown', '/usr/lib/systemd/system-sleep', '/lib/udev/rules.d', '/usr/lib/sysctl.d', '/usr/lib/tmpfiles.d', '/usr/lib/modules-load.d', '/usr/share/initramfs-tools', '/var/lib/cloud/instance', '/var/lib/cloud/scripts', '/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/boot/loader', '/opt/*/bin', '/opt/*/etc'], most: 16 * MiB, total: 384 * MiB, without: secrets } },
    { group: 'package', set: { paths: ['/var/lib/dpkg/status', '/var/lib/dpkg/diversions', '/var/lib/dpkg/statoverride', '/var/lib/apt/extended_states', '/var/log/dpkg.log*', '/var/log/apt', '/var/log/dnf*', '/var/log/yum*', '/var/log/zypp', '/var/log/pacman.log', '/lib/apk/db', '/var/lib/rpm/*.sqlite', '/usr/lib/sysimage/rpm/*.sqlite', '/var/lib/rpm/Packages', '/var/lib/snapd/state.json', '/var/lib/flatpak/repo/config', '/usr/lib/node_modules/*/package.json', '/usr/local/lib/node_modules/*/package.json', '/usr/local/lib/python*/dist-packages/*/METADATA', '/usr/lib/python*/site-packages/*/METADATA'], most: 128 * MiB, total: 512 * MiB } },
    { group: 'container', set: { paths: ['/var/lib/docker/containers/*/config.v2.json', '/var/lib/docker/containers/*/hostconfig.json', '/var/lib/docker/containers/*/*-json.log', '/var/lib/docker/image/*/repositories.json', '/var/lib/docker/network/files', '/var/lib/containers/storage/overlay-containers/containers.json', '/var/lib/containers/storage/overlay-images/images.json', '/var/log/containers', '/var/log/pods', '/var/lib/kubelet/config.yaml', '/var/lib/kubelet/pods/*/etc-hosts', '/var/lib/lxc/*/config', '/var/lib/machines'], most: 32 * MiB, total: 512 * MiB, tail: true, since } },
    { group: 'log', set: { paths: ['/var/log', '/run/log/journal', '/var/audit', '/var/adm'], most: 256 * MiB, total: 4096 * MiB, tail: true, since } },
    { group: 'web', set: { paths: ['/www/wwwlogs', '/www/server/panel/logs', '/www/server/*/logs', '/www/server/panel/vhost', '/opt/1panel/log', '/opt/1panel/apps/*/*/log', '/usr/local/nginx/logs', '/usr/local/nginx/conf', '/usr/local/apache*/logs', '/usr/local/tomcat*/logs', '/opt/tomcat*/logs', '/opt/apache-tomcat*/logs', '/usr/share/tomcat*/logs', '/usr/local/openresty/nginx/logs', '/home/*/logs', '/home/wwwlogs', '/var/lib/pgsql/*/data/log', '/var/lib/postgresql/*/*/log', '/var/lib/mysql/*.err', '/var/lib/redis/appendonly*', '/opt/*/logs', '/opt/*/log', '/srv/*/logs', '/data/*/logs', '/usr/local/aegis/*.log', '/usr/local/qcloud/*/log'], most: 256 * MiB, total: 2048 * MiB, tail: true, since } },
    { group: 'application', set: { paths: ['/www/server/nginx/conf', '/www/server/php/*/etc', '/www/server/panel/data/*.pl', '/opt/1panel/conf', '/opt/1panel/db', '/opt/*/conf', '/opt/*/config', '/usr/local/php*/etc', '/usr/local/mysql/my.cnf', '/usr/local/redis/*.conf', '/var/lib/jenkins/*.xml', '/var/lib/grafana/grafana.db', '/var/lib/gitlab', '/var/lib/zabbix', '/var/spool/postfix/maildrop', '/var/mail', '/var/spool/mail', '/var/backups/*.list', '/var/crash', '/var/lib/systemd/coredump', '/var/lib/AccountsService', '/var/lib/NetworkManager/*.lease', '/var/lib/dhcp', '/var/lib/dhclient', '/var/lib/fail2ban/fail2ban.sqlite3', '/var/ossec/etc', '/var/ossec/logs', '/var/lib/clamav/*.log', '/var/lib/aide'], most: 32 * MiB, total: 512 * MiB, tail: true, without: secrets } },
  ];
}
