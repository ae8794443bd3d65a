import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSocksGreeting, proxyTarget } from './proxy.ts';

it('names whom a proxy is asked for', () => {
  expect(proxyTarget('CONNECT Pool.example.org:3333 HTTP/1.1\r\n')).toEqual({ host: 'pool.example.org', port: 3333 });
  expect(proxyTarget('\x05\x01\x00\x05\x01\x00\x03\x0cabcdef.onion\x0d\x05')).toEqual({ host: 'abcdef.onion', port: 3333 });
  expect(isSocksGreeting('\x05\x01\x00')).toBe(true);
  expect(isSocksGreeting('\x05\x02\x00\x02')).toBe(true);
  expect(isSocksGreeting('\x05hello')).toBe(false);
  expect(proxyTarget('GET / HTTP/1.1\r\n')).toBeUndefined();
});

it('takes anything', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 256 }), (text) => { expect(() => [proxyTarget(text), proxyTarget(`\x05\x01\x00${text}`), isSocksGreeting(text)]).not.toThrow(); }));
});
