import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { Event } from '../../core/gen/event.ts';
import { start, type Trial } from '../trial.ts';
import { usualFloors } from './processes.ts';
import { metricsSensor } from './sensor.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-metrics-'));
const children: ChildProcess[] = [];
let trial: Trial | undefined;

function node(script: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', script], { cwd: folder, stdio: 'ignore' });
  children.push(child);
  return child;
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await trial?.stop();
  trial = undefined;
});
afterAll(() => { rmSync(folder, { recursive: true }); });

it('measures a busy process, tells once that it fell, and then nothing', async () => {
  trial = start(metricsSensor({ everyMs: 800 }));
  // Known as idle first; then busy for seconds of its own time, since others may want the cores too.
  const child = spawn(process.execPath, ['-e', 'const used = () => { const { user, system } = process.cpuUsage(); return user + system; }; process.stdin.once("data", () => { const from = used(); while (used() - from < 2e6); }); process.stdout.write("up")'], { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  const samples = (): number => trial?.events.filter((e) => e.metric === 'host-cpu').length ?? 0;
  const more = async (n: number): Promise<void> => { const from = samples(); await trial?.when(() => samples() >= from + n, 60); };
  const ours = (): Event[] => trial?.events.filter((e) => e.metric === 'process-cpu' && e.pid === child.pid) ?? [];
  await more(2);
  const before = ours().length;
  child.stdin.write('go');
  await trial.when(() => ours().length > before && (ours().at(-1)?.value ?? 100) < 5, 60);
  const [busy] = ours().slice(before);
  expect(busy).toMatchObject({ kind: 'metric', process_path: process.execPath, process_name: 'node', parent_pid: process.pid, uid: process.getuid?.() });
  expect(busy?.process_cmdline).toContain('cpuUsage');
  expect(Math.max(...ours().slice(before).map((e) => e.value ?? 0))).toBeGreaterThan(10);
  expect(Math.max(...ours().slice(before).map((e) => e.value ?? 0))).toBeLessThan(250);
  const told = ours().length;
  await more(2);
  expect(ours().length).toBe(told);
});

it('measures memory and writes', async () => {
  trial = start(metricsSensor({ everyMs: 500, floors: { ...usualFloors, memory: 0.05 } }));
  await trial.until((e) => e.metric === 'host-memory');
  const child = node(`
    const held = Buffer.alloc(150 * 1024 * 1024, 1);
    const { openSync, writeSync, fsyncSync } = require('node:fs');
    const file = openSync('written', 'w'), block = Buffer.alloc(4 * 1024 * 1024, 7);
    let n = 0;
    setInterval(() => { if (n++ < 60) { writeSync(file, block, 0, block.length, 0); fsyncSync(file); } held[0] = n; }, 100);
  `);
  const rss = await trial.until((e) => e.metric === 'process-rss' && e.pid === child.pid && (e.value ?? 0) > 150 * 1024 * 1024);
  expect(rss.value).toBeLessThan(600 * 1024 * 1024);
  const percent = await trial.until((e) => e.metric === 'process-memory' && e.pid === child.pid);
  expect(percent.value).toBeGreaterThan(0);
  expect(percent.value).toBeLessThan(100);
  const write = await trial.until((e) => e.metric === 'process-write' && e.pid === child.pid && (e.value ?? 0) > 8e6);
  expect(write.value).toBeLessThan(1e9);
});

it('measures the machine and its disks', async () => {
  trial = start(metricsSensor({ everyMs: 200 }));
  for (const metric of ['host-cpu', 'host-memory', 'disk-space', 'disk-inodes']) {
    const event = await trial.until((e) => e.metric === metric);
    expect(event.value).toBeGreaterThanOrEqual(0);
    expect(event.value).toBeLessThanOrEqual(100);
  }
  expect((await trial.until((e) => e.metric === 'disk-space')).file_path).toMatch(/^\//);
  expect(trial.health.get('metrics')).toBe('live');
  expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
});
