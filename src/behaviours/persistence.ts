/**
 * Where a file makes something run later or lets somebody in: the places that persistence lives in. Told from the path
 * alone, cheaply: this is asked for every file that is written on the machine.
 */
import type { Text } from '../core/text.ts';

export type PlaceId =
  | 'cron' | 'at' | 'systemd' | 'init' | 'boot' | 'modules' | 'tmpfiles' | 'profile' | 'motd' | 'autostart' | 'ssh' | 'sshd' | 'pam' | 'nss' | 'sudo'
  | 'polkit' | 'accounts' | 'preload' | 'loader' | 'udev' | 'network-hook' | 'package-hook' | 'git-hook' | 'logrotate' | 'kernel-helper' | 'inetd' | 'php'
  | 'cloud' | 'pods' | 'program';

/** What each is called. */
export const placeNames: Readonly<Record<PlaceId, Text>> = {
  'cron': { zh: '计划任务', en: 'cron' }, 'at': { zh: 'at 任务', en: 'at jobs' }, 'systemd': { zh: 'systemd 单元', en: 'systemd units' },
  'init': { zh: '启动脚本', en: 'start scripts' }, 'boot': { zh: '引导程序', en: 'boot loader' }, 'modules': { zh: '内核模块', en: 'kernel modules' },
  'tmpfiles': { zh: 'tmpfiles/sysusers', en: 'tmpfiles and sysusers' }, 'profile': { zh: '登录脚本', en: 'log-on scripts' }, 'motd': { zh: '登录问候脚本', en: 'greeting scripts' },
  'autostart': { zh: '桌面自启动', en: 'desktop autostart' }, 'ssh': { zh: 'SSH 公钥与登录脚本', en: 'SSH keys and log-on script' }, 'sshd': { zh: 'SSH 服务配置', en: 'SSH service' },
  'pam': { zh: 'PAM 认证模块', en: 'PAM' }, 'nss': { zh: '名字服务模块', en: 'name service' }, 'sudo': { zh: 'sudo 授权', en: 'sudo' },
  'polkit': { zh: 'polkit 与 D-Bus 规则', en: 'polkit and D-Bus rules' }, 'accounts': { zh: '账号文件', en: 'account files' }, 'preload': { zh: '全局预加载库', en: 'preloaded library for all' },
  'loader': { zh: '动态库路径', en: 'library paths' }, 'udev': { zh: 'udev 规则', en: 'udev rules' }, 'network-hook': { zh: '网络事件脚本', en: 'network hooks' },
  'package-hook': { zh: '包管理器钩子', en: 'package manager hooks' }, 'git-hook': { zh: 'git 钩子', en: 'git hooks' }, 'logrotate': { zh: '日志轮转脚本', en: 'log rotation' },
  'kernel-helper': { zh: '内核调用的程序', en: 'programs that the kernel calls' }, 'inetd': { zh: 'inetd 服务', en: 'inetd' }, 'php': { zh: 'PHP 预加载', en: 'PHP prepend' },
  'cloud': { zh: 'cloud-init 脚本', en: 'cloud-init scripts' }, 'pods': { zh: '静态 Pod', en: 'static pods' },
  'program': { zh: '软件包自带的程序', en: 'programs of packages' },
};

