/** The compiled engine and the interpreter give the same answers, on random rules and events. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, parse, recordBinding } from './index.ts';
import { compileGlob } from './glob.ts';
import { globMatches } from './interpret.ts';
import { NeedleSearch } from './needles.ts';
import { fold, parsePattern } from './pattern.ts';
import { compileLinear, compileRegex } from './regex.ts';

type Row = Record<string, unknown>;

// Few characters, so that rules and events meet: case pairs, wildcards, dashes, odd lower cases, surrogate pairs.
const letter = fc.constantFrom('a', 'A', 'b', 'B', 'x', '\\', '/', '-', '\u2013', ' ', '.', '%', 'é', 'É', 'İ', 'Σ', 'ς', '😀', '𐐀', '𐐨', '1', '0', '\0');
const word = fc.array(letter, { maxLength: 8 }).map((chars) => chars.join(''));
const pattern = fc.array(fc.oneof({ weight: 4, arbitrary: letter }, { weight: 1, arbitrary: fc.constantFrom('*', '?', '\\*', '\\?', '\\\\') }), { maxLength: 8 }).map((chars) => chars.join(''));
const field = fc.constantFrom('f', 'g', 'h', 'n.a');
const number = fc.constantFrom(0, 1, 10, -1, 1.5, 100);

const scalar = fc.oneof({ weight: 5, arbitrary: word }, { weight: 2, arbitrary: number }, { weight: 1, arbitrary: fc.boolean() }, { weight: 1, arbitrary: fc.constant(null) });
const fieldValue = fc.oneof({ weight: 6, arbitrary: scalar }, { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) }, { weight: 1, arbitrary: fc.constant({ deep: 'a' }) });
const event: fc.Arbitrary<Row> = fc.record({ f: fieldValue, g: fieldValue, h: fieldValue, n: fc.record({ a: fieldValue }, { requiredKeys: [] }), 'n.a': fieldValue }, { requiredKeys: [] });

const textChain = fc.constantFrom('', '|contains', '|startswith', '|endswith', '|windash', '|windash|contains', '|contains|windash', '|cased', '|contains|cased', '|neq', '|neq|endswith', '|all|contains', '|contains|all', '|wide', '|utf16be|contains', '|expand', '|expand|contains');
const listed = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 12 }));
const item = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(field, textChain, listed(fc.oneof({ weight: 5, arbitrary: pattern }, { weight: 1, arbitrary: word }, { weight: 1, arbitrary: number }, { weight: 1, arbitrary: fc.boolean() }))) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constantFrom('|base64', '|base64offset|contains', '|wide|base64offset|contains', '|utf16|base64'), listed(word)) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constantFrom('', '|neq'), fc.constant(null)) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constant('|exists'), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(field, fc.constantFrom('|re', '|re|i', '|re|i|m|s', '|re|neq'), listed(fc.constantFrom('a+b', '^a', '[ab]{2}', '(?i)x.a', 'a|b', '\\d+$', 'É', 'a.*b.*x', '(a|b)*x'))) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constantFrom('|lt', '|lte', '|gt', '|gte'), listed(number)) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constantFrom('|fieldref', '|fieldref|startswith', '|fieldref|contains', '|fieldref|endswith', '|fieldref|cased', '|neq|fieldref'), fc.constantFrom('f', 'g', 'h', 'missing')) },
  { weight: 1, arbitrary: fc.tuple(field, fc.constantFrom('|cidr', '|hour', '|hour|gte'), fc.constantFrom('10.0.0.0/8', '::/0', 5)) },
);
const map = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => Object.fromEntries(items.map(([name, chain, value]) => [name + chain, value])));
const selection = fc.oneof({ weight: 4, arbitrary: map }, { weight: 1, arbitrary: fc.array(map, { minLength: 1, maxLength: 3 }) }, { weight: 1, arbitrary: fc.array(pattern, { minLength: 1, maxLength: 9 }) }, { weight: 1, arbitrary: fc.record({ '|all': fc.array(pattern, { minLength: 1, maxLength: 3 }) }) });
const condition = fc.constantFrom('s1', 'not s1', 's1 and s2', 's1 or s2', 's1 and not s2', '1 of s*', 'all of them', 'not (s1 or s2)', 'not s1 and (s2 or not s3)', 's3 and 1 of s*');
const rule = fc.record({ s1: selection, s2: selection, s3: selection, condition }).map((detection) => ({ title: 'Random', logsource: { product: 'any' }, detection }));

describe('compiled and interpreted', () => {
  test('agree on which rules match', () => {
    let matched = 0;
    let accepted = 0;
    fc.assert(fc.property(fc.array(rule, { minLength: 1, maxLength: 12 }), fc.array(event, { minLength: 1, maxLength: 8 }), (rules, events) => {
      const files = rules.map((one, index) => ({ file: `${index}.yml`, text: JSON.stringify(one) }));
      const parsed = parse(files, { placeholders: { ab: ['a*', 'B'], a: ['x'] } });
      accepted += parsed.rules.length;
      const answers = [true, false].map((interpreted) => {
        const engine = compile<Row>(parsed, recordBinding({ logsource: { product: 'any' } }), { interpreted });
        return events.map((one) => { const out: string[] = []; engine.evaluate(one, (match) => out.push(match.rule.file)); return out; });
      });
      matched += answers[0]!.flat().length;
      expect(answers[1]).toEqual(answers[0]);
    }), { numRuns: 400 });
    // The generators are worth something only when rules are mostly accepted and often match.
    expect(accepted).toBeGreaterThan(500);
    expect(matched).toBeGreaterThan(500);
  });

  test('agree on wildcards', () => {
    fc.assert(fc.property(pattern, word, (one, text) => {
      const parts = parsePattern(fold(one));
      expect(compileGlob(parts)(fold(text))).toBe(globMatches(parts, fold(text)));
    }), { numRuns: 5000 });
  });

  test('a pattern made from a text matches the text', () => {
    fc.assert(fc.property(word, fc.array(fc.nat(7), { maxLength: 3 }), (text, cuts) => {
      // Replace some characters by ?, some stretches by *, and escape the rest.
      const chars = Array.from(text);
      const source = chars.map((char, i) => cuts.includes(i) ? (i % 2 ? '?' : '*') : char === '\\' ? '\\\\' : char).join('');
      expect(globMatches(parsePattern(source), text)).toBe(true);
      expect(compileGlob(parsePattern(source))(text)).toBe(true);
    }), { numRuns: 3000 });
  });
});

describe('needles', () => {
  test('are all found, overlapping ones and those inside others too', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'é', '\u{1F600}'), { minLength: 1, maxLength: 9 }).map((chars) => chars.join(''));
    fc.assert(fc.property(fc.uniqueArray(letters.filter((text) => text.length > 1), { minLength: 1, maxLength: 60 }), fc.array(letters, { maxLength: 6 }), (needles, pieces) => {
      const text = pieces.join('');
      const found = new Set<number>();
      new NeedleSearch(new Map(needles.map((needle, i) => [needle, [i]]))).each(text, (rules) => { for (const rule of rules) found.add(rule); });
      expect([...found].sort((a, b) => a - b)).toEqual(needles.flatMap((needle, i) => text.includes(needle) ? [i] : []));
    }), { numRuns: 1500 });
  });
});

describe('regexes', () => {
  const atom = fc.constantFrom('a', 'b', 'x', '.', '\\d', '\\w', '\\s', '[ab]', '[^a]', '[a-x]', 'É', '😀', '\\.', '\\b', '[[:alpha:]]', '\\x41', 'K', 's');
  const regex: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, atom, fc.tuple(tie('any'), tie('any')).map(([a, b]) => a + b), fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a}|${b})`), fc.tuple(tie('any'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '+?')).map(([a, q]) => `(?:${a})${q}`), tie('any').map((a) => `^${a}`), tie('any').map((a) => `${a}$`)),
  })).any;
  const subject = fc.array(fc.constantFrom('a', 'b', 'x', 'A', ' ', '\n', '1', '.', 'é', '😀', 's', 'K', 'k'), { maxLength: 12 }).map((chars) => chars.join(''));

  test('run the same on V8 and on the linear engine, and hold their mandatory literals', () => {
    let v8 = 0;
    fc.assert(fc.property(regex, fc.boolean(), fc.boolean(), fc.boolean(), fc.array(subject, { minLength: 1, maxLength: 5 }), (source, i, m, s, texts) => {
      const compiled = compileRegex(source, { i, m, s });
      const linear = compileLinear(source, { i, m, s });
      if (compiled.engine === 'v8') v8++;
      for (const text of texts) {
        const found = linear.test(text);
        expect(compiled.matcher.test(text)).toBe(found);
        if (found && compiled.literals) expect(compiled.literals.some((literal) => fold(text).includes(literal))).toBe(true);
      }
    }), { numRuns: 3000 });
    expect(v8).toBeGreaterThan(300);
  });

  test.each([['a{1001}b+c'], ['(?:(?:a|b+){100}){20}'], ['(?:a+b+){900}{2}'], [String.raw`\p{NoSuchThing}+x+`]])('%s, which neither engine takes, is refused when it is read', (source) => {
    expect(() => compileLinear(source, { i: false, m: false, s: false })).toThrow(/expected/);
  });

  test('with large repeats: what was taken when it was read runs', () => {
    const large: fc.Arbitrary<string> = fc.tuple(fc.constantFrom('a', 'ab', 'a|b+', '[^a]', 'a*b'), fc.integer({ min: 1, max: 1100 }), fc.integer({ min: 1, max: 40 }), fc.constantFrom('', '+', '*', '?')).map(([item, n, m, q]) => `(?:(?:${item}){${n}}${q === '' ? '' : 'c'}){${m}}x${q}`);
    let taken = 0;
    fc.assert(fc.property(large, (source) => {
      let linear;
      try { linear = compileLinear(source, { i: false, m: false, s: false }); } catch { return; /* refused when it was read */ }
      taken++;
      linear.test('ab');
    }), { numRuns: 60 });
    expect(taken).toBeGreaterThan(10);
  });
});
