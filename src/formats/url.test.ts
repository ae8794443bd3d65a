import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUrl } from './url.ts';

describe('decoding a request target', () => {
  it.each([
    ['/plain/path?x=1', '/plain/path?x=1'],
    ['/%2e%2e/%2e%2e/etc/passwd', '/../../etc/passwd'],
    ['/%252e%252e%252fetc', '/../etc'],
    ['/%25252e', '/.'],
    ['/%2525252e', '/%2e'], // the fourth round is not run
    ['/a+b?q=a+b%2Bc', '/a+b?q=a b+c'],
    ['/%u002e%u002E/', '/../'],
    ['/%c0%ae%c0%ae%c0%afx', '/../x'],
    ['/%e4%b8%ad%e6%96%87', '/中文'],
    ['/%ff%fe', '/��'],
    ['/%e4%b8', '/��'],
    ['/a%00.php', '/a.php'],
    ['/a\\..\\b%5c', '/a\\..\\b\\'],
    ['/100%', '/100%'],
    ['/%zz%4', '/%zz%4'],
    ['/&lt;script&gt;', '/&lt;script&gt;'],
    ['', ''],
  ])('%s', (target, decoded) => expect(decodeUrl(target)).toBe(decoded));

  it('never throws and never holds a NUL', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('%', '0', 'c', 'a', 'e', 'f', 'u', '2', '5', '+', '?', '/', 'z') }), (target) => {
      expect(decodeUrl(target)).not.toContain('\0');
    }));
  });
});
