/**
 * What the kernel sensor costs the machine, and how soon an alert follows an exec; auditd and bpftrace beside it where
 * they are installed. Modes take turns within each round, so that what else the machine does meets all of them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lacksKernel, startWatch } from '../test/live/kernel.ts';
import { serviceNode, cpuPercent, quantile, rss } from './process.ts';
import { benchDetection } from './detection.ts';
import { row, type Row } from './report.ts';
import { auditd, bpftrace, type Watcher } from './watchers.ts';

const rounds = 5;

/** Perl is on every Debian and makes system calls without much beside them. */
const perl = (code: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync('/usr/bin/perl', ['-e', code, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`the load failed: ${stderr.toString()}`);
};

/** The package databases are read in the first seconds, and the heap is put in order after them: what `bench -- start` measures. */
const settleMs = 20_000;

interface Load { name: string; budget: number | undefined; run(folder: string): void }

const storm: Load = { name: '2,000 programs spawned', budget: 1.05, run: () => perl('for (1..2000) { my $p = fork; if (!$p) { exec "/bin/true" or exit 1 } waitpid $p, 0 }') };

const loads: readonly Load[] = [
  storm,
  { name: '100,000 files opened for writing', budget: 1.5, run: (folder) => perl('for (1..100000) { open(my $f, ">", "$ARGV[0]/f" . $_ % 100) or die $!; close $f }', folder) },
  {
    name: '20,000 connections on loopback', budget: undefined,
    run: () => perl(`use Socket; socket(my $l, PF_INET, SOCK_STREAM, 0) or die; setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1); bind($l, sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($l, 128); my $at = getsockname $l;
      my $p = fork; if (!$p) { for (1..20000) { accept(my $c, $l); close $c } exit 0 }
      for (1..20000) { socket(my $s, PF_INET, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); connect($s, $at) or die $!; close $s } waitpid $p, 0`),
  },
  { name: 'a compile job (this repository by tsc)', budget: 1.05, run: () => { if (spawnSync(process.execPath, ['node_modules/.bin/tsc', '-p', '.'], { stdio: 'ignore' }).status === null) throw new Error('tsc did not run'); } },
];

const moat: Watcher = {
  name: 'Moat', installed: () => true,
  async start() {
    const watch = await startWatch({ run: serviceNode });
    await sleep(settleMs);
    return { stop: () => watch.end() };
  },
};

const nothing: Watcher = { name: 'nothing', installed: () => true, start: () => Promise.resolve({ stop: () => Promise.resolve() }) };

/** Wall seconds by watcher, one a round. */
type Times = Map<Watcher, number[]>;

/** Wall seconds by load; `first` of the storm that is the first a watcher sees. */
async function costs(watchers: readonly Watcher[]): Promise<{ byLoad: Map<string, Times>; first: Times }> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-sensor-'));
  const times = (): Times => new Map(watchers.map((watcher) => [watcher, []]));
  const byLoad = new Map(loads.map(({ name }) => [name, times()]));
  const first = times();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const watcher of watchers) {
        const running = await watcher.start();
        try {
          await sleep(1500);
          // A watcher runs for months: what its code costs before it is compiled is a row of its own.
          const began = performance.now();
          storm.run(folder);
          first.get(watcher)!.push((performance.now() - began) / 1000);
          for (const load of loads) {
            const began = performance.now();
            load.run(folder);
            byLoad.get(load.name)!.get(watcher)!.push((performance.now() - began) / 1000);
          }
        } finally { await running.stop(); }
      }
    }
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return { byLoad, first };
}

export async function benchSensor(): Promise<Row[]> {
  if (await lacksKernel()) { console.log('eBPF is not permitted here: nothing of the kernel sensor can be measured'); return []; }
  const watchers = [nothing, moat, auditd, bpftrace].filter((watcher) => watcher.installed());
  const { byLoad, first } = await costs(watchers);
  const rows: Row[] = [];
  const table: { name: string; budget: number | undefined; measured: Times }[] = [
    { name: `${storm.name}, the first of a watcher's life`, budget: undefined, measured: first },
    ...loads.map(({ name, budget }) => ({ name, budget, measured: byLoad.get(name)! })),
  ];
  for (const { name, budget, measured } of table) {
    const base = quantile(measured.get(nothing)!, 0.5)!;
    const times = (watcher: Watcher): number | undefined => { const all = measured.get(watcher); return all && quantile(all, 0.5)! / base; };
    const ours = times(moat)!;
    rows.push(row(`${name}: × the time without any sensor`, ours, '×', { lowerIsBetter: true, ...(budget !== undefined && { budget }), detail: `${(base * 1000).toFixed(0)} ms without` }));
    for (const peer of [auditd, bpftrace]) rows.push(row(`the same, ${peer.name}`, times(peer), '×', { lowerIsBetter: true, ours }));
  }
  return [...rows, ...await benchDetection(), ...await latency()];
}

const execs = 200;

/** A program whose name a rule knows, each time at another path so that no two fold into one alert. */
async function latency(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-exec-'));
  const watch = await startWatch({ behaviours: [], run: serviceNode });
  try {
    await sleep(settleMs);
    const idle = await cpuPercent(watch.child, 30_000);
    const took: number[] = [];
    for (let i = 0; i < execs; i++) {
      mkdirSync(join(folder, String(i)));
      const program = join(folder, String(i), 'xmrig');
      copyFileSync('/bin/true', program);
      const began = Date.now();
      spawnSync(program, [], { stdio: 'ignore' });
      const alert = await watch.waitFor((one) => (one as { path?: string }).path === program, `of ${program}`, 5000).catch(() => undefined);
      if (alert) took.push(alert.seenAt - began);
    }
    return [
      row('exec to alert printed and stored, median', quantile(took, 0.5), 'ms', { lowerIsBetter: true }),
      row('exec to alert printed and stored, p99', quantile(took, 0.99), 'ms', { lowerIsBetter: true, budget: 20, detail: `${took.length} of ${execs} seen` }),
      row('memory of `moat up` with the kernel sensor', rss(watch.child), 'MB', { lowerIsBetter: true, budget: 180 }),
      row('idle CPU of `moat up` with the kernel sensor', idle, '% of a core', { lowerIsBetter: true, budget: 1 }),
    ];
  } finally {
    await watch.end();
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
}
