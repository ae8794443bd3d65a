/**
 * The baseline beside AIDE, and the package check beside `dpkg --verify` and debsums: the same files, one after the other in
 * turn, both reading what the cache holds already. CPU seconds are told too, because other work on the machine does not change them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { row, type Row } from './report.ts';
import { hasPeer } from './peer-choice.ts';

const moat = fileURLToPath(new URL('../dist/moat.js', import.meta.url));
/** All that the system's programs are of, with its many small files, and the large files of it alone. */
const trees = [['/usr'], ['/usr/bin', '/usr/sbin', '/usr/lib/x86_64-linux-gnu']].map((folders) => folders.filter((folder) => existsSync(folder)));
const aide = '/usr/bin/aide';
/** DESIGN: three times AIDE on the same tree. */
const ratioWanted = 3;
const rounds = Number(process.env['ROUNDS'] ?? 3);
/** Of Debian itself; checked one package at a time by debsums, so a few large ones stand for all. */
const packages = ['coreutils', 'libc6', 'perl-base', 'util-linux', 'systemd', 'openssh-client', 'git', 'gcc-12', 'python3.11-minimal', 'libpython3.11-stdlib'];

interface Cost { wall: number; cpu: number }

/** Best of the rounds: what else ran meanwhile only ever adds. */
const best = (costs: readonly Cost[]): Cost | undefined => (costs.length === 0 ? undefined : { wall: Math.min(...costs.map(({ wall }) => wall)), cpu: Math.min(...costs.map(({ cpu }) => cpu)) });

/** Wall and CPU seconds of a program and its children. Throws for an exit code that is not expected. */
function cost(file: string, args: readonly string[], expected: readonly number[]): Cost {
  const { stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null 2>&1; echo "$?" >&2', 'bash', file, ...args], { encoding: 'utf8' });
  const [times = '', status = ''] = stderr.trim().split('\n').slice(-2);
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = times.split(' ').map(Number);
  if (!expected.includes(Number(status)) || !Number.isFinite(wall)) throw new Error(`expected ${file} to end with ${expected.join(' or ')}, got ${stderr}`);
  return { wall, cpu: user + system };
}

function beside(folders: readonly string[], work: string): Row[] {
  const bytes = folders.reduce((sum, folder) => sum + sizeOf(folder), 0);
  const config = join(work, 'aide.conf');
  writeFileSync(config, `database_in=file:${work}/aide.db\ndatabase_out=file:${work}/aide.db.new\ngzip_dbout=yes\nnum_workers=2\nreport_level=summary\nreport_url=file:${work}/aide.log\n${folders.map((folder) => `${folder} p+i+n+u+g+s+m+c+acl+xattrs+sha256`).join('\n')}\n`);
  const [ours, theirs]: [Cost[], Cost[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    ours.push(cost(process.execPath, [moat, '--data', join(work, 'data'), 'baseline', 'create', ...folders.flatMap((folder) => ['--folder', folder])], [0]));
    if (hasPeer(aide)) theirs.push(cost(aide, ['--init', '--config', config], [0]));
  }
  const [we, they] = [best(ours)!, best(theirs)];
  const speed = bytes / 1e6 / we.wall;
  return [
    row(`baseline create, ${folders.join(' ')}`, speed, 'MB/s', { detail: `${Math.round(bytes / 1e6)} MB in ${detail(we)}`, ...(they && { budget: ratioWanted * bytes / 1e6 / they.wall }) }),
    row('the same, AIDE --init, two workers', they && bytes / 1e6 / they.wall, 'MB/s', { ours: speed, ...(they && { detail: detail(they) }) }),
  ];
}

const detail = ({ wall, cpu }: Cost): string => `${wall.toFixed(1)} s, ${cpu.toFixed(1)} s CPU`;

export function benchIntegrity(): Row[] {
  const work = mkdtempSync(join(tmpdir(), 'moat-bench-integrity-'));
  try {
    const rows: Row[] = [];
    for (const folders of trees) rows.push(...beside(folders, work));
    const [check, verify, debsums]: [Cost[], Cost[], Cost[]] = [[], [], []];
    for (let i = 0; i < rounds; i++) {
      check.push(cost(process.execPath, [moat, 'scan', '--only', 'package-files', '--json'], [0, 1, 2]));
      verify.push(cost('/usr/bin/dpkg', ['--verify'], [0, 1]));
      if (hasPeer('/usr/bin/debsums')) debsums.push(cost('/usr/bin/debsums', ['-s', ...packages], [0, 2]));
    }
    const [scan, dpkg, sums] = [best(check)!, best(verify)!, best(debsums)];
    rows.push(row('scan --only package-files, with the walk of the whole disk', scan.wall, 's', { lowerIsBetter: true, detail: detail(scan) }));
    rows.push(row('dpkg --verify', dpkg.wall, 's', { lowerIsBetter: true, ours: scan.wall, detail: detail(dpkg) }));
    rows.push(row(`debsums of ${packages.length} packages`, sums?.wall, 's', { lowerIsBetter: true, ...(sums && { detail: detail(sums) }) }));
    return rows;
  } finally { rmSync(work, { recursive: true, force: true }); }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(path) : entry.isFile() ? statSync(path).size : 0);
  }, 0);
}
