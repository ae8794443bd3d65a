/** Digest of a file, read in pieces. */
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { PackagesError } from './error.ts';
import type { DigestAlgorithm } from '../digests.ts';

const pieceBytes = 256 * 1024;

/** Names a state of a file: whoever writes to it changes at least its ctime. */
export const stampOf = (s: Stats): string => `${s.dev}:${s.ino}:${s.size}:${s.mtimeMs}:${s.ctimeMs}`;

/**
 * Digest of a regular file, and the state of the file that it holds for; the stamp is empty when the file
 * changed while it was read. Throws for anything that is no file. Links are not followed.
 */
export async function hashFile(path: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<{ hex: string; stamp: string }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const before = await file.stat();
    if (!before.isFile()) throw new PackagesError('broken', `expected a regular file, got something else in ${path}`);
    const hash = createHash(algorithm);
    const piece = Buffer.allocUnsafe(Math.max(1, Math.min(pieceBytes, before.size + 1)));
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) break;
      hash.update(piece.subarray(0, bytesRead));
    }
    const stamp = stampOf(before);
    return { hex: hash.digest('hex'), stamp: stamp === stampOf(await file.stat()) ? stamp : '' };
  } finally { await file.close(); }
}
