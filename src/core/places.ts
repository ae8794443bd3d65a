/**
 * Where persistence lives: the one list of places on disk from which something runs again, is loaded or lets somebody
 * in. The behaviours ask `placeOf` for every file that is written; a scan goes through `places` and reads what is there.
 */
import type { Text } from './text.ts';

export type PlaceGroup = 'scheduling' | 'boot' | 'login' | 'authentication' | 'loader' | 'hook' | 'kernel' | 'server';

export type PlaceId =
  | 'cron' | 'at' | 'systemd' | 'init' | 'boot' | 'modules' | 'tmpfiles' | 'profile' | 'motd' | 'autostart' | 'ssh' | 'sshd' | 'pam' | 'nss' | 'sudo'
  | 'polkit' | 'accounts' | 'preload' | 'loader' | 'udev' | 'network-hook' | 'package-hook' | 'git-hook' | 'git-config' | 'logrotate' | 'kernel-helper'
  | 'sysctl' | 'inetd' | 'php' | 'htaccess' | 'server-module' | 'database-plugin' | 'container-engine' | 'cloud' | 'pods';

export interface Place {
  id: PlaceId;
  group: PlaceGroup;
  /** What it is called. */
  name: Text;
  /** What a file there brings about. */
  meaning: Text;
  /** MITRE ATT&CK technique. */
  attack: string;
  /**
   * Files, and folders with all below them (a slash at the end). `*` stands for any part of one name, `~/` for the home
   * of an account, a leading `**` for any folder. /lib, /lib64, /bin and /sbin are meant by their names under /usr.
   */
  paths: readonly string[];
  /** Written in everyday work, so that only what is in it tells: for scans. `placeOf` does not know it. */
  everyday?: true;
}

const place = (id: PlaceId, group: PlaceGroup, attack: string, name: Text, meaning: Text, paths: string, more?: { everyday: true }): Place => ({ id, group, name, meaning, attack, paths: paths.split(' '), ...more });

