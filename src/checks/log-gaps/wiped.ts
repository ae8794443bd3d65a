/** Logs that hold nothing, or zeros, though what else was written says that they ought to hold lines. */
import type { Finding } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { filesOf, linesIn, targetStat } from '../look.ts';
import type { ScanContext } from '../port.ts';
import { journalLines } from './journal.ts';
import { programOf, started, type Stamp } from './times.ts';

const hour = 3_600_000;
const witnessesMin = 5;
/** A log just turned may be empty while others go on: their lines have to go on for longer. */
const spanMin = 3 * hour;
const runsMax = 200;
/** Behind zeros that a power cut left, the machine starts and says so in this time. */
const startWithin = 600_000;
/** What a start leaves in logs of accounts. */
const startedAccounts = /: (?:Server listening on|New seat |Watching system buttons)/;
/** They leave lines of PAM at each of their turns where accounts are logged, and lines of their own elsewhere. */
const usualPrograms = new Set(['CRON', 'CROND', 'crond']);
const accountLogs = new Set(['/var/log/auth.log', '/var/log/secure']);

export type Dated = Stamp & { path: string };
/** `stamps` of the newest older part and of the log itself; `emptied`: it is there and says nothing. */
export interface Log { path: string; stamps: readonly Dated[]; emptied: boolean; zeros: readonly Zeros[] }
export interface Zeros { count: number; before: Dated | undefined; after: Dated }

/** Runs of zeros with a line behind them, the first `runsMax`: those at the very end are what a power cut leaves. */
export function zerosIn({ text, stamps }: { text: string; stamps: readonly Dated[] }): Zeros[] {
  const runs: Zeros[] = [];
  let [line, counted, next] = [1, 0, 0];
  for (const { 0: run, index } of text.matchAll(/\0{16,}/g)) {
    for (let at = text.indexOf('\n', counted); at >= 0 && at < index; at = text.indexOf('\n', counted)) { line++; counted = at + 1; }
    while (next < stamps.length && stamps[next]!.line <= line) next++;
    const [before, after] = [stamps[next - 1], stamps[next]];
    if (after) runs.push({ count: run.length, before, after });
    if (runs.length >= runsMax) break;
  }
  return runs;
}

export function* wiped(log: Log, logs: readonly Log[], context: ScanContext): Iterable<Finding> {
  const { path, zeros, emptied } = log;
  const modified = targetStat(context, path)?.modified;
  if (emptied) yield* empty(log, logs, modified, context);
  // A power cut leaves zeros too, and then the machine starts; other logs may tell it where this one does not.
  const explained = ({ before, after }: Zeros): boolean => [log, ...logs].some(({ stamps }) => stamps.some(({ time, text }) => time >= (before?.time ?? after.time - hour) && time <= after.time + startWithin && (started.test(text) || startedAccounts.test(text))));
  const told = zeros.filter((one) => !explained(one));
  const [first] = told;
  if (!first) return;
  const { before, after } = first;
  const count = told.reduce((sum, one) => sum + one.count, 0);
  yield about(path, 'zeros', 'medium', { zh: `${path} 里有 ${count} 字节被写成零，而机器并没有重启过`, en: `${count} bytes of ${path} are zeros, and no start of the machine explains it` }, [before, after].flatMap((one) => (one ? [lineFact(one.path, one.line, one.text)] : [])), before?.time ?? after.time, context);
}

