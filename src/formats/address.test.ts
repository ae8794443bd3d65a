import { describe, expect, it } from 'vitest';
import { canonicalIp } from '../core/address.ts';
import { addressAndPort, clientBehindProxy, isPrivate } from './address.ts';

describe('addresses as logs write them', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['256.0.2.1', undefined],
    ['192.0.2', undefined],
    ['192.0.2.1.5', undefined],
    ['2001:db8::1::2', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['g::1', undefined],
    ['', undefined],
  ])('%s is %s', (text, canonical) => expect(canonicalIp(text)).toBe(canonical));

  it('takes the port off', () => {
    expect(addressAndPort('192.0.2.1:8080')).toEqual({ ip: '192.0.2.1', port: 8080 });
    expect(addressAndPort('[2001:db8::1]:8080')).toEqual({ ip: '2001:db8::1', port: 8080 });
    expect(addressAndPort('2001:db8::1:58430')).toEqual({ ip: '2001:db8::1', port: 58430 });
    expect(addressAndPort('::ffff:192.0.2.1:58430')).toEqual({ ip: '192.0.2.1', port: 58430 });
    expect(addressAndPort('192.0.2.1')).toEqual({ ip: '192.0.2.1' });
    expect(addressAndPort('example.net:80')).toBeUndefined();
    expect(addressAndPort('192.0.2.1:99999')).toBeUndefined();
  });

  it('trusts a forwarded address only from a private peer, and only the rightmost public one', () => {
    expect(clientBehindProxy('198.51.100.7', '203.0.113.9')).toBe('198.51.100.7');
    expect(clientBehindProxy('10.0.0.2', '203.0.113.9')).toBe('203.0.113.9');
    expect(clientBehindProxy('10.0.0.2', '192.0.2.66, 203.0.113.9, 10.0.0.3')).toBe('203.0.113.9');
    expect(clientBehindProxy('10.0.0.2', '192.0.2.66, nonsense')).toBe('10.0.0.2');
    expect(clientBehindProxy('10.0.0.2', '-')).toBe('10.0.0.2');
  });

  it('knows private ranges', () => {
    expect(['10.1.1.1', '172.16.0.1', '172.31.9.9', '192.168.1.1', '127.0.0.1', '100.64.0.1', '169.254.1.1', '::1', 'fd00::1', 'fe80::1'].every(isPrivate)).toBe(true);
    expect(['172.32.0.1', '172.15.0.1', '100.128.0.1', '192.0.2.1', '2001:db8::1'].some(isPrivate)).toBe(false);
  });
});
