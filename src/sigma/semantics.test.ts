/** What rules mean, one decision a test; among them each mistake that other engines are known to have made. */
import { describe, expect, test } from 'vitest';
import { base64Offsets } from './encode.ts';
import { refusal, ruleOf, run, selects } from '../../test/sigma.ts';

describe('text values', () => {
  test('compare without case, whole field, wildcards anywhere', () => {
    expect(selects({ f: 'ABC' }, { f: 'abc' })).toBe(true);
    expect(selects({ f: 'abc' }, { f: 'xabc' })).toBe(false);
    expect(selects({ f: 'a*c' }, { f: 'A--C' })).toBe(true);
    expect(selects({ f: 'a?c' }, { f: 'ac' })).toBe(false);
    expect(selects({ 'f|cased': 'ABC' }, { f: 'abc' })).toBe(false);
  });

  test.each([
    // rule text, field that matches, field that does not
    ['C:\\x', 'C:\\x', 'C:x'],
    ['C:\\\\x', 'C:\\x', 'C:\\\\x'],
    ['a\\*b', 'a*b', 'a\\xb'],
    ['a\\\\*b', 'a\\xxb', 'a*b'],
    ['a\\\\\\*b', 'a\\*b', 'a\\xb'],
    ['a\\?b', 'a?b', 'axb'],
    ['\\\\\\\\srv', '\\\\srv', '\\srv'],
    ['a\\b', 'a\\b', 'ab'],
  ])('backslashes and wildcards: %s', (source, yes, no) => {
    expect(selects({ f: source }, { f: yes })).toBe(true);
    expect(selects({ f: source }, { f: no })).toBe(false);
  });

  test('a trailing backslash does not eat the * that startswith or contains adds', () => {
    expect(selects({ 'f|startswith': 'C:\\Temp\\' }, { f: 'c:\\temp\\a.exe' })).toBe(true);
    expect(selects({ 'f|contains': '\\Temp\\' }, { f: 'c:\\temp\\a.exe' })).toBe(true);
    expect(selects({ 'f|startswith': 'C:\\Temp\\' }, { f: 'c:\\temp*' })).toBe(false);
  });

  test('? is one character even where it takes two UTF-16 units', () => {
    expect(selects({ f: 'a?b' }, { f: 'a😀b' })).toBe(true);
    expect(selects({ f: 'a??b' }, { f: 'a😀b' })).toBe(false);
  });

  test('folding is one lower-case letter for one letter', () => {
    expect(selects({ f: 'ÉCOLE 𐐀' }, { f: 'école 𐐨' })).toBe(true);
    expect(selects({ f: 'i' }, { f: 'İ' })).toBe(true);
    expect(selects({ f: 'ΟΔΟΣ' }, { f: 'οδοσ' })).toBe(true); // Σ does not depend on what stands around it
  });

  test('empty text, null and missing are told apart', () => {
    expect(selects({ f: '' }, { f: '' })).toBe(true);
    expect(selects({ f: '' }, { f: null })).toBe(false);
    expect(selects({ f: null }, { f: '' })).toBe(false);
    expect(selects({ f: null }, { f: null })).toBe(true);
    expect(selects({ f: null }, {})).toBe(true);
    expect(selects({ f: '*' }, {})).toBe(false);
    expect(selects({ f: '*' }, { f: '' })).toBe(true);
    expect(selects({ 'f|exists': true }, { f: null })).toBe(true);
    expect(selects({ 'f|exists': false }, {})).toBe(true);
  });

  test('numbers match numbers and their text; hexadecimal in the rule also matches as written', () => {
    expect(selects({ f: 4624 }, { f: 4624 })).toBe(true);
    expect(selects({ f: 4624 }, { f: '4624' })).toBe(true);
    expect(selects({ f: '4624' }, { f: 4624 })).toBe(true);
    expect(selects({ f: 4624 }, { f: '04624' })).toBe(false);
    expect(run('title: t\nlogsource: {product: linux}\ndetection: {s: {f: 0xC0000064}, condition: s}', [{ f: '0xc0000064' }, { f: 3221225572 }, { f: '1' }]).matches).toHaveLength(2);
    expect(run('title: t\nlogsource: {product: linux}\ndetection: {s: {f: 18446744073709551615}, condition: s}', [{ f: '18446744073709551615' }, { f: '18446744073709552000' }]).matches).toHaveLength(1);
  });

  test('any element of a list matches; an empty list is null', () => {
    expect(selects({ f: 'b' }, { f: ['a', 'b'] })).toBe(true);
    expect(selects({ f: null }, { f: [] })).toBe(true);
    expect(selects({ 'f|neq': 'b' }, { f: ['a', 'b'] })).toBe(false);
    expect(selects({ 'f|contains|all': ['a', 'b'] }, { f: ['xa', 'xb'] })).toBe(true);
  });

  test('property names of every object are no fields', () => {
    expect(selects({ 'constructor|exists': true }, { f: 1 })).toBe(false);
    expect(selects({ '__proto__|exists': true }, { f: 1 })).toBe(false);
    expect(selects({ 'a.b': 1 }, { a: { b: 1 } })).toBe(true);
    expect(selects({ 'a.b': 1 }, { 'a.b': 1 })).toBe(true);
    expect(selects({ 'a.b': 2 }, { a: [{ b: 1 }, { b: 2 }] })).toBe(true);
  });
});

