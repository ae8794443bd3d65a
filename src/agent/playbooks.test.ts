import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action } from '../core/action.ts';
import type { Alert } from '../core/alert.ts';
import { phases } from '../core/playbook.ts';
import { triggeredBy, variablesOfAlert } from '../engine/response/playbook.ts';
import { planPlaybook } from '../engine/response/playbook-plan.ts';
import { parsers } from '../../test/action-parsers.ts';
import { installRoot } from './paths.ts';
import { readPlaybooks } from './playbooks.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'moat-playbooks-')); });
afterEach(() => { rmSync(folder, { recursive: true }); });

const read = (text: string): ReturnType<typeof readPlaybooks> => {
  writeFileSync(join(folder, 'one.yml'), text);
  return readPlaybooks(parsers, folder);
};
const head = `id: one
name: { zh: 一, en: one }
description: { zh: 试, en: a trial }
grade: 3
workflow_start: s
`;
const shipped = readPlaybooks(parsers);

describe('the playbooks that come with Moat', () => {
  it('are the ten stories, and what they share', () => {
    expect([...shipped.keys()].toSorted()).toEqual(['backdoor', 'brute-force', 'container-escape', 'cut-peer', 'cut-source', 'data-theft', 'ddos', 'end-process', 'freeze-process', 'lateral-movement', 'leaked-key', 'miner', 'ransomware', 'webshell']);
    expect(readdirSync(join(installRoot(), 'playbooks')).filter((name) => name !== 'linkage.yml').map((name) => name.replace('.yml', '')).toSorted()).toEqual([...shipped.keys()].toSorted());
  });

  const asked: string[] = [];
  const block = { id: 'block-address', automatic: 'guard' } as unknown as Action;
  const runner = {
    plan: (action: string, input: unknown) => {
      asked.push(`${action} ${(input as { address: string }).address}`);
      return Promise.resolve({ action: block, plan: { target: 'x', title: { zh: '封禁', en: 'Block' }, steps: [{ text: { zh: '丢弃', en: 'drop' } }], risk: 'low' as const, reversible: true, state: {} } });
    },
  };

  it.each([...shipped].filter(([, one]) => one.triggers !== undefined).map(([id]) => id))('%s cuts, isolates, handles and traces, in this order', async (id) => {
    asked.length = 0;
    const playbook = shipped.get(id)!;
    const alert: Alert = { id: 'a1', time: 0, last_time: 0, level: 'critical', rule_id: 'r', rule_name: 'r', title: { zh: '', en: '' }, host: 'web1', summary: 's', count: 5000, attack: playbook.triggers?.attack === undefined ? ['T1041', 'T1021.004'] : [...playbook.triggers.attack], matrix: [], key: '', status: 'open', source_ip: '203.0.113.9', user: 'deploy', pid: 4711, path: "/tmp/a'b;reboot", evidence: [] };
    expect(triggeredBy(playbook, alert)).toBe(true);
    const steps = await planPlaybook(playbook, { runner, variables: { ...playbook.playbook_variables, ...variablesOfAlert(alert) }, mayAct: () => true });
    const order = steps.filter(({ onFailure }) => onFailure === undefined).flatMap(({ phase }) => (phase === undefined ? [] : [phases.indexOf(phase)]));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order)).toEqual(new Set([0, 1, 2, 3]));
    expect(asked[0]).toBe('block-address 203.0.113.9');
    // What an attacker named is quoted where a person may copy it.
    for (const { commands } of steps) for (const one of commands) if (one.type === 'manual') expect(one.command.en.replaceAll(String.raw`'/tmp/a'\''b;reboot'`, '')).not.toMatch(/b;reboot|__/);
  });
});

