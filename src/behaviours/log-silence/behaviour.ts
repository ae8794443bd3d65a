/**
 * A log that used to speak falls silent: logging was stopped, the file was cut off from its writer, or the
 * service died. How often each source speaks is learned from the gaps between its events.
 */
import type { Behaviour, BehaviourContext, BehaviourRun, Learning } from '../../core/ports.ts';
import type { Kind } from '../../core/gen/event.ts';
import { Event } from '../../core/gen/event.ts';
import { own } from '../../core/own.ts';
import { dayMs } from '../clock.ts';
import { Lru } from '../lru.ts';
import { isCount, isCounts, isNumber, load, save } from '../saved.ts';
import { number } from '../settings.ts';

const logKinds: readonly Kind[] = [
  'sshd', 'sudo', 'auth', 'cron', 'syslog', 'kernel', 'firewall', 'auditd', 'access', 'nginx', 'apache', 'weberror', 'mail', 'ftp', 'database', 'application', 'container', 'package',
];

export const logSilence: Behaviour = {
  id: 'log-silence',
  title: { zh: '日志突然静默', en: 'Log fell silent' },
  means: { zh: '平时一直有的日志突然没有了：服务停了，或有人关掉了记录', en: 'A log that always had lines fell silent: the service stopped, or somebody turned recording off' },
  advice: { zh: '看写这份日志的服务和 rsyslog/journald 是否在运行，磁盘是否已满；都正常就查谁改过日志配置。', en: 'See whether the service and rsyslog/journald run and whether the disk is full; if all is well, look at who changed the logging configuration.' },
  blind: {
    zh: '按来源（文件或 journal）判断：同一来源里只删掉一部分日志看不到；本来就很少写的日志要更久才判断。',
    en: 'Judged per source (a file or the journal): single lines taken out of one that goes on are not seen, and a log that seldom speaks takes longer.',
  },
  kinds: logKinds,
  settings: {
    events: { default: 100, min: 10, max: 1_000_000, text: { zh: '学习所需的最少事件数', en: 'events needed for learning' } },
    hours: { default: 1, min: 0.01, max: 1000, text: { zh: '学习所需的最短时间（小时）', en: 'hours needed for learning' } },
    factor: { default: 10, min: 1, max: 10_000, text: { zh: '静默超过通常间隔（99% 分位）的倍数', en: 'silent for so many times the gap that 99 % of its gaps stay under' } },
    minutes: { default: 30, min: 1, max: 10_080, text: { zh: '静默至少几分钟', en: 'and for at least so many minutes' } },
  },
  open,
};

/** Gaps are counted by powers of two of milliseconds: 2^39 ms are 17 years. */
const buckets = 40;
const manyGaps = 100_000;
/** A pause between two ticks longer than this means that we slept, not the log. */
const sleptMs = 10 * 60_000;

interface Source { first: number; last: number; total: number; gaps: number[]; longest: number; told: boolean; host: string | undefined }

