/** The headers in Packages, a Berkeley DB hash (RHEL and CentOS up to 8): every hash page's pairs, in the byte order of the machine that wrote it. */
import type { Pages } from './pages.ts';
import { PackagesError } from './error.ts';
import { headerMax } from './rpm-header.ts';

const hashMagic = 0x061561;
const headBytes = 26;
const pageType = { unsorted: 2, overflow: 7, hash: 13 } as const;
const itemType = { data: 1, elsewhere: 3 } as const;

/** Numbers in the file's own byte order. */
interface Order { word(bytes: Buffer, at: number): number; half(bytes: Buffer, at: number): number }
const little: Order = { word: (bytes, at) => bytes.readUInt32LE(at), half: (bytes, at) => bytes.readUInt16LE(at) };
const big: Order = { word: (bytes, at) => bytes.readUInt32BE(at), half: (bytes, at) => bytes.readUInt16BE(at) };

export async function* bdbHeaders(file: Pages, count: (what: string) => void): AsyncGenerator<Buffer> {
  const meta = Buffer.from(await file.read(0, 72));
  const order = little.word(meta, 12) === hashMagic ? little : big;
  if (order.word(meta, 12) !== hashMagic) throw new PackagesError('broken', `expected a Berkeley DB hash, got something else in ${file.path}`);
  const pageSize = order.word(meta, 20);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) throw new PackagesError('broken', `expected a page size, got ${pageSize} in ${file.path}`);
  const pages = Math.floor(file.size / pageSize);
  for (let page = 1; page < pages; page++) {
    const bytes = Buffer.from(await file.read(page * pageSize, pageSize));
    const type = bytes.readUInt8(25);
    if (type !== pageType.hash && type !== pageType.unsorted) continue;
    const entries = order.half(bytes, 20);
    if (headBytes + entries * 2 > pageSize) { count('rpm: pages that are broken'); continue; }
    // Key, value, key, value; each ends where the one before it begins.
    for (let i = 1; i < entries; i += 2) {
      const from = order.half(bytes, headBytes + i * 2);
      const end = order.half(bytes, headBytes + (i - 1) * 2);
      if (from < headBytes || end <= from || end > pageSize) { count('rpm: entries that are broken'); continue; }
      const blob = await valueOf(file, order, pageSize, bytes.subarray(from, end));
      if (blob === undefined) count('rpm: entries that are broken');
      // The key 0 holds the next free number.
      else if (blob.length > 8) yield blob;
    }
  }
}

async function valueOf(file: Pages, order: Order, pageSize: number, item: Buffer): Promise<Buffer | undefined> {
  if (item[0] === itemType.data) return item.subarray(1);
  if (item[0] !== itemType.elsewhere || item.length < 12) return undefined;
  const length = order.word(item, 8);
  if (length > headerMax) return undefined;
  const out = Buffer.allocUnsafe(length);
  let have = 0;
  let page = order.word(item, 4);
  // Each page brings at least a byte, so a loop ends.
  while (have < length) {
    if (page === 0 || (page + 1) * pageSize > file.size) return undefined;
    const bytes = await file.read(page * pageSize, pageSize);
    const here = order.half(bytes, 22);
    if (bytes.readUInt8(25) !== pageType.overflow || here === 0 || headBytes + here > pageSize) return undefined;
    have += bytes.copy(out, have, headBytes, headBytes + Math.min(here, length - have));
    page = order.word(bytes, 16);
  }
  return out;
}
