import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../core/gen/event.ts';
import { configSchema } from './config-schema.ts';
import { openDetector } from './detector.ts';
import { replay } from './replay.ts';

const line = (n: number): string => `Nov 22 02:27:0${n} web1 sshd[${800 + n}]: Failed password for root from 203.0.113.9 port 4 ssh2`;

describe('replay', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'moat-replay-')); });
  afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

  const yearOf = async (file: string): Promise<number> => {
    const events: Event[] = [];
    await replay({ files: [file], format: 'auto', lang: 'en', detect: undefined, onEvent: (event) => events.push(event) });
    return new Date(events[0]!.time).getFullYear();
  };

  it('takes a year that the lines do not hold from the time of the file', async () => {
    const file = join(folder, 'auth.log');
    writeFileSync(file, `${line(1)}\n`);
    utimesSync(file, new Date('2024-12-01'), new Date('2024-12-01'));
    expect(await yearOf(file)).toBe(2024);
    utimesSync(file, new Date('2024-06-01'), new Date('2024-06-01'));
    expect(await yearOf(file)).toBe(2023);
  });

  it('takes now when the file has no time of its own', async () => {
    const file = join(folder, 'auth.log');
    writeFileSync(file, `${line(1)}\n`);
    utimesSync(file, 0, 0);
    expect(new Date().getFullYear() - (await yearOf(file))).toBeLessThanOrEqual(1);
  });

  it('takes the IPv6 addresses of one network for one source, as wide as it is told', async () => {
    const file = join(folder, 'auth.log');
    const from = (n: number, address: string): string => `Nov 22 02:27:${String(n).padStart(2, '0')} web1 sshd[${800 + n}]: Failed password for root from ${address} port 4 ssh2`;
    // Each address once; and as many, each of a network of its own.
    writeFileSync(file, `${Array.from({ length: 12 }, (_, n) => [from(n, `2001:db8:9:9::${n + 1}`), from(n, `2001:db8:8:${n + 1}::1`)]).flat().join('\n')}\n`);
    const told = async (prefix: number): Promise<unknown> => {
      const { detector } = openDetector({ config: configSchema.parse({ ipv6: { prefix } }), warn: () => undefined });
      const { alerts } = await replay({ files: [file], format: 'auto', lang: 'en', detect: detector });
      return alerts.filter(({ alert }) => alert.rule_id === 'ssh_brute_force').map(({ alert }) => [alert.key, alert.source_ip, alert.count, alert.summary]);
    };
    expect(await told(64)).toEqual([['source_ip 2001:db8:9:9::/64', expect.stringMatching(/^2001:db8:9:9::\d+$/), 12, expect.stringContaining('2001:db8:9:9::12 (2001:db8:9:9::/64)')]]);
    expect(await told(128)).toEqual([]);
    expect(await told(48)).toEqual([['source_ip 2001:db8:9::/48', expect.anything(), 12, expect.anything()], ['source_ip 2001:db8:8::/48', expect.anything(), 12, expect.anything()]]);
  });

  it('says of each file what went wrong, and reads the others', async () => {
    const good = join(folder, 'good.log');
    const odd = join(folder, 'odd.txt');
    writeFileSync(good, `${[1, 2, 3, 4, 5, 6].map(line).join('\n')}\n`);
    writeFileSync(odd, 'nothing that anybody\nwould call a log\n');
    const { detector } = openDetector({ config: configSchema.parse({}), warn: () => undefined });
    const result = await replay({ files: [join(folder, 'nowhere'), odd, good], format: 'auto', lang: 'en', detect: detector });
    expect(result.files.map((file) => file.error?.slice(0, 30))).toEqual(['expected a readable file, got ', 'expected a known log format, g', undefined]);
    expect(result.alerts.map(({ alert }) => [alert.rule_id, alert.count, alert.lines])).toEqual([['ssh_brute_force', 6, [1, 2, 3, 4, 5, 6]]]);
  });
});
