import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Action } from '../../core/action.ts';
import { actionContract, crashContract, openResponse } from '../../../test/actions.ts';
import { fileCloud, scene } from '../../../test/scenes/cloud-step.ts';
import { cloudStep } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-cloud-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true }); });

describe('cloud-step', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/cloud-step.ts'), argument: folder(), open: scene, cuts: 6 }));

  const wanted = { connector: 'example', step: 'set-security-group', resource: 'i-1', parameters: { group: 'sg-x' } };
  const plan = async (connected: boolean, input: object): Promise<unknown> => {
    const dir = folder();
    await scene(dir);
    const response = openResponse(join(dir, 'store'), () => [cloudStep({ connectors: () => (connected ? [fileCloud(join(dir, 'cloud.json'))] : []) })] as Action[]);
    try { return (await response.runner.plan('cloud-step', input)).plan; } finally { await response.close(); }
  };

  it('refuses clearly while nothing is connected, or another account is', async () => {
    await expect(plan(false, wanted)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('no connector') as string, text: { zh: expect.stringContaining('没有连接器') as string } });
    await expect(plan(true, { ...wanted, connector: 'other' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('connected: example') as string });
  });

  it('refuses steps that the connector does not know, resources that are not there, and input that is none', async () => {
    await expect(plan(true, { ...wanted, step: 'drop-table' })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(plan(true, { ...wanted, resource: 'i-9' })).rejects.toMatchObject({ code: 'not-there' });
    for (const more of [{ parameters: [] }, { parameters: { a: {} } }, { parameters: { a: Number.NaN } }, { parameters: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`p${i}`, 1])) }, { resource: 'a\nb' }, { connector: '../x' }, { step: '' }]) await expect(plan(true, { ...wanted, ...more })).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('asks with one token however often it is done', async () => {
    const dir = folder();
    const made = await scene(dir);
    const response = openResponse(join(dir, 'store'), (parts) => made.actions(parts));
    const { action, plan: { state } } = await response.runner.plan('cloud-step', made.input);
    const context = { signal: AbortSignal.timeout(10_000), now: Date.now, save: () => Promise.resolve() };
    for (let i = 0; i < 3; i++) await action.apply(state, context);
    expect(JSON.parse(readFileSync(join(dir, 'cloud.json'), 'utf8'))).toMatchObject({ requests: 1 });
    await response.close();
  });
});
