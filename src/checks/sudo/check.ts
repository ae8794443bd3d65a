/** sudo and doas: who becomes root without being asked, what anybody may put in its way. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { readAccounts } from '../../linux/accounts.ts';
import { nameMatches } from '../../linux/glob.ts';
import { fact, finding, lessRights, lineFact, octal } from '../finding.ts';
import { anyoneWrites, attempt, concealment, isSystemUid, linesIn, targetStat, tellRest } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';
import { readSudoers, type SudoDefault, type SudoRule } from './rules.ts';

/** Programs that give a shell or write any file when their arguments are free. */
const shellGivers = new Set('sh bash dash zsh ksh fish csh tcsh busybox env su sudo find vi vim vim.basic nvim view nano pico emacs less more man awk gawk mawk nawk sed perl python python2 python3 ruby lua node php tclsh expect gdb strace ltrace tar zip cpio rsync scp sftp ssh git ftp tftp socat nc ncat cp mv tee dd install chmod chown chattr ln docker podman lxc kubectl nsenter unshare chroot mount systemctl systemd-run journalctl crontab at apt apt-get yum dnf rpm dpkg pip pip3 npm gem make cmake gcc screen tmux script watch xargs nohup time timeout nice taskset start-stop-daemon ed ex vipw visudo passwd useradd usermod curl wget tcpdump nmap openssl mysql psql sqlite3 redis-cli'.split(' '));
/** Rules that images of clouds and installers write for people. */
const peoplesFiles = /\/(?:90-cloud-init-users|90-cloudimg-\w+|010_pi-nopasswd|google_sudoers|waagent|vagrant|ec2-user|azureuser)$/;

export const sudo: PlaceCheck = {
  id: 'sudo',
  title: { zh: 'sudo 与 doas 授权', en: 'sudo and doas' },
  blind: { zh: '目录服务（LDAP、SSSD）里的 sudo 规则不在文件里', en: 'rules that a directory service holds are in no file' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    const { files, rules, defaults } = readSudoers(context);
    const system = new Set((attempt(context, '/etc/passwd', () => readAccounts(context.tree)) ?? []).filter(({ uid }) => isSystemUid(uid)).map(({ name }) => name));
    const shipped = new Set<string>();
    for (const path of files) {
      const intact = (await context.provenance.owner(path))?.state === 'intact';
      if (intact) shipped.add(path);
      yield* fileState(path, intact, context);
    }
    yield* folderMode('/etc/sudoers.d', context);
    const asksTarget = defaults.some(({ setting }) => setting === 'targetpw' || setting === 'rootpw');
    const budget = { pairs: pairsMax };
    for (const rule of rules) {
      if (shipped.has(rule.path)) continue;
      yield* judge(rule, system, asksTarget, budget, context);
      if (budget.pairs < 0) { tellRest(context, rule.path, pairsMax); break; }
    }
    for (const setting of defaults) if (!shipped.has(setting.path)) yield* settingOf(setting, context);
    yield* plugins(context);
    for (const path of ['/etc/doas.conf', '/usr/local/etc/doas.conf']) yield* doas(path, system, context);
  },
};

/** Who may run what, over all rules. */
const pairsMax = 1_000_000;

