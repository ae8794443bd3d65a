/** The first seconds of `moat up`: how long its main thread is at one thing, what memory it takes at most, how soon an alert follows an exec. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { lacksKernel } from '../test/live/kernel.ts';
import { removeFolder, startMoat } from '../test/live/moat.ts';
import { serviceNode, quantile, rss } from './process.ts';
import { row, type Row } from './report.ts';

const probe = fileURLToPath(new URL('start-probe.mjs', import.meta.url));
const rounds = 3;
const firstMs = 15_000;
const execEveryMs = 100;

interface Start { stretches: number[]; used: number; peakMb: number; settledMb: number; took: number[] }
interface Probe { stretches: [at: number, ms: number][]; used: [at: number, ms: number][]; peakKb: number }

/** `execs`: programs with a name that a rule knows are run all the while, each at another path so that no two fold into one alert. The first ones run before the probes are in place and are not seen. */
async function observe(execs: boolean): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-start-'));
  const out = join(folder, 'probe.json');
  const url = pathToFileURL(probe);
  url.searchParams.set('out', out);
  const moat = await startMoat('health_checks: { urls: [] }', { ...serviceNode, node: [...serviceNode.node, '--import', url.href] });
  const { readyAt } = moat;
  const began = new Map<string, number>();
  try {
    if (readyAt === 0) throw new Error(`expected Moat to be ready within ten seconds, got: ${moat.said()}`);
    while (Date.now() < readyAt + firstMs) {
      if (execs) {
        const program = join(folder, String(began.size), 'xmrig');
        mkdirSync(join(folder, String(began.size)));
        copyFileSync('/bin/true', program);
        began.set(program, Date.now());
        spawnSync(program, [], { stdio: 'ignore' });
      }
      await sleep(execEveryMs);
    }
    await sleep(1000);
    const { stretches, used, peakKb } = JSON.parse(readFileSync(out, 'utf8')) as Probe;
    const within = ([at]: [number, number]): boolean => at >= readyAt && at < readyAt + firstMs;
    const usedWithin = used.filter(within).map(([, ms]) => ms);
    // Of several alerts that tell of one program the first counts.
    const took = [...began].flatMap(([program, at]) => { const alert = moat.alerts.find((one) => (one as { path?: string }).path === program); return alert ? [alert.seenAt - at] : []; });
    return { stretches: stretches.filter(within).map(([, ms]) => ms), used: (usedWithin.at(-1) ?? 0) - (usedWithin[0] ?? 0), peakMb: peakKb / 1024, settledMb: rss(moat.child), took };
  } finally {
    await moat.stop();
    removeFolder(moat.folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

const least = (values: readonly number[]): number | undefined => (values.length === 0 ? undefined : Math.min(...values));

/** The least of several runs each: what else the machine does only adds. */
export async function benchStart(): Promise<Row[]> {
  if (await lacksKernel()) { console.log('eBPF is not permitted here: nothing of the first seconds can be measured'); return []; }
  const quiet: Start[] = [];
  const busy: Start[] = [];
  for (let round = 0; round < rounds; round++) { quiet.push(await observe(false)); busy.push(await observe(true)); }
  const took = (q: number): number | undefined => least(busy.flatMap((one) => quantile(one.took, q) ?? []));
  return [
    row('first 15 s: longest stretch of the main thread', least(quiet.map((one) => Math.max(0, ...one.stretches))), 'ms of processor', { lowerIsBetter: true }),
    row('first 15 s: stretches of more than 5 ms together', least(quiet.map((one) => one.stretches.filter((ms) => ms > 5).reduce((sum, ms) => sum + ms, 0))), 'ms of processor', { lowerIsBetter: true }),
    row('first 15 s: main thread', least(quiet.map((one) => one.used)), 'ms of processor', { lowerIsBetter: true }),
    row('first 15 s: exec to alert, median', took(0.5), 'ms', { lowerIsBetter: true }),
    row('first 15 s: exec to alert, p99', took(0.99), 'ms', { lowerIsBetter: true, budget: 20, detail: `${busy.reduce((sum, one) => sum + one.took.length, 0)} seen of those since the first` }),
    row('memory at most', least(quiet.map((one) => one.peakMb)), 'MB', { lowerIsBetter: true, budget: 180 }),
    row('memory after 16 s', least(quiet.map((one) => one.settledMb)), 'MB', { lowerIsBetter: true, budget: 180 }),
  ];
}
