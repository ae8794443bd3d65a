/** Hours missing from text logs and the journal while the machine ran and others went on: lines that somebody took out. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { newestOlder } from '../rotated.ts';
import { tailOf } from '../tail.ts';
import { journalHoles, journalLines, type JournalHole } from './journal.ts';
import { programOf, started, stampsOf } from './times.ts';
import { wiped, zerosIn, type Dated, type Log } from './wiped.ts';

/** Those that the same daemon writes, by one clock. */
const names = ['/var/log/auth.log', '/var/log/secure', '/var/log/syslog', '/var/log/messages', '/var/log/cron', '/var/log/cron.log'];
const bytesMax = 8 << 20;
const hour = 3_600_000;
const gapMin = 12 * hour;
/** Lines that are needed to say what is usual. */
const linesMin = 200;
/** Lines of a program elsewhere that ought to have left some here too. */
const witnessesMin = 5;
/** Of one log, the longest. */
const gapsMax = 50;
const toldMax = 20;

export const logGaps: PlaceCheck = {
  id: 'log-gaps',
  title: { zh: '日志里的空洞', en: 'holes in logs' },
  blind: { zh: '只看最近的文本日志和 systemd 日志库，短于半天的空洞不算；没有时区的老式时间不与日志库对照', en: 'recent text logs and the journal only, and no hole shorter than half a day; logs with times of the old form, which tell no zone, are not held against the journal' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 24 * 60,
  async *run(context) {
    const looked = names.map((path): Log => {
      const older = newestOlder(context, path);
      const [before, now] = [older === undefined ? undefined : read(older, context), read(path, context)];
      return { path, stamps: [...before?.stamps ?? [], ...now?.stamps ?? []], emptied: now !== undefined && now.stamps.length === 0 && !/[^\s\0]/.test(now.text), zeros: now ? zerosIn(now) : [] };
    });
    const logs = looked.filter(({ stamps }) => stamps.length > 0);
    for (const log of looked) yield* wiped(log, logs, context);
    let told = 0;
    for (const log of logs) for (const gap of gapsOf(log.stamps)) {
      const here = new Set(log.stamps.flatMap(({ text }) => programOf(text) ?? []));
      // A quiet log is no hole: only a program that writes to both shows that lines are missing. cron does, each hour.
      const missing = ({ time, text }: Dated): boolean => time > gap.before.time + hour && time < gap.after.time - hour && here.has(programOf(text) ?? '');
      const { zoned } = gap.before;
      const witness = logs.filter((other) => other !== log && other.stamps[0]!.zoned === zoned).map((other) => ({ path: other.path, lines: other.stamps.filter(missing) })).find(({ lines }) => lines.length >= witnessesMin);
      const journal = witness || !zoned ? undefined : journalLines(context, gap.before.time + hour, gap.after.time - hour, here, witnessesMin);
      const kept = journal && journal.count >= witnessesMin ? journal : undefined;
      if (!witness && !kept && gap.explained) continue;
      if (++told > toldMax) { context.count('holes in logs beyond the limit'); return; }
      // A log daemon that stood still leaves the same hole in all its files, and the journal goes on: no sign by itself.
      const ran = (): boolean => !gap.explained && logs.some((other) => other !== log && other.stamps.some(({ time }) => time > gap.before.time + hour && time < gap.after.time - hour));
      yield found(log.path, gap, witness ? { path: witness.path, count: witness.lines.length, first: lineFact(witness.lines[0]!.path, witness.lines[0]!.line, witness.lines[0]!.text) } : kept && { ...kept, first: fact({ zh: '日志库里', en: 'in the journal' }, kept.text) }, witness !== undefined || (kept !== undefined && ran()));
    }
    for (const hole of journalHoles(context, gapMin)) {
      if (++told > toldMax) { context.count('holes in logs beyond the limit'); return; }
      yield holeFinding(hole);
    }
  },
};


interface Gap { before: Dated; after: Dated; explained: boolean }

function read(path: string, context: ScanContext): { text: string; stamps: Dated[] } | undefined {
  const tail = tailOf(context, path, bytesMax);
  if (!tail) return undefined;
  if (tail.cut) context.count('logs read only at their end');
  return { text: tail.text, stamps: stampsOf(tail.text, targetStat(context, path)?.modified ?? context.now()).map((stamp) => ({ ...stamp, path })) };
}

/** Holes that are long by themselves and far longer than what is usual in this log. */
function gapsOf(stamps: readonly Dated[]): Gap[] {
  if (stamps.length < linesMin) return [];
  const steps = stamps.slice(1).map(({ time }, i) => time - stamps[i]!.time);
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length * 0.99)]!;
  const out: Gap[] = [];
  for (const [i, step] of steps.entries()) {
    if (step < gapMin || step < usual * 10) continue;
    const after = stamps[i + 1]!;
    let explained = false;
    for (let j = i + 1; j < stamps.length && j < i + 300 && stamps[j]!.time < after.time + 600_000; j++) if (started.test(stamps[j]!.text)) { explained = true; break; }
    out.push({ before: stamps[i]!, after, explained });
  }
  return out.sort((a, b) => b.after.time - b.before.time - (a.after.time - a.before.time)).slice(0, gapsMax);
}

