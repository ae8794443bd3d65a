/**
 * Tracks covered: logs and shell histories deleted, emptied, replaced or edited by a program that does not write
 * them by right, histories turned into /dev/null, log services that end and do not come back. One story a tree.
 */
import type { Event } from '../../core/gen/event.ts';
import { levels, type Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import { own } from '../../core/own.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { Absence, wasKilled } from '../absence.ts';
import { Lru } from '../lru.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programOf, short } from '../process.ts';
import { baseName, isInterpreter } from '../program-kind.ts';
import { isTrusted, programProvenance } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { hasAncestor, treeKey } from '../tree.ts';
import { caretakers, isLogServer, logOf, writers, type LogFile } from './logs.ts';

export const logTampering: Behaviour = {
  id: 'log-tampering',
  title: { zh: '日志或历史记录被篡改', en: 'Logs or histories tampered with' },
  means: { zh: '日志、登录记录或命令历史被清空或改写，通常是为了抹掉痕迹', en: 'Logs, log-on records or histories were emptied or rewritten, mostly to wipe traces' },
  advice: { zh: '不要重启；用 moat incident evidence 保存现场，再看是谁、从哪里登录做的。', en: 'Do not restart; keep the evidence (moat incident evidence), then look at who did it and from where he logged on.' },
  blind: {
    zh: '需要内核探针的文件事件；由有权写日志的程序（如被挟持的 sshd、bash 自己的 history -c）做的改动看不到；日志文件内的逐条删改只看得到“被谁打开写入”；探针默认不看 /run 与 journal 目录时，其中的改动看不到。',
    en: 'Needs the file events of the kernel sensor. What a program does that writes the log by right is not seen (a hijacked sshd, bash\'s own history -c); of single lines edited only who opened the file. Where the sensor leaves out /run or the journal\'s folder, changes there are not seen.',
  },
  kinds: ['file_event', 'process_creation', 'process_fork', 'process_termination'],
  settings: {
    allow: { default: [], text: { zh: '允许改动日志的程序（路径）', en: 'programs that may change logs: paths' } },
    graceSeconds: { default: 120, min: 5, max: 86_400, text: { zh: '日志服务停止后多少秒未恢复即报告', en: 'seconds a log service may be away before it is told' } },
  },
  open,
};

type Deed = 'deleted' | 'emptied' | 'moved' | 'replaced' | 'written' | 'linked';
const deedWords: Record<Deed, { zh: string; en: string }> = {
  deleted: { zh: '删除', en: 'deleted' }, emptied: { zh: '清空', en: 'emptied' }, moved: { zh: '移走', en: 'moved away' }, replaced: { zh: '替换', en: 'replaced' }, written: { zh: '改写', en: 'wrote into' }, linked: { zh: '指向 /dev/null', en: 'turned into /dev/null' },
};

interface Wiped { key: string; files: Map<string, Deed>; level: Level; told: number; toldAt: number; last: number }

const most = 2000, mostFiles = 40, forgetMs = 600_000, againMs = 60_000;

function open(context: BehaviourContext): BehaviourRun {
  const allow = new Set(list(context, 'allow'));
  const stories = new Lru<Wiped>(most, () => { context.count('trees forgotten'); });
  const absence = new Absence(number(context, 'graceSeconds') * 1000, (event) => {
    const name = baseName(event.process_path ?? event.process_name ?? '');
    return isLogServer(name) && event.container_id === undefined ? name.replace(/^systemd-journal$/, 'systemd-journald') : undefined;
  });

  /** What was done, to which log; undefined when it is nothing, or done by right. */
  function deedOf(event: Event): { deed: Deed; path: string; log: LogFile } | undefined {
    const path = event.file_path;
    if (path === undefined) return undefined;
    const { action, file_from: from } = event;
    if (action === 'rename') {
      const before = from === undefined ? undefined : logOf(from);
      const after = logOf(path);
      // auth.log → auth.log.1 is rotation by hand: the log is there still.
      if (before !== undefined && from !== undefined && !path.startsWith(from)) return { deed: 'moved', path: from, log: before };
      return after !== undefined && before === undefined && !after.rotated ? { deed: 'replaced', path, log: after } : undefined;
    }
    const log = logOf(path);
    if (log === undefined) return undefined;
    switch (action) {
      case 'delete': return { deed: 'deleted', path, log };
      case 'link': {
        const target = event.extra?.['target'] ?? from;
        return target === '/dev/null' ? { deed: 'linked', path, log } : undefined;
      }
      case 'write': return { deed: event.extra?.['empty'] === 'true' ? 'emptied' : 'written', path, log };
      default: return undefined;
    }
  }

  function isByRight(event: Event, node: ProcessNode | undefined, { deed, log }: { deed: Deed; log: LogFile }): boolean {
    if (event.process_path !== undefined && allow.has(event.process_path)) return true;
    if (event.container_id !== undefined || hasAncestor(node, caretakers)) return true;
    const name = baseName(programOf(event)).replace(/^(python3?)\.\d+$/, '$1');
    const trusted = isTrusted(programProvenance(context, event));
    if (log.kind === 'history') {
      // A shell writes its history; what it empties by a redirection looks the same, so only others are told.
      return deed === 'written' || deed === 'emptied' || deed === 'replaced' ? writers.history.has(name) && !isSuspiciousPath(event.process_path) : false;
    }
    if (log.kind === 'service') {
      // Its own server writes it, built from source or not; others append all day.
      return deed === 'written' || deed === 'replaced' || (!trusted && !isSuspiciousPath(event.process_path)) || (trusted && !isInterpreter(event.process_path) && !wipers.has(name)) || log.rotated;
    }
    if (trusted && writers[log.kind].has(name)) return true;
    // Scripts add lines of their own to common logs.
    if (deed === 'written' && log.kind === 'security') return trusted && !/\/(?:auth\.log|secure|audit\.log)$/.test(event.file_path ?? '');
    return deed === 'written' && log.rotated;
  }

  function levelOf(event: Event, node: ProcessNode | undefined, { deed, path, log }: { deed: Deed; path: string; log: LogFile }): Level {
    const provenance = programProvenance(context, event);
    const kind = node?.origin.kind;
    const isPerson = kind === 'login' || kind === 'console' || kind === undefined || kind === 'unknown';
    const isGrave = log.kind === 'accounts' || log.kind === 'security' || log.kind === 'journal';
    if (kind === 'web' || isSuspiciousPath(event.process_path)) return isGrave ? 'critical' : 'high';
    if (!isTrusted(provenance)) return log.kind === 'accounts' ? 'critical' : 'high';
    if (log.rotated) return 'low';
    switch (log.kind) {
      case 'accounts': return 'high';
      case 'journal': return 'medium';
      case 'security': return deed === 'written' ? 'medium' : isPerson && /\/(?:auth\.log|secure|audit\.log|syslog|messages)$/.test(path) ? 'high' : 'medium';
      case 'history': return 'medium';
      case 'service': return 'low';
    }
  }

  function onFile(event: Event): void {
    const done = deedOf(event);
    if (done === undefined) return;
    const node = context.lineage.of(event);
    if (isByRight(event, node, done)) return;
    const key = treeKey(node) ?? processKey(event);
    const story = stories.take(key, () => ({ key: own(key), files: new Map(), level: 'info', told: 0, toldAt: Number.NEGATIVE_INFINITY, last: event.time }));
    if (event.time - story.last > forgetMs) { story.files.clear(); story.level = 'info'; story.told = 0; }
    story.last = event.time;
    if (story.files.size < mostFiles) story.files.set(own(done.path.slice(0, 200)), done.deed);
    let rank = levels.indexOf(levelOf(event, node, done));
    // One after the other is no tidying up.
    const grave = [...story.files.keys()].filter((path) => { const log = logOf(path); return log !== undefined && log.kind !== 'service' && !log.rotated; }).length;
    if (grave >= 3 && rank >= levels.indexOf('medium')) rank = Math.min(rank + 1, levels.length - 1);
    const level = levels[Math.max(rank, levels.indexOf(story.level))] ?? 'medium';
    const isNews = level !== story.level || story.files.size > story.told && (story.told === 0 || event.time - story.toldAt >= againMs || story.files.size >= story.told * 2);
    story.level = level;
    if (!isNews) return;
    story.told = story.files.size;
    story.toldAt = event.time;
    const names = [...story.files.keys()];
    const { zh, en } = deedWords[done.deed];
    context.emit({
      ruleId: 'behaviour.log-tampering', title: logTampering.title, level,
      summary: {
        zh: `{program}（PID {pid_}）${zh}了不归它写的日志 {file}；该进程树共动过 {files} 个：{names}。命令：{command}`,
        en: `{program} (pid {pid_}) ${en} {file}, a log that is not its own; its tree touched {files}: {names}. Command: {command}`,
      },
      attack: [done.log.kind === 'history' ? 'T1070.003' : 'T1070.002'], matrix: ['日志清理'], key: story.key, time: event.time, events: [event], count: 1,
      group: { program: programOf(event), pid_: String(event.pid ?? '?'), file: done.path, files: String(story.files.size), names: short(names.join(' ')), command: short(event.process_cmdline ?? event.process_name ?? '') },
    });
  }

  return {
    observe(event) {
      if (event.kind === 'file_event') onFile(event);
      else absence.observe(event);
    },
    tick(now) {
      for (const { name, event, ms } of absence.missing(now)) {
        context.emit({
          ruleId: 'behaviour.log-tampering', title: { zh: '日志服务停止', en: 'Log service stopped' }, level: 'high',
          summary: {
            zh: `日志服务 {name}（PID {pid_}）${wasKilled(event) ? '被强制结束' : '已停止'}，{seconds} 秒未恢复；此后发生的事没有日志`,
            en: `the log service {name} (pid {pid_}) ${wasKilled(event) ? 'was killed' : 'stopped'} and has not come back for {seconds} s; what happens now is not logged`,
          },
          attack: ['T1562.001'], matrix: ['停止日志记录'], key: `stopped ${name}`, time: now, events: [event], count: 1,
          group: { name, pid_: String(event.pid ?? '?'), seconds: String(Math.round(ms / 1000)) },
        });
      }
    },
    size: () => stories.size + absence.size,
  };
}

const wipers = new Set(['rm', 'unlink', 'shred', 'srm', 'wipe', 'truncate', 'dd', 'tee', 'cp', 'mv', 'ln', 'sed', 'vi', 'vim', 'vim.basic', 'vim.tiny', 'nano', 'ed', 'ex', 'emacs', 'find', 'cat', 'install', 'rsync']);
