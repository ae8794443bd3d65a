import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { openProcConnector } from '../../linux/proc-connector.ts';
import { KernelView } from '../kernel-view.ts';
import { processSensor } from '../process/sensor.ts';
import { start, type Trial } from '../trial.ts';
import { connectorSensor } from './sensor.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'moat-connector-')));
const children: ChildProcess[] = [];
const trials: Trial[] = [];

const follow = (trial: Trial): Trial => { trials.push(trial); return trial; };
function run(file: string, args: readonly string[] = []): ChildProcess {
  const child = spawn(file, args, { cwd: folder, stdio: 'ignore' });
  children.push(child);
  return child;
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const trial of trials.splice(0)) await trial.stop();
});
afterAll(() => { rmSync(folder, { recursive: true }); });

async function permitted(): Promise<boolean> {
  if (lacks({ root: true })) return false;
  try {
    (await openProcConnector()).close();
    return true;
  } catch (error) {
    return !lacks({ files: [`the proc connector: ${(error as Error).message}`] });
  }
}

describe.skipIf(!await permitted())('proc connector', () => {
  it('tells starts in full, forks and ends', async () => {
    const trial = follow(start(connectorSensor()));
    await trial.when(() => trial.health.get('connector') === 'live');
    const child = run('/bin/sh', ['-c', 'sleep 0.5 & wait; exit 7']);
    const started = await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    expect(started).toMatchObject({
      kind: 'process_creation', category: 'process', process_path: realpathSync('/bin/sh'), process_cmdline: '/bin/sh -c sleep 0.5 & wait; exit 7', process_cwd: folder,
      parent_pid: process.pid, parent_path: process.execPath, uid: process.getuid?.(), user: 'root', host: 'testhost', source: 'connector',
    });
    const ended = await trial.until((e) => e.action === 'process-end' && e.pid === child.pid);
    expect(ended).toMatchObject({ kind: 'process_termination', exit_code: 7, process_started: started.process_started });
    const fork = trial.events.find((e) => e.kind === 'process_fork' && e.parent_pid === child.pid);
    const sleep = trial.events.find((e) => e.action === 'process-start' && e.pid === fork?.pid);
    expect(sleep).toMatchObject({ process_cmdline: 'sleep 0.5', parent_pid: child.pid, parent_cmdline: started.process_cmdline });
    expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
  });

  it('knows the path of what has ended at once', async () => {
    const program = join(folder, 'blink');
    copyFileSync('/bin/true', program);
    const trial = follow(start(connectorSensor()));
    await trial.when(() => trial.health.get('connector') === 'live');
    // Synchronous, so that the sensor looks only when all have ended.
    for (let i = 0; i < 20; i++) spawnSync(program, { stdio: 'ignore' });
    await trial.when(() => trial.events.filter((e) => e.action === 'process-start' && e.process_path === program).length === 20);
  });

  it('takes the place of eBPF, and steps back when that sees', async () => {
    const view = new KernelView(['ebpf', 'connector']);
    const polling = follow(start(processSensor({ everyMs: 100, kernel: view })));
    const trial = follow(start(connectorSensor({ view })));
    view.tell('ebpf', { processes: false, sockets: false });
    await trial.when(() => trial.health.get('connector') === 'live');
    const child = run('/bin/sleep', ['300']);
    await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    await polling.until((e) => e.action === 'process-seen');
    await new Promise((resolve) => { setTimeout(resolve, 400); });
    expect(polling.events.filter((e) => e.pid === child.pid)).toEqual([]);
    view.tell('ebpf', { processes: true, sockets: true });
    await trial.when(() => trial.health.get('connector') === 'waiting');
    expect(view.processes).toBe(true);
  });
});
