import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programOf, short } from '../process.ts';
import { number } from '../settings.ts';
import { minutesOf, spellSettings, sustainedBySettings } from '../sustained.ts';

/** One process that keeps a core busy for minutes: the plainest sign of a miner. */
export const sustainedCpu: Behaviour = {
  id: 'sustained-cpu',
  title: { zh: '进程持续占用 CPU', en: 'Process keeps the CPU busy' },
  means: { zh: '一个进程长时间占满 CPU：可能是业务繁忙，也可能是挖矿', en: 'One process has kept the CPU busy for long: work, or a miner' },
  advice: { zh: '看它是什么、从哪里来；不认识就冻结它再查。', en: 'Look what it is and where it came from; if you do not know it, freeze it and look further.' },
  blind: {
    zh: '把负载压在阈值以下，或每隔几分钟换一个进程的挖矿程序看不到；见潮汐负载与整机 CPU。',
    en: 'A miner that stays below the limit or starts a new process every few minutes is not seen here; see tidal-load and host-cpu.',
  },
  kinds: ['metric'],
  settings: {
    percent: { default: 70, min: 1, max: 100_000, text: { zh: 'CPU 占用阈值（单核百分比）', en: 'limit in percent of one core' } },
    ...spellSettings,
  },
  open,
};

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'percent');
  const sustained = sustainedBySettings(context, 5000, 'processes');
  return {
    observe(event) {
      if (event.metric === 'host-cpu') { sustained.beat(event.time); return; }
      if (event.metric !== 'process-cpu' || event.value === undefined || event.value < limit) return;
      const spell = sustained.above(processKey(event), event.time);
      if (spell === undefined) return;
      context.emit({
        ruleId: 'behaviour.sustained-cpu', title: sustainedCpu.title,
        level: isSuspiciousPath(event.process_path) ? 'high' : 'medium',
        summary: {
          zh: '进程 {program}（PID {pid}）CPU 占用超过 {limit}% 已 {minutes} 分钟，当前 {now}%：{command}',
          en: 'Process {program} (pid {pid}) has used more than {limit} % CPU for {minutes} min, {now} % now: {command}',
        },
        attack: ['T1496.001'], key: processKey(event), time: event.time, events: [event], count: spell.samples,
        group: {
          program: programOf(event), command: short(event.process_cmdline ?? event.process_name ?? ''), limit: String(limit),
          now: event.value.toFixed(0), minutes: minutesOf(spell),
        },
      });
    },
    size: () => sustained.size,
  };
}
