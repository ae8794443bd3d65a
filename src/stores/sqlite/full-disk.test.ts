import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';

interface Round {
  leave: number; code?: string; again?: string; small?: string; after?: string; acknowledged: number; check: string[];
  held: Record<string, number>; whileFull: { position: string; held: Record<string, number>; reopened?: string };
}

describe.skipIf(lacks({ root: true, files: ['/usr/bin/unshare', '/usr/bin/mount'], why: 'a small file system in a mount namespace' }))('a full disk', () => {
  it('is reported, keeps what was acknowledged and nothing in halves, and is left behind when there is space again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'moat-full-'));
    const program = join(import.meta.dirname, `../../../.cache/full-disk-${process.pid}.mjs`);
    await build({ entryPoints: [join(import.meta.dirname, 'full-disk.ts')], outfile: program, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite'] });
    const { stdout } = await promisify(execFile)('unshare', ['-m', process.execPath, program, dir], { maxBuffer: 2 ** 26 });
    const rounds = JSON.parse(stdout) as Round[];
    expect(rounds.map((round) => round.leave)).toEqual([3_000_000, 1_000_000, 200_000, 20_000, 4_096, 0]);
    for (const round of rounds) {
      const place = `with ${round.leave} bytes left`;
      expect([round.code, round.again], place).toEqual(['full', 'full']);
      expect([undefined, 'full'], place).toContain(round.small);
      // While full: everything acknowledged so far is there whole, the refused batch not at all.
      expect(round.whileFull.position, place).toBe(String(round.acknowledged - 1));
      expect(Object.values(round.whileFull.held).every((n) => n === 100), place).toBe(true);
      expect(round.whileFull.held[round.acknowledged - 1], place).toBe(100);
      expect(round.whileFull.held[round.acknowledged], place).toBeUndefined();
      // With space: the very same batch goes in.
      expect(round.after, place).toBeUndefined();
      expect(round.held[round.acknowledged], place).toBe(100);
      expect(Object.keys(round.held).length, place).toBe(Object.keys(round.whileFull.held).length + 1);
      expect(round.check, place).toEqual([]);
    }
    expect(rounds.at(-1)!.whileFull.reopened).toBe('full');
    rmSync(program);
    rmSync(dir, { recursive: true });
  });
});
