/** The headers in Packages.db, rpm's own database (SUSE): pages of slots that name blobs in blocks of 16 bytes; little-endian. */
import type { Pages } from './pages.ts';
import { PackagesError } from './error.ts';
import { headerMax } from './rpm-header.ts';

const pageBytes = 4096;
const blockBytes = 16;
const pagesMax = 65_536;

export async function* ndbHeaders(file: Pages, count: (what: string) => void): AsyncGenerator<Buffer> {
  const head = Buffer.from(await file.read(0, 32));
  if (head.toString('latin1', 0, 4) !== 'RpmP' || head.readUInt32LE(4) !== 0) throw new PackagesError('broken', `expected an rpm database of version 0, got something else in ${file.path}`);
  const pages = head.readUInt32LE(12);
  if (pages === 0 || pages > pagesMax) throw new PackagesError('broken', `expected 1 to ${pagesMax} pages of slots, got ${pages} in ${file.path}`);
  for (let page = 0; page < pages; page++) {
    const slots = Buffer.from(await file.read(page * pageBytes, pageBytes));
    // The first two slots hold the head.
    for (let at = page === 0 ? 32 : 0; at < pageBytes; at += 16) {
      if (slots.toString('latin1', at, at + 4) !== 'Slot') throw new PackagesError('broken', `expected a slot, got something else at ${page * pageBytes + at} in ${file.path}`);
      const offset = slots.readUInt32LE(at + 8) * blockBytes;
      if (offset === 0) continue; // free
      const blob = await blobOf(file, offset, slots.readUInt32LE(at + 12) * blockBytes, slots.readUInt32LE(at + 4));
      if (blob) yield blob;
      else count('rpm: entries that are broken');
    }
  }
}

async function blobOf(file: Pages, offset: number, room: number, number: number): Promise<Buffer | undefined> {
  if (room > headerMax || room < 32 || offset + room > file.size) return undefined;
  const bytes = await file.read(offset, room);
  const length = bytes.readUInt32LE(12);
  if (bytes.toString('latin1', 0, 4) !== 'BlbS' || bytes.readUInt32LE(4) !== number || length + 16 + 12 > room || bytes.toString('latin1', room - 4) !== 'BlbE') return undefined;
  return bytes.subarray(16, 16 + length);
}
