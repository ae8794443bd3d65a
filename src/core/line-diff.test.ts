import { expect, it } from 'vitest';
import { lineDiff } from './line-diff.ts';

it('tells what went and came, with the line before it', () => {
  expect(lineDiff('a\nb\nc\nd\n', 'a\nB\nc\nd\ne\n')).toBe(' a\n-b\n+B\n d\n+e');
  expect(lineDiff('a\n', 'a\n')).toBe('');
  expect(lineDiff('', 'x\n')).toBe('-\n+x');
});

it('stays short for texts that have nothing in common, however long', () => {
  const long = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word}${i}${'x'.repeat(2000)}`).join('\n');
  const diff = lineDiff(long('a'), long('b'));
  expect(diff.split('\n')).toHaveLength(61);
  expect(diff.length).toBeLessThan(20_000);
});
