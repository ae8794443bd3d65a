import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, mergeNetworks, network6Of, type Network, parseNetwork } from './networks.ts';

const net = (text: string): Network => {
  const found = parseNetwork(text);
  if (!found) throw new Error(text);
  return found;
};

describe('a network', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'], ['203.0.113.9/24', '203.0.113.0/24'], ['203.0.113.9/32', '203.0.113.9'], ['2001:DB8:0::7/64', '2001:db8::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'], ['::ffff:192.0.2.1/120', '192.0.2.0/24'], ['0.0.0.0/0', '0.0.0.0/0'], ['::/0', '::/0'],
  ])('%s reads as %s', (text, canonical) => { expect(parseNetwork(text)?.text).toBe(canonical); });

  it.each(['', 'host', '203.0.113.9/33', '203.0.113.9/', '203.0.113.9/-1', '2001:db8::/129', '1.2.3', '::ffff:192.0.2.1/24', '203.0.113.9/24/8', '1'.repeat(100)])('%s is none', (text) => { expect(parseNetwork(text)).toBeUndefined(); });

  it('holds what lies in it', () => {
    expect(holds(net('203.0.113.0/24'), net('203.0.113.200'))).toBe(true);
    expect(holds(net('203.0.113.0/24'), net('203.0.112.0/23'))).toBe(false);
    expect(holds(net('0.0.0.0/0'), net('::1'))).toBe(false);
    expect(holds(net('2001:db8::/32'), net('2001:db8:ffff::/48'))).toBe(true);
  });
});

describe('merging', () => {
  it('drops what another holds and joins neighbours', () => {
    expect(mergeNetworks(['203.0.113.0/25', '203.0.113.128/25', '203.0.113.77', '198.51.100.1', '198.51.100.1', '2001:db8::/33', '2001:db8:8000::/33'].map(net)).map((one) => one.text)).toEqual(['198.51.100.1', '203.0.113.0/24', '2001:db8::/32']);
  });

  it('holds exactly the same addresses as before', () => {
    const small = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 })).map(([last, bits]) => net(`203.0.113.${last}/${bits}`));
    fc.assert(fc.property(fc.array(small, { maxLength: 30 }), (networks) => {
      const merged = mergeNetworks(networks);
      for (let last = 0; last < 256; last++) {
        const one = net(`203.0.113.${last}`);
        expect(merged.some((network) => holds(network, one))).toBe(networks.some((network) => holds(network, one)));
      }
      for (const [i, a] of merged.entries()) for (const b of merged.slice(i + 1)) expect(holds(a, b) || holds(b, a)).toBe(false);
    }));
  });
});

it('tells the network of an IPv6 address, and of nothing else', () => {
  expect(['2001:db8:1:2:3::4', '::1', 'fe80::1%eth0', '203.0.113.9', '::ffff:203.0.113.9', 'x:y', ''].map((text) => network6Of(text, 64))).toEqual(['2001:db8:1:2::/64', '::/64', 'fe80::/64', undefined, undefined, undefined, undefined]);
  expect([network6Of('2001:db8:1:2ff::1', 56), network6Of('2001:db8::1', 128)]).toEqual(['2001:db8:1:200::/56', undefined]);
});
