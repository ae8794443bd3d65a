import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { tell } from '../tell.ts';

/**
 * systemd on its units: `extra.unit` names it (or its description, where an older systemd writes only that).
 * `service-restart` carries the restart counter in `value`, so that a loop shows.
 */
export const systemd: Program = {
  id: 'systemd',
  title: { zh: 'systemd 服务管理', en: 'systemd' },
  tags: ['systemd'],
  open: (): ProgramDecoder => ({ decode }),
};

const unitName = /^([A-Za-z0-9:_.\\@-]{1,255}\.(?:service|socket|timer|mount|scope|target|path|slice|swap|device|automount)): (.*)$/;

function decode(message: string, event: Event): boolean {
  const unit = unitName.exec(message);
  if (unit !== null) return decodeUnit(unit[1]!, unit[2]!, event);
  const job = /^(Started|Stopped|Starting|Stopping|Reloaded|Reloading|Failed to start|Finished|Dependency failed for) (.{1,512})$/.exec(message);
  if (job === null) return false;
  setUnit(event, job[2]!);
  switch (job[1]) {
    case 'Started': return tell(event, 'syslog', 'systemd', 'service', 'service-start', 'success');
    case 'Stopped': return tell(event, 'syslog', 'systemd', 'service', 'service-stop', 'success');
    case 'Reloaded': return tell(event, 'syslog', 'systemd', 'service', 'service-reload', 'success');
    case 'Finished': return tell(event, 'syslog', 'systemd', 'service', 'service-end', 'success');
    case 'Failed to start': case 'Dependency failed for': return tell(event, 'syslog', 'systemd', 'service', 'service-start', 'failure');
    default: return tell(event, 'syslog', 'systemd', 'service', job[1] === 'Stopping' ? 'service-stopping' : 'service-starting', 'unknown');
  }
}

/** `nginx.service - A web server.` (since 250) or `A web server.` */
function setUnit(event: Event, text: string): void {
  const named = /^([A-Za-z0-9:_.\\@-]{1,255}\.[a-z]{4,9}) - /.exec(text) ?? /^([A-Za-z0-9:_.\\@-]{1,255}\.[a-z]{4,9})\.?$/.exec(text);
  event.extra = { ...event.extra, unit: named === null ? text.replace(/\.+$/, '') : named[1] };
}

function decodeUnit(unit: string, text: string, event: Event): boolean {
  event.extra = { ...event.extra, unit };
  const restart = /^Scheduled restart job, restart counter is at (\d{1,9})\.?$/.exec(text);
  if (restart !== null) {
    event.value = Number(restart[1]);
    return tell(event, 'syslog', 'systemd', 'service', 'service-restart', 'unknown');
  }
  if (text.startsWith('Service RestartSec') || text.startsWith('Service hold-off time over')) return tell(event, 'syslog', 'systemd', 'service', 'service-restarting', 'unknown');
  const exited = /^(?:Main|Control|State \S{1,32}) process exited, code=([a-z]{1,16}), status=(\d{1,5})/.exec(text);
  if (exited !== null) {
    event.exit_code = Number(exited[2]);
    return tell(event, 'syslog', 'systemd', 'service', 'process-exit', exited[2] === '0' ? 'success' : 'failure');
  }
  if (text.startsWith('Failed with result')) return tell(event, 'syslog', 'systemd', 'service', 'service-failed', 'failure');
  if (text.startsWith('Start request repeated too quickly')) return tell(event, 'syslog', 'systemd', 'service', 'service-start-limit', 'failure');
  if (text.startsWith('Deactivated successfully') || text.startsWith('Succeeded')) return tell(event, 'syslog', 'systemd', 'service', 'service-end', 'success');
  if (text.startsWith('A process of this unit has been killed by the OOM killer')) return tell(event, 'syslog', 'systemd', 'service', 'oom-kill', 'failure');
  if (text.startsWith('Watchdog timeout')) return tell(event, 'syslog', 'systemd', 'service', 'service-failed', 'failure');
  return false;
}
