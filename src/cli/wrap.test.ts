import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, widthOf, wrap } from './wrap.ts';

describe('wrapped text', () => {
  it.each([
    ['one two three four', 9, 0, ['one two', 'three', 'four']],
    ['one two three', 8, 2, ['one two', '  three']],
    ['护城河发现三处确凿的迹象。', 12, 0, ['护城河发现三', '处确凿的迹', '象。']],
    ['计划任务：/tmp/.x/kd 会反复运行', 14, 0, ['计划任务：', '/tmp/.x/kd 会', '反复运行']],
    ['/a/very/long/path/that/has/no/blank', 12, 2, ['/a/very/long', '  /path/that', '  /has/no/bl', '  ank']],
    ['', 10, 0, ['']],
  ])('%j at %d', (text, columns, hang, lines) => expect(wrap(text, columns, hang)).toEqual(lines));

  it('never is wider than asked for and loses nothing but blanks', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '/', ' ', '中', '，', '（', '😀', 'e\u0301') }), fc.integer({ min: 12, max: 60 }), (text, columns) => {
      const lines = wrap(text, columns, 2);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }));
  });

  it('is cut with a sign', () => {
    expect(cutAt('中文字符', 5)).toBe('中文…');
    expect(cutAt('abc', 3)).toBe('abc');
  });
});
