import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import type { FileStat } from '../../linux/tree.ts';
import { fileName, judge } from './check.ts';

const x = { text: 'x', mode: 0o755 };

describe('file-name', () => {
  it('finds names made to be overlooked', async () => {
    const report = await scanRoot([fileName], {
      '/var/tmp/.../a': 'x', '/tmp/.. /b': 'x', '/usr/bin/ls ': x, '/usr/bin/ls': x, '/usr/bin/ѕѕhd': x, '/tmp/.x': x, '/usr/sbin/.agent': x, '/home/lin/invoice\u202etxt.sh': x, '/usr/lib/\u200blib.so': x, '/tmp/a\u0007b': 'x', '/dev/..udev': 'x',
    });
    expect(shown(report).sort()).toEqual([
      'high /home/lin/invoice\u202etxt.sh', 'high /tmp/.. ', 'high /tmp/a\u0007b', 'high /usr/bin/ls ', 'high /usr/bin/ѕѕhd', 'high /usr/lib/\u200blib.so', 'high /usr/sbin/.agent', 'high /var/tmp/...', 'medium /dev/..udev', 'medium /tmp/.x',
    ]);
    expect(report.findings.find(({ path }) => path?.includes('ѕ'))!.title.en).toContain('look like sshd');
  });

  it('is silent for ordinary names in every language', async () => {
    expect(shown(await scanRoot([fileName], {
      '/home/lin/报告 2026.docx': 'x', '/home/lin/Ёлка.txt': 'x', '/home/lin/café.sh': x, '/home/lin/.bashrc': 'x', '/srv/family 👩\u200d👧.jpg': 'x', '/etc/.pwd.lock': 'x', '/usr/lib/.libssl.so.3.hmac': 'x', '/usr/share/x/Παράδειγμα': 'x', '/home/lin/My file': 'x', '/var/lib/kubelet/..data': 'x', '/etc/.git/config': 'x', '/usr/bin/[': { ...x, package: 'coreutils' },
    }))).toEqual([]);
  });

  it('tells what matters however many names of little weight stand before it, and bad bytes as they are', async () => {
    const root = makeRoot({ '/tmp/...': 'x', ...Object.fromEntries(Array.from({ length: 510 }, (_, i) => [`/home/lin/n${i}\u0001`, 'x'])) });
    writeFileSync(Buffer.concat([Buffer.from(`${root}/dev-`), Buffer.from([0xff, 0x07])]), 'x');
    mkdirSync(join(root, 'dev'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/dev/a`), Buffer.from([0xff, 0x07])]), 'x');
    const report = await scanRoot([fileName], root);
    expect(report.counts['odd file names beyond those listed']).toBeGreaterThan(0);
    expect(shown(report).slice(0, 2)).toEqual(['high /dev/a\udcff\u0007', 'high /tmp/...']);
    expect(report.findings[0]!.evidence[0]!.value).toContain('61ff07');
  });

  it('bears any name', () => {
    const stat: FileStat = { kind: 'file', mode: 0o755, uid: 0, gid: 0, size: 1, allocated: 1, links: 1, inode: 1, device: 1, modified: 1, changed: 1, born: 1 };
    assert(property(string({ unit: 'binary', maxLength: 300 }), (name) => { judge({ path: `/usr/bin/${name.replaceAll('/', '')}`, stat }, () => false); }));
    judge({ path: `/tmp/${'.'.repeat(50_000)} `, stat }, () => false);
  });
});
