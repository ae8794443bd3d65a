/** What behaviours say about processes. */
import type { Event } from '../core/gen/event.ts';
import { isInterpreter } from './program-kind.ts';

const keyed = { pid: 0, started: 0, key: '0:0' };

/** pid and start: one process, also when the pid comes back. The last answer is kept: many behaviours ask it of one event, and events of one process come in a row. */
export function processKey(event: Event): string {
  const pid = event.pid ?? 0, started = event.process_started ?? 0;
  if (keyed.pid !== pid || keyed.started !== started) { keyed.pid = pid; keyed.started = started; keyed.key = `${pid}:${started}`; }
  return keyed.key;
}

/** The executable, else the name. */
export const programOf = (event: Event): string => event.process_path ?? event.process_name ?? '?';

/** Command line or path cut to a length fit for one line. */
export const short = (text: string, length = 200): string => text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** What makes two processes the same program: the executable, for an interpreter with what it runs, each container by itself. */
export function programKey(event: Event): string {
  const program = programOf(event);
  const container = event.container_id === undefined ? '' : `${event.container_id.slice(0, 12)} `;
  return container + (isInterpreter(program) ? `${program} ${argumentsOf(event.process_cmdline).slice(0, 160)}` : program.slice(0, 512));
}

/** Without the program's own name, which is written in full or not as it was called. */
function argumentsOf(cmdline: string | undefined): string {
  const at = cmdline?.indexOf(' ') ?? -1;
  return at < 0 || cmdline === undefined ? '' : cmdline.slice(at + 1);
}
