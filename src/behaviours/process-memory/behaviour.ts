import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programOf, short } from '../process.ts';
import { list, number } from '../settings.ts';
import { Sustained } from '../sustained.ts';

/** One process holds more than half of the machine's memory. */
export const processMemory: Behaviour = {
  id: 'process-memory',
  title: { zh: '进程占用过多内存', en: 'Process holds much of the memory' },
  means: { zh: '一个进程占去了大半内存', en: 'One process holds most of the memory' },
  advice: { zh: '认识的程序查是否泄漏或需要扩容；不认识就看它的来历。', en: 'Of a program you know, look for a leak or enlarge the machine; of one you do not, look at its origin.' },
  blind: { zh: '按单个进程的常驻内存计算；许多小进程合计占满内存看不到，共享内存会重复计入。', en: 'Judges resident memory of single processes: many small ones that fill it together are not seen, shared pages count for each.' },
  kinds: ['metric'],
  settings: {
    percent: { default: 50, min: 1, max: 100, text: { zh: '内存占用阈值（%）', en: 'limit in percent of all memory' } },
    seconds: { default: 10, min: 0, max: 86_400, text: { zh: '须持续的秒数', en: 'seconds it must last' } },
    usual: {
      default: ['mysqld', 'mariadbd', 'postgres', 'redis-server', 'mongod', 'java', 'clickhouse-serv', 'memcached'],
      text: { zh: '本来就会占用大量内存的进程名，只报低级别', en: 'names of processes that hold much memory by nature: level low' },
    },
  },
  open,
};

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'percent');
  const usual = new Set(list(context, 'usual'));
  const sustained = new Sustained({ forMs: number(context, 'seconds') * 1000, gapMs: 30_000, repeatMs: 3_600_000, max: 1000, evicted: () => { context.count('processes forgotten'); } });
  return {
    observe(event) {
      if (event.metric === 'host-cpu') { sustained.beat(event.time); return; }
      if (event.metric !== 'process-memory' || event.value === undefined || event.value <= limit) return;
      const spell = sustained.above(processKey(event), event.time);
      if (spell === undefined) return;
      const odd = isSuspiciousPath(event.process_path);
      context.emit({
        ruleId: 'behaviour.process-memory', title: processMemory.title,
        level: odd ? 'high' : usual.has(event.process_name ?? '') ? 'low' : 'medium',
        summary: {
          zh: '进程 {program}（PID {pid}）占用内存 {now}%，超过 {limit}%：{command}',
          en: 'Process {program} (pid {pid}) holds {now} % of the memory, more than {limit} %: {command}',
        },
        attack: [], key: processKey(event), time: event.time, events: [event], count: spell.samples,
        group: { program: programOf(event), command: short(event.process_cmdline ?? event.process_name ?? ''), limit: String(limit), now: event.value.toFixed(0) },
      });
    },
    size: () => sustained.size,
  };
}
