import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, temporary } from '../../../test/compile.ts';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { loader } from './check.ts';

const elf = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]), Buffer.alloc(120)]);

describe('loader', () => {
  it('finds replaced libraries and those of nobody', async () => {
    const report = await scanRoot([loader], {
      '/usr/lib/x86_64-linux-gnu/libc.so.6': { text: elf, shipped: 'other', package: 'libc6' }, '/usr/lib64/ld-linux-x86-64.so.2': { text: elf, package: 'libc6' },
      '/usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9': elf, '/usr/lib/x86_64-linux-gnu/libkeyutils.so.1': '->/usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9', '/usr/lib/x86_64-linux-gnu/libc.so': { text: '/* GNU ld script */', package: 'libc6-dev' }, '/usr/lib/x86_64-linux-gnu/libmine.so.1': elf,
    });
    expect(shown(report)).toEqual(['critical /usr/lib/x86_64-linux-gnu/libc.so.6', 'medium /usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9']);
  });

  it.skipIf(lacks({ root: true }))('finds search folders that others may fill', async () => {
    const report = await scanRoot([loader], {
      '/etc/ld.so.conf': { text: 'include /etc/ld.so.conf.d/*.conf\n', package: 'libc6', config: true }, '/etc/ld.so.conf.d/cuda.conf': '/usr/local/cuda/lib64\n# /tmp/no\n/opt/app/lib\n', '/opt/app/lib/x.so': 'x',
      '/etc/ld.so.conf.d/a.conf': '/tmp/lib\n', '/etc/ld.so.conf.d/b.conf': { text: '/usr/local/lib\n', mode: 0o666 },
    });
    expect(shown(report)).toEqual(['high /etc/ld.so.conf.d/a.conf', 'high /etc/ld.so.conf.d/b.conf']);
  });

  it('follows what is included by a pattern, from elsewhere, and from beside the file', async () => {
    const report = await scanRoot([loader], {
      '/etc/ld.so.conf': 'include /opt/app/*.conf more/x.conf\n', '/opt/app/a.conf': '/tmp/a\n', '/opt/app/b.txt': '/tmp/b\n', '/etc/more/x.conf': '/dev/shm/c\ninclude /etc/ld.so.conf\n',
      '/etc/ld.so.conf.d/long.conf': `${'#\n'.repeat(1 << 19)}/tmp/hidden\n`,
    });
    expect(report.findings.filter(({ title }) => !title.en.includes('others than root may change')).map(({ path }) => path ?? '').sort()).toEqual(['/etc/more/x.conf', '/opt/app/a.conf']);
    expect(report.blind.map(({ what }) => what)).toEqual(['/etc/ld.so.conf.d/long.conf']);
  });

  it.skipIf(lacks({ files: ['/usr/bin/gcc'] }))('finds a program with a loader of its own', async () => {
    const folder = temporary();
    const root = makeRoot({ '/lib64/.keep': '' });
    cpSync(compile('int main(void){return 0;}', join(folder, 'sshd'), ['-Wl,--dynamic-linker=/usr/lib/.ld.so']), join(root, 'usr/sbin/sshd'));
    cpSync(compile('int main(void){return 0;}', join(folder, 'ps')), join(root, 'usr/bin/ps'));
    expect(shown(await scanRoot([loader], root))).toEqual(['high /usr/sbin/sshd']);
  });
});
