import { describe, expect, it } from 'vitest';
import { alertOf } from '../../test/story-scenes.ts';
import { event } from '../../test/told-machine.ts';
import type { Receipt } from '../core/action.ts';
import type { Alert } from '../core/alert.ts';
import { MoatError } from '../core/error.ts';
import type { Finding } from '../core/finding.ts';
import type { CleanupPlan, PlannedStep, Seeds } from '../core/incident.ts';
import { Cleanup, type CleanupOptions } from './cleanup.ts';
import { CleanupBook } from './cleanup-book.ts';
import { seedsOf, type SeedOptions } from './cleanup-seeds.ts';

const title = { zh: '测试', en: 'test' };
const step = (id: string, action: string, target: string, more: Partial<PlannedStep> = {}): PlannedStep => ({ id, action, target, input: {}, title: { zh: '', en: `${action} ${target} ${id}` }, command: [], evidence: [], risk: 'low', reversible: true, steps: [], node: 'n', approval: false, ...more });
const planOf = (id: string, incident: string, steps: PlannedStep[] = []): CleanupPlan => ({ id, incident, title, made: 1, steps, left_alone: [], left: 0 });

describe('kept plans', () => {
  const settings = new Map<string, string>();
  const receipts: Receipt[] = [];
  const book = (): CleanupBook => new CleanupBook({ setting: (name) => settings.get(name), setSetting: (name, value) => { expect(Buffer.byteLength(value)).toBeLessThan(1 << 20); settings.set(name, value); } }, { receipts: ({ from }) => receipts.filter((one) => one.from === from) });
  const receipt = (from: string, { action, target, title: { en } }: PlannedStep): Receipt => ({ id: `r-${from}`, action, target, title: { zh: '', en }, from, status: 'applied' } as Receipt);
  const keep = (plan: CleanupPlan): void => book().save({ plan, checks: [], findings: [], processes: [] });

  it('are found by their id and by what they were made for, the latest first, with what became of each step', () => {
    const steps = [step('1', 'remove-line', '/etc/crontab'), step('2', 'remove-line', '/etc/crontab'), step('3', 'block-address', '203.0.113.9')];
    keep(planOf('p1', 'alert-1', steps));
    keep(planOf('p2', 'alert-1'));
    receipts.push(receipt('p1', steps[1]!));
    expect(book().get('alert-1')?.plan.id).toBe('p2');
    expect(book().done('alert-1')?.plan.id).toBe('p1');
    expect(book().get('p1')?.plan.steps.map(({ receipt: id }) => id)).toEqual([undefined, 'r-p1', undefined]);
    expect(book().get('nothing')).toBeUndefined();
  });

  it('are fifty; those of which something stands stay longest', () => {
    for (let i = 0; i < 60; i++) keep(planOf(`q${i}`, `alert-q${i}`));
    expect(settings.size).toBe(51);
    expect(book().get('q5')).toBeUndefined();
    expect(book().get('q59')?.plan.id).toBe('q59');
    expect(book().get('p1')?.plan.id).toBe('p1');
  });

  it('of any size fit, and say what they no longer hold', () => {
    const many = Array.from({ length: 300 }, (_, i) => step(String(i + 1), 'quarantine-file', `/tmp/${i}`, { evidence: Array.from({ length: 6 }, () => ({ what: title, value: '密'.repeat(300) })), input: { text: 'x'.repeat(8000) } }));
    keep(planOf('large', 'large', many));
    const kept = book().get('large')!.plan;
    expect(kept.steps.length + kept.left).toBe(300);
    expect(kept.steps.length).toBeGreaterThan(50);
  });
});

