import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseNetwork, type Network } from '../../core/networks.ts';
import { containerIp, hostIp, hostIp6, Net, otherIp, outsideIp, outsideIp6, publishedPort } from '../../../test/namespaces.ts';
import { lacks } from '../../../test/need.ts';
import { compileMeasure, type Measure, zoneFault, type Zone } from './measures.ts';
import { NftFirewall } from './nft.ts';

const net = (text: string): Network => {
  const found = parseNetwork(text);
  if (!found) throw new Error(text);
  return found;
};
const zone = (name: string, ...networks: string[]): Zone => ({ name, networks: networks.map(net) });
const tcp = (port: number): { protocol: 'tcp'; port: number } => ({ protocol: 'tcp', port });
const channel = [{ network: net('203.0.113.7'), ports: [22] }];

describe('rules of measures', () => {
  it('closes a port but for the named, those within others once', () => {
    expect(compileMeasure({ kind: 'closed', port: tcp(6379), except: [net('10.0.0.0/8'), net('10.1.0.0/16'), net('2001:db8::/32')] }, 'x').rules).toEqual({
      early: ['ip saddr { 10.0.0.0/8 } return', 'ip6 saddr { 2001:db8::/32 } return', 'tcp dport 6379 tcp flags & (fin | syn | rst | ack) == syn counter drop'],
    });
    expect(compileMeasure({ kind: 'closed', port: { protocol: 'udp', port: 53 }, except: [] }, 'x').rules).toEqual({ early: ['udp dport 53 counter drop'] });
  });

  it('lets wanted ports through after the channel, each source at its rate', () => {
    const { rules, meters } = compileMeasure({ kind: 'ports', channel, ports: [{ ...tcp(443), perSource: { count: 50, per: 'second' } }, { ...tcp(5432), from: [net('10.0.0.0/8')] }] }, 'ports');
    expect(meters).toEqual({ l_ports_tcp443_4: 'ipv4_addr', l_ports_tcp443_6: 'ipv6_addr' });
    const tracked = rules.tracked ?? [];
    expect(tracked.slice(0, 4)).toEqual(['fib daddr type != local return', 'ct state established,related return', 'meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn return', 'ip saddr 203.0.113.7 tcp dport { 22 } counter return']);
    expect(tracked.slice(-4)).toEqual(['tcp dport 443 tcp flags & (fin | syn | rst | ack) == syn update @l_ports_tcp443_6 { ip6 saddr limit rate over 50/second burst 50 packets } counter drop', 'tcp dport 443 return', 'ip saddr { 10.0.0.0/8 } tcp dport 5432 return', 'counter drop']);
  });

  it('compiles flows between zones of both kinds of address', () => {
    const { rules } = compileMeasure({ kind: 'zones', channel: [], zones: [zone('web', '10.1.0.0/16', '2001:db8:1::/48'), zone('db', '10.2.0.0/16')], flows: [{ from: 'web', to: 'db', ports: [tcp(5432)] }, { from: 'db', to: 'host', ports: [{ protocol: 'udp', port: 123 }] }] }, 'zones');
    expect(rules.passed).toEqual([
      'ct state established,related return', 'meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn return',
      'ip saddr { 10.1.0.0/16 } ip daddr { 10.2.0.0/16 } tcp dport 5432 return',
      'ip saddr { 10.1.0.0/16 } ip daddr { 10.1.0.0/16 } return', 'ip6 saddr { 2001:db8:1::/48 } ip6 daddr { 2001:db8:1::/48 } return', 'ip saddr { 10.2.0.0/16 } ip daddr { 10.2.0.0/16 } return',
      'ip saddr { 10.1.0.0/16, 10.2.0.0/16 } ip daddr { 10.1.0.0/16, 10.2.0.0/16 } counter drop', 'ip6 saddr { 2001:db8:1::/48 } ip6 daddr { 2001:db8:1::/48 } counter drop',
    ]);
    expect(rules.tracked?.slice(-3)).toEqual(['ip saddr { 10.2.0.0/16 } udp dport 123 return', 'ip saddr { 10.1.0.0/16, 10.2.0.0/16 } counter drop', 'ip6 saddr { 2001:db8:1::/48 } counter drop']);
  });

  it('says what is wrong with zones', () => {
    const [web, db] = [zone('web', '10.1.0.0/16'), zone('db', '10.2.0.0/16')];
    expect(zoneFault([web, db], [{ from: 'web', to: 'db' }, { from: 'db', to: 'host' }])).toBeUndefined();
    expect(zoneFault(Array.from({ length: 12 }, (_, i) => zone(`z${i}`, `10.${i}.0.0/16`)), [])).toBeUndefined();
    expect(zoneFault(Array.from({ length: 13 }, (_, i) => zone(`z${i}`, `10.${i}.0.0/16`)), [])).toContain('at most 12');
    expect(zoneFault([web, web], [])).toContain('different name');
    expect(zoneFault([zone('host', '10.1.0.0/16')], [])).toContain('this machine');
    expect(zoneFault([web], [{ from: 'web', to: 'nowhere' }])).toContain('nowhere');
    expect(zoneFault([web], [{ from: 'host', to: 'web' }])).toContain('host');
    expect(zoneFault([web, zone('all', '10.0.0.0/8')], [])).toContain('10.1.0.0/16 lies in two zones');
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/socat', '/bin/nc.openbsd'] }))('measures with traffic', () => {
  let world: Net, wall: NftFirewall;
  beforeAll(async () => {
    world = new Net();
    wall = new NftFirewall(world.run, { namespace: `/run/netns/${world.host}` });
    await wall.ensure();
    for (const port of [22, 80, 443]) await world.listen(world.host, port);
    for (const port of [80, 81]) await world.listen(world.container, port);
    await world.listen(world.outside, 443);
  });
  afterAll(async () => {
    wall.close();
    await world.close();
  });
  const each = async (ways: Record<string, [namespace: string, address: string, port: number, from?: string]>): Promise<string[]> => {
    const reached = await Promise.all(Object.entries(ways).map(async ([name, way]) => ((await world.reaches(...way)) ? [name] : [])));
    return reached.flat();
  };

  it('lets only wanted ports through, never cuts the channel or what stands, nor what this machine asks', async () => {
    const o = world.outside;
    const ways: Parameters<typeof each>[0] = {
      channel: [o, hostIp, 22, outsideIp], stranger: [o, hostIp, 22, otherIp], web: [o, hostIp, 80, otherIp], web6: [o, hostIp6, 80, outsideIp6], secure: [o, hostIp, 443, outsideIp], 'secure other': [o, hostIp, 443, otherIp],
      published: [o, hostIp, publishedPort, outsideIp], out: [world.host, outsideIp, 443], 'container out': [world.container, outsideIp, 443], loopback: [world.host, '127.0.0.1', 443], 'routed': [o, containerIp, 81, outsideIp],
    };
    const stands = await world.connection(o, hostIp, 443, { from: otherIp });
    expect(await stands.says('before')).toBe(true);
    expect(await each(ways)).toEqual(Object.keys(ways));
    const measure: Measure = { kind: 'ports', channel: [{ network: net(outsideIp), ports: [22] }], ports: [tcp(80), { ...tcp(443), from: [net(outsideIp)] }] };
    await wall.put('ports', measure);
    expect(await wall.check('ports', measure)).toBe('whole');
    expect(await each(ways)).toEqual(Object.keys(ways).filter((name) => !['stranger', 'secure other', 'published'].includes(name)));
    expect(await stands.says('goes on')).toBe(true);
    await wall.put('ports', { ...measure, ports: [{ ...tcp(80), perSource: { count: 2, per: 'hour' } }, { ...tcp(publishedPort) }] });
    expect(await wall.check('ports', measure)).toBe('changed');
    const came = [];
    for (let i = 0; i < 4; i++) came.push(await world.reaches(o, hostIp, 80, otherIp));
    expect(came).toEqual([true, true, false, false]);
    expect(await each(ways)).toEqual(['channel', 'web6', 'published', 'out', 'container out', 'loopback', 'routed']);
    await wall.take('ports');
    expect(await wall.check('ports', measure)).toBe('none');
    expect(await each(ways)).toEqual(Object.keys(ways));
  });

  it('keeps zones apart but for the flows, among two measures at once', async () => {
    const o = world.outside;
    const ways: Parameters<typeof each>[0] = { 'a to container 80': [o, containerIp, 80, outsideIp], 'a to container 81': [o, containerIp, 81, outsideIp], 'b to container 80': [o, containerIp, 80, otherIp], 'a to host': [o, hostIp, 80, outsideIp], 'b to host': [o, hostIp, 80, otherIp], 'container to a': [world.container, outsideIp, 443], 'container to host': [world.container, '198.51.100.1', 80], '6 to host': [o, hostIp6, 80, outsideIp6], 'host to container': [world.host, containerIp, 80], 'host to a': [world.host, outsideIp, 443] };
    const stands = await world.connection(o, containerIp, 81, { from: otherIp });
    expect(await stands.says('before')).toBe(true);
    await wall.put('close_tcp_9', { kind: 'closed', port: tcp(9), except: [] });
    await wall.put('zones', { kind: 'zones', channel: [], zones: [zone('a', outsideIp), zone('b', otherIp, '2001:db8::/64'), zone('containers', '198.51.100.0/24')], flows: [{ from: 'a', to: 'containers', ports: [tcp(80)] }, { from: 'b', to: 'host', ports: [tcp(80)] }] });
    expect((await wall.standing()).map(({ id }) => id).sort()).toEqual(['close_tcp_9', 'zones']);
    expect(await each(ways)).toEqual(['a to container 80', 'b to host', '6 to host', 'host to container', 'host to a']);
    expect(await stands.says('goes on')).toBe(true);
    await wall.take('zones');
    expect(await each(ways)).toEqual(Object.keys(ways));
    expect((await wall.standing()).map(({ id }) => id)).toEqual(['close_tcp_9']);
    await wall.take('close_tcp_9');
    expect((await world.run('nft', ['list', 'table', 'inet', 'moat'])).stdout).not.toMatch(/[mgl]_(?:zones|close|ports)/);
  });

  it('notices when somebody changes its rules', async () => {
    const measure: Measure = { kind: 'closed', port: tcp(80), except: [] };
    await wall.put('x', measure);
    await world.run('nft', ['flush', 'chain', 'inet', 'moat', 'm_x_early']);
    expect(await wall.check('x', measure)).toBe('changed');
    await wall.put('x', measure);
    await world.run('nft', ['flush', 'chain', 'inet', 'moat', 'measures_early']);
    expect(await wall.check('x', measure)).toBe('changed');
    await wall.put('x', measure, Date.now() + 60_000);
    expect(await wall.check('x', measure)).toBe('whole');
    await wall.put('x', measure, Date.now() - 1);
    expect(await wall.standing()).toEqual([]);
    await expect(wall.put('x; flush ruleset', measure)).rejects.toMatchObject({ code: 'firewall' });
  });
});