describe('modifiers', () => {
  test('all means every value, not every word', () => {
    expect(selects({ 'f|contains|all': ['a b', 'c'] }, { f: 'c a b' })).toBe(true);
    expect(selects({ 'f|contains|all': ['a b', 'c'] }, { f: 'b a c' })).toBe(false);
    expect(selects({ 'f|all|contains': ['a', 'c'] }, { f: 'a' })).toBe(false); // and its place in the chain does not matter
  });

  test('the order written is the order applied', () => {
    // contains before base64 would encode the wildcards: refused, never reordered
    expect(refusal(ruleOf({ s: { 'f|contains|base64': 'x' }, condition: 's' }))).toMatch(/^1 value: expected a value without wildcards before base64/);
    expect(selects({ 'f|base64|contains': 'foo' }, { f: 'aaaZm9vaaa' })).toBe(true);
  });

  test('neq holds where no value matches, on missing fields too', () => {
    expect(selects({ 'f|neq': ['a', 'b'] }, { f: 'c' })).toBe(true);
    expect(selects({ 'f|neq': ['a', 'b'] }, { f: 'B' })).toBe(false);
    expect(selects({ 'f|neq': 'a' }, {})).toBe(true);
    expect(selects({ 'f|neq': 5 }, { f: 5 })).toBe(false);
    expect(selects({ 'f|startswith|neq': 'a' }, { f: 'abc' })).toBe(false);
  });

  test('windash takes every dash for every other', () => {
    for (const dash of ['-', '/', '–', '—', '―']) expect(selects({ 'f|windash|contains': ' -a -b' }, { f: `x ${dash}A -b` })).toBe(true);
    expect(selects({ 'f|windash|contains': ' -a /b' }, { f: 'x /a –b' })).toBe(true);
    expect(selects({ 'f|windash|contains': ' -a' }, { f: 'x +a' })).toBe(false);
  });

  test('base64offset finds the text at each alignment in real Base64', () => {
    for (const needle of ['foo bar', '/bin/bash', 'ab', 'é😀']) {
      for (const before of ['', 'x', 'xy', 'xyz']) {
        for (const after of ['', '1', '12', '123']) {
          const encoded = Buffer.from(before + needle + after).toString('base64');
          expect(selects({ 'f|base64offset|contains': needle }, { f: encoded })).toBe(true);
          expect(base64Offsets(Buffer.from(needle).toString('latin1')).some((part) => encoded.includes(part))).toBe(true);
        }
      }
    }
    expect(base64Offsets('foo')).toEqual(['Zm9v', 'Zvb', 'mb2']);
    expect(refusal(ruleOf({ s: { 'f|base64offset|contains': '' }, condition: 's' }))).toMatch(/long enough/);
  });

  test('utf16 is code units: little and big endian, with a mark', () => {
    const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('base64');
    expect(selects({ 'f|wide|base64': 'cmd😀' }, { f: utf16('cmd😀') })).toBe(true);
    expect(selects({ 'f|utf16le|base64offset|contains': 'ping' }, { f: utf16('x ping y') })).toBe(true);
    expect(selects({ 'f|utf16be|base64': 'cmd' }, { f: Buffer.from(utf16('cmd'), 'base64').swap16().toString('base64') })).toBe(true);
    expect(selects({ 'f|utf16|base64': 'cmd' }, { f: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('cmd', 'utf16le')]).toString('base64') })).toBe(true);
    expect(selects({ 'f|wide|contains': 'cmd' }, { f: 'x\0c\0m\0d\0' })).toBe(true);
  });

  test('comparisons take numbers and decimal text', () => {
    expect(selects({ 'f|gte': 10 }, { f: '10' })).toBe(true);
    expect(selects({ 'f|lt': 10 }, { f: 9.5 })).toBe(true);
    expect(selects({ 'f|lt': 10 }, { f: 'abc' })).toBe(false);
    expect(selects({ 'f|lt': 10 }, {})).toBe(false);
    expect(refusal(ruleOf({ s: { 'f|lt': 'ten' }, condition: 's' }))).toMatch(/modifier: expected a number/);
  });

  test('cidr', () => {
    expect(selects({ 'f|cidr': '10.0.0.0/8' }, { f: '10.200.3.4' })).toBe(true);
    expect(selects({ 'f|cidr': ['10.0.0.0/8', '192.168.0.0/16'] }, { f: '192.169.0.1' })).toBe(false);
    expect(selects({ 'f|cidr': '2001:db8::/32' }, { f: '2001:db8:1::5%eth0' })).toBe(true);
    expect(selects({ 'f|cidr': '10.0.0.0/8' }, { f: '::ffff:10.1.1.1' })).toBe(true);
    expect(selects({ 'f|cidr': '0.0.0.0/0' }, { f: 'host' })).toBe(false);
    expect(refusal(ruleOf({ s: { 'f|cidr': '10.0.0.1/8' }, condition: 's' }))).toMatch(/without host bits/);
  });

  test('fieldref', () => {
    expect(selects({ 'f|fieldref': 'g' }, { f: 'A', g: 'a' })).toBe(true);
    expect(selects({ 'f|fieldref|neq': 'g' }, { f: 'A', g: 'a' })).toBe(false);
    expect(selects({ 'f|fieldref|startswith': 'g' }, { f: '/home/x', g: '/home' })).toBe(true);
    expect(selects({ 'f|fieldref|endswith': 'g' }, { f: 'abc', g: 'ab' })).toBe(false);
    expect(selects({ 'f|fieldref': 'g' }, {})).toBe(false);
  });

  test('parts of dates as written, Unix time in UTC', () => {
    expect(selects({ 'f|hour': 23 }, { f: '2026-11-22T23:05:00+08:00' })).toBe(true);
    expect(selects({ 'f|hour|gte': 22 }, { f: Date.UTC(2026, 10, 22, 23) })).toBe(true);
    expect(selects({ 'f|week': 53 }, { f: '2021-01-01' })).toBe(true); // ISO weeks
    expect(selects({ 'f|minute': 0 }, { f: '2021-01-01' })).toBe(false); // a date alone has none
    expect(refusal(ruleOf({ s: { 'f|hour': 24 }, condition: 's' }))).toMatch(/from 0 to 23/);
  });

  test('placeholders expand, or the rule is refused', () => {
    const placeholders = { admins: ['root', 'adm*'] };
    expect(selects({ 'f|expand': '%admins%' }, { f: 'adm_li' }, { placeholders })).toBe(true);
    expect(selects({ 'f|contains|expand': 'user=%admins%' }, { f: 'x user=root y' }, { placeholders })).toBe(true);
    expect(selects({ 'f|expand': '\\%admins%' }, { f: '%admins%' }, { placeholders })).toBe(true);
    expect(selects({ f: '%admins%' }, { f: '%admins%' })).toBe(true); // without expand it is text
    expect(refusal(ruleOf({ s: { 'f|expand': '%admins%' }, condition: 's' }))).toMatch(/^1 placeholder: expected values for the placeholder %admins%/);
  });

  test('unknown and misplaced modifiers are refused, never skipped', () => {
    expect(refusal(ruleOf({ s: { 'f|containz': 'a' }, condition: 's' }))).toMatch(/modifier: expected a modifier of the specification, got "containz"/);
    expect(refusal(ruleOf({ s: { 'f|contains|re': 'a' }, condition: 's' }))).toMatch(/re before modifiers/);
    expect(refusal(ruleOf({ s: { 'f|i': 'a' }, condition: 's' }))).toMatch(/expected re before it/);
    expect(refusal(ruleOf({ s: { f: ['a', null] }, condition: 's' }))).toMatch(/expected no null in the list/);
    expect(refusal(ruleOf({ s: { 'f|re|cased': 'a' }, condition: 's' }))).toMatch(/modifier/);
    expect(refusal(ruleOf({ s: { 'f|exists': 'yes' }, condition: 's' }))).toMatch(/true or false/);
  });
});

