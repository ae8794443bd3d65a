/** Is a new file only a copy of a log that is followed? (logrotate's copytruncate, or somebody's backup) */
import { begins, gzHead, headBytes, mark, openLog, readAt, tailBytes } from '../../linux/file-identity.ts';
import type { Mark } from '../../linux/file-identity.ts';

/** Fewer equal bytes say nothing. */
const enough = 32;

/** The first bytes of a file, unpacked; empty when it cannot be read. */
export async function headOf(path: string): Promise<Buffer> {
  try {
    if (path.endsWith('.gz')) return await gzHead(path, headBytes);
    const file = await openLog(path);
    try { return await readAt(file, 0, headBytes); } finally { await file.close(); }
  } catch {
    // Whoever follows the file finds the reason again and says it.
    return Buffer.alloc(0);
  }
}

/** A copy that may still be in the making. */
export const mayBeCopy = (head: Buffer, of: Mark): boolean => of.length >= enough && head.length >= enough && (head.length < of.length || begins(of, head));

/** A whole copy, or the file itself under another name. */
export const isCopy = (head: Buffer, of: Mark): boolean => of.length >= enough && begins(of, head);

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
