import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { readProcesses } from '../../linux/process-tree.ts';
import { crashBundle, cutOff, cutsOf, cutsTime, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { eventually, procfs } from '../../../test/process-trees.ts';
import { scene, sessionWorld } from '../../../test/scenes/end-sessions.ts';
import { plantAccounts } from '../../../test/scenes/lock-account.ts';
import { startSession } from '../../../test/sessions.ts';
import { lacksSystemd, startSystemd } from '../../../test/systemd.ts';
import { endSessions, type SessionsState } from './action.ts';

const accounts = 'root:x:0:0:root:/root:/bin/bash\nmallory:x:471101:471101::/home/mallory:/bin/sh\nlin:x:471102:471102::/home/lin:/bin/sh\nhttp:x:471:471::/srv:/bin/false\n';
const mallory = 471101, lin = 471102;
const module = join(import.meta.dirname, '../../../test/scenes/end-sessions.ts');

describe.skipIf(lacks({ root: true, files: ['/usr/bin/setpriv', '/usr/bin/perl', '/proc/self/loginuid'] }))('end-sessions', () => {
  let dir: string, response: Response;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'moat-sessions-'));
    plantAccounts(dir, { passwd: accounts });
    const world = await sessionWorld(dir);
    response = openResponse(join(dir, 'store'), () => [endSessions(world)]);
  });
  afterAll(async () => {
    await response.close();
    rmSync(dir, { recursive: true });
  });
  const end = (user: string, more: { everything?: boolean; asker?: number; force?: boolean } = {}): Promise<Receipt> => response.runner.run({ action: 'end-sessions', input: { user, ...more }, by: 'operator:test', why: '', via: 'test', ...(more.force && { force: true }) });

  it('ends every session of the account with what left it, and nothing of others; once, for good', async () => {
    const [one, two, other] = [await startSession(mallory), await startSession(mallory), await startSession(lin)];
    try {
      const { plan } = await response.runner.plan('end-sessions', { user: 'mallory' });
      expect(new Set((plan.state as SessionsState).processes.map(({ pid }) => pid))).toEqual(new Set([...one.pids, ...two.pids]));
      expect(JSON.parse(JSON.stringify(plan.state))).toEqual(plan.state);
      expect([...one.lives(), ...two.lives()]).toEqual(Array(6).fill(true));
      const receipt = await end('mallory');
      expect(receipt).toMatchObject({ status: 'applied', reversible: false, target: 'sessions of mallory' });
      expect([...one.lives(), ...two.lives(), ...other.lives()]).toEqual([...Array<boolean>(6).fill(false), true, true, true]);
      await expect(response.runner.undo(receipt.id, { by: 'x', via: 'test', why: '' })).rejects.toMatchObject({ code: 'not-reversible' });
      await expect(end('mallory')).rejects.toMatchObject({ code: 'not-there' });
    } finally { for (const session of [one, two, other]) session.end(); }
  });

  it('follows the log-on through another account', async () => {
    // As after su: the processes are lin's, the kernel knows who came in.
    const session = await startSession(lin, mallory);
    try {
      await expect(end('lin')).rejects.toMatchObject({ code: 'not-there' });
      await end('mallory');
      expect(session.lives()).toEqual([false, false, false]);
    } finally { session.end(); }
  });

  it('never touches the session of whoever asks', async () => {
    const [own, other] = [await startSession(mallory), await startSession(mallory)];
    try {
      const receipt = await end('mallory', { asker: own.child, force: true });
      expect([own.lives(), other.lives()]).toEqual([[true, true, true], [false, false, false]]);
      expect(receipt.steps.at(-1)?.text.en).toContain('the session that you type in stays');
      await expect(end('mallory', { asker: own.child })).rejects.toMatchObject({ code: 'not-there', message: expect.stringContaining('no other session') as string });
    } finally { for (const session of [own, other]) session.end(); }
  });

  it('ends what runs under the account outside of sessions when it is asked to, but not the whole system or its services', async () => {
    const [stray, service] = [await startSession(mallory, 'none'), await startSession(471, 'none')];
    try {
      await expect(end('mallory')).rejects.toMatchObject({ code: 'not-there' });
      await end('471101', { everything: true });
      expect(stray.lives()).toEqual([false, false, false]);
      await expect(end('http', { everything: true })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
      await expect(end('root', { everything: true, force: true })).rejects.toMatchObject({ code: 'refused', hint: undefined });
      await end('http', { everything: true, force: true });
      expect(service.lives()).toEqual([false, false, false]);
    } finally { for (const session of [stray, service]) session.end(); }
  });

  it('refuses what is no account', async () => {
    await expect(end('nobody-here')).rejects.toMatchObject({ code: 'not-there' });
    for (const user of [undefined, null, 7, '', '-x', 'a:b', 'a\nb', 'a/b']) await expect(end(user as string)).rejects.toMatchObject({ code: 'bad-input' });
    await expect(end('mallory', { everything: 'yes' as never })).rejects.toMatchObject({ code: 'bad-input' });
  });

  describe('kill -9', () => {
    const bundle = crashBundle(module);
    const cuts = cutsOf(8);
    it(`killed at any of ${cuts} moments, the next start ends them all or nothing was begun`, { timeout: cutsTime(cuts) }, async () => {
      let duration = 60;
      const seen = new Set<string>();
      for (let cut = 0; cut < cuts; cut++) {
        const session = await startSession(mallory);
        const store = mkdtempSync(join(tmpdir(), 'moat-crash-'));
        try {
          const argument = `${dir}:mallory:${session.pids.join(',')}`;
          const world = await scene(argument);
          const took = await cutOff(bundle, store, argument, 'run', Math.random() * duration * (cut === cuts - 1 ? 20 : 1.2));
          if (took !== undefined) duration = (duration * 3 + took) / 4;
          const after = openResponse(store, (parts) => world.actions(parts));
          try {
            for (const { status, error } of await after.runner.recover()) expect(status, error).toBe('applied');
            const [newest] = after.store.response.receipts({ limit: 1 });
            expect(session.lives()).toEqual(Array(3).fill(newest?.status !== 'applied'));
            seen.add(newest?.status ?? 'nothing');
          } finally { await after.close(); }
        } finally { session.end(); rmSync(store, { recursive: true, force: true }); }
      }
      expect(seen).toContain('applied');
    });
  });
});

