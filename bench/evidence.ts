/** Evidence: megabytes a second of processor time and of the clock, beside `tar | sha256sum` on the same file in the same run; memory while collecting. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Row, row } from './report.ts';

const rounds = 3;
const MB = 1e6;

export async function benchEvidence(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-evidence-'));
  try {
    const out = join(folder, 'program');
    // Bundled as it is installed: the digesting thread stands beside it.
    await build({ entryPoints: { child: fileURLToPath(new URL('../test/evidence-child.ts', import.meta.url)), 'digest-worker': fileURLToPath(new URL('../src/evidence/digest-worker.ts', import.meta.url)) }, outdir: out, outExtension: { '.js': '.js' }, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
    writeFileSync(join(out, 'package.json'), '{"type":"module"}');
    const sizes = [3, 300].map((megabytes) => {
      const path = join(folder, `of-${megabytes}`);
      execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${megabytes}`], { stdio: 'ignore' });
      return { path, bytes: megabytes * 2 ** 20 };
    });
    const [small, large] = sizes as [typeof sizes[number], typeof sizes[number]];
    const archive = (source: string): { seconds: number; peak: number } => {
      const target = join(folder, 'out.tar');
      rmSync(target, { force: true });
      const began = performance.now();
      const { stdout, status } = spawnSync(process.execPath, [join(out, 'child.js'), target, source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      if (status !== 0) throw new Error('expected an archive, the program failed');
      return { seconds: (performance.now() - began) / 1000, peak: Number(stdout.trim()) * 1024 };
    };
    const peer = (source: string): number => {
      const began = performance.now();
      execFileSync('sh', ['-c', 'tar -cf - "$1" 2>/dev/null | tee "$2" | sha256sum', 'sh', source, join(folder, 'peer.tar')], { stdio: 'ignore' });
      return (performance.now() - began) / 1000;
    };
    let ours = { seconds: Infinity, peak: 0 }, theirs = Infinity, little = { seconds: Infinity, peak: 0 };
    for (let round = 0; round < rounds; round++) {
      const one = archive(large.path);
      if (one.seconds < ours.seconds) ours = one;
      theirs = Math.min(theirs, peer(large.path));
      const other = archive(small.path);
      if (other.seconds < little.seconds) little = other;
    }
    const rate = (seconds: number): number => large.bytes / MB / seconds;
    const alone = ours.seconds - little.seconds;
    return [
      row('tar, tee and sha256sum, 300 MB', rate(theirs), 'MB/s', { ours: rate(ours.seconds) }),
      row('Moat: an archive of 300 MB, SHA-256 and SM3', rate(ours.seconds), 'MB/s', { detail: `${rate(alone).toFixed(0)} MB/s without the start of the program` }),
      row('memory at its peak, 300 MB file', ours.peak / MB, 'MB', { detail: `3 MB file: ${(little.peak / MB).toFixed(0)} MB` }),
    ];
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
