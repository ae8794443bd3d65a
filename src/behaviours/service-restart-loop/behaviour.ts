import type { Event } from '../../core/gen/event.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { Lru } from '../lru.ts';
import { programOf, short } from '../process.ts';
import { number } from '../settings.ts';

/** A service that dies and is started again and again. */
export const serviceRestartLoop: Behaviour = {
  id: 'service-restart-loop',
  title: { zh: '服务反复重启', en: 'Service restarts in a loop' },
  means: { zh: '服务不断退出又被拉起', en: 'A service ends and is started again and again' },
  advice: { zh: '看该服务的日志（journalctl -u 服务名）；不认识的服务看是谁建的。', en: 'Read its log (journalctl -u SERVICE); of a service you do not know, look at who made it.' },
  blind: {
    zh: '间隔较长的重启看不到；不由 systemd 或常见守护程序（supervisord、runit、s6、容器运行时等）拉起的看不到。',
    en: 'Restarts far apart are not seen, nor those that neither systemd nor a common supervisor (supervisord, runit, s6, container runtimes …) makes.',
  },
  kinds: ['syslog', 'process_creation'],
  settings: {
    restarts: { default: 5, min: 2, max: 1000, text: { zh: '时间窗内 systemd 重启次数', en: 'restarts by systemd within the window' } },
    starts: { default: 10, min: 2, max: 1000, text: { zh: '时间窗内由守护程序启动同一程序的次数（每分钟一次的定时任务不算）', en: 'starts of one program by one supervisor within the window; more than a timer that runs each minute makes' } },
    seconds: { default: 300, min: 10, max: 86_400, text: { zh: '时间窗（秒）', en: 'window in seconds' } },
  },
  open,
};

interface Loop { times: number[]; told: number; since: number }

const supervisor = /\/(?:supervisord|runsv|s6-supervise|containerd-shim[^/]*|dockerd|conmon|monit|circusd|tini|dumb-init|docker-init|god|pm2|procd|openrc-[^/]+|supervise-daemon)$/;

function open(context: BehaviourContext): BehaviourRun {
  const windowMs = number(context, 'seconds') * 1000;
  const restarts = number(context, 'restarts'), starts = number(context, 'starts');
  const loops = new Lru<Loop>(2000, () => { context.count('services forgotten'); });

  function seen(key: string, event: Event, limit: number, name: string): void {
    const loop = loops.take(key, () => ({ times: [], told: Number.NEGATIVE_INFINITY, since: 0 }));
    loop.times.push(event.time);
    loop.since++;
    if (loop.times.length > limit) loop.times.shift();
    const first = loop.times[0] ?? event.time;
    if (loop.times.length < limit || event.time - first > windowMs || event.time < first || event.time - loop.told < windowMs) return;
    loop.told = event.time;
    const count = Math.max(limit, loop.since);
    loop.since = 0;
    context.emit({
      ruleId: 'behaviour.service-restart-loop', title: serviceRestartLoop.title, level: 'medium',
      summary: {
        zh: '{name} 在 {seconds} 秒内重启了 {restarts} 次',
        en: '{name} was started {restarts} times within {seconds} s',
      },
      attack: [], key, time: event.time, events: [event], count,
      group: { name, restarts: String(limit), seconds: Math.ceil((event.time - first) / 1000).toString() },
    });
  }

  return {
    observe(event) {
      if (event.action === 'service-restart') {
        const unit = unitOf(event);
        seen(`unit:${unit}`, event, restarts, unit);
      } else if (event.action === 'process-start' && event.process_path !== undefined && isSupervisor(event)) {
        // systemd says itself when it restarts something, and starts much that is no service (timers, logins).
        const command = short(event.process_cmdline ?? '', 300);
        seen(`start:${event.parent_pid ?? 0}:${event.process_path}:${command}`, event, starts, programOf(event));
      }
    },
    size: () => loops.size,
  };
}

/** The unit that a service event is about. */
function unitOf(event: Event): string {
  const unit = event.extra?.['unit'];
  if (typeof unit === 'string') return unit;
  return event.service !== undefined && event.service !== 'systemd' ? event.service : event.message ?? '?';
}

function isSupervisor(event: Event): boolean {
  const parent = event.parent_path;
  if (parent === undefined) return false;
  if (event.parent_pid === 1) return !parent.endsWith('/systemd');
  return supervisor.test(parent);
}
