/** The bundle of a checkout is made anew by whoever runs it first: also by several at once, and under one that runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'moat-checkout-'));
  // Node finds the folder by where these lie; the rest may be the checkout's own. All rules are built alike, a few will do.
  for (const name of ['bin/moat', 'package.json', 'tools/build.mjs']) cpSync(join(repository, name), join(root, name));
  mkdirSync(join(root, 'rules/linux'), { recursive: true });
  for (const name of ['src', 'node_modules', 'rules/linux/auth']) symlinkSync(join(repository, name), join(root, name));
});
afterAll(() => { rmSync(root, { recursive: true, force: true }); });

async function moat(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'bin/moat'), '--lang', 'en', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  const [status] = await once(child, 'close') as [number];
  return { status, out, err };
}

it('is made by several at once, none of which takes it from under another', async () => {
  const list = ['rules', 'list', '--json'];
  const wanted = { status: 0, out: expect.stringContaining('behaviour.miner') as string, err: '' };
  // As an earlier build left it: its pieces have other names.
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist/chunk-OLDOLDOL.js'), 'throw new Error("an old piece");\n');
  writeFileSync(join(root, 'dist/moat.js'), 'import "./chunk-OLDOLDOL.js";\n');
  utimesSync(join(root, 'dist/moat.js'), 1, 1);
  const [first, ...others] = await Promise.all(Array.from({ length: 3 }, () => moat(...list)));
  expect(first, first?.err).toMatchObject(wanted);
  for (const one of others) expect(one).toEqual(first);
  expect(readdirSync(join(root, 'dist'))).toEqual(expect.arrayContaining(['moat.js', 'query-child.js', 'ebpf-worker.js']));
  expect(readdirSync(join(root, 'dist'))).not.toContain('chunk-OLDOLDOL.js');
  expect(readdirSync(root).filter((name) => name.startsWith('.build-'))).toEqual([]);

  // It is fresh: nobody builds again.
  const made = (): number => statSync(join(root, 'dist/moat.js')).ctimeMs;
  const at = made();
  expect(await moat(...list)).toEqual(first);
  expect(made()).toBe(at);
});
