import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { type Here, SettingsHere } from './settings-here.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-here-'));
const path = join(folder, 'settings.json');
afterAll(() => rmSync(folder, { recursive: true }));
const config = parseConfig('', '/etc/moat/moat.yml');
const allowed = (n: number, why: string): Here['allow'] => Array.from({ length: n }, (_, i) => ({ id: `${i}`, by: 'li', created: 1, network: '192.0.2.9', why }));

it('what makes no sense over the configuration is never written: the next start would refuse it', () => {
  const here = new SettingsHere(folder);
  expect(() => here.set({ ...here.get(), zones: { zones: [{ nonsense: true }], flows: [] } }, config)).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(existsSync(path)).toBe(false);
  expect(here.get().zones).toBeUndefined();
  here.set({ ...here.get(), mode: 'observe', allow: allowed(1, '办公室') }, config);
  expect(new SettingsHere(folder).over(config).response).toMatchObject({ mode: 'observe', allow: [...config.response.allow, '192.0.2.9'] });
});

it('what was written can be read again: the limit is in bytes both times', () => {
  const here = new SettingsHere(folder);
  const before = readFileSync(path, 'utf8');
  // Fewer characters than the limit has bytes, but more bytes.
  expect(() => here.set({ ...here.get(), allow: allowed(1800, '域'.repeat(1000)) })).toThrow(expect.objectContaining({ code: 'full' }));
  expect(readFileSync(path, 'utf8')).toBe(before);
  expect(new SettingsHere(folder).get().allow).toHaveLength(1);
});

it('a damaged file is an error, not nothing', () => {
  writeFileSync(path, '{"version":1,');
  expect(() => new SettingsHere(folder)).toThrow(expect.objectContaining({ code: 'invalid' }));
});
