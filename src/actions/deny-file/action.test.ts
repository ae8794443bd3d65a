import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action, Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { denied, denyBook, scene } from '../../../test/scenes/deny-file.ts';
import { fileWorld } from '../../../test/scenes/files.ts';
import { denyFile } from './action.ts';

const folders: string[] = [];
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-deny-file-')); folders.push(made); return made; };
afterAll(() => { for (const one of folders) rmSync(one, { recursive: true }); });

describe('deny-file', () => {
  describe('contract', () => actionContract(() => scene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/deny-file.ts'), argument: folder(), open: scene, cuts: 6 }));
});

/** That the kernel keeps a file from running is shown in test/live/deny.test.ts. */
describe.skipIf(lacks({ root: true }))('deny-file', () => {
  let dir: string, response: Response;
  const open = (enabled = true): void => { response = openResponse(join(dir, 'store'), () => [denyFile({ ...fileWorld(dir), denying: denyBook(dir, enabled).port() })] as Action[]); };
  beforeEach(() => { dir = folder(); });
  afterEach(() => response.close());
  const run = (input: object, force = false): Promise<Receipt> => response.runner.run({ action: 'deny-file', input, by: 'operator:test', why: 'a miner', via: 'test', force });

  it('refuses when denying is off, and says how it is turned on', async () => {
    open(false);
    await expect(run({ sha256: denied })).rejects.toMatchObject({ code: 'refused', hint: 'deny: { enabled: true }' });
  });

  it('refuses what is protected, links, and another content than was named', async () => {
    open();
    for (const path of ['/bin/sh', process.execPath]) await expect(run({ path }, true)).rejects.toMatchObject({ code: 'refused' });
    mkdirSync(join(dir, 'here'));
    const path = join(dir, 'here/x');
    writeFileSync(path, 'x');
    symlinkSync('x', join(dir, 'here/link'));
    await expect(run({ path: join(dir, 'here/link') })).rejects.toMatchObject({ code: 'refused' });
    await expect(run({ path, sha256: denied })).rejects.toMatchObject({ code: 'changed' });
    await expect(run({ path: join(dir, 'data/none') })).rejects.toMatchObject({ code: 'refused' });
    await expect(run({ path: join(dir, 'here/none') })).rejects.toMatchObject({ code: 'not-there' });
  });

  it('leaves nothing behind when the kernel does not take the file', async () => {
    open();
    const path = join(dir, 'x');
    writeFileSync(path, 'x');
    const { plan } = await response.runner.plan('deny-file', { path });
    expect(plan.steps).toHaveLength(2);
    expect(plan.state).toMatchObject({ path, sha256: createHash('sha256').update('x').digest('hex') });
    await expect(run({ path })).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('kernel') as string });
    expect(denyBook(dir).port().has(path)).toBe(false);
  });

  it('takes back only what it added', async () => {
    open();
    // Stands in the configuration.
    await expect(run({ sha256: 'cd'.repeat(32) })).rejects.toMatchObject({ code: 'not-there' });
    const { id } = await run({ sha256: denied.toUpperCase() });
    await expect(run({ sha256: denied })).rejects.toMatchObject({ code: 'not-there' });
    await response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
    expect(denyBook(dir).port().has(denied)).toBe(false);
    for (const input of [{ sha256: 'zz' }, { path: 'relative' }, { path: '/' }]) await expect(run(input)).rejects.toMatchObject({ code: 'bad-input' });
  });
});
