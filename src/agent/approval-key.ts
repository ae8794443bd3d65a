/** The key that approvals are signed with: made once, in the data folder, for its owner alone. */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { keyBytes } from '../engine/notices/approval.ts';

export type ApprovalErrorCode = 'key';
const name = 'approval.key';

/** Throws MoatError 'key' when the file is not one of ours, or others can read it. */
export function approvalKey(dataFolder: string): Buffer {
  return keyAt(join(dataFolder, name));
}

/** The key in this file, made when there is none. Throws MoatError 'key' as above. */
export const keyAt = (path: string): Buffer => readKey(path) ?? makeKey(path);

function readKey(path: string): Buffer | undefined {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if ((fstatSync(handle).mode & 0o077) !== 0) throw new MoatError<ApprovalErrorCode>('key', `expected a key that its owner alone can read, got one that others can: ${path}`, { hint: `remove it (rm ${path}); a new one is made, and approvals that are out lose their worth` });
    const key = readFileSync(handle);
    if (key.length !== keyBytes) throw new MoatError<ApprovalErrorCode>('key', `expected a key of ${keyBytes} bytes, got ${key.length} in ${path}`, { hint: `remove it (rm ${path}); a new one is made` });
    return key;
  } finally { closeSync(handle); }
}

/** Whole or not at all, whenever the program ends. */
function makeKey(path: string): Buffer {
  const key = randomBytes(keyBytes);
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, key);
    fsyncSync(handle);
  } finally { closeSync(handle); }
  try {
    linkSync(draft, path);
    return key;
  } catch (error) {
    const other = readKey(path);
    if (other) return other;
    throw error;
  } finally { rmSync(draft, { force: true }); }
}