/** Lines since its last one, of programs that write here too, in another log or in the journal. */
function* empty({ path, stamps }: Log, logs: readonly Log[], modified: number | undefined, context: ScanContext): Iterable<Finding> {
  const last = stamps.at(-1);
  const here = last ? new Set(stamps.flatMap(({ text }) => programOf(text) ?? [])) : usualPrograms;
  // Without an older part only what records log-ons is known to get lines of cron; an image was made tidy.
  if (!last && (!accountLogs.has(path) || context.tree.kind === 'image')) return;
  const daemon = writtenBy(path, context);
  if (daemon === 'elsewhere') return;
  const from = (last?.time ?? 0) + hour;
  for (const other of logs) {
    if (other.path === path || (last && other.stamps[0]!.zoned !== last.zoned)) continue;
    const lines = other.stamps.filter(({ time, text }) => time > from && here.has(programOf(text) ?? ''));
    if (lines.length < witnessesMin || lines.at(-1)!.time - lines[0]!.time < spanMin) continue;
    // Nothing was ever written to one that is as old as the first line elsewhere.
    if (!last && (modified === undefined || modified < lines[0]!.time + hour)) continue;
    yield emptyFinding(path, last, { path: other.path, count: lines.length, first: lineFact(lines[0]!.path, lines[0]!.line, lines[0]!.text) }, daemon === 'here' && accountLogs.has(path) ? 'high' : 'medium', modified, context);
    return;
  }
  // The journal goes on where the log daemon stands still: only where that wrote to others meanwhile is it a sign.
  if (!last?.zoned || !logs.some((other) => other.path !== path && other.stamps.some(({ time }) => time > from + spanMin))) return;
  const kept = journalLines(context, from + spanMin, Number.MAX_SAFE_INTEGER, here, witnessesMin);
  if (kept && kept.count >= witnessesMin) yield emptyFinding(path, last, { ...kept, first: fact({ zh: '日志库里', en: 'in the journal' }, kept.text) }, 'medium', modified, context);
}

/** Whether the log daemon is told to write there, by its settings; 'unknown' where it has none. */
function writtenBy(path: string, context: ScanContext): 'here' | 'elsewhere' | 'unknown' {
  const settings = ['/etc/rsyslog.conf', '/etc/syslog.conf', '/etc/syslog-ng/syslog-ng.conf', ...filesOf(context, '/etc/rsyslog.d'), ...filesOf(context, '/etc/syslog-ng/conf.d')].filter((one) => one.endsWith('.conf'));
  let any = false;
  for (const file of settings) for (const { text } of linesIn(context, file)) {
    if (text.includes(path)) return 'here';
    any = true;
  }
  return any ? 'elsewhere' : 'unknown';
}

function emptyFinding(path: string, last: Dated | undefined, witness: { path: string; count: number; first: Finding['evidence'][number] }, level: Level, modified: number | undefined, context: ScanContext): Finding {
  return about(path, 'emptied', level, { zh: `${path} 被清空了：同样的程序在 ${witness.path} 里照常有记录`, en: `${path} was emptied: programs that write to it went on in ${witness.path}` }, [
    ...(last ? [lineFact(last.path, last.line, last.text)] : []),
    ...(modified === undefined ? [] : [fact({ zh: '最后改动', en: 'last changed' }, new Date(modified).toISOString())]),
    fact({ zh: '同样的程序写在别处的行', en: 'lines of the same programs elsewhere' }, `${witness.path}: ${witness.count}`), witness.first,
  ], modified, context);
}

function about(path: string, key: string, level: Level, title: Text, evidence: Finding['evidence'], time: number | undefined, context: ScanContext): Finding {
  return finding('log-gaps', `${path}\0${key}`, {
    kind: 'intrusion', level, path, title, evidence, time: time ?? context.now(),
    means: { zh: '机器开着、别的日志在写，唯独这份没有内容：多半有人清掉了它。轮转会把旧内容留在旁边的文件里。', en: 'The machine ran and other logs went on, and this one holds nothing: most likely somebody wiped it. Rotation leaves the old lines in a file beside it.' },
    fix: { text: { zh: '对照 journal、远程日志和备份，看那段时间谁登录过', en: 'compare the journal, remote logs and backups: who logged on then' }, commands: [['last', '-Faiw'], ['journalctl', '-u', 'ssh', '-u', 'sshd']] },
    refs: ['attack:T1070.002', 'dengbao:8.1.4.3'],
  });
}
