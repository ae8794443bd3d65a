/** Programs that go by the name of something trusted: a kernel thread, a log service, another daemon. */
import { isSuspiciousPath, isSystemPlace } from './places.ts';
import { baseName } from './program-kind.ts';

/** kernel: named as a thread of the kernel. service: named as a daemon that lies elsewhere. alike: nearly the name of one. title: calls itself another than its file. */
export interface Disguise { as: 'kernel' | 'service' | 'alike' | 'title'; what: string }

const kernelNames = /^(?:kworker|ksoftirqd|kthreadd|kswapd|migration|rcu_\w{1,12}|khugepaged|kcompactd|kauditd|kdevtmpfs|kblockd|khungtaskd|kintegrityd|ksmd|oom_reaper|watchdog[d/]|writeback|cpuhp|netns|jbd2|scsi_eh|irq\/|idle_inject|kthrotld|kstrp|mm_percpu|edac-poller|ext4-rsv|xfs-|bioset|md\d?$|kdmflush)/;

/** Daemons of the system itself, log services first: what a miner poses as most. */
const services = [
  'rsyslogd', 'syslogd', 'syslog-ng', 'systemd-journald', 'systemd-journal', 'journald', 'auditd', 'logrotate', 'klogd', 'systemd-logd',
  'systemd', 'systemd-logind', 'systemd-udevd', 'systemd-networkd', 'systemd-resolved', 'systemd-timesyncd', 'systemd-machined', 'systemd-hostnamed', 'sshd', 'crond', 'cron', 'anacron', 'atd',
  'dbus-daemon', 'dbus-broker', 'polkitd', 'accounts-daemon', 'irqbalance', 'chronyd', 'ntpd', 'agetty', 'udevd', 'networkd', 'NetworkManager', 'acpid', 'rngd', 'rpcbind', 'iscsid', 'multipathd', 'lvmetad', 'gssproxy', 'unattended-upgrade',
];
const known = new Set(services);
/** Servers that people build and install themselves: only odd where nobody installs anything. */
const servers = new Set(['nginx', 'apache2', 'httpd', 'mysqld', 'mariadbd', 'postgres', 'redis-server', 'php-fpm', 'dockerd', 'containerd', 'snapd', 'firewalld', 'java', 'node', 'python3', 'bash', 'sh']);
/** Long enough that a name one letter off is no chance. */
const imitated = services.filter((name) => name.length >= 5);
/** One executable for many names. */
const multicall = new Set(['busybox', 'toybox', 'coreutils', 'openrc-run', 'tini', 'catatonit', '[']);

/**
 * What the process poses as. `owned`: a package owns the executable as it is; its name is then its own, and only
 * a kernel thread's name is odd. Undefined for a thread of the kernel itself, which has no executable.
 */
export function disguiseOf(path: string | undefined, name: string | undefined, cmdline: string | undefined, owned: boolean): Disguise | undefined {
  if (path === undefined || path === '') return undefined;
  const base = baseName(path);
  const title = (cmdline ?? '').slice(0, 200);
  const bracketed = /^\[([^\]]{1,40})\](?:\s|$)/.exec(title)?.[1];
  if (bracketed !== undefined && base !== '[') return { as: 'kernel', what: `[${bracketed}]` };
  if (name !== undefined && kernelNames.test(name) && !(owned && base.startsWith(name))) return { as: 'kernel', what: name };
  if (kernelNames.test(base) && !owned) return { as: 'kernel', what: base };
  if (owned || multicall.has(base)) return undefined;
  const plain = base.replace(/[\s\u200b-\u200f\u202a-\u202e.]+$/, '');
  if (servers.has(plain)) return plain !== base || isSuspiciousPath(path) ? { as: 'service', what: base } : undefined;
  const hasService = known.has(plain);
  if (hasService && (plain !== base || !isInstalled(path))) return { as: 'service', what: base };
  const called = baseName(title.split(/[\s:]/, 1)[0] ?? '').replace(/^-/, '');
  if (known.has(called) && !hasService && !base.startsWith(called) && !isAlike(base, called)) return { as: 'title', what: called };
  if (hasService) return undefined;
  const like = plain.length < 5 ? undefined : imitated.find((service) => isAlike(plain, service));
  return like === undefined ? undefined : { as: 'alike', what: `${base} ~ ${like}` };
}

/** Built from source, as people do: /usr/local/sbin/sshd, /opt/openssh/sbin/sshd. */
const isInstalled = (path: string): boolean => isSystemPlace(path) || (/\/(?:s?bin|libexec)\/[^/]+$/.test(path) && !isSuspiciousPath(path));

/** One letter more, less, other or swapped, a homoglyph, or digits behind: rsyslogd2, rsyslodg, sshd_. */
function isAlike(name: string, service: string): boolean {
  if (Math.abs(name.length - service.length) > 2) return false;
  if (name.length > service.length && name.startsWith(service) && /^[\d_.\-s]{1,2}$/.test(name.slice(service.length))) return true;
  if (Math.abs(name.length - service.length) > 1) return false;
  let head = 0;
  while (head < name.length && name[head] === service[head]) head++;
  let tail = 0;
  while (tail < Math.min(name.length, service.length) - head && name[name.length - 1 - tail] === service[service.length - 1 - tail]) tail++;
  const rest = Math.max(name.length, service.length) - head - tail;
  if (rest <= 1) return true;
  return rest === 2 && name.length === service.length && name[head] === service[head + 1] && name[head + 1] === service[head];
}
