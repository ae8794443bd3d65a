/** What an rpm package holds, as it was fetched: a lead, two headers, and a cpio archive packed by gzip, zstd or xz. */
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { capabilitiesOf } from './capabilities.ts';
import type { OpenPackage } from './deb.ts';
import { ImageError } from './image/error.ts';
import { part, type Bytes } from './image/bytes.ts';
import { cpioEntries, type CpioEntry } from './image/cpio.ts';
import { packingOf, Store, type Limits } from './image/inflate.ts';
import type { EntryKind, TarEntry } from './image/tar.ts';
import { headerBytes, ownersOf } from './packages/rpm-header.ts';
import type { Run } from './run.ts';

const limits: Limits = { bytes: 2 ** 30, ratio: 200, ratioFrom: 64 * 2 ** 20 };
const leadBytes = 96;
const entriesMax = 500_000;
const linkMax = 4096;
const xzMs = 60_000;
const kinds: Readonly<Record<number, EntryKind>> = { 0o100000: 'file', 0o040000: 'folder', 0o120000: 'link', 0o010000: 'pipe', 0o060000: 'block-device', 0o020000: 'character-device' };

/** Where xz is run: rpm packs with a checksum (SHA-256) that the decoder here does not know. `folder` is of Moat's own. */
export interface Outside { run: Run; folder: string }

/** Throws ImageError for what is no such package, is damaged, or too large laid open; PackagesError for a damaged header. */
export async function openRpm(source: Bytes, signal: AbortSignal, outside: Outside): Promise<OpenPackage> {
  const lead = Buffer.alloc(4);
  if (source.read(lead, 0) < 4 || lead.readUInt32BE(0) !== 0xed_ab_ee_db) throw new ImageError('broken', 'expected an rpm package, got something else');
  const start = Buffer.alloc(16);
  const sizeAt = (at: number): number => { if (source.read(start, at) < 16) throw new ImageError('broken', 'expected a header in an rpm package, it ends before'); return headerBytes(start); };
  // The signature is filled up to a multiple of eight.
  const at = leadBytes + Math.ceil(sizeAt(leadBytes) / 8) * 8, size = sizeAt(at);
  const header = Buffer.alloc(size - 8);
  if (source.read(header, at + 8) < header.length) throw new ImageError('broken', 'expected a whole header in an rpm package, it ends before');
  const owners = ownersOf(header);
  const payload = part(source, at + size, source.size - at - size);
  const { bytes, close } = packingOf(payload) === 'xz' ? await byXz(payload, outside, signal) : await laidOpen(payload, signal);
  return {
    *entries() {
      const all = [...bounded(cpioEntries(bytes))];
      // Of several names of one file the last holds the content.
      const holders = new Map<number, CpioEntry>();
      for (const one of all) if (one.links > 1 && one.size > 0) holders.set(one.inode, one);
      for (const one of all) {
        const path = pathOf(one);
        yield { path, entry: entryOf(bytes, one, owners.get(path), one.links > 1 && one.size === 0 ? holders.get(one.inode) : undefined) };
      }
    },
    content: ({ position, stored }) => part(bytes, position, stored),
    // Owners and capabilities stand in the header; scripts rarely touch rights.
    afterInstall: () => Promise.resolve(undefined),
    close,
  };
}

async function laidOpen(payload: Bytes, signal: AbortSignal): Promise<{ bytes: Bytes; close: () => void }> {
  const store = new Store(limits);
  try {
    const { bytes, fault } = await store.inflate(payload, packingOf(payload), signal);
    if (fault) throw fault;
    return { bytes, close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** By the program xz, in a file that has no name any more when it is handed out. */
async function byXz(payload: Bytes, { run, folder }: Outside, signal: AbortSignal): Promise<{ bytes: Bytes; close: () => void }> {
  const own = mkdtempSync(join(folder, '.xz-'));
  try {
    const packed = openSync(join(own, 'payload.xz'), 'wx', 0o600);
    try {
      const piece = Buffer.allocUnsafe(1 << 20);
      for (let at = 0; at < payload.size;) {
        const n = payload.read(piece, at);
        if (n === 0) break;
        for (let done = 0; done < n;) done += writeSync(packed, piece, done, n - done);
        at += n;
      }
    } finally { closeSync(packed); }
    // No file becomes larger than that, whatever it is laid open to.
    const { code, stderr } = await run('prlimit', [`--fsize=${limits.bytes}`, 'xz', '--decompress', '--memlimit=256MiB', '--', join(own, 'payload.xz')], { timeoutMs: xzMs, signal });
    if (code !== 0) throw new ImageError('broken', `expected xz data to their end: ${stderr.trim().slice(0, 200)}`);
    const fd = openSync(join(own, 'payload'), 'r');
    return { bytes: { size: fstatSync(fd).size, read: (into, position) => readSync(fd, into, 0, into.length, position) }, close: () => closeSync(fd) };
  } finally { rmSync(own, { recursive: true, force: true }); }
}

const pathOf = ({ name }: CpioEntry): string => `/${name.toString('utf8').replace(/^(?:\.?\/)+/, '')}`;

function* bounded(entries: Iterable<CpioEntry>): Iterable<CpioEntry> {
  let count = 0;
  for (const one of entries) {
    if (++count > entriesMax) throw new ImageError('too-large', `expected at most ${entriesMax} files in an rpm package, got more`);
    yield one;
  }
}

function entryOf(bytes: Bytes, one: CpioEntry, owner: { user: string; group: string; capabilities: string } | undefined, holder: CpioEntry | undefined): TarEntry {
  const { mode, size, position, modified, name } = one;
  const kind = holder === undefined ? kinds[mode & 0o170000] ?? 'pipe' : 'hard-link';
  const target = Buffer.alloc(kind === 'link' && size <= linkMax ? size : 0);
  if (target.length > 0) bytes.read(target, position);
  const capabilities = owner === undefined || owner.capabilities === '' ? undefined : capabilitiesOf(owner.capabilities.replace(/^=\s*/, ''));
  return {
    kind, name, target: holder === undefined ? target : holder.name, mode: mode & 0o7777, uid: 0, gid: 0, user: owner?.user ?? '', group: owner?.group ?? '', size, position, stored: size, pieces: undefined,
    modified, changed: undefined, attributes: capabilities && new Map([['security.capability', capabilities]]),
  };
}
