/** What every firewall must do, shown with real traffic in namespaces. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseNetwork, type Network } from '../src/core/networks.ts';
import { Net, containerIp, hostIp, hostIp6, otherIp, outsideIp, outsideIp6, publishedPort } from './namespaces.ts';
import type { Run } from '../src/linux/run.ts';
import type { Firewall } from '../src/linux/firewall/firewall.ts';

const net = (text: string): Network => {
  const found = parseNetwork(text);
  if (!found) throw new Error(text);
  return found;
};
const texts = (networks: readonly Network[]): string[] => networks.map(({ text }) => text).sort();

export function firewallContract(make: (where: { run: Run; namespace: string }) => Firewall): void {
  let world: Net;
  let firewall: Firewall;
  beforeAll(async () => {
    world = new Net();
    firewall = make({ run: world.run, namespace: `/run/netns/${world.host}` });
    await firewall.ensure();
    await world.listen(world.host, 80);
    await world.listen(world.container, 80);
    await world.listen(world.outside, 443);
  });
  afterAll(() => world.close());

  const outsideReaches = async (): Promise<Record<string, boolean>> => ({
    v4: await world.reaches(world.outside, hostIp, 80, outsideIp), v6: await world.reaches(world.outside, hostIp6, 80, outsideIp6),
    published: await world.reaches(world.outside, hostIp, publishedPort, outsideIp), other: await world.reaches(world.outside, hostIp, 80, otherIp),
  });
  const open = { v4: true, v6: true, published: true, other: true };

  it('lets all traffic through at first', async () => { expect(await outsideReaches()).toEqual(open); });

  it('cuts an address to this machine, from it and to its containers, and lets it through again', async () => {
    await firewall.block([{ network: net(outsideIp) }]);
    expect(await outsideReaches()).toEqual({ ...open, v4: false, published: false });
    expect(await world.reaches(world.host, outsideIp, 443)).toBe(false);
    expect(await world.reaches(world.container, outsideIp, 443)).toBe(false);
    expect(texts(await firewall.blocked([net(outsideIp), net(otherIp)]))).toEqual([outsideIp]);
    await firewall.unblock([net(outsideIp), net(otherIp)]);
    expect(await outsideReaches()).toEqual(open);
    expect(await world.reaches(world.host, outsideIp, 443)).toBe(true);
  });

  it('cuts networks of any size and of both kinds', async () => {
    await firewall.block([{ network: net('192.0.2.64/26') }, { network: net('2001:db8::8/125') }]);
    expect(await outsideReaches()).toEqual({ ...open, other: false, v6: false });
    await firewall.unblock([net('192.0.2.64/26'), net('2001:db8::8/125')]);
    expect(await outsideReaches()).toEqual(open);
  });

  it('never cuts what is allowed, whatever is blocked around it', async () => {
    await firewall.allow([net(outsideIp)]);
    await firewall.block([{ network: net('192.0.2.0/24') }]);
    expect(await outsideReaches()).toEqual({ ...open, other: false });
    await firewall.allow([]);
    expect(await outsideReaches()).toEqual({ ...open, v4: false, published: false, other: false });
    await firewall.unblock([net('192.0.2.0/24')]);
  });

  it('counts what it drops, and tells how long it will', async () => {
    await firewall.block([{ network: net(outsideIp), until: Date.now() + 3_600_000 }, { network: net('203.0.113.0/24') }]);
    await world.reaches(world.outside, hostIp, 80, outsideIp);
    const rows = await firewall.list();
    expect(texts(rows.map(({ network }) => network))).toEqual([outsideIp, '203.0.113.0/24']);
    const row = rows.find(({ network }) => network.text === outsideIp);
    expect(row?.packets).toBeGreaterThan(0);
    expect((row?.until ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
    await firewall.replace([]);
    expect(await firewall.list()).toEqual([]);
  });

  it('ends by itself in the kernel', async () => {
    await firewall.block([{ network: net(outsideIp), until: Date.now() + 1000 }]);
    expect(await firewall.blocked([net(outsideIp)])).toHaveLength(1);
    for (let i = 0; i < 100 && (await firewall.blocked([net(outsideIp)])).length > 0; i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(await outsideReaches()).toEqual(open);
  });

  it('takes a new time for what is blocked already', async () => {
    await firewall.block([{ network: net(outsideIp), until: Date.now() + 60_000 }]);
    await firewall.block([{ network: net(outsideIp), until: Date.now() + 7_200_000 }, { network: net(outsideIp), until: Date.now() + 7_200_000 }]);
    expect(((await firewall.list())[0]?.until ?? 0) - Date.now()).toBeGreaterThan(7_000_000);
    await firewall.replace([]);
  });

  it('keeps what is blocked when it is made again, and leaves the tables of others alone', async () => {
    const others = async (): Promise<string> => (await world.run('nft', ['list', 'table', 'ip', 'published'])).stdout;
    const before = await others();
    await firewall.block([{ network: net('203.0.113.0/24') }, { network: net(outsideIp) }]);
    const again = make({ run: world.run, namespace: `/run/netns/${world.host}` });
    await again.ensure();
    expect(texts((await again.list()).map(({ network }) => network))).toEqual([outsideIp, '203.0.113.0/24']);
    await again.unblock([net('203.0.113.0/24')]);
    await again.block([{ network: net('203.0.113.0/24') }]);
    await again.remove();
    firewall.close();
    expect(await others()).toBe(before);
    expect(await outsideReaches()).toEqual(open);
    await firewall.ensure();
  });

  it('notices that somebody emptied the packet filter; goes on, and is whole once all is put back', async () => {
    const published = (await world.run('nft', ['list', 'table', 'ip', 'published'])).stdout;
    await firewall.block([{ network: net(outsideIp) }]);
    expect(await firewall.stands()).toBe(true);
    await world.run('nft', ['flush', 'ruleset']);
    expect(await firewall.stands()).toBe(false);
    await firewall.block([{ network: net('203.0.113.0/24') }]);
    await firewall.unblock([net('203.0.113.77')]);
    expect(await firewall.stands()).toBe(false);
    await firewall.ensure();
    await firewall.replace([{ network: net(outsideIp) }]);
    await world.run('nft', ['-f', '-'], { input: published });
    expect(await firewall.stands()).toBe(true);
    expect(await outsideReaches()).toEqual({ ...open, v4: false, published: false });
    await firewall.replace([]);
  });

  it('holds a hundred thousand addresses and finds each of a thousand more', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ network: net(`10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`), until: Date.now() + 3_600_000 }));
    await firewall.replace(many);
    const more = Array.from({ length: 1000 }, (_, i) => ({ network: net(`10.200.${i >> 8}.${i & 255}`) }));
    await firewall.block(more);
    expect(await firewall.blocked(more.map(({ network }) => network))).toHaveLength(1000);
    expect(await firewall.blocked([net('10.201.0.1'), ...more.slice(0, 3).map(({ network }) => network)])).toHaveLength(3);
    expect(await outsideReaches()).toEqual(open);
    await firewall.replace([]);
  });

  it('is reached from the container all along', async () => { expect(await world.reaches(world.host, containerIp, 80)).toBe(true); });
}
