import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';

describe.skipIf(await lacksKernel())('moat up with the kernel sensor', () => {
  let watch: Watch;
  beforeAll(async () => { watch = await startWatch({ behaviours: [] }); });
  afterAll(async () => { await watch?.end(); });

  it('judges a program that lives for a millisecond', async () => {
    // A rule of ours on process_creation; polling /proc would never see this process.
    const folder = mkdtempSync(join(tmpdir(), 'moat-kernel-'));
    const program = join(folder, 'xmrig');
    try {
      copyFileSync('/bin/true', program);
      execFileSync(program, ['-o', 'stratum+tcp://127.0.0.1:3333', '-u', 'nobody']);
    } finally { rmSync(folder, { recursive: true, force: true }); }
    const alert = await watch.waitFor((one) => one.rule_id.includes('miner'), 'of a miner by its command line');
    expect(alert.count).toBeGreaterThan(0);
  });
});
