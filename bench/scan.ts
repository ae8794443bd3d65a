/**
 * `npm run bench -- scan`: a full scan beside rkhunter, chkrootkit, lynis, unhide, debsums and AIDE, all over the same machine one after
 * the other, and over a clean Debian root those of them that can. MOAT_CLEAN_ROOT names a root that is there (nothing is written to it);
 * otherwise one is made by mmdebstrap once. LIMIT: seconds for each program, ROUNDS: of Moat, the best of which counts.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measured, type Measured } from './process.ts';
import { row, type Row } from './report.ts';
import { missing, scanPeers } from './scan-peers.ts';

const moat = fileURLToPath(new URL('../bin/moat', import.meta.url));
const limitMs = Number(process.env['LIMIT'] ?? 600) * 1000;
const rounds = Number(process.env['ROUNDS'] ?? 2);
const packages = ['nginx', 'php-fpm', 'mariadb-server', 'postgresql', 'redis-server', 'nodejs', 'docker.io', 'build-essential', 'openssh-server', 'cron', 'sudo', 'systemd-sysv', 'rsyslog'];
/** Of a full scan, on a server with 120,000 files and 6.4 GB in /usr. */
const budgetSeconds = 20;

interface Finding { level: string; kind: string }

export async function benchScan(): Promise<Row[]> {
  const work = mkdtempSync(join(tmpdir(), 'moat-bench-scan-'));
  try {
    const root = cleanRoot();
    return [
      ...await side('this machine', work, undefined),
      ...(root === undefined ? [row('clean Debian 12 root', undefined, '', { why: 'no mmdebstrap here, and MOAT_CLEAN_ROOT names none' })] : await side('clean Debian 12 root', work, root)),
    ];
  } finally { rmSync(work, { recursive: true, force: true }); }
}

async function side(of: string, work: string, root: string | undefined): Promise<Row[]> {
  const runs: Measured[] = [];
  for (let i = 0; i < rounds; i++) runs.push(await measured(process.execPath, [moat, 'scan', '--json', '--verbose', '--no-nice', ...(root === undefined ? [] : ['--root', root])], limitMs));
  const ours = runs.reduce((a, b) => (b.wall < a.wall ? b : a));
  const rows = [
    row(`moat scan, ${of}`, ours.status === undefined ? undefined : ours.wall, 's', { lowerIsBetter: true, ...(root === undefined && { budget: budgetSeconds }), detail: `${costs(ours)}, ${ownFindings(ours.out)}`, why: ended(ours) }),
    ...(root === undefined ? [] : [clean(ours.out)]),
  ];
  for (const peer of scanPeers) {
    const why = missing(peer);
    const name = `${peer.name}, ${of}`;
    if (why !== undefined) { rows.push(row(name, undefined, 's', { why })); continue; }
    const command = peer.command(work, root);
    if (!command) { rows.push(row(name, undefined, 's', { why: 'cannot look at another root' })); continue; }
    peer.prepare?.(work, root);
    const run = await measured(peer.program, command, limitMs, work);
    const done = run.status !== undefined && peer.ends.includes(run.status);
    rows.push(row(name, done ? run.wall : undefined, 's', { lowerIsBetter: true, ours: ours.wall, detail: `${costs(run)}, CPU × ${(run.cpu / ours.cpu).toFixed(1)}, ${peer.found(work, run.out + run.err)} warnings`, why: ended(run) }));
  }
  return rows;
}

const costs = ({ cpu, peakMb }: Measured): string => `${cpu.toFixed(1)} s CPU, ${Math.round(peakMb)} MB at most`;
const ended = ({ status, wall, err }: Measured): string => (status === undefined ? `ended after ${wall.toFixed(0)} s` : `ended with ${status}: ${err.trim().split('\n').at(-1)?.slice(0, 100) ?? ''}`);

const findingsOf = (out: string): Finding[] => out.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Finding);
const isHigh = ({ level }: Finding): boolean => level === 'high' || level === 'critical';

function ownFindings(out: string): string {
  const all = findingsOf(out);
  return `${all.length} findings, ${all.filter(isHigh).length} high or critical`;
}

/** A clean root has none of these. */
function clean(out: string): Row {
  const alarms = findingsOf(out).filter((one) => isHigh(one) || (one.kind === 'intrusion' && one.level === 'medium'));
  return row('of these false alarms: high or critical, or an intrusion of medium', alarms.length, '', { budget: 0, lowerIsBetter: true });
}

/** A root that no one has used; undefined where none can be made. */
function cleanRoot(): string | undefined {
  const named = process.env['MOAT_CLEAN_ROOT'];
  if (named !== undefined) return named;
  const made = join(tmpdir(), 'moat-bench-root');
  if (existsSync(made)) return made;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/mmdebstrap')) return undefined;
  const sources = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].find((path) => existsSync(path));
  console.log(`making a clean root in ${made}`);
  const part = `${made}.part`;
  rmSync(part, { recursive: true, force: true });
  try {
    execFileSync('mmdebstrap', ['--variant=important', `--include=${packages.join(',')}`, 'bookworm', part, ...(sources === undefined ? [] : [sources])], { stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync('mv', [part, made]);
    return made;
  } catch (error) {
    console.log(`no clean root could be made: ${(error as Error).message}`);
    return undefined;
  }
}
