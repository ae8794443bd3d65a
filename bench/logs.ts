/** Lines a second, raw to alert, through the whole `moat replay`, beside fail2ban and crowdsec on the same lines. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nginxLines, sshdLines } from './lines.ts';
import { crowdsec, fail2ban } from './peers.ts';
import { row, type Row } from './report.ts';

const moat = fileURLToPath(new URL('../bin/moat', import.meta.url));
/** One core, so that the figures are what one core does: the garbage collector's threads too. */
const oneCore = ['taskset', '-c', '1'];

interface Case { name: string; lines: string[]; filter: string; type: 'syslog' | 'nginx'; budget: number }

export function benchLogs(): Row[] {
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
      const start = replay(empty, 3);
      const whole = replay(file, 3);
      const rate = lines.length / (whole.seconds - start.seconds);
      rows.push(row(`${name}, raw to alert`, rate, 'lines/s', { budget, detail: `${(statSync(file).size / 2 ** 20 / (whole.seconds - start.seconds)).toFixed(0)} MB/s, ${whole.rss.toFixed(0)} MB, start-up ${start.seconds.toFixed(2)} s apart` }));
      const f = fail2ban(part, filter);
      rows.push(row(`${name}, fail2ban (filter ${filter})`, f && few.length / f.seconds, 'lines/s', { ours: rate }));
      const c = crowdsec(part, type);
      rows.push(row(`${name}, crowdsec`, c && few.length / c.seconds, 'lines/s', { ours: rate }));
    }
  } finally { rmSync(folder, { recursive: true, force: true }); }
  return rows;
}

/** Best of `times` runs: wall seconds and peak memory in MB. */
function replay(file: string, times: number): { seconds: number; rss: number } {
  let best = { seconds: Infinity, rss: 0 };
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    const { status, stderr } = spawnSync(oneCore[0]!, [...oneCore.slice(1), '/usr/bin/time', '-f', '%M', process.execPath, moat, 'replay', '--json', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const seconds = (performance.now() - began) / 1000;
    if (status !== 0) throw new Error(`moat replay failed: ${stderr.toString()}`);
    if (seconds < best.seconds) best = { seconds, rss: Number(stderr.toString().trim().split('\n').at(-1)) / 1024 };
  }
  return best;
}
