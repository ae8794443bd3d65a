/** Whether logs are kept: settings of journald, rsyslog and auditd, and the log files themselves. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import type { FileStat } from '../../linux/tree.ts';
import { fact, finding, lessRights, lineFact, octal, withoutLine } from '../finding.ts';
import { attempt, filesOf, linesIn, statOf, targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { lastTurns, olderParts } from '../rotated.ts';
import { baseName } from '../shell-words.ts';

/** `guarded`: an intruder empties it to hide, an administrator hardly for room. */
const logs: readonly { path: string; guarded: boolean }[] = [
  { path: '/var/log/auth.log', guarded: true }, { path: '/var/log/secure', guarded: true }, { path: '/var/log/wtmp', guarded: true }, { path: '/var/log/lastlog', guarded: true }, { path: '/var/log/audit/audit.log', guarded: true },
  { path: '/var/log/syslog', guarded: false }, { path: '/var/log/messages', guarded: false }, { path: '/var/log/btmp', guarded: false }, { path: '/var/log/cron', guarded: false }, { path: '/var/log/cron.log', guarded: false }, { path: '/var/log/kern.log', guarded: false }, { path: '/var/run/utmp', guarded: true },
];
const minute = 60_000;
/** Nobody turns it: it holds one record an account. */
const neverTurned = '/var/log/lastlog';

export const logging: PlaceCheck = {
  id: 'logging',
  title: { zh: '日志是否照常记录', en: 'whether logs are kept' },
  blind: { zh: '日志服务是否真在运行，由进程检查去看', en: 'whether the daemons really run is for other checks to tell' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 60,
  async *run(context) {
    yield* journald(context);
    yield* masked(context);
    for (const path of ['/etc/rsyslog.conf', ...filesOf(context, '/etc/rsyslog.d').filter((one) => one.endsWith('.conf'))]) yield* rsyslog(path, context);
    for (const path of ['/etc/audit/audit.rules', ...filesOf(context, '/etc/audit/rules.d').filter((one) => one.endsWith('.rules'))]) yield* audit(path, context);
    const folder = targetStat(context, '/var/log');
    if (folder && (folder.mode & 0o002) !== 0) yield { ...about('/var/log', 'mode', 'weakness', 'high', { zh: '谁都能删改日志', en: 'anybody may change or remove logs' }, [fact({ zh: '权限', en: 'mode' }, octal(folder.mode))], folder.changed), fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'o-w', '/var/log']], actions: lessRights('/var/log', folder.mode, 0o002) } };
    const turns = lastTurns(context, logs.map(({ path }) => path));
    for (const one of logs) yield* file(one, turns, context);
  },
};

/** The last that is said counts; drop-ins come after the file. */
async function* journald(context: ScanContext): AsyncIterable<Finding> {
  const folders = ['/usr/lib/systemd/journald.conf.d', '/run/systemd/journald.conf.d', '/etc/systemd/journald.conf.d'];
  const paths = ['/etc/systemd/journald.conf', ...folders.flatMap((folder) => filesOf(context, folder)).filter((path) => path.endsWith('.conf')).sort((a, b) => (baseName(a) < baseName(b) ? -1 : 1))];
  const said = new Map<string, { value: string; path: string; line: number; text: string }>();
  for (const path of paths) for (const { number, text } of linesIn(context, path)) {
    const found = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(text);
    if (found) said.set(found[1]!, { value: found[2]!, path, line: number, text });
  }
  const tell = (name: string, level: Level, text: Text): Finding => {
    const { path, line, text: shown } = said.get(name)!;
    return { ...about(path, name, 'weakness', level, text, [lineFact(path, line, shown)], targetStat(context, path)?.changed), fix: { text: { zh: '去掉这一行再重启 journald', en: 'take the line out and restart journald' }, commands: [['systemctl', 'restart', 'systemd-journald']], actions: withoutLine(path, line, shown) } };
  };
  if (said.get('Storage')?.value === 'none') yield tell('Storage', 'high', { zh: '系统日志一概不存', en: 'the journal keeps nothing' });
  if (/^(?:emerg|alert|crit|[012])$/.test(said.get('MaxLevelStore')?.value ?? '')) yield tell('MaxLevelStore', 'medium', { zh: '系统日志只存最严重的几类', en: 'the journal keeps only the gravest' });
}

