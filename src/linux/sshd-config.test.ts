/** What Include leads to, held against the daemon itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../test/need.ts';
import { readSshdConfig } from './sshd-config.ts';

const root = mkdtempSync(join(tmpdir(), 'moat-sshd-'));
const names = [
  'd/a', 'd/b', 'd/ab', 'd/a.conf', 'd/ac.conf', 'd/A.conf', 'd/10.conf', 'd/1x.conf', 'd/.a.conf', 'd/a*b', 'd/a?b', 'd/a[b]', 'd/[', 'd/]', 'd/-', 'd/!', 'd/^', 'd/a b', 'd/é.conf', 'd/a-c', String.raw`d/a\b`, 'd/[ab',
  // `-` comes before `/`: sorted are whole paths.
  'e/a/x.conf', 'e/a-b/x.conf', 'e/b/x.conf', 'e/.h/x.conf', 'e/b/y.conf', 'f[1]/x.conf',
];
const patterns = [
  '*', '?', '*.conf', '?.conf', '??.conf', '[ab]', '[a-b].conf', '[!a]', '[^a]', '[!a-z].conf', '[]a]', '[a-]', '[[:digit:]]*', '[[:upper:]].conf', '.*.conf', '[.]a.conf', '?a.conf', 'a[*]b', 'a[[]b]', '[', '[ab', '[z-a]', '*b*', 'é.*', '?.conf é*',
].map((one) => `d/${one}`).concat('e/*/x.conf', 'e/?/x.conf', 'e/[!b]/?.conf', 'e/.*/x.conf', 'e/a*/*', '*/*/x.conf', 'f[1]/x.conf', 'f[[]1]/x.conf', '?/b', 'absent/*', 'absent', 'd/a.conf/*', 'link/?', String.raw`d/a\*b`, String.raw`d/\[`, String.raw`d/.\a.conf`, String.raw`d/\.a*`);

beforeAll(() => {
  for (const [i, name] of names.entries()) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `AcceptEnv N${i}\n`);
  }
  symlinkSync('d', join(root, 'link'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('Include', () => {
  it.skipIf(lacks({ root: true, files: ['/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/run/sshd'] }))('leads to the files that sshd reads, in its order, by every kind of pattern', () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'key')]);
    const different: unknown[] = [];
    let read = 0;
    for (const pattern of patterns) {
      const main = join(root, 'main');
      writeFileSync(main, `Include "${root}/${pattern}"\n`);
      const said = execFileSync('/usr/sbin/sshd', ['-T', '-f', main, '-h', join(root, 'key')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const real = [...said.matchAll(/^acceptenv N(\d+)$/gm)].map(([, i]) => names[Number(i)]);
      const ours = readSshdConfig('', main).lines.filter(({ keyword }) => keyword === 'acceptenv').map(({ value }) => names[Number(value.slice(1))]);
      read += real.length;
      if (JSON.stringify(real) !== JSON.stringify(ours)) different.push({ pattern, real, ours });
    }
    expect(different).toEqual([]);
    expect(read).toBeGreaterThan(50);
  });

  it('that leads to too much is refused with the pattern', () => {
    for (let i = 0; i < 300; i++) { mkdirSync(join(root, 'many'), { recursive: true }); writeFileSync(join(root, `many/${i}`), ''); }
    writeFileSync(join(root, 'main'), `Include ${root}/many/*\n`);
    expect(() => readSshdConfig('', join(root, 'main'))).toThrow(/at most 200 files.*many/);
  });
});
