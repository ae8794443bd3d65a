/** Where a command came from that somebody runs over a real ssh connection. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AddressStory, ProcessStory } from '../../src/engine/origin/story.ts';
import { lacks } from '../need.ts';
import { openEntrance, entranceNeeds, type Entrance } from './entrance.ts';
import { lacksKernel, startWatch, type Watch } from './kernel.ts';
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
    expect(JSON.parse(ask('hunt', `SELECT origin, origin_user, origin_ip FROM processes WHERE pid = ${shell}`, '--json'))).toEqual({ origin: 'login', origin_user: 'harbour', origin_ip: '127.0.0.1' });
    expect(ask('ps')).toContain(`${place}/tool 300`);
  });

  it('gives the alert its story and the address', async () => {
    const alert = await moat.waitFor((a) => (a.rule_id === 'behaviour.odd-exec-place' || a.rule_id === 'run_from_hidden_place') && a.summary.includes(place), 'of the tool') as unknown as { origin: string; origin_ip?: string };
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

describe.skipIf(lacks(entranceNeeds) || await lacksKernel())('a log-on that no log tells of', () => {
  let entrance: Entrance;
  let watch: Watch;

  beforeAll(async () => {
    watch = await startWatch({ behaviours: [] });
    entrance = await openEntrance('198.51.100');
  });
  afterAll(async () => {
    await entrance?.close();
    await watch?.end();
  });

  it('has its address from the connection itself, once the kernel sensor sees it', async () => {
    const ask = (...args: string[]): string => execFileSync(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), '--lang', 'en', ...args], { stdio: 'pipe' }).toString();
    const shell = Number((await entrance.run('echo $$')).out);
    expect(shell).toBeGreaterThan(0);
    await sleep(500);
    // It is over already: its story is kept.
    const story = JSON.parse(ask('origin', String(shell), '--json')) as ProcessStory;
    expect(story.process.origin).toMatchObject({ kind: 'login', user: 'root', source_ip: entrance.address });
    expect(story.process.ended).toBeGreaterThan(0);
    expect(ask('origin', entrance.address)).toContain(`ssh log-on of root from ${entrance.address}`);
  });
});
