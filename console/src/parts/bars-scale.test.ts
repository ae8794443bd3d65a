import { describe, expect, it } from 'vitest';
import { axisTop, ticksOf } from './bars-scale.ts';

describe('the axes of bars', () => {
  it('end at a number whose half is whole', () => {
    expect([1, 2, 3, 5, 7, 11, 99, 101, 12_345].map(axisTop)).toEqual([2, 2, 4, 6, 10, 20, 100, 200, 20_000]);
  });
  it('name few bars, evenly', () => {
    expect(ticksOf(48)).toEqual([3, 10, 17, 24, 31, 38, 45]);
    expect(ticksOf(3)).toEqual([0, 1, 2]);
    expect(ticksOf(0)).toEqual([]);
  });
});
