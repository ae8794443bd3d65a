import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../error.ts';
import { guarded, openDatabase } from './driver.ts';

/**
 * Takes the right to write in a data directory; `release` gives it back. The kernel holds the lock (a
 * reserved lock on the empty SQLite file moat.lock), so a killed process leaves none behind. moat.pid
 * only says who holds it. Throws StoreError 'locked'.
 */
export function lockDirectory(dir: string, now: number): () => void {
  const file = join(dir, 'moat.lock');
  const who = join(dir, 'moat.pid');
  const lock = openDatabase(file);
  try {
    guarded(file, () => lock.exec('BEGIN IMMEDIATE'));
    guarded(who, () => writeFileSync(who, `${process.pid} ${new Date(now).toISOString()}\n`, { mode: 0o600 }));
  } catch (error) {
    lock.close();
    if (error instanceof StoreError && error.code === 'locked') throw lockedBy(dir, who);
    throw error;
  }
  return () => {
    rmSync(who, { force: true });
    lock.close();
  };
}

function lockedBy(dir: string, who: string): StoreError {
  let holder = 'another process';
  try {
    const found = /^(\d+) (\S+)/.exec(readFileSync(who, 'utf8'));
    if (found) holder = `process ${found[1]} (since ${found[2]})`;
  } catch {
    holder = 'another process, just starting or stopping'; // it has the lock, and has not said who it is
  }
  return new StoreError('locked', `${holder} already writes in ${dir}`, { hint: 'One Moat a data directory: stop that one, or give this one another directory.' });
}
