import { describe, expect, it } from 'vitest';
import { marksOf } from './marks.ts';

describe('what of a value a rule wanted', () => {
  it('finds each place, in either case, and joins those that overlap', () => {
    expect(marksOf('GET /?q=UNION union', ['union'])).toEqual([[8, 13], [14, 19]]);
    expect(marksOf('abcdef', ['*bcd*', 'cde'])).toEqual([[1, 5]]);
  });
  it('marks nothing for nothing, and nothing when case changes lengths', () => {
    expect(marksOf('abc', ['', '*', 'x'])).toEqual([]);
    expect(marksOf('İabc', ['abc'])).toEqual([]);
  });
  it('ends on a value made of one letter', () => {
    expect(marksOf('a'.repeat(100_000), ['a'])).toEqual([[0, 20]]);
  });
});