describe.skipIf(lacksSystemd() || lacks({ files: ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'] }))('end-sessions and a real sshd', () => {
  it('ends whoever came in by it, where nothing else tells of log-ons, and leaves the other', async () => {
    const files = mkdtempSync(join(tmpdir(), 'moat-sessions-'));
    const machine = await startSystemd({
      'etc/passwd': `root:x:0:0:root:/root:/bin/sh\nmallory:x:${mallory}:${mallory}::/home/mallory:/bin/sh\nlin:x:${lin}:${lin}::/home/mallory:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n`,
      'etc/shadow': 'mallory:$6$a$b:20000::::::\nlin:$6$a$b:20000::::::\n', 'etc/group': 'root:x:0:\n', 'etc/nsswitch.conf': 'passwd: files\ngroup: files\n',
    });
    const clients: ReturnType<typeof spawn>[] = [];
    try {
      mkdirSync(join(machine.root, 'run/sshd'), { mode: 0o755 });
      for (const file of [join(files, 'id'), join(machine.root, 'etc/hostkey')]) expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]).status).toBe(0);
      writeFileSync(join(machine.root, 'etc/keys'), readFileSync(join(files, 'id.pub')));
      for (const user of ['mallory', 'lin']) {
        const proxy = `nsenter -t ${machine.pid} -p -m -n -u -i -C -r -w /usr/sbin/sshd -i -f /dev/null -o HostKey=/etc/hostkey -o UsePAM=no -o AuthorizedKeysFile=/etc/keys`;
        const client = spawn('ssh', ['-F', 'none', '-i', join(files, 'id'), '-o', `ProxyCommand=${proxy}`, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', `${user}@192.0.2.1`, 'echo in; sleep 120'], { stdio: ['ignore', 'pipe', 'pipe'] });
        clients.push(client);
        let said = '';
        client.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
        await Promise.race([once(client.stdout, 'data'), once(client, 'close').then(() => { throw new Error(said); })]);
      }
      const world = await sessionWorld(machine.root);
      const action = endSessions(world);
      const { state } = await action.plan({ user: 'mallory', everything: false }, { force: false, now: Date.now() });
      expect(state.ran.map(({ command }) => command)).toEqual(expect.arrayContaining([expect.stringContaining('sshd: mallory') as string, 'sleep 120']));
      await action.apply(state, { signal: AbortSignal.timeout(30_000), now: Date.now, save: () => Promise.resolve() });
      expect(clients[1]!.exitCode).toBeNull();
      expect([...readProcesses(procfs).keys()].filter((pid) => procfs.uids(pid)?.real === lin).length).toBeGreaterThan(0);
      await eventually(() => [...readProcesses(procfs).keys()].every((pid) => procfs.uids(pid)?.real !== mallory));
    } finally {
      // nsenter stops itself when what it started is stopped, and stays so.
      for (const { pid, parentPid } of readProcesses(procfs).values()) if (clients.some((client) => client.pid === parentPid)) process.kill(pid, 'SIGKILL');
      for (const client of clients) client.kill('SIGKILL');
      await machine.close();
      rmSync(files, { recursive: true });
    }
  });
});
