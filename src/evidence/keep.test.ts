import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Keep, type Kept } from './keep.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 10, 22);
let dir: string, keep: Keep;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'moat-keep-'));
  keep = new Keep(dir);
  keep.make();
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (id: string, daysOld: number, more: Partial<Kept> = {}): Kept => {
  const kept = { id, made: new Date(now - daysOld * day).toISOString(), by: 'li', why: 'a test', bytes: 0, fingerprint: 'f', manifest: 'm', head: 'h', ...more };
  writeFileSync(keep.path(id), id.repeat(10));
  keep.write(kept);
  return kept;
};
const ids = (kept: readonly Kept[]): string[] => kept.map(({ id }) => id);

it('lets go of what is older than policy says, and of nothing that somebody holds', () => {
  put('young', 179);
  put('old', 181);
  const held = put('held', 400, { hold: { since: new Date(now).toISOString(), by: 'court', why: 'case 7' } });
  expect(ids(keep.due(now, 180))).toEqual(['old']);
  expect(() => keep.remove(held)).toThrow('held is held by court: case 7');
  keep.remove(keep.get('old'));
  expect(keep.list().map((row) => ('kept' in row ? row.kept.id : row.id))).toEqual(['held', 'young']);
  expect(ids(keep.due(now + 2 * day, 180))).toEqual(['young']);
  const { hold: _, ...released } = keep.get('held');
  keep.write(released);
  expect(ids(keep.due(now, 180))).toEqual(['held']);
});

it('finds one by the beginning of its id, and says when that is none or several', () => {
  put('i1-2026', 1);
  put('i1-2025', 1);
  put('i1', 1);
  expect(keep.get('i1-2026').id).toBe('i1-2026');
  expect(keep.get('i1').id).toBe('i1');
  expect(() => keep.get('i1-')).toThrow('2 archives begin with i1-');
  expect(() => keep.get('x')).toThrow(expect.objectContaining({ code: 'no-archive' }));
});

it('tells of archives without a note, or with one that is damaged or of another, and never lets go of them', () => {
  writeFileSync(keep.path('cut-off'), 'x');
  put('spoilt', 500);
  writeFileSync(join(keep.folder, 'spoilt.json'), '{"id":"other"');
  put('swapped', 500);
  writeFileSync(join(keep.folder, 'swapped.json'), JSON.stringify({ ...put('real', 1), id: 'real' }));
  expect(keep.list().map((row) => ('broken' in row ? row.id : `${row.kept.id} ${row.kept.bytes}`))).toEqual(['cut-off', 'real 40', 'spoilt', 'swapped']);
  expect(keep.due(now, 1)).toEqual([]);
  expect(statSync(join(keep.folder, 'real.json')).mode & 0o777).toBe(0o600);
});
