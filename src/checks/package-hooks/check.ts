/** Commands that package managers run by themselves: apt and dpkg hooks, plug-ins of yum and dnf, zypp, pacman, apk, needrestart. */
import type { Finding } from '../../core/finding.ts';
import { finding, fact } from '../finding.ts';
import { configFindings, foldersOf, isOwned, isShipped, linesOf, listHook, attempt, readHook, scriptFindings, type HookCommand, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { readAptConfig } from './apt-config.ts';

const scriptFolders = ['/usr/lib/zypp/plugins/commit', '/usr/lib/zypp/plugins/system', '/usr/lib/zypp/plugins/services', '/usr/lib/zypp/plugins/urlresolver', '/etc/apk/commit_hooks.d', '/etc/needrestart/hook.d', '/etc/needrestart/restart.d', '/etc/needrestart/notify.d', '/etc/kernel/postinst.d', '/etc/kernel/postrm.d', '/etc/kernel/preinst.d', '/etc/kernel/prerm.d', '/etc/kernel/install.d', '/etc/kernel/header_postinst.d', '/usr/lib/kernel/install.d'];
const pluginFolders = ['/usr/lib/yum-plugins', '/usr/share/yum-plugins', '/usr/lib/python2.7/site-packages/dnf-plugins', '/usr/lib64/libdnf5/plugins', '/usr/lib64/libdnf/plugins', '/usr/lib/apt/methods', '/usr/lib/apt/solvers', '/usr/lib/apt/planners'];

const place: Place = {
  check: 'package-hooks', name: { zh: '包管理器钩子', en: 'hook of the package manager' },
  means: { zh: '每次装包、升级或刷新软件源，包管理器都以 root 运行它；自动更新让它每天都会发生。', en: 'The package manager runs it as root at each installation, upgrade or refresh; automatic updates make that every day.' },
  refs: ['attack:T1546.016'],
};

export const packageHooks: PlaceCheck = {
  id: 'package-hooks',
  title: { zh: '包管理器钩子与插件', en: 'hooks and plug-ins of package managers' },
  blind: { zh: '软件包自带的 rpm 脚本在数据库里，这里不看', en: 'does not read the scriptlets inside the rpm database' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    for (const path of ['/etc/apt/apt.conf', ...listHook(context, '/etc/apt/apt.conf.d'), ...listHook(context, '/usr/share/apt/apt.conf.d')]) yield* configFindings(place, context, path, aptCommands);
    for (const path of ['/etc/dpkg/dpkg.cfg', ...listHook(context, '/etc/dpkg/dpkg.cfg.d')]) yield* configFindings(place, context, path, dpkgCommands);
    for (const path of [...listHook(context, '/etc/dnf/plugins/post-transaction-actions.d'), ...listHook(context, '/etc/dnf/libdnf5-plugins/actions.d')]) yield* configFindings(place, context, path, actionCommands);
    for (const path of ['/etc/pacman.d/hooks', '/usr/share/libalpm/hooks'].flatMap((folder) => listHook(context, folder))) yield* configFindings(place, context, path, pacmanCommands);
    for (const path of ['/etc/yum.conf', '/etc/dnf/dnf.conf']) yield* pluginPath(path, context);
    for (const folder of scriptFolders) yield* scriptFindings(place, context, listHook(context, folder));
    const pythons = foldersOf(context, '/usr/lib').filter((path) => /\/python3[\d.]*$/.test(path)).map((path) => `${path}/site-packages/dnf-plugins`);
    for (const folder of [...pluginFolders, ...pythons]) yield* plugins(folder, context);
  },
};

/** Settings of apt whose value is run. */
const aptRun = /^(?:dpkg::(?:pre-invoke|post-invoke|pre-install-pkgs)|apt::update::(?:pre-invoke|post-invoke|post-invoke-success)|apt::install::(?:pre-invoke|post-invoke|post-invoke-success)|rpm::(?:pre-invoke|post-invoke|pre-install-pkgs)|acquire::[^:]*::?proxy-auto-?detect|dir::bin::[\w-]+|apt::keyring::[\w-]+|unattended-upgrade::[\w-]*(?:pre|post)[\w-]*|dselect::[\w-]*(?:clean|update)[\w-]*-?invoke|apt::periodic::[\w-]*(?:hook|command|post|pre)[\w-]*)(?:::|$)/i;

function* aptCommands(text: string): Iterable<HookCommand> {
  for (const { name, value, line } of readAptConfig(text)) {
    if (aptRun.test(name) && value !== '' && !/^(?:true|false|\d+|DIRECT)$/i.test(value)) yield { line, text: `${name} "${value}"`, command: value };
  }
}

function* dpkgCommands(text: string): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const found = /^\s*(?:--)?(?:pre-invoke|post-invoke|status-logger)[\s=]+(.*)$/.exec(entry);
    if (found) yield { line, text: entry, command: found[1]!.replace(/^(["'])(.*)\1$/, '$2') };
  }
}

/** `package:state:command`; the newer form of libdnf5 has five fields. */
function* actionCommands(text: string): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const fields = entry.trim().split(':');
    const command = /^(?:pre|post)_|^repos_|^goal_/.test(fields[0] ?? '') ? fields.slice(4).join(':') : fields.slice(2).join(':');
    if (command.trim() !== '') yield { line, text: entry, command: command.trim() };
  }
}

function* pacmanCommands(text: string): Iterable<HookCommand> {
  for (const { line, text: entry } of linesOf(text, /^\s*#/)) {
    const found = /^\s*Exec\s*=\s*(.*)$/.exec(entry);
    if (found) yield { line, text: entry, command: found[1]! };
  }
}

async function* pluginPath(path: string, context: ScanContext): AsyncIterable<Finding> {
  const file = readHook(context, path);
  for (const { text } of linesOf(file?.text ?? '', /^\s*#/)) {
    const found = /^\s*pluginpath\s*=\s*(.*)$/.exec(text);
    for (const folder of found?.[1]?.split(/[\s,]+/) ?? []) if (folder.startsWith('/')) yield* plugins(folder, context);
  }
}

/** Code that the package manager loads into itself. */
async function* plugins(folder: string, context: ScanContext): AsyncIterable<Finding> {
  for (const path of listHook(context, folder)) {
    if (/\.(?:pyc|pyo)$/.test(path) || await isShipped(context, path)) continue;
    let any = false;
    for await (const one of scriptFindings(place, context, [path])) { any = true; yield one; }
    const stat = attempt(context, path, () => context.tree.stat(path));
    if (any || !stat || stat.kind === 'folder' || !context.provenance.known || await isOwned(context, path)) continue;
    yield finding('package-hooks', `${path}\0plugin`, { kind: 'notice', level: 'medium', path, time: stat.changed, title: { zh: `没有软件包提供的包管理器插件 ${path}`, en: `a plug-in of the package manager that no package ships: ${path}` }, evidence: [fact({ zh: '文件', en: 'file' }, path)], means: place.means, refs: place.refs });
  }
}
