import { expect, it } from 'vitest';
import { faultZh, parse } from './index.ts';

it('what is wrong with a rule is told in Chinese, with what it names; what has no sentence keeps its detail', () => {
  const wrong = (text: string): string[] => parse([{ file: 'a.yml', text }]).errors.map(({ code, message }) => faultZh(code, message));
  const rule = (more: string): string => `title: x\nlogsource: { product: linux }\n${more}`;
  expect(wrong('logsource: { product: linux }\ndetection: { a: { b: c }, condition: a }')).toEqual(['缺少 title']);
  expect(wrong(rule('level: bad\ndetection: { a: { b: c }, condition: a }'))).toEqual(['level 应为 informational、low、medium、high 或 critical，实为 "bad"']);
  expect(wrong(rule('detection: { a: { b|odd: c }, condition: a }'))).toEqual(['没有修饰符 "odd"']);
  expect(wrong(rule('detection: { a: { b: c } }'))).toEqual(['缺少 condition']);
  expect(wrong(rule('detection: { a: { b: [] }, condition: a }'))).toEqual(['"b" 至少要有一个值']);
  // In a value there may be what looks like a place to fill.
  expect(faultZh('metadata', 'expected status a, got "$1 $2"')).toBe('status 应为 a，实为 "$1 $2"');
  expect(wrong(rule('detection: { a: { b|re: "(" }, condition: a }'))[0]).toMatch(/^正则有误，或不能在线性时间内运行（expected /);
});
