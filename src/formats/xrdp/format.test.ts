import { describe, expect, it } from 'vitest';
import type { Event } from '../../core/format.ts';
import { xrdpLog } from './format.ts';

function decode(...lines: string[]): Event[] {
  const events: Event[] = [];
  const decoder = xrdpLog.open({ idPrefix: 'x:', source: '/var/log/xrdp-sesman.log', host: 'desk', now: () => 7, zoneOffset: () => 480 }, (event) => { events.push(event); });
  for (const [index, line] of lines.entries()) decoder.decode(line, { line: index + 1, position: index });
  decoder.flush();
  return events;
}

describe('xrdp log files', () => {
  it('tell of failed log-ons in local time', () => {
    expect(decode('[20261122-10:27:01] [INFO ] AUTHFAIL: user=carol ip=::ffff:192.0.2.7 time=1795314421')[0]).toMatchObject({
      id: 'x:0', time: Date.UTC(2026, 10, 22, 2, 27, 1), host: 'desk', service: 'xrdp', action: 'login', outcome: 'failure', user: 'carol', source_ip: '192.0.2.7', lines: [1],
    });
  });

  it('read times with a fraction and a zone', () => {
    expect(decode('[20261122-10:27:01.250+0800] [INFO ] login successful for user carol')[0]).toMatchObject({ time: Date.UTC(2026, 10, 22, 2, 27, 1, 250), outcome: 'success' });
  });

  it('keep the text of lines without a time', () => {
    const [first, second] = decode('[20261122-10:27:01] [INFO ] x', 'stray text');
    expect([second!.time, second!.message]).toEqual([first!.time, 'stray text']);
  });

  it('are recognised', () => {
    expect(xrdpLog.sniff('[20261122-10:27:01] [WARN ] x')).toBeGreaterThan(0.9);
    expect(xrdpLog.sniff('[Sun Nov 22 10:27:01 2026] [error] x')).toBe(0);
  });
});
