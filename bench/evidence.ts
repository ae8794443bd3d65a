/** Evidence: megabytes a second of processor time and of the clock, beside `tar | sha256sum` on the same file in the same run; memory while collecting. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Row, row } from './report.ts';

const rounds = 3;
const files = 5000, fileBytes = 16 * 1024;

interface Run { seconds: number; /** Of the processor. */ processor: number; peak: number }

const MB = 1e6;

export async function benchEvidence(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'moat-bench-evidence-'));
  try {
    const out = join(folder, 'program');
    // Bundled as it is installed: its threads stand beside it.
    await build({ entryPoints: { child: fileURLToPath(new URL('../test/evidence-child.ts', import.meta.url)), ...Object.fromEntries(['digest-worker', 'file-worker'].map((name) => [name, fileURLToPath(new URL(`../src/evidence/${name}.ts`, import.meta.url))])) }, outdir: out, outExtension: { '.js': '.js' }, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
    writeFileSync(join(out, 'package.json'), '{"type":"module"}');
    const large = join(folder, 'large'), small = join(folder, 'small'), many = join(folder, 'many');
    for (const [path, megabytes] of [[small, 3], [large, 300]] as const) execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${megabytes}`], { stdio: 'ignore' });
    mkdirSync(many);
    const piece = randomBytes(fileBytes);
    for (let i = 0; i < files; i++) writeFileSync(join(many, `f${i}`), piece);
    const archive = (source: string): Run => {
      const target = join(folder, 'out.tar');
      rmSync(target, { force: true });
      const began = performance.now();
      const { stdout, status } = spawnSync(process.execPath, [join(out, 'child.js'), target, source], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      if (status !== 0) throw new Error('expected an archive, the program failed');
      const [kib = 0, micro = 0] = stdout.trim().split(' ').map(Number);
      return { seconds: (performance.now() - began) / 1000, processor: micro / 1e6, peak: kib * 1024 };
    };
    /** Its processor time is what the shell says of those it waited for. */
    const peer = (source: string, ...digests: string[]): Run => {
      const began = performance.now();
      const said = execFileSync('bash', ['-c', `tar -cf - "$1" 2>/dev/null | tee "$2" | ${digests.join(' | ')} >/dev/null; sync "$2"; times`, 'bash', source, join(folder, 'peer.tar')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const processor = [...(said.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
      return { seconds: (performance.now() - began) / 1000, processor, peak: 0 };
    };
    const tools: Record<string, () => Run> = {
      large: () => archive(large), small: () => archive(small), many: () => archive(many), peer: () => peer(large, 'sha256sum'), same: () => peer(large, 'tee >(cksum -a sm3 >/dev/null; wait)', 'sha256sum'), peerMany: () => peer(many, 'sha256sum'),
    };
    // In turn, and the least of each: what runs beside changes from one moment to the next.
    const least = new Map<string, Run>();
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(tools)) {
        const one = run(), before = least.get(name);
        least.set(name, before === undefined ? one : { seconds: Math.min(before.seconds, one.seconds), processor: Math.min(before.processor, one.processor), peak: Math.min(before.peak, one.peak) });
      }
    }
    const of = (name: string): Run => least.get(name)!;
    const bytes = 300 * 2 ** 20, manyBytes = files * fileBytes;
    const rate = (all: number, seconds: number): number => all / MB / seconds;
    const cost = (name: string, all: number): string => `${of(name).processor.toFixed(2)} s of processor time, ${rate(all, of(name).processor).toFixed(0)} MB a second of it`;
    return [
      row('tar, tee, sha256sum and sync, 300 MB', rate(bytes, of('peer').seconds), 'MB/s', { ours: rate(bytes, of('large').seconds), detail: cost('peer', bytes) }),
      row('the same with SM3 by cksum', rate(bytes, of('same').seconds), 'MB/s', { ours: rate(bytes, of('large').seconds) }),
      row('Moat: an archive of 300 MB, SHA-256 and SM3', rate(bytes, of('large').seconds), 'MB/s', { detail: cost('large', bytes) }),
      row(`tar, tee, sha256sum and sync, ${files} files of ${fileBytes / 1024} KiB`, rate(manyBytes, of('peerMany').seconds), 'MB/s', { ours: rate(manyBytes, of('many').seconds), detail: cost('peerMany', manyBytes) }),
      row('Moat: the same files, each digested twice and noted', rate(manyBytes, of('many').seconds), 'MB/s', { detail: cost('many', manyBytes) }),
      row('memory at its peak, 300 MB file', of('large').peak / MB, 'MB', { detail: `3 MB file: ${(of('small').peak / MB).toFixed(0)} MB` }),
    ];
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
