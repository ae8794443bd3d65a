/** For tests of log formats and programs: what they make of lines, one short text an event. */
import { Event } from '../src/core/gen/event.ts';
import type { DecodeContext, LogFormat, Program } from '../src/core/format.ts';

/** `action outcome source_ip user`, `-` for what the event does not say. */
export const summary = (event: Event): string => [event.action, event.outcome, event.source_ip, event.user].map((value) => value ?? '-').join(' ');

/** The events that one decoder of `program` makes of messages under a tag, one second apart; undefined for a message it does not know. */
export function events(program: Program, tag: string, messages: readonly string[]): (Event | undefined)[] {
  const decoder = program.open();
  return messages.map((message, index) => {
    const event = new Event(`test:${index}`, Date.UTC(2026, 10, 22) + index * 1000, 'syslog');
    event.process_name = tag;
    event.message = message;
    return decoder.decode(message, event) ? event : undefined;
  });
}

/** As `events`, each as its summary; `unknown` for a message the program does not know. */
export const heard = (program: Program, tag: string, ...messages: string[]): string[] => events(program, tag, messages).map((event) => (event === undefined ? 'unknown' : summary(event)));

/** A context in UTC whose present is 22 November 2026, 12:00. */
const noon: DecodeContext = { idPrefix: 'test:', source: 'test.log', host: 'server', now: () => Date.UTC(2026, 10, 22, 12), zoneOffset: () => 0 };

/** The events that a format makes of a file's lines. */
export function readFile(format: LogFormat, lines: readonly string[]): { events: Event[]; unparsed: number } {
  const found: Event[] = [];
  const decoder = format.open(noon, (event) => found.push(event));
  lines.forEach((line, index) => decoder.decode(line, { line: index + 1, position: index + 1 }));
  decoder.flush();
  return { events: found, unparsed: decoder.unparsed };
}
