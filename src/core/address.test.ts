import { assert, ipV4, ipV6, oneof, property, string } from 'fast-check';
import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { canonicalIp } from './address.ts';

test('one form for every way to write an address', () => {
  const forms: [string, string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'], ['::ffff:192.0.2.1', '192.0.2.1'], ['::FFFF:c000:201', '192.0.2.1'], ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'], ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'], ['[2001:db8::1]', '2001:db8::1'], ['fe80::1%eth0', 'fe80::1'], ['::', '::'], ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['', undefined], ['192.0.2', undefined], ['192.0.2.256', undefined], ['192.0.2.1.', undefined], ['1:2:3', undefined], ['1::2::3', undefined], ['::g', undefined], ['host.example.net', undefined], ['2001:db8::1::', undefined], [`${'1:'.repeat(40)}1`, undefined],
  ];
  expect(forms.map(([text]) => [text, canonicalIp(text)])).toEqual(forms);
});

test('what it takes is an address for Node too, and its form is stable', () => {
  assert(property(oneof(ipV4(), ipV6(), string()), (text) => {
    const ip = canonicalIp(text);
    if (isIP(text) > 0) expect(ip).toBeDefined();
    if (ip === undefined) return;
    expect(isIP(ip)).toBeGreaterThan(0);
    expect(canonicalIp(ip)).toBe(ip);
  }));
});
