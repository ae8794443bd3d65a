/** Folders and files that privileged programs are started from and that others may change. */
import type { Finding } from '../../core/finding.ts';
import type { Text } from '../../core/text.ts';
import { textOf, type FileStat } from '../../linux/tree.ts';
import { fact, finding, lessRights, octal } from '../finding.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { commandsOf, programsOf } from '../shell-words.ts';
import { variables } from '../process-variables.ts';
import { tellRest } from '../look.ts';

const unitFolders = ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const cronPlaces = ['/etc/crontab', '/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly', '/var/spool/cron/crontabs', '/etc/systemd', '/etc/init.d', '/etc/rc.local', '/etc/profile.d', '/etc/profile', '/etc/ld.so.preload', '/etc/sudoers', '/etc/sudoers.d', '/etc/pam.d', '/etc/udev/rules.d', '/etc/update-motd.d', '/etc/logrotate.d'];
const usualPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const filesMax = 20_000;
const environMax = 8 << 20;
const anyone = 0o002, group = 0o020, sticky = 0o1000;

export const writablePath: PlaceCheck = {
  id: 'writable-path',
  title: { zh: '别人能改的特权程序与目录', en: 'programs and folders of root that others may change' },
  blind: { zh: 'ACL 授予的写权限看不到', en: 'rights given by access control lists are not seen' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const told = new Set<string>();
    const once = function* (found: Finding | undefined): Iterable<Finding> { if (found && !told.has(found.id)) { told.add(found.id); yield found; } };
    for (const [folder, from] of searchFolders(context)) yield* once(searchFolder(folder, from, context));
    let looked = 0;
    for (const place of cronPlaces) for (const path of [place, ...context.tree.list(place)?.map((name) => `${place}/${name}`) ?? []]) yield* once(target(path, { zh: '以 root 身份生效的配置', en: 'settings that root’s programs obey' }, context));
    for (const folder of unitFolders) {
      for (const name of context.tree.list(folder) ?? []) {
        const above = /^(.+\.service)\.d$/.exec(name)?.[1];
        if (above !== undefined) for (const more of context.tree.list(`${folder}/${name}`) ?? []) {
          if (!more.endsWith('.conf') || ++looked > filesMax) continue;
          const path = `${folder}/${name}/${more}`;
          yield* once(target(path, { zh: 'systemd 单元的附加设置', en: 'settings added to a systemd unit' }, context));
          // Whose it runs as is said in the unit, unless it is said here.
          for (const program of startedBy(path, context, unitText(above, context))) yield* once(target(program, { zh: `由 ${above} 启动的程序`, en: `a program that ${above} starts` }, context));
        }
        if (!/\.(?:service|timer|socket|path|mount)$/.test(name) || ++looked > filesMax) continue;
        const path = `${folder}/${name}`;
        yield* once(target(path, { zh: 'systemd 单元', en: 'a systemd unit' }, context));
        if (name.endsWith('.service')) for (const program of startedBy(path, context)) yield* once(target(program, { zh: `由 ${name} 启动的程序`, en: `a program that ${name} starts` }, context));
      }
    }
    if (looked > filesMax) tellRest(context, unitFolders.join(', '), filesMax);
  },
};

