import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webhookServer } from '../../test/notice-servers.ts';

const child = join(import.meta.dirname, `../../.cache/notices-child-${process.pid}.mjs`);
beforeAll(() => build({
  entryPoints: [join(import.meta.dirname, 'notices-child.ts')], outfile: child, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['@photostructure/sqlite', 'nodemailer'], logLevel: 'error',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
}));
afterAll(() => rmSync(child, { force: true }));

it('kill -9 at any moment loses no notice, and what comes twice comes under one id', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'moat-notices-crash-'));
  const service = await webhookServer({ now: Date.now }, 'a secret');
  let announced = 0;
  const run = async (args: string[], killAfterMs?: number): Promise<void> => {
    const program = spawn(process.execPath, [child, join(dir, 'data'), service.url, 'a secret', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', complaint = '';
    program.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
    program.stderr.setEncoding('utf8').on('data', (text: string) => { complaint += text; });
    const closed = once(program, 'close');
    if (killAfterMs !== undefined) {
      await Promise.race([once(program.stdout, 'data'), closed]);
      // Mostly while a notice is on its way.
      const enough = service.times.length + Math.ceil(Math.random() * 4);
      for (let waited = 0; waited < killAfterMs && service.times.length < enough; waited += 2) await sleep(2);
      await sleep(Math.random() * 20);
      program.kill('SIGKILL');
    }
    await closed;
    expect(complaint).toBe('');
    announced = Math.max(announced, Number(out.slice(0, out.lastIndexOf('\n') + 1).trim().split('\n').at(-1)));
  };
  for (let round = 0; round < 12; round++) await run([], 2500);
  await run(['drain']);
  const idsOf = new Map<string, Set<string>>();
  for (const { json } of service.taken) {
    for (const { id } of json['alerts'] as { id: string }[]) idsOf.set(id, (idsOf.get(id) ?? new Set()).add(String(json['id'])));
  }
  expect(announced).toBeGreaterThan(50);
  for (let n = 1; n <= announced; n++) expect(idsOf.get(`alert-${n}`)?.size, `alert-${n}`).toBe(1);
  expect(new Set(service.codes)).toEqual(new Set([200]));
  await service.close();
  rmSync(dir, { recursive: true });
});
