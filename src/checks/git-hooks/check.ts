/** Commands that git runs by itself: hooks of repositories and templates, settings of users and repositories that name programs. */
import type { Finding } from '../../core/finding.ts';
import { finding, lineFact, withoutLine } from '../finding.ts';
import { commandFindings, isShipped, namesByUid, readHook, scriptFindings, type HookCommand, type HookFile, type Place } from '../hooks.ts';
import type { ScanContext, Visitor, WalkCheck, WalkedFile } from '../port.ts';
import { baseName, commandsOf } from '../shell-words.ts';
import { readGitConfig } from './git-config.ts';

const place: Place = {
  check: 'git-hooks', name: { zh: 'git 自动运行的命令', en: 'command that git runs' },
  means: { zh: '有人或部署任务在这个仓库里运行 git，哪怕只是 git status，它就跟着运行。', en: 'It runs when somebody, or a deployment, uses git there; some of it with a mere git status.' },
  refs: ['attack:T1546'],
};

const hookNames = /^(?:applypatch-msg|pre-applypatch|post-applypatch|pre-commit|pre-merge-commit|prepare-commit-msg|commit-msg|post-commit|pre-rebase|post-checkout|post-merge|pre-push|pre-receive|update|proc-receive|post-receive|post-update|reference-transaction|push-to-checkout|pre-auto-gc|post-rewrite|sendemail-validate|fsmonitor-watchman|p4-\S+|post-index-change)$/;