describe('plans of incidents that were merged', () => {
  const settings = new Map<string, string>();
  const receipts: Receipt[] = [];
  const ledger = { setting: (name: string) => settings.get(name), setSetting: (name: string, value: string) => { settings.set(name, value); }, alerts: () => [] };
  const response = { receipts: ({ from }: { from?: string }) => receipts.filter((one) => one.from === from), receipt: (id: string) => receipts.find((one) => one.id === id) };
  const tops = new Map<string, string>();
  const incident = (id: string): { id: string; title: typeof title; seeds: Seeds } | undefined => { const top = tops.get(id); return top === undefined ? undefined : { id: top, title, seeds: { alerts: [], findings: [] } }; };
  const options = { store: { ledger, response }, incident } as unknown as CleanupOptions;
  const kept = (id: string, done = false): string => (new Cleanup(options).handlers()['incident-kept-plan']!({ id, done }) as CleanupPlan).id;

  it('are found by either id, and what was done of them before stays within reach', () => {
    const keep = (id: string, of: string): void => new CleanupBook(ledger, response).save({ plan: planOf(id, of, [step('1', 'freeze-tree', 'pid 7')]), checks: [], findings: [], processes: [] });
    for (const id of ['aaaa', 'bbbb']) tops.set(id, id);
    keep('p1', 'bbbb');
    receipts.push({ id: 'r1', action: 'freeze-tree', target: 'pid 7', title, from: 'p1', status: 'applied' } as unknown as Receipt);
    tops.set('bbbb', 'aaaa');
    tops.set('aa', 'aaaa');
    expect([kept('aaaa'), kept('aa'), kept('bbbb')]).toEqual(['p1', 'p1', 'p1']);
    keep('p2', 'aaaa');
    expect([kept('aaaa'), kept('aaaa', true), kept('bbbb', true), kept('p2')]).toEqual(['p2', 'p1', 'p1', 'p2']);
    expect(() => kept('cccc')).toThrow(/no plan/);
  });
});

it('sessions that ended with the story’s processes are a step that is done, others are not', async () => {
  const settings = new Map<string, string>();
  const ledger = { setting: (name: string) => settings.get(name), setSetting: (name: string, value: string) => { settings.set(name, value); } };
  const response = { receipts: () => [], receipt: () => undefined };
  new CleanupBook(ledger, response).save({ plan: planOf('p9', 'abab', [{ ...step('1', 'end-sessions', 'sessions of root'), input: { user: 'root' } }]), checks: [], findings: [], processes: [] });
  const status = async (code: string): Promise<unknown> => {
    const refuse = (): Promise<never> => Promise.reject(new MoatError(code, 'no'));
    const options = { store: { ledger, response }, response: { runner: { run: refuse, plan: refuse } } } as unknown as CleanupOptions;
    return ((await new Cleanup(options).handlers()['incident-step']!({ id: 'p9', step: '1' })) as { status: string }).status;
  };
  expect(await status('not-there')).toBe('ended');
  await expect(status('refused')).rejects.toThrow('no');
});

describe('what a plan is asked for by', () => {
  const alerts: Alert[] = [alertOf(event('process_creation', {}), { id: 'abcd1234' }), alertOf(event('process_creation', {}), { id: 'abcd9999' }), alertOf(event('finding', {}), { id: 'ffff0000', rule_id: 'check.cron', key: 'f00d 2' })];
  const found: Finding[] = ['f00d', 'beef'].map((id) => ({ id, check: 'cron', kind: 'intrusion', level: 'high', title, evidence: [], refs: [] }));
  const scans: (readonly string[])[] = [];
  const options: SeedOptions = {
    ledger: { alert: (id) => alerts.find((one) => one.id === id), alerts: () => alerts, setting: () => JSON.stringify({ version: 1, findings: { beef: { check: 'cron', level: 'high', since: 1, sign: true }, dead: { check: 'cron', level: 'high', since: 1, sign: true } } }) },
    incident: (id) => (id === 'i1' ? { id, title, seeds: { alerts: [alerts[2]!], findings: [] } } : undefined),
    scan(checks) { scans.push(checks); return Promise.resolve({ findings: found, blind: [] }); },
  };

  it('is an alert, or its beginning when that names one', async () => {
    expect((await seedsOf('abcd1', options)).id).toBe('abcd1234');
    await expect(seedsOf('abcd', options)).rejects.toMatchObject({ code: 'ambiguous' });
    await expect(seedsOf('abc', options)).rejects.toMatchObject({ code: 'no-incident' });
    expect(scans).toEqual([]);
  });

  it('is a finding as its check sees it now, by itself or by its alert; an incident brings its own', async () => {
    expect(await seedsOf('ffff0000', options)).toMatchObject({ checks: ['cron'], seeds: { findings: [{ id: 'f00d' }] } });
    expect(await seedsOf('beef', options)).toMatchObject({ id: 'beef', seeds: { alerts: [], findings: [{ id: 'beef' }] } });
    await expect(seedsOf('dead', options)).rejects.toThrow(/not there any more/);
    expect(scans).toEqual([['cron'], ['cron'], ['cron']]);
    expect(await seedsOf('i1', options)).toMatchObject({ id: 'i1', checks: ['cron'] });
    for (const bad of ['', undefined, 7, 'x'.repeat(1000)]) await expect(seedsOf(bad, options)).rejects.toMatchObject({ code: 'no-incident' });
  });
});