export const places: readonly Place[] = [
  place('cron', 'scheduling', 'T1053.003', { zh: '计划任务', en: 'cron' }, { zh: '到点自动运行命令', en: 'runs commands at set times' },
    '/etc/crontab /etc/anacrontab /etc/cron.d/ /etc/cron.hourly/ /etc/cron.daily/ /etc/cron.weekly/ /etc/cron.monthly/ /etc/cron.yearly/ /var/spool/cron/'),
  place('at', 'scheduling', 'T1053.002', { zh: 'at 任务', en: 'at jobs' }, { zh: '在指定时间运行一次命令', en: 'runs a command once at a set time' },
    '/var/spool/at/ /var/spool/cron/atjobs/ /var/spool/atjobs/'),
  place('systemd', 'boot', 'T1543.002', { zh: 'systemd 单元', en: 'systemd units' }, { zh: '开机、登录、定时或触发时启动程序', en: 'starts programs at boot, log-on, set times or on a trigger' },
    '/etc/systemd/system/ /etc/systemd/user/ /etc/systemd/system.control/ /etc/systemd/system.attached/ /etc/systemd/system.conf /etc/systemd/user.conf /etc/systemd/system.conf.d/ /etc/systemd/user.conf.d/ '
    + '/etc/systemd/system-generators/ /etc/systemd/user-generators/ /etc/systemd/system-environment-generators/ /etc/systemd/user-environment-generators/ /etc/systemd/system-shutdown/ /etc/systemd/system-sleep/ '
    + '/usr/lib/systemd/ /usr/local/lib/systemd/ /usr/share/systemd/user/ /usr/local/share/systemd/user/ /run/systemd/system/ /run/systemd/user/ /run/systemd/transient/ /run/systemd/system.control/ /run/systemd/system.attached/ /run/systemd/system-generators/ /run/systemd/user-generators/ '
    + '/run/user/*/systemd/ ~/.config/systemd/ ~/.local/share/systemd/user/ /etc/containers/systemd/ /usr/share/containers/systemd/ ~/.config/containers/systemd/'),
  place('init', 'boot', 'T1037.004', { zh: '启动脚本', en: 'start scripts' }, { zh: '开机时以 root 运行', en: 'runs as root at boot' },
    '/etc/init.d/ /etc/rc.local /etc/rc.d/ /etc/inittab /etc/rcS.d/ /etc/rc0.d/ /etc/rc1.d/ /etc/rc2.d/ /etc/rc3.d/ /etc/rc4.d/ /etc/rc5.d/ /etc/rc6.d/ /etc/init/'),
  place('boot', 'boot', 'T1542', { zh: '引导程序', en: 'boot loader' }, { zh: '决定内核参数和启动镜像里的内容', en: 'decides the kernel command line and what the boot image holds' },
    '/etc/default/grub /etc/default/grub.d/ /etc/grub.d/ /boot/grub/grub.cfg /boot/grub/custom.cfg /boot/grub2/grub.cfg /boot/grub2/custom.cfg /boot/efi/EFI/ /boot/loader/entries/ /boot/extlinux/extlinux.conf /etc/kernel/ /usr/lib/kernel/install.d/ '
    + '/etc/initramfs-tools/ /usr/share/initramfs-tools/ /etc/dracut.conf /etc/dracut.conf.d/ /usr/lib/dracut/'),
  place('modules', 'kernel', 'T1547.006', { zh: '内核模块', en: 'kernel modules' }, { zh: '代码在内核里运行，可隐藏一切', en: 'code that runs in the kernel and can hide anything' },
    '/etc/modules /etc/modules-load.d/ /run/modules-load.d/ /usr/lib/modules-load.d/ /usr/local/lib/modules-load.d/ /etc/modprobe.conf /etc/modprobe.d/ /run/modprobe.d/ /usr/lib/modprobe.d/ /usr/lib/modules/'),
  place('tmpfiles', 'boot', 'T1543', { zh: 'tmpfiles/sysusers', en: 'tmpfiles and sysusers' }, { zh: '开机时以 root 建立文件或账号', en: 'makes files or accounts as root at boot' },
    '/etc/tmpfiles.d/ /run/tmpfiles.d/ /usr/lib/tmpfiles.d/ /etc/sysusers.d/ /run/sysusers.d/ /usr/lib/sysusers.d/'),
  place('profile', 'login', 'T1546.004', { zh: '登录脚本', en: 'log-on scripts' }, { zh: '登录或打开 shell 时运行', en: 'runs when somebody logs on or opens a shell' },
    '/etc/profile /etc/profile.d/ /etc/bash.bashrc /etc/bash.bash_logout /etc/bashrc /etc/bashrc.d/ /etc/bash_completion.d/ /etc/zsh/ /etc/zshrc /etc/zshenv /etc/zprofile /etc/zlogin /etc/environment /etc/environment.d/ /usr/lib/environment.d/ /etc/security/pam_env.conf /etc/skel/ '
    + '/etc/fish/ /usr/share/fish/vendor_conf.d/ /etc/csh.cshrc /etc/csh.login ~/.bashrc ~/.bashrc.d/ ~/.bash_aliases ~/.profile ~/.bash_profile ~/.bash_login ~/.bash_logout ~/.zshrc ~/.zshenv ~/.zprofile ~/.zlogin ~/.zlogout ~/.kshrc ~/.cshrc ~/.tcshrc ~/.login '
    + '~/.pam_environment ~/.config/fish/config.fish ~/.config/fish/conf.d/ ~/.config/fish/functions/ ~/.config/environment.d/ ~/.xprofile ~/.xsessionrc'),
  place('motd', 'login', 'T1546', { zh: '登录问候脚本', en: 'greeting scripts' }, { zh: '每次登录时以 root 运行', en: 'runs as root at each log-on' }, '/etc/update-motd.d/'),
  place('autostart', 'login', 'T1547.013', { zh: '桌面自启动', en: 'desktop autostart' }, { zh: '登录桌面时运行', en: 'runs when a desktop session begins' }, '/etc/xdg/autostart/ ~/.config/autostart/'),
  place('ssh', 'authentication', 'T1098.004', { zh: 'SSH 公钥与登录脚本', en: 'SSH keys and log-on script' }, { zh: '让持有密钥的人登录，或在 SSH 登录时运行', en: 'lets the holder of a key in, or runs at an SSH log-on' },
    '/etc/ssh/authorized_keys /etc/ssh/authorized_keys/ /etc/ssh/authorized_keys.d/ ~/.ssh/authorized_keys ~/.ssh/authorized_keys2 ~/.ssh/rc ~/.ssh/environment'),
  place('sshd', 'authentication', 'T1098.004', { zh: 'SSH 服务配置', en: 'SSH service' }, { zh: '决定谁能以何种方式登录', en: 'decides who may log on and how' },
    '/etc/ssh/sshd_config /etc/ssh/sshd_config.d/ /etc/ssh/sshrc /usr/lib/ssh/sshd_config /usr/share/openssh/sshd_config'),
  place('pam', 'authentication', 'T1556.003', { zh: 'PAM 认证模块', en: 'PAM' }, { zh: '参与每次认证，可记下密码或放行', en: 'takes part in each authentication: may note passwords or let anybody in' },
    '/etc/pam.d/ /etc/pam.conf /usr/lib/pam.d/ /usr/lib/security/ /usr/lib64/security/ /usr/lib/*/security/'),
  place('nss', 'authentication', 'T1556.003', { zh: '名字服务模块', en: 'name service' }, { zh: '加载进查询账号的每个程序', en: 'is loaded into each program that looks up accounts' },
    '/etc/nsswitch.conf /usr/lib/libnss_*.so* /usr/lib64/libnss_*.so* /usr/lib/*/libnss_*.so*'),
  place('sudo', 'authentication', 'T1548.003', { zh: 'sudo 授权', en: 'sudo' }, { zh: '让账号以 root 运行命令', en: 'lets an account run commands as root' }, '/etc/sudoers /etc/sudoers.d/ /etc/sudo.conf /etc/doas.conf'),
  place('polkit', 'authentication', 'T1548', { zh: 'polkit 与 D-Bus 规则', en: 'polkit and D-Bus rules' }, { zh: '放行特权操作，或在收到消息时启动程序', en: 'allows privileged actions, or starts a program on a message' },
    '/etc/polkit-1/ /usr/share/polkit-1/ /usr/local/share/polkit-1/ /etc/dbus-1/ /usr/share/dbus-1/ /usr/local/share/dbus-1/ ~/.local/share/dbus-1/services/'),
  place('accounts', 'authentication', 'T1136.001', { zh: '账号文件', en: 'account files' }, { zh: '账号、密码、组与登录 shell', en: 'accounts, passwords, groups and log-on shells' }, '/etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/shells'),
  place('preload', 'loader', 'T1574.006', { zh: '全局预加载库', en: 'preloaded library for all' }, { zh: '加载进每个程序', en: 'is loaded into every program' }, '/etc/ld.so.preload'),
  place('loader', 'loader', 'T1574.006', { zh: '动态库路径', en: 'library paths' }, { zh: '决定程序加载哪些库', en: 'decides which libraries programs load' },
    '/etc/ld.so.conf /etc/ld.so.conf.d/ /usr/lib/ld-*.so* /usr/lib64/ld-*.so* /usr/lib/*/ld-*.so* /usr/lib64/libc.so.6 /usr/lib/libc.so.6 /usr/lib/*/libc.so.6'),
  place('udev', 'hook', 'T1546.017', { zh: 'udev 规则', en: 'udev rules' }, { zh: '设备出现时以 root 运行', en: 'runs as root when a device appears' }, '/etc/udev/rules.d/ /usr/lib/udev/rules.d/ /usr/local/lib/udev/rules.d/ /run/udev/rules.d/'),
  place('network-hook', 'hook', 'T1546', { zh: '网络事件脚本', en: 'network hooks' }, { zh: '网络变化时以 root 运行', en: 'runs as root when the network changes' },
    '/etc/NetworkManager/dispatcher.d/ /usr/lib/NetworkManager/dispatcher.d/ /etc/network/if-up.d/ /etc/network/if-pre-up.d/ /etc/network/if-down.d/ /etc/network/if-post-down.d/ /etc/network/interfaces /etc/network/interfaces.d/ '
    + '/etc/dhcp/dhclient-enter-hooks.d/ /etc/dhcp/dhclient-exit-hooks.d/ /etc/dhcp/dhclient.d/ /etc/dhcp/dhclient-enter-hooks /etc/dhcp/dhclient-exit-hooks /etc/dhclient-enter-hooks /etc/dhclient-exit-hooks /usr/lib/dhcpcd/dhcpcd-hooks/ /etc/networkd-dispatcher/ /usr/lib/networkd-dispatcher/ '
    + '/etc/ppp/ip-up.d/ /etc/ppp/ip-down.d/ /etc/ppp/ip-up /etc/ppp/ip-down'),
  place('package-hook', 'hook', 'T1546.016', { zh: '包管理器钩子', en: 'package manager hooks' }, { zh: '安装或更新软件包时以 root 运行', en: 'runs as root when packages are installed or updated' },
    '/etc/apt/apt.conf /etc/apt/apt.conf.d/ /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/ /var/lib/dpkg/info/*.preinst /var/lib/dpkg/info/*.postinst /var/lib/dpkg/info/*.prerm /var/lib/dpkg/info/*.postrm /var/lib/dpkg/info/*.config '
    + '/etc/yum.conf /etc/yum/pluginconf.d/ /usr/lib/yum-plugins/ /usr/share/yum-plugins/ /etc/dnf/dnf.conf /etc/dnf/plugins/ /usr/lib/python*/site-packages/dnf-plugins/ /usr/lib/python*/dist-packages/dnf-plugins/ /usr/lib64/libdnf/plugins/ /usr/lib64/libdnf5/plugins/ /etc/rpm/'),
  place('git-hook', 'hook', 'T1546', { zh: 'git 钩子', en: 'git hooks' }, { zh: '使用 git 时以使用者身份运行', en: 'runs as the user when git is used' },
    '/etc/gitconfig /usr/share/git-core/templates/hooks/ ~/.gitconfig ~/.config/git/config **/.git/hooks/'),
  place('git-config', 'hook', 'T1546', { zh: 'git 仓库配置', en: 'configuration of git repositories' }, { zh: 'fsmonitor、hooksPath、pager 等会运行程序', en: 'fsmonitor, hooksPath, pager and others run programs' }, '**/.git/config', { everyday: true }),
  place('logrotate', 'hook', 'T1546', { zh: '日志轮转脚本', en: 'log rotation' }, { zh: '轮转日志时以 root 运行', en: 'runs as root when logs are rotated' }, '/etc/logrotate.d/ /etc/logrotate.conf'),
  place('kernel-helper', 'hook', 'T1546', { zh: '内核调用的程序', en: 'programs that the kernel calls' }, { zh: '程序崩溃、加载模块、设备出现或执行某种文件时由内核以 root 启动', en: 'started as root by the kernel on a crash, a missing module, a device or a kind of file' },
    '/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hotplug /proc/sys/fs/binfmt_misc/ /sys/kernel/uevent_helper /etc/binfmt.d/ /run/binfmt.d/ /usr/lib/binfmt.d/'),
  place('sysctl', 'kernel', 'T1546', { zh: '内核参数', en: 'kernel settings' }, { zh: '开机时设定内核调用的程序等', en: 'sets, at boot, the programs that the kernel calls and more' }, '/etc/sysctl.conf /etc/sysctl.d/ /run/sysctl.d/ /usr/lib/sysctl.d/'),
  place('inetd', 'hook', 'T1546', { zh: 'inetd 服务', en: 'inetd' }, { zh: '有人连接端口时启动程序', en: 'starts a program when somebody connects' }, '/etc/inetd.conf /etc/xinetd.d/ /etc/xinetd.conf'),
  place('php', 'server', 'T1505.003', { zh: 'PHP 预加载', en: 'PHP prepend' }, { zh: '每个 PHP 页面之前先运行', en: 'runs before each PHP page' }, '**/.user.ini'),
  place('htaccess', 'server', 'T1505.003', { zh: '.htaccess', en: '.htaccess' }, { zh: '可让图片等文件当作程序执行', en: 'may have pictures and other files run as programs' }, '**/.htaccess', { everyday: true }),
  place('server-module', 'server', 'T1505.004', { zh: '网站服务器模块', en: 'modules of web servers' }, { zh: '加载进网站服务器，经手每个请求', en: 'is loaded into the web server and sees each request' },
    '/etc/nginx/modules-enabled/ /usr/lib/nginx/modules/ /usr/lib64/nginx/modules/ /etc/apache2/mods-enabled/ /etc/httpd/conf.modules.d/ /usr/lib/apache2/modules/ /usr/lib64/httpd/modules/ /etc/php.ini /etc/php.d/ /etc/php/*/*/php.ini /etc/php/*/*/conf.d/'),
  place('database-plugin', 'server', 'T1505.001', { zh: '数据库插件', en: 'plug-ins of databases' }, { zh: '在数据库里运行系统命令（UDF）', en: 'runs commands of the system from within the database (UDF)' },
    '/usr/lib/mysql/plugin/ /usr/lib64/mysql/plugin/ /usr/lib/mysql*/plugin/ /usr/lib/mariadb*/plugin/ /usr/lib64/mariadb*/plugin/ /usr/lib/*/mariadb*/plugin/ /usr/local/mysql/lib/plugin/'),
  place('container-engine', 'server', 'T1610', { zh: '容器引擎配置', en: 'container engine' }, { zh: '可开放远程 API 或替换运行时', en: 'may open the remote API or replace the runtime' }, '/etc/docker/daemon.json /etc/containerd/config.toml /etc/containers/containers.conf /etc/containers/containers.conf.d/ /etc/crio/'),
  place('cloud', 'server', 'T1059', { zh: 'cloud-init 脚本', en: 'cloud-init scripts' }, { zh: '开机时以 root 运行', en: 'runs as root at boot' },
    '/var/lib/cloud/scripts/ /var/lib/cloud/seed/ /var/lib/cloud/instances/*/scripts/ /var/lib/cloud/instances/*/user-data.txt* /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/'),
  place('pods', 'server', 'T1610', { zh: '静态 Pod', en: 'static pods' }, { zh: '由 kubelet 直接启动', en: 'started by the kubelet itself' }, '/etc/kubernetes/manifests/'),
];

