import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { everything } from '../scenes/files.ts';
import { moatBin, onlyLog, removeFolder, startMoat, type RunningMoat } from './moat.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/bin/unshare', '/usr/bin/setpriv'] }))('moat up with the rights of its unit', () => {
  let moat: RunningMoat, hands: ChildProcess, folder: string, here: string, socket: string;
  const args = (...more: string[]): string[] => [moatBin, '--data', join(folder, 'data'), '--lang', 'en', ...more];
  const cli = (...more: string[]): Record<string, unknown>[] => execFileSync(process.execPath, args(...more, '--json')).toString().trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  const start = async (): Promise<void> => {
    hands = spawn(process.execPath, args('hands', '--socket', socket), { stdio: 'inherit' });
    while (!existsSync(socket)) await sleep(20);
  };
  const end = async (): Promise<void> => {
    if (hands.signalCode === null && hands.exitCode === null) {
      const gone = once(hands, 'exit');
      hands.kill('SIGKILL');
      await gone;
    }
    rmSync(socket, { force: true });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-hands-'));
    here = mkdtempSync(join(tmpdir(), 'moat-evil-'));
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    writeFileSync(join(folder, 'auth.log'), '');
    socket = join(folder, 'hands.sock');
    await start();
    moat = await startMoat(onlyLog(join(folder, 'auth.log')), { folder, asService: socket });
  });
  afterAll(async () => {
    await moat?.stop();
    await end();
    removeFolder(folder);
    rmSync(here, { recursive: true, force: true });
  });

  it('can write nowhere but in its own folder', () => {
    const status = execFileSync('cat', [`/proc/${moat.child.pid}/status`]).toString();
    const held = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(status)![1]!}`), overrides = 1n << 1n, administers = 1n << 21n;
    expect(held & (overrides | administers)).toBe(0n);
    const write = (path: string): number | null => spawnSync('nsenter', ['--mount', `--target=${moat.child.pid}`, 'touch', path]).status;
    expect(write(join(here, 'x'))).not.toBe(0);
    expect(write(join(folder, 'data', 'x'))).toBe(0);
  });

  it('has files taken away and put back by the hands', async () => {
    const path = join(here, 'xmrig');
    writeFileSync(path, 'mining\n', { mode: 0o755 });
    const before = await everything(here);
    const [receipt] = cli('quarantine', path, '--why', 'a miner');
    expect(receipt).toMatchObject({ action: 'quarantine-file', status: 'applied' });
    expect(existsSync(path)).toBe(false);
    expect(cli('restore', String(receipt?.['id']))).toMatchObject([{ status: 'undone' }]);
    expect(await everything(here)).toEqual(before);
  });

  it('refuses as it does without them, with the reason in both languages', () => {
    const shipped = '/usr/share/doc/libc6/copyright';
    const said = (lang: string, path: string): string => spawnSync(process.execPath, [moatBin, '--data', join(folder, 'data'), '--lang', lang, 'quarantine', path]).stdout.toString();
    expect(said('en', '/bin/sh')).toMatch(/log on|machine|shell/);
    expect(said('zh', '/bin/sh')).toMatch(/\p{Script=Han}/u);
    // The packages are the agent's to know: the hands ask it.
    if (existsSync(shipped)) expect(said('en', shipped)).toMatch(/libc6/);
  });

  it('freezes and kills with its own rights', async () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    const gone = once(child, 'exit');
    expect(cli('freeze', String(child.pid))).toMatchObject([{ action: 'freeze-tree', status: 'applied' }]);
    expect(execFileSync('cat', [`/proc/${child.pid}/stat`]).toString()).toMatch(/\) T /);
    cli('kill', String(child.pid), '--yes');
    await gone;
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('says so when they are not there, and goes on once they are', async () => {
    const path = join(here, 'later');
    writeFileSync(path, 'x');
    await end();
    const without = spawnSync(process.execPath, args('quarantine', path));
    expect([without.status, without.stdout.toString() + without.stderr.toString()]).toEqual([1, expect.stringContaining('moat-hands.socket')]);
    expect(existsSync(path)).toBe(true);
    await start();
    expect(cli('quarantine', path)).toMatchObject([{ status: 'applied' }]);
    expect(existsSync(path)).toBe(false);
  });

  it('the hands take no request but an action’s, from nobody but root', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const ask = async (text: string): Promise<string> => {
      const connection = createConnection(socket);
      connection.write(`${text}\n`);
      let said = '';
      for await (const chunk of connection as AsyncIterable<Buffer>) said += chunk.toString();
      return said;
    };
    expect(JSON.parse(await ask(JSON.stringify({ action: 'block-address', step: 'plan', input: {}, options: {} })))).toMatchObject({ kind: 'fault', code: 'bad-request' });
    expect(JSON.parse(await ask(JSON.stringify({ action: 'quarantine-file', step: 'plan', input: { path: '../x' }, options: { force: true, now: 1 } })))).toMatchObject({ kind: 'fault' });
    expect(JSON.parse(await ask('nonsense'))).toMatchObject({ kind: 'fault' });
    expect(cli('actions').length).toBeGreaterThan(0);
  });
});
