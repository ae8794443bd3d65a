/** Rows of the origin graph. What stands in them is the engine's own. */
import type { LineageRows } from '../../core/ports.ts';
import { type Database, guarded } from './driver.ts';

/** The graph bounds its rows; a caller that does not is held here. */
const maxRows = 100_000;
const maxValue = 2 ** 20;
const pageOfRows = 500;

export interface LineageTable {
  /** For a caller that has a transaction open. */
  save(rows: LineageRows): void;
  all(): Iterable<{ id: string; value: string }>;
}

export function openLineage(db: Database, file: string, count: (what: string, n?: number) => void): LineageTable {
  const put = db.prepare('INSERT INTO lineage (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value');
  const drop = db.prepare('DELETE FROM lineage WHERE id = ?');
  const clear = db.prepare('DELETE FROM lineage');
  const next = db.prepare(`SELECT id, value FROM lineage WHERE id > ? ORDER BY id LIMIT ${pageOfRows}`);
  const size = db.prepare('SELECT count(*) AS n FROM lineage');
  return {
    save(rows) {
      if (rows.replace) clear.run();
      for (const id of rows.drop) drop.run(id);
      if (Number(size.get()!['n']) + rows.put.size > maxRows) { count('lineage-refused', rows.put.size); return; }
      for (const [id, value] of rows.put) {
        if (value.length > maxValue || id === '') count('lineage-refused');
        else put.run(id, value);
      }
    },

    *all() {
      let after = '';
      for (;;) {
        const page = guarded(file, () => next.all(after));
        for (const row of page) yield { id: String(row['id']), value: String(row['value']) };
        if (page.length < pageOfRows) return;
        after = String(page.at(-1)!['id']);
      }
    },
  };
}