function* judge(rule: SudoRule, system: ReadonlySet<string>, asksTarget: boolean, budget: { pairs: number }, context: ScanContext): Iterable<Finding> {
  const free = rule.commands.filter(({ tags }) => tags.includes('NOPASSWD'));
  for (const user of rule.users) {
    if ((budget.pairs -= 1 + rule.commands.length) < 0) return;
    const group = user.startsWith('%');
    const everybody = user === 'ALL';
    const uid = /^(?:uid)?#(\d{1,10})$/.exec(user)?.[1];
    const daemon = system.has(group ? user.slice(1) : user) || (uid !== undefined && isSystemUid(Number(uid)));
    const tell = (key: string, kind: FindingKind, level: Level, zh: string, en: string): Finding => about(rule.path, `${rule.text}\0${user}\0${key}`, kind, level, { zh, en }, [lineFact(rule.path, rule.line, rule.text)], context, user);
    const all = rule.commands.find(({ text }) => text === 'ALL');
    if (everybody && all && (free.some(({ text }) => text === 'ALL') || !asksTarget)) yield tell('everybody', free.length > 0 ? 'intrusion' : 'weakness', free.length > 0 ? 'critical' : 'high', '每个账号都能成为 root', 'every account may become root');
    else if (daemon && all) yield tell('daemon', 'weakness', 'high', `服务账号 ${user} 能以 root 运行一切`, `the account of a daemon, ${user}, may run anything as root`);
    else if (free.some(({ text }) => text === 'ALL') && user !== 'root') yield tell('nopasswd', peoplesFiles.test(rule.path) ? 'notice' : 'weakness', peoplesFiles.test(rule.path) ? 'info' : 'low', `${group ? `组 ${user.slice(1)}` : user} 成为 root 不用密码`, `${group ? `the group ${user.slice(1)}` : user} becomes root without a password`);
    for (const { text: command, tags } of rule.commands) {
      const [program = '', ...args] = command.replace(/^!+|^sha\d+:\S+\s+/g, '').split(/\s+/);
      if (command === 'ALL' || command.startsWith('!')) continue;
      // A folder, a pattern or an expression stands for many programs, shells among them.
      const many = /^\^|^\/.*(?:\/$|[*?[])/.test(program);
      if (many && (daemon || everybody) && tags.includes('NOPASSWD')) { yield tell(command, 'weakness', 'high', `${user} 不用密码以 root 运行 ${program} 所指的许多程序`, `${user} runs the many programs that ${program} stands for as root without a password`); continue; }
      if (!program.startsWith('/')) continue;
      if (anyoneWrites.test(program)) { yield tell(command, 'intrusion', 'high', `${user} 能以 root 运行 ${program}，而谁都能把它换掉`, `${user} may run ${program} as root, and anybody may replace it`); continue; }
      const stat = targetStat(context, program);
      if (stat && stat.kind === 'file' && (stat.mode & 0o002) !== 0) { yield tell(command, 'weakness', 'high', `${user} 能以 root 运行 ${program}，而谁都能改写它`, `${user} may run ${program} as root, and anybody may rewrite it`); continue; }
      const loose = args.length === 0 || args.some((arg) => arg.includes('*'));
      if ((daemon || everybody) && loose && tags.includes('NOPASSWD') && shellGivers.has(baseName(program))) yield tell(command, 'weakness', 'medium', `${user} 不用密码以 root 运行 ${program}，由此能开 root 的 shell`, `${user} runs ${program} as root without a password, and it gives a shell of root`);
      else if (loose && user !== 'root' && tags.includes('NOPASSWD') && shellGivers.has(baseName(program))) yield tell(command, 'weakness', 'low', `${user} 不用密码以 root 运行 ${program}，由此能开 root 的 shell`, `${user} runs ${program} as root without a password, and it gives a shell of root`);
    }
  }
}

/** Variables by which a program loads somebody's code. */
const codeVariables = ['LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH', 'BASH_ENV', 'PERL5OPT', 'PERL5LIB', 'PYTHONPATH', 'PYTHONSTARTUP', 'NODE_OPTIONS', 'RUBYOPT'];
/** `word` may be a pattern, or `name=value`. */
const letsCodeIn = (word: string): boolean => codeVariables.some((name) => nameMatches(word.replace(/=.*$/, ''), name));

function* settingOf({ setting, path, line, text }: SudoDefault, context: ScanContext): Iterable<Finding> {
  const tell = (kind: FindingKind, level: Level, zh: string, en: string, ...refs: string[]): Finding => about(path, `${text}\0${setting}`, kind, level, { zh, en }, [lineFact(path, line, text)], context, undefined, ...refs);
  const value = setting.slice(setting.indexOf('=') + 1).replaceAll('"', '').trim();
  if (/^!\s*authenticate$/.test(setting)) yield tell('weakness', 'medium', '执行 sudo 不问密码', 'sudo asks no password', 'cis:5.2.5');
  else if (/^!\s*env_reset$/.test(setting)) yield tell('weakness', 'medium', 'sudo 保留调用者的环境变量', 'sudo keeps the caller\'s variables', 'attack:T1574.006');
  else if (/^env_keep\s*\+?=/.test(setting) && value.split(/\s+/).some(letsCodeIn)) yield tell('weakness', 'high', `sudo 保留 ${value}：调用者能把代码装进 root 的程序`, `sudo keeps ${value}: the caller may load code into root's programs`, 'attack:T1574.006');
  else if (/^setenv$/.test(setting)) yield tell('weakness', 'medium', 'sudo 的调用者可以给 root 的程序设任意环境变量', 'whoever calls sudo may set any variable of root\'s programs', 'attack:T1574.006');
  else if (/^exempt_group\s*=/.test(setting)) yield tell('weakness', 'medium', `组 ${value} 执行 sudo 不问密码`, `sudo asks no password of the group ${value}`, 'cis:5.2.5');
  else if (/^timestamp_timeout\s*=/.test(setting) && Number(value) < 0) yield tell('weakness', 'medium', '问过一次密码就永远不再问', 'a password given once counts for ever', 'cis:5.2.6', 'attack:T1548.003');
  else if (/^!\s*tty_tickets$|^timestamp_type\s*=\s*"?global/.test(setting)) yield tell('weakness', 'low', '一个终端问过密码，别的终端也算', 'a password given in one terminal counts in all', 'attack:T1548.003');
  else if (/^secure_path\s*=/.test(setting) && value.split(':').some((part) => !part.startsWith('/') || anyoneWrites.test(`${part}/`))) yield tell('weakness', 'high', `sudo 找程序的目录里有别人能写的：${value}`, `sudo looks for programs where others may write: ${value}`, 'attack:T1574.007');
  else if (/^!\s*(?:syslog|log_allowed|log_denied|logfile)$/.test(setting) || /^logfile\s*=\s*"?\/dev\/null/.test(setting)) yield tell('weakness', 'medium', 'sudo 不再记日志', 'sudo does not log any more', 'attack:T1562.001', 'cis:5.2.3');
  else if (/^(?:askpass|editor)\s*=/.test(setting) && (anyoneWrites.test(value) || /\/\.[^/]/.test(value))) yield tell('intrusion', 'high', `sudo 会运行 ${value}`, `sudo runs ${value}`);
}

/** Libraries that sudo loads as root. */
async function* plugins(context: ScanContext): AsyncIterable<Finding> {
  const path = '/etc/sudo.conf';
  for (const { number, text } of linesIn(context, path)) {
    // `Plugin symbol library`, `Path what where`.
    const [word = '', , named = ''] = text.trim().split(/\s+/);
    if ((word !== 'Plugin' && word !== 'Path') || named === '') continue;
    const at = named.startsWith('/') ? named : ['/usr/libexec/sudo', '/usr/lib/sudo'].map((folder) => `${folder}/${named}`).find((one) => targetStat(context, one)) ?? named;
    if (!at.startsWith('/') || (await context.provenance.owner(at))?.state === 'intact' || !context.provenance.known || !targetStat(context, at)) continue;
    yield about(path, text, 'intrusion', 'high', { zh: `sudo 会以 root 加载 ${at}，它不是软件包装的`, en: `sudo loads ${at} as root, and no package ships it so` }, [lineFact(path, number, text)], context, undefined, 'attack:T1574');
  }
}

function* doas(path: string, system: ReadonlySet<string>, context: ScanContext): Iterable<Finding> {
  for (const { number, text } of linesIn(context, path)) {
    const words = text.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] !== 'permit' || !words.includes('nopass')) continue;
    const user = words.slice(1).find((word, i, rest) => !/^(?:nopass|nolog|persist|keepenv|setenv|\{|\})$/.test(word) && !word.includes('=') && rest[i - 1] !== 'as') ?? '';
    const all = !words.includes('cmd');
    const level: Level = system.has(user) && all ? 'high' : 'low';
    yield about(path, text, 'weakness', level, { zh: `${user} 以 root 运行${all ? '一切' : '命令'}不用密码`, en: `${user} runs ${all ? 'anything' : 'commands'} as root without a password` }, [lineFact(path, number, text)], context, user);
  }
  const stat = targetStat(context, path);
  if (stat && ((stat.mode & 0o022) !== 0 || stat.uid !== 0)) yield about(path, 'mode', 'weakness', 'critical', { zh: '不只 root 能改授权', en: 'others than root may change who becomes root' }, [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)], context);
}

