import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../core/alert.ts';
import type { Playbook, PlaybookCommand, PlaybookRun } from '../../core/playbook.ts';
import { counter, does, long, openPlaybooks, playbook, type PlaybookScene, raising } from '../../../test/scenes/playbook.ts';
import type { Mode } from './linkage.ts';
import { holds, parseCondition } from './playbook-condition.ts';
import { PlaybookTrigger } from './playbook-trigger.ts';

let dir: string, now: number, mode: Mode, paused: number, alerts: Map<string, Alert>, scene: PlaybookScene, shared: string;
const minute = 60_000;
const open = (): PlaybookScene => openPlaybooks({ dir, now: () => now, mode: () => mode, paused: () => paused, alert: (id) => alerts.get(id), isShared: (address) => address === shared, ...(scene !== undefined && { asked: scene.asked }) });
const alert = (more: Partial<Alert> = {}): Alert => ({ id: 'a1', time: now, last_time: now, level: 'high', rule_id: 'guess', rule_name: 'guessing', title: { zh: '爆破', en: 'guessing' }, host: 'web1', summary: 'it guesses', count: 12, attack: ['T1110.001'], matrix: [], key: '', status: 'open', source_ip: '203.0.113.9', evidence: [], ...more });
const stored = (id: string): PlaybookRun => scene.response.store.response.playbookRun(id)!;
async function begin(one: Playbook, by = 'rule:guess', from?: Alert): Promise<string> {
  const { id } = await scene.runs.begin(one, { alert: from, by, why: 'a trial', via: 'test' });
  await scene.runs.settled();
  return id;
}
async function tick(ms = 0): Promise<void> {
  now += ms;
  scene.runs.tick();
  await scene.runs.settled();
}
const story = (id: string): string[] => stored(id).entries.map(({ what, step, note }) => `${what} ${step}${what === 'done' || what === 'ended' || what === 'undone' ? ` ${note}` : ''}`);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-playbook-'));
  now = Date.parse('2026-11-22T00:00:00Z');
  mode = 'guard';
  paused = 0;
  shared = '';
  alerts = new Map();
  scene = open();
  scene.asked.clear();
});
afterEach(async () => {
  await scene.runs.close();
  await scene.response.close();
  rmSync(dir, { recursive: true });
});

const start = { type: 'start', on_completion: 'a' } as const;

