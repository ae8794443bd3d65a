/** The headers in rpmdb.sqlite. */
import { columns, openSqlite } from '../sqlite-file.ts';
import { PackagesError } from './error.ts';
import type { Pages } from './pages.ts';
import { headerMax } from './rpm-header.ts';

/** `wal` holds pages that were written but not yet put in their place. Throws PackagesError 'broken'. */
export async function* sqliteHeaders(file: Pages, wal: Pages | undefined): AsyncGenerator<Buffer> {
  const tables = await openSqlite(file, wal, headerMax + 1024);
  const root = await tables.rootOf('Packages');
  if (root === undefined) throw new PackagesError('broken', `expected a table Packages, got none in ${file.path}`);
  for await (const { record } of tables.rows(root)) {
    const [, blob] = columns(record);
    if (blob) yield blob;
  }
}