describe('selections and conditions', () => {
  test('keywords search all text; |all joins them by and', () => {
    expect(selects(['evil', 'bad'], { a: { b: 'so EVIL' } })).toBe(true);
    expect(selects({ '|all': ['one', 'two'] }, { a: 'one', b: 'two' })).toBe(true);
    expect(selects({ '|all': ['one', 'two'] }, { a: 'one' })).toBe(false);
    expect(selects(['a*d'], { f: 'xx abcd yy' })).toBe(true);
    expect(selects({ '|re': '^x+y' }, { f: 'xxy' })).toBe(true);
    expect(selects(['1234'], { f: 91234 })).toBe(true);
  });

  test('a map is and, a list or, a list of maps or', () => {
    expect(selects({ a: 1, b: [2, 3] }, { a: 1, b: 3 })).toBe(true);
    expect(selects([{ a: 1 }, { b: 2, c: 3 }], { b: 2 })).toBe(false);
    expect(selects([{ a: 1 }, { b: 2, c: 3 }], { b: 2, c: 3 })).toBe(true);
  });

  const holdsFor = (condition: string | string[], event: Record<string, unknown>): boolean =>
    run(ruleOf({ sel_a: { a: 1 }, sel_b: { b: 1 }, _sel_hidden: { z: 1 }, other: { c: 1 }, condition }), [event]).matches.length > 0;

  test.each([
    ['sel_a or sel_b and other', { a: 1 }, true],
    ['(sel_a or sel_b) and other', { a: 1 }, false],
    ['not sel_a and sel_b', { b: 1 }, true],
    ['not (sel_a and sel_b)', { a: 1 }, true],
    ['1 of sel_*', { b: 1 }, true],
    ['any of sel_*', { c: 1 }, false],
    ['all of sel_*', { a: 1, b: 1 }, true],
    ['all of *_*', { a: 1, b: 1 }, true],
    ['1 of them', { z: 1 }, false],
    ['all of them', { a: 1, b: 1, c: 1 }, true],
    ['1 of s*l_b', { b: 1 }, true],
    ['not 1 of sel_* and other', { c: 1 }, true],
    ['NOT sel_a AND other OR sel_b', { b: 1, a: 1 }, true],
    ['_sel_hidden', { z: 1 }, true],
  ])('%s', (condition, event, expected) => { expect(holdsFor(condition, event)).toBe(expected); });

  test('a list of conditions is or', () => { expect(holdsFor(['sel_a', 'sel_b and other'], { a: 1 })).toBe(true); });

  test('broken conditions say what was expected', () => {
    const refuse = (condition: string): string => refusal(ruleOf({ sel: { a: 1 }, condition }));
    expect(refuse('sel | count() > 5')).toMatch(/aggregation: expected a condition without aggregation, got "\| count\(\) > 5"; .*correlation/);
    expect(refuse('sel and')).toMatch(/condition: expected a search identifier or "\(", got its end/);
    expect(refuse('sel nope')).toMatch(/expected "and", "or" or the end/);
    expect(refuse('selection')).toMatch(/expected one of the search identifiers sel, got "selection"/);
    expect(refuse('1 of filter_*')).toMatch(/expected a pattern that some search identifier matches/);
    expect(refuse('2 of sel*')).toMatch(/expected "1 of"/);
    expect(refuse('(sel')).toMatch(/expected "\)"/);
    expect(refuse(`${'('.repeat(100)}sel${')'.repeat(100)}`)).toMatch(/levels of nesting/);
  });

  test('the log source counts: each key the rule names must agree', () => {
    const rule = (logsource: unknown): string => JSON.stringify({ title: 't', logsource, detection: { s: { a: 1 }, condition: 's' } });
    expect(run(rule({ product: 'Linux' }), [{ a: 1 }]).matches).toHaveLength(1);
    expect(run(rule({ product: 'windows' }), [{ a: 1 }]).matches).toHaveLength(0);
    expect(run(rule({ product: 'linux', category: 'process_creation' }), [{ a: 1 }]).matches).toHaveLength(0);
    expect(run(rule({ category: 'webserver' }), [{ a: 1, logsource: { category: 'webserver', product: 'nginx' } }]).matches).toHaveLength(1);
    expect(refusal(rule({ definition: 'some log' }))).toMatch(/logsource: expected category, product or service/);
  });
});

