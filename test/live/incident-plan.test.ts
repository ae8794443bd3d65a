/**
 * From an alarm to its end and back, for real: a stand-in drops a script, plants a line in a file of jobs that nothing reads, and runs
 * loops; the plan is made, applied, looked after and taken back by the commands that a person types. Nothing of the machine is touched.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askControl } from '../../src/agent/control.ts';
import type { CleanupPlan } from '../../src/core/incident.ts';
import { everything } from '../scenes/files.ts';
import { lacks } from '../need.ts';
import { lacksKernel, startWatch, type Watch } from './kernel.ts';
import { moatBin } from './moat.ts';

/** Where it all happens; what runs from a hidden folder is alarmed. A folder named like a home holds the jobs: only its owner's cron would read them. */
const place = mkdtempSync(join(tmpdir(), '.moat-story-'));
const home = mkdtempSync('/srv/moat-story-');
const tool = join(place, 'kworkerd'), script = join(place, 'go.sh'), profile = join(home, '.bashrc'), unitFolder = join(home, '.config/systemd/user');
const before = 'alias ll="ls -l"\nexport EDITOR=vi\n';

describe.skipIf(lacks({ root: true }) || await lacksKernel())('moat incident', () => {
  let watch: Watch, alert = '', plan: CleanupPlan;
  const run = (...args: string[]): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), '--lang', 'en', 'incident', ...args], { encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };
  const ask = (op: string, argument?: unknown): Promise<unknown> => askControl(join(watch.folder, 'data'), op, argument, { patient: true });
  const json = <T>(...args: string[]): T[] => run(...args, '--json').out.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line) as T);
  const running = (): string[] => {
    try {
      return execFileSync('pgrep', ['-f', `^${tool} `]).toString().trim().split('\n');
    } catch { return []; /* pgrep says so by its exit code */ }
  };
  let planted: unknown, plantedHome: unknown;

  beforeAll(async () => {
    mkdirSync(unitFolder, { recursive: true });
    writeFileSync(profile, before);
    watch = await startWatch({ behaviours: ['odd-exec-place'], yaml: 'processes: { enabled: true }' });
    const dropper = `cp /bin/sleep ${tool}; printf '%s\\n' '${tool} 301 &' >> ${profile}; printf '[Service]\\nExecStart=${tool} 302\\n' > ${unitFolder}/kworker.service; ${tool} 300 & ${tool} 303; wait\n`;
    // Not a child of the test: nothing may be the parent that keeps it.
    const child = spawn('setsid', ['--fork', 'sh', '-c', `printf '%s' "$1" > "$2"; exec sh "$2"`, 'sh', dropper, script], { stdio: 'ignore', detached: true });
    child.unref();
    alert = (await watch.waitFor(({ summary }) => summary.includes(tool), 'of the stand-in')).id;
    for (let i = 0; i < 200 && running().length < 2; i++) await sleep(50);
    expect(running()).toHaveLength(2);
    planted = await everything(place);
    plantedHome = await everything(home);
  }, 60_000);
  afterAll(async () => {
    for (const pid of running()) process.kill(Number(pid), 'SIGKILL');
    await watch?.end();
    rmSync(place, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  });

  it('plans what ends the story, in order, and does nothing yet', async () => {
    [plan] = json<CleanupPlan>('plan', alert.slice(0, 8)) as [CleanupPlan];
    // What was planted goes before what it was made of; in which order the planted things go does not matter.
    const order = plan.steps.map(({ action, target }) => (target === profile || target.endsWith('kworker.service') ? 'planted' : action));
    expect(order.filter((action, i) => action !== order[i - 1])).toEqual(['freeze-tree', 'planted', 'quarantine-file', 'kill-tree']);
    expect(plan.steps.flatMap(({ action, target }) => (action.endsWith('tree') ? [] : [target])).toSorted()).toEqual([profile, script, tool, join(unitFolder, 'kworker.service')].toSorted());
    expect(plan.steps.find(({ action }) => action === 'remove-line')?.input).toMatchObject({ path: profile, line: 3, text: `${tool} 301 &` });
    expect(running()).toHaveLength(2);
    expect(await everything(place)).toEqual(planted);
    const shown = run('plan', alert);
    expect(shown.out).toContain(`$ moat remove-line ${profile} 3`);
    await expect(ask('incident-plan', { id: 'no-such-id' })).rejects.toThrow(/no-such-id/);
  });

  it('does nothing without a yes where nobody can be asked', async () => {
    const refused = run('apply', alert);
    expect(refused).toMatchObject({ status: 2, out: '' });
    expect(refused.err).toMatch(/need a yes[^]*--yes/);
    expect(running()).toHaveLength(2);
    expect(await ask('incident-verify', { id: alert })).toMatchObject({ clean: false });
  });

  it('ends it, also when Moat is killed half-way, and finds it clean', async () => {
    const half = plan.steps.slice(0, 2).map(({ id }) => id).join(',');
    expect(run('apply', alert, '--only', half, '--yes')).toMatchObject({ status: 0 });
    await watch.stop('SIGKILL');const { folder } = watch;
    watch = await startWatch({ behaviours: ['odd-exec-place'], yaml: 'processes: { enabled: true }', folder });
    const done = json<{ id: string; done: boolean; said?: string }>('apply', alert, '--yes');
    expect(done.filter((step) => !step.done)).toEqual([]);
    expect(done.map(({ id }) => id)).toEqual(plan.steps.map(({ id }) => id));
    expect(running()).toEqual([]);
    expect(existsSync(tool) || existsSync(script) || existsSync(join(unitFolder, 'kworker.service'))).toBe(false);
    expect(readFileSync(profile, 'utf8')).toBe(before);
    expect(run('verify', alert)).toMatchObject({ status: 0, out: expect.stringMatching(/\bclean\n$/) as string });
  });

  it('notices what comes back', async () => {
    copyFileSync('/bin/sleep', tool);
    const verdict = await ask('incident-verify', { id: alert });
    rmSync(tool);
    expect(verdict).toMatchObject({ clean: false, back: [tool] });
  });

  it('takes it back: files and lines are byte for byte as they were, the dead stay dead', async () => {
    const { status, out } = run('undo', alert);
    expect({ status, out }).toMatchObject({ status: 0, out: expect.stringMatching(/cannot be taken back/) as string });
    expect(await everything(place)).toEqual(planted);
    expect(await everything(home)).toEqual(plantedHome);
    expect(running()).toEqual([]);
    expect(await ask('audit-verify')).toMatchObject({ faults: [] });
  });
});
