import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { Procfs } from '../../linux/procfs.ts';
import { minerFiles } from './check.ts';

const wallet = `4A${'7hJkQz9X'.repeat(11)}abcde`;
const elf = (...words: string[]): Buffer => Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]), Buffer.alloc(150 * 1024), Buffer.from(words.join('\0')), Buffer.alloc(10)]);
const program = (...words: string[]) => ({ text: elf(...words), mode: 0o755 });
const words = ['donate-level', 'randomx', 'stratum+tcp://', 'cryptonight'];
const told = async (planted: Parameters<typeof makeRoot>[0]) => (await scanRoot([minerFiles], planted)).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const settings = JSON.stringify({ autosave: true, 'donate-level': 0, pools: [{ url: 'pool.supportxmr.com:443', user: wallet }] }, null, 1);

describe('miner-files', () => {
  it('finds settings under names that say nothing, and among the files of packages', async () => {
    const other = '// made by hand\n{"cpu":true,"randomx":{"mode":"auto"},"pools":[{"algo":"rx/0","url":"192.0.2.7:3333","user":"x"}]}\n';
    expect(await told({ '/var/lib/misc/cache.dat': other, '/opt/a/.w': other, '/usr/share/fonts/s.json': settings, '/usr/share/x/pools.json': { text: settings, package: 'x' }, '/srv/a.cfg': '{"pools":[{"name":"workers","size":4}],"cpu":2,"algo":"round-robin"}\n' })).toEqual(['/opt/a/.w', '/usr/share/fonts/s.json', '/var/lib/misc/cache.dat'].map((path) => `intrusion high ${path}`));
  });

  it('finds programs, settings and scripts of miners', async () => {
    const root = makeRoot({
      '/opt/.c/nginx': program(...words), '/home/lin/config.json': settings, '/root/up.sh': `#!/bin/sh\npkill -f other\n/opt/.c/nginx -o stratum+tcp://pool.example:3333 -u ${wallet} &\n`,
      '/usr/bin/xmrig': { text: elf('x'), mode: 0o755 }, '/var/tmp/kswapd0': program('x'), '/etc/sysctl.d/99-x.conf': 'vm.nr_hugepages=1280\n', '/etc/modules-load.d/m.conf': 'msr\n',
    });
    expect(shown(await scanRoot([minerFiles], root))).toEqual(['high /home/lin/config.json', 'high /opt/.c/nginx', 'high /root/up.sh', 'high /var/tmp/kswapd0', 'medium /usr/bin/xmrig', 'low /etc/modules-load.d/m.conf', 'low /etc/sysctl.d/99-x.conf']);
    for (const { path, title } of (await scanRoot([minerFiles], root)).findings) for (const said of [title.zh, title.en]) expect(said).toContain(path);
    for (const path of ['opt/.c', 'home/lin/config.json', 'root/up.sh', 'usr/bin/xmrig', 'var/tmp', 'etc/sysctl.d', 'etc/modules-load.d']) rmSync(join(root, path), { recursive: true });
    expect(shown(await scanRoot([minerFiles], root))).toEqual([]);
  });

  it('takes source, rules and documents that quote a miner for what they are, unless they may be run', async () => {
    const quoted = `const line = 'x -o stratum+tcp://pool.example:3333 -u ${wallet} --donate-level 1';\n`;
    expect(await told({ '/tmp/a.ts': quoted, '/tmp/b.yml': quoted, '/tmp/c.sh': quoted, '/tmp/d.go': { text: quoted, mode: 0o755 } })).toEqual(['intrusion high /tmp/c.sh', 'intrusion high /tmp/d.go', 'notice low /tmp/a.ts', 'notice low /tmp/b.yml']);
  });

  it('is silent for ordinary neighbours', async () => {
    expect(await told({
      '/opt/app/server': program('http', 'randomx'), '/usr/bin/xmrig': { ...program(...words), package: 'xmrig' }, '/opt/app/config.json': '{"pools":[{"url":"db.example:5432","user":"shop","size":10}],"algo":"sha256"}',
      '/usr/local/bin/clean.sh': { text: '#!/bin/sh\npkill -9 xmrig kdevtmpfsi\nrm -f /tmp/kinsing\n', mode: 0o755 }, '/etc/block.conf': 'pool.supportxmr.com\nxmr.nanopool.org\n', '/etc/sysctl.d/10-p.conf': { text: 'vm.nr_hugepages = 512\n', package: 'database', config: true }, '/root/notes.md': settings,
    })).toEqual([]);
  });

  it('finds those that run', async () => {
    const stat = (name: string): string => `(${name}) S 1 1 1 0 -1 4194304 ${'0 '.repeat(30)}`;
    const root = makeRoot({ '/proc/40/stat': `40 ${stat('worker')}`, '/proc/40/cmdline': `./worker\0-o\0stratum+tcp://pool.example:3333\0-u\0${wallet}\0`, '/proc/40/exe': '->/opt/worker', '/proc/41/stat': `41 ${stat('nginx')}`, '/proc/41/cmdline': 'nginx: master\0', '/proc/42/stat': `42 ${stat('kinsing')}`, '/proc/42/cmdline': './x\0' });
    expect((await scanRoot([minerFiles], root, { procfs: new Procfs(root) })).findings.map(({ level, pid }) => `${level} ${pid}`)).toEqual(['critical 40', 'high 42']);
  });

  it('bears hostile text', async () => {
    expect(await told({ '/tmp/a.json': '"pools":['.repeat(20_000), '/tmp/b.sh': 'a.'.repeat(100_000), '/tmp/c.sh': '4A'.repeat(100_000), '/tmp/d.sh': `stratum+tcp${'a'.repeat(200_000)}` })).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    expect((await scanWithout([minerFiles], makeRoot({ '/home/lin/config.json': settings }), '/home/lin/config.json')).blind.map(({ what }) => what)).toContain('/home/lin/config.json');
  });
});
