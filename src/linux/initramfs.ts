/** What an initramfs holds: cpio archives one behind the other, the last of them mostly packed (gzip, zstd, xz, lz4). Form: "newc" of the kernel's buffer format. */
import { part, type Bytes } from './image/bytes.ts';
import { cpioEntries, cpioHead, cpioHeadBytes } from './image/cpio.ts';
import { ImageError } from './image/error.ts';
import { packingOf, Store, type Limits, type Packing } from './image/inflate.ts';

export interface InitramfsFile { /** From its root: /init. */ path: string; mode: number; size: number; /** Unix ms. */ modified: number; content: Bytes }

const limits: Limits = { bytes: 2 ** 30, ratio: 100, ratioFrom: 64 * 2 ** 20 };
const entriesMax = 200_000;
const archivesMax = 64;

/**
 * Hands each regular file to `look`. Throws ImageError 'broken' and 'too-large', and 'unsupported' for a packing that is not read: bzip2,
 * lzma, lzo, LZ4 frames; what was handed out until then stands.
 */
export async function readInitramfs(source: Bytes, signal: AbortSignal, look: (file: InitramfsFile) => Promise<void>): Promise<void> {
  const store = new Store(limits);
  try {
    await archives(source, store, signal, look, { entries: 0, archives: 0 }, false);
  } finally { store.close(); }
}

interface Seen { entries: number; archives: number }

async function archives(source: Bytes, store: Store, signal: AbortSignal, look: (file: InitramfsFile) => Promise<void>, seen: Seen, laidOpen: boolean): Promise<void> {
  const word = Buffer.alloc(4);
  for (let at = behindZeros(source, 0, signal); at < source.size; at = behindZeros(source, at, signal)) {
    if (source.read(word, at) < 4) return;
    if (++seen.archives > archivesMax) throw new ImageError('too-large', `expected at most ${archivesMax} archives in an initramfs, got more`);
    if (word.toString('latin1') === '0707') { at = await cpio(source, at, signal, look, seen); continue; }
    // The kernel goes on behind a packed archive: whoever adds to an image appends one more.
    const end = appended(source, at, signal);
    const rest = part(source, at, end - at);
    const packing = packingOf(rest);
    if (packing === 'plain' || laidOpen) throw new ImageError('unsupported', `expected cpio, gzip, zstd, xz or lz4, got ${word.toString('hex')} at byte ${at}`);
    const { bytes, fault } = await store.inflate(rest, packing, signal);
    await archives(bytes, store, signal, look, seen, true);
    if (fault) throw fault;
    if (!endsAsIt(rest, packing, bytes.size)) throw new ImageError('unsupported', `expected nothing behind the ${packing} data of an initramfs, got something that is not read`);
    at = end;
  }
}

/** Where an archive that is not packed begins behind this place, or the end. Packed data do not hold the zeros of a head as they are. */
function appended(source: Bytes, from: number, signal: AbortSignal): number {
  const piece = Buffer.allocUnsafe(1 << 20);
  for (let at = from; at < source.size; at += piece.length - cpioHeadBytes) {
    signal.throwIfAborted();
    const got = source.read(piece, at);
    for (let hit = piece.subarray(0, got).indexOf('07070'); hit >= 0; hit = piece.subarray(0, got).indexOf('07070', hit + 1)) {
      if ((at + hit) % 4 === 0 && hit + cpioHeadBytes <= got && cpioHead.test(piece.toString('latin1', hit, hit + cpioHeadBytes))) return at + hit;
    }
    if (got < piece.length) break;
  }
  return source.size;
}

/** Decoders pass over what follows the data. gzip ends with the size laid open, xz with two letters; the others tell by themselves. */
function endsAsIt(packed: Bytes, packing: Packing, size: number): boolean {
  if (packing !== 'gzip' && packing !== 'xz') return true;
  const tail = Buffer.alloc(Math.min(64 * 1024, packed.size));
  packed.read(tail, packed.size - tail.length);
  if (packing === 'xz') { const last = tail.findLastIndex((byte) => byte !== 0); return tail.toString('latin1', last - 1, last + 1) === 'YZ'; }
  // Zeros may follow, and the size may itself end in them.
  const last = tail.findLastIndex((byte) => byte !== 0);
  for (let end = last + 1; end <= Math.min(tail.length, last + 5); end++) if (end >= 4 && tail.readUInt32LE(end - 4) === size % 2 ** 32) return true;
  return false;
}

/** Archives are filled up with zeros to any length, and begin at a multiple of four. */
function behindZeros(source: Bytes, from: number, signal: AbortSignal): number {
  const piece = Buffer.allocUnsafe(64 * 1024);
  for (let at = from; at < source.size;) {
    signal.throwIfAborted();
    const got = source.read(piece, at);
    if (got === 0) break;
    const first = piece.subarray(0, got).findIndex((byte) => byte !== 0);
    if (first >= 0) return at + first - ((at + first) % 4);
    at += got;
  }
  return source.size;
}

/** Gives where the archive ends. */
async function cpio(source: Bytes, start: number, signal: AbortSignal, look: (file: InitramfsFile) => Promise<void>, seen: Seen): Promise<number> {
  const entries = cpioEntries(source, start);
  for (;;) {
    signal.throwIfAborted();
    const step = entries.next();
    if (step.done) return step.value;
    if (++seen.entries > entriesMax) throw new ImageError('too-large', `expected at most ${entriesMax} files in an initramfs, got more`);
    const { name, mode, modified, size, position } = step.value;
    // The content of hard links stands at the last of them.
    if ((mode & 0o170000) === 0o100000 && size > 0) await look({ path: `/${name.toString('utf8').replace(/^(?:\.?\/)+/, '')}`, mode: mode & 0o7777, size, modified, content: part(source, position, size) });
  }
}
