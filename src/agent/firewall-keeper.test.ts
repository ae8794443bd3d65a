import { describe, expect, it } from 'vitest';
import type { BlockEntry } from '../core/action.ts';
import { parseNetwork, type Network } from '../core/networks.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';
import { FirewallKeeper, passingOf, type Upset } from './firewall-keeper.ts';

const net = (text: string): Network => parseNetwork(text)!;
const minute = 60_000;

describe('the packet filter is kept as it is wanted', () => {
  function world(id: Firewall['id'] = 'nftables') {
    const state = { now: 1_000_000_000, monotonic: 500, stands: true, asked: 0, passing: ['192.0.2.1'], upsets: [] as Upset[], allowed: [] as string[][], fails: false };
    const wall = { id, stands: () => { state.asked++; return Promise.resolve(state.stands); }, allow: (networks: readonly Network[]) => { state.allowed.push(networks.map(({ text }) => text)); return Promise.resolve(); } } as unknown as Firewall;
    const keeper = new FirewallKeeper({
      wall: () => Promise.resolve(wall), passing: () => state.passing.map(net), now: () => state.now, monotonic: () => state.monotonic,
      putBack: (_wall, why) => { if (state.fails) return Promise.reject(new Error('nft is gone')); state.upsets.push(why); state.stands = true; return Promise.resolve(); },
    });
    const pass = (ms: number, clock = ms): void => { state.monotonic += ms; state.now += clock; };
    return { state, keeper, pass };
  }

  it('is put back when somebody emptied it, and tried again when that fails', async () => {
    const { state, keeper, pass } = world();
    await keeper.look();
    state.stands = false;
    state.fails = true;
    await expect(keeper.look()).rejects.toThrow('nft is gone');
    pass(5000);
    state.fails = false;
    await keeper.look();
    await keeper.look();
    expect(state.upsets).toEqual(['emptied']);
  });

  it('follows the clock when it is set, either way, or the machine slept; a correction is none', async () => {
    const { state, keeper, pass } = world();
    await keeper.look();
    pass(5000, 8000);
    await keeper.look();
    expect(state.upsets).toEqual([]);
    pass(5000, 24 * 60 * minute);
    await keeper.look();
    await keeper.look();
    pass(5000, -24 * 60 * minute);
    await keeper.look();
    expect(state.upsets).toEqual(['clock', 'clock']);
  });

  it('lets pass who is logged on now, and writes it only when that changes', async () => {
    const { state, keeper } = world();
    keeper.wrote([net('192.0.2.1')]);
    await keeper.look();
    state.passing = ['198.51.100.7', '192.0.2.1'];
    await keeper.look();
    state.passing.reverse();
    await keeper.look();
    expect(state.allowed).toEqual([['198.51.100.7', '192.0.2.1']]);
  });

  it('asks ipset, which means programs, once a minute', async () => {
    const { state, keeper, pass } = world('ipset');
    for (let i = 0; i < 24; i++) { await keeper.look(); pass(5000); }
    expect(state.asked).toBe(2);
  });

  it('looks one at a time', async () => {
    const { state, keeper } = world();
    state.stands = false;
    await Promise.all([keeper.look(), keeper.look(), keeper.look()]);
    expect([state.upsets, keeper.isLooking]).toEqual([['emptied'], false]);
  });
});

describe('who is let through', () => {
  const entry = (network: string, more: Partial<BlockEntry> = {}): BlockEntry => ({ network, since: 0, why: '', by: 'operator:wang', active: true, times: 1, ...more });
  const passing = (...blocked: BlockEntry[]): string[] => passingOf([net('192.0.2.0/24')], [net('203.0.113.9'), net('2001:db8::9')], (network) => blocked.find((one) => one.network === network), 1000).map(({ text }) => text);

  it('is whoever is logged on, unless a person blocked the address or a network that it lies in', () => {
    expect(passing()).toEqual(['192.0.2.0/24', '203.0.113.9', '2001:db8::9']);
    expect(passing(entry('203.0.113.9'))).toEqual(['192.0.2.0/24', '2001:db8::9']);
    expect(passing(entry('203.0.113.0/25'), entry('2001:db8::/32'))).toEqual(['192.0.2.0/24']);
    expect(passing(entry('203.0.113.9', { active: false }), entry('2001:db8::9', { until: 999 }), entry('203.0.113.128/25'))).toHaveLength(3);
  });

  it('is the allow list in any case', () => { expect(passing(entry('192.0.2.0/24'))).toContain('192.0.2.0/24'); });
});