/** PATH of root, by the settings of log-in and of running processes of root. */
function searchFolders(context: ScanContext): Map<string, string> {
  const { tree } = context;
  const folders = new Map(usualPath.map((folder) => [folder, 'PATH']));
  const add = (value: string, from: string): void => { for (const folder of value.replaceAll(/["']/g, '').split(':')) if (!folders.has(folder) && !folder.includes('$')) folders.set(folder, from); };
  for (const path of ['/etc/environment', '/etc/login.defs', '/etc/profile', '/root/.profile', '/root/.bashrc', '/root/.bash_profile', '/etc/crontab', '/etc/sudoers']) {
    for (const line of (textOf(tree, path) ?? '').split('\n')) {
      const value = /^\s*(?:export\s+)?(?:PATH=|ENV_SUPATH\s+PATH=|Defaults\s+secure_path\s*=\s*)(\S+)/.exec(line)?.[1];
      if (value !== undefined) add(value, path);
    }
  }
  const { machine } = context;
  for (const pid of machine?.procfs.pids() ?? []) {
    if (machine?.procfs.uids(pid)?.effective !== 0 || machine.procfs.container(pid) !== undefined) continue;
    for (const [name, value] of variables(machine.procfs.read(`${pid}/environ`, environMax) ?? '')) if (name === 'PATH') add(value, `PATH of process ${pid}`);
  }
  return folders;
}

function searchFolder(folder: string, from: string, { tree }: ScanContext): Finding | undefined {
  const relative = !folder.startsWith('/');
  const real = relative ? undefined : tree.real(folder);
  const stat = real === undefined ? undefined : tree.stat(real);
  // An account's own tools in its own home: what it breaks is its own, unless root searches there.
  const others = stat?.kind === 'folder' && ((stat.mode & anyone) !== 0 || stat.uid !== 0);
  if (!relative && !others) return undefined;
  if (relative && from.startsWith('PATH of process')) return undefined;
  const open = relative || (stat!.mode & anyone) !== 0;
  return finding('writable-path', `path\0${folder}`, {
    kind: 'weakness', level: open ? 'high' : 'medium', ...(!relative && { path: folder }),
    title: relative
      ? { zh: `root 的 PATH 里有相对路径（${folder === '' ? '空，即当前目录' : folder}）`, en: `the PATH of root has a relative folder (${folder === '' ? 'empty: the current one' : folder})` }
      : { zh: `root 的 PATH 里的 ${folder} 不只 root 能写`, en: `others than root may write to ${folder}, a folder of root's PATH` },
    evidence: [fact({ zh: '出处', en: 'from' }, from), ...(stat ? [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)] : [])],
    means: { zh: '别人可以在那里放一个叫 ls 的程序，等 root 敲下这个命令。', en: 'Somebody may put a program called ls there and wait for root to type that command.' },
    fix: relative ? { text: { zh: '从 PATH 里去掉它', en: 'take it out of PATH' }, commands: [] } : { text: { zh: '收回写权限，或从 PATH 里去掉它', en: 'take the right to write away, or take it out of PATH' }, commands: [['chmod', 'go-w', folder], ['chown', 'root:root', folder]] },
    refs: ['attack:T1574.007', 'cis:5.4.2.5'],
    ...(stat && { time: stat.changed }),
  });
}

function unitText(name: string, { tree }: ScanContext): string {
  for (const folder of unitFolders) {
    const text = textOf(tree, `${folder}/${name}`);
    if (text !== undefined) return text;
  }
  return '';
}

/** Programs named by Exec lines that root or systemd itself runs: all of them, or, when the unit runs as another, those with + or ! in front. `before`: what the settings are added to. */
function startedBy(path: string, context: ScanContext, before = ''): string[] {
  const { tree } = context;
  const text = textOf(tree, path) ?? '';
  // The last one holds; an empty one takes it back.
  const user = [...`${before}\n${text}`.matchAll(/^User[ \t]*=[ \t]*(.*)$/gm)].at(-1)?.[1]?.trim() ?? '';
  const asRoot = user === '' || user === 'root' || user === '0';
  return [...text.matchAll(/^Exec(?:Start|StartPre|StartPost|Stop|StopPost|Reload|Condition)\s*=\s*([@\-:+!|]*)(.*)$/gm)].flatMap(([, signs, line]) => (asRoot || /[+!]/.test(signs!) ? commandsOf(line!) : []).flatMap(programsOf)).filter((program) => program.startsWith('/') && !program.includes('%') && !program.includes('$'));
}

/** A file or folder that root obeys, and whether others may change it or put another in its place. */
function target(path: string, what: Text, { tree }: ScanContext): Finding | undefined {
  const real = tree.real(path);
  const stat = real === undefined ? undefined : tree.stat(real);
  if (!stat || real === undefined || (stat.kind !== 'file' && stat.kind !== 'folder')) return undefined;
  const place = loosest(real, stat, tree.stat.bind(tree));
  if (!place) return undefined;
  const [at, found] = place;
  return finding('writable-path', `target\0${path}`, {
    kind: 'weakness', level: (found.mode & anyone) !== 0 ? 'high' : 'medium', path, time: found.changed,
    title: { zh: `${path}（${what.zh}）别人能改${at === real ? '' : `：它在 ${at} 里`}`, en: `others may change ${path}, ${what.en}${at === real ? '' : `: it lies in ${at}`}` },
    evidence: [fact({ zh: `${at} 的权限`, en: `mode of ${at}` }, `${octal(found.mode)} ${found.uid}:${found.gid}`)],
    means: { zh: '能改它的人，等于能以 root 的身份运行任何东西。', en: 'Whoever may change it may run anything as root.' },
    fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'go-w', at]], actions: lessRights(at, found.mode, 0o022) },
    refs: ['attack:T1574.010', 'attack:T1543.002'],
  });
}

/** The file itself or a folder above it that anybody may write to. Groups and other owners count for the file alone: deployments have them. */
function loosest(path: string, stat: FileStat, statOf: (path: string) => FileStat | undefined): [string, FileStat] | undefined {
  if ((stat.mode & anyone) !== 0 && (stat.kind === 'file' || (stat.mode & sticky) === 0)) return [path, stat];
  if (path.startsWith('/etc/') && stat.kind === 'file' && (stat.uid !== 0 || ((stat.mode & group) !== 0 && stat.gid !== 0))) return [path, stat];
  for (let folder = path.slice(0, path.lastIndexOf('/')); folder !== ''; folder = folder.slice(0, folder.lastIndexOf('/'))) {
    const found = statOf(folder);
    if (found && (found.mode & anyone) !== 0 && (found.mode & sticky) === 0) return [folder, found];
  }
  return undefined;
}
