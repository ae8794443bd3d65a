/** What a program's standard streams are when it starts, as the kernel sensor tells. */
import type { Event } from '../core/gen/event.ts';

/**
 *   inet     a socket of the network         socket  one of another family (of virtual machines …), or of which it is not told
 *   unix     a socket between processes: the journal's, of socket activation, of node's children      pipe
 *   other    told of, and none of these: a terminal, a file, the null device
 *   unknown  the sensor that saw it cannot tell
 */
export type Stream = 'inet' | 'socket' | 'unix' | 'pipe' | 'other' | 'unknown';

export interface Streams { stdin: Stream; stdout: Stream; stderr: Stream }

const names: Readonly<Record<string, Stream>> = { inet: 'inet', socket: 'socket', unix: 'unix', pipe: 'pipe' };

/** From `extra.stdin`, `extra.stdout`, `extra.stderr`; the kernel sensor leaves out what says nothing. */
export function streamsOf(event: Event): Streams {
  const silent: Stream = event.source === 'ebpf' ? 'other' : 'unknown';
  const { extra } = event;
  const of = (name: string): Stream => {
    const said = extra?.[name];
    return typeof said !== 'string' ? silent : Object.hasOwn(names, said) ? names[said] ?? 'other' : 'other';
  };
  return { stdin: of('stdin'), stdout: of('stdout'), stderr: of('stderr') };
}

export const isNetwork = (stream: Stream): boolean => stream === 'inet' || stream === 'socket';
