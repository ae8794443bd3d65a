import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { moduleWorld, plantKernel, scene } from '../../../test/scenes/unload-module.ts';
import { unloadModule } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-module-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true }); });

// On a recorded kernel: the machines that run the tests have no module that may be taken out.
describe('unload-module', () => {
  describe('contract', () => actionContract(() => scene(join(folder(), 'root'))));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/unload-module.ts'), argument: join(folder(), 'root'), open: scene, cuts: 6 }));

  let root: string, response: Response;
  beforeEach(() => {
    const dir = folder();
    root = join(dir, 'root');
    plantKernel(root);
    response = openResponse(join(dir, 'store'), () => [unloadModule(moduleWorld(root))]);
  });
  afterEach(() => response.close());
  const unload = (module: string, force = false): Promise<Receipt> => response.runner.run({ action: 'unload-module', input: { module }, by: 'operator:test', why: '', via: 'test', force });
  const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });

  it('loads it again from the same file with the parameters it had', async () => {
    const { id } = await unload('evil');
    expect((await undo(id)).status).toBe('undone');
    expect(readFileSync(join(root, 'given'), 'utf8')).toBe('label="two words" on=Y port=4444');
  });

  it('does not load another file under the same name', async () => {
    const { id } = await unload('evil');
    writeFileSync(join(root, 'lib/modules/evil.ko'), 'another');
    await expect(undo(id)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('not the file') as string });
  });

  it('tells that one whose file is gone cannot be loaded again', async () => {
    const receipt = await unload('orphan');
    expect(receipt).toMatchObject({ status: 'applied', reversible: false });
    expect(receipt.steps.at(-1)?.text.en).toContain('its file is not known');
  });

  it('refuses what is in use, built in, hidden, permanent, being loaded, or drives the network; with force no more than may be', async () => {
    for (const [module, why] of [['busy', 'in use'], ['used', 'evil_two'], ['builtin', 'built into'], ['hidden', 'hides itself'], ['forever', 'no exit'], ['starting', 'being loaded'], ['nic', 'eth0']] as const) {
      await expect(unload(module, true), module).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(why) as string, hint: undefined });
    }
    for (const module of ['shipped', 'nft-ct']) {
      await expect(unload(module)).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      expect((await unload(module, true)).status).toBe('applied');
    }
    await expect(unload('nobody')).rejects.toMatchObject({ code: 'not-there' });
    for (const module of ['', '-r', '../evil', 'a b', 'x'.repeat(65)]) await expect(unload(module)).rejects.toMatchObject({ code: 'bad-input' });
  });

  it('says when a kernel has no modules', async () => {
    rmSync(join(root, 'proc/modules'));
    await expect(unload('evil')).rejects.toMatchObject({ code: 'not-there', message: expect.stringContaining('no modules') as string });
  });
});
