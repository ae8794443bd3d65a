import { describe, expect, it } from 'vitest';
import { parse } from '../sigma/index.ts';
import { wordsOf } from './rule-words.ts';

const rule = (more: string): Parameters<typeof wordsOf>[0] => {
  const { rules, errors } = parse([{ file: 'r.yml', text: `title: A log-on\nname: log_on\nlevel: high\nlogsource: {product: linux}\ndetection: {a: {user: x}, condition: a}\n${more}` }]);
  expect(errors).toEqual([]);
  return rules[0]!;
};

describe('what a rule says', () => {
  it('is in both languages where it has both', () => {
    const words = wordsOf(rule('description: Somebody logged on.\nfalsepositives: [an owner, a test]\ntags: [attack.t1078, attack.persistence]\nmoat: {zh: 登录, description: {zh: 有人登录了}, falsepositives: {zh: [主人]}, advice: {zh: 问主人, en: Ask the owner}, matrix: [暴力破解]}\n'));
    expect(words).toEqual({
      ruleId: 'log_on', title: { zh: '登录', en: 'A log-on' }, level: 'high', attack: ['T1078'], matrix: ['暴力破解'], description: { zh: '有人登录了', en: 'Somebody logged on.' },
      // What was not translated stands as it is.
      falsePositives: [{ zh: '主人', en: 'an owner' }, { zh: 'a test', en: 'a test' }], advice: { zh: '问主人', en: 'Ask the owner' },
    });
  });

  it.each(['', 'moat: 5\n', 'moat: [a]\n', 'moat: {zh: 5, summary: x, matrix: x, description: x, falsepositives: {zh: x}, advice: 7}\n', 'moat: {description: null, falsepositives: {zh: [1]}, advice: {}}\n'])('of another’s rule is what Sigma has: %j', (moat) => {
    expect(wordsOf(rule(`description: d\nfalsepositives: [f]\n${moat}`))).toEqual({ ruleId: 'log_on', title: { zh: 'A log-on', en: 'A log-on' }, level: 'high', attack: [], matrix: [], description: { zh: 'd', en: 'd' }, falsePositives: [{ zh: 'f', en: 'f' }] });
  });
});
