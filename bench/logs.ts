/**
 * Lines a second of processor time, raw to alert, through the whole `moat replay`, beside fail2ban and crowdsec on the same
 * lines: what one core does, whatever else the machine does meanwhile.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentStatus } from '../src/agent/agent.ts';
import { askControl } from '../src/agent/control.ts';
import { startMoat } from '../test/live/moat.ts';
import { attackLines, nginxLines, sshdLines } from './lines.ts';
import { crowdsec, fail2ban } from './peers.ts';
import { cpuPercent, cpuSeconds, measured, rss, serviceNode } from './process.ts';
import { row, type Row } from './report.ts';

const moat = fileURLToPath(new URL('../bin/moat', import.meta.url));
/** One core: the garbage collector's threads wait for it too. */
const oneCore = ['-c', '1'];

interface Case { name: string; lines: string[]; filter: string; type: 'syslog' | 'nginx'; budget: number }

export async function benchLogs(): Promise<Row[]> {
  const end = Date.UTC(2026, 10, 22);
  const cases: Case[] = [
    { name: 'sshd log', lines: sshdLines(1_000_000, end), filter: 'sshd', type: 'syslog', budget: 300_000 },
    { name: 'nginx log', lines: nginxLines(500_000, end), filter: 'nginx-botsearch', type: 'nginx', budget: 150_000 },
  ];
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-'));
  const rows: Row[] = [];
  try {
    for (const { name, lines, filter, type, budget } of cases) {
      const file = join(folder, `${type}.log`);
      const part = join(folder, `${type}-part.log`);
      const empty = join(folder, 'one-line.log');
      writeFileSync(file, `${lines.join('\n')}\n`);
      // The peers are slower by orders of magnitude: they get fewer of the same lines.
      const few = lines.slice(0, 20_000);
      writeFileSync(part, `${few.join('\n')}\n`);
      writeFileSync(empty, `${lines[0]}\n`);
      const start = await replay(empty, 3);
      const whole = await replay(file, 3);
      const rate = lines.length / (whole.seconds - start.seconds);
      rows.push(row(`${name}, raw to alert`, rate, 'lines/s', { budget, detail: `${(statSync(file).size / 2 ** 20 / (whole.seconds - start.seconds)).toFixed(0)} MB/s, ${whole.rss.toFixed(0)} MB, start-up ${start.seconds.toFixed(2)} s apart` }));
      const f = await fail2ban(part, filter);
      rows.push(row(`${name}, fail2ban (filter ${filter})`, f && few.length / f.seconds, 'lines/s', { ours: rate }));
      const c = await crowdsec(part, type);
      rows.push(row(`${name}, crowdsec`, c && few.length / c.seconds, 'lines/s', { ours: rate }));
    }
    rows.push(...await floods(folder));
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return rows;
}

/**
 * The whole of `moat up` with the heap that the service has, incidents and all, over attacks that come each from an address of its own, and over the
 * same from a hundred: what an address costs that is never seen again.
 */
async function floods(folder: string): Promise<Row[]> {
  const lines = 100_000;
  const cost = { few: 0, many: 0 }, memory = { few: 0, many: 0 };
  for (const which of ['few', 'many'] as const) {
    const data = join(folder, which), log = join(folder, `${which}.log`);
    mkdirSync(data);
    writeFileSync(log, attackLines(which === 'few' ? 100 : lines, lines, Date.now()));
    const moat = await startMoat(`logs: { journal: off, usual: false, files: [${log}] }\nprocesses: { enabled: false }\nfiles: { enabled: false }\nmetrics: { enabled: false }\nhealth_checks: { urls: [] }\nbaseline: { enabled: false }\nresponse: { firewall: off }\nserver: { enabled: true, port: 0 }\n`, { folder: data, ...serviceNode });
    try {
      // At an end when all was read and it does hardly anything any more.
      for (let quiet = 0; quiet < 5;) {
        const spent = await cpuPercent(moat.child, 1000);
        const { events } = await askControl(join(data, 'data'), 'status', undefined, { patient: true }) as AgentStatus;
        quiet = spent < 10 && Object.values(events).reduce((sum, n) => sum + n, 0) >= lines ? quiet + 1 : 0;
        memory[which] = Math.max(memory[which], rss(moat.child));
        if (moat.child.exitCode !== null || moat.child.signalCode !== null) return [row('attacks from as many addresses as lines', undefined, 'ms', { why: `moat up ended: ${moat.said().slice(-300)}` })];
      }
      cost[which] = cpuSeconds(moat.child);
    } finally { await moat.stop(); }
  }
  return [
    row('attacks from a hundred addresses, processor time', cost.few / lines * 1e6, 'µs a line', { lowerIsBetter: true, detail: `start-up with it, ${memory.few.toFixed(0)} MB at most` }),
    row('attacks from as many addresses as lines, processor time', cost.many / lines * 1e6, 'µs a line', { lowerIsBetter: true, budget: 400, detail: `${(cost.many / cost.few).toFixed(1)} times as much, ${memory.many.toFixed(0)} MB at most` }),
  ];
}

const longestMs = 600_000;

/** The cheapest of `times` runs: seconds of processor time, the garbage collector's and the compiler's threads with it, and peak memory in MB. */
async function replay(file: string, times: number): Promise<{ seconds: number; rss: number }> {
  let best = { seconds: Infinity, rss: 0 };
  for (let i = 0; i < times; i++) {
    const { status, cpu, peakMb, err } = await measured('taskset', [...oneCore, process.execPath, moat, 'replay', '--json', file], longestMs);
    if (status !== 0) throw new Error(`moat replay ${status === undefined ? 'did not end' : 'failed'}: ${err.slice(-500)}`);
    if (cpu < best.seconds) best = { seconds: cpu, rss: peakMb };
  }
  return best;
}
