import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { signatureSamples } from '../../../test/signatures.ts';
import { needsOf } from './need.ts';
import { Witnesses } from './witnesses.ts';

const own = join(import.meta.dirname, '../../../signatures/yara');
const rule = (strings: string, condition: string): string => `rule r { strings: ${strings} condition: ${condition} }`;
const may = (source: string, bytes: string | Buffer): boolean => new Witnesses([source]).mayMatch(Buffer.from(bytes));

describe('own rules', () => {
  const all = new Witnesses(readdirSync(own).map((name) => readFileSync(join(own, name), 'utf8')));
  it('need not be asked about ordinary files, and are about every sample', () => {
    expect(all.always).toBe(false);
    for (const [name, sample] of Object.entries(signatureSamples)) expect(all.mayMatch(Buffer.from(sample)), name).toBe(true);
    for (const text of ['', 'x', '#!/bin/sh\nexec /usr/bin/nginx -g "daemon off;"\n', readFileSync(import.meta.filename)]) expect(all.mayMatch(Buffer.from(text))).toBe(false);
    expect(all.mayMatch(readFileSync('/bin/ls'))).toBe(false);
    const [name, sample] = Object.entries(signatureSamples)[0]!;
    for (const before of ['', 'x']) expect(all.mayMatch(Buffer.concat([Buffer.from(before), Buffer.from(sample)]).subarray(before.length)), name).toBe(true);
  });
});

describe('strings', () => {
  it.each([
    ['$a = "green tea"', 'a green tea!', 'a greentea'],
    ['$a = "Green\\x20\\"Tea\\"\\t" nocase', 'GREEN "tEA"\t', 'GREEN tEA'],
    ['$a = "绿茶"', '喝绿茶', '喝红茶'],
    ['$a = "tea" wide', 't\0e\0a\0', 'tea'],
    ['$a = "tea" ascii wide', 'tea', 't ea'],
    ['$a = { 6a 2A 58 [0-12] ?? ( 01 02 03 | 04 ) 66 67 68 // }\n }', Buffer.from('6a2a580001020366676 8'.replace(' ', ''), 'hex'), Buffer.from('6a2a5800', 'hex')],
    ['$a = /gr(ee|e{2,3})n\\s?(tea|coffee)[0-9]+\\/x{3}/', 'green tea1/xxx', 'green milk1/xxx'],
    ['$a = /(?:wget|curl)\\x20/i', 'WGET x', 'fetch x'],
    ['$a = /abc+def?ghi/', 'abcccdeghi', 'abcccdexhi'],
    ['$a = /[\\]"]stratum/ // "not this"\n', ']stratum', ']stratus'],
  ])('%s', (strings, yes, no) => {
    expect(may(rule(strings, '$a'), yes)).toBe(true);
    expect(may(rule(strings, '$a'), no)).toBe(false);
  });
  it('are found wherever they stand', () => {
    for (const text of ['tea', 'green tea']) for (let before = 0; before < 5; before++) for (let after = 0; after < 3; after++) expect(may(rule(`$a = "${text}" nocase`, '$a'), `${'.'.repeat(before)}${text.toUpperCase()}${'.'.repeat(after)}`)).toBe(true);
  });
  it('of which nothing stands fast are left to the engine', () => {
    for (const strings of ['$a = "ab"', '$a = "tea" xor', '$a = "tea" base64', '$a = /a?b*c{0,2}|tea/', '$a = /(?i)tea/', '$a = /te.a/', '$a = { ?? 6a 2a ~58 }', '$a = /tea/ wide', '$a = /(tea/']) expect(may(rule(strings, '$a'), 'x'), strings).toBe(true);
  });
});

describe('conditions', () => {
  const strings = '$a = "green" $b1 = "black" $b2 = "white" $ = "tea"';
  it.each([
    ['$a and $b1', 'green black', 'green'],
    ['$a or $b1 and $b2', 'black white', 'black tea'],
    ['($a or $b1) and $b2', 'black white', 'black green'],
    ['any of them', 'tea', 'milk'],
    ['2 of ($b*, $a)', 'black green', 'black tea'],
    ['all of ($b*) at 0', 'black white', 'black'],
    ['$a at 0 and any of ($b*) in (0..100)', 'green white', 'green'],
    ['filesize < 1KB and $a', 'green', 'milk'],
    ['filesize <= 5 and $a', 'green', 'green!'],
    ['uint16(0) == 0x7267 and $a', 'green', ' green'],
    ['uint32be(0) == 0x67726565 and filesize < 1MB', 'green', 'tea'],
    ['not $b1 and $a', 'green', 'tea'],
    ['for all i in (1..#a) : (@a[i] < 10 or $b1) and $b2', 'white', 'black'],
    ['#a > 3 and $a', 'green', 'tea'],
  ])('%s', (condition, yes, no) => {
    expect(may(rule(strings, condition), yes)).toBe(true);
    expect(may(rule(strings, condition), no)).toBe(false);
  });
  it('that ask for nothing, or cannot be read, are left to the engine', () => {
    for (const condition of ['not $a', '#a == 0', 'none of them', '0 of them', 'true', 'for any of them : ($ at 0)', 'pe.is_pe', 'any of (other*)', '50% of them', '$a or true', 'with x = 1 : (x == 1)', 'defined $a', '($a == 1)', `${'('.repeat(200)}$a${')'.repeat(200)}`]) expect(may(rule(strings, condition), 'x'), condition).toBe(true);
    for (const source of ['rule r { condition: true', 'rule r { strings: a condition: $a }', 'include "x.yar"', 'rule r { strings: $a = "x condition: $a }']) expect(may(source, 'x'), source).toBe(true);
  });
  it('know private rules of the same file by what they ask', () => {
    const source = `private rule elf { condition: uint32(0) == 0x464c457f }\n${rule('$a = "green"', 'elf and $a')}`;
    expect(needsOf(source)).toHaveLength(1);
    expect(may(source, '\x7fELF green')).toBe(true);
    expect(may(source, 'green')).toBe(false);
  });
});

describe('hostile files', () => {
  it('are handed to the engine when they take too long', () => {
    const many = Array.from({ length: 400 }, (_, i) => `$s${i} = "${'a'.repeat(40)}${i}"`).join(' ');
    expect(may(rule(many, 'any of them'), 'a'.repeat(10_000))).toBe(true);
    expect(may(rule(many, 'any of them'), 'b'.repeat(10_000))).toBe(false);
  });
});
