import { expect, it } from 'vitest';
import { Recent } from './recent.ts';

it('remembers at least its size of what was used last, and never twice as much', () => {
  const recent = new Recent<number, string>(10);
  for (let i = 0; i < 1000; i += 1) { recent.set(i, `v${i}`); recent.get(3); }
  const left = Array.from({ length: 1000 }, (_, i) => i).filter((i) => recent.get(i) !== undefined);
  expect(left.length).toBeLessThanOrEqual(20);
  expect(left).toContain(3);
  expect(left).toEqual(expect.arrayContaining([991, 992, 993, 994, 995, 996, 997, 998, 999]));
});
