/** A disk that is full, or will be within three days if it goes on filling as it does. */
import type { Event } from '../../core/gen/event.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { hourMs } from '../clock.ts';
import { Lru } from '../lru.ts';
import { isNumbers, load, save } from '../saved.ts';
import { number } from '../settings.ts';

export const diskFullSoon: Behaviour = {
  id: 'disk-full-soon',
  title: { zh: '磁盘即将写满', en: 'Disk is full or soon will be' },
  means: { zh: '磁盘满了，服务会停、日志会丢', en: 'A full disk stops services and loses logs' },
  advice: { zh: '找出增长最快的目录并清理或扩容；突然增长时先看是谁在写。', en: 'Find the folder that grows fastest and clear or enlarge it; after a sudden rise look first at who writes.' },
  blind: { zh: '突然写满（几小时内）来不及预测，只在超过阈值时报告；网络盘与 FUSE 挂载不看。', en: 'A disk that fills within hours is told only when it passes the limit; network and FUSE mounts are not watched.' },
  kinds: ['metric'],
  settings: {
    percent: { default: 95, min: 1, max: 100, text: { zh: '使用率阈值（%）', en: 'limit in percent used' } },
    hours: { default: 72, min: 1, max: 10_000, text: { zh: '预计几小时内写满就报告', en: 'told when it will be full within so many hours' } },
    repeatHours: { default: 6, min: 0.1, max: 1000, text: { zh: '每隔几小时再报一次', en: 'told again after so many hours' } },
  },
  open,
};

const pointEveryMs = 10 * 60_000;
const judgeEveryMs = 30 * 60_000;
/** A day of points. */
const maxPoints = 144;
/** A forecast needs three hours, and that the disk filled by half a percent in the time looked at. */
const minPoints = 18;
const minGrowth = 0.5;

interface Series { times: number[]; values: number[]; told: number }

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'percent'), withinHours = number(context, 'hours'), repeatMs = number(context, 'repeatHours') * hourMs;
  const all = new Lru<Series>(128, () => { context.count('mounts forgotten'); });

  load(context, ({ rows }) => {
    const loaded: [string, Series][] = [];
    for (const [key, times, values] of rows) {
      if (!Array.isArray(times) || times.length > maxPoints || !isNumbers(times, times.length) || !isNumbers(values, times.length)) return false;
      loaded.push([key, { times: [...times], values: [...values], told: Number.NEGATIVE_INFINITY }]);
    }
    for (const [key, series] of loaded) all.set(key, series);
    return true;
  });

  function tell(series: Series, event: Event, key: string, hours: number | undefined): void {
    if (event.time - series.told < repeatMs && event.time >= series.told) return;
    series.told = event.time;
    const value = event.value ?? 0;
    const inodes = event.metric === 'disk-inodes';
    const what = inodes ? { zh: ' inode', en: 'inodes' } : { zh: '空间', en: 'space' };
    const urgent = value >= 99 || (hours !== undefined && hours < 12 && value >= 80);
    context.emit({
      ruleId: 'behaviour.disk-full-soon', title: diskFullSoon.title, level: urgent ? 'high' : 'medium',
      summary: hours === undefined
        ? { zh: `挂载点 {file_path} 的${what.zh}已用 {used}%`, en: `{used} % of the ${what.en} of {file_path} are used` }
        : { zh: `挂载点 {file_path} 的${what.zh}已用 {used}%，按目前的增长约 {hours} 小时后写满`, en: `{used} % of the ${what.en} of {file_path} are used; full in about {hours} h at this rate` },
      attack: [], key, time: event.time, events: [event], count: 1,
      group: { used: value.toFixed(1), hours: hours === undefined ? '' : hours.toFixed(0) },
    });
  }

  return {
    observe(event) {
      if ((event.metric !== 'disk-space' && event.metric !== 'disk-inodes') || event.value === undefined || !Number.isFinite(event.value) || event.file_path === undefined) return;
      const key = `${event.metric}:${event.file_path}`;
      const series = all.take(key, () => ({ times: [], values: [], told: Number.NEGATIVE_INFINITY }));
      if (event.value >= limit) tell(series, event, key, undefined);
      const last = series.times.at(-1);
      if (last !== undefined && event.time < last) { series.times = []; series.values = []; } // the clock was set back
      else if (last !== undefined && event.time - last < pointEveryMs) return;
      series.times.push(event.time);
      series.values.push(event.value);
      if (series.times.length > maxPoints) { series.times.shift(); series.values.shift(); }
      if (event.value >= limit || series.times.length < minPoints || last === undefined || Math.floor(event.time / judgeEveryMs) === Math.floor(last / judgeEveryMs)) return;
      const slope = medianSlope(series);
      const span = event.time - (series.times[0] ?? event.time);
      if (slope <= 0 || slope * span < minGrowth) return;
      const hours = (100 - event.value) / slope / hourMs;
      if (hours <= withinHours) tell(series, event, key, hours);
    },
    save() {
      const rows = [...all.entries()].reverse().map(([key, s]) => [key, s.times, s.values.map((v) => Number(v.toFixed(3)))] as const);
      return save({ since: undefined, samples: 0, head: [], rows }, context);
    },
    size: () => all.size,
  };
}

/** Theil–Sen: the median of the slopes between all pairs, percent per ms. A log rotated away does not bend it. */
function medianSlope({ times, values }: Series): number {
  const slopes = new Float64Array((times.length * (times.length - 1)) / 2);
  let n = 0;
  for (let i = 0; i < times.length; i++) {
    for (let j = i + 1; j < times.length; j++) {
      const span = (times[j] ?? 0) - (times[i] ?? 0);
      if (span > 0) slopes[n++] = ((values[j] ?? 0) - (values[i] ?? 0)) / span;
    }
  }
  return slopes.subarray(0, n).sort()[n >> 1] ?? 0;
}
