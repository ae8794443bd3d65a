import { describe, expect, it } from 'vitest';
import { canonicalAddress, isAddress, isHost, readTail, type Tail } from './address.ts';

describe('addresses in one form', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'], ['::ffff:192.0.2.7', '192.0.2.7'], ['::FFFF:192.0.2.7', '192.0.2.7'], ['[::ffff:192.0.2.7]', '192.0.2.7'],
    ['[192.0.2.7]', '192.0.2.7'], ['fe80::1%eth0', 'fe80::1'], ['2001:DB8::A', '2001:db8::a'], ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], ['0:0:0:0:0:0:0:1', '::1'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['host.example.net', 'host.example.net'], ['::', '::'], ['1:2:3:00:5:6:7:8:9', '1:2:3:00:5:6:7:8:9'], ['', ''],
  ])('%s', (text, expected) => { expect(canonicalAddress(text)).toBe(expected); });

  it('tells hosts from other text', () => {
    expect(['host-1.example.net', '192.0.2.7', 'fe80::1%eth0'].every(isHost)).toBe(true);
    expect(['', 'a b', "x'", 'a/b', 'x'.repeat(256)].some(isHost)).toBe(false);
    expect([isAddress('192.0.2.7'), isAddress('::1'), isAddress('host7')]).toEqual([true, true, false]);
  });
});

describe('the right end of a line', () => {
  const tail: Tail = { from: -1, address: '', port: -1 };
  it.each([
    ['x from 192.0.2.7 port 22', [7, '192.0.2.7', 22]],
    ['x from 192.0.2.7', [7, '192.0.2.7', -1]],
    ['192.0.2.7 port 22', [0, '192.0.2.7', 22]],
    ['x from 192.0.2.7 port 123456', [22, '123456', -1]],
    ['x from "192.0.2.7"', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(readTail(text, text.length, tail) ? [tail.from, tail.address, tail.port] : undefined).toEqual(expected);
  });
});
