/** A tree may have so many nodes: counted wherever a source is long enough to have them. */
import { describe, expect, it } from 'vitest';
import { Budget, defaultLimits } from '../sign.ts';
import { parse } from './parse.ts';

const budget = (nodes: number): Budget => new Budget({ ...defaultLimits, nodes });

describe('nodes of a source', () => {
  // The densest there is: two nodes a character.
  it.each(['[['.repeat(20) + ']]'.repeat(20), '1;'.repeat(60), 'a;'.repeat(60)])('%.12s… beyond the limit ends the reading', (source) => {
    expect(() => parse(source, true, budget(source.length / 2))).toThrow('more nodes than allowed');
  });

  it('that cannot have so many is read', () => {
    const source = '1;'.repeat(60);
    expect(parse(source, true, budget(source.length * 4))?.children).toHaveLength(60);
  });
});
