import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { engines, socketEngine } from '../../linux/container-engine.ts';
import type { RunResult } from '../../linux/run.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { type FakeContainer, type FakeDocker, startDocker } from '../../../test/docker.ts';
import { containerWorld, scene } from '../../../test/scenes/stop-container.ts';
import { stopContainer } from './action.ts';

const id = (letter: string): string => letter.repeat(64);
const web = (more: Partial<FakeContainer> = {}): FakeContainer => ({ Id: id('a'), Name: '/web', Status: 'running', restart: { Name: 'on-failure', MaximumRetryCount: 5 }, ...more });

describe('stop-container', () => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-container-'));
  const shared = join(dir, 'shared.sock');
  let daemon: FakeDocker;
  beforeAll(async () => { daemon = await startDocker(shared, [web({ restart: { Name: 'always', MaximumRetryCount: 0 } })]); });
  afterAll(async () => {
    await daemon.close();
    rmSync(dir, { recursive: true });
  });
  describe('contract', () => actionContract(() => scene(shared)));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/stop-container.ts'), argument: shared, open: scene, cuts: 6 }));

  let docker: FakeDocker, response: Response, socket: string, n = 0;
  beforeEach(async () => {
    socket = join(dir, `${n++}.sock`);
    docker = await startDocker(socket, [web(), web({ Id: id('b'), Name: '/passing', AutoRemove: true, restart: { Name: '', MaximumRetryCount: 0 } }), web({ Id: id('c'), Name: '/k8s_pod', Labels: { 'io.kubernetes.pod.name': 'shop-0' } }), web({ Id: id('d'), Name: '/held', Status: 'paused' })]);
    response = openResponse(join(dir, `store${n}`), () => [stopContainer(containerWorld(socket))]);
  });
  afterEach(async () => {
    await response.close();
    await docker.close();
  });
  const stop = (container: string, more: { pause?: boolean; force?: boolean } = {}): Promise<Receipt> => response.runner.run({ action: 'stop-container', input: { container, ...more }, by: 'operator:test', why: '', via: 'test', ...(more.force && { force: true }) });
  const undo = (of: string): Promise<Receipt> => response.runner.undo(of, { by: 'operator:test', via: 'test', why: '' });
  const status = (letter: string): string | undefined => docker.containers.get(id(letter))?.Status;

  it('is found by name and by the start of its id, stopped for good, and started with the policy it had', async () => {
    const receipt = await stop('aaaaaa');
    expect(receipt.target).toBe(`container ${id('a')}`);
    expect(docker.containers.get(id('a'))).toMatchObject({ Status: 'exited', restart: { Name: 'no' } });
    expect(docker.asked.filter((one) => one.startsWith('POST'))).toEqual(['POST /containers/ID/update', 'POST /containers/ID/stop']);
    await expect(stop('web')).rejects.toMatchObject({ code: 'not-there' });
    await undo(receipt.id);
    expect(docker.containers.get(id('a'))).toEqual(web());
  });

  it('only pauses it for evidence, and ends what is paused without letting it run', async () => {
    const first = await stop('web', { pause: true });
    expect(status('a')).toBe('paused');
    const second = await stop('web');
    expect(status('a')).toBe('exited');
    expect(docker.asked).toContain('POST /containers/ID/kill');
    expect(docker.asked).not.toContain('POST /containers/ID/unpause');
    // As it was: paused.
    await undo(second.id);
    expect(status('a')).toBe('paused');
    await undo(first.id);
    expect(docker.containers.get(id('a'))).toEqual(web());
    await expect(stop('held', { pause: true })).rejects.toMatchObject({ code: 'not-there' });
  });

  it('asks before it stops what would be gone, or come again', async () => {
    await expect(stop('passing')).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await expect(stop('k8s_pod')).rejects.toMatchObject({ code: 'refused', hint: '--force', message: expect.stringContaining('shop-0') as string });
    expect([status('b'), status('c')]).toEqual(['running', 'running']);
    expect((await stop('passing', { pause: true })).reversible).toBe(true);
    const gone = await stop('passing', { force: true });
    expect([gone.status, gone.reversible, status('b')]).toEqual(['applied', false, undefined]);
  });

  it('never stops the container that Moat or the asker is in', async () => {
    const procfs = { container: (pid: number) => (pid === 77 ? id('a') : undefined) } as never;
    for (const world of [{ self: 77, asker: undefined }, { self: 1, asker: 77 }]) {
      const action = stopContainer({ ...containerWorld(socket), procfs, self: world.self });
      await expect(action.plan({ container: 'web', pause: false, ...(world.asker !== undefined && { asker: world.asker }) }, { force: true, now: 0 })).rejects.toMatchObject({ code: 'refused', hint: undefined });
    }
  });

  it('takes back what it began when the engine does not do it, and says what the engine said', async () => {
    docker.stubborn = true;
    await expect(stop('web')).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('did not receive an exit event') as string });
    expect(docker.containers.get(id('a'))).toEqual(web());
  });

  it('tells a container that was removed since, one that is not there, and an engine that is not', async () => {
    const { id: receipt } = await stop('web');
    docker.containers.delete(id('a'));
    await expect(undo(receipt)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('removed since') as string });
    await expect(stop('nobody')).rejects.toMatchObject({ code: 'not-there' });
    await docker.close();
    await expect(socketEngine('docker', join(dir, 'none.sock')).inspect('web')).rejects.toMatchObject({ code: 'no-engine' });
    const none = stopContainer({ ...containerWorld(socket), engines: () => [] });
    await expect(none.plan({ container: 'web', pause: false }, { force: false, now: 0 })).rejects.toMatchObject({ code: 'no-engine' });
    docker = await startDocker(join(dir, `${n}again.sock`), []);
  });

  it('refuses names that are none, and answers that are none', async () => {
    for (const container of ['', '-x', '../x', 'a b', 'a/b', 'x'.repeat(300)]) await expect(stop(container)).rejects.toMatchObject({ code: 'bad-input' });
    docker.containers.set('zz', web({ Id: 'zz', Name: '/odd' }));
    await expect(stop('odd')).rejects.toMatchObject({ code: 'engine' });
  });

  it('speaks to a command line of the same words where no socket is', async () => {
    const root = join(dir, 'root');
    mkdirSync(join(root, 'usr/bin'), { recursive: true });
    writeFileSync(join(root, 'usr/bin/nerdctl'), '');
    const calls: string[] = [];
    let running = true;
    const run = (program: string, args: readonly string[]): Promise<RunResult> => {
      calls.push([program, ...args].join(' '));
      if (args[0] === 'stop') running = false;
      if (args[0] === 'start') running = true;
      if (args.at(-1) === 'nobody') return Promise.resolve({ code: 1, stdout: '[]\n', stderr: 'time="…" level=fatal msg="1 errors: [no such container: nobody]"\n' });
      const stdout = args[0] === 'container' ? `${JSON.stringify([{ Id: id('e'), Name: 'shop', State: { Status: running ? 'running' : 'exited', Running: running, Paused: false }, HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }, Config: { Image: 'x' } }])}\n` : '';
      return Promise.resolve({ code: 0, stdout, stderr: '' });
    };
    const [engine] = engines(root, run);
    expect(engine?.name).toBe('nerdctl');
    expect(await engine!.inspect('nobody')).toBeUndefined();
    expect(await engine!.inspect('shop')).toMatchObject({ id: id('e'), running: true, restart: { Name: 'always' } });
    await engine!.stop(id('e'), 10);
    await engine!.setRestart(id('e'), { Name: 'on-failure', MaximumRetryCount: 3 });
    expect(calls.slice(-2)).toEqual([`nerdctl stop --time 10 -- ${id('e')}`, `nerdctl update --restart=on-failure:3 -- ${id('e')}`]);
    expect((await engine!.inspect('shop'))?.running).toBe(false);
  });
});
