/** Where a command came from that somebody runs over a real ssh connection. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddressStory, ProcessStory } from '../../src/engine/origin/story.ts';
import { lacks } from '../need.ts';
import { freePort } from '../port.ts';
import { moatBin, removeFolder, startMoat, type RunningMoat } from './moat.ts';
import { sshdNeeds, startSshd, type TestSshd } from './sshd.ts';

const config = (log: string): string => `logs:\n  journal: "off"\n  usual: false\n  files: [${JSON.stringify(log)}]\nprocesses: { enabled: true, every_seconds: 0.2 }\nmetrics: { enabled: false }\nhealth_checks: { urls: [] }\n`;

describe.skipIf(lacks(sshdNeeds))('a command run over ssh', () => {
  let sshd: TestSshd;
  let moat: RunningMoat;
  let ended: Promise<void>;
  let shell = 0;
  // A hidden folder: what runs from here is alerted.
  const place = mkdtempSync('/tmp/.moat-origin-');

  const ask = (...args: string[]): string => execFileSync(process.execPath, [moatBin, '--data', join(moat.folder, 'data'), '--lang', 'en', ...args]).toString();
  const story = (pid: number): ProcessStory => JSON.parse(ask('origin', String(pid), '--json')) as ProcessStory;
  const login = { kind: 'login', user: 'harbour', source_ip: '127.0.0.1' };

  beforeAll(async () => {
    sshd = await startSshd({ hostPids: true });
    execFileSync('chmod', ['0777', place]);
    moat = await startMoat(config(sshd.authLog));
    const run = sshd.run(`echo $$; cp /bin/sleep ${place}/tool; ${place}/tool 300; true`);
    ({ ended } = run);
    for (let i = 0; i < 100 && shell === 0; i++, await sleep(100)) shell = Number.parseInt(run.said(), 10) || 0;
    expect(shell).toBeGreaterThan(0);
  });
  afterAll(async () => {
    const children = `/proc/${shell}/task/${shell}/children`;
    if (shell > 0 && existsSync(children)) for (const pid of readFileSync(children, 'utf8').trim().split(' ')) process.kill(Number(pid), 'SIGTERM');
    await ended;
    await moat?.stop();
    await sshd?.stop();
    if (moat) removeFolder(moat.folder);
    rmSync(place, { recursive: true });
  });

  it('has the log-on with account and address as its origin', async () => {
    let known: ProcessStory | undefined;
    for (let i = 0; i < 50 && known?.process.origin.user === undefined; i++, await sleep(200)) {
      try { known = story(shell); } catch { continue; } // the next look finds it
    }
    expect(known?.process.origin).toMatchObject(login);
    expect(known?.process.origin.source_port).toBeGreaterThan(1023);
    expect(known?.chain.map((one) => one.name)).toContain('sshd');
    expect(ask('origin', String(shell))).toMatch(/ssh log-on of harbour from 127\.0\.0\.1 at \d\d:\d\d/);
    const about = JSON.parse(ask('origin', '127.0.0.1', '--json')) as AddressStory;
    expect(about.sessions.some((one) => one.origin.user === 'harbour')).toBe(true);
    const listed = ask('ps', '--json').trim().split('\n').map((line) => JSON.parse(line) as { pid: number; origin: { kind: string } });
    expect(listed.find((one) => one.pid === shell)?.origin).toMatchObject(login);
    expect(ask('ps')).toContain(`${place}/tool 300`);
  });

  it('gives the alert its story and the address', async () => {
    const alert = await moat.waitFor((a) => a.rule_id === 'run_from_hidden_place', 'of the tool') as unknown as { origin: string; origin_ip?: string };
    expect(alert.origin).toMatch(/^ssh log-on of harbour from 127\.0\.0\.1 at .* → .*tool$/);
    expect(alert.origin_ip).toBe('127.0.0.1');
    expect(ask('alerts')).toContain('ssh log-on of harbour from 127.0.0.1');
  });

  it('is known again after a restart, from what was saved', async () => {
    await moat.stop();
    moat = await startMoat(config('/nonexistent/auth.log'), { folder: moat.folder });
    expect(story(shell).process).toMatchObject({ pid: shell, origin: login });
    // Also when it was killed and what was saved is a while old.
    await moat.stop('SIGKILL');
    moat = await startMoat(config('/nonexistent/auth.log'), { folder: moat.folder });
    expect(story(shell).process).toMatchObject({ pid: shell, origin: login });
  });

  it('is not to be asked where no agent runs: the command says what to do', () => {
    const empty = mkdtempSync(join(tmpdir(), 'moat-origin-'));
    try {
      for (const args of [['origin', '1'], ['ps']]) {
        expect(() => execFileSync(process.execPath, [moatBin, '--data', empty, '--lang', 'en', ...args], { stdio: 'pipe' })).toThrow(/no agent answers[^]*moat up/);
      }
      expect(() => ask('origin', '/no/such/file')).toThrow(/nothing is known/);
    } finally { rmSync(empty, { recursive: true }); }
  });
});

const libbpf = ['/usr/lib/x86_64-linux-gnu/libbpf.so.1', '/usr/lib/aarch64-linux-gnu/libbpf.so.1', '/usr/lib64/libbpf.so.1'].filter((path) => existsSync(path));
const kernelNeeds = { root: true, files: ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/sbin/ip', '/sys/kernel/btf/vmlinux', libbpf[0] ?? 'libbpf.so.1'] };

describe.skipIf(lacks(kernelNeeds))('a log-on that no log tells of', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moat-origin-'));
  const at = (name: string): string => join(folder, name);
  const namespace = `moat-o-${process.pid}`;
  const [here, there] = [`mo${process.pid}a`, `mo${process.pid}b`];
  const address = '198.51.100.254';
  const ip = (...args: string[]): Buffer => execFileSync('ip', args, { stdio: 'pipe' });
  let sshd: ChildProcess | undefined;
  let moat: RunningMoat | undefined;

  beforeAll(async () => {
    for (const name of ['host', 'client']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    copyFileSync(at('client.pub'), at('authorized'));
    chmodSync(folder, 0o755);
    mkdirSync('/run/sshd', { recursive: true });
    ip('netns', 'add', namespace);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
    ip('addr', 'add', '198.51.100.253/30', 'dev', here);
    ip('link', 'set', here, 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/30`, 'dev', there);
    ip('-n', namespace, 'link', 'set', there, 'up');
    moat = await startMoat(config(at('no.log')));
  });
  afterAll(async () => {
    sshd?.kill();
    await moat?.stop();
    ip('netns', 'del', namespace);
    if (moat) removeFolder(moat.folder);
    rmSync(folder, { recursive: true });
  });

  it('has its address from the connection itself, once the kernel sensor sees it', async () => {
    const ask = (...args: string[]): string => execFileSync(process.execPath, [moatBin, '--data', join(moat!.folder, 'data'), '--lang', 'en', ...args], { stdio: 'pipe' }).toString();
    let parts: Record<string, { state: string }> = {};
    for (let i = 0; i < 100 && parts['ebpf']?.state !== 'live'; i++, await sleep(100)) ({ parts } = JSON.parse(ask('status', '--json')) as { parts: typeof parts });
    expect(parts['ebpf']?.state).toBe('live');
    const port = String(await freePort());
    sshd = spawn('/usr/sbin/sshd', ['-D', '-f', '/dev/null', '-p', port, '-h', at('host'), '-o', 'ListenAddress=198.51.100.253', '-o', `PidFile=${at('pid')}`, '-o', `AuthorizedKeysFile=${at('authorized')}`, '-o', 'StrictModes=no', '-o', 'UsePAM=no', '-o', 'PermitRootLogin=yes'], { stdio: 'ignore' });
    const said: string[] = [];
    for (let i = 0; i < 50 && said.length === 0; i++, await sleep(100)) {
      const client = spawn('ip', ['netns', 'exec', namespace, 'ssh', '-F', '/dev/null', '-p', port, '-i', at('client'), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', 'root@198.51.100.253', 'echo $$'], { stdio: ['ignore', 'pipe', 'ignore'] });
      client.stdout.on('data', (chunk: Buffer) => { said.push(chunk.toString()); });
      await new Promise((resolve) => { client.once('close', resolve); });
    }
    const shell = Number(said.join(''));
    expect(shell).toBeGreaterThan(0);
    await sleep(500);
    // It is over already: its story is kept.
    const story = JSON.parse(ask('origin', String(shell), '--json')) as ProcessStory;
    expect(story.process.origin).toMatchObject({ kind: 'login', user: 'root', source_ip: address });
    expect(story.process.ended).toBeGreaterThan(0);
    expect(ask('origin', address)).toContain(`ssh log-on of root from ${address}`);
  });
});