describe('a run', () => {
  it('goes through rows, branches side by side and loops, and ends in the audit log', async () => {
    const id = await begin(long);
    expect([stored(id).status, counter(dir, 'n'), counter(dir, 'm')]).toEqual(['done', 8, 2]);
    expect([...scene.response.store.response.audit(1)].map(({ operation }) => operation).filter((one) => one.includes('playbook'))).toEqual(['begin playbook trial', 'end playbook trial']);
    expect(scene.response.store.response.receipts({ from: `run:${id}:a#2.1` })).toMatchObject([{ action: 'raise', by: 'playbook:trial', status: 'applied' }]);
    expect(scene.runs.size).toBe(0);
  });

  it('takes the branch that the alert and the variables say', async () => {
    const one = playbook({
      start: { type: 'start', on_completion: 'which' },
      which: { type: 'if-condition', condition: '__source_ip__:value == "203.0.113.9" and __count__:value > __many__:value', on_true: 'yes', on_false: 'no', on_completion: 'level' }, yes: does('yes', 'end'), no: does('no', 'end'),
      level: { type: 'switch-condition', switch: '__level__:value', cases: { high: 'high', default: 'no' }, on_completion: 'end' }, high: does('high', 'end'),
    }, { playbook_variables: { __many__: 10 } });
    await begin(one, 'rule:guess', alert());
    expect(['yes', 'no', 'high'].map((name) => counter(dir, name))).toEqual([1, 0, 1]);
  });

  it('asks in any mode where it says so, and where a person took the same back for the same alert', async () => {
    mode = 'strict';
    const asking = playbook({ start, a: { type: 'action', commands: [{ ...raising('n'), ask: true } as PlaybookCommand], compensate: false, on_success: 'end' } });
    const first = await begin(asking, 'operator:wang', alert());
    expect([counter(dir, 'n'), scene.runs.waiting(first).length]).toEqual([0, 1]);
    scene.say('approve');
    await tick();
    expect(counter(dir, 'n')).toBe(1);
    await scene.response.runner.undo(stored(first).receipts[0]!, { by: 'operator:wang', via: 'test', why: 'it was wanted' });
    const plain = playbook({ start, a: does('n', 'end') });
    const second = await begin(plain, 'rule:guess', alert());
    expect([counter(dir, 'n'), scene.runs.waiting(second).length]).toEqual([0, 1]);
    scene.say('reject');
    await tick();
    await begin(plain, 'rule:guess', alert({ id: 'a2' }));
    expect(counter(dir, 'n')).toBe(1);
  });

  it('waits for a person, says what for, and goes where the answer leads', async () => {
    const one = playbook({ start, a: { type: 'action', commands: [{ type: 'manual', command: { zh: '看', en: 'look at __path__:value' }, level: 'high', expires: 10 * minute }], compensate: false, on_success: 'yes', on_failure: 'no' }, yes: does('yes', 'end'), no: does('no', 'end') });
    const first = await begin(one, 'rule:guess', alert({ path: '/tmp/$(reboot)' }));
    expect([...scene.asked.values()]).toEqual([{ what: "look at '/tmp/$(reboot)'", expires: now + 10 * minute }]);
    expect(scene.runs.waiting(first)).toMatchObject([{ step: 'a' }]);
    scene.say('approve');
    await tick();
    expect([stored(first).status, counter(dir, 'yes'), counter(dir, 'no')]).toEqual(['done', 1, 0]);
    await begin(one);
    scene.say('reject');
    await tick();
    expect(counter(dir, 'no')).toBe(1);
    const late = await begin(one);
    await tick(10 * minute);
    expect(story(late)).toEqual(['begun start', 'asked a', 'expired a', 'done no raise no', 'ended  done']);
    // Nobody can approve afterwards what has expired.
    expect([...scene.asked.values()].every(({ answer }) => answer !== undefined)).toBe(true);
  });

  it('asks before it does what the mode does not let it do by itself', async () => {
    const one = (action: string): Playbook => playbook({ start, a: { type: 'action', commands: [raising('n', {}, action)], compensate: false, on_success: 'end' } });
    const id = await begin(one('raise-strict'));
    expect([counter(dir, 'n'), [...scene.asked.values()][0]?.what]).toEqual([0, 'trial: raise n']);
    scene.say('approve');
    await tick();
    expect([counter(dir, 'n'), stored(id).status]).toEqual([1, 'done']);
    expect(scene.response.store.response.receipts({})[0]?.by).toBe('operator:wang');
    mode = 'strict';
    await begin(one('raise-strict'));
    expect(counter(dir, 'n')).toBe(2);
    mode = 'observe';
    await begin(one('raise'));
    expect(counter(dir, 'n')).toBe(2);
    scene.say('reject');
    await tick();
    // Who begins it by hand wants it; what is never done by itself is asked for even then.
    await begin(one('raise-strict'), 'operator:wang');
    expect(counter(dir, 'n')).toBe(3);
    await begin(one('raise-never'), 'operator:wang');
    expect(counter(dir, 'n')).toBe(3);
  });

  it('holds still while automatic response is paused', async () => {
    paused = now + minute;
    const id = await begin(playbook({ start, a: does('n', 'end') }));
    expect([counter(dir, 'n'), stored(id).status]).toEqual([0, 'running']);
    await tick(minute);
    expect([counter(dir, 'n'), stored(id).status]).toEqual([1, 'done']);
  });

  it('waits where a step says so, and gives a step and the whole only their time', async () => {
    const id = await begin(playbook({ start, a: { ...does('n', 'b'), delay: 5 * minute }, b: { type: 'action', commands: [{ type: 'manual', command: { zh: '看', en: 'look' }, level: 'high', expires: 60 * minute }], timeout: 10 * minute, compensate: false, on_success: 'end', on_failure: 'c' }, c: { ...does('m', 'end'), delay: 60 * minute } }, { timeout: 30 * minute }));
    await tick(4 * minute);
    expect(counter(dir, 'n')).toBe(0);
    await tick(minute);
    expect(counter(dir, 'n')).toBe(1);
    await tick(10 * minute);
    expect(story(id).at(-1)).toBe('expired b');
    await tick(15 * minute);
    expect([stored(id).status, story(id).at(-1), counter(dir, 'm')]).toEqual(['failed', 'ended  the run has had its time', 0]);
  });

  it('takes back what it did, newest first, when a step that says so fails', async () => {
    const one = playbook({ start, a: does('n', 'b'), b: does('m', 'bad'), bad: { type: 'action', commands: [raising('x'), raising('y', { fail: true })], compensate: true, on_success: 'end', on_failure: 'after' }, after: does('after', 'end') });
    const id = await begin(one);
    expect(['n', 'm', 'x', 'after'].map((name) => counter(dir, name))).toEqual([0, 0, 0, 1]);
    expect(story(id).filter((line) => line.startsWith('undone'))).toEqual(['undone  raise x', 'undone  raise m', 'undone  raise n']);
    expect(stored(id).status).toBe('done');
  });

  it('ends where a failure leads nowhere, and takes everything back when the playbook says so', async () => {
    const broken = { start, a: does('n', 'b'), b: { type: 'action' as const, commands: [raising('protected')], compensate: false, on_success: 'end' } };
    const kept = await begin(playbook(broken));
    expect([stored(kept).status, counter(dir, 'n'), story(kept).at(-1)]).toEqual(['failed', 1, 'ended  b: it is protected']);
    await begin(playbook(broken, { compensate: true }));
    expect(counter(dir, 'n')).toBe(1);
  });

  it('is ended by a person, with or without what it did; its questions are void', async () => {
    const one = playbook({ start, a: does('n', 'b'), b: { type: 'action', commands: [{ type: 'manual', command: { zh: '看', en: 'look' }, level: 'high', expires: 60 * minute }], compensate: false, on_success: 'end', on_failure: 'end' } });
    await expect(scene.runs.stop('nothing', { by: 'operator:wang', why: '', undo: false })).rejects.toMatchObject({ code: 'no-run' });
    const first = await begin(one);
    await expect(scene.runs.begin(one, { by: 'operator:wang', why: '', via: 'test' })).rejects.toMatchObject({ code: 'busy' });
    expect((await scene.runs.stop(first, { by: 'operator:wang', why: 'enough', undo: false })).status).toBe('stopped');
    expect([counter(dir, 'n'), [...scene.asked.values()][0]?.answer]).toEqual([1, 'reject']);
    const second = await begin(one);
    await scene.runs.stop(second, { by: 'operator:wang', why: '', undo: true });
    expect([counter(dir, 'n'), stored(second).status]).toEqual([1, 'stopped']);
  });

  it('goes on after a restart where it waited, with the same question', async () => {
    const id = await begin(playbook({ start, a: does('n', 'b'), b: { type: 'action', commands: [{ type: 'manual', command: { zh: '看', en: 'look' }, level: 'high', expires: 60 * minute }], compensate: false, on_success: 'c', on_failure: 'end' }, c: does('m', 'end') }));
    await scene.runs.close();
    await scene.response.close();
    scene = open();
    scene.runs.start();
    await scene.runs.settled();
    expect(scene.asked.size).toBe(1);
    scene.say('approve');
    await tick();
    expect([stored(id).status, counter(dir, 'n'), counter(dir, 'm')]).toEqual(['done', 1, 1]);
  });
});

