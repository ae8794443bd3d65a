/** What is cut is counted or told: a list that somebody fills up hides nothing in silence. */
import { describe, expect, it } from 'vitest';
import { scanRoot, type Planted } from '../../test/throwaway-root.ts';
import { checks } from './catalogue.ts';
import { upTo } from './look.ts';

const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n') + '\n';

/** Each fills up what one check reads, in a form that says nothing by itself. */
const full: Readonly<Record<string, { planted: Planted; says: string }>> = {
  boot: { planted: { '/etc/default/grub': many(600, (i) => `GRUB_CMDLINE_LINUX_${i}="quiet"`) }, says: 'long files read only in part' },
  'cloud-credentials': { planted: { '/root/.aws/credentials': many(6000, () => 'region = nowhere') }, says: 'long files read only in part' },
  'cloud-init': { planted: { '/var/lib/cloud/instances/i/user-data.txt': `#!/bin/sh\n${many(2500, () => 'true')}` }, says: 'scripts read only in part' },
  dbus: { planted: { '/usr/share/dbus-1/system-services/x.service': `[D-BUS Service]\n${many(5100, () => 'Name=x')}` }, says: 'long files read only in part' },
  'git-hooks': { planted: { '/root/.gitconfig': `[a]\n${many(5100, (i) => `b${i} = c`)}` }, says: 'long files read only in part' },
  init: { planted: { '/etc/init/x.conf': many(5100, () => 'start on runlevel') }, says: 'long files read only in part' },
  'miner-files': { planted: { '/tmp/list': many(5100, () => 'word') }, says: 'long files read only in part' },
  'package-hooks': { planted: { '/etc/apt/apt.conf.d/99x': many(5100, (i) => `A::B${i} "c";`) }, says: 'long files read only in part' },
  sudo: { planted: { '/etc/sudoers': many(1, () => `${Array.from({ length: 1100 }, (_, i) => `u${i}`).join(',')} ALL=(ALL) ALL`) }, says: 'sudoers rules beyond the limit' },
  systemd: { planted: { '/etc/systemd/system/x.service': `[Service]\n${many(2100, (i) => `X-A${i}=b`)}` }, says: 'long files read only in part' },
};

describe('what is beyond a limit', () => {
  for (const [id, { planted, says }] of Object.entries(full)) {
    it(`is counted by ${id}`, async () => {
      const report = await scanRoot(checks.filter((check) => check.id === id), planted);
      expect(Object.keys(report.counts)).toContain(says);
    });
  }

  it('of a variable is told: nobody sees what stands in it', async () => {
    const report = await scanRoot(checks.filter(({ id }) => id === 'systemd'), { '/etc/systemd/system/x.service': `[Service]\nEnvironment="LD_PRELOAD=${'/usr/lib/a.so:'.repeat(2000)}/tmp/x.so"\nExecStart=/bin/true\n` });
    expect(report.blind.map(({ what }) => what)).toContain('LD_PRELOAD');
  });

  it('is looked at when it is the hundredth library that is preloaded', async () => {
    const report = await scanRoot(checks.filter(({ id }) => id === 'systemd'), { '/etc/systemd/system/x.service': `[Service]\nEnvironment="LD_PRELOAD=${'/usr/lib/a.so '.repeat(99)}/tmp/x.so"\nExecStart=/bin/true\n`, '/usr/lib/a.so': { text: 'x', package: 'a' }, '/tmp/x.so': '\x7fELF' });
    expect(report.findings.some(({ level }) => level === 'high')).toBe(true);
  });

  it('says how many there are', () => {
    const counted: [string, number | undefined][] = [];
    expect(upTo({ count: (what, n) => { counted.push([what, n]); } }, [1, 2, 3, 4, 5], 3, 'x')).toEqual([1, 2, 3]);
    expect(upTo({ count: (what, n) => { counted.push([what, n]); } }, [1, 2, 3], 3, 'x')).toEqual([1, 2, 3]);
    expect(counted).toEqual([['x', 2]]);
  });
});
