/**
 * rkhunter, chkrootkit, lynis, unhide, debsums and AIDE from Debian as `npm run bench -- scan` runs them: what they write goes to a folder
 * of the measurement. What is missing is installed when that can be done.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ScanPeer {
  name: string;
  package: string;
  program: string;
  /** Exit codes of a run that came to its end, whatever it found. */
  ends: readonly number[];
  /** Once, and not measured. `root` as below. */
  prepare?(work: string, root: string | undefined): void;
  /** Undefined where it cannot look at another root than this machine's. */
  command(work: string, root: string | undefined): readonly string[] | undefined;
  /** Warnings in what it said or wrote. */
  found(work: string, said: string): number;
}

const linesOf = (text: string, pattern: RegExp): number => text.split('\n').filter((line) => pattern.test(line)).length;
const setUpMs = 900_000;

const rkhunterOptions = (work: string): string[] => ['--dbdir', join(work, 'db'), '--tmpdir', join(work, 'tmp'), '--logfile', join(work, 'rkhunter.log'), '--no-mail-on-warning', '--nocolors'];

const aideConfig = (work: string, root: string | undefined): string => join(work, root === undefined ? 'aide.conf' : 'aide-root.conf');

export const scanPeers: readonly ScanPeer[] = [
  {
    name: 'rkhunter --check', package: 'rkhunter', program: '/usr/bin/rkhunter', ends: [0, 1],
    prepare(work) {
      cpSync('/var/lib/rkhunter/db', join(work, 'db'), { recursive: true });
      mkdirSync(join(work, 'tmp'));
      // It copies the account files there to see changes; without them every account is a warning.
      for (const name of ['passwd', 'group']) copyFileSync(`/etc/${name}`, join(work, 'tmp', name));
      setUp('/usr/bin/rkhunter', ['--propupd', ...rkhunterOptions(work)]);
    },
    command: (work, root) => (root === undefined ? ['--check', '--skip-keypress', '--report-warnings-only', ...rkhunterOptions(work)] : undefined),
    found: (_work, said) => linesOf(said, /^Warning:/),
  },
  {
    name: 'chkrootkit -q', package: 'chkrootkit', program: '/usr/sbin/chkrootkit', ends: [0, 1],
    command: (_work, root) => ['-q', ...(root === undefined ? [] : ['-r', root])],
    found: (_work, said) => linesOf(said, /INFECTED|WARNING|PACKET SNIFFER|suspicious|hidden for/i),
  },
  {
    name: 'lynis audit system', package: 'lynis', program: '/usr/sbin/lynis', ends: [0, 78],
    command: (work, root) => (root === undefined ? ['audit', 'system', '--quick', '--quiet', '--no-colors', '--log-file', join(work, 'lynis.log'), '--report-file', join(work, 'lynis.dat')] : undefined),
    found: (work) => linesOf(existsSync(join(work, 'lynis.dat')) ? readFileSync(join(work, 'lynis.dat'), 'latin1') : '', /^(?:warning|suggestion)\[\]=/),
  },
  {
    name: 'unhide sys proc reverse (processes alone)', package: 'unhide', program: '/usr/sbin/unhide', ends: [0, 1],
    command: (_work, root) => (root === undefined ? ['sys', 'proc', 'reverse'] : undefined),
    found: (_work, said) => linesOf(said, /^Found HIDDEN/),
  },
  {
    name: 'debsums -s --all (packages alone)', package: 'debsums', program: '/usr/bin/debsums', ends: [0, 2, 3],
    command: (_work, root) => ['-s', '--all', ...(root === undefined ? [] : ['--root', root])],
    found: (_work, said) => linesOf(said, /^debsums: (?:changed|missing) file/),
  },
  {
    name: 'AIDE --check, two workers', package: 'aide', program: '/usr/bin/aide', ends: [0, 1, 2, 3, 4, 5, 6, 7],
    prepare(work, root) {
      const db = join(work, root === undefined ? 'aide.db' : 'aide-root.db');
      const at = aideConfig(work, root);
      writeFileSync(at, `database_in=file:${db}\ndatabase_out=file:${db}\ngzip_dbout=yes\nnum_workers=2\nreport_level=list_entries\nreport_url=stdout\n${root === undefined ? '' : `root_prefix=${root}\n`}!/(proc|sys|dev|run)(/|$)\n!${work}\n!/tmp/moat-bench-\n/ p+i+n+u+g+s+m+acl+xattrs+sha256\n`);
      setUp('/usr/bin/aide', ['--init', '--config', at]);
    },
    command: (work, root) => ['--check', '--config', aideConfig(work, root)],
    found: (_work, said) => linesOf(said, /^[fdlbcpDs][^\n]{10,24}: \//),
  },
];

/** A peer that cannot be set up is told by its run. */
function setUp(program: string, args: readonly string[]): void {
  spawnSync(program, args, { stdio: 'ignore', timeout: setUpMs });
}

/** Why it cannot be had; undefined when it is there. */
export function missing({ package: name, program }: ScanPeer): string | undefined {
  if (!existsSync(program)) {
    if (process.getuid?.() !== 0) return 'not installed here';
    console.log(`installing ${name}`);
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: setUpMs });
  }
  return existsSync(program) ? undefined : 'could not be installed here';
}
