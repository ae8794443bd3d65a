import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action, Receipt } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { openResponse, type Response } from '../../../test/actions.ts';
import type { Wanted } from './runner.ts';

interface State { before: string; after: string }

let dir: string, file: string, now: number, response: Response;
/** What goes wrong, and what was called. */
let trouble: { apply?: () => void; undo?: () => void; verify?: 'between' };
let calls: string[];

/** Writes a text into a file of the test. */
const write: Action<{ text: string }, State> = {
  id: 'write', title: { zh: '写', en: 'write' }, blind: { zh: '无', en: 'nothing' }, automatic: 'guard', halfDone: 'finish',
  parse(input) {
    const { text } = (input ?? {}) as { text?: unknown };
    if (typeof text !== 'string') throw new MoatError('bad-input', 'expected a text');
    return { text };
  },
  target: () => file,
  plan({ text }, { force }) {
    if (text === 'forbidden' && !force) return Promise.reject(new MoatError('refused', 'it is forbidden'));
    return Promise.resolve({ target: file, title: { zh: '写', en: `write ${text}` }, steps: [], risk: 'low', reversible: true, state: { before: readFileSync(file, 'utf8'), after: text } });
  },
  async apply({ after }, { save }) {
    calls.push('apply');
    await save({ before: readFileSync(file, 'utf8') === after ? 'old' : readFileSync(file, 'utf8'), after });
    trouble.apply?.();
    writeFileSync(file, after);
  },
  verify({ before, after }) {
    const is = readFileSync(file, 'utf8');
    return Promise.resolve({ is: trouble.verify ?? (is === after ? 'finished' : is === before ? 'former' : 'between'), evidence: { zh: is, en: `the file says ${is}` } });
  },
  undo({ before }) {
    calls.push('undo');
    trouble.undo?.();
    writeFileSync(file, before);
    return Promise.resolve();
  },
};
const unbound = write as unknown as Action;

const open = (): Response => openResponse(join(dir, 'store'), () => [unbound], () => now);
const text = (): string => readFileSync(file, 'utf8');
const run = (wanted: string, more: Partial<Wanted> = {}): Promise<Receipt> => response.runner.run({ action: 'write', input: { text: wanted }, by: 'operator:me', why: 'because', via: 'test', ...more });
const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:me', via: 'test', why: 'enough' });
const audit = (): string[] => [...response.store.response.audit(1)].map(({ operation, result }) => `${operation}: ${result.replace(/ [0-9a-z]{18,}/, '')}`);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-runner-'));
  file = join(dir, 'file');
  writeFileSync(file, 'old');
  now = Date.parse('2026-11-22T00:00:00Z');
  trouble = {};
  calls = [];
  response = open();
});
afterEach(async () => {
  await response.close();
  rmSync(dir, { recursive: true });
});