describe('regexes', () => {
  test('search unanchored, mind case unless told, take inline flags', () => {
    expect(selects({ 'f|re': 'b+c' }, { f: 'abbcd' })).toBe(true);
    expect(selects({ 'f|re': 'B' }, { f: 'b' })).toBe(false);
    expect(selects({ 'f|re|i': 'B' }, { f: 'b' })).toBe(true);
    expect(selects({ 'f|re': '(?i)É|x' }, { f: 'é' })).toBe(true);
    expect(selects({ 'f|re': 'a(?i:B)c' }, { f: 'abc' })).toBe(true);
    expect(selects({ 'f|re': 'a(?i:B)c' }, { f: 'abC' })).toBe(false);
    expect(selects({ 'f|re': 'a.b' }, { f: 'a\nb' })).toBe(false);
    expect(selects({ 'f|re|s': 'a.b' }, { f: 'a\nb' })).toBe(true);
    expect(selects({ 'f|re|m': '^b$' }, { f: 'a\nb\nc' })).toBe(true);
    expect(selects({ 'f|re': '^.$' }, { f: '😀' })).toBe(true);
    expect(selects({ 'f|re': '(?<=a)b(?!c)' }, { f: 'abd' })).toBe(true); // look-around, proven cheap
  });

  test('what cannot run in bounded time is refused with its reason', () => {
    const refuse = (regex: string): string => refusal(ruleOf({ s: { 'f|re': regex }, condition: 's' }));
    expect(refuse('(a)\\1')).toMatch(/regex: expected no back-reference/);
    expect(refuse('a++b')).toMatch(/possessive/);
    expect(refuse('(?>a+)b')).toMatch(/atomic/);
    expect(refuse('(?=.*a)(?=.*b).*c')).toMatch(/look-around/);
    expect(refuse('(a')).toMatch(/expected \)/);
    expect(refuse('a{2,1}')).toMatch(/repeat counts/);
    expect(refuse('[z-a]')).toMatch(/range in order/);
    expect(refuse(`${'('.repeat(200)}a${')'.repeat(200)}`)).toMatch(/nested groups/);
    expect(refuse('((a{1000}){1000}){1000}')).toMatch(/regex/);
  });

  test('patterns made to hang do not', () => {
    const evil = ['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*a){20}$', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?:a?){30}a{30}$', '.*.*.*=.*', '\\s+$', '(\\w+\\s?)+:', '([a-zA-Z0-9._%+-]+@)+x'];
    const text = `${'a'.repeat(50_000)}${' '.repeat(50_000)}${'x'.repeat(50_000)}!`;
    const wild = { 'f|contains': ['a*a*a*a*a*a*a*a*a*b', '*x?x?x?x*y*z*'] };
    expect(run(ruleOf({ s: evil.map((regex) => ({ 'f|re': `${regex}NO` })), w: wild, condition: 's or w' }), [{ f: text }]).matches).toHaveLength(0);
  });
});
