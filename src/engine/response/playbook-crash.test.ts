import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openResponse } from '../../../test/actions.ts';
import { counter } from '../../../test/scenes/playbook.ts';

const root = join(import.meta.dirname, '../../..');
const bundle = join(root, '.cache', `crash-playbook-${process.pid}.mjs`);
/** As often as it is cut off in the middle, in as many runs as that takes; a machine that is never caught in the middle ends the test. */
const cutsWanted = 8, mostRuns = 40;

beforeAll(() => build({
  entryPoints: [join(root, 'test/playbook-crash-child.ts')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', 'koffi', 'vitest', 'esbuild'],
  banner: { js: "import { createRequire as __require } from 'node:module'; const require = __require(import.meta.url);" },
}));
afterAll(() => rmSync(bundle, { force: true }));

/** Kills it so many ms after it has opened the store, unless it is through before. */
async function cutOff(dir: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [bundle, dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  const closed = once(child, 'close');
  const ready = new Promise<void>((resolve) => { child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); if (out.includes('ready\n')) resolve(); }); });
  await Promise.race([ready, closed]);
  if (!out.includes('ready\n')) throw new Error(`the child ended at once: ${err}`);
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  await closed;
  clearTimeout(timer);
  return out.includes('done\n');
}

describe('a playbook whose process is killed again and again', () => {
  it('goes on each time where it was, and does every step once', { timeout: 120_000 }, async () => {
    let cuts = 0;
    for (let round = 0; round < mostRuns && cuts < cutsWanted; round++) {
      const dir = mkdtempSync(join(tmpdir(), 'moat-playbook-crash-'));
      while (!await cutOff(dir, 5 + Math.random() * 60)) cuts++;
      const response = openResponse(join(dir, 'store'), () => []);
      try {
        const [run, ...others] = response.store.response.playbookRuns({});
        expect([run?.status, others, run?.receipts.length]).toEqual(['done', [], 10]);
        const receipts = response.store.response.receipts({ limit: 1000 });
        expect(receipts.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'applied'));
        expect(new Set(receipts.map(({ from }) => from)).size).toBe(10);
        expect([counter(dir, 'n'), counter(dir, 'm')]).toEqual([8, 2]);
      } finally { await response.close(); }
      rmSync(dir, { recursive: true });
    }
    expect(cuts).toBeGreaterThanOrEqual(cutsWanted);
  });
});
