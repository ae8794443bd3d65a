/** Digests of files, taken by whoever can: threads beside the work for a disk, this one for an image. */
import { createHash } from 'node:crypto';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MoatError, reasonOf } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { HashPool } from './hash-pool.ts';
import { Slices } from './slices.ts';
import type { Tree } from './tree.ts';

export type DigestAlgorithm = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/**
 * taken      `hex` is the digest of the file in the state that the numbers name (Unix ms; `mode` with the kind of file, as st_mode)
 * changed    it was written to while it was read, again and again
 * gone       not there, or no regular file any more
 * too-large  beyond `digestMax`
 * denied, broken   it cannot be read; `why` in words
 */
export type Taken =
  | { state: 'taken'; hex: string; mode: number; device: number; inode: number; size: number; modified: number; changed: number }
  | { state: 'changed' | 'gone' }
  | { state: 'too-large'; size: number }
  | { state: 'denied' | 'broken'; why: Text };

export interface Digests {
  /** By threads beside this one. */
  readonly beside: boolean;
  /** Of a regular file, its own name not followed. `size` is a guess that helps to share the work. Rejects only with the signal's reason. Await it, or some of those before it: the queue is bounded by who waits. */
  take(path: string, algorithm: DigestAlgorithm, size?: number): Promise<Taken>;
  close(): Promise<void>;
}

/** Larger files are left out; most are sparse, and reading their holes takes as long as reading data. */
export const digestMax = 2 ** 31;
export const pieceBytes = 1 << 20;
const regularFile = 0o100000;
/** A file that changes under the reader is read again so often. */
export const attempts = 3;

/** Threads for a tree that lies on a disk. To be closed. `worker` is the program of the threads; from sources there is none by itself. */
export function openDigests(tree: Tree, signal?: AbortSignal, worker = hashWorker()): Digests {
  if (worker === undefined || tree.outside('/') === undefined) return treeDigests(tree, signal);
  const pool = new HashPool(worker, { follows: tree.kind === 'machine' }, signal);
  return {
    beside: true,
    take(path, algorithm, size) {
      let outside: string | undefined;
      try {
        outside = tree.outside(path);
      } catch (error) { return Promise.resolve(failed(error)); }
      return outside === undefined ? Promise.resolve({ state: 'gone' }) : pool.take(outside, algorithm, size);
    },
    close: () => pool.close(),
  };
}

/** It lies beside the bundle. */
function hashWorker(): string | undefined {
  const here = fileURLToPath(import.meta.url);
  return extname(here) === '.ts' ? undefined : join(dirname(here), 'hash-worker.js');
}

/** In this thread, in slices. */
export function treeDigests(tree: Tree, signal?: AbortSignal): Digests {
  const slices = new Slices(signal, 20);
  let piece: Buffer | undefined;
  const readOnce = async (path: string, algorithm: DigestAlgorithm): Promise<Taken> => {
    const before = tree.stat(path);
    const file = before?.kind === 'file' ? tree.open(path) : undefined;
    if (!before || !file) return { state: 'gone' };
    try {
      if (file.size > digestMax) return { state: 'too-large', size: file.size };
      const hash = createHash(algorithm);
      const into = piece ?? Buffer.allocUnsafeSlow(pieceBytes);
      // Another file may be read while this one rests.
      piece = undefined;
      for (let at = 0; at <= digestMax;) {
        if (slices.due()) await slices.rest();
        const got = file.read(into, at);
        if (got === 0) break;
        hash.update(into.subarray(0, got));
        at += got;
      }
      piece = into;
      const after = tree.stat(path);
      if (!after || after.inode !== before.inode || after.size !== before.size || after.changed !== before.changed || after.modified !== before.modified) return { state: 'changed' };
      const { mode, device, inode, size, modified, changed } = before;
      return { state: 'taken', hex: hash.digest('hex'), mode: mode | regularFile, device, inode, size, modified, changed };
    } finally { file.close(); }
  };
  return {
    beside: false,
    async take(path, algorithm) {
      for (let i = 1; ; i++) {
        signal?.throwIfAborted();
        try {
          const taken = await readOnce(path, algorithm);
          if (taken.state !== 'changed' || i === attempts) return taken;
        } catch (error) {
          signal?.throwIfAborted();
          return failed(error);
        }
      }
    },
    close: () => Promise.resolve(),
  };
}

function failed(error: unknown): Taken {
  if (!(error instanceof MoatError)) throw error;
  return { state: error.code === 'denied' ? 'denied' : 'broken', why: reasonOf(error) };
}
