/** The first seconds of `moat up`: how long its main thread is at one thing, what memory it takes at most, how soon an alert follows an exec. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { lacksKernel, startWatch } from '../test/live/kernel.ts';
import { quantile, rss } from './process.ts';
import { row, type Row } from './report.ts';

/** As the service runs it. */
const serviceFlags = ['--max-semi-space-size=4', '--max-old-space-size=256'];
const probe = fileURLToPath(new URL('start-probe.mjs', import.meta.url));
const rounds = 3;
const firstMs = 15_000;
const execEveryMs = 100;

interface Start { stretches: number[]; longest: number; peakMb: number; settledMb: number; took: number[]; execs: number }

/** `execs`: programs with a name that a rule knows are run all the while. */
async function observe(execs: boolean): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-start-'));
  const out = join(folder, 'probe.json');
  const url = pathToFileURL(probe);
  url.searchParams.set('out', out);
  const watch = await startWatch({ logs: true, metrics: true, node: [...serviceFlags, '--import', url.href] });
  const live = Date.now();
  const took: number[] = [];
  let ran = 0;
  try {
    while (Date.now() < live + firstMs) {
      if (!execs) { await sleep(execEveryMs); continue; }
      const program = join(folder, String(ran), 'xmrig');
      mkdirSync(join(folder, String(ran++)));
      copyFileSync('/bin/true', program);
      const began = Date.now();
      spawnSync(program, [], { stdio: 'ignore' });
      const alert = await watch.waitFor((one) => (one as { path?: string }).path === program, `of ${program}`, 5000).catch(() => undefined);
      if (alert) took.push(alert.seenAt - began);
      await sleep(execEveryMs);
    }
    await sleep(1000);
    const { stretches, peakKb } = JSON.parse(readFileSync(out, 'utf8')) as { stretches: [number, number][]; peakKb: number };
    const since = stretches.filter(([at]) => at >= live && at < live + firstMs).map(([, ms]) => ms);
    return { stretches: since, longest: Math.max(0, ...since), peakMb: peakKb / 1024, settledMb: rss(watch.child), took, execs: ran };
  } finally {
    await watch.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const least = (values: readonly number[]): number => Math.min(...values);

/** The least of several runs each: what else the machine does only adds. */
export async function benchStart(): Promise<Row[]> {
  if (await lacksKernel()) { console.log('eBPF is not permitted here: nothing of the first seconds can be measured'); return []; }
  const quiet: Start[] = [];
  const busy: Start[] = [];
  for (let round = 0; round < rounds; round++) { quiet.push(await observe(false)); busy.push(await observe(true)); }
  const p99 = (one: Start): number => quantile(one.took, 0.99) ?? Number.POSITIVE_INFINITY;
  const seen = busy.reduce((sum, one) => sum + one.took.length, 0);
  const all = busy.reduce((sum, one) => sum + one.execs, 0);
  return [
    row('first 15 s: longest stretch of the main thread', least(quiet.map((one) => one.longest)), 'ms of processor', { lowerIsBetter: true }),
    row('first 15 s: time in stretches of more than 5 ms', least(quiet.map((one) => one.stretches.filter((ms) => ms > 5).reduce((sum, ms) => sum + ms, 0))), 'ms of processor', { lowerIsBetter: true }),
    row('first 15 s: exec to alert, median', least(busy.map((one) => quantile(one.took, 0.5) ?? Number.POSITIVE_INFINITY)), 'ms', { lowerIsBetter: true }),
    row('first 15 s: exec to alert, p99', least(busy.map(p99)), 'ms', { lowerIsBetter: true, budget: 20, detail: `${seen} of ${all} seen` }),
    row('memory at most', least(quiet.map((one) => one.peakMb)), 'MB', { lowerIsBetter: true, budget: 180 }),
    row('memory after 16 s', least(quiet.map((one) => one.settledMb)), 'MB', { lowerIsBetter: true, budget: 180 }),
  ];
}