function* masked(context: ScanContext): Iterable<Finding> {
  for (const name of ['systemd-journald.service', 'rsyslog.service', 'syslog-ng.service', 'auditd.service', 'systemd-journald.socket']) {
    const path = `/etc/systemd/system/${name}`;
    if (attempt(context, path, () => context.tree.link(path)) !== '/dev/null') continue;
    yield { ...about(path, 'masked', 'weakness', name.includes('journald') ? 'high' : 'medium', { zh: `${name} 被屏蔽，起不来`, en: `${name} is masked and cannot start` }, [fact({ zh: '链接', en: 'link' }, '/dev/null')], statOf(context, path)?.changed), fix: { text: { zh: '解除屏蔽', en: 'unmask it' }, commands: [['systemctl', 'unmask', name]] } };
  }
}

const security = /\bsshd?\b|\bsudo\b|\bsu\b|Accepted|session opened|authpriv|\bauth\b|pam_unix|useradd|usermod|passwd|CRON/;

async function* rsyslog(path: string, context: ScanContext): AsyncIterable<Finding> {
  if ((await context.provenance.owner(path))?.state === 'intact') return;
  const time = targetStat(context, path)?.changed;
  let first = true;
  for (const { number, text } of linesIn(context, path, { joined: true })) {
    const bare = text.trim();
    const drops = /(?:^|[\s;{])(?:~|stop|-?\/dev\/null)(?:[\s}]|$)/.test(bare);
    const tell = (kind: FindingKind, level: Level, zh: string, en: string): Finding => about(path, bare, kind, level, { zh, en }, [lineFact(path, number, bare)], time);
    const selector = /^([\w*,.;!=]+\.[\w*!=;.,]+)\s+(\S.*)$/.exec(bare);
    if (selector && drops) {
      const [, what = ''] = selector;
      // `*.=debug` and the like in front of `~` are somebody's tidying.
      if (/(?:^|[;,])(?:\*|auth|authpriv)\.(?:\*|info|notice|warn|err|debug)/.test(what) && !/\.none/.test(what)) yield tell('weakness', first || /auth/.test(what) ? 'high' : 'medium', '登录日志被丢掉', 'records of log-ons are thrown away');
    } else if (drops && /^(?::|if\b)/.test(bare) && security.test(bare)) yield tell('weakness', 'medium', '一部分登录或命令的日志被丢掉', 'part of what log-ons and commands leave is thrown away');
    if (selector) first = false;
  }
}

async function* audit(path: string, context: ScanContext): AsyncIterable<Finding> {
  if ((await context.provenance.owner(path))?.state === 'intact') return;
  for (const { number, text } of linesIn(context, path)) {
    if (/^\s*-a\s+(?:never,task|task,never)\s*$/.test(text)) yield about(path, text, 'weakness', 'medium', { zh: '审计规则让所有进程都不留系统调用记录', en: 'a rule of auditing has no system call of any process recorded' }, [lineFact(path, number, text)], targetStat(context, path)?.changed);
    if (/^\s*-e\s+0\b/.test(text)) yield about(path, text, 'weakness', 'medium', { zh: '审计被关掉', en: 'auditing is switched off' }, [lineFact(path, number, text)], targetStat(context, path)?.changed);
  }
}