/** Whole files and folders (with / at the end), the longest that fits counts. */
const system: readonly (readonly [PlaceId, string])[] = [
  ['cron', '/etc/crontab /etc/anacrontab /etc/cron.d/ /etc/cron.hourly/ /etc/cron.daily/ /etc/cron.weekly/ /etc/cron.monthly/ /etc/cron.yearly/ /var/spool/cron/'],
  ['at', '/var/spool/at/ /var/spool/cron/atjobs/ /var/spool/atjobs/'],
  ['systemd', '/etc/systemd/system/ /etc/systemd/user/ /etc/systemd/system-generators/ /etc/systemd/user-generators/ /usr/lib/systemd/ /lib/systemd/ /usr/local/lib/systemd/ /run/systemd/system/'],
  ['init', '/etc/init.d/ /etc/rc.local /etc/rc.d/ /etc/inittab /etc/rcS.d/ /etc/rc0.d/ /etc/rc1.d/ /etc/rc2.d/ /etc/rc3.d/ /etc/rc4.d/ /etc/rc5.d/ /etc/rc6.d/ /etc/init/'],
  ['boot', '/etc/default/grub /etc/default/grub.d/ /etc/grub.d/ /boot/grub/grub.cfg /boot/grub2/grub.cfg /etc/initramfs-tools/ /etc/dracut.conf /etc/dracut.conf.d/ /usr/lib/dracut/'],
  ['modules', '/etc/modules /etc/modules-load.d/ /etc/modprobe.d/ /lib/modules/ /usr/lib/modules/ /usr/lib/modules-load.d/'],
  ['tmpfiles', '/etc/tmpfiles.d/ /usr/lib/tmpfiles.d/ /etc/sysusers.d/ /usr/lib/sysusers.d/'],
  ['profile', '/etc/profile /etc/profile.d/ /etc/bash.bashrc /etc/bashrc /etc/zsh/ /etc/zshrc /etc/zshenv /etc/environment /etc/security/pam_env.conf /etc/skel/ /etc/fish/ /etc/csh.cshrc'],
  ['motd', '/etc/update-motd.d/'],
  ['autostart', '/etc/xdg/autostart/'],
  ['sshd', '/etc/ssh/sshd_config /etc/ssh/sshd_config.d/ /etc/ssh/sshrc'],
  ['ssh', '/etc/ssh/authorized_keys /etc/ssh/authorized_keys/ /etc/ssh/authorized_keys.d/'],
  ['pam', '/etc/pam.d/ /etc/pam.conf /lib/security/ /lib64/security/ /usr/lib64/security/ /usr/lib/security/ /lib/x86_64-linux-gnu/security/ /usr/lib/x86_64-linux-gnu/security/ /lib/aarch64-linux-gnu/security/ /usr/lib/aarch64-linux-gnu/security/'],
  ['nss', '/etc/nsswitch.conf'],
  ['sudo', '/etc/sudoers /etc/sudoers.d/ /etc/doas.conf'],
  ['polkit', '/etc/polkit-1/ /usr/share/polkit-1/ /etc/dbus-1/ /usr/share/dbus-1/'],
  ['accounts', '/etc/passwd /etc/shadow /etc/group /etc/gshadow'],
  ['preload', '/etc/ld.so.preload'],
  ['loader', '/etc/ld.so.conf /etc/ld.so.conf.d/'],
  ['udev', '/etc/udev/rules.d/ /lib/udev/rules.d/ /usr/lib/udev/rules.d/ /run/udev/rules.d/'],
  ['network-hook', '/etc/NetworkManager/dispatcher.d/ /usr/lib/NetworkManager/dispatcher.d/ /etc/network/if-up.d/ /etc/network/if-pre-up.d/ /etc/network/if-down.d/ /etc/network/if-post-down.d/ /etc/dhcp/dhclient-enter-hooks.d/ /etc/dhcp/dhclient-exit-hooks.d/ /etc/networkd-dispatcher/ /etc/ppp/ip-up.d/'],
  ['package-hook', '/etc/apt/apt.conf /etc/apt/apt.conf.d/ /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/ /etc/yum/pluginconf.d/ /usr/lib/yum-plugins/ /etc/dnf/plugins/'],
  ['git-hook', '/usr/share/git-core/templates/hooks/'],
  ['logrotate', '/etc/logrotate.d/ /etc/logrotate.conf'],
  ['kernel-helper', '/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug /proc/sys/fs/binfmt_misc/ /sys/kernel/uevent_helper'],
  ['inetd', '/etc/inetd.conf /etc/xinetd.d/ /etc/xinetd.conf'],
  ['cloud', '/var/lib/cloud/scripts/ /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/'],
  ['pods', '/etc/kubernetes/manifests/'],
];

const files = new Map<string, PlaceId>();
/** Folders by their text up to the third slash, so that few are compared. */
const folders = new Map<string, (readonly [string, PlaceId])[]>();
for (const [id, words] of system) {
  for (const word of words.split(' ')) {
    if (!word.endsWith('/')) { files.set(word, id); continue; }
    const head = headOf(word);
    const others = folders.get(head);
    if (others) others.push([word, id]);
    else folders.set(head, [[word, id]]);
  }
}
for (const list of folders.values()) list.sort((a, b) => b[0].length - a[0].length);

/** In a home folder. */
const homeFiles = new Map<string, PlaceId>(Object.entries({
  'profile': '.bashrc .profile .bash_profile .bash_login .bash_logout .zshrc .zshenv .zprofile .zlogin .kshrc .cshrc .tcshrc .pam_environment .config/fish/config.fish .xprofile .xsessionrc .config/environment.d',
  'git-hook': '.gitconfig .config/git/config',
}).flatMap(([id, words]) => words.split(' ').map((word): [string, PlaceId] => [word, id as PlaceId])));
const homeFolders: readonly (readonly [string, PlaceId])[] = [['.config/systemd/user/', 'systemd'], ['.config/autostart/', 'autostart'], ['.local/share/systemd/user/', 'systemd'], ['.config/environment.d/', 'profile'], ['.bashrc.d/', 'profile']];
const keyFiles = new Set(['authorized_keys', 'authorized_keys2', 'rc', 'environment']);

