/** Hours missing from text logs while the machine ran and others went on: lines that somebody took out. */
import type { Finding } from '../../core/finding.ts';
import { fact, finding, lineFact } from '../finding.ts';
import { targetStat } from '../look.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { tailOf } from '../tail.ts';
import { stampsOf, type Stamp } from './times.ts';

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
/** A start of the machine or of the log daemon explains the hole before it. */
const started = /Linux version|rsyslogd|syslog-ng|imuxsock|systemd\[1\]: (?:Started|Starting|Reached)|-- Boot|kernel: \[ {4}0\./;

export const logGaps: PlaceCheck = {
  id: 'log-gaps',
  title: { zh: '日志里的空洞', en: 'holes in logs' },
  blind: { zh: '只看最近的文本日志，短于半天的空洞不算；systemd 日志库不读', en: 'recent text logs only, and no hole shorter than half a day; the journal is not read' },
  group: 'hiding',
  scope: 'tree',
  everyMinutes: 24 * 60,
  async *run(context) {
    const logs = names.flatMap((path) => {
      const stamps = [`${path}.1`, path].flatMap((one) => read(one, context));
      return stamps.length > 0 ? [{ path, stamps }] : [];
    });
    let told = 0;
    for (const log of logs) for (const gap of gapsOf(log.stamps)) {
      const here = new Set(log.stamps.map(({ text }) => programOf(text)));
      // A quiet log is no hole: only a program that writes to both shows that lines are missing. cron does, each hour.
      const missing = ({ time, text }: Dated): boolean => time > gap.before.time + hour && time < gap.after.time - hour && here.has(programOf(text)) && programOf(text) !== undefined;
      const witness = logs.filter((other) => other !== log).map((other) => ({ path: other.path, lines: other.stamps.filter(missing) })).find(({ lines }) => lines.length >= witnessesMin);
      if (!witness && gap.explained) continue;
      if (++told > toldMax) { context.count('holes in logs beyond the limit'); return; }
      yield found(log.path, gap, witness);
    }
  },
};

type Dated = Stamp & { path: string };
interface Gap { before: Dated; after: Dated; explained: boolean }

function read(path: string, context: ScanContext): Dated[] {
  const tail = tailOf(context, path, bytesMax);
  if (!tail) return [];
  if (tail.cut) context.count('logs read only at their end');
  return stampsOf(tail.text, targetStat(context, path)?.modified ?? context.now()).map((stamp) => ({ ...stamp, path }));
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

/** Who wrote a line: `CRON` of `… web CRON[812]: …`. */
const programOf = (text: string): string | undefined => /^\S+(?:\s+\d{1,2} \S+)? \S+ ([\w./-]{1,40})(?:\[\d{1,10}\])?: /.exec(text)?.[1];

function found(path: string, { before, after }: Gap, witness: { path: string; lines: readonly Dated[] } | undefined): Finding {
  const hours = Math.round((after.time - before.time) / hour);
  return finding('log-gaps', `${path}\0${before.time}`, {
    kind: witness ? 'intrusion' : 'notice', level: witness ? 'medium' : 'low', path, time: before.time,
    title: witness ? { zh: `${path} 缺了 ${hours} 小时，而这段时间 ${witness.path} 照常在写`, en: `${path} lacks ${hours} hours in which ${witness.path} went on` } : { zh: `${path} 缺了 ${hours} 小时`, en: `${path} lacks ${hours} hours` },
    evidence: [lineFact(before.path, before.line, before.text), lineFact(after.path, after.line, after.text), ...(witness ? [fact({ zh: '其间同一程序写在别处的行', en: 'lines of the same program elsewhere meanwhile' }, `${witness.path}: ${witness.lines.length}`), lineFact(witness.lines[0]!.path, witness.lines[0]!.line, witness.lines[0]!.text)] : [])],
    means: { zh: '机器开着、别的日志在写，唯独这份空着：多半有人删掉了那段。', en: 'The machine ran and other logs went on: most likely somebody took that part out.' },
    fix: { text: { zh: '对照 journal 和远程日志，看那段时间发生了什么', en: 'compare the journal and remote logs for that time' }, commands: [] },
    refs: witness ? ['attack:T1070.002', 'dengbao:8.1.4.3'] : [],
  });
}