export const placeById = Object.fromEntries(places.map((one) => [one.id, one])) as Readonly<Record<PlaceId, Place>>;

const files = new Map<string, PlaceId>();
interface Folder { prefix: string; id: PlaceId; pattern: RegExp | undefined }
/** Folders and patterns by the first names of their path, the longest first, so that few are compared. */
const folders = new Map<string, Folder[]>();
const homeFiles = new Map<string, PlaceId>();
const homeFolders: (readonly [string, PlaceId])[] = [];
for (const { id, paths, everyday } of places) {
  if (everyday) continue;
  for (const path of paths) {
    if (path.startsWith('**/')) continue; // few enough to be asked for by name, in placeOf
    const star = path.indexOf('*');
    if (path.startsWith('~/')) {
      if (path.endsWith('/')) homeFolders.push([path.slice(2), id]);
      else homeFiles.set(path.slice(2), id);
    } else if (star < 0 && !path.endsWith('/')) files.set(path, id);
    else {
      const entry = star < 0 ? { prefix: path, id, pattern: undefined } : { prefix: path.slice(0, star), id, pattern: patternOf(path) };
      const head = headOf(entry.prefix.slice(0, entry.prefix.lastIndexOf('/') + 1));
      const others = folders.get(head);
      if (others) others.push(entry);
      else folders.set(head, [entry]);
    }
  }
}
for (const list of folders.values()) list.sort((a, b) => b.prefix.length - a.prefix.length);

