/** For tests: one program alone, fed as the syslog format feeds it. */
import type { Program } from '../core/format.ts';
import { Event } from '../core/gen/event.ts';

export interface Feed {
  /** Decodes one message; `said` is what the program returned. */
  (message: string, over?: Partial<Event>): Event & { said: boolean };
}

/** A fresh decoder; each call is one message a second after the last, from host web01, pid 4711, tag `tag`. */
export function feed(program: Program, tag = program.tags[0]!): Feed {
  const decoder = program.open();
  let n = 0;
  return (message, over = {}) => {
    n += 1;
    const event = new Event(`t:${n}`, Date.UTC(2026, 10, 22, 2, 27) + n * 1000, 'syslog');
    event.host = 'web01';
    event.pid = 4711;
    event.process_name = tag;
    event.message = message;
    Object.assign(event, over);
    const said = decoder.decode(message, event);
    return Object.assign(event, { said });
  };
}

/** The fields that have a value, without those every event of `feed` has. */
export function told(event: Event): Record<string, unknown> {
  const always = new Set(['id', 'time', 'host', 'message', 'said']);
  return Object.fromEntries(Object.entries(event).filter(([name, value]) => value !== undefined && !always.has(name)));
}
