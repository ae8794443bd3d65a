import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { sampleConfig } from './config-sample.ts';

describe('configuration', () => {
  it('works with none', () => {
    expect(parseConfig('', 'moat.yml').history.days).toBe(30);
  });

  it('prints a sample that reads back as the defaults, in both languages', () => {
    const defaults = parseConfig('', 'moat.yml');
    expect(parseConfig(sampleConfig('zh'), 'zh.yml')).toEqual(defaults);
    expect(parseConfig(sampleConfig('en'), 'en.yml')).toEqual(defaults);
  });

  it.each([
    ['lang: zh\nlogs:\n  journal: maybe\n', /^moat\.yml:3: logs\.journal: .*"auto"/],
    ['lang: zh\nlogs:\n  filez: [a]\n', /^moat\.yml:3: logs\.filez: /],
    ['history:\n  days: -1\n', /^moat\.yml:2: history\.days: /],
    ['a: [', /^moat\.yml:1: /],
    ['- a\n', /^moat\.yml:1: \(top\): /],
    ['exceptions:\n  - rule: x\n    when: {user: backup}\n', /^moat\.yml:2: exceptions\.0\.why: /],
  ])('names the line of the fault in %j', (text, message) => {
    expect(() => parseConfig(text, 'moat.yml')).toThrow(message);
  });

  it('names every fault, not only the first', () => {
    expect(() => parseConfig('lang: xx\nhistory: {days: 0}\n', 'm.yml')).toThrow(/m\.yml:1: lang[^]*m\.yml:2: history\.days/);
  });

  it('refuses an alias bomb', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;
    expect(() => parseConfig(bomb, 'm.yml')).toThrow();
  });

  it.each([
    ['a ring', 'a: &a {b: *a}\n<<: *a\n', /m\.yml:\d: /],
    ['deep nesting', '{a: '.repeat(50_000), /m\.yml:1: expected less nesting/],
    ['nesting past the limit', `lang: ${'['.repeat(40)}${']'.repeat(40)}`, /m\.yml:1: expected at most 32 levels/],
    ['a key twice', 'lang: zh\nlang: en\n', /m\.yml:2: expected each key once, got "lang" twice/],
    ['60,000 keys', Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'), /m\.yml:1: k0: /],
  ])('refuses %s with its line', (_, text, message) => {
    expect(() => parseConfig(text, 'm.yml')).toThrow(message);
    expect(() => parseConfig(text, 'm.yml')).toThrow(expect.objectContaining({ name: 'MoatError' }));
  });
});