/** `*` is any part of one name. */
function patternOf(path: string): RegExp {
  const text = path.replace(/[.+()[\]{}^$|\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${text}${path.endsWith('/') ? '' : '$'}`);
}

/** The first two names, three below /usr and /var, where most files are: /etc/cron.d/ for /etc/cron.d/x, /usr/lib/systemd/ for /usr/lib/systemd/x/y. */
function headOf(path: string): string {
  const second = path.indexOf('/', path.indexOf('/', path.startsWith('/usr/') || path.startsWith('/var/') ? 5 : 1) + 1);
  return second < 0 ? path : path.slice(0, second + 1);
}

function findFolder(head: string, path: string): PlaceId | undefined {
  const list = folders.get(head);
  if (list !== undefined) for (const { prefix, id, pattern } of list) if (path.startsWith(prefix) && (pattern === undefined || pattern.test(path))) return id;
  return undefined;
}

/** First letters of the folders that places and homes lie in; temporary folders and mounts are not among them. /data is where many servers keep homes. */
const firstLetters = new Set('e r h u v l b p s o w'.split(' ').map((letter) => letter.charCodeAt(0)));
const longest = 4096;

/** Which place a path stands in; undefined for nearly all. Cheap: it is asked for every file that is written on the machine. */
export function placeOf(file: string): PlaceId | undefined {
  if (file.charCodeAt(0) !== 47 || (!firstLetters.has(file.charCodeAt(1)) && !file.startsWith('/data/')) || file.length > longest) return undefined;
  const path = file.startsWith('/lib/') || file.startsWith('/lib64/') ? `/usr${file}` : file;
  const whole = files.get(path);
  if (whole !== undefined) return whole;
  // Below /usr/lib a third name may be any (*).
  const folder = findFolder(headOf(path), path) ?? (path.startsWith('/usr/lib/') ? findFolder('/usr/lib/', path) : path.startsWith('/usr/lib64/') ? findFolder('/usr/lib64/', path) : undefined);
  if (folder !== undefined) return isPassing(folder, path) ? undefined : folder;
  if (!path.includes('/.')) return undefined;
  // Accounts have their homes anywhere, and keys in any of them let somebody in; copies of whole systems lie deeper.
  const ssh = path.indexOf('/.ssh/');
  if (ssh >= 0) return depth(path, ssh) <= 4 ? homeFiles.get(path.slice(ssh + 1)) : undefined;
  if (path.includes('/.git/hooks/')) return isPassing('git-hook', path) ? undefined : 'git-hook';
  if (path.endsWith('/.user.ini')) return 'php';
  const home = homeEnd(path);
  if (home === 0 || path.charCodeAt(home) !== 46) return undefined;
  const rest = path.slice(home);
  const known = homeFiles.get(rest);
  if (known !== undefined) return known;
  for (const [folder, id] of homeFolders) if (rest.startsWith(folder)) return isPassing(id, path) ? undefined : id;
  return undefined;
}

/** Files that stand in a place and mean nothing: what an editor, cron or git keeps beside, the index of modules. */
function isPassing(id: PlaceId, path: string): boolean {
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

/** Where homes lie: of people, and of the accounts that services have. */
const homes = ['/home/', '/var/lib/', '/srv/'];
/** Where the part behind the home's folder begins; 0 for other paths. */
function homeEnd(path: string): number {
  if (path.startsWith('/root/')) return 6;
  if (path.startsWith('/var/www/')) return 9;
  for (const folder of homes) if (path.startsWith(folder)) return path.indexOf('/', folder.length) + 1;
  return 0;
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