function* fileState(path: string, intact: boolean, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (stat && ((stat.mode & 0o002) !== 0 || stat.uid !== 0 || ((stat.mode & 0o020) !== 0 && stat.gid !== 0))) {
    yield { ...about(path, 'mode', 'weakness', 'critical', { zh: '不只 root 能改授权', en: 'others than root may change who becomes root' }, [fact({ zh: '权限', en: 'mode' }, `${octal(stat.mode)} ${stat.uid}:${stat.gid}`)], context), fix: { text: { zh: '交还 root 并收回写权限', en: 'give it back to root, take the right to write away' }, commands: [['chown', 'root:root', path], ['chmod', '440', path]], actions: lessRights(path, stat.mode, 0o222, 'root:root') } };
  }
  if (intact) return;
  for (const { number, text } of linesIn(context, path)) {
    const hidden = concealment(text);
    if (hidden) yield about(path, `hidden\0${text}`, 'intrusion', 'high', hidden, [lineFact(path, number, text)], context, undefined, 'attack:T1564');
  }
}

function* folderMode(path: string, context: ScanContext): Iterable<Finding> {
  const stat = targetStat(context, path);
  if (stat && (stat.mode & 0o022) !== 0 && ((stat.mode & 0o002) !== 0 || stat.gid !== 0)) yield about(path, 'mode', 'weakness', 'critical', { zh: '别人能往里放授权规则', en: 'others may put rules there' }, [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], context);
}

function about(path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], context: ScanContext, user?: string, ...refs: string[]): Finding {
  return finding('sudo', `${path}\0${key}`, {
    kind, level, path, time: targetStat(context, path)?.changed, ...(user !== undefined && !/^[%#]|^ALL$/.test(user) && { user }),
    title: { zh: `${baseName(path)}：${text.zh}`, en: `${baseName(path)}: ${text.en}` }, evidence,
    fix: { text: { zh: `用 visudo 改 ${path}：只给需要的人、需要的命令`, en: `change ${path} with visudo: only who needs it, only what is needed` }, commands: [['visudo', '-f', path]] },
    refs: ['attack:T1548.003', 'dengbao:8.1.4.2', ...refs],
  });
}
