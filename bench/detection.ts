/**
 * How many kernel events a second go through all of detection: real ones, recorded by the sensor from loads that run
 * here, then handed to the pipeline (packages of this machine, origin graph, rules, behaviours, store on disk) as fast
 * as it takes them. Nothing is lost here: the pipeline answers when it has judged a batch. Of each recording only what
 * the load's own processes did is taken.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../src/agent/config.ts';
import { openDetector } from '../src/agent/detector.ts';
import { originHost } from '../src/agent/origin-host.ts';
import { Event, eventFields } from '../src/core/gen/event.ts';
import { noKnowledge } from '../src/core/lineage.ts';
import { Health } from '../src/engine/health.ts';
import { Origins } from '../src/engine/origin/origins.ts';
import { Pipeline } from '../src/engine/pipeline.ts';
import { watchPackages } from '../src/linux/packages/live.ts';
import { openStage } from '../src/sensors/ebpf/testing.ts';
import { openSqliteStore } from '../src/stores/sqlite/store.ts';
import { freePort } from '../test/port.ts';
import { row, type Row } from './report.ts';

const batchEvents = 512;
const warmUp = 100_000, least = 300_000;
const tickEvery = 50_000;

interface Load { name: string; run(folder: string): Promise<void> }

/** One process that does nothing but start programs, write files and connect: more programs a second than a machine has work for. */
const storm: Load = {
  name: 'the worst mix: one process that starts programs, writes and connects without a pause',
  async run(folder) {
    const code = `use Socket; my $d = $ARGV[0];
      socket(my $l, PF_INET, SOCK_STREAM, 0) or die; bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 128); my $at = getsockname $l;
      for my $i (1..2000) {
        my $p = fork; if (!$p) { exec "/bin/true" or exit 1 } waitpid $p, 0;
        for my $n (1..8) { open(my $f, ">", "$d/f$n") or die $!; print $f "x"; close $f }
        socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, $at) or die $!; accept(my $c, $l); close $c; close $s;
      }`;
    await ended(start(folder, '/usr/bin/perl', '-e', code, folder));
  },
};

const serverPrograms = ['/usr/sbin/nginx', '/usr/bin/ab', '/usr/bin/make', '/usr/bin/gcc'];
const serverMs = 8000;

/** A compile job (make and gcc) beside nginx that passes requests on to a server behind it (nginx too), both as fast as they go. */
const server: Load = {
  name: 'a busy server: nginx as proxy under ab, beside make with gcc',
  async run(folder) {
    for (let i = 0; i < 40; i++) writeFileSync(join(folder, `part${i}.c`), `#include <stdio.h>\n#include <stdlib.h>\nint part${i}(int n) { return n * ${i}; }\n`);
    writeFileSync(join(folder, 'Makefile'), 'parts := $(patsubst %.c,%.o,$(wildcard *.c))\nlib.a: $(parts)\n\tar rcs $@ $(parts)\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n');
    const [front, back] = [await freePort(), await freePort()];
    mkdirSync(join(folder, 'logs'));
    writeFileSync(join(folder, 'nginx.conf'), `worker_processes 2; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/logs/error; events {}
      http { access_log ${folder}/logs/access; server { listen 127.0.0.1:${front}; location / { proxy_pass http://127.0.0.1:${back}; } } server { listen 127.0.0.1:${back}; location / { return 200 ok; } } }`);
    const nginx = start(folder, '/usr/sbin/nginx', '-p', folder, '-c', join(folder, 'nginx.conf'));
    try {
      await sleep(1000);
      const until = Date.now() + serverMs;
      const compile = async (): Promise<void> => { while (Date.now() < until) await ended(start(folder, '/usr/bin/make', '-B', '-s')); };
      await Promise.all([compile(), ended(start(folder, '/usr/bin/ab', '-q', '-c', '8', '-t', String(serverMs / 1000), '-n', '10000000', `http://127.0.0.1:${front}/`))]);
    } finally {
      nginx.kill();
      await ended(nginx);
    }
  },
};

const start = (folder: string, file: string, ...args: string[]): ChildProcess => spawn(file, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });

const ended = (child: ChildProcess): Promise<void> => new Promise((resolve, reject) => {
  if (child.exitCode !== null || child.signalCode !== null) resolve();
  else child.once('exit', () => resolve()).once('error', reject);
});

