/**
 * Load that ebbs and flows to escape notice. Two shapes, each judged per program and not per process, because such
 * a miner is often killed and started again by a timer. A script is its interpreter's program by itself, and what
 * lies in one temporary or hidden folder is one program, since such a miner also changes its name:
 *   breaks    busy, with short drops to nothing at even intervals (about every 15 minutes)
 *   nights    little by day and full by night, on several days in a row
 * A miner throttled to a steady 35 % has no such shape and is not seen here.
 */
import { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { dayMs, hourMs, localHour, localTime } from '../clock.ts';
import { Lru } from '../lru.ts';
import { isSuspiciousPath } from '../places.ts';
import { programKey, programOf, short } from '../process.ts';
import { isInterpreter } from '../program-kind.ts';
import { programProvenance } from '../provenance.ts';
import { isCount, isCounts, isNumber, load, save } from '../saved.ts';
import { number } from '../settings.ts';

export const tidalLoad: Behaviour = {
  id: 'tidal-load',
  title: { zh: '潮汐式 CPU 负载', en: 'Tidal CPU load' },
  means: { zh: 'CPU 有规律地忽高忽低或只在夜里跑满，像刻意躲避监控的挖矿', en: 'The CPU rises and falls by a pattern, or is full only by night, as of a miner that hides from monitoring' },
  advice: { zh: '看用 CPU 的是哪个进程、谁启动的；不是定时任务就冻结它。', en: 'Look which process uses it and what starts it; if it is no planned job, freeze it.' },
  blind: {
    zh: '长期压在中等水平（如 35%）的稳定负载看不到（见 miner）；每次换到普通目录中另一路径的看不到；采样器看不到的极短起伏看不到。',
    en: 'A steady load throttled to a middling level (35 %) is not seen (see miner), nor one that moves to another ordinary folder each time, nor swings shorter than a sample.',
  },
  kinds: ['metric'],
  settings: {
    highPercent: { default: 50, min: 1, max: 100_000, text: { zh: '算作繁忙的 CPU 占用（单核百分比）', en: 'busy from this percent of one core on' } },
    lowPercent: { default: 10, min: 0, max: 100, text: { zh: '算作停歇的 CPU 占用（单核百分比）', en: 'idle below this percent of one core' } },
    periodMinutes: { default: 15, min: 0.1, max: 1440, text: { zh: '停歇的间隔（分钟），容许上下浮动两成', en: 'minutes from one drop to the next, a fifth more or less' } },
    longestDropMinutes: { default: 3, min: 0.05, max: 1440, text: { zh: '停歇最长几分钟', en: 'longest drop in minutes' } },
    drops: { default: 4, min: 3, max: 50, text: { zh: '连续几次才报告', en: 'drops in a row before it is told' } },
    nights: { default: 2, min: 1, max: 30, text: { zh: '昼低夜满须连续几天', en: 'days in a row with little by day and full by night' } },
    nightPercent: { default: 60, min: 1, max: 100_000, text: { zh: '夜间（22–6 点）平均占用不低于', en: 'mean by night (22 to 6) at least' } },
  },
  open,
};

interface Load {
  /** Sum over the executable's processes at `time`. */
  time: number;
  sum: number;
  phase: 'busy' | 'idle' | undefined;
  idleSince: number;
  drops: number[];
  /** CPU milliseconds of the current cycle. */
  day: number;
  night: number;
  streak: number;
  event: Event | undefined;
}

const maxExecutables = 1000;
const maxSavedRows = 500;
/** A cycle goes from 8 to 8: a day and the night after it. */
const cycleStart = 8 * hourMs;
/** Share of a day part that must have been watched for it to count. */
const watchedShare = 0.7;
const dayPart = 12 * hourMs, nightPart = 8 * hourMs;

function open(context: BehaviourContext): BehaviourRun {
  const high = number(context, 'highPercent'), low = number(context, 'lowPercent');
  const period = number(context, 'periodMinutes') * 60_000, longestDrop = number(context, 'longestDropMinutes') * 60_000;
  const drops = number(context, 'drops'), nights = number(context, 'nights'), nightPercent = number(context, 'nightPercent');
  const loads = new Lru<Load>(maxExecutables, () => { context.count('executables forgotten'); });
  let beat = 0;
  let interval = 5000;
  let cycle = Number.NaN;
  let watched = { day: 0, night: 0 };

  load(context, ({ head, rows }) => {
    const [savedCycle, day, night] = head;
    if (!isNumber(savedCycle) || !isCount(day) || !isCount(night) || rows.length > maxExecutables) return false;
    if (!rows.every((row) => isCounts(row.slice(1), 3))) return false;
    cycle = savedCycle;
    watched = { day, night };
    for (const [key, d, n, streak] of rows) loads.set(key, { ...fresh(), day: Number(d), night: Number(n), streak: Number(streak) });
    return true;
  });

  /** Where it lies tells more than the shape: a package's own program is often a job that somebody set up. */
  function levelOf(event: Event): Level {
    if (isSuspiciousPath(event.process_path)) return 'high';
    return programProvenance(context, event) === 'owned' && !isInterpreter(event.process_path) ? 'low' : 'medium';
  }

  function settle(key: string, one: Load): void {
    if (one.time === 0) return;
    const part = partOf(one.time);
    if (part !== undefined) one[part] += (one.sum / 100) * interval;
    if (one.sum >= high) {
      if (one.phase === 'idle' && one.time - one.idleSince > longestDrop) one.drops = [];
      one.phase = 'busy';
    } else if (one.sum < low) {
      goIdle(key, one, one.time);
    }
  }

  function goIdle(key: string, one: Load, time: number): void {
    if (one.phase !== 'busy') return;
    one.phase = 'idle';
    one.idleSince = time;
    one.drops.push(time);
    if (one.drops.length > drops) one.drops.shift();
    if (one.drops.length < drops) return;
    const even = one.drops.every((at, i) => i === 0 || Math.abs(at - (one.drops[i - 1] ?? 0) - period) <= period / 5);
    if (even && one.event !== undefined) tellBreaks(key, one, one.event, time);
  }

  function tellBreaks(key: string, one: Load, event: Event, time: number): void {
    const minutes = ((time - (one.drops[0] ?? time)) / (one.drops.length - 1) / 60_000).toFixed(1);
    context.emit({
      ruleId: 'behaviour.tidal-load', title: tidalLoad.title, level: levelOf(event),
      summary: {
        zh: '{program} 一直繁忙，却每隔约 {minutes} 分钟降到 {low}% 以下，已连续 {drops} 次：{command}',
        en: '{program} is busy but drops below {low} % about every {minutes} min, {drops} times in a row: {command}',
      },
      attack: ['T1496.001'], key: `breaks:${key}`, time, events: [event], count: one.drops.length,
      group: { program: programOf(event), command: short(event.process_cmdline ?? ''), minutes, low: String(low), drops: String(one.drops.length) },
    });
    // The next is told after as many drops again.
    one.drops = [];
  }

  /** Judges the cycle that ended and begins another. */
  function newCycle(next: number): void {
    const enough = watched.day >= dayPart * watchedShare && watched.night >= nightPart * watchedShare;
    for (const [key, one] of loads.entries()) {
      if (!enough || next !== cycle + 1) one.streak = 0;
      else {
        const day = (one.day * 100) / watched.day, night = (one.night * 100) / watched.night;
        one.streak = night >= nightPercent && day <= night / 4 ? one.streak + 1 : 0;
        if (one.streak >= nights) tellNights(key, one, one.event ?? standIn(key, beat), day, night);
      }
      one.day = 0;
      one.night = 0;
    }
    cycle = next;
    watched = { day: 0, night: 0 };
  }

  function tellNights(key: string, one: Load, event: Event, day: number, night: number): void {
    context.emit({
      ruleId: 'behaviour.tidal-load', title: tidalLoad.title, level: levelOf(event),
      summary: {
        zh: '{program} 白天平均占用 CPU {day}%，夜间 {night}%，已连续 {days} 天：{command}',
        en: '{program} uses {day} % CPU by day and {night} % by night, for {days} days in a row: {command}',
      },
      attack: ['T1496.001'], key: `nights:${key}`, time: beat, events: [event], count: one.streak,
      group: { program: programOf(event), command: short(event.process_cmdline ?? ''), day: day.toFixed(0), night: night.toFixed(0), days: String(one.streak) },
    });
  }

  function onBeat(time: number): void {
    const since = time - beat;
    if (since > 0 && since < 60_000) {
      interval = since;
      const part = partOf(time);
      if (part !== undefined) watched[part] += since;
    }
    beat = time;
    const now = Math.floor((localTime(time) - cycleStart) / dayMs);
    if (Number.isNaN(cycle)) cycle = now;
    else if (now !== cycle) newCycle(now);
  }

  return {
    observe(event) {
      if (event.value === undefined || !(event.value >= 0 && event.value < 1e6)) return;
      if (event.metric === 'host-cpu') { onBeat(event.time); return; }
      if (event.metric !== 'process-cpu') return;
      const key = keyOf(event);
      const one = loads.take(key, fresh);
      if (event.time === one.time) { one.sum += event.value; return; }
      settle(key, one);
      // Two missing samples mean that it was idle or not there.
      if (one.time !== 0 && event.time - one.time > interval * 2.4) goIdle(key, one, one.time + interval);
      one.time = event.time;
      one.sum = event.value;
      one.event = event;
    },
    save() {
      if (Number.isNaN(cycle)) return undefined;
      const rows: [string, number, number, number][] = [];
      for (const [key, one] of loads.entries()) {
        if (one.day + one.night + one.streak > 0) rows.push([key.slice(0, 512), Math.round(one.day), Math.round(one.night), one.streak]);
      }
      // What worked most matters most.
      rows.sort((a, b) => b[1] + b[2] - a[1] - a[2]);
      return save({ since: undefined, samples: 0, head: [cycle, watched.day, watched.night], rows: rows.slice(0, maxSavedRows) }, context);
    },
    size: () => loads.size,
  };
}

/** Another name in the same odd folder is the same program. */
function keyOf(event: Event): string {
  const path = event.process_path;
  if (path === undefined || !isSuspiciousPath(path)) return programKey(event);
  return path.startsWith('/memfd:') ? '/memfd:' : `${path.slice(0, path.lastIndexOf('/') + 1)}*`;
}

function fresh(): Load {
  return { time: 0, sum: 0, phase: undefined, idleSince: 0, drops: [], day: 0, night: 0, streak: 0, event: undefined };
}

/** For an executable known only from an earlier run. */
function standIn(path: string, time: number): Event {
  const event = new Event(`tidal-load:${path}:${time}`, time, 'metric');
  event.process_path = path;
  return event;
}

function partOf(time: number): 'day' | 'night' | undefined {
  const hour = localHour(time);
  if (hour >= 22 || hour < 6) return 'night';
  return hour >= 8 && hour < 20 ? 'day' : undefined;
}
