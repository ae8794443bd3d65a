/** What is run, or read for its variables, when somebody logs on. */
import { filesOf, homesIn } from '../look.ts';
import type { ScanContext } from '../port.ts';

/**
 * shell       lines of a shell that runs them at each log-on
 * script      a program that is started: a script or a binary
 * environment NAME=value
 * desktop     a .desktop file with Exec=
 * settings    of an editor, the command line, tmux: commands stand within
 */
export type PlaceKind = 'shell' | 'script' | 'environment' | 'desktop' | 'settings';

export interface Place { path: string; kind: PlaceKind; /** Undefined for what is everybody's. */ home: string | undefined; users: readonly string[] }

const shellFiles = [
  '/etc/profile', '/etc/bash.bashrc', '/etc/bashrc', '/etc/bash.bash_logout', '/etc/profile.local', '/etc/bash.bashrc.local', '/etc/zprofile', '/etc/zshrc', '/etc/zshenv', '/etc/zlogin', '/etc/zlogout',
  '/etc/zsh/zshenv', '/etc/zsh/zprofile', '/etc/zsh/zshrc', '/etc/zsh/zlogin', '/etc/zsh/zlogout', '/etc/csh.cshrc', '/etc/csh.login', '/etc/csh.logout', '/etc/ksh.kshrc', '/etc/mkshrc', '/etc/fish/config.fish', '/etc/ssh/sshrc', '/etc/suid_profile',
];
const shellFolders = ['/etc/profile.d', '/etc/bashrc.d', '/etc/bash_completion.d', '/etc/fish/conf.d', '/etc/X11/Xsession.d', '/etc/skel'];
const scriptFolders = ['/etc/update-motd.d'];
const environmentFiles = ['/etc/environment', '/etc/security/pam_env.conf', '/etc/default/locale', '/etc/locale.conf'];
const environmentFolders = ['/etc/environment.d', '/etc/security/pam_env.d'];
const desktopFolders = ['/etc/xdg/autostart'];

const homeShell = [
  '.bashrc', '.profile', '.bash_profile', '.bash_login', '.bash_logout', '.bash_aliases', '.zshrc', '.zshenv', '.zprofile', '.zlogin', '.zlogout', '.kshrc', '.mkshrc', '.shrc', '.cshrc', '.tcshrc', '.login', '.logout',
  '.config/fish/config.fish', '.ssh/rc', '.xprofile', '.xinitrc', '.xsession', '.xsessionrc',
];
const homeShellFolders = ['.bashrc.d', '.config/fish/conf.d', '.config/profile.d'];
const settingsFiles = ['/etc/inputrc', '/etc/vim/vimrc', '/etc/vim/vimrc.local', '/etc/vimrc', '/etc/vimrc.local', '/etc/xdg/nvim/sysinit.vim', '/etc/tmux.conf', '/etc/screenrc', '/etc/emacs/site-start.el'];
const settingsFolders = ['/etc/vim/vimrc.d', '/etc/emacs/site-start.d'];
const homeSettings = ['.inputrc', '.vimrc', '.vim/vimrc', '.gvimrc', '.exrc', '.config/nvim/init.vim', '.config/nvim/init.lua', '.tmux.conf', '.config/tmux/tmux.conf', '.screenrc', '.emacs', '.emacs.d/init.el', '.config/emacs/init.el'];
const homeSettingsFolders = ['.vim/plugin', '.vim/after/plugin', '.vim/ftplugin', '.config/nvim/plugin', '.config/nvim/after/plugin', '.config/nvim/lua'];
const homeEnvironment = ['.pam_environment', '.ssh/environment'];

export function places(context: ScanContext): Place[] {
  const everybody = (path: string, kind: PlaceKind): Place => ({ path, kind, home: undefined, users: [] });
  const inAll = (folders: readonly string[]): string[] => folders.flatMap((folder) => filesOf(context, folder));
  const out = [
    ...shellFiles.map((path) => everybody(path, 'shell')), ...inAll(shellFolders).map((path) => everybody(path, 'shell')), ...inAll(scriptFolders).map((path) => everybody(path, 'script')),
    ...environmentFiles.map((path) => everybody(path, 'environment')), ...inAll(environmentFolders).map((path) => everybody(path, 'environment')),
    ...settingsFiles.map((path) => everybody(path, 'settings')), ...inAll(settingsFolders).map((path) => everybody(path, 'settings')),
    ...inAll(desktopFolders).filter((path) => path.endsWith('.desktop')).map((path) => everybody(path, 'desktop')),
  ];
  for (const { home, users } of homesIn(context)) {
    const own = (path: string, kind: PlaceKind): Place => ({ path, kind, home, users });
    out.push(
      ...homeShell.map((name) => own(`${home}/${name}`, 'shell')), ...homeShellFolders.flatMap((name) => filesOf(context, `${home}/${name}`)).map((path) => own(path, 'shell')),
      ...homeSettings.map((name) => own(`${home}/${name}`, 'settings')), ...homeSettingsFolders.flatMap((name) => filesOf(context, `${home}/${name}`)).map((path) => own(path, 'settings')),
      ...homeEnvironment.map((name) => own(`${home}/${name}`, 'environment')), ...filesOf(context, `${home}/.config/environment.d`).map((path) => own(path, 'environment')),
      ...filesOf(context, `${home}/.config/autostart`).filter((path) => path.endsWith('.desktop')).map((path) => own(path, 'desktop')),
    );
  }
  return out;
}

/** Where the distribution keeps what it puts into new homes and into /etc/profile. */
export const templates = ['/etc/skel/.bashrc', '/etc/skel/.profile', '/etc/skel/.bash_profile', '/etc/skel/.bash_logout', '/etc/skel/.zshrc', '/usr/share/base-files/dot.bashrc', '/usr/share/base-files/dot.profile', '/usr/share/base-files/profile'];
