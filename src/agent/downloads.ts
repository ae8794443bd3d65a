/** Files of Moat's own that the API sends as they are: archives of evidence, and what lies in quarantine. */
import { createReadStream } from 'node:fs';
import { MoatError } from '../core/error.ts';
import type { VaultErrorCode } from '../actions/vault.ts';
import { Vault } from '../actions/vault.ts';
import type { Download } from '../api/contract/route.ts';
import { Keep } from '../evidence/keep.ts';

const pieceBytes = 1 << 20;

/** Throws MoatError 'no-archive', 'no-item' or 'no-content'. */
export async function downloadOf(dataFolder: string, what: 'evidence' | 'quarantine', id: string): Promise<Download> {
  if (what === 'evidence') {
    const keep = new Keep(dataFolder), kept = keep.get(id), path = keep.path(kept.id);
    // A hand-over adds to its end, and to the head of the chain: then it is another.
    return { name: `${kept.id}.tar`, bytes: kept.bytes, tag: kept.head.replaceAll(/[^0-9A-Za-z]/g, ''), read: (from) => createReadStream(path, { start: from, end: kept.bytes - 1, highWaterMark: pieceBytes }) };
  }
  const vault = new Vault(dataFolder), { file } = vault.item(id);
  if (file.kind === 'symlink') throw new MoatError<VaultErrorCode | 'no-content'>('no-content', `${id} is a symbolic link and has no content`, { zh: `${id} 是符号链接，没有内容`, hint: 'moat quarantine list' });
  // Its end proves it: what was tampered with never leaves.
  for await (const _ of vault.read(id)) { /* read through */ }
  return { name: `${file.sha256}.bin`, bytes: file.size, tag: file.sha256, read: (from) => later(vault.read(id), from) };
}

/** What is encrypted is read from its beginning. */
async function* later(pieces: AsyncIterable<Buffer>, from: number): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const piece of pieces) {
    if (at + piece.length > from) yield piece.subarray(Math.max(0, from - at));
    at += piece.length;
  }
}
