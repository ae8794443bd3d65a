/** Text of a list's file in pieces, unpacked when it is gzip, up to a limit. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { MoatError } from '../core/error.ts';
import type { IntelligenceErrorCode } from './intelligence.ts';

export const listBytesMax = 512 * 2 ** 20;
const pieceBytes = 32 * 1024;

/** Throws MoatError 'too-large' beyond the limit, and what the system says of a file that cannot be read. */
export async function* piecesOf(path: string, signal?: AbortSignal): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8');
  let bytes = 0;
  for await (const piece of await bytesOf(path, signal)) {
    bytes += (piece as Buffer).length;
    if (bytes > listBytesMax) throw new MoatError<IntelligenceErrorCode>('too-large', `expected at most ${listBytesMax} bytes, got more in ${path}`);
    const text = decoder.decode(piece as Buffer, { stream: true });
    if (text !== '') yield text;
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

async function bytesOf(path: string, signal: AbortSignal | undefined): Promise<Readable> {
  const source = createReadStream(path, { highWaterMark: pieceBytes, ...(signal && { signal }) });
  if (!(await isGzip(path))) return source;
  const unzip = createGunzip({ chunkSize: pieceBytes });
  // A fault on the way comes out of the end that is read.
  void pipeline(source, unzip).catch((error: Error) => unzip.destroy(error));
  return unzip;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    if (!(await file.stat()).isFile()) throw new MoatError<IntelligenceErrorCode>('bad-list', `expected a file, got something else at ${path}`);
    const head = Buffer.alloc(2);
    const { bytesRead } = await file.read(head, 0, 2, 0);
    return bytesRead === 2 && head[0] === 0x1f && head[1] === 0x8b;
  } finally { await file.close(); }
}
