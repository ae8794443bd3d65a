/** What systemd starts: units of the system and of users with their drop-ins, generators, links that enable, the manager's own settings. */
import type { Finding } from '../../core/finding.ts';
import { joinJudgements, judged, judgeWords, variableReasons, type How, type Judgement, type Reason } from '../command.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { foldersOf, homes, isOwned, isShipped, judgedFinding, listHook, attempt, readHook, scriptFindings, sourcedFindings, writableFinding, type HookFile, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName, languageOf } from '../shell-words.ts';
import { imitated } from './imitation.ts';
import { readExec, readUnit, specifiers, splitWords, type Setting } from './unit-file.ts';
import { tellRest } from '../look.ts';

const systemFolders = ['/etc/systemd/system', '/etc/systemd/system.control', '/etc/systemd/system.attached', '/run/systemd/system', '/run/systemd/system.control', '/run/systemd/transient', '/run/systemd/generator', '/run/systemd/generator.early', '/run/systemd/generator.late', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const userFolders = ['/etc/systemd/user', '/run/systemd/user', '/usr/local/lib/systemd/user', '/usr/local/share/systemd/user', '/usr/lib/systemd/user', '/usr/share/systemd/user', '/lib/systemd/user'];
const homeFolders = ['.config/systemd/user', '.config/systemd/user.control', '.local/share/systemd/user'];
const packageFolders = ['/usr/lib/systemd/system', '/lib/systemd/system'];
const generators = ['system', 'user'].flatMap((kind) => ['generators', 'environment-generators'].flatMap((what) => ['/etc/systemd', '/run/systemd', '/usr/local/lib/systemd', '/usr/lib/systemd'].map((folder) => `${folder}/${kind}-${what}`)));
const hooks = ['/usr/lib/systemd/system-shutdown', '/usr/lib/systemd/system-sleep', '/etc/systemd/system-shutdown', '/etc/systemd/system-sleep', '/usr/local/lib/systemd/system-sleep'];
/** Where units and start scripts take their variables from. */
const settings = ['/etc/default', '/etc/sysconfig', '/etc/conf.d'];
const managers = ['/etc/systemd/system.conf', '/etc/systemd/user.conf'];
/** Services that everybody's passwords and jobs go through. */
const entrusted = /^(?:ssh|sshd|cron|crond|atd|dbus|dbus-broker|polkit|login|getty@?|serial-getty@?|systemd-[\w-]+@?|rsyslog|auditd|sssd|nscd|user@?)(?:@[^.]*)?\.service$/;
const unitName = /\.(?:service|socket|timer|path|mount|automount|swap|target|slice|scope|device)$/;
const execKeys = /^Exec(?:Start|StartPre|StartPost|Condition|Reload|ReloadPost|Stop|StopPost)$/;
/** Guards whose unit nobody masks by accident. */
const guards = /^(?:auditd|rsyslog|syslog-ng|systemd-journald|fail2ban|crowdsec|crowdsec-firewall-bouncer|apparmor|moat|aegis|aliyun|AssistDaemon|cloudmonitor|YDService|YDLive|wazuh-agent|falco|ossec|clamav-daemon|unattended-upgrades)\.service$/;

const place: Place = {
  check: 'systemd', name: { zh: 'systemd 单元', en: 'systemd unit' },
  means: { zh: 'systemd 在开机或到点时启动它，停了会再拉起来：清程序之前先停用这个单元。', en: 'systemd starts it at boot or at its time and again when it ends: disable the unit before the program is removed.' },
  refs: ['attack:T1543.002'],
};

export const systemd: PlaceCheck = {
  id: 'systemd',
  title: { zh: 'systemd 单元与定时器', en: 'systemd units and timers' },
  blind: { zh: '只在内存里、从未写成文件的单元看不到', en: 'cannot see units that systemd holds in memory only' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const packaged = new Set(packageFolders.flatMap((folder) => listHook(context, folder)).map((path) => stemOf(baseName(path))));
    const seen = new Set<string>();
    for (const folder of systemFolders) yield* unitFolder(folder, context, 'root', packaged, seen);
    for (const folder of userFolders) yield* unitFolder(folder, context, 'root', packaged, seen);
    for (const { home, user } of homes(context)) for (const folder of homeFolders) yield* unitFolder(`${home}/${folder}`, context, user, packaged, seen);
    for (const folder of foldersOf(context, '/run/user')) for (const sub of ['systemd/user', 'systemd/transient', 'systemd/generator']) yield* unitFolder(`${folder}/${sub}`, context, 'a user', packaged, seen);
    for (const folder of generators) yield* generatorFolder(folder, context);
    for (const folder of hooks) yield* scriptFindings({ ...place, name: { zh: '关机或休眠时运行的脚本', en: 'script run at shutdown or sleep' } }, context, listHook(context, folder));
    for (const path of settings.flatMap((folder) => listHook(context, folder))) yield* sourcedFindings({ ...place, name: { zh: '服务启动时读的变量', en: 'variables that a service is started with' } }, context, path);
    for (const path of [...managers, ...['/etc/systemd/system.conf.d', '/etc/systemd/user.conf.d', '/run/systemd/system.conf.d', '/usr/lib/systemd/system.conf.d'].flatMap((folder) => listHook(context, folder))]) yield* manager(path, context);
  },
};

const stemOf = (name: string): string => name.slice(0, name.lastIndexOf('.') < 0 ? undefined : name.lastIndexOf('.'));

/** `user` is whose manager reads the folder. */
async function* unitFolder(folder: string, context: ScanContext, user: string, packaged: ReadonlySet<string>, seen: Set<string>): AsyncIterable<Finding> {
  // /lib is most often a link to /usr/lib.
  const real = attempt(context, folder, () => context.tree.real(folder));
  if (real === undefined || seen.has(real)) return;
  seen.add(real);
  for (const path of listHook(context, folder)) {
    const name = baseName(path);
    const link = attempt(context, path, () => context.tree.link(path));
    if (link !== undefined) { yield* linked(path, link, context, user, packaged); continue; }
    if (unitName.test(name)) yield* unit(path, name, context, user, packaged);
  }
  for (const sub of foldersOf(context, folder)) {
    if (sub.endsWith('.d')) for (const path of listHook(context, sub)) { if (path.endsWith('.conf')) yield* unit(path, baseName(sub).slice(0, -2), context, user, packaged); }
    else if (/\.(?:wants|requires|upholds)$/.test(sub)) for (const path of listHook(context, sub)) {
      const link = attempt(context, path, () => context.tree.link(path));
      if (link === undefined) { if (unitName.test(baseName(path))) yield* unit(path, baseName(path), context, user, packaged); } else yield* linked(path, link, context, user, packaged);
    }
  }
}

/** A link enables, aliases or masks a unit. */
async function* linked(path: string, link: string, context: ScanContext, user: string, packaged: ReadonlySet<string>): AsyncIterable<Finding> {
  const name = baseName(path);
  const target = link.startsWith('/') ? link : `${path.slice(0, path.lastIndexOf('/'))}/${link}`;
  const changed = context.tree.stat(path)?.changed ?? 0;
  if (link === '/dev/null') { if (guards.test(name)) yield masked(path, name, changed); return; }
  const real = attempt(context, path, () => context.tree.real(path));
  if (name === 'debug-shell.service' || baseName(target) === 'debug-shell.service') {
    yield finding('systemd', path, {
      kind: 'weakness', level: 'high', path, time: changed, title: { zh: '已启用 debug-shell：第 9 个终端上有一个不要密码的 root shell', en: 'debug-shell is enabled: a root shell without a password on terminal 9' },
      evidence: [fact({ zh: '链接', en: 'link' }, `${path} -> ${link}`)], fix: { text: { zh: '停用它', en: 'disable it' }, commands: [['systemctl', 'disable', '--now', 'debug-shell.service']] }, refs: place.refs,
    });
  }
  const at = real ?? target;
  if (/^\/(?:tmp|var\/tmp|dev\/shm|run\/shm|run\/lock|var\/lock|run\/user|dev\/mqueue)\//.test(at)) {
    yield finding('systemd', path, {
      kind: 'intrusion', level: 'high', path, time: changed, title: { zh: `已启用的单元 ${name} 在任何人都能写的目录里`, en: `the enabled unit ${name} lies in a folder that anybody may write to` },
      evidence: [fact({ zh: '链接', en: 'link' }, `${path} -> ${link}`)], means: place.means, fix: disable(name), refs: place.refs,
    });
  }
  const inUnitFolder = /\/systemd\/(?:system|user|transient|generator)[^/]*\/[^/]+$/.test(at);
  if (real !== undefined && !inUnitFolder) yield* unit(real, name, context, user, packaged);
}

const disable = (name: string): Finding['fix'] => ({ text: { zh: '停用这个单元，再查它从何而来', en: 'disable the unit, then see where it came from' }, commands: [['systemctl', 'disable', '--now', name]] });

const masked = (path: string, name: string, time: number): Finding => finding('systemd', `${path}\0masked`, {
  kind: 'weakness', level: 'medium', path, time, title: { zh: `防护服务 ${name} 被屏蔽，无法启动`, en: `the protective service ${name} is masked and cannot start` },
  evidence: [fact({ zh: '链接', en: 'link' }, `${path} -> /dev/null`)],
  means: { zh: '入侵者常用屏蔽的办法让日志和防护停下来，软件包升级也拉不起它。', en: 'Intruders mask logging and guards so that not even an upgrade starts them again.' },
  fix: { text: { zh: '若不是自己做的，取消屏蔽', en: 'unmask it unless you did it' }, commands: [['systemctl', 'unmask', name]] }, refs: ['attack:T1562.001'],
});

async function* unit(path: string, name: string, context: ScanContext, user: string, packaged: ReadonlySet<string>): AsyncIterable<Finding> {
  if (await isShipped(context, path)) return;
  const file = readHook(context, path);
  if (!file) return;
  const made = path.startsWith('/run/');
  if (file.stat.size === 0) { if (guards.test(name) && path.endsWith(name)) yield masked(path, name, file.stat.changed); return; }
  const open = path.startsWith('/run/user/') ? undefined : writableFinding(place, context, path, file.stat, user);
  if (open) yield open;
  const settings = readUnit(file.text);
  const all = await commands(settings, name, context, user, file);
  yield* told(all, file, name, user);
  const strange = all.some(({ foreign }) => foreign);
  // Names: of units of one's own, not of drop-ins and of what generators made.
  if (path.endsWith(`/${name}`) && !made && !(await isOwned(context, path))) yield* posing(file, name, settings, strange, context, packaged);
}

/** Of one unit; each may be a megabyte. */
const environmentFilesMax = 200;

interface Judged { setting: Setting; judged: Judgement; /** It starts something that no package ships. */ foreign: boolean }

async function commands(settings: readonly Setting[], name: string, context: ScanContext, manager: string, file: HookFile): Promise<Judged[]> {
  const get = (key: string): string | undefined => settings.findLast((one) => one.key === key)?.value;
  const variables = new Map<string, string>();
  const judgedAll: Judged[] = [];
  const given = new Set<string>();
  const add = (setting: Setting, judgement: Judgement): void => { if (judgement.reasons.length > 0 || judgement.programs.length > 0) judgedAll.push({ setting, judged: judgement, foreign: judgement.programs.some(({ owner }) => owner === undefined) }); };
  for (const setting of settings) {
    if (setting.key === 'Environment') {
      const reasons: Reason[] = [];
      for (const word of splitWords(specifiers(setting.value, name))) {
        const equals = word.indexOf('=');
        if (equals <= 0) continue;
        variables.set(word.slice(0, equals), word.slice(equals + 1));
        reasons.push(...await variableReasons(word.slice(0, equals), word.slice(equals + 1), context));
      }
      add(setting, judged(entrusted.test(name) ? reasons.map(graver) : reasons));
    }
    if (setting.key === 'EnvironmentFile') {
      const from = specifiers(setting.value.replace(/^-/, ''), name);
      if (!given.has(from) && given.size >= environmentFilesMax) { tellRest(context, file.path, environmentFilesMax); continue; }
      given.add(from);
      add(setting, await environmentFile(from, context, variables));
    }
  }
  const account = manager === 'root' ? get('User') ?? 'root' : manager;
  const cwd = get('WorkingDirectory')?.replace(/^-/, '');
  const input = standardInput(settings);
  const how: How = { user: account, variables, ...(cwd?.startsWith('/') && { cwd }), ...(input !== undefined && { input }), fetched: new Map(), ...(variables.has('PATH') && { path: variables.get('PATH')!.split(':').filter((folder) => folder.startsWith('/')) }) };
  const socket = get('StandardInput') === 'socket' || get('StandardOutput') === 'socket';
  for (const setting of settings) {
    if (execKeys.test(setting.key)) {
      for (const { words, title, privileged } of readExec(setting.value, variables, name)) {
        if (/[%$]/.test(words[0]!)) context.count('programs of units that only systemd can name');
        const judgement = await judgeWords(words, context, privileged ? { ...how, user: 'root' } : how);
        const extra: Reason[] = [];
        if (title !== undefined && /^\[.*\]$/.test(title)) extra.push({ level: 'high', text: { zh: '程序给自己起内核线程的名字', en: 'it gives its program the name of a kernel thread' }, evidence: fact({ zh: '假名', en: 'name' }, title), attack: ['T1036.004'] });
        if (socket && languageOf(words[0]!) === 'shell' && !words.slice(1).some((word) => /^-\w*c/.test(word) || word.startsWith('/'))) extra.push({ level: 'critical', text: { zh: '把 shell 交给连进来的人', en: 'it hands a shell to whoever connects' }, evidence: lineFact(file.path, setting.line, setting.text), attack: ['T1059.004'] });
        add(setting, extra.length > 0 ? joinJudgements([judgement, judged(extra)]) : judgement);
      }
    }
    for (const to of setting.key === 'BindPaths' || setting.key === 'BindReadOnlyPaths' ? covered(setting.value) : []) add(setting, judged([{ level: 'high', text: { zh: `服务看到的 ${to} 被换成另一个文件`, en: `another file lies over ${to} for the service` }, evidence: lineFact(file.path, setting.line, setting.text), attack: ['T1564', 'T1554'] }]));
    if (setting.key === 'Where' && /^\/proc\/\d+/.test(setting.value)) add(setting, judged([{ level: 'high', text: { zh: '挂载盖住 /proc 里的一个进程，让它看不见', en: 'a mount over a process in /proc hides it' }, evidence: lineFact(file.path, setting.line, setting.text), attack: ['T1564'] }]));
  }
  return judgedAll;
}

/** What decides who logs on and what programs are: nobody puts another file over it for one service. */
const vital = /^\/(?:(?:usr\/)?s?bin|(?:usr\/)?lib(?:64|\/[\w-]+-linux-gnu)?(?:\/security)?|etc\/(?:pam\.d|ssh|sudoers\.d|security))\/[^/]+$|^\/etc\/(?:passwd|shadow|group|sudoers|nsswitch\.conf|ld\.so\.preload|pam\.d|ssh)$/;

/** `SOURCE:TARGET[:OPTIONS]`: targets of the system that something else lies over. */
const covered = (value: string): string[] => splitWords(value).flatMap((word) => { const [from = '', to] = word.replace(/^[-+]+/, '').split(':'); return to !== undefined && to !== from && vital.test(to) ? [to] : []; });

/** Text that StandardInputText= and StandardInputData= hand to the program. */
function standardInput(settings: readonly Setting[]): string | undefined {
  const parts = settings.flatMap(({ key, value }) => (key === 'StandardInputText' ? [`${splitWords(value).join(' ')}\n`] : key === 'StandardInputData' ? [Buffer.from(value.replaceAll(/\s/g, ''), 'base64').toString('utf8')] : []));
  return parts.length > 0 ? parts.join('') : undefined;
}

async function environmentFile(path: string, context: ScanContext, variables: Map<string, string>): Promise<Judgement> {
  const reasons: Reason[] = [];
  if (!path.startsWith('/') || /[%$*?]/.test(path)) return judged(reasons);
  if (/^\/(?:tmp|var\/tmp|dev\/shm)\//.test(path)) reasons.push({ level: 'medium', text: { zh: '服务的环境变量来自任何人都能写的目录', en: 'the service takes its variables from a folder that anybody may write to' }, evidence: fact({ zh: '文件', en: 'file' }, path), attack: ['T1574.006'] });
  const file = readHook(context, path);
  for (const line of file?.text.split('\n') ?? []) {
    const found = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (!found) continue;
    const value = found[2]!.trim().replace(/^(["'])(.*)\1$/s, '$2');
    variables.set(found[1]!, value);
    reasons.push(...await variableReasons(found[1]!, value, context));
  }
  return judged(reasons);
}

function* told(all: readonly Judged[], file: HookFile, name: string, user: string): Iterable<Finding> {
  for (const { setting, judged: judgement } of all) {
    const found = judgedFinding(place, {
      path: file.path, key: setting.text, judged: judgement, evidence: [lineFact(file.path, setting.line, setting.text)], time: file.stat.changed, user,
      fix: { zh: '停用这个单元，再查它从何而来', en: 'disable the unit, then see where it came from' }, commands: user === 'root' && unitName.test(name) ? [['systemctl', 'disable', '--now', name]] : [],
    });
    if (found) yield found;
  }
}

/** A unit of no package that goes by a name of the system's. */
async function* posing(file: HookFile, name: string, settings: readonly Setting[], foreign: boolean, context: ScanContext, packaged: ReadonlySet<string>): AsyncIterable<Finding> {
  const stem = stemOf(name);
  const bare = stem.replace(/@.*$/, '');
  const shipped = packageFolders.map((folder) => `${folder}/${name}`).find((path) => path !== file.path && context.tree.stat(path) !== undefined);
  if (shipped !== undefined) { yield* overriding(file, name, settings, shipped, context); return; }
  if (!context.provenance.known) return;
  const like = imitated(bare, packaged);
  const claims = like ?? (/^(?:systemd-|dbus-org\.freedesktop\.)/.test(bare) && foreign ? 'systemd' : undefined);
  if (claims === undefined) return;
  yield finding('systemd', `${file.path}\0name`, {
    kind: 'intrusion', level: foreign && like !== undefined ? 'high' : 'medium', path: file.path, time: file.stat.changed,
    title: { zh: `单元 ${name} 冒充系统的 ${claims}，而没有软件包提供它`, en: `the unit ${name} poses as ${claims} of the system, and no package ships it` },
    evidence: [fact({ zh: '像谁', en: 'like' }, claims), ...settings.filter(({ key }) => key === 'Description' || execKeys.test(key)).slice(0, 5).map(({ line, text }) => lineFact(file.path, line, text))],
    means: place.means, fix: disable(name), refs: [...place.refs, 'attack:T1036.004'],
  });
}

/** The same name as a unit of a package, in front of it: ordinary, unless it starts something else. */
async function* overriding(file: HookFile, name: string, settings: readonly Setting[], shipped: string, context: ScanContext): AsyncIterable<Finding> {
  const other = readHook(context, shipped);
  if (!other) return;
  const programs = (all: readonly Setting[]): string[] => all.filter(({ key }) => key === 'ExecStart').flatMap(({ value }) => readExec(value, new Map(), name).map(({ words }) => baseName(words[0]!)));
  const [mine, theirs] = [programs(settings), programs(readUnit(other.text))];
  if (mine.every((one) => theirs.includes(one))) return;
  yield finding('systemd', `${file.path}\0override`, {
    kind: 'notice', level: guards.test(name) || /^(?:ssh|sshd|cron|crond|dbus)\.service$/.test(name) ? 'medium' : 'low', path: file.path, time: file.stat.changed,
    title: { zh: `${name} 换掉了软件包的同名单元，启动的是另一个程序`, en: `${name} stands in front of the package's unit and starts another program` },
    evidence: [fact({ zh: '现在启动', en: 'starts now' }, mine.join(' ')), fact({ zh: '软件包启动', en: 'the package starts' }, theirs.join(' '))], refs: place.refs,
  });
}

async function* generatorFolder(folder: string, context: ScanContext): AsyncIterable<Finding> {
  const what: Place = { ...place, name: { zh: 'systemd 生成器', en: 'systemd generator' }, means: { zh: '生成器在开机最早的时候以 root 运行，早于几乎所有日志。', en: 'Generators run as root at the very beginning, before nearly all logging.' } };
  for (const path of listHook(context, folder)) {
    if (attempt(context, path, () => context.tree.link(path)) === '/dev/null' || await isShipped(context, path)) continue;
    let any = false;
    for await (const one of scriptFindings(what, context, [path])) { any = true; yield one; }
    const stat = context.tree.stat(path);
    if (any || !stat || !context.provenance.known || await isOwned(context, path)) continue;
    yield finding('systemd', `${path}\0generator`, { kind: 'intrusion', level: 'medium', path, time: stat.changed, title: { zh: `没有软件包提供的 systemd 生成器 ${path}`, en: `a systemd generator that no package ships: ${path}` }, evidence: [fact({ zh: '文件', en: 'file' }, path)], means: what.means, fix: { text: { zh: '先让它不能运行', en: 'take its right to run' }, commands: [['chmod', 'a-x', path]] }, refs: place.refs });
  }
}

const graver = (reason: Reason): Reason => (reason.level === 'medium' && reason.kind === undefined && reason.attack.includes('T1574.006') ? { ...reason, level: 'high' } : reason);

async function* manager(path: string, context: ScanContext): AsyncIterable<Finding> {
  if (await isShipped(context, path)) return;
  const file = readHook(context, path);
  if (!file) return;
  for (const { key, value, line, text } of readUnit(file.text)) {
    if (key !== 'DefaultEnvironment' && key !== 'ManagerEnvironment') continue;
    const reasons: Reason[] = [];
    // For every service at once: nobody preloads an allocator so.
    for (const word of splitWords(value)) { const equals = word.indexOf('='); if (equals > 0) reasons.push(...await variableReasons(word.slice(0, equals), word.slice(equals + 1), context)); }
    const found = judgedFinding({ ...place, name: { zh: 'systemd 管理器的环境变量', en: 'environment of systemd' } }, { path, key: text, judged: judged(reasons.map(graver)), evidence: [lineFact(path, line, text)], time: file.stat.changed, fix: { zh: `去掉 ${path} 第 ${line} 行`, en: `take out line ${line} of ${path}` } });
    if (found) yield found;
  }
}

