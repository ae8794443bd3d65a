import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Reporter } from './reporter.ts';

/** What the path names: undefined (and said, where it is not simply absent) unless it is a regular file. */
export async function statLog(path: string, report: Reporter): Promise<{ stats: BigIntStats | undefined; blind: boolean }> {
  try {
    const stats = await stat(path, { bigint: true });
    if (stats.isFile()) return { stats, blind: false };
    report.skipped(path, stats.isDirectory() ? 'directory' : 'special-file');
    return { stats: undefined, blind: false };
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code ?? 'error';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      report.seen(path);
      return { stats: undefined, blind: false };
    }
    if (code === 'ELOOP') report.skipped(path, 'symlink-loop');
    else report.blind(path, code);
    return { stats: undefined, blind: true };
  }
}