function* file({ path, guarded }: typeof logs[number], turns: ReadonlyMap<string, number>, context: ScanContext): Iterable<Finding> {
  const stat = statOf(context, path);
  if (!stat) { yield* gone(path, guarded, context); return; }
  if (stat.kind === 'link' || stat.kind === 'character-device') {
    const to = attempt(context, path, () => context.tree.link(path)) ?? 'device';
    if (stat.kind === 'character-device' || /^\/dev\/(?:null|zero|full)$/.test(to)) yield { ...about(path, 'null', 'intrusion', guarded ? 'high' : 'medium', { zh: '日志被接到 /dev/null：写什么都没了', en: 'the log is /dev/null: whatever is written is gone' }, [fact({ zh: '链接', en: 'link' }, to)], stat.changed, 'attack:T1070.002'), fix: { text: { zh: '删掉链接，重启日志服务', en: 'remove the link, restart the log daemon' }, commands: [['rm', path]] } };
    return;
  }
  if (stat.kind !== 'file') return;
  if ((stat.mode & 0o002) !== 0) yield { ...about(path, 'mode', 'weakness', 'medium', { zh: '谁都能改这份日志', en: 'anybody may change the log' }, [fact({ zh: '权限', en: 'mode' }, octal(stat.mode))], stat.changed), fix: { text: { zh: '收回写权限', en: 'take the right to write away' }, commands: [['chmod', 'o-w', path]] } };
  if (stat.size === 0 && emptied(path, stat, turns, context)) yield about(path, 'emptied', guarded ? 'intrusion' : 'notice', guarded ? 'medium' : 'low', { zh: '日志被原地清空过，不是轮转', en: 'the log was emptied in place, and not by rotation' }, [fact({ zh: '清空于', en: 'emptied' }, new Date(stat.modified).toISOString())], stat.modified, 'attack:T1070.002');
}

/** Empty for another reason than rotation, which leaves the old content beside it and is noted, and than an image that was made tidy before it first ran. */
function emptied(path: string, stat: FileStat, turns: ReadonlyMap<string, number>, context: ScanContext): boolean {
  const started = firstRun(context);
  if (started === undefined || stat.modified < started + 60 * minute) return false;
  if (rotated(path, context).some((one) => Math.min(Math.abs(one.modified - stat.modified), Math.abs(one.changed - stat.modified), Math.abs((one.born ?? 0) - stat.modified)) < 10 * minute)) return false;
  const written = stat.born === undefined ? undefined : stat.modified - stat.born;
  if (written !== undefined && written >= 10 * minute) return true;
  // On a copy of a disk the files were all born with the copy: then what logrotate noted tells, and that nobody turns this one, unless it was made then.
  const turned = turns.get(path);
  return path === neverTurned ? written === undefined || written <= -10 * minute : turned !== undefined && stat.modified > turned + 60 * minute;
}

/** Missing while its older parts are there. */
function* gone(path: string, guarded: boolean, context: ScanContext): Iterable<Finding> {
  const older = rotated(path, context);
  if (older.length === 0 || !guarded) return;
  yield about(path, 'gone', 'notice', 'medium', { zh: '日志不见了，更早的几份还在', en: 'the log is gone while older parts of it are there' }, [fact({ zh: '更早的', en: 'older' }, String(older.length))], Math.max(...older.map(({ modified }) => modified)), 'attack:T1070.002');
}

const rotated = (path: string, context: ScanContext): FileStat[] => olderParts(context, path).flatMap((one) => statOf(context, one) ?? []);

/** Each machine makes its host keys at its first start. */
function firstRun(context: ScanContext): number | undefined {
  const keys = filesOf(context, '/etc/ssh').filter((path) => /\/ssh_host_\w+_key$/.test(path)).flatMap((path) => statOf(context, path)?.modified ?? []);
  return keys.length > 0 ? Math.max(...keys) : undefined;
}

function about(path: string, key: string, kind: FindingKind, level: Level, text: Text, evidence: Finding['evidence'], time: number | undefined, ...refs: string[]): Finding {
  return finding('logging', `${path}\0${key}`, {
    kind, level, path, time, title: { zh: `${path}：${text.zh}`, en: `${path}: ${text.en}` }, evidence,
    means: { zh: '没有日志就查不出谁来过；等保要求日志至少留六个月。', en: 'Without logs nobody can tell who was here.' },
    refs: ['attack:T1562.001', 'dengbao:8.1.4.3', ...refs],
  });
}