describe('runs that wait', () => {
  const asks = playbook({ start, a: { type: 'action', commands: [{ type: 'manual', command: { zh: '看', en: 'look' }, level: 'high', expires: 60 * minute }], compensate: false, on_success: 'end', on_failure: 'end' } });

  it('are not stored again at each look, only when something came of it', async () => {
    const id = await begin(asks);
    const { journal } = scene.response;
    const write = journal.write.bind(journal);
    let writes = 0;
    journal.write = (change) => { writes++; return write(change); };
    for (let i = 0; i < 5; i++) await tick(minute);
    expect(writes).toBe(0);
    await tick(60 * minute);
    expect([writes > 0, stored(id).status]).toEqual([true, 'done']);
  });

  it('do not take the place of other playbooks, however many addresses attack', async () => {
    for (let i = 0; i < 20; i++) await begin(asks, 'rule:guess', alert({ id: `a${i}`, source_ip: `203.0.113.${i}` }));
    await expect(begin(asks, 'rule:guess', alert({ id: 'more', source_ip: '198.51.100.1' }))).rejects.toMatchObject({ code: 'busy' });
    const miner = await begin(playbook({ start, a: does('n', 'end') }, { id: 'miner' }), 'rule:miner', alert({ id: 'miner' }));
    expect(stored(miner).status).toBe('done');
    // A person may.
    await begin(asks, 'operator:wang', alert({ id: 'mine', source_ip: '198.51.100.2' }));
    expect(scene.runs.size).toBe(21);
  });

  it('go on where a question expired while Moat was down, with its failure', async () => {
    const id = await begin(asks);
    await scene.runs.close();
    await scene.response.close();
    now += 3 * 60 * minute;
    scene = open();
    scene.runs.start();
    await scene.runs.settled();
    expect([stored(id).status, story(id).includes('expired a'), [...scene.asked.values()].map(({ answer }) => answer)]).toEqual(['done', true, ['reject']]);
  });
});