/** The first two names: /etc/cron.d/ for /etc/cron.d/x. */
function headOf(path: string): string {
  const second = path.indexOf('/', path.indexOf('/', 1) + 1);
  return second < 0 ? path : path.slice(0, second + 1);
}

const firstLetters = new Set('e r h u v l b p s o w'.split(' ').map((letter) => letter.charCodeAt(0)));

/** Which place this path stands in; undefined for nearly all paths. */
export function placeOf(path: string): PlaceId | undefined {
  if (path.charCodeAt(0) !== 47 || !firstLetters.has(path.charCodeAt(1))) return undefined;
  const file = files.get(path);
  if (file !== undefined) return file;
  const list = folders.get(headOf(path));
  if (list !== undefined) for (const [folder, id] of list) if (path.startsWith(folder)) return passing(id, path) ? undefined : id;
  const ssh = path.indexOf('/.ssh/');
  if (ssh >= 0) return keyFiles.has(path.slice(ssh + 6)) && depth(path, ssh) <= 4 ? 'ssh' : undefined;
  const git = path.indexOf('/.git/hooks/');
  if (git >= 0) return path.endsWith('.sample') ? undefined : 'git-hook';
  if (path.endsWith('/.user.ini')) return 'php';
  const home = homeOf(path);
  if (home === 0) return undefined;
  const rest = path.slice(home);
  if (rest.charCodeAt(0) !== 46) return undefined;
  const known = homeFiles.get(rest);
  if (known !== undefined) return known;
  for (const [folder, id] of homeFolders) if (rest.startsWith(folder)) return id;
  return undefined;
}

/** Files that stand in a place and mean nothing: what an editor, cron or git keeps beside, the index of modules. */
function passing(id: PlaceId, path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '' || name.endsWith('.swp') || name.endsWith('.swx') || name.endsWith('~') || name.endsWith('.dpkg-new') || name.endsWith('.dpkg-tmp')) return true;
  switch (id) {
    // crontab writes beside and renames; at keeps its counter there.
    case 'cron': return name.startsWith('tmp.') || name === '.placeholder';
    case 'at': return name === '.SEQ' || name === '.lockfile';
    case 'modules': return path.includes('/modules/') && !/\.ko(?:\.[a-z0-9]{1,4})?$/.test(name);
    case 'systemd': return path.startsWith('/usr/lib/systemd/catalog/');
    case 'git-hook': return name.endsWith('.sample');
    default: return false;
  }
}

function depth(path: string, until: number): number {
  let n = 0;
  for (let i = 0; i < until; i++) if (path.charCodeAt(i) === 47) n++;
  return n;
}

/** Where the part behind /root/ or /home/NAME/ begins; 0 for other paths. */
function homeOf(path: string): number {
  if (path.startsWith('/root/')) return 6;
  if (!path.startsWith('/home/')) return 0;
  return path.indexOf('/', 6) + 1;
}

/** Kernel switches by which a program of one's own is run as root on the host, as the name of the file that sets them. */
const kernelSwitches = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/kernel/hotplug', '/proc/sys/fs/binfmt_misc/register', '/sys/kernel/uevent_helper'];

/**
 * A path that ends in a place although it begins elsewhere: a host's folder seen from a container. Gives the place and
 * the part in front of it; undefined when the path is a place itself or none at all.
 */
export function placeBelow(path: string): { id: PlaceId; before: string } | undefined {
  for (const end of kernelSwitches) if (path.length > end.length && path.endsWith(end)) return { id: 'kernel-helper', before: path.slice(0, -end.length) };
  let at = path.indexOf('/', 1);
  for (let i = 0; i < 6 && at > 0; i++, at = path.indexOf('/', at + 1)) {
    const id = placeOf(path.slice(at));
    if (id !== undefined && id !== 'git-hook' && id !== 'php') return { id, before: path.slice(0, at) };
  }
  return undefined;
}

/** Folders of programs that packages bring. Whether one owns the file is for the index of packages to say. */
export function isProgramPath(path: string): boolean {
  return path.startsWith('/usr/bin/') || path.startsWith('/usr/sbin/') || path.startsWith('/bin/') || path.startsWith('/sbin/');
}