describe('the runner', () => {
  it('keeps who, why, what was before, and each change of status', async () => {
    const { id } = await run('new', { from: 'alert-1' });
    now += 1000;
    await undo(id);
    expect(text()).toBe('old');
    expect(response.store.response.receipt(id)).toMatchObject({ action: 'write', target: file, by: 'operator:me', why: 'because', from: 'alert-1', status: 'undone', state: { before: 'old', after: 'new' }, history: [{ status: 'applying' }, { status: 'applied' }, { status: 'undoing' }, { status: 'undone', time: now }] });
    expect(audit()).toEqual(['write: applied', 'undo write: undone']);
    expect(response.store.response.receipts({ from: 'alert-1' })).toHaveLength(1);
  });

  it('does once what several want at the same time, and the receipt tells of all', async () => {
    const join = { joins: 'standing' } as const;
    const [one, ...others] = await Promise.all([run('new', { ...join, by: 'link:a', from: 'alert-1' }), run('new', { ...join, by: 'playbook:b', why: 'as well', from: 'run:r1:s#1.0' }), run('new', { ...join, by: 'link:a', from: 'alert-2' })]);
    expect(calls).toEqual(['apply']);
    expect(others.map(({ id, from }) => [id, from])).toEqual([[one.id, 'alert-1'], [one.id, 'alert-1']]);
    expect(response.store.response.receipt(one.id)?.history.flatMap(({ by, note }) => (note === undefined ? [] : [`${by}: ${note}`]))).toEqual(['playbook:b: wanted too: as well', 'link:a: wanted too: because']);
    expect(audit()).toEqual(['write: applied', `join write: it stands already, by link:a:`, `join write: it stands already, by link:a:`]);
    // Taken back it does not stand; nor does what was changed since.
    await undo(one.id);
    const again = await run('new', { ...join, from: 'alert-3' });
    expect(again.id).not.toBe(one.id);
    writeFileSync(file, 'else');
    expect(await response.runner.join({ action: 'write', input: { text: 'new' }, by: 'x', why: '', via: 'test', ...join })).toBeUndefined();
  });

  it('does not join what ends too soon', async () => {
    const first = await run('new', { until: now + 1000 });
    expect((await run('new', { joins: 'as-long', until: now + 500, from: 'x' })).id).toBe(first.id);
    expect((await run('new', { joins: 'as-long', until: now + 2000, from: 'x' })).id).not.toBe(first.id);
  });

  it('refuses what the action refuses, and says so in the audit log', async () => {
    await expect(run('forbidden')).rejects.toMatchObject({ code: 'refused' });
    await expect(response.runner.run({ action: 'no-such', input: {}, by: 'x', why: '', via: 'test' })).rejects.toMatchObject({ code: 'unknown-action' });
    expect(audit()).toEqual(['write: refused: it is forbidden']);
    expect((await run('forbidden', { force: true })).status).toBe('applied');
  });

  it('goes back when it cannot be done, and when it looks different from what it should', async () => {
    trouble = { apply: () => { writeFileSync(file, 'half'); throw new Error('the disk said no'); } };
    await expect(run('new')).rejects.toMatchObject({ code: 'failed', message: 'the disk said no', hint: 'nothing was changed' });
    expect(text()).toBe('old');
    trouble = { apply: () => { trouble = { ...trouble, verify: 'between' }; }, undo: () => { trouble = {}; } };
    await expect(run('new')).rejects.toMatchObject({ code: 'failed' });
    expect(text()).toBe('old');
    expect(response.store.response.receipts({ status: ['failed'] })).toHaveLength(2);
    expect(audit()).toEqual(['failed write: failed: the disk said no', 'failed write: failed: the file says new']);
  });

  it('says loudly when it can go neither way', async () => {
    trouble = { apply: () => { throw new Error('no'); }, undo: () => { throw new Error('no way back'); } };
    await expect(run('new')).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('no way back') as string, hint: expect.stringContaining('moat actions show') as string });
    expect(response.store.response.receipts({ status: ['stuck'] })[0]?.error).toBe('no; no way back');
  });

  it('ends what has its time, and tries again when that fails', async () => {
    const { id } = await run('new', { until: now + 60_000 });
    await response.runner.tick();
    expect(text()).toBe('new');
    now += 60_000;
    await response.runner.tick();
    expect([text(), response.store.response.receipt(id)?.status]).toEqual(['old', 'undone']);
  });

  it('does one at a time to a target, in the order they came', async () => {
    const receipts = await Promise.all(['a', 'b', 'c'].map((one) => run(one)));
    expect(receipts.map(({ state }) => (state as State).before)).toEqual(['old', 'a', 'b']);
    expect(text()).toBe('c');
  });

  it('finishes at the next start what was cut off, or goes back, as the action says', async () => {
    const { id } = await run('new');
    await response.close();
    response = open();
    const cut = (status: Receipt['status']): void => response.store.response.save({ receipts: [{ ...response.store.response.receipt(id)!, status }] });
    cut('applying');
    writeFileSync(file, 'half');
    expect(await response.runner.recover()).toMatchObject([{ status: 'applied' }]);
    expect(text()).toBe('new');
    cut('undoing');
    expect(await response.runner.recover()).toMatchObject([{ status: 'undone' }]);
    expect(await response.runner.recover()).toEqual([]);
  });

  it('leaves nothing undone when it cannot be written down', async () => {
    const broken = { ...response.store.response, save: () => { throw new MoatError('full', 'no space left'); } };
    const { Journal } = await import('./journal.ts');
    const { Runner } = await import('./runner.ts');
    const runner = new Runner({ actions: [unbound], store: broken, journal: new Journal(broken), log: { debug: () => undefined, info: () => undefined, warn: () => undefined }, now: () => now, count: () => undefined });
    await expect(runner.run({ action: 'write', input: { text: 'new' }, by: 'x', why: '', via: 'test' })).rejects.toMatchObject({ code: 'full' });
    expect([text(), calls]).toEqual(['old', []]);
  });

  describe('with an action that never ends', () => {
    /** Hangs in one of its steps, whatever the signal says. */
    const hanging = (where: 'plan' | 'apply' | 'undo', begun: string[] = []): Action => {
      const never = (): Promise<never> => { begun.push(where); return new Promise(() => undefined); };
      return { ...unbound, ...(where === 'plan' ? { plan: never } : where === 'apply' ? { apply: never } : { undo: never }) };
    };
    const reopen = async (action: Action): Promise<void> => {
      await response.close();
      response = openResponse(join(dir, 'store'), () => [action], () => now, 400);
    };

    it('gives it up as stuck, does not go back while it may be at it, and lets the next come to the target', async () => {
      await reopen(hanging('apply'));
      await expect(run('new')).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('expected it to end within') as string });
      const [receipt] = response.store.response.receipts({ limit: 1 });
      expect([receipt?.status, calls]).toEqual(['stuck', []]);
      expect((await undo(receipt!.id)).status).toBe('undone');
      expect(text()).toBe('old');
    });

    it('is given up where it only plans, also in the turn of its target', async () => {
      await reopen(hanging('plan'));
      await expect(run('new')).rejects.toMatchObject({ code: 'hung' });
      await expect(run('new', { joins: 'standing' })).rejects.toMatchObject({ code: 'hung' });
    });

    it('is taken back once when its time is over, however often that is looked at', async () => {
      const begun: string[] = [];
      await reopen(hanging('undo', begun));
      const { id } = await run('new', { until: now + 1000 });
      now += 2000;
      await Promise.all([response.runner.tick(), response.runner.tick(), response.runner.tick()]);
      expect([begun, response.store.response.receipt(id)?.status]).toEqual([['undo'], 'stuck']);
    });
  });
});
