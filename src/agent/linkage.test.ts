import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsers } from '../../test/action-parsers.ts';
import { readLinkage } from './linkage.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'moat-linkage-')); });
afterEach(() => { rmSync(folder, { recursive: true }); });

const read = (text: string): ReturnType<typeof readLinkage> => {
  const file = join(folder, 'linkage.yml');
  writeFileSync(file, text);
  return readLinkage(parsers, file);
};
const row = (more: string): string => `- id: one\n  title: { zh: 一, en: one }\n  action: block-address\n  input: { address: source_ip }\n${more}`;

describe('a linkage table', () => {
  it('that comes with Moat reads, and names actions that exist', () => {
    const { links, waiting } = readLinkage(parsers);
    expect(links.map(({ id }) => id)).toContain('ban-guessing');
    expect(new Set(links.map(({ action }) => action))).toEqual(new Set(['block-address', 'freeze-tree', 'rate-limit']));
    // What has no other half yet is said, and does nothing.
    expect(waiting.map(({ id }) => id)).toEqual(['scrub-traffic', 'listed-security-group', 'log-attack-path', 'weakness-priority']);
  });

  it('of one\'s own reads with times', () => {
    expect(read(row('  when: { attack: [T1190], level: high }\n  for: 90m\n  mode: strict\n')).links).toEqual([{ id: 'one', title: { zh: '一', en: 'one' }, when: { attack: ['T1190'], level: 'high' }, action: 'block-address', input: { address: 'source_ip' }, for: 5_400_000, mode: 'strict' }]);
  });

  it.each([
    ['when: { level: high }\n  mode: guard', 'expected attack or rules'], ['when: { attack: [brute] }\n  mode: guard', 'ATT&CK technique'], ['when: { rules: [x] }\n  mode: observe', 'guard or strict'],
    ['when: { rules: [x] }\n  mode: guard\n  for: soon', 'such as 1h'], ['when: { rules: [x] }\n  mode: guard\n  shell: rm', 'nrecognized'],
  ])('with %j is refused by file and line', (more, message) => { expect(() => read(row(`  ${more}\n`))).toThrow(new RegExp(`linkage.yml:\\d+: .*${message}`)); });

  it('takes values that are always the same', () => {
    const limit = row('  when: { rules: [x] }\n  mode: guard\n').replace('block-address', 'rate-limit').replace('source_ip }', 'source_ip, rate: { value: 5/s } }');
    expect(read(limit).links[0]?.input).toEqual({ address: 'source_ip', rate: { value: '5/s' } });
  });

  it.each([
    ['an action that is not there', 'block-address', 'burn', 3, 'expected one of block-address, .*got "burn"'],
    ['an input that the action does not take', 'source_ip }', 'path }', 4, 'one: block-address does not take its input: expected an address'],
    ['a value that the action does not take', 'source_ip }', 'source_ip, rate: { value: fast } }', 4, 'rate-limit does not take its input: expected a rate'],
    ['an input without what the action needs', '{ address: source_ip }', '{}', 4, 'does not take its input'],
  ])('with %s is refused by file and line', (what, from, to, line, message) => {
    const text = row('  when: { rules: [x] }\n  mode: guard\n').replace(from, to);
    expect(() => read(what.startsWith('a value') ? text.replace('block-address', 'rate-limit') : text)).toThrow(new RegExp(`linkage.yml:${line}: .*${message}`));
  });

  it('that has twins, or is not there, is refused', () => {
    const one = row('  when: { rules: [x] }\n  mode: guard\n');
    expect(() => read(one + one)).toThrow('different id');
    expect(() => readLinkage(parsers, join(folder, 'none.yml'))).toThrow('expected a linkage table at');
  });
});
