/**
 * Attempts to stop, trace or blind Moat and other guards: signals to Moat, its memory read or written, its files or
 * unit changed by anything but itself and the package manager, something mounted over it or over a process,
 * tracing of the kernel switched off, eBPF programs loaded by a file that nobody ships, security agents that end
 * and do not come back or lose their files.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import type { Text } from '../../core/text.ts';
import { Absence, wasKilled } from '../absence.ts';
import { isSuspiciousPath } from '../places.ts';
import { processKey, programOf, short } from '../process.ts';
import { baseName, isInterpreter } from '../program-kind.ts';
import { isTrusted, programProvenance } from '../provenance.ts';
import { number } from '../settings.ts';
import { Told } from '../told.ts';
import { hasAncestor, isBelow } from '../tree.ts';
import { agentFolderOf, agentOf } from './agents.ts';

export const blinding: Behaviour = {
  id: 'blinding',
  title: { zh: '试图停用或蒙蔽安全防护', en: 'Attempt to stop or blind a guard' },
  means: { zh: '有人在停掉或绕开能发现他的东西：审计、日志、安全程序、内核检查点', en: 'Somebody stops or goes around what could see him: auditing, logs, guards, probes in the kernel' },
  advice: { zh: '先确认是不是管理员所为；不是的话这台机器多半已被控制：隔离它，再看该进程的来历。', en: 'Ask first whether an administrator did it; if not, the machine is most likely taken: isolate it, then look at the origin of that process.' },
  blind: {
    zh: 'SIGKILL 先于告警结束进程时，告警只可能来不及写出；内核模块与已获内核权限的 rootkit 能让探针失明而不留痕迹；systemd 经 D-Bus 停止服务时只看得到 systemd 自己的动作；回放日志时不知道哪个进程是 Moat；/sys 下的开关在探针默认不看的范围内。',
    en: 'A SIGKILL may end Moat before the alert is out. Kernel code of an intruder can blind the sensor without a trace. When a service is stopped through systemd only systemd is seen acting. On replay it is not known which process is Moat. Switches below /sys are outside of what the sensor watches by default.',
  },
  kinds: ['file_event', 'process_access', 'namespace', 'module', 'process_creation', 'process_fork', 'process_termination'],
  settings: { graceSeconds: { default: 120, min: 5, max: 86_400, text: { zh: '安全代理停止后多少秒未恢复即报告', en: 'seconds a security agent may be away before it is told' } } },
  open,
};

const againMs = 60_000, most = 2000;
/** Signals that neither stop nor end it: 0, HUP, USR1, USR2, PIPE, CHLD, CONT, URG, WINCH. */
const harmless = new Set(['0', '1', '10', '12', '13', '17', '18', '23', '28']);
/** Ends or halts at once: KILL, STOP, SEGV, ABRT, BUS, ILL. */
const hard = new Set(['9', '19', '11', '6', '7', '4']);
const signalNames: Readonly<Record<string, string>> = { 2: 'SIGINT', 3: 'SIGQUIT', 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM', 19: 'SIGSTOP', 20: 'SIGTSTP' };
const installers = new Set(['dpkg', 'rpm', 'apt', 'apt-get', 'aptitude', 'unattended-upgrade', 'yum', 'dnf', 'dnf5', 'zypper']);
const runtimes = new Set(['runc', 'crun', 'youki', 'containerd-shim', 'containerd-shim-runc-v2', 'dockerd', 'containerd', 'podman', 'conmon', 'buildah', 'bwrap', 'systemd', 'systemd-nspawn', 'lxc-start', 'snap-confine', 'runsc', 'kata-agent', 'flatpak']);
const switches: readonly (readonly [string, string])[] = [
  ['/proc/sys/kernel/ftrace_enabled', 'ftrace'], ['/proc/sys/fs/fanotify/', 'fanotify'], ['/proc/sys/fs/inotify/', 'inotify'], ['/proc/sys/kernel/bpf_stats_enabled', 'bpf'],
  ['/sys/kernel/tracing/tracing_on', 'tracing'], ['/sys/kernel/debug/tracing/tracing_on', 'tracing'], ['/sys/kernel/tracing/events/enable', 'tracing'], ['/sys/kernel/debug/kprobes/enabled', 'kprobes'], ['/proc/sys/kernel/kprobes', 'kprobes'],
];
const covered = ['/sys/kernel/tracing', '/sys/kernel/debug', '/sys/fs/bpf', '/var/log', '/etc/systemd/system'];

function open(context: BehaviourContext): BehaviourRun {
  const { self } = context;
  const ownPaths = self?.paths.map((path) => path.replace(/\/+$/, '')) ?? [];
  const told = new Told(most, () => { context.count('stories forgotten'); });
  const absence = new Absence(number(context, 'graceSeconds') * 1000, (event) => {
    if (event.container_id !== undefined) return undefined;
    const name = baseName(event.process_path ?? event.process_name ?? '');
    return agentOf(name) !== undefined ? name : agentOf(event.process_name ?? '') === undefined ? undefined : event.process_name;
  });

  function tell(event: Event, level: Level, key: string, attack: string, what: Text, group: Record<string, string> = {}): void {
    const story = `${key} ${event.pid ?? 0} ${level}`;
    if (told.lately(story, event.time, againMs)) return;
    context.emit({
      ruleId: 'behaviour.blinding', title: blinding.title, level,
      summary: { zh: `{program}（PID {pid_}）${what.zh}。命令：{command}`, en: `{program} (pid {pid_}) ${what.en}. Command: {command}` },
      attack: [attack], matrix: ['关闭安全监控服务'], key: `${key} ${processKey(event)}`, time: event.time, events: [event], count: 1,
      group: { program: programOf(event), pid_: String(event.pid ?? '?'), command: short(event.process_cmdline ?? event.process_name ?? ''), ...group },
    });
  }

  /** A person at work with the system's own tools. */
  function isPerson(event: Event, node: ProcessNode | undefined): boolean {
    const kind = node?.origin.kind;
    return (kind === 'login' || kind === 'console') && isTrusted(programProvenance(context, event));
  }

  /** Moat, what it started, and the program it was installed as. */
  function isSelf(event: Event, node: ProcessNode | undefined): boolean {
    if (self === undefined) return false;
    if (event.pid === self.pid || isBelow(node, self.pid)) return true;
    const script = event.process_cmdline?.slice(0, 600).split(' ').slice(1).find((word) => !word.startsWith('-'));
    return script !== undefined && isInterpreter(event.process_path) && isTrusted(programProvenance(context, event)) && isOwn(script) && !script.endsWith('.yml');
  }

  const isOwn = (path: string): boolean => ownPaths.some((own) => path.startsWith(own) && (path.length === own.length || path.charCodeAt(own.length) === 47));
  const isInstaller = (node: ProcessNode | undefined): boolean => node?.origin.kind === 'package' || hasAncestor(node, installers);

  function onAccess(event: Event): void {
    const target = Number(event.extra?.['target_pid']);
    if (self === undefined || target !== self.pid) return;
    const node = context.lineage.of(event);
    if (event.pid === self.pid || isBelow(node, self.pid)) return;
    const person = isPerson(event, node);
    if (event.action !== 'signal') {
      const what = event.action === 'ptrace' ? { zh: '跟踪（ptrace）了 Moat', en: 'traces Moat (ptrace)' } : event.action === 'vm-write' ? { zh: '写入了 Moat 的内存', en: 'wrote into the memory of Moat' } : { zh: '读取了 Moat 的内存', en: 'read the memory of Moat' };
      tell(event, person ? 'high' : 'critical', `access ${event.action ?? ''}`, 'T1055.008', what);
      return;
    }
    const text: unknown = event.extra?.['signal'];
    const signal = typeof text === 'string' || typeof text === 'number' ? String(text) : '?';
    if (harmless.has(signal)) return;
    // systemd at a stop or reboot, or whoever started it: told, so that a stop never goes unsaid.
    const isKeeper = event.pid === 1 || context.lineage.process(self.pid)?.parent?.pid === event.pid;
    const level = isKeeper ? (signal === '9' ? 'medium' : 'low') : person ? (hard.has(signal) ? 'high' : 'medium') : 'critical';
    tell(event, level, `signal ${signal}`, 'T1562.001', { zh: '向 Moat 发送了 {signal}', en: 'sent {signal} to Moat' }, { signal: signalNames[signal] ?? `signal ${signal}` });
  }

  function onFile(event: Event): void {
    const path = event.file_path;
    if (path === undefined || event.action === 'read' || event.container_id !== undefined) return;
    const from = event.action === 'rename' ? event.file_from : undefined;
    const isUnit = path.endsWith('/moat.service') && path.includes('/systemd/');
    if (isUnit || isOwn(path) || (from !== undefined && isOwn(from))) { onOwnFile(event, from !== undefined && isOwn(from) ? from : path, isUnit); return; }
    const lever = event.action === 'write' && (path.startsWith('/proc/sys/') || path.startsWith('/sys/')) ? switches.find(([prefix]) => path.startsWith(prefix)) : undefined;
    if (lever !== undefined) { onSwitch(event, path, lever[1]); return; }
    const loses = event.action === 'delete' || event.action === 'rename' || event.action === 'chmod' || event.action === 'setxattr';
    const agent = loses ? agentFolderOf(from ?? path) : undefined;
    if (agent !== undefined) onAgentFile(event, from ?? path, agent);
  }

  function onOwnFile(event: Event, path: string, isUnit: boolean): void {
    const node = context.lineage.of(event);
    if (isSelf(event, node) || isInstaller(node)) return;
    const person = isPerson(event, node);
    const isSettings = path.endsWith('.yml') && !path.includes('/rules/');
    // systemd does what systemctl is told: by whom is not seen here.
    const level = !person && event.pid !== 1 ? 'critical' : isSettings && event.action !== 'delete' ? 'low' : 'high';
    const what = isUnit ? { zh: '改动了 Moat 的服务单元 {file}（{deed}）', en: 'changed the unit of Moat, {file} ({deed})' } : { zh: '改动了 Moat 自己的文件 {file}（{deed}）', en: 'changed a file of Moat itself, {file} ({deed})' };
    tell(event, level, isSettings ? 'settings' : 'files', 'T1562.001', what, { file: path, deed: event.action ?? '?' });
  }

  function onSwitch(event: Event, path: string, what: string): void {
    const node = context.lineage.of(event);
    if (isSelf(event, node) || isInstaller(node)) return;
    const trusted = isTrusted(programProvenance(context, event));
    // Limits raised by sysctl at boot or by hand are everyday.
    if (trusted && (node?.origin.kind === 'service' || path.startsWith('/proc/sys/fs/inotify/') || !isInterpreter(event.process_path) && baseName(programOf(event)) !== 'sysctl' && baseName(programOf(event)) !== 'tee')) return;
    tell(event, isPerson(event, node) ? 'medium' : 'critical', `switch ${what}`, 'T1562.001', { zh: '改动了内核观测开关 {file}', en: 'changed {file}, by which the kernel is watched' }, { file: path });
  }

  function onAgentFile(event: Event, path: string, [folder, title]: readonly [string, string]): void {
    const node = context.lineage.of(event);
    // Its own updater, the cloud's assistant and packages look after it; its logs and caches come and go.
    if (event.process_path?.startsWith(folder) === true || node?.origin.kind === 'cloud' || isInstaller(node) || /\/(?:logs?|cache|tmp|data|temp)\/|\.log(?:\.|$)/.test(path.slice(folder.length - 1))) return;
    for (let at = node?.parent, i = 0; i < 8 && at !== undefined; i++, at = at.parent) if (at.path?.startsWith(folder) === true) return;
    tell(event, isPerson(event, node) ? 'high' : 'critical', `agent ${folder}`, 'T1562.001', { zh: '改动了 {agent} 的文件 {file}（{deed}）', en: 'changed {file} of {agent} ({deed})' }, { agent: title, file: path, deed: event.action ?? '?' });
  }

  function onMount(event: Event): void {
    const path = event.file_path;
    if (path === undefined || (event.action !== 'mount' && event.action !== 'umount')) return;
    const node = context.lineage.of(event);
    if (isSelf(event, node)) return;
    const process = /^\/proc\/(\d{1,10})(?:\/|$)/.exec(path)?.[1];
    const isMine = isOwn(path) || (self !== undefined && process === String(self.pid));
    if (isMine && event.container_id === undefined) { tell(event, 'critical', 'mount', 'T1564', { zh: '在 Moat 之上挂载（{deed}）：{file}', en: 'mounts over Moat ({deed}): {file}' }, { file: path, deed: event.action }); return; }
    const name = baseName(programOf(event));
    if (event.container_id !== undefined || runtimes.has(name) || hasAncestor(node, runtimes) && node?.origin.kind === 'container') return;
    if (process !== undefined && event.action === 'mount') { tell(event, 'critical', 'hide', 'T1564', { zh: '用挂载隐藏进程：{file}', en: 'hides a process by mounting over {file}' }, { file: path }); return; }
    // A private mount namespace (unshare, systemd's sandboxes) covers nothing for the others.
    const isPrivate = typeof event.extra?.['mnt_ns'] === 'string' || name === 'unshare';
    if (covered.includes(path) && !isPrivate && !isInstaller(node) && node?.origin.kind !== 'service') tell(event, isPerson(event, node) ? 'medium' : 'critical', 'cover', 'T1562.001', { zh: '{deed} {file}，使其中的内容看不到', en: '{deed} of {file}: what it holds can no longer be seen' }, { file: path, deed: event.action });
  }

  function onModule(event: Event): void {
    if (event.action !== 'bpf-load' || event.container_id !== undefined) return;
    const node = context.lineage.of(event);
    const provenance = programProvenance(context, event);
    if (isSelf(event, node) || isTrusted(provenance) || provenance === 'unknown') return;
    const isOdd = isSuspiciousPath(event.process_path) || node?.origin.kind === 'web' || provenance === 'changed';
    const type = event.extra?.['type'];
    // Own agents of people load programs too (Cilium, tracing tools from source): told, not shouted.
    tell(event, isOdd ? 'critical' : 'medium', 'bpf', 'T1014', { zh: '不属于任何软件包，却加载了 eBPF 程序（{type}）', en: 'is owned by no package and loaded an eBPF program ({type})' }, { type: typeof type === 'string' ? type : '?' });
  }

  return {
    observe(event) {
      switch (event.kind) {
        case 'process_access': onAccess(event); break;
        case 'file_event': onFile(event); break;
        case 'namespace': onMount(event); break;
        case 'module': onModule(event); break;
        case 'process_creation': case 'process_fork': case 'process_termination': absence.observe(event); break;
        default: break;
      }
    },
    tick(now) {
      for (const { name, event, ms } of absence.missing(now)) {
        context.emit({
          ruleId: 'behaviour.blinding', title: { zh: '安全代理停止', en: 'Security agent stopped' }, level: 'high',
          summary: {
            zh: `{agent} 的 {name}（PID {pid_}）${wasKilled(event) ? '被强制结束' : '已停止'}，{seconds} 秒未恢复`,
            en: `{name} (pid {pid_}) of {agent} ${wasKilled(event) ? 'was killed' : 'stopped'} and has not come back for {seconds} s`,
          },
          attack: ['T1562.001'], matrix: ['关闭安全监控服务'], key: `stopped ${name}`, time: now, events: [event], count: 1,
          group: { agent: agentOf(name) ?? name, name, pid_: String(event.pid ?? '?'), seconds: String(Math.round(ms / 1000)) },
        });
      }
    },
    size: () => told.size + absence.size,
  };
}
