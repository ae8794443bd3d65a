import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expandGlobs, nameMatches, pathMatcher } from './glob.ts';

let dir = '';
const limits = { maxFolders: 100, maxFiles: 100, maxDepth: 8 };
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-glob-'));
  for (const f of ['a/x.log', 'a/y.txt', 'b/c/d/z.log', '.hidden/h.log', 'a/.dot.log']) {
    mkdirSync(join(dir, f, '..'), { recursive: true });
    writeFileSync(join(dir, f), '');
  }
  symlinkSync(dir, join(dir, 'b', 'up'));
  symlinkSync(join(dir, 'b/c'), join(dir, 'short'));
});
afterAll(() => { rmSync(dir, { recursive: true }); });

const find = async (...patterns: string[]): Promise<string[]> =>
  (await expandGlobs(patterns.map((p) => join(dir, p)), limits)).paths.map((p) => p.slice(dir.length + 1)).sort();

it('finds by * and **, each once, without hidden names, through links only where a pattern names them', async () => {
  expect(await find('*/*.log', 'a/*')).toEqual(['a/x.log', 'a/y.txt']);
  expect(await find('**/*.log')).toEqual(['a/x.log', 'b/c/d/z.log']);
  expect(await find('*/d/*.log')).toEqual(['short/d/z.log']);
  expect(await find('b/up/a/*.log', 'absent/*', 'a/x.log')).toEqual(['a/x.log', 'b/up/a/x.log']);
});

it('agrees with the matcher for whole paths', async () => {
  for (const pattern of ['*/*.log', '**/*.log', 'a/x.log', 'b/**', 'a/*', '*']) {
    const matches = pathMatcher([join(dir, pattern)]);
    for (const path of await find(pattern)) expect(matches(join(dir, path))).toBe(true);
  }
  const matches = pathMatcher(['/var/log/**/*.log', '/var/log/journal/**']);
  expect(['/var/log/a.log', '/var/log/x/y/a.log', '/var/log/journal/1/system.journal'].map(matches)).toEqual([true, true, true]);
  expect(['/var/log/a.log.1', '/var/log/.x/a.log', '/var/logs/a.log', '/x/var/log/a.log'].map(matches)).toEqual([false, false, false, false]);
});

it('keeps to its limits and says so', async () => {
  expect(await expandGlobs([join(dir, '**/*.log')], { ...limits, maxFiles: 1 })).toMatchObject({ truncated: true });
  expect(await expandGlobs([join(dir, '**/*.log')], { ...limits, maxFolders: 1 })).toMatchObject({ truncated: true });
  await expect(expandGlobs(['var/*.log'], limits)).rejects.toThrow('absolute');
});

it('is not slowed down by many stars', () => {
  expect(nameMatches('*a*a*a*a*a*a*', 'a'.repeat(250))).toBe(true);
  expect(nameMatches('*a*a*a*a*a*a*a*a*b', 'a'.repeat(250))).toBe(false);
  expect(nameMatches('**x', 'x')).toBe(true);
  expect(nameMatches('a*a', 'a')).toBe(false);
  expect(nameMatches('a*b*a', 'aba')).toBe(true);
  expect(nameMatches('a*ba*a', 'aba')).toBe(false);
  expect(nameMatches('a.c', 'abc')).toBe(false);
});
