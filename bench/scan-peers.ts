/**
 * rkhunter, chkrootkit, lynis, unhide, debsums and AIDE from Debian as `npm run bench -- scan` runs them, inside the server that is
 * looked at. What they write goes to the folder of the measurement: `work` here, /mnt for them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workInside } from './server-root.ts';

export interface ScanPeer {
  name: string;
  command: readonly string[];
  /** Exit codes of a run that came to its end, whatever it found. */
  ends: readonly number[];
  /** Once, and not measured: writes files to `work` and tells what is to be run inside. */
  prepare?(work: string): readonly (readonly string[])[];
  /** Warnings in what it said or wrote. */
  found(work: string, said: string): number;
}

const linesOf = (text: string, pattern: RegExp): number => text.split('\n').filter((line) => pattern.test(line)).length;
const written = (work: string, name: string): string => (existsSync(join(work, name)) ? readFileSync(join(work, name), 'latin1') : '');

const rkhunter = ['/usr/bin/rkhunter', '--dbdir', `${workInside}/db`, '--tmpdir', `${workInside}/tmp`, '--logfile', `${workInside}/rkhunter.log`, '--no-mail-on-warning', '--nocolors'];
const aide = ['/usr/bin/aide', '--config', `${workInside}/aide.conf`];

export const scanPeers: readonly ScanPeer[] = [
  {
    name: 'rkhunter --check', ends: [0, 1],
    prepare(work) {
      mkdirSync(join(work, 'tmp'));
      // It copies the account files there to see changes; without them every account is a warning.
      return [['/bin/cp', '-r', '/var/lib/rkhunter/db', `${workInside}/db`], ['/bin/cp', '/etc/passwd', '/etc/group', `${workInside}/tmp/`], [...rkhunter, '--propupd']];
    },
    command: [...rkhunter, '--check', '--skip-keypress', '--report-warnings-only'],
    found: (_work, said) => linesOf(said, /^Warning:/),
  },
  {
    name: 'chkrootkit -q', ends: [0, 1],
    command: ['/usr/sbin/chkrootkit', '-q'],
    found: (_work, said) => linesOf(said, /INFECTED|WARNING|PACKET SNIFFER|suspicious|hidden for/i),
  },
  {
    name: 'lynis audit system', ends: [0, 78],
    command: ['/usr/sbin/lynis', 'audit', 'system', '--quick', '--quiet', '--no-colors', '--log-file', `${workInside}/lynis.log`, '--report-file', `${workInside}/lynis.dat`],
    found: (work) => linesOf(written(work, 'lynis.dat'), /^(?:warning|suggestion)\[\]=/),
  },
  {
    name: 'unhide sys proc reverse (processes alone)', ends: [0, 1],
    command: ['/usr/sbin/unhide', 'sys', 'proc', 'reverse'],
    found: (_work, said) => linesOf(said, /^Found HIDDEN/),
  },
  {
    name: 'debsums -s --all (packages alone)', ends: [0, 2, 3],
    command: ['/usr/bin/debsums', '-s', '--all'],
    found: (_work, said) => linesOf(said, /^debsums: (?:changed|missing) file/),
  },
  {
    name: 'AIDE --check, two workers', ends: [0, 1, 2, 3, 4, 5, 6, 7],
    prepare(work) {
      writeFileSync(join(work, 'aide.conf'), `database_in=file:${workInside}/aide.db\ndatabase_out=file:${workInside}/aide.db\ngzip_dbout=yes\nnum_workers=2\nreport_level=list_entries\nreport_url=stdout\n!/(proc|sys|dev|run|mnt)(/|$)\n/ p+i+n+u+g+s+m+acl+xattrs+sha256\n`);
      return [[...aide, '--init']];
    },
    command: [...aide, '--check'],
    found: (_work, said) => linesOf(said, /^[fdlbcpDs][^\n]{10,24}: \//),
  },
];
