import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { containerIp, hostIp, hostIp6, Net, otherIp, outsideIp, outsideIp6, publishedPort } from '../../../test/namespaces.ts';
import { lacks } from '../../../test/need.ts';
import { scene } from '../../../test/scenes/isolate-host.ts';
import { measureWorld, net, type Settings, measureActions } from '../../../test/scenes/measure-world.ts';

const namespace = `mti${process.pid}`;
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/socat', '/bin/nc.openbsd'] }))('isolate-host', () => {
  describe('contract', () => {
    beforeAll(() => { execFileSync('ip', ['netns', 'add', namespace]); });
    afterAll(() => { execFileSync('ip', ['netns', 'del', namespace]); });
    actionContract(() => scene(namespace));
    crashContract({ module: join(import.meta.dirname, '../../../test/scenes/isolate-host.ts'), argument: namespace, open: scene, cuts: 10 });
  });

  describe('with traffic', () => {
    let world: Net, dir: string;
    const open: { response: Response; wall: { close(): void } }[] = [];
    beforeAll(async () => {
      world = new Net();
      for (const port of [22, 80]) await world.listen(world.host, port);
      await world.listen(world.container, 80);
      for (const port of [22, 53, 443]) await world.listen(world.outside, port);
      dir = mkdtempSync(join(tmpdir(), 'moat-isolate-'));
    });
    afterAll(async () => {
      for (const { response, wall } of open) { await response.close(); wall.close(); }
      await world.close();
      rmSync(dir, { recursive: true });
    });
    /** Moat with these settings and a store of its own. */
    const moat = async (settings: Settings): Promise<{ response: Response; isolate: (input?: object, force?: boolean) => Promise<Receipt>; undo: (id: string) => Promise<Receipt>; wall: Awaited<ReturnType<typeof measureWorld>>['wall'] }> => {
      const { wall, world: reached } = await measureWorld(world.host, settings);
      const response = openResponse(mkdtempSync(join(dir, 'm')), (parts) => measureActions(reached(parts)), settings.now);
      open.push({ response, wall });
      return {
        response, wall,
        isolate: (input = {}, force = false) => response.runner.run({ action: 'isolate-host', input: { why: 'a test', ...input }, by: 'operator:test', why: 'a test', via: 'test', force }),
        undo: (id) => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' }),
      };
    };
    const traffic = async (): Promise<Record<string, boolean>> => {
      const ways: [string, string, string, number, string?][] = [
        ['managed', world.outside, hostIp, 22, outsideIp], ['managed6', world.outside, hostIp6, 22, outsideIp6],
        ['stranger', world.outside, hostIp, 22, otherIp], ['web', world.outside, hostIp, 80, outsideIp], ['web6', world.outside, hostIp6, 80, outsideIp6], ['published', world.outside, hostIp, publishedPort, outsideIp],
        ['out', world.host, outsideIp, 443], ['out6', world.host, outsideIp6, 443], ['dns', world.host, outsideIp, 53], ['container out', world.container, outsideIp, 443], ['container', world.host, containerIp, 80], ['loopback', world.host, '127.0.0.1', 80], ['loopback6', world.host, '::1', 80],
      ];
      return Object.fromEntries(await Promise.all(ways.map(async ([name, from, to, port, as]) => [name, await world.reaches(from, to, port, as)] as const)));
    };
    /** However slow the machine: what shall pass does after a while, what shall not never did. */
    const settles = async (wanted: Record<string, boolean>): Promise<void> => {
      let seen = await traffic();
      for (let i = 0; i < 30 && Object.entries(wanted).some(([name, passes]) => passes && !seen[name]); i++) seen = await traffic();
      expect(seen).toEqual(wanted);
    };
    const all = { 'managed': true, 'managed6': true, 'stranger': true, 'web': true, 'web6': true, 'published': true, 'out': true, 'out6': true, 'dns': true, 'container out': true, 'container': true, 'loopback': true, 'loopback6': true };
    const isolated = { ...all, 'stranger': false, 'web': false, 'web6': false, 'published': false, 'out': false, 'out6': false, 'dns': false, 'container out': false, 'container': false };
    const managed = { from: [net(outsideIp), net(outsideIp6)], ports: [22] };

    it('cuts all but the channel, connections that stand too, and gives all back; other tables stay', async () => {
      const { isolate, undo } = await moat({ management: managed });
      const others = async (): Promise<string> => (await world.run('nft', ['list', 'table', 'ip', 'published'])).stdout;
      const before = await others();
      await settles(all);
      const kept = await world.connection(world.outside, hostIp, 22, { from: outsideIp }), cut = await world.connection(world.outside, hostIp, 80, { from: outsideIp }), through = await world.connection(world.outside, hostIp, publishedPort);
      expect(await Promise.all([kept, cut, through].map((one) => one.says('before')))).toEqual([true, true, true]);
      const { id } = await isolate();
      await settles(isolated);
      expect(await Promise.all([kept.says('while'), cut.says('while', 1500), through.says('while', 1500)])).toEqual([true, false, false]);
      await undo(id);
      await settles(all);
      expect(await Promise.all([kept, cut, through].map((one) => one.says('after')))).toEqual([true, true, true]);
      expect(await others()).toBe(before);
    });

    it('lets DNS through when it shall, and finds neighbours anew meanwhile', async () => {
      const { isolate, undo } = await moat({ management: managed, resolvers: [net(outsideIp)] });
      const { id } = await isolate();
      for (const space of [world.host, world.outside]) execFileSync('ip', ['-n', space, 'neigh', 'flush', 'all']);
      await settles({ ...isolated, dns: true });
      await undo(id);
    });

    it('keeps whoever is logged on where nothing is configured, and not who merely connects', async () => {
      const session = await world.connection(world.outside, hostIp, 22, { from: outsideIp }), stranger = await world.connection(world.outside, hostIp, 22, { from: otherIp });
      expect(await Promise.all([session, stranger].map((one) => one.says('before')))).toEqual([true, true]);
      const { isolate, undo } = await moat({ loggedOn: [net(outsideIp)] });
      const { id } = await isolate();
      expect(await Promise.all([session.says('while'), stranger.says('while', 1500)])).toEqual([true, false]);
      await undo(id);
    });

    it('is refused without a channel, unless forced, and when it stands already', async () => {
      const { isolate, undo } = await moat({});
      await expect(isolate()).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      const { id } = await isolate({}, true);
      await settles({ ...isolated, managed: false, managed6: false });
      await expect(isolate({}, true)).rejects.toMatchObject({ code: 'refused', hint: 'moat release' });
      await undo(id);
      for (const input of [{ confirm_within: 0 }, { confirm_within: 'x' }, { until: 'x' }, { over: { address: 'x', remote_port: 1, port: 22 } }, { over: { address: outsideIp, remote_port: 0, port: 22 } }]) await expect(isolate(input)).rejects.toMatchObject({ code: 'bad-input' });
    });

    it('tests the channel by the address to probe, and takes all back when nothing answers', async () => {
      const works = await moat({ management: { ...managed, probes: [{ address: net('192.0.2.200'), port: 22 }, { address: net(outsideIp), port: 22 }] } });
      const { id, status } = await works.isolate();
      expect(status).toBe('applied');
      await settles(isolated);
      await works.undo(id);
      const fails = await moat({ management: { ...managed, probes: [{ address: net('192.0.2.200'), port: 22 }] }, testMs: 1000 });
      await expect(fails.isolate()).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('did not work') as string });
      await settles(all);
      expect(fails.response.store.response.receipts({ limit: 1 })[0]).toMatchObject({ status: 'failed' });
      expect(await fails.wall.standing()).toEqual([]);
    });

    it('watches the connection of whoever asks, and takes all back when it falls silent', async () => {
      const { isolate, undo } = await moat({ management: managed, testMs: 2500 });
      const own = await world.connection(world.outside, hostIp, 22, { from: otherIp, fromPort: 40_022 });
      expect(await own.says('before')).toBe(true);
      const over = { address: otherIp, remote_port: 40_022, port: 22 };
      // Nothing passes on it: nobody can tell that it works.
      await expect(isolate({ over })).rejects.toMatchObject({ code: 'failed' });
      await settles(all);
      const state = { done: false };
      const doing = isolate({ over }).finally(() => { state.done = true; });
      for (let i = 0; !state.done; i++) await own.says(`line ${i}`, 300);
      const { id } = await doing;
      expect(await own.says('while')).toBe(true);
      expect((await traffic())['web']).toBe(false);
      await undo(id);
    });

    it('ends by itself when nobody confirms it, in the kernel and in the receipt; stays when somebody does', async () => {
      // The ledger's clock stands still while it is looked at, the kernel's goes on.
      const clock = { now: Date.now() };
      const { isolate, response, undo, wall } = await moat({ management: managed, now: () => clock.now });
      const confirm = (id: string): Promise<Receipt> => response.runner.confirm(id, { by: 'operator:test', via: 'test', why: '' });
      let unconfirmed: Receipt | undefined;
      // Looked at while it holds: on a slow machine it is over before that, and is given more time.
      for (let seconds = 2; unconfirmed === undefined; seconds *= 2) {
        const { id } = await isolate({ confirm_within: seconds });
        const isReached = await world.reaches(world.outside, hostIp, 80, outsideIp);
        if ((await wall.standing()).length === 0) { await undo(id); continue; }
        expect(isReached).toBe(false);
        unconfirmed = response.store.response.receipt(id);
        expect(unconfirmed?.until).toBe(clock.now + seconds * 1000);
      }
      while ((await wall.standing()).length > 0) await pause(100);
      await settles(all);
      clock.now = unconfirmed.until!;
      await expect(confirm(unconfirmed.id)).rejects.toMatchObject({ code: 'changed' });
      await response.runner.tick();
      expect(response.store.response.receipt(unconfirmed.id)?.status).toBe('undone');
      await expect(confirm(unconfirmed.id)).rejects.toMatchObject({ code: 'changed' });

      const receipt = await isolate({ confirm_within: 60 });
      // In the last moment, and the clock comes by while it is being confirmed.
      clock.now = receipt.until! - 1;
      const confirming = confirm(receipt.id);
      for (let i = 0; i < 5; i++) await Promise.resolve(); // it is its turn
      clock.now = receipt.until! + 300;
      await response.runner.tick();
      expect((await confirming).until).toBeUndefined();
      await response.runner.tick();
      expect(response.store.response.receipt(receipt.id)?.status).toBe('applied');
      // Nothing in the kernel ends it any more.
      expect(await wall.standing()).toMatchObject([{ id: 'isolation', until: undefined }]);
      await settles(isolated);
      expect((await response.runner.verify(receipt.id)).is).toBe('finished');
      // As after a reboot, which forgets the table.
      await wall.remove();
      await wall.ensure();
      expect((await response.runner.verify(receipt.id)).is).toBe('former');
      expect(await response.runner.restore(['isolate-host'])).toEqual([]);
      await settles(isolated);
      await undo(receipt.id);
      await settles(all);
    });

    it('ends by itself also when Moat is killed right after it began', async () => {
      const folder = mkdtempSync(join(dir, 'm')), root = join(import.meta.dirname, '../../..');
      const from = (path: string): string => JSON.stringify(join(root, path));
      const script = `import { measureWorld, net } from ${from('test/scenes/measure-world.ts')};
        import { isolateHost } from ${from('src/actions/isolate-host/action.ts')};
        import { Journal } from ${from('src/engine/response/journal.ts')};
        import { Runner } from ${from('src/engine/response/runner.ts')};
        import { openSqliteStore } from ${from('src/stores/sqlite/store.ts')};
        const { world } = await measureWorld(${JSON.stringify(world.host)}, { management: { from: [net('192.0.2.200')], ports: [22] } });
        const store = openSqliteStore({ dir: ${JSON.stringify(folder)} });
        const journal = new Journal(store.response), none = () => undefined;
        const runner = new Runner({ actions: [isolateHost(world({ store, journal }))], store: store.response, journal, log: { debug: none, info: none, warn: none }, now: Date.now, count: none });
        await runner.run({ action: 'isolate-host', input: { why: 'a test', confirm_within: 6 }, by: 'operator:test', why: 'a test', via: 'test' });
        console.log('isolated'); setInterval(none, 1000);`;
      const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout!, 'data');
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      expect(await world.reaches(world.outside, hostIp, 22, outsideIp)).toBe(false);
      await settles(all);
      // The next start sees that its time is over.
      const { wall, world: reached } = await measureWorld(world.host);
      const response = openResponse(folder, (parts) => measureActions(reached(parts)));
      open.push({ response, wall });
      await response.runner.recover();
      expect(await response.runner.restore(['isolate-host'])).toEqual([]);
      await response.runner.tick();
      expect(response.store.response.receipts({ limit: 1 })[0]).toMatchObject({ action: 'isolate-host', status: 'undone' });
      await settles(all);
    });
  });
});
