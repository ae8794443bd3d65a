/** What places in the file system say: where honest programs do not lie, and where something planted comes back from. */
import { isHidden } from '../core/hidden.ts';

export { isHidden };

const temporary = ['/tmp/', '/var/tmp/', '/dev/shm/', '/run/shm/', '/dev/mqueue/', '/run/lock/', '/var/lock/', '/run/user/', '/var/run/user/', '/var/crash/', '/run/screen/'];
const system = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/', '/lib32/', '/opt/', '/snap/', '/nix/', '/app/'];
const deleted = ' (deleted)';

/**
 *   memory     only in memory (memfd)              shared   a file system in memory that all may write (/dev/shm)
 *   temporary  a folder that all may write          hidden   behind a name that begins with a dot, in no known place
 *   deleted    the file was removed when it started
 */
export type OddPlace = 'memory' | 'shared' | 'temporary' | 'hidden' | 'deleted';

/** Where an executable lies that honest programs do not lie; undefined for an ordinary place. A removed file of a system folder is an update. */
export function oddPlace(path: string | undefined): OddPlace | undefined {
  if (path === undefined) return undefined;
  if (path.startsWith('/memfd:') || path.startsWith('memfd:')) return 'memory';
  if (path.startsWith('/dev/shm/') || path.startsWith('/run/shm/') || path.startsWith('/dev/mqueue/')) return 'shared';
  for (const folder of temporary) if (path.startsWith(folder)) return 'temporary';
  if (path.endsWith(deleted) && !isSystemFile(path)) return 'deleted';
  if (path.startsWith('/proc/') && /^\/proc\/(?:self|\d+)\/fd\//.test(path)) return 'memory';
  return isHidden(path) ? 'hidden' : undefined;
}

export const isSystemFile = (path: string): boolean => system.some((folder) => path.startsWith(folder));

/** Folders and names of build tools, test runners and unpackers: what runs there was made there. */
const build = /\/(?:go-build\d|\.mount_|pip-|pip_|npm-|cargo-install|rustc|bazel|node_modules\/|ccache|CMakeFiles\/|cmTC_|CMakeScratch|mkinitramfs|dracut\.|buildkit|buildkitd|_MEI|jna-|snap-|snap\.|rustdoctest|pytest-of-|nix-build|nix-shell|Rtmp|selfgz|makeself|meson-|autoconf|cc[A-Za-z0-9]{6}\.|ocaml|ghc\d|jenkins|hsperfdata|runner\/_work|ansible|apt-key-gpghome|apt\.|apt-dpkg-install|dpkg-|deb-|rpm-tmp|puppeteer|playwright|vite|esbuild-|jiti|tsx-|swc|v8-compile-cache|gems?\/|bundler|composer)|\/conftest(?:$|\.)|\/a\.out$|\/target\/(?:debug|release)\/|\/build-script-build$|\/\.cargo\/|\/(?:s|\.)venv\/|^\/tmp\/[a-z0-9.+-]+\.(?:config|template|postinst|preinst|prerm|postrm)\.[A-Za-z0-9]{6}$/;

export const isBuildPlace = (path: string): boolean => build.test(path.length > 1024 ? path.slice(0, 1024) : path);

/** Why something written here comes back after a restart, a log-on or at a time. */
export type Persistence = 'cron' | 'systemd' | 'boot' | 'login' | 'ssh' | 'loader' | 'auth' | 'udev' | 'hook';

interface Rule { prefix: string; as: Persistence; test?: RegExp }
const inEtc: readonly Rule[] = [
  { prefix: '/etc/cron', as: 'cron' }, { prefix: '/etc/at.', as: 'cron' }, { prefix: '/etc/anacrontab', as: 'cron' },
  { prefix: '/etc/systemd/', as: 'systemd', test: /\.(?:service|timer|socket|path|conf|target|mount)$|\/user-generators\/|\/system-generators\// },
  { prefix: '/etc/init.d/', as: 'boot' }, { prefix: '/etc/rc', as: 'boot' }, { prefix: '/etc/init/', as: 'boot' }, { prefix: '/etc/modules-load.d/', as: 'boot' }, { prefix: '/etc/inittab', as: 'boot' },
  { prefix: '/etc/profile', as: 'login' }, { prefix: '/etc/bash', as: 'login' }, { prefix: '/etc/zsh', as: 'login' }, { prefix: '/etc/update-motd.d/', as: 'login' }, { prefix: '/etc/environment', as: 'login' }, { prefix: '/etc/xdg/autostart/', as: 'login' },
  { prefix: '/etc/ssh/', as: 'ssh', test: /sshd_config|sshrc|authorized|\.conf$/ },
  { prefix: '/etc/ld.so.', as: 'loader', test: /^\/etc\/ld\.so\.(?:preload|conf)/ },
  { prefix: '/etc/pam.d/', as: 'auth' }, { prefix: '/etc/sudoers', as: 'auth' }, { prefix: '/etc/passwd', as: 'auth', test: /^\/etc\/passwd$/ }, { prefix: '/etc/shadow', as: 'auth', test: /^\/etc\/shadow$/ }, { prefix: '/etc/polkit-1/', as: 'auth' },
  { prefix: '/etc/udev/rules.d/', as: 'udev' }, { prefix: '/etc/apt/apt.conf.d/', as: 'hook' }, { prefix: '/etc/NetworkManager/dispatcher.d/', as: 'hook' }, { prefix: '/etc/network/if-', as: 'hook' }, { prefix: '/etc/dhcp/', as: 'hook', test: /hooks/ },
];
const elsewhere: readonly Rule[] = [
  { prefix: '/var/spool/cron/', as: 'cron' }, { prefix: '/var/spool/at/', as: 'cron' },
  { prefix: '/usr/lib/systemd/system', as: 'systemd' }, { prefix: '/lib/systemd/system', as: 'systemd' }, { prefix: '/run/systemd/system/', as: 'systemd' }, { prefix: '/usr/lib/udev/rules.d/', as: 'udev' }, { prefix: '/lib/udev/rules.d/', as: 'udev' },
];
const atHome = /^(?:\/root|\/home\/[^/]+|\/var\/(?:www|lib\/[^/]+)|\/srv\/[^/]+)\/(?:(\.ssh\/(?:authorized_keys2?|rc|environment))|(\.bashrc|\.bash_profile|\.bash_login|\.bash_logout|\.profile|\.zshrc|\.zprofile|\.zshenv|\.config\/autostart\/.+|\.config\/fish\/.+)|(\.config\/systemd\/user\/.+))$/;

/** Undefined when nothing comes back from this place. Temporary names that an editor or tool leaves beside the file count too. */
export function persistence(path: string): Persistence | undefined {
  if (path.charCodeAt(0) !== 47) return undefined;
  if (path.startsWith('/etc/')) return ofRules(inEtc, path);
  if (path.startsWith('/usr/') || path.startsWith('/lib/') || path.startsWith('/run/')) return ofRules(elsewhere, path);
  if (path.startsWith('/var/spool/')) return ofRules(elsewhere, path);
  if (!path.includes('/.') || path.length > 300) return undefined;
  const home = atHome.exec(path);
  if (home === null) return undefined;
  return home[1] !== undefined ? 'ssh' : home[2] !== undefined ? 'login' : 'systemd';
}

function ofRules(rules: readonly Rule[], path: string): Persistence | undefined {
  for (const rule of rules) {
    if (path.startsWith(rule.prefix) && (rule.test === undefined || rule.test.test(path))) return rule.as;
  }
  return undefined;
}

export const isProgramFolder = (path: string): boolean => /^\/(?:usr\/(?:local\/)?)?s?bin\//.test(path);
