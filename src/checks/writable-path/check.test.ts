import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { writablePath } from './check.ts';

describe.skipIf(lacks({ root: true }))('writable-path', () => {
  it('finds folders of PATH, units, their programs and cron files that others may change', async () => {
    const root = makeRoot({
      '/etc/environment': 'PATH="/usr/local/bin:/usr/bin:/opt/tools"\n', '/opt/tools/a': 'x', '/root/.profile': 'export PATH=$PATH:.\nPATH=:/usr/bin\n',
      '/etc/systemd/system/a.service': { text: '[Service]\nExecStart=/srv/app/run --x\n', mode: 0o644 }, '/srv/app/run': { text: 'x', mode: 0o777 },
      '/etc/systemd/system/b.service': { text: '[Service]\nExecStart=/usr/bin/true\n', mode: 0o666 }, '/etc/cron.d/job': { text: '* * * * * root true\n', mode: 0o646 },
      '/etc/systemd/system/c.service': '[Service]\nUser=lin\nExecStart=/home/lin/x\n', '/home/lin/x': { text: 'x', mode: 0o777 },
    });
    chmodSync(join(root, 'opt/tools'), 0o777);
    expect(shown(await scanRoot([writablePath], root)).sort()).toEqual(['high ', 'high ', 'high /etc/cron.d/job', 'high /etc/systemd/system/b.service', 'high /opt/tools', 'high /srv/app/run']);
    chmodSync(join(root, 'opt/tools'), 0o755);
    chownSync(join(root, 'opt/tools'), 1000, 1000);
    expect(shown(await scanRoot([writablePath], root))).toContain('medium /opt/tools');
  });

  it('finds what a unit of another account runs as root, and what is added to a unit', async () => {
    const open = { text: 'x', mode: 0o777 };
    const root = {
      '/etc/systemd/system/a.service': '[Service]\nUser=lin\nExecStartPre=-+/srv/a/prepare\nExecStart=/srv/a/run\n', '/srv/a/prepare': open, '/srv/a/run': open,
      '/etc/systemd/system/b.service': '[Service]\nUser=lin\nUser=\nExecStart=/srv/b/run\n', '/srv/b/run': open,
      '/usr/lib/systemd/system/c.service': '[Service]\nUser=lin\nExecStart=/usr/bin/true\n', '/etc/systemd/system/c.service.d/x.conf': '[Service]\nExecStartPost=/srv/c/mine\nExecStartPost=!/srv/c/roots\n', '/srv/c/mine': open, '/srv/c/roots': open,
      '/etc/systemd/system/d.service.d/x.conf': { text: '[Service]\nNice=1\n', mode: 0o666 },
    };
    expect(shown(await scanRoot([writablePath], root)).sort()).toEqual(['high /etc/systemd/system/d.service.d/x.conf', 'high /srv/a/prepare', 'high /srv/b/run', 'high /srv/c/roots']);
  });

  it('is silent on an ordinary root', async () => {
    expect(shown(await scanRoot([writablePath], { '/etc/environment': 'PATH="/usr/local/bin:/usr/bin"\n', '/etc/systemd/system/a.service': '[Service]\nUser=www-data\nExecStart=/srv/app/run\n', '/srv/app/run': { text: 'x', mode: 0o775 }, '/etc/crontab': 'x' }))).toEqual([]);
  });
});
