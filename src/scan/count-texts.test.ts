import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { countText } from './count-texts.ts';

const source = fileURLToPath(new URL('..', import.meta.url));
const folders = ['checks', 'scan', 'baseline', 'webshell', 'linux'];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : /(?<!\.test|\.contract)\.ts$/.test(entry.name) ? [join(folder, entry.name)] : []));
}

it('says in Chinese every name that the sources count by', () => {
  const names = folders.flatMap((folder) => files(join(source, folder))).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bcount\((?:'((?:[^'\\]|\\.)+)'|`([^`]+)`)/g)].map(([, plain, template]) => (plain ?? template!).replaceAll(String.raw`\'`, '\'').replaceAll(/\$\{[^}]*\}/g, 'x')));
  expect(names.length).toBeGreaterThan(100);
  expect([...new Set(names)].filter((name) => !/\p{Script=Han}/u.test(countText(name, 'zh')))).toEqual([]);
});

it('puts a value of its own where it belongs, and leaves what it does not know', () => {
  expect(countText('mounts passed over: nfs4', 'zh')).toBe('略过的挂载：nfs4');
  expect(countText('odd files beyond those listed ($& no)', 'zh')).toBe('没有一一列出的可疑文件（$& no）');
  // Counts of reports that were stored by an earlier Moat.
  expect(countText('scripts read only in part', 'zh')).toMatch(/脚本/);
  expect(countText('steps of an image\'s history beyond the limit', 'zh')).toMatch(/镜像/);
  expect(countText('folders too deep', 'en')).toBe('folders too deep');
  for (const odd of ['constructor', '__proto__', 'mounts passed over: ', '']) expect(countText(odd, 'zh')).toBe(odd);
});
