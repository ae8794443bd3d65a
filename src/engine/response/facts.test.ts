import { describe, expect, it } from 'vitest';
import type { AlertEvidence } from '../../core/alert.ts';
import { factsOf } from './facts.ts';

const facts = (evidence: AlertEvidence[], pid: number | undefined = 7): unknown => Object.fromEntries(Object.entries(factsOf({ ...(pid !== undefined && { pid }), evidence })).filter(([, value]) => value !== undefined));

describe('what an alert tells of its events', () => {
  it('names its own process only, never another of the same story', () => {
    expect(facts([{ pid: 7, process_started: 5, process_path: '/tmp/x' }, { pid: 8, process_started: 6, process_path: '/usr/bin/sh' }])).toEqual({ started: 5, program: '/tmp/x' });
    expect(facts([{ pid: 8, process_started: 6, process_path: '/usr/bin/sh' }])).toEqual({});
    expect(factsOf({ evidence: [{ process_started: 6 }] }).started).toBeUndefined();
  });

  it('tells the peer of what was connected from here, not who was asked for a name, nor who came in', () => {
    expect(facts([{ direction: 'outbound', destination_ip: '203.0.113.9', destination_port: 443 }, { direction: 'outbound', destination_ip: '192.0.2.53', destination_port: 53 }, { direction: 'inbound', destination_ip: '192.0.2.1', destination_port: 80 }])).toEqual({ peer_ip: '203.0.113.9', port: '80/tcp' });
  });

  it('tells no path that was cut short or is none, and no port that is none', () => {
    expect(facts([{ pid: 7, process_path: `/tmp/${'x'.repeat(20)}…` }, { file_path: 'memfd:x' }, { direction: 'listening', destination_port: 0 }])).toEqual({});
    expect(facts([{ file_path: '/srv/up.php' }, { direction: 'listening', destination_port: 53, protocol: 'udp' }])).toEqual({ file: '/srv/up.php', port: '53/udp' });
    expect(facts([{ direction: 'listening', destination_port: 1, protocol: 'icmp' }])).toEqual({});
  });
});
