import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsers } from '../../test/action-parsers.ts';
import type { Alert } from '../core/alert.ts';
import { fits, inputOf } from '../engine/response/linkage.ts';
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
    const { links, waiting, always } = readLinkage(parsers);
    expect(links.map(({ id }) => id)).toContain('ban-guessing');
    expect(new Set(links.map(({ action }) => action))).toEqual(new Set(['block-address', 'freeze-tree', 'rate-limit']));
    // What has no other half yet is said, and does nothing.
    expect(waiting.map(({ id }) => id)).toEqual(['scrub-traffic', 'listed-security-group', 'weakness-priority']);
    expect(always.map(({ id }) => id)).toEqual(['log-attack-path']);
  });

  const at = 1_800_000_000_000;
  const alertOf = (more: Partial<Alert>): Alert => ({ id: 'a1', time: at, last_time: at, level: 'high', rule_id: 'x', rule_name: 'x', title: { zh: '', en: '' }, host: 'web1', summary: 's', count: 12, attack: [], matrix: [], key: 'k', status: 'open', source_ip: '203.0.113.9', evidence: [], ...more });
  const process = { pid: 4711, evidence: [{ pid: 4711, process_started: 1_700_000_000_000 }] };
  const ban = { action: 'block-address', input: { address: '203.0.113.9' } }, freeze = { action: 'freeze-tree', input: { pid: 4711, started: 1_700_000_000_000 } };
  const rows: [row: string, fires: Partial<Alert>, done: { action: string; input: Record<string, unknown> }, not: Partial<Alert>, mode: 'guard' | 'strict'][] = [
    ['ban-guessing', { attack: ['T1110.001'], level: 'medium' }, ban, { attack: ['T1110.001'], level: 'low' }, 'guard'],
    ['ban-web-attack', { attack: ['T1190'] }, ban, { attack: ['T1190'], level: 'medium' }, 'guard'],
    ['ban-waf-hits', { rule_id: 'web_firewall_alarms', level: 'medium' }, ban, { rule_id: 'web_firewall_block', level: 'medium' }, 'guard'],
    ['ban-waf-hit', { rule_id: 'web_firewall_block', level: 'low' }, ban, { rule_id: 'web_firewall_block', level: 'info' }, 'strict'],
    ['ban-scanner', { attack: ['T1595.002'], level: 'medium' }, ban, { attack: ['T1595.002'], rule_id: 'behaviour.request-rate' }, 'guard'],
    ['ban-flood', { attack: ['T1498'] }, ban, { attack: ['T1498'], level: 'medium' }, 'guard'],
    ['limit-traffic', { rule_id: 'behaviour.request-rate', level: 'medium' }, { action: 'rate-limit', input: { address: '203.0.113.9', rate: '10/s' } }, { rule_id: 'behaviour.request-rate', level: 'low' }, 'guard'],
    ['block-listed-peer', { rule_id: 'behaviour.intelligence-match', evidence: [{ direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 443 }] }, { action: 'block-address', input: { address: '198.51.100.7' } }, { rule_id: 'behaviour.intelligence-match', level: 'medium' }, 'guard'],
    ['block-listed-source', { rule_id: 'behaviour.intelligence-match' }, ban, { rule_id: 'behaviour.intelligence-match', source_ip: '' }, 'guard'],
    ['freeze-miner', { rule_id: 'behaviour.split-miner', ...process }, freeze, { rule_id: 'behaviour.split-miner', pid: 4711 }, 'guard'],
    ['freeze-encryptor', { rule_id: 'behaviour.mass-change', level: 'critical', ...process }, freeze, { rule_id: 'behaviour.mass-change', level: 'high', ...process }, 'guard'],
    ['freeze-reverse-shell', { rule_id: 'behaviour.reverse-shell', level: 'critical', ...process }, freeze, { rule_id: 'behaviour.reverse-shell', level: 'high', ...process }, 'guard'],
    ['freeze-escape', { rule_id: 'behaviour.container-escape', level: 'critical', ...process }, freeze, { rule_id: 'behaviour.container-escape', level: 'high', ...process }, 'guard'],
  ];
  it.each(rows)('%s fires for what it is for, with what it is told, and not for its neighbour', (id, fires, done, not, mode) => {
    const row = readLinkage(parsers).links.find((one) => one.id === id)!;
    expect([row.action, row.mode, fits(row, alertOf(fires)), inputOf(row, alertOf(fires))]).toEqual([done.action, mode, true, done.input]);
    expect(fits(row, alertOf(not)) && inputOf(row, alertOf(not)) !== undefined).toBe(false);
  });
  it('has a test for each of its rows', () => { expect(rows.map(([id]) => id)).toEqual(readLinkage(parsers).links.map(({ id }) => id)); });

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
