/** The journals of a tree, for checks: file by file, what is damaged told. */
import { JournalError, JournalFile, journalPaths } from '../linux/journal-file.ts';
import { attempt, firstOf } from './look.ts';
import type { ScanContext } from './port.ts';

const filesMax = 5000;

/**
 * Hands each journal file to `look`, the newest first, until that gives false. Gives the paths of those that could not be read to
 * their end: one that was never closed is counted, as a power cut leaves it so; any other is told as blind.
 */
export function eachJournal(context: ScanContext, look: (journal: JournalFile) => boolean | undefined): Set<string> {
  const damaged = new Set<string>();
  const paths = attempt(context, '/var/log/journal', () => journalPaths(context.tree)) ?? [];
  for (const path of firstOf(context, '/var/log/journal', paths, filesMax)) {
    context.signal.throwIfAborted();
    let open = false;
    const more = attempt(context, path, () => {
      const file = context.tree.open(path);
      if (!file) return true;
      let journal: JournalFile | undefined;
      try {
        // One that was set aside may have lost all it had; noise in its place is another thing.
        const head = Buffer.alloc(208);
        open = path.endsWith('~') && file.read(head, 0) >= 0 && head.every((byte) => byte === 0);
        journal = new JournalFile(file, path);
        open = journal.isOpen;
        return look(journal) ?? true;
      } catch (error) {
        if (!(error instanceof JournalError)) throw error;
        damaged.add(path);
        if (!open) throw error;
        context.count('journal files that end in the middle');
        return true;
      } finally {
        file.close();
        if (journal && journal.left > 0) context.count('journal values that could not be read: too long, or packed by xz', journal.left);
      }
    });
    if (more === false) break;
  }
  return damaged;
}
