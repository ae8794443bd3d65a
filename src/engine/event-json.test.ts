import { describe, expect, it } from 'vitest';
import type { Event } from '../core/gen/event.ts';
import { openDecoder } from './decode.ts';
import { eventJson } from './event-json.ts';
import { keyOf } from './fold.ts';
import { keywordsOf, logsourceKey } from './binding.ts';

const now = Date.UTC(2026, 10, 22);

function decode(format: 'events' | 'sigma-json', line: string): { events: Event[]; unparsed: number } {
  const events: Event[] = [];
  const { decoder } = openDecoder(format, [], { idPrefix: 'x:', source: 'x', host: 'web01', now: () => now, zoneOffset: () => 0 }, (event) => events.push(event));
  decoder.decode(line, { line: 1, position: 1 });
  return { events, unparsed: decoder.unparsed };
}

describe('hostile JSON events', () => {
  it.each(['1e300', '8.65e15', '-1e300', '1e999', '"never"', 'null', '[]'])('a time of %s is no time', (time) => {
    expect(decode('events', `{"kind":"sshd","id":"a","time":${time}}`)).toEqual({ events: [], unparsed: 1 });
    expect(decode('sigma-json', `{"timestamp":${time}}`).events[0]?.time).toBe(now);
  });

  it('a number beyond all numbers is left out', () => {
    expect(decode('events', `{"kind":"sshd","time":${now},"pid":1e999,"uid":5}`).events[0]).toMatchObject({ pid: undefined, uid: 5 });
  });

  it.each(['events', 'sigma-json'] as const)('nesting that would overflow a stack is counted as unparsed in %s', (format) => {
    for (const deep of [`${'['.repeat(9000)}${']'.repeat(9000)}`, `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`]) {
      expect(decode(format, `{"kind":"sshd","time":${now},"extra":{"a":${deep}}}`)).toEqual({ events: [], unparsed: 1 });
    }
  });

  it.each(['null', '5', '[1,["curl x"],null]', '{"a":1}', '[[[]]]'])('a message or command line that is %s is searched for keywords without harm', (value) => {
    const [event] = decode('sigma-json', `{"message":${value},"CommandLine":${value}}`).events;
    expect([...keywordsOf(event!)].every((one) => typeof one === 'string')).toBe(true);
    expect([...keywordsOf(decode('sigma-json', '{"CommandLine":["a","b"]}').events[0]!)]).toEqual(['a', 'b']);
  });

  it('objects whose toString is no function name nothing and break nothing', () => {
    const odd = '{"toString":1,"valueOf":2,"__proto__":{"x":1}}';
    const [event] = decode('sigma-json', `{"logsource":{"product":${odd},"service":[${odd}]},"source_ip":[${odd}],"user":[${odd}],"Image":[${odd}]}`).events;
    expect(logsourceKey(event!)).toBe('foreign///');
    expect(keyOf(event)).toBe('host  ');
    expect(() => JSON.stringify(eventJson(event!))).not.toThrow();
  });
});
