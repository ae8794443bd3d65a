import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programOf, short } from '../process.ts';
import { number } from '../settings.ts';
import { Sustained } from '../sustained.ts';

/** A flood of writes, by one process or onto one disk: an encryptor or a wiper at work, or a run-away log. */
export const diskWrites: Behaviour = {
  id: 'disk-writes',
  title: { zh: '持续大量写盘', en: 'Flood of disk writes' },
  means: { zh: '一个进程长时间大量写盘：备份、数据库整理，也可能是勒索软件在加密', en: 'One process writes very much for long: a backup, a database at work, or ransomware that encrypts' },
  advice: { zh: '看写的是哪个进程、哪些文件；不认识就先冻结它（moat freeze 进程号），文件完好再放行。', en: 'Look which process writes which files; if you do not know it, freeze it first (moat freeze PID) and let it go on when the files are sound.' },
  blind: { zh: '慢速加密（低于阈值）看不到；网络盘不计入。', en: 'An encryptor slower than the limit is not seen; network file systems are not counted.' },
  kinds: ['metric'],
  settings: {
    megabytes: { default: 500, min: 1, max: 1_000_000, text: { zh: '写盘阈值（MB/s）', en: 'limit in MB/s' } },
    seconds: { default: 10, min: 0, max: 86_400, text: { zh: '须持续的秒数', en: 'seconds it must last' } },
  },
  open,
};

function open(context: BehaviourContext): BehaviourRun {
  const limit = number(context, 'megabytes') * 1e6;
  const forMs = number(context, 'seconds') * 1000;
  const sustained = new Sustained({ forMs, gapMs: 12_000, repeatMs: Math.max(forMs, 60_000), max: 2000, evicted: () => { context.count('writers forgotten'); } });
  return {
    observe(event) {
      if (event.metric === 'host-cpu') { sustained.beat(event.time); return; }
      const byProcess = event.metric === 'process-write';
      if ((!byProcess && event.metric !== 'disk-write') || event.value === undefined || event.value <= limit) return;
      const key = byProcess ? processKey(event) : event.file_path ?? '';
      const spell = sustained.above(key, event.time);
      if (spell === undefined) return;
      const group = { now: (event.value / 1e6).toFixed(0), limit: (limit / 1e6).toFixed(0), seconds: (spell.lastedMs / 1000).toFixed(0) };
      context.emit({
        ruleId: 'behaviour.disk-writes', title: diskWrites.title, level: byProcess && isSuspiciousPath(event.process_path) ? 'high' : 'medium',
        summary: byProcess ? {
          zh: '进程 {program}（PID {pid}）写盘 {now} MB/s，超过 {limit} MB/s 已 {seconds} 秒：{command}',
          en: 'Process {program} (pid {pid}) writes {now} MB/s, more than {limit} MB/s for {seconds} s: {command}',
        } : {
          zh: '磁盘 {disk} 写入 {now} MB/s，超过 {limit} MB/s 已 {seconds} 秒',
          en: 'Disk {disk} takes {now} MB/s, more than {limit} MB/s for {seconds} s',
        },
        attack: ['T1486', 'T1485'], key, time: event.time, events: [event], count: spell.samples,
        group: byProcess
          ? { ...group, program: programOf(event), command: short(event.process_cmdline ?? event.process_name ?? '') }
          : { ...group, disk: event.file_path ?? '?' },
      });
    },
    size: () => sustained.size,
  };
}
