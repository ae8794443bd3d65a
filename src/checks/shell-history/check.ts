/** Histories of shells and database clients: what somebody typed who should not have been here. */
import type { Finding } from '../../core/finding.ts';
import { atLeast, type Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { attempt, homesIn, isSystemUid, statOf, type Home } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { tailOf } from '../tail.ts';
import { commandsIn, databaseSuspect, type Command, type HistoryKind } from './commands.ts';

const files: readonly (readonly [string, HistoryKind])[] = [
  ...['.bash_history', '.zsh_history', '.zhistory', '.sh_history', '.ash_history', '.ksh_history', '.mksh_history', '.history', '.tcsh_history', '.histfile', '.local/share/fish/fish_history', '.config/fish/fish_history'].map((name): readonly [string, HistoryKind] => [name, 'shell']),
  ['.python_history', 'python'], ['.mysql_history', 'mysql'], ['.mariadb_history', 'mysql'], ['.psql_history', 'psql'], ['.rediscli_history', 'redis'],
];
const bytesMax = 4 << 20;
const commandsMax = 50_000;
const shownMax = 12;
const hitsMax = 1000;
/** So many different grave rules in one history are no accident of an administrator's day. */
const manyRules = 4;
/** Accounts of daemons that administrators work as. */
const workedAs = /^(?:postgres|mysql|oracle|git|jenkins|redis|www-data|nginx|backup|elasticsearch|kafka|hadoop|hdfs)$/;

interface Hit { command: Command; level: Level; text: Text; rule: string; attack: readonly string[] }

export const shellHistory: PlaceCheck = {
  id: 'shell-history',
  title: { zh: '命令历史', en: 'shell histories' },
  blind: { zh: '入侵者多半不留历史；管理员自己也会用同样的命令，所以单条命令不算入侵', en: 'intruders seldom leave one; administrators type the same commands, so that a single one is no intrusion' },
  group: 'access',
  scope: 'tree',
  everyMinutes: 6 * 60,
  async *run(context) {
    const seen = new Set<string>();
    for (const home of homesIn(context)) {
      for (const [name, kind] of files) {
        const path = `${home.home}/${name}`;
        const stat = statOf(context, path);
        if (!stat || seen.has(path)) continue;
        seen.add(path);
        if (stat.kind === 'link' || stat.kind === 'character-device') { yield* linked(path, home, stat.changed, context); continue; }
        if (stat.kind !== 'file') continue;
        if (attempt(context, path, () => context.tree.flags(path))?.immutable) yield about(path, 'immutable', 'weakness', 'medium', home, { zh: '被锁住（chattr +i），命令记不进去', en: 'is locked (chattr +i): nothing is written to it' }, [], stat.changed, 'T1070.003');
        yield* contents(path, kind, home, stat.changed, context);
      }
    }
  },
};

function* linked(path: string, home: Home, changed: number, context: ScanContext): Iterable<Finding> {
  const to = attempt(context, path, () => context.tree.link(path)) ?? 'device';
  if (/^\/dev\/(?:null|zero|full)$/.test(to) || to === 'device') yield about(path, 'null', 'intrusion', 'medium', home, { zh: '被接到 /dev/null：敲过的命令都不留', en: 'is /dev/null: nothing that is typed is kept' }, [fact({ zh: '链接', en: 'link' }, to)], changed, 'T1070.003');
}

async function* contents(path: string, kind: HistoryKind, home: Home, changed: number, context: ScanContext): AsyncIterable<Finding> {
  const tail = tailOf(context, path, bytesMax);
  if (!tail) return;
  if (tail.cut) context.count('histories read only at their end');
  const all = commandsIn(tail.text);
  if (all.length > commandsMax) context.count('commands of histories beyond the limit', all.length - commandsMax);
  const hits: Hit[] = [];
  const known = new Map<string, Hit | undefined>();
  for (const [i, command] of all.slice(-commandsMax).entries()) {
    // Rules take microseconds each; a history may be long.
    if (i % 500 === 499) { await new Promise((resolve) => { setImmediate(resolve); }); context.signal.throwIfAborted(); }
    if (!known.has(command.text)) known.set(command.text, judge(command, kind, context));
    const hit = known.get(command.text);
    // Slight ones are not told, and must not crowd out a grave one.
    if (hit && atLeast(hit.level, 'high') && (hits.length < hitsMax || hit.level === 'critical')) hits.push(hit.command === command ? hit : { ...hit, command });
  }
  const first = new Map<string, Hit>();
  for (const hit of hits) if (!first.has(`${hit.rule}\0${hit.command.text}`)) first.set(`${hit.rule}\0${hit.command.text}`, hit);
  const told = [...first.values()].filter(({ level }) => atLeast(level, 'high')).sort((a, b) => Number(b.level === 'critical') - Number(a.level === 'critical'));
  if (told.length === 0) return;
  const daemon = home.account !== undefined && isSystemUid(home.account.uid);
  const rules = new Set(told.map(({ rule }) => rule));
  const critical = told[0]!.level === 'critical';
  const stranger = daemon && !workedAs.test(home.account!.name);
  const intrusion = critical || stranger || (daemon && rules.size > 1) || rules.size >= manyRules;
  const level: Level = critical || stranger ? 'high' : intrusion ? 'medium' : 'low';
  const worst = told[0]!;
  yield {
    ...about(path, 'commands', intrusion ? 'intrusion' : 'notice', level, home, { zh: `里有 ${told.length} 条可疑命令，如：${worst.text.zh}`, en: `holds ${told.length} suspicious commands, such as: ${worst.text.en}` },
      told.slice(0, shownMax).map(({ command, text }) => { const line = lineFact(path, command.line, maskSecrets(command.text)); return { what: { zh: `${line.what.zh}（${text.zh}）`, en: `${line.what.en} (${text.en})` }, value: line.value }; }),
      told.find(({ command }) => command.time !== undefined)?.command.time ?? changed, ...new Set(told.flatMap(({ attack }) => attack))),
    ...(tail.cut && { means: { zh: '历史很长，只看了末尾，行号从末尾那一段数起。', en: 'The history is long: only its end was read, and lines are counted from there.' } }),
  };
}

function judge(command: Command, kind: HistoryKind, context: ScanContext): Hit | undefined {
  switch (kind) {
    case 'mysql': case 'psql': case 'redis': {
      const suspect = databaseSuspect(kind, command.text);
      // psql and mysql run shell lines too.
      const shell = /^\s*\\!\s*(\S.*)$/.exec(command.text)?.[1];
      if (suspect) return { command, level: suspect.level, text: { zh: suspect.zh, en: suspect.en }, rule: suspect.en, attack: [suspect.attack] };
      return shell === undefined ? undefined : byRules(command, shell, context);
    }
    case 'python': return byRules(command, /\b(?:os\.(?:system|popen)|subprocess\.\w+)\s*\(\s*\[?\s*(?:"([^"]{1,2000})"|'([^']{1,2000})')/.exec(command.text)?.slice(1).find((part) => part !== undefined) ?? `python3 -c '${command.text}'`, context);
    case 'shell': return byRules(command, command.text, context);
  }
}

function byRules(command: Command, line: string, context: ScanContext): Hit | undefined {
  let worst: Hit | undefined;
  for (const { id, level, title, attack } of context.rules(line)) if (!worst || !atLeast(worst.level, level)) worst = { command, level, text: title, rule: id, attack };
  return worst;
}

function about(path: string, key: string, kind: Finding['kind'], level: Level, { users }: Home, text: Text, evidence: Finding['evidence'], time: number, ...attack: string[]): Finding {
  return finding('shell-history', `${path}\0${key}`, {
    kind, level, path, user: users[0], time, title: { zh: `${path} ${text.zh}`, en: `${path} ${text.en}` }, evidence,
    means: { zh: '命令历史能说出入侵者做过什么、文件从哪里来；自己敲的可以不管。', en: 'A history tells what an intruder did and where files came from; what you typed yourself needs no care.' },
    fix: { text: { zh: '问账号主人这些命令是不是自己敲的；不是，就按入侵处理', en: 'ask the owner whether he typed them; if not, somebody else did' }, commands: [] },
    refs: [...new Set(attack)].map((id) => `attack:${id}`),
  });
}
