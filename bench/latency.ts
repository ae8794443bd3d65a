/** From a line being written to the alert being printed, and what a running agent costs; fail2ban beside it. */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { onlyLog, removeFolder, startMoat } from '../test/live/moat.ts';
import { hasPeer } from './peer-choice.ts';
import { cpuPercent, quantile, rss } from './process.ts';
import { row, type Row } from './report.ts';

const rounds = 60;
const failuresPerAddress = 10;

/** Each round is a new address that fails often enough to be an alert; the clock runs from the last line. */
const burst = (round: number): string => Array.from({ length: failuresPerAddress }, (_, i) => `${new Date().toISOString().slice(0, 19)}+00:00 web-1 sshd[${4000 + round * 100 + i}]: Failed password for root from 198.51.${Math.floor(round / 200)}.${1 + (round % 200)} port ${20_000 + i} ssh2\n`).join('');
const address = (round: number): string => `198.51.${Math.floor(round / 200)}.${1 + (round % 200)}`;

interface Costs { latencies: number[]; rssMb: number; idlePercent: number }

export async function benchLatency(): Promise<Row[]> {
  const ours = await moatCosts();
  const peer = hasPeer('/usr/bin/fail2ban-server') ? await fail2banCosts() : undefined;
  const [p50, p99] = [quantile(ours.latencies, 0.5), quantile(ours.latencies, 0.99)];
  const theirs = (q: number): number | undefined => peer && quantile(peer.latencies, q);
  return [
    row('log line to alert, median', p50, 'ms', { lowerIsBetter: true }),
    row('log line to alert, p99', p99, 'ms', { lowerIsBetter: true, budget: 150, detail: `${ours.latencies.length} of ${rounds} seen` }),
    row('the same, fail2ban, median', theirs(0.5), 'ms', { lowerIsBetter: true, ours: p50, ...(peer && { detail: `${peer.latencies.length} of ${rounds} seen` }) }),
    row('the same, fail2ban, p99', theirs(0.99), 'ms', { lowerIsBetter: true, ours: p99 }),
    row('memory of `moat up` with all sensors', ours.rssMb, 'MB', { lowerIsBetter: true, budget: 180 }),
    row('memory, fail2ban-server', peer?.rssMb, 'MB', { lowerIsBetter: true, ours: ours.rssMb }),
    row('idle CPU of `moat up` with all sensors', ours.idlePercent, '% of a core', { lowerIsBetter: true, budget: 1 }),
  ];
}

async function moatCosts(): Promise<Costs> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-latency-'));
  const log = join(folder, 'auth.log');
  writeFileSync(log, '');
  const config = onlyLog(log).replaceAll('enabled: false', 'enabled: true');
  const moat = await startMoat(config);
  try {
    await sleep(5000);
    const idlePercent = await cpuPercent(moat.child, 20_000);
    const latencies: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const written = Date.now();
      appendFileSync(log, burst(round));
      const alert = await moat.waitFor((a) => a.source_ip === address(round), address(round), 5000).catch(() => undefined);
      if (alert) latencies.push(alert.seenAt - written);
      await sleep(50);
    }
    return { latencies, rssMb: rss(moat.child), idlePercent };
  } finally {
    await moat.stop();
    removeFolder(moat.folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** fail2ban-server in the foreground with a configuration, socket and database of its own and no action. */
async function fail2banCosts(): Promise<Costs> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-latency-f2b-'));
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('filter.d'));
  writeFileSync(at('auth.log'), '');
  for (const name of ['common.conf', 'sshd.conf']) writeFileSync(at(`filter.d/${name}`), readFileSync(`/etc/fail2ban/filter.d/${name}`));
  writeFileSync(at('fail2ban.conf'), `[Definition]\nloglevel = INFO\nlogtarget = STDOUT\nsyslogsocket = auto\nsocket = ${at('sock')}\npidfile = ${at('pid')}\ndbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\n[Thread]\nstacksize = 0\n`);
  writeFileSync(at('jail.conf'), `[DEFAULT]\nbackend = auto\nmaxretry = 5\nfindtime = 600\nbantime = 600\nignoreip = 127.0.0.9\nusedns = no\nlogencoding = auto\n[sshd]\nenabled = true\nfilter = sshd\nlogpath = ${at('auth.log')}\naction =\n`);
  const child = spawn('fail2ban-server', ['-f', '-c', folder, '-s', at('sock'), '-p', at('pid'), 'start'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const banned = new Map<string, number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const found = /Ban (\S+)/.exec(line);
    if (found?.[1]) banned.set(found[1], Date.now());
  });
  try {
    await sleep(4000);
    const latencies: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const written = Date.now();
      appendFileSync(at('auth.log'), burst(round));
      for (let i = 0; i < 250 && !banned.has(address(round)); i++) await sleep(20);
      const seen = banned.get(address(round));
      if (seen !== undefined) latencies.push(seen - written);
    }
    return { latencies, rssMb: rss(child), idlePercent: 0 };
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => { child.once('exit', resolve); });
    rmSync(folder, { recursive: true, force: true });
  }
}