it('what a run cannot take back is told to people, and the rest is taken back', async () => {
  const { runner } = scene.response;
  const undo = runner.undo.bind(runner);
  let refused = '';
  runner.undo = (receipt, asked) => { if (refused === '') { refused = receipt; return Promise.reject(new Error('the disk is gone')); } return undo(receipt, asked); };
  await begin(playbook({ start, a: does('n', 'b'), b: does('m', 'c'), c: { type: 'action', commands: [raising('protected')], compensate: false, on_success: 'end' } }, { compensate: true }));
  expect([counter(dir, 'n'), counter(dir, 'm')]).toEqual([0, 1]);
  expect(scene.told).toEqual([expect.stringContaining(`${refused} could not be taken back`)]);
});

it('an address that many share is blocked by nobody but a person', async () => {
  shared = '203.0.113.9';
  const cut = playbook({ start, a: { type: 'action', commands: [{ type: 'moat-action', action: 'raise', input: { name: 'n', address: '__source_ip__:value' }, force: false, expires: 60 * minute }], compensate: false, on_success: 'end' } });
  await begin(cut, 'rule:guess', alert());
  expect([counter(dir, 'n'), scene.asked.size]).toEqual([0, 1]);
  scene.say('approve');
  await tick();
  expect(counter(dir, 'n')).toBe(1);
  await begin(cut, 'rule:guess', alert({ id: 'a2', source_ip: '203.0.113.10' }));
  expect(counter(dir, 'n')).toBe(2);
});

describe('an alert', () => {
  const trigger = (one: Playbook): PlaybookTrigger => new PlaybookTrigger({ runs: scene.runs, store: scene.response.store.response, log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: () => now, count: () => undefined, pausedUntil: () => paused, modeFor: () => mode }, [one]);
  const tell = async (to: PlaybookTrigger, one: Alert): Promise<number> => {
    to.onAlerts([one]);
    await to.settled();
    await scene.runs.settled();
    return scene.response.store.response.playbookRuns({}).length;
  };
  const one = playbook({ start, a: does('n', 'end') }, { triggers: { tactics: ['credential-access'], level: 'high' } });

  it('begins a playbook once, and once for its target', async () => {
    const triggers = trigger(one);
    expect(await tell(triggers, alert({ level: 'medium' }))).toBe(0);
    expect(await tell(triggers, alert({ attack: ['T1046'] }))).toBe(0);
    expect(await tell(triggers, alert())).toBe(1);
    expect(await tell(triggers, alert({ count: 99 }))).toBe(1);
    expect(await tell(triggers, alert({ id: 'a2', rule_id: 'other' }))).toBe(1);
    expect(await tell(triggers, alert({ id: 'a3', source_ip: '198.51.100.7' }))).toBe(2);
    // After a restart the store knows.
    expect(await tell(trigger(one), alert({ count: 100 }))).toBe(2);
    now += 61 * minute;
    expect(await tell(triggers, alert({ count: 101, last_time: now }))).toBe(2);
    expect(await tell(triggers, alert({ id: 'a4', last_time: now }))).toBe(3);
  });

  it('begins nothing in observe, while paused, when it is old or closed', async () => {
    const triggers = trigger(one);
    mode = 'observe';
    expect(await tell(triggers, alert())).toBe(0);
    mode = 'guard';
    paused = now + minute;
    expect(await tell(triggers, alert())).toBe(0);
    paused = 0;
    expect(await tell(triggers, alert({ last_time: now - 11 * minute }))).toBe(0);
    expect(await tell(triggers, alert({ status: 'closed' }))).toBe(0);
    expect(await tell(triggers, alert())).toBe(1);
  });
});

describe('a condition', () => {
  const variables = { __a__: 'x', __n__: 7, __yes__: true, __none__: '' };
  it.each([
    ['__a__:value == "x"', true], ['__a__ != "x"', false], ['__n__ >= 7 and not (__n__ > 7)', true], ['__n__ < 7 or __yes__', true], ['__none__', false], ['__a__ in ["y", "x"]', true], ['__n__ in [1, 2]', false],
    ['__a__ > 3', false], [String.raw`__a__ == "\"x"`, false], ['false or true and false', false], ['-1.5 < __n__', true],
  ])('%j is %j', (text, is) => { expect(holds(parseCondition(text), variables)).toBe(is); });

  it.each(['', '__a__ ==', '== 1', '__a__ = 1', '(__a__', '__a__ in []', '__a__ "x"', 'a == b', '__a__ == "x', '__n__ < "7"', 'not', '('.repeat(400), 'not '.repeat(200), `"${'x'.repeat(1000)}"`, '__a__.constructor', '`x`'])('%j is refused', (text) => {
    expect(() => parseCondition(text)).toThrow(/expected/);
  });
});
