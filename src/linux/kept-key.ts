/** A key that Moat makes once and keeps in a file for its owner alone. */
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';

export type KeyErrorCode = 'key';

export interface KeptKey<T> {
  /** Which one it is, as an error says it. */
  what: Text;
  make: () => Buffer;
  /** Throws for what is no such key. */
  read: (bytes: Buffer) => T;
  /** What losing the old one means, when a new one must be made. */
  lost: Text;
}

/** Made when it is not there; whole or not at all, whenever the program ends. Throws MoatError 'key' when it is none, or others can read it. */
export function keptKey<T>(path: string, key: KeptKey<T>): T {
  const known = readKey(path, key);
  if (known !== undefined) return known.value;
  const bytes = key.make();
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, bytes);
    fsyncSync(handle);
  } finally { closeSync(handle); }
  try {
    linkSync(draft, path);
    return key.read(bytes);
  } catch (error) {
    // Somebody else made one in the same moment.
    const other = readKey(path, key);
    if (other !== undefined) return other.value;
    throw error;
  } finally { rmSync(draft, { force: true }); }
}

function readKey<T>(path: string, { what, read, lost }: KeptKey<T>): { value: T } | undefined {
  const fault = (en: string, zh: string, cause?: unknown): MoatError<KeyErrorCode> => new MoatError<KeyErrorCode>('key', en, { zh, hint: { zh: `移走它会生成新的；${lost.zh}`, en: `move it away, and a new one is made; ${lost.en}` }, ...(cause !== undefined && { cause }) });
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault(`expected ${what.en} at ${path}: ${(error as Error).message}`, `读不了${what.zh} ${path}`, error);
  }
  try {
    if ((fstatSync(handle).mode & 0o077) !== 0) throw fault(`expected a key that its owner alone can read, got one that others can: ${path}`, `${what.zh} ${path} 可被别人读取`);
    try {
      return { value: read(readFileSync(handle)) };
    } catch (error) { throw fault(`expected ${what.en} in ${path}: ${(error as Error).message}`, `${path} 不是${what.zh}`, error); }
  } finally { closeSync(handle); }
}