function found(path: string, { before, after }: Gap, witness: { path: string; count: number; first: Finding['evidence'][number] } | undefined, sure: boolean): Finding {
  const hours = Math.round((after.time - before.time) / hour);
  return finding('log-gaps', `${path}\0${before.time}`, {
    kind: sure ? 'intrusion' : 'notice', level: sure ? 'medium' : 'low', path, time: before.time,
    title: witness ? { zh: `${path} 缺了 ${hours} 小时，而这段时间 ${witness.path} 照常在写`, en: `${path} lacks ${hours} hours in which ${witness.path} went on` } : { zh: `${path} 缺了 ${hours} 小时`, en: `${path} lacks ${hours} hours` },
    evidence: [lineFact(before.path, before.line, before.text), lineFact(after.path, after.line, after.text), ...(witness ? [fact({ zh: '其间同样的程序写在别处的行', en: 'lines of the same programs elsewhere meanwhile' }, `${witness.path}: ${witness.count}`), witness.first] : [])],
    means: sure
      ? { zh: '机器开着、别的日志在写，唯独这份空着：多半有人删掉了那段。', en: 'The machine ran and other logs went on: most likely somebody took that part out.' }
      : { zh: '机器可能关着，或日志服务停了；也可能有人删掉了那段。', en: 'The machine may have been off, or its log daemon stopped; or somebody took that part out.' },
    fix: { text: { zh: '对照 journal 和远程日志，看那段时间发生了什么', en: 'compare the journal and remote logs for that time' }, commands: [] },
    refs: sure ? ['attack:T1070.002', 'dengbao:8.1.4.3'] : [],
  });
}

function holeFinding({ path, before, after, missing }: JournalHole): Finding {
  const hours = Math.round((after.sinceBoot - before.sinceBoot) / hour);
  const shown = ({ number, time }: JournalHole['before']): string => `${number}, ${time < 8e15 ? new Date(time).toISOString() : time}`;
  return finding('log-gaps', `journal\0${before.number}`, {
    kind: 'intrusion', level: 'medium', path, time: before.time,
    title: { zh: `systemd 日志库缺了 ${hours} 小时的 ${missing} 条记录`, en: `the journal lacks ${missing} entries of ${hours} hours` },
    evidence: [fact({ zh: '之前一条的编号', en: 'number of the entry before' }, shown(before)), fact({ zh: '之后一条的编号', en: 'number of the entry after' }, shown(after))],
    means: { zh: '日志库的记录逐条编号，清理时只删最旧的。中间断号，多半是有人删掉了那段时间的日志文件。', en: 'Entries are numbered one by one, and cleaning takes away the oldest alone. Numbers missing in the middle mean that somebody most likely deleted the file of that time.' },
    fix: { text: { zh: '对照远程日志和其他日志，看那段时间发生了什么', en: 'compare remote and other logs for that time' }, commands: [['journalctl', '--list-boots'], ['journalctl', '--verify']] },
    refs: ['attack:T1070.002', 'dengbao:8.1.4.3'],
  });
}
