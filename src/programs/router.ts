import type { Event, Program, ProgramDecoder } from '../core/format.ts';
import { programs } from './catalogue.ts';

/** Hands a message to the program that wrote it; true when the program understood it. */
export type ProgramRouter = (tag: string, message: string, event: Event) => boolean;

/** Tags are chosen by whoever writes a log: remember this many, then start anew. */
const rememberedTags = 4096;

/**
 * Opens every program's decoder and returns the function that routes by tag. Each source opens its own,
 * so that what decoders remember about sessions stays apart.
 *
 * A tag is looked up lower-cased: whole, then as `name/*`, then without `(module)`, then by a beginning (`ovpn-*`)
 * or an end (a star before `/smtpd`), for daemons whose administrators choose the rest. Programs whose tag is `*` are asked last,
 * whoever wrote the message.
 */
export function openPrograms(list: readonly Program[] = programs): ProgramRouter {
  const exact = new Map<string, ProgramDecoder>();
  const families = new Map<string, ProgramDecoder>();
  const partial: { start: string; end: string; decoder: ProgramDecoder }[] = [];
  const anyone: ProgramDecoder[] = [];
  for (const program of list) {
    const decoder = program.open();
    for (const tag of program.tags) {
      if (tag === '*') anyone.push(decoder);
      else if (tag.endsWith('/*')) families.set(tag.slice(0, -2), decoder);
      else if (tag.includes('*')) partial.push({ start: tag.slice(0, tag.indexOf('*')), end: tag.slice(tag.indexOf('*') + 1), decoder });
      else exact.set(tag, decoder);
    }
  }
  const find = (tag: string): ProgramDecoder | undefined => {
    const name = tag.toLowerCase();
    const direct = exact.get(name);
    if (direct !== undefined) return direct;
    const slash = name.indexOf('/');
    const family = slash > 0 ? families.get(name.slice(0, slash)) : undefined;
    if (family !== undefined) return family;
    const bracket = name.indexOf('(');
    const bare = bracket > 0 ? exact.get(name.slice(0, bracket)) : undefined;
    return bare ?? partial.find(({ start, end }) => name.length > start.length + end.length && name.startsWith(start) && name.endsWith(end))?.decoder;
  };
  const seen = new Map<string, ProgramDecoder | undefined>();
  let lastTag = '';
  let lastDecoder: ProgramDecoder | undefined;
  return (tag, message, event) => {
    if (tag !== lastTag) {
      let decoder = seen.get(tag);
      if (decoder === undefined && !seen.has(tag)) {
        if (seen.size >= rememberedTags) seen.clear();
        decoder = find(tag);
        seen.set(tag, decoder);
      }
      lastTag = tag;
      lastDecoder = decoder;
    }
    if (lastDecoder !== undefined && lastDecoder.decode(message, event)) return true;
    for (const decoder of anyone) if (decoder.decode(message, event)) return true;
    return false;
  };
}
