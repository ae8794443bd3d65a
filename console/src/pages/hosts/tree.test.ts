import { describe, expect, it } from 'vitest';
import { isLoopback, type Process, treeRows } from './tree.ts';

const one = (pid: number, parent: number | undefined, more: Partial<Process> = {}): Process => ({ pid, started: pid * 10, name: `p${pid}`, origin: { kind: 'service', since: 0 }, ...(parent !== undefined && { parent }), ...more });
const shape = (rows: ReturnType<typeof treeRows>): string[] => rows.map(({ process: { pid }, depth, fits }) => `${' '.repeat(depth)}${pid}${fits ? '' : '?'}`);

describe('the tree of processes', () => {
  const all = [one(1, undefined), one(9, 0), one(5, 3, { user: 'deploy' }), one(3, 0), one(7, undefined)];
  it('has parents before children, whatever their order', () => {
    expect(shape(treeRows(all, {}, new Set()))).toEqual(['1', ' 9', ' 3', '  5', '7']);
    expect(treeRows(all, {}, new Set())[0]!.below).toBe(3);
  });
  it('hides what is below a closed one, and shows the parent of one that fits', () => {
    expect(shape(treeRows(all, {}, new Set(['1-10'])))).toEqual(['1', '7']);
    expect(shape(treeRows(all, { user: 'deploy' }, new Set(['1-10'])))).toEqual(['3?', ' 5']);
    expect(shape(treeRows(all, { text: 'P7' }, new Set()))).toEqual(['7']);
  });
  it('ends for parents in a ring, for a parent that is not there and for a chain of any length', () => {
    expect(shape(treeRows([one(1, 1), one(2, 0), one(4, 99)], {}, new Set()))).toEqual(['4']);
    const long = Array.from({ length: 20_000 }, (_, at) => one(at + 1, at === 0 ? undefined : at - 1));
    expect(treeRows(long, {}, new Set()).at(-1)!.depth).toBe(19_999);
  });
});

it('tells addresses of this machine itself', () => {
  expect(['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '1270::'].map(isLoopback)).toEqual([true, true, true, false, false]);
});
