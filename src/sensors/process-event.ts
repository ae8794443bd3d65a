/** What an event says of the process it is about: the same words whichever sensor tells it. */
import type { Event } from '../core/gen/event.ts';

type Told = Pick<Event, 'user' | 'uid' | 'terminal'> & {
  pid: number; parentPid: number | undefined; name: string | undefined; path: string | undefined; cmdline: string | undefined; cwd: string | undefined; started: number | undefined;
  parentPath: string | undefined; parentCmdline: string | undefined; container: string | undefined; cgroup?: string | undefined;
};

export function tellProcess(event: Event, process: Told): void {
  event.pid = process.pid;
  event.parent_pid = process.parentPid;
  event.process_name = process.name;
  event.process_path = process.path;
  event.process_cmdline = process.cmdline;
  event.process_cwd = process.cwd;
  event.process_started = process.started;
  event.parent_path = process.parentPath;
  event.parent_cmdline = process.parentCmdline;
  event.uid = process.uid;
  event.user = process.user;
  event.terminal = process.terminal;
  event.cgroup = process.cgroup;
  event.container_id = process.container;
}
