import type { Event } from '../../core/gen/event.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { processKey, programOf, short } from '../process.ts';
import { number } from '../settings.ts';
import { minutesOf, spellSettings, sustainedBySettings } from '../sustained.ts';

interface Top { key: string; label: string; value: number }
const topLength = 5;

/** The whole machine is busy for minutes; says which processes make it so. */
export const hostCpu: Behaviour = {
  id: 'host-cpu',
  title: { zh: '整机 CPU 持续过高', en: 'Machine keeps all its cores busy' },
  means: { zh: '整台机器的 CPU 长时间跑满', en: 'The whole machine has been busy for long' },
  advice: { zh: '用 top 看是谁在用；不认识的程序看它的来历。', en: 'See who uses it (top); for a program you do not know, look at its origin.' },
  blind: { zh: '只看总量；由许多短命进程造成的负载，名单里可能没有它们。', en: 'Judges the sum; a load made by many short-lived processes may not be in the list of names.' },
  kinds: ['metric'],
  settings: {
    percent: { default: 85, min: 1, max: 100, text: { zh: '整机 CPU 阈值（%）', en: 'limit in percent of all cores' } },
    ...spellSettings,
  },
  open,
};

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'percent');
  const sustained = sustainedBySettings(context, 1000, 'hosts');
  let top: Top[] = [];
  let topTime = 0;

  function rank(event: Event, value: number): void {
    // The processes of one sample come before the machine's own value and carry the same time.
    if (event.time !== topTime) { top = []; topTime = event.time; }
    top.push({ key: processKey(event), label: `${short(programOf(event), 80)}[${event.pid ?? '?'}] ${value.toFixed(0)}%`, value });
    if (top.length > topLength * 4) top = best();
  }
  const best = (): Top[] => top.sort((a, b) => b.value - a.value).slice(0, topLength);

  return {
    observe(event) {
      if (event.value === undefined) return;
      if (event.metric === 'process-cpu') { rank(event, event.value); return; }
      if (event.metric !== 'host-cpu') return;
      sustained.beat(event.time);
      if (event.value <= limit) return;
      const spell = sustained.above(event.host ?? '', event.time);
      if (spell === undefined) return;
      const names = event.time === topTime ? best().map((t) => t.label).join(', ') : '';
      context.emit({
        ruleId: 'behaviour.host-cpu', title: hostCpu.title, level: 'medium',
        summary: {
          zh: '整机 CPU 超过 {limit}% 已 {minutes} 分钟，当前 {now}%；占用最多的进程：{top}',
          en: 'All cores together more than {limit} % busy for {minutes} min, {now} % now; most by: {top}',
        },
        attack: ['T1496.001'], key: event.host ?? '', time: event.time, events: [event], count: spell.samples,
        group: { limit: String(limit), now: event.value.toFixed(0), minutes: minutesOf(spell), top: names === '' ? '—' : names },
      });
    },
    size: () => sustained.size + top.length,
  };
}
