/** Units whose names are made to be passed over. */

/** Names that belong to the system on every distribution; longer ones, so that a letter more or less is no chance. */
const core = [
  'systemd-journald', 'systemd-logind', 'systemd-networkd', 'systemd-resolved', 'systemd-timesyncd', 'systemd-udevd', 'systemd-machined', 'systemd-hostnamed', 'systemd-localed', 'systemd-timedated', 'systemd-update-utmp', 'systemd-tmpfiles-setup', 'systemd-sysctl', 'systemd-modules-load', 'systemd-random-seed', 'systemd-remount-fs', 'systemd-user-sessions',
  'rsyslog', 'syslog-ng', 'auditd', 'polkit', 'irqbalance', 'accounts-daemon', 'multipathd', 'unattended-upgrades', 'apt-daily', 'apt-daily-upgrade', 'apparmor', 'ModemManager', 'NetworkManager', 'udisks2', 'cloud-init', 'chronyd', 'dbus-broker', 'dbus-daemon', 'logrotate', 'networking', 'snapd', 'kdump', 'lvm2-monitor', 'gssproxy', 'rpcbind', 'tuned', 'packagekit', 'selinux-autorelabel', 'man-db',
];
const kernelThread = /^(?:\[.*\]|kworker(?:[\d:/_-].*)?|ksoftirqd.*|kthreadd.*|kswapd.*|kdevtmpfs.*|kthrotld.*|migration\d*|rcu_\w+|khugepaged.*|kauditd.*|kblockd.*|watchdogd)$/;
/** Letters that look like others. */
const alike: Readonly<Record<string, string>> = { 'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'і': 'i', 'ѕ': 's', 'ԁ': 'd', 'ո': 'n', 'ⅼ': 'l', 'ｍ': 'm', 'ο': 'o', 'ν': 'v', 'ı': 'i' };

/** The unit or thread that this name is made to look like; undefined for a name of its own. `name` without its ending. */
export function imitated(name: string, packaged: ReadonlySet<string>): string | undefined {
  if (kernelThread.test(name)) return name;
  const plain = Array.from(name).map((letter) => alike[letter] ?? letter).join('').replaceAll(/[\u200b-\u200f\u202a-\u202e\ufeff\u00ad\s.]+/g, '');
  if (plain !== name && (core.includes(plain) || packaged.has(plain))) return plain;
  if (plain.length < 6 || core.includes(name) || packaged.has(name)) return undefined;
  return core.find((one) => one !== plain && oneAway(plain, one)) ?? [...packaged].find((one) => one.startsWith('systemd-') && one !== plain && oneAway(plain, one));
}

/** One letter more, less, another or two swapped; or a digit or sign behind. */
function oneAway(name: string, other: string): boolean {
  if (Math.abs(name.length - other.length) > 1) return false;
  let head = 0;
  while (head < name.length && name[head] === other[head]) head++;
  let tail = 0;
  while (tail < Math.min(name.length, other.length) - head && name.at(-1 - tail) === other.at(-1 - tail)) tail++;
  const left = [name.length - head - tail, other.length - head - tail] as const;
  if (left[0] <= 1 && left[1] <= 1) return true;
  return left[0] === 2 && left[1] === 2 && name[head] === other[head + 1] && name[head + 1] === other[head];
}
