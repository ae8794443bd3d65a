/** What behaviours say about processes. */
import type { Event } from '../core/gen/event.ts';
import { isInterpreter } from './program-kind.ts';

/** pid and start: one process, also when the pid comes back. */
export const processKey = (event: Event): string => `${event.pid ?? 0}:${event.process_started ?? 0}`;

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