async function record(load: Load): Promise<Event[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-load-'));
  const stage = await openStage();
  // The sensor's own timers hold no process, and it is waited for.
  const held = setInterval(() => undefined, 60_000);
  try {
    const trial = await stage.live();
    await load.run(folder);
    await sleep(1500);
    return ownEvents(trial.events);
  } finally {
    await stage.clear();
    stage.remove();
    clearInterval(held);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the children of this process and all below them did. */
function ownEvents(events: readonly Event[]): Event[] {
  const pids = new Set<number>();
  for (const { kind, pid, parent_pid: parent } of events) if (kind === 'process_creation' && pid !== undefined && parent === process.pid) pids.add(pid);
  return events.filter(({ kind, pid, parent_pid: parent }) => {
    if (pid === undefined) return false;
    if (kind === 'process_fork' && parent !== undefined && pids.has(parent)) pids.add(pid);
    return pids.has(pid);
  });
}

/** The same event as another one, at another time and of another process. Ids come in order, as the sensor gives them. */
function again(event: Event, round: number, later: number): Event {
  const copy = new Event(`${String(round).padStart(6, '0')}:${event.id}`, event.time + later, event.kind);
  for (const field of eventFields) if (field !== 'id' && field !== 'time' && field !== 'kind') (copy as unknown as Record<string, unknown>)[field] = event[field];
  const shift = (pid: number): number => 1000 + (pid + round * 4999) % 4_000_000;
  if (copy.process_started !== undefined) copy.process_started += later;
  if (copy.pid !== undefined) copy.pid = shift(copy.pid);
  if (copy.parent_pid !== undefined) copy.parent_pid = shift(copy.parent_pid);
  return copy;
}

async function measure(load: Load): Promise<Row> {
  if (load === server && !serverPrograms.every((file) => existsSync(file))) return row(load.name, undefined, 'ev/s');
  const events = await record(load);
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-detection-'));
  const nothing = (): void => undefined;
  const packages = watchPackages({ health: nothing, count: nothing });
  try {
    while (!packages.ready) await sleep(100);
    const health = new Health(Date.now);
    const store = openSqliteStore({ dir: join(folder, 'data') });
    const origins = new Origins({ host: originHost(nothing), packages, lang: 'en', now: Date.now });
    const { detector } = openDetector({ config: loadConfig('/nonexistent', { mustExist: false }), knowledge: { ...noKnowledge, packages, lineage: origins.graph }, warn: nothing });
    let storing = 0;
    const pipeline = new Pipeline({
      store: { ...store, commit(commit) { const began = performance.now(); store.commit(commit); storing += performance.now() - began; } },
      detect: detector, health, origins, show: nothing, now: Date.now, exceptions: () => [], country: () => undefined,
      log: { debug: nothing, info: nothing, warn: nothing }, fold: { host: 'bench', lang: 'en', gap: 3_600_000 },
    });
    const span = (events.at(-1)?.time ?? 0) - (events[0]?.time ?? 0) + 1000;
    /** Milliseconds, of the clock and of the processor. */
    const now = (): { wall: number; cpu: number } => { const { user, system } = process.cpuUsage(); return { wall: performance.now(), cpu: (user + system) / 1000 }; };
    let seen = 0, began = now(), copying = { wall: 0, cpu: 0 };
    for (let round = 0; seen < warmUp + least; round++) {
      for (let at = 0; at < events.length && seen < warmUp + least; at += batchEvents) {
        const from = now();
        if (seen < warmUp) { began = from; copying = { wall: 0, cpu: 0 }; storing = 0; }
        const batch = events.slice(at, at + batchEvents).map((event) => again(event, round, round * span));
        const copied = now();
        copying.wall += copied.wall - from.wall;
        copying.cpu += copied.cpu - from.cpu;
        await pipeline.push({ events: batch, positions: [] });
        if (Math.floor(seen / tickEvery) !== Math.floor((seen + batch.length) / tickEvery)) pipeline.tick(Date.now());
        seen += batch.length;
        // Timers are due: the pipeline commits by them, and digests of programs come in.
        await turn();
      }
    }
    pipeline.finish();
    const end = now();
    const busy = end.wall - began.wall - copying.wall;
    store.close();
    return row(`kernel events through origin graph, rules, behaviours and store, one core; ${load.name}`, (seen - warmUp) / (busy / 1000), 'ev/s', {
      budget: 100_000,
      detail: `${mixOf(events)}; ${((storing / busy) * 100).toFixed(0)} % of the time is the store; ${(((end.cpu - began.cpu - copying.cpu) * 1000) / (seen - warmUp)).toFixed(1)} µs of processor time an event`,
    });
  } finally {
    await packages.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function mixOf(events: readonly Event[]): string {
  const kinds = new Map<string, number>();
  for (const { kind } of events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return [...kinds].sort(([, a], [, b]) => b - a).slice(0, 5).map(([kind, n]) => `${kind} ${((n / events.length) * 100).toFixed(n * 50 < events.length ? 1 : 0)} %`).join(', ');
}

export async function benchDetection(): Promise<Row[]> {
  return [await measure(server), await measure(storm)];
}