function open(context: BehaviourContext): BehaviourRun {
  const minEvents = number(context, 'events'), minMs = number(context, 'hours') * 3_600_000;
  const factor = number(context, 'factor'), minSilence = number(context, 'minutes') * 60_000;
  const sources = new Lru<Source>(1000, () => { context.count('log sources forgotten'); });
  let since: number | undefined;
  let samples = 0;
  let lastTick: number | undefined;
  /** Silence counts only while we listen. */
  let listening: number | undefined;

  load(context, (saved) => {
    const loaded: [string, Source][] = [];
    for (const [key, first, last, total, longest, gaps] of saved.rows) {
      if (!isNumber(first) || !isNumber(last) || !isCount(total) || !isCount(longest) || !isCounts(gaps, buckets)) return false;
      loaded.push([key, { first, last, total, longest, gaps: [...gaps], told: false, host: undefined }]);
    }
    for (const [key, source] of loaded) sources.set(key, source);
    ({ since, samples } = saved);
    return true;
  });

  // Lines of one log come together: the last source is nearly always the next.
  let lastName: string | undefined;
  let last: Source | undefined;

  const ready = (s: Source): boolean => s.total >= minEvents && s.last - s.first >= minMs;

  function judge(name: string, source: Source, now: number): void {
    const silent = now - Math.max(source.last, listening ?? now);
    if (source.told || silent < minSilence || !ready(source)) return;
    const usual = usualGap(source);
    // Twice its longest silence so far: nights are quiet, and learned as soon as one has passed.
    if (silent <= Math.max(factor * usual, minSilence, source.longest * 2)) return;
    source.told = true;
    const event = new Event(`log-silence:${name}:${source.last}`, now, 'sensor');
    event.category = 'log';
    event.action = 'log-silent';
    event.source = name;
    event.host = source.host;
    event.value = silent;
    context.emit({
      ruleId: 'behaviour.log-silence', title: logSilence.title,
      // Before a whole day was heard, the quiet hours are not known.
      level: source.last - source.first >= dayMs ? 'medium' : 'low',
      summary: {
        zh: '日志 {source} 已静默 {minutes} 分钟，平时 99% 的间隔不超过 {usual} 秒',
        en: 'Log {source} has been silent for {minutes} min; 99 % of its gaps are under {usual} s',
      },
      attack: ['T1562.006', 'T1070.002'], key: name, time: now, events: [event], count: 1,
      group: { minutes: (silent / 60_000).toFixed(0), usual: Math.ceil(usual / 1000).toString() },
    });
  }

  return {
    observe(event) {
      if (event.source === undefined) return;
      since ??= event.time;
      samples++;
      const source = event.source === lastName ? last : sources.get(event.source);
      lastName = event.source;
      last = source;
      if (source === undefined) {
        lastName = undefined;
        sources.set(event.source, { first: event.time, last: event.time, total: 1, gaps: Array.from({ length: buckets }, () => 0), longest: 0, told: false, host: event.host === undefined ? undefined : own(event.host) });
        return;
      }
      source.total++;
      source.told = false;
      if (source.host !== event.host) source.host = event.host === undefined ? undefined : own(event.host);
      const gap = event.time - source.last;
      if (gap < 0) return;
      source.last = event.time;
      const bucket = gap < 2 ? 0 : gap < 2 ** 31 ? 31 - Math.clz32(gap) : Math.min(buckets - 1, Math.floor(Math.log2(gap)));
      source.gaps[bucket] = (source.gaps[bucket] ?? 0) + 1;
      if (gap > source.longest) source.longest = gap;
      if (source.total % manyGaps === 0) source.gaps = source.gaps.map((n) => n / 2);
    },
    tick(now) {
      if (lastTick === undefined || now - lastTick > sleptMs || now < lastTick) listening = now;
      // Once in half a minute is often enough to notice half an hour.
      if (lastTick !== undefined && Math.floor(now / 30_000) === Math.floor(lastTick / 30_000)) { lastTick = now; return; }
      lastTick = now;
      for (const [name, source] of sources.entries()) judge(name, source, now);
    },
    save() {
      const rows = [...sources.entries()].reverse().map(([key, s]) => [key, s.first, s.last, s.total, s.longest, s.gaps] as const);
      return save({ since, samples, head: [], rows }, context);
    },
    size: () => sources.size,
    learning: (): Learning => ({ since, samples, ready: [...sources.values()].some(ready) }),
  };
}

/** The gap that 99 % of the gaps do not exceed, rounded up to a power of two, ms. */
function usualGap(source: Source): number {
  const total = source.gaps.reduce((sum, n) => sum + n, 0);
  let seen = 0;
  for (const [bucket, n] of source.gaps.entries()) {
    seen += n;
    if (seen >= total * 0.99) return 2 ** (bucket + 1);
  }
  return 0;
}
