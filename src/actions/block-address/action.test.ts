import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { scene } from '../../../test/scenes/block-address.ts';

const namespace = `mtb${process.pid}`;

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip'] }))('block-address', () => {
  beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
  afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });

  describe('contract', () => actionContract(() => scene(namespace)));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/block-address.ts'), argument: namespace, open: scene, cuts: 6 }));

  describe('several blocks of one address', () => {
    let response: Response, dir: string, now = Date.now();
    let world: Awaited<ReturnType<typeof scene>>;
    beforeAll(async () => {
      world = await scene(namespace);
      dir = mkdtempSync(join(tmpdir(), 'moat-block-'));
      response = openResponse(dir, (parts) => world.actions(parts), () => now);
    });
    afterAll(async () => {
      await response.close();
      await world.close?.();
      rmSync(dir, { recursive: true });
    });
    const block = (address: string, until?: number): Promise<Receipt> => response.runner.run({ action: 'block-address', input: { address, until, why: 'guessing', by: 'rule:x' }, by: 'rule:x', why: 'guessing', via: 'engine', ...(until !== undefined && { until }) });
    const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });

    it('the later one holds when the earlier one ends, and counts the times', async () => {
      const first = await block('198.51.100.7', now + 60_000);
      const second = await block('198.51.100.7', now + 3_600_000);
      now += 120_000;
      await response.runner.tick();
      expect(response.store.response.receipt(first.id)?.status).toBe('undone');
      expect(await world.look()).toEqual(['198.51.100.7']);
      expect(response.store.response.block('198.51.100.7')).toMatchObject({ times: 2, active: true });
      now += 3_600_000;
      await response.runner.tick();
      expect(response.store.response.receipt(second.id)?.status).toBe('undone');
      expect(await world.look()).toEqual([]);
      await block('198.51.100.7');
      expect(response.store.response.block('198.51.100.7')?.times).toBe(3);
    });

    it('one for good is not shortened by one for a time, and taking the later one back leaves the first', async () => {
      const later = await block('198.51.100.7', now + 60_000);
      expect(response.store.response.block('198.51.100.7')?.until).toBeUndefined();
      await undo(later.id);
      expect(await world.look()).toEqual(['198.51.100.7']);
      const [standing] = response.store.response.receipts({ action: 'block-address', target: '198.51.100.7', status: ['applied'] });
      await undo(standing!.id);
      expect(await world.look()).toEqual([]);
    });

    it('a thousand at once', async () => {
      const receipts = await Promise.all(Array.from({ length: 1000 }, (_, i) => block(`10.9.${i >> 8}.${i & 255}`, now + 60_000)));
      expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['applied']));
      expect(await world.look()).toHaveLength(1000);
      await Promise.all(receipts.map(({ id }) => undo(id)));
      expect(await world.look()).toEqual([]);
    });

    it.each([['127.0.0.1', 'loopback'], ['192.0.2.1', 'address of this machine'], ['192.0.2.0/24', 'address of this machine'], ['0.0.0.0/0', 'too wide'], ['fe80::1', 'link-local'], ['2001:db8::/20', 'address of this machine'], ['::ffff:127.0.0.1', 'loopback']])('%s is never blocked: %s', async (address, why) => {
      await expect(response.runner.run({ action: 'block-address', input: { address, why: '', by: 'x' }, by: 'x', why: '', via: 'test', force: true })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(why) as string });
    });
  });
});
