import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { containerIp, hostIp, hostIp6, Net, otherIp, outsideIp, outsideIp6, publishedPort } from '../../../test/namespaces.ts';
import { lacks } from '../../../test/need.ts';
import { measureWorld, net, measureActions } from '../../../test/scenes/measure-world.ts';
import { scene } from '../../../test/scenes/rate-limit.ts';

const namespace = `mtl${process.pid}`;

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/socat', '/bin/nc.openbsd'] }))('rate-limit and close-port', () => {
  describe('contract', () => {
    beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
    afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });
    actionContract(() => scene(namespace));
    crashContract({ module: join(import.meta.dirname, '../../../test/scenes/rate-limit.ts'), argument: namespace, open: scene, cuts: 10 });
  });

  describe('with traffic', () => {
    let world: Net, response: Response, dir: string, made: Awaited<ReturnType<typeof measureWorld>>;
    beforeAll(async () => {
      world = new Net();
      await world.listen(world.host, 80);
      await world.listen(world.host, 22);
      await world.listen(world.container, 80);
      made = await measureWorld(world.host, { management: { allow: [net(outsideIp)] } });
      dir = mkdtempSync(join(tmpdir(), 'moat-limit-'));
      response = openResponse(dir, (parts) => measureActions(made.world(parts)));
    });
    afterAll(async () => {
      await response.close();
      made.wall.close();
      await world.close();
      rmSync(dir, { recursive: true });
    });
    const run = (action: string, input: unknown, force = false): Promise<Receipt> => response.runner.run({ action, input, by: 'operator:test', why: '', via: 'test', force });
    const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
    /** How many of six connections come about. */
    const six = async (address: string, port: number, from: string): Promise<number> => {
      let came = 0;
      for (const one of await Promise.all(Array.from({ length: 6 }, () => world.reaches(world.outside, address, port, from)))) came += one ? 1 : 0;
      return came;
    };

    it.each([[outsideIp, hostIp, 80], [outsideIp6, hostIp6, 80], [outsideIp, hostIp, publishedPort]])('%s: two connections an hour to %s %i, then none; all again when it is taken back', async (from, to, port) => {
      expect(await six(to, port, from)).toBe(6);
      const { id } = await run('rate-limit', { address: from, rate: '2/h' });
      expect(await six(to, port, from)).toBe(2);
      if (!from.includes(':')) expect(await six(to, port, otherIp)).toBe(6);
      await undo(id);
      expect(await six(to, port, from)).toBe(6);
    });

    it('counts each source of a port by itself, or all together', async () => {
      const each = await run('rate-limit', { port: 80, rate: '2/h' });
      expect([await six(hostIp, 80, outsideIp), await six(hostIp, 80, otherIp), await six(hostIp6, 80, outsideIp6)]).toEqual([2, 2, 2]);
      expect(await world.reaches(world.outside, hostIp, publishedPort, outsideIp)).toBe(true);
      await undo(each.id);
      const all = await run('rate-limit', { port: 80, rate: '2/h', per_source: false });
      expect((await six(hostIp, 80, outsideIp)) + (await six(hostIp, 80, otherIp))).toBe(2);
      await undo(all.id);
      expect(await six(hostIp, 80, outsideIp)).toBe(6);
    });

    it('limits packets of what stands already', async () => {
      const connection = await world.connection(world.outside, hostIp, 80);
      expect(await connection.says('before')).toBe(true);
      const { id } = await run('rate-limit', { address: outsideIp, rate: '1/h', of: 'packets' });
      await connection.says('one', 500);
      expect(await connection.says('while', 1000)).toBe(false);
      await undo(id);
      expect(await connection.says('after')).toBe(true);
    });

    it('ends in the kernel by itself', async () => {
      const until = Date.now() + 2500;
      const { id } = await run('rate-limit', { address: outsideIp, rate: '1/h', until });
      await six(hostIp, 80, outsideIp);
      for (let i = 0; i < 100 && (await made.wall.standing()).length > 0; i++) await new Promise((resolve) => { setTimeout(resolve, 100); });
      expect(await six(hostIp, 80, outsideIp)).toBe(6);
      expect((await undo(id)).status).toBe('undone');
    });

    it('closes a port for all but the named, on this machine and where a container publishes it', async () => {
      const connection = await world.connection(world.outside, hostIp, 80, { from: otherIp });
      expect(await connection.says('before')).toBe(true);
      const receipts = [await run('close-port', { port: '80/tcp', except: [outsideIp] }), await run('close-port', { port: String(publishedPort) })];
      expect(await world.reaches(world.outside, hostIp, 80, outsideIp)).toBe(true);
      expect(await world.reaches(world.outside, hostIp, 80, otherIp)).toBe(false);
      expect(await world.reaches(world.outside, hostIp6, 80)).toBe(false);
      expect(await world.reaches(world.outside, hostIp, publishedPort, outsideIp)).toBe(false);
      expect(await world.reaches(world.host, '127.0.0.1', 80)).toBe(true);
      expect(await world.reaches(world.outside, containerIp, 22)).toBe(false);
      expect(await connection.says('goes on')).toBe(true);
      for (const { id } of receipts) await undo(id);
      expect(await world.reaches(world.outside, hostIp, 80, otherIp)).toBe(true);
      expect(await world.reaches(world.outside, hostIp6, 80)).toBe(true);
      expect(await world.reaches(world.outside, hostIp, publishedPort, outsideIp)).toBe(true);
    });

    it('refuses to shut out whoever looks after the machine, and a second one for the same target', async () => {
      await expect(run('close-port', { port: 22 })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      await expect(run('rate-limit', { port: 22, rate: '1/h' })).rejects.toMatchObject({ code: 'refused' });
      await undo((await run('close-port', { port: 22, except: ['192.0.2.0/28'] })).id);
      const { id } = await run('close-port', { port: 22 }, true);
      await expect(run('close-port', { port: 22 }, true)).rejects.toMatchObject({ code: 'refused', hint: `moat undo ${id}` });
      await undo(id);
      for (const input of [{ port: 0 }, { port: '80/sctp' }, { port: 80, except: ['x'] }, { port: 80, until: 1 }]) await expect(run('close-port', input)).rejects.toMatchObject({ code: 'bad-input' });
      for (const input of [{ address: otherIp }, { address: otherIp, port: 80, rate: '1/s' }, { address: otherIp, rate: '1/fortnight' }, { address: otherIp, rate: '0/s' }, { port: 80, rate: '1/s', of: 'bytes' }]) await expect(run('rate-limit', input)).rejects.toMatchObject({ code: 'bad-input' });
    });
  });
});
