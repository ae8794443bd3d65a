import { describe, expect, it } from 'vitest';
import { parseNetwork } from '../core/networks.ts';
import { configSchema, type Config } from './config-schema.ts';
import { FirewallPolicy } from './firewall-policy.ts';

const config = (firewall: unknown): Config['firewall'] => configSchema.parse({ firewall }).firewall;
const networks = (...texts: string[]): NonNullable<ReturnType<typeof parseNetwork>>[] => texts.flatMap((text) => parseNetwork(text) ?? []);

function policy(firewall: unknown, from: string[] = [], operators: string[] = []): FirewallPolicy {
  const listener = (protocol: 'tcp' | 'udp', port: number, program: string) => ({ protocol, port, program, address: '' });
  return new FirewallPolicy(config(firewall), {
    reach: { ssh: () => Promise.resolve({ ports: [22], sessions: [] }), answers: () => Promise.resolve(false), listeners: () => Promise.resolve([listener('tcp', 22, 'sshd'), listener('tcp', 443, 'nginx'), listener('tcp', 5432, 'postgres'), listener('udp', 53, 'named')]) },
    loggedOn: () => [], management: () => ({ from: networks(...from), ports: [], probes: [], allow: [] }),
    firewall: () => Promise.reject(new Error('not to be opened')), settings: { setting: () => undefined, setSetting: () => undefined }, audit: () => Promise.resolve(), operators: () => networks(...operators), now: () => 0,
  });
}

describe('wanted ports', () => {
  it('tells who could come to what listens', async () => {
    const { enforced, rows } = await policy({ ports: [{ port: '443/tcp', per_source: '50/s' }, { port: 5432, from: ['10.0.0.0/8'] }, { port: 22, from: ['198.51.100.0/24'] }] }, ['203.0.113.7', '198.51.100.7']).check();
    expect(enforced).toBe(false);
    expect(rows.map((row) => [row.program, row.for, row.from, row.per_source])).toEqual([['sshd', 'some', ['198.51.100.0/24', '203.0.113.7'], undefined], ['nginx', 'any', [], '50/second'], ['postgres', 'some', ['10.0.0.0/8'], undefined], ['named', 'nobody', [], undefined]]);
    expect((await policy({}).check()).rows.map((row) => row.for)).toEqual(['any', 'any', 'any', 'any']);
  });

  it('opens no packet filter while nothing is enforced, and is refused where nobody could log on any more', async () => {
    await policy({ ports: [{ port: 443 }] }).apply();
    await policy({ enforce: true }).apply();
    await expect(policy({ enforce: true, ports: [{ port: 443 }] }).apply()).rejects.toMatchObject({ code: 'refused', hint: expect.stringContaining('management') as string });
    for (const [ports, from] of [[[{ port: 443 }, { port: 22 }], []], [[{ port: 443 }], ['203.0.113.7']]] as const) await expect(policy({ enforce: true, ports }, [...from]).apply()).rejects.toThrow('not to be opened');
  });

  it('are refused as zones where an administrator could not log on any more', async () => {
    const zones = [{ name: 'office', networks: ['10.1.0.0/16'] }, { name: 'db', networks: ['10.2.0.0/16'] }];
    const attempt = (flows: unknown[], from: string[], operators: string[]): Promise<void> => policy({ enforce: true, zones, flows }, from, operators).apply();
    await expect(attempt([], [], ['10.1.7.7'])).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('10.1.7.7, which lies in office') as string, hint: expect.stringContaining('{ from: office, to: host, ports: [22/tcp] }') as string });
    await expect(attempt([{ from: 'office', to: 'host', ports: ['443/tcp'] }, { from: 'db', to: 'host' }], [], ['10.1.7.7'])).rejects.toMatchObject({ code: 'refused' });
    for (const [flows, from, operators] of [[[{ from: 'office', to: 'host', ports: ['22/tcp'] }], [], ['10.1.7.7']], [[{ from: 'office', to: 'host' }], [], ['10.1.7.7']], [[], ['10.1.0.0/16'], ['10.1.7.7']], [[], [], ['203.0.113.7']], [[], [], []]] as [unknown[], string[], string[]][]) await expect(attempt(flows, from, operators)).rejects.toThrow('not to be opened');
  });

  it('are shown before they hold: what is cut, what is opened, and who would be locked out', async () => {
    const now = policy({ enforce: true, ports: [{ port: 443 }, { port: 22 }] });
    const { rows, refused, enforced } = await now.preview(config({ enforce: true, ports: [{ port: 5432 }] }));
    expect(enforced).toBe(true);
    expect(refused?.zh).toContain('无法再登录');
    expect(rows.map(({ port, before, after }) => [port, before.for, after.for])).toEqual([[22, 'any', 'nobody'], [443, 'any', 'nobody'], [5432, 'nobody', 'any'], [53, 'nobody', 'nobody']]);
    expect((await now.preview(config({ ports: [{ port: 443 }] }))), 'a draft cuts nothing, and its fault is told').toMatchObject({ enforced: false, refused: { en: expect.stringContaining('port 22') as string }, rows: [{ after: { for: 'any' } }, {}, {}, {}] });
    const zones = [{ name: 'office', networks: ['10.1.0.0/16'] }];
    const draft = await policy({}, [], ['10.1.7.7']).preview(config({ zones, flows: [{ from: 'office', to: 'host', ports: ['443/tcp'] }] }));
    expect(draft.refused?.en).toContain('10.1.7.7');
    expect(draft.cut.map(({ zone, port }) => `${zone} ${port}`)).toEqual(['office 22', 'office 5432', 'office 53']);
    const opened = await policy({ enforce: true, zones }).preview(config({ enforce: true, zones, flows: [{ from: 'office', to: 'host', ports: ['443/tcp'] }] }));
    expect([opened.cut.length, opened.opened.map(({ port }) => port)]).toEqual([0, [443]]);
  });

  it('reads no rubbish', () => {
    for (const bad of [{ ports: [{ port: '70000/tcp' }] }, { ports: [{ port: 80, per_source: 'much' }] }, { ports: [{ port: 80, from: ['x'] }] }, { zones: [{ name: 'a', networks: ['10.0.0.0/8'] }, { name: 'b', networks: ['10.1.0.0/16'] }] }, { zones: [{ name: 'a', networks: ['10.0.0.0/8'] }], flows: [{ from: 'a', to: 'b' }] }]) expect(() => config(bad)).toThrow();
  });
});
