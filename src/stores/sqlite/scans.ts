/** Scans and their findings. */
import type { Finding, FindingKind } from '../../core/finding.ts';
import { atLeast, levels, type Level } from '../../core/level.ts';
import type { KeptFinding, ScanRun, ScanStore } from '../../core/scan-store.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, transaction, type Value } from './driver.ts';
import { fromJson } from './events.ts';

const maxFinding = 64 * 1024;
const maxRun = 256 * 1024;
const mostFindings = 50_000;
const mostScans = 5000;
/** Findings that are gone. */
const goneMs = 90 * 86_400_000;

export function openScans(db: Database, file: string, clock: () => number): ScanStore {
  const read = <T>(work: () => T): T => guarded(file, work);
  const put = db.prepare('INSERT INTO finding (id, check_id, kind, level, path, first, last, gone, value) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, level = excluded.level, path = excluded.path, last = excluded.last, gone = NULL, value = excluded.value');
  const end = db.prepare('UPDATE finding SET gone = ? WHERE id = ? AND gone IS NULL');
  const dropGone = db.prepare('DELETE FROM finding WHERE gone < ?');
  const dropOver = db.prepare('DELETE FROM finding WHERE id IN (SELECT id FROM finding ORDER BY gone IS NULL, last LIMIT ?)');
  const size = db.prepare('SELECT count(*) AS n FROM finding');
  const putRun = db.prepare('INSERT OR REPLACE INTO scan (id, started, ended, value) VALUES (?, ?, ?, ?)');
  const dropRuns = db.prepare('DELETE FROM scan WHERE id IN (SELECT id FROM scan ORDER BY started DESC LIMIT -1 OFFSET ?)');
  const runById = db.prepare('SELECT value FROM scan WHERE id = ?');
  const runs = db.prepare('SELECT value FROM scan WHERE started < ? ORDER BY started DESC LIMIT ?');
  const byId = db.prepare('SELECT * FROM finding WHERE id = ?');
  const standing = db.prepare('SELECT check_id, kind, level, count(*) AS n FROM finding WHERE gone IS NULL GROUP BY 1, 2, 3');
  const toRun = (row: Row | undefined): ScanRun | undefined => row && fromJson(row['value']!, file, 'value') as ScanRun;
  const toKept = (row: Row): KeptFinding => ({ finding: fromJson(row['value']!, file, 'value') as Finding, first: Number(row['first']), last: Number(row['last']), ...(typeof row['gone'] === 'number' && { gone: row['gone'] }) });

  return {
    save(run, found, gone) {
      read(() => transaction(db, () => {
        for (const one of found) {
          const value = JSON.stringify(one);
          if (value.length > maxFinding) throw new StoreError('input', `expected a finding of at most ${maxFinding} characters, got ${value.length}`);
          put.run(one.id, one.check, one.kind, one.level, one.path ?? null, run.ended, run.ended, value);
        }
        for (const id of gone) end.run(run.ended, id);
        dropGone.run(clock() - goneMs);
        const over = Number(size.get()!['n']) - mostFindings;
        if (over > 0) dropOver.run(over);
        const value = JSON.stringify(run);
        if (value.length > maxRun) throw new StoreError('input', `expected a scan of at most ${maxRun} characters, got ${value.length}`);
        putRun.run(run.id, run.started, run.ended, value);
        dropRuns.run(mostScans);
      }));
    },
    scan: (id) => read(() => toRun(runById.get(id))),
    scans: ({ before = Number.MAX_SAFE_INTEGER, limit }) => read(() => runs.all(before, limit).map((row) => toRun(row)!)),
    finding: (id) => read(() => { const row = byId.get(id); return row && toKept(row); }),
    findings({ check, kind, level = levels, path, gone = false, after, limit }) {
      const parts = [gone ? 'gone IS NOT NULL' : 'gone IS NULL'];
      const values: Value[] = [];
      for (const [text, value] of [['check_id = ?', check], ['kind = ?', kind], ['path = ?', path]] as const) if (value !== undefined) { parts.push(text); values.push(value); }
      // One level after the other, each in the order of the index: nothing is sorted.
      const page = (condition: string, ...own: Value[]): KeptFinding[] => db.prepare(`SELECT * FROM finding WHERE ${[...parts, condition].join(' AND ')} ORDER BY last DESC, id DESC LIMIT ?`).all(...values, ...own, limit - found.length).map(toKept);
      const found: KeptFinding[] = [];
      for (const one of levels.toReversed()) {
        if (found.length >= limit || !level.includes(one) || (after && !atLeast(after.level, one))) continue;
        found.push(...read(() => (after?.level === one ? page('level = ? AND (last, id) < (?, ?)', one, after.last, after.id) : page('level = ?', one))));
      }
      return found;
    },
    standing: () => read(() => standing.all().map((row) => ({ check: String(row['check_id']), kind: row['kind'] as FindingKind, level: row['level'] as Level, count: Number(row['n']) }))),
  };
}
