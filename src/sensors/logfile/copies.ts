/** Is a new file only a copy of a log that is followed? (logrotate's copytruncate, or somebody's backup) */
import { begins, continues, fileKey, gzHead, headBytes, mark, openLog, readAt, tailBytes } from '../../linux/file-identity.ts';
import type { Mark, Sibling } from '../../linux/file-identity.ts';
import type { DoneFile } from './position.ts';

/** Fewer equal bytes say nothing. */
export const enough = 32;

/** The first bytes of a file, unpacked; empty when it cannot be read, or is not `key` (any more). */
export async function headOf(path: string, key?: string): Promise<Buffer> {
  try {
    if (path.endsWith('.gz')) return await gzHead(path, headBytes);
    const file = await openLog(path);
    try {
      if (key !== undefined && fileKey(await file.stat({ bigint: true })) !== key) return Buffer.alloc(0);
      return await readAt(file, 0, headBytes);
    } finally { await file.close(); }
  } catch {
    // Whoever follows the file finds the reason again and says it.
    return Buffer.alloc(0);
  }
}

/** A copy that may still be in the making. */
export const mayBeCopy = (head: Buffer, of: Mark): boolean => of.length >= enough && head.length >= enough && (head.length < of.length || begins(of, head));

/**
 * A copy of what was read to `of.offset`, or that file itself under another name. Logs may all begin with the same
 * lines, so a plain file must go on like it too; a shorter one may be a copy in the making.
 */
export async function isCopy(file: Pick<Sibling, 'path' | 'key' | 'size'>, head: Buffer, of: Omit<DoneFile, 'at'>): Promise<boolean> {
  const gz = file.path.endsWith('.gz');
  if (!begins(of.head, head)) return false;
  // A few bytes: the file itself, or an archive of just the same ones, which most likely is its own.
  if (of.head.length < enough) return file.key === of.key || (gz && of.head.length > 0 && head.length === of.head.length);
  return gz || file.size < of.offset || await continues({ ...file, gz }, of) !== false;
}

/** Do both files hold the same as far as `copy` goes? Compares its first and last bytes. */
export async function isPrefixOf(copy: string, original: string): Promise<boolean> {
  const a = await openLog(copy).catch(() => undefined);
  const b = await openLog(original).catch(() => undefined);
  try {
    if (!a || !b) return false;
    const { size } = await a.stat();
    const head = await readAt(a, 0, Math.min(size, headBytes));
    if (head.length < enough || !begins(mark(head), await readAt(b, 0, head.length))) return false;
    const at = Math.max(0, size - tailBytes);
    const tail = await readAt(a, at, size - at);
    return tail.equals(await readAt(b, at, tail.length));
  } finally {
    await a?.close();
    await b?.close();
  }
}
