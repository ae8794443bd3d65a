import { describe, expect, it } from 'vitest';
import { fieldPath, logsourceKey, logsourcesOf } from './binding.ts';
import { foreignEvent } from './foreign.ts';

describe('events of other systems with Sigma field names', () => {
  it('fill the fields that Moat knows and keep all under their own names', () => {
    const event = foreignEvent({ logsource: { product: 'linux', category: 'process_creation' }, Image: '/usr/bin/curl', CommandLine: 'curl http://x', UtcTime: '2026-11-22 02:27:01.5', userIdentity: { type: 'Root', session: { mfa: false } } }, 'x1', 0);
    expect(event.process_path).toBe('/usr/bin/curl');
    expect(event.time).toBe(Date.UTC(2026, 10, 22, 2, 27, 1, 500));
    expect(event.extra?.['CommandLine']).toBe('curl http://x');
    expect(event.extra?.['userIdentity.session.mfa']).toBe(false);
    expect(logsourcesOf(logsourceKey(event))).toEqual([{ product: 'linux', category: 'process_creation' }]);
  });

  it('cannot set what is Moat\'s own, nor reach a prototype', () => {
    const event = foreignEvent(JSON.parse('{"id":"forged","kind":"sshd","lines":[9],"__proto__":{"user":"x"},"constructor":{"prototype":{"polluted":1}}}') as Record<string, unknown>, 'x2', 7);
    expect([event.id, event.kind, event.lines, event.time, event.user]).toEqual(['x2', 'foreign', undefined, 7, undefined]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(fieldPath('constructor')).toEqual(['extra', 'constructor']);
  });

  it('stop at a depth and a number of fields', () => {
    let deep: Record<string, unknown> = { end: 1 };
    for (let i = 0; i < 5000; i++) deep = { d: deep };
    expect(() => foreignEvent(deep, 'x3', 0)).not.toThrow();
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, i]));
    expect(Object.keys(foreignEvent(wide, 'x4', 0).extra!).length).toBeLessThanOrEqual(2000);
  });
});