export const gitHooks: WalkCheck = {
  id: 'git-hooks',
  title: { zh: 'git 钩子与配置', en: 'git hooks and settings' },
  blind: { zh: '用环境变量或命令行临时给 git 的设置看不到', en: 'cannot see settings that git is given by variables or on its command line' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 24 * 60,
  walk(context): Visitor {
    const users = namesByUid(context);
    return {
      wants: ({ path, stat }) => (stat.kind === 'file' || stat.kind === 'link') && kindOf(path) !== undefined,
      async *look(file: WalkedFile): AsyncIterable<Finding> {
        const user = users.get(file.stat.uid) ?? String(file.stat.uid);
        if (kindOf(file.path) === 'hook') yield* scriptFindings({ ...place, name: { zh: 'git 钩子', en: 'git hook' } }, context, (file.stat.mode & 0o111) === 0 ? [] : [file.path], { user });
        else yield* config(file.path, context, user);
      },
    };
  },
};

/** By its name alone: asked for every file. */
export function kindOf(path: string): 'hook' | 'config' | undefined {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (name === '.gitconfig' || path === '/etc/gitconfig') return 'config';
  if (name === 'config') return path.endsWith('.git/config') || path.endsWith('/.config/git/config') || path.includes('/.git/modules/') ? 'config' : undefined;
  if (name === 'config.worktree') return path.endsWith('.git/config.worktree') ? 'config' : undefined;
  if (!hookNames.test(name)) return undefined;
  const folder = path.slice(0, slash);
  return folder.endsWith('.git/hooks') || folder.endsWith('/.githooks') || folder.endsWith('/git-core/templates/hooks') || folder.endsWith('/.git-templates/hooks') || (folder.endsWith('/hooks') && folder.includes('/.git/modules/')) ? 'hook' : undefined;
}

const includedMax = 20;

/** The settings of a file and of those that it includes under whatever condition. */
async function* config(path: string, context: ScanContext, user: string): AsyncIterable<Finding> {
  const paths = new Set([path]);
  for (const one of paths) {
    if (await isShipped(context, one)) continue;
    const file = readHook(context, one);
    if (!file) continue;
    yield* commandFindings(place, context, file, commandsOfConfig(file.text, user));
    yield* askers(file, user);
    for (const { name, value } of readGitConfig(file.text)) {
      if (!/^include(?:if\..+)?\.path$/.test(name)) continue;
      if (paths.size >= includedMax) { context.blind(path, { zh: `引用的设置文件超过 ${includedMax} 个，其余没看`, en: `includes more than ${includedMax} files of settings; the others were not looked at` }); break; }
      const included = includedPath(value, one, path);
      // Those of the usual names come by in the walk themselves.
      if (included !== undefined && kindOf(included) !== 'config') paths.add(included);
    }
  }
}

/** `~` is the home of whose file it is; what does not begin at the root counts from the file that includes it. */
function includedPath(value: string, file: string, first: string): string | undefined {
  if (value.startsWith('/')) return value;
  const folder = file.slice(0, file.lastIndexOf('/'));
  if (!value.startsWith('~/')) return `${folder}/${value}`;
  const home = /^(?:\/root|\/home\/[^/]+)(?=\/)/.exec(first)?.[0] ?? (first.endsWith('/.gitconfig') ? first.slice(0, -'/.gitconfig'.length) : undefined);
  return home === undefined ? undefined : home + value.slice(1);
}

const sender = /^(?:curl|wget|nc|ncat|netcat|socat|openssl|telnet)$/;

/** What git gives passwords to, and what passes them on or keeps them. */
function* askers({ path, text, stat }: HookFile, user: string): Iterable<Finding> {
  for (const { name, value, line, text: entry } of readGitConfig(text)) {
    if (!/^credential(?:\..+)?\.helper$/.test(name) || !value.startsWith('!')) continue;
    const sends = commandsOf(value.slice(1)).some((words) => words.some((word) => sender.test(baseName(word)))) || /\/dev\/(?:tcp|udp)\//.test(value);
    if (!sends) continue;
    yield finding('git-hooks', `${path}\0${entry}\0sends`, {
      kind: 'intrusion', level: 'high', path, time: stat.changed, user,
      title: { zh: 'git 的口令助手会把密码发到网上', en: 'the helper that git gives passwords to sends them over the network' },
      evidence: [lineFact(path, line, entry)],
      means: { zh: '每次拉取或推送，git 都把用户名和密码交给它。', en: 'At each fetch and push git hands the user name and the password to it.' },
      fix: { text: { zh: '去掉这一行，更换用过的密码和令牌', en: 'take the line out and change the passwords and tokens that were used' }, commands: [], actions: withoutLine(path, line, entry) },
      refs: ['attack:T1056', 'attack:T1555'],
    });
  }
}

/** Settings whose value git runs through a shell. */
const run = /^(?:core\.(?:pager|editor|sshcommand|askpass|gitproxy|fsmonitor|alternaterefscommand)|sequence\.editor|pager\..+|gpg(?:\..+)?\.program|gpg\.ssh\.defaultkeycommand|diff\.external|diff\..+\.(?:command|textconv)|merge\..+\.driver|mergetool\..+\.cmd|difftool\..+\.cmd|filter\..+\.(?:clean|smudge|process)|interactive\.difffilter|uploadpack\.packobjectshook|remote\..+\.(?:uploadpack|receivepack|vcs)|sendemail\..*cmd|web\.browser|browser\..+\.cmd|man\..+\.cmd|trailer\..+\.(?:command|cmd)|credential(?:\..+)?\.helper|alias\..+|tar\..+\.command|hook\..+\.command)$/;

function* commandsOfConfig(text: string, user: string): Iterable<HookCommand> {
  const how = { user, ...(user === 'root' && { cwd: '/root' }) };
  for (const { name, value, line, text: entry } of readGitConfig(text)) {
    if (name === 'core.hookspath') { if (value.startsWith('/')) yield { line, text: entry, command: [`run-parts`, value], how }; continue; }
    if (/^(?:remote|submodule)\..+\.(?:push)?url$/.test(name) && value.startsWith('ext::')) { yield { line, text: entry, command: value.slice(5), how }; continue; }
    if (!run.test(name) || /^(?:true|false|yes|no|on|off|\d*)$/i.test(value)) continue;
    // An alias is a git command unless it begins with `!`; a helper a program of git's unless it is a path or begins so.
    if (name.startsWith('alias.') && !value.startsWith('!')) continue;
    if (/^credential(?:\..+)?\.helper$/.test(name) && !/^[!/]/.test(value)) continue;
    yield { line, text: entry, command: value.replace(/^!/, ''), how };
  }
}
