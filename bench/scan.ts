/**
 * `npm run bench -- scan`: a full scan beside rkhunter, chkrootkit, lynis, unhide, debsums and AIDE, all inside one and the same server
 * that nobody has used, one after the other; see server-root.ts. LIMIT: seconds for each run of Moat, PEER_LIMIT: for each of the
 * others and for making it ready, ROUNDS: of Moat, the best of which counts. A peer that is missing, fails or is too slow is told, and
 * the others go on.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measured, type Measured } from './process.ts';
import { row, type Row } from './report.ts';
import { peersWanted } from './peer-choice.ts';
import { scanPeers, type ScanPeer } from './scan-peers.ts';
import { inside, moatInside, serverRoot, sizeOf, stageMoat } from './server-root.ts';

const limitMs = Number(process.env['LIMIT'] ?? 900) * 1000;
const peerLimitMs = Number(process.env['PEER_LIMIT'] ?? 300) * 1000;
const rounds = Number(process.env['ROUNDS'] ?? 3);
/** Of a full scan, on a server with 120,000 files and 6.4 GB in /usr, warm. */
const budgetSeconds = 20;

interface Finding { level: string; kind: string; title: string; path?: string }

export async function benchScan(): Promise<Row[]> {
  const root = await serverRoot();
  if (root === undefined) return [row('moat scan of a server', undefined, '', { why: 'no root, mmdebstrap or right to change the root here' })];
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-scan-'));
  try {
    const [stage, work] = [join(folder, 'stage'), join(folder, 'work')];
    mkdirSync(work);
    stageMoat(stage);
    const run = (command: readonly string[], limit = limitMs): Promise<Measured> => { const [file, args] = inside(root, stage, work, command); return measured(file, args, limit, folder); };

    const what = sizeOf(root);
    console.log(`the server: ${what}`);
    const runs: Measured[] = [];
    for (let i = 0; i < rounds; i++) {
      runs.push(await run([...moatInside, 'scan', '--json', '--verbose', '--no-nice']));
      console.log(`moat scan: ${runs.at(-1)!.wall.toFixed(1)} s`);
    }
    const ours = runs.reduce((a, b) => (b.wall < a.wall ? b : a));
    const alarms = findingsOf(ours.out).filter((one) => isHigh(one) || (one.kind === 'intrusion' && one.level === 'medium'));
    for (const { level, title, path } of alarms) console.log(`false alarm: ${level} ${path ?? ''} ${title}`);
    // 1 says that there are findings, 2 that not all could be looked at.
    const done = ours.status !== undefined && [0, 1, 2].includes(ours.status);
    const rows = [
      row('moat scan', done ? ours.wall : undefined, 's', { lowerIsBetter: true, budget: budgetSeconds, detail: `${costs(ours)}; ${ownFindings(ours.out)}; ${what}`, why: ended(ours) }),
      row('of these false alarms: high or critical, or an intrusion of medium', done ? alarms.length : undefined, '', { budget: 0, lowerIsBetter: true, why: ended(ours) }),
    ];
    for (const peer of peersWanted ? scanPeers : []) rows.push(await beside(peer, work, ours, (command) => run(command, peerLimitMs)));
    return rows;
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** Never throws: a peer that cannot be run is a row that says so. */
async function beside(peer: ScanPeer, work: string, ours: Measured, run: (command: readonly string[]) => Promise<Measured>): Promise<Row> {
  try {
    if ((await run(['/usr/bin/test', '-x', peer.command[0]!])).status !== 0) return row(peer.name, undefined, 's', { why: 'not in this root' });
    for (const command of peer.prepare?.(work) ?? []) {
      console.log(`${peer.name}, made ready: ${command.slice(0, 1).join(' ')}`);
      const ready = await run(command);
      if (ready.status === undefined) return row(peer.name, undefined, 's', { why: `making it ready was ended after ${ready.wall.toFixed(0)} s` });
    }
    console.log(peer.name);
    const said = await run(peer.command);
    const done = said.status !== undefined && peer.ends.includes(said.status);
    const more = said.status === undefined ? `, more than Moat × ${(said.wall / ours.wall).toFixed(1)}, CPU until then ${said.cpu.toFixed(1)} s` : '';
    return row(peer.name, done ? said.wall : undefined, 's', { lowerIsBetter: true, ours: ours.wall, detail: `${costs(said)}, CPU × ${(said.cpu / ours.cpu).toFixed(1)}, ${peer.found(work, said.out + said.err)} warnings`, why: `${ended(said)}${more}` });
  } catch (error) {
    return row(peer.name, undefined, 's', { why: `could not be run: ${(error as Error).message.slice(0, 100)}` });
  }
}

const costs = ({ cpu, peakMb }: Measured): string => `${cpu.toFixed(1)} s CPU, ${Math.round(peakMb)} MB at most`;
const ended = ({ status, wall, err }: Measured): string => (status === undefined ? `ended after ${wall.toFixed(0)} s` : `ended with ${status}: ${err.trim().split('\n').at(-1)?.slice(0, 100) ?? ''}`);

const findingsOf = (out: string): Finding[] => out.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Finding);
const isHigh = ({ level }: Finding): boolean => level === 'high' || level === 'critical';

function ownFindings(out: string): string {
  const all = findingsOf(out);
  return `${all.length} findings, ${all.filter(isHigh).length} high or critical`;
}
