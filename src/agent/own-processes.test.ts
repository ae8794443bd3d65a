import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Detection } from '../core/alert.ts';
import { Event } from '../core/gen/event.ts';
import { OriginGraph } from '../engine/origin/graph.ts';
import { OwnProcesses } from './own-processes.ts';

const dir = mkdtempSync(join(tmpdir(), 'moat-own-'));
const children: ChildProcess[] = [];
const moat = join(dir, 'moat.js');
const t0 = Date.now();
let graph: OriginGraph, own: OwnProcesses;

beforeAll(() => {
  writeFileSync(moat, 'console.log("ready"); setInterval(() => {}, 1000);');
  graph = new OriginGraph();
  own = new OwnProcesses({ lineage: graph, pid: 100, now: Date.now, programs: [moat] });
  graph.observe(exec(100, 1, process.execPath, `${process.execPath} ${moat} up`));
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

/** As the kernel tells it; `started` so that numbers may come again. */
function exec(pid: number, parent: number, path: string, cmdline = path, started = t0 - 5000): Event {
  return Object.assign(new Event(`e${pid}-${started}`, started, 'process_creation'), { pid, parent_pid: parent, process_path: path, process_name: path.split('/').at(-1), process_cmdline: cmdline, process_started: started, process_cwd: '/', uid: 0 });
}
function look(parent: number, { level = 'medium', attack = ['T1082', 'T1087.001'], at = Date.now() }: Partial<Pick<Detection, 'level' | 'attack'>> & { at?: number } = {}): Detection {
  const events = ['/usr/bin/id', '/usr/bin/who', '/usr/bin/uname', '/usr/sbin/ip', '/usr/bin/ss', '/usr/bin/last'].map((path) => exec(pidOf(), parent, path, path, at));
  for (const event of events) graph.observe(event);
  return { ruleId: 'discovery_burst', title: { zh: '', en: '' }, level, attack, key: 'k', time: Date.now(), events, count: events.length };
}
let last = 900_000;
const pidOf = (): number => ++last;

/** A process that runs, known to the graph as the kernel would tell it. */
async function running(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: dir, env: { PATH: process.env['PATH'], ...env } });
  children.push(child);
  await new Promise((resolve) => { child.stdout.once('data', resolve); });
  graph.observe(exec(child.pid!, 1, program, [program, ...args].join(' '), Date.now()));
  return child.pid!;
}

it('what Moat’s own processes look at raises nothing: the agent, its programs, a collector that said so', async () => {
  expect(own.excuse(look(100))).toBe('own look around');
  graph.observe(exec(101, 100, process.execPath, `${process.execPath} scan-child.js`));
  expect(own.excuse(look(101))).toBe('own look around');
  const collector = await running(process.execPath, [moat, 'incident', 'evidence']);
  expect(own.excuse(look(collector))).toBeUndefined();
  expect(own.begins(collector)).toBe(true);
  expect(own.excuse(look(collector))).toBe('own look around');
});

it('whatever else a child of Moat’s does is raised, and what is high', () => {
  expect(own.excuse(look(100, { attack: ['T1082', 'T1059.004'] }))).toBeUndefined();
  expect(own.excuse(look(100, { attack: [] }))).toBeUndefined();
  expect(own.excuse(look(100, { level: 'high' }))).toBeUndefined();
  const mixed = look(100);
  const other = exec(pidOf(), 4000, '/usr/bin/id', '/usr/bin/id', Date.now());
  graph.observe(other);
  expect(own.excuse({ ...mixed, events: [...mixed.events, other] })).toBeUndefined();
});

it('who calls itself Moat is not Moat: by name, by another node, by another program, with code put into it', async () => {
  const node = join(dir, 'node'), twin = join(dir, 'twin');
  copyFileSync('/bin/sh', join(dir, 'moat'));
  copyFileSync(process.execPath, node);
  symlinkSync(moat, join(dir, 'link.js'));
  writeFileSync(join(dir, 'evil.cjs'), '');
  writeFileSync(twin, 'console.log("ready"); setInterval(() => {}, 1000);');
  const pretenders = [
    await running(join(dir, 'moat'), ['-c', 'echo ready; while :; do sleep 1; done', moat, 'incident', 'evidence']),
    await running(node, [moat, 'incident', 'evidence']),
    await running(process.execPath, [twin, moat, 'incident', 'evidence']),
    await running(process.execPath, [`--require=${join(dir, 'evil.cjs')}`, moat, 'incident', 'evidence']),
    await running(process.execPath, [moat, 'incident', 'evidence'], { NODE_OPTIONS: `--require=${join(dir, 'evil.cjs')}` }),
  ];
  for (const pid of pretenders) {
    expect(own.begins(pid)).toBe(false);
    expect(own.excuse(look(pid))).toBeUndefined();
  }
  expect(own.begins(await running(process.execPath, ['--max-old-space-size=192', moat, 'up']))).toBe(true);
  // Its own program by another name is it.
  expect(own.begins(await running(process.execPath, [join(dir, 'link.js')]))).toBe(true);
  for (const pid of [1, 0, -1, 2 ** 40, '7', null]) expect(own.begins(pid)).toBe(false);
});

it('a number that was given out again, a shell below Moat, an orphan: none of them is Moat', async () => {
  const collector = await running(process.execPath, [moat]);
  expect(own.begins(collector)).toBe(true);
  graph.observe(exec(collector, 1, '/bin/bash', '-bash', Date.now() + 5000));
  expect(own.excuse(look(collector, { at: Date.now() + 10_000 }))).toBeUndefined();
  graph.observe(exec(102, 100, '/bin/bash', 'bash -i'));
  expect(own.excuse(look(102))).toBeUndefined();
  expect(own.excuse(look(1))).toBeUndefined();
});