describe('a playbook of one\'s own', () => {
  const good = `${head}workflow:\n  s: { type: start, on_completion: e }\n  e: { type: end }\n`;
  it('stands beside those that come with Moat, or in place of one', () => {
    expect(read(good).get('one')).toMatchObject({ grade: 3, mode: 'guard', per: 'alert' });
    const own = read(good.replace('id: one', 'id: miner')).get('miner');
    expect(Object.keys(own?.workflow ?? {})).toEqual(['s', 'e']);
  });

  it.each([
    ['a step type that cannot run', '  s: { type: start, on_completion: a }\n  a: { type: sing, on_completion: e }\n  e: { type: end }', 8, 'a step that the runner can run'],
    ['a command that cannot run', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands: [{ type: bash, command: id }]\n    on_completion: e\n  e: { type: end }', 10, 'moat-action, manual or notify'],
    ['an action that is not there', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands:\n      - { type: moat-action, action: burn }\n    on_completion: e\n  e: { type: end }', 11, 'expected one of block-address, .*got "burn"'],
    ['an input that the action does not take', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands:\n      - type: moat-action\n        action: block-address\n        input: { address: "__path__:value" }\n    on_completion: e\n  e: { type: end }', 13, 'block-address does not take it: expected an address'],
    ['an input without what the action needs', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands:\n      - { type: moat-action, action: freeze-tree }\n    on_completion: e\n  e: { type: end }', 11, 'freeze-tree does not take it: expected the number of a process'],
    ['a fixed value that the action does not take', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands:\n      - { type: moat-action, action: rate-limit, input: { port: "__port__", rate: soon } }\n    on_completion: e\n  e: { type: end }', 11, 'rate-limit does not take it: expected a rate'],
    ['a step that is not there', '  s: { type: start, on_completion: nowhere }\n  e: { type: end }', 7, 'the id of a step, got "nowhere"'],
    ['a step that nothing comes to', '  s: { type: start, on_completion: e }\n  lost: { type: end }\n  e: { type: end }', 8, 'a way from the start to "lost"'],
    ['a loop without bound', '  s: { type: start, on_completion: a }\n  a: { type: action, commands: [{ type: notify, message: { zh: 一, en: a } }], on_completion: b }\n  b: { type: if-condition, condition: "true", on_true: a, on_completion: e }\n  e: { type: end }', 9, 'a loop needs a while-condition'],
    ['a while without max', '  s: { type: start, on_completion: w }\n  w: { type: while-condition, condition: "true", on_true: e, on_completion: e }\n  e: { type: end }', 8, 'a loop needs a bound'],
    ['no end', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands: [{ type: notify, message: { zh: 一, en: a } }]\n', 9, 'come to an end step'],
    ['a question whose refusal leads nowhere', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    commands: [{ type: manual, command: { zh: 一, en: a } }]\n    on_completion: e\n  e: { type: end }', 11, 'on_failure \\(rejected or expired\\)'],
    ['a variable that nobody fills', '  s: { type: start, on_completion: i }\n  i: { type: if-condition, condition: "__colour__ == 1", on_true: e, on_completion: e }\n  e: { type: end }', 8, 'got __colour__'],
    ['a condition that is none', '  s: { type: start, on_completion: i }\n  i: { type: if-condition, condition: "process.exit(1)", on_true: e, on_completion: e }\n  e: { type: end }', 8, 'expected a comparison'],
    ['a start that is none', '  s: { type: end }', 5, 'the id of a start step'],
    ['another that is not there', '  s: { type: start, on_completion: p }\n  p: { type: playbook-action, playbook_id: gone, on_completion: e }\n  e: { type: end }', 8, 'the id of a playbook, got "gone"'],
    ['itself inside', '  s: { type: start, on_completion: p }\n  p: { type: playbook-action, playbook_id: one, on_completion: e }\n  e: { type: end }', 8, 'which leads back here'],
    ['another agent', '  s: { type: start, on_completion: a }\n  a:\n    type: action\n    agent: ssh--2\n    commands: [{ type: notify, message: { zh: 一, en: a } }]\n    on_completion: e\n  e: { type: end }', 10, 'expected moat'],
    ['a key too many', '  s: { type: start, on_completion: e, shell: id }\n  e: { type: end }', 7, 'nrecognized'],
  ])('with %s is refused by file and line', (_, workflow, line, message) => {
    expect(() => read(`${head}workflow:\n${workflow}\n`)).toThrow(new RegExp(`one\\.yml:${line}: .*${message}`));
  });

  it('that has a twin, or a folder that is not there, is refused', () => {
    writeFileSync(join(folder, 'two.yml'), good);
    expect(() => read(good)).toThrow(/two\.yml:1: expected a different id/);
    expect(() => readPlaybooks(parsers, join(folder, 'none'))).toThrow('expected a folder of playbooks');
  });
});
