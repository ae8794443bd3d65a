/**
 * The quarantine: a folder that only root reads, in which each file lies encrypted, so that no shell can run it and no scanner
 * matches it, beside a description of what it was. Nothing is removed from it unless the configuration says after how long.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, fsyncSync, ftruncateSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { MoatError } from '../core/error.ts';
import type { FileState } from './file-state.ts';

export type VaultErrorCode = 'no-item' | 'broken' | 'no-room' | 'changed' | 'too-many';

/** `action` that put it there. */
export interface VaultItem { id: string; path: string; action: string; why: string; by: string; /** Unix ms. */ added: number; file: FileState }

/** An item in a list; `stored` are the bytes on disk. */
export type VaultRow = { item: VaultItem; stored: number } | { id: string; broken: string };

const magic = Buffer.from('MOATQ1\n\0');
const ivBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const pieceBytes = 1 << 20;
const descriptionMax = 1 << 20;
const itemsMax = 100_000;
/** Left free on the disk, for the machine must go on. */
const reserveBytes = 256 << 20;
const idPattern = /^[0-9a-z]{10,40}$/;

export const newVaultId = (now: number): string => `${now.toString(36)}${randomBytes(8).toString('hex')}`;

export class Vault {
  readonly folder: string;

  /** Made when something is first put into it. */
  constructor(dataFolder: string) { this.folder = join(dataFolder, 'quarantine'); }

  /** Is it whole in the vault? */
  has(id: string): boolean { return existsSync(this.description(id)); }

  /** Throws MoatError 'no-room' when so many bytes more would fill the disk. */
  ensureRoom(bytes: number): void {
    let folder = this.folder;
    while (!existsSync(folder)) folder = join(folder, '..');
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < bytes + reserveBytes) throw new MoatError<VaultErrorCode>('no-room', `expected room for ${bytes} bytes (and ${reserveBytes} to spare) in ${this.folder}, got ${bavail * bsize}`, { hint: 'free some room on the disk' });
  }

  /**
   * Copies an open file into the vault; undefined for what has no content (a link). On disk when it resolves, and nothing is done
   * when it is there already. Rejects with MoatError 'changed' when it is not what its description says.
   */
  async put(item: VaultItem, source: number | undefined, signal?: AbortSignal): Promise<void> {
    if (this.has(item.id)) return;
    const key = this.key(true);
    this.ensureRoom(source === undefined ? 0 : item.file.size);
    if (source !== undefined) await this.encrypt(item, source, key, signal);
    const text = JSON.stringify(item, undefined, 1);
    const temp = `${this.description(item.id)}.new`;
    writeWhole(temp, Buffer.from(text));
    renameSync(temp, this.description(item.id));
    syncFolder(this.folder);
  }

  /** Throws MoatError 'no-item' or 'broken'. */
  item(id: string): VaultItem {
    if (!idPattern.test(id) || !this.has(id)) throw new MoatError<VaultErrorCode>('no-item', `expected the id of something in quarantine, got ${id.slice(0, 100)}`, { hint: 'moat quarantine list' });
    try {
      if (statSync(this.description(id)).size > descriptionMax) throw new Error('it is too long');
      const item = JSON.parse(readFileSync(this.description(id), 'utf8')) as VaultItem;
      if (item.id !== id || typeof item.path !== 'string' || typeof item.file?.sha256 !== 'string') throw new Error('fields are missing');
      return item;
    } catch (error) {
      throw new MoatError<VaultErrorCode>('broken', `expected a description in ${this.description(id)}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Newest first. */
  list(): VaultRow[] {
    if (!existsSync(this.folder)) return [];
    const ids = readdirSync(this.folder).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [])).sort().reverse();
    if (ids.length > itemsMax) throw new MoatError<VaultErrorCode>('too-many', `expected at most ${itemsMax} files in ${this.folder}, got ${ids.length}`);
    return ids.map((id): VaultRow => {
      try {
        const item = this.item(id);
        return { item, stored: statSync(this.content(id), { throwIfNoEntry: false })?.size ?? 0 };
      } catch (error) { return { id, broken: (error as Error).message }; }
    });
  }

  /** Those that were added before, oldest first and behind `after`; at most so many are looked at. `next`: where to go on, '' at the end. */
  older(before: number, after: string, most: number): { items: VaultItem[]; next: string } {
    if (!existsSync(this.folder)) return { items: [], next: '' };
    const ids = readdirSync(this.folder).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : [])).filter((id) => id > after).sort();
    const items: VaultItem[] = [];
    for (const id of ids.slice(0, most)) {
      let item: VaultItem;
      try {
        item = this.item(id);
      } catch { continue; /* the list says so */ }
      // Ids begin with the time.
      if (item.added >= before) return { items, next: '' };
      items.push(item);
    }
    return { items, next: ids.length > most ? ids[most - 1]! : '' };
  }

  /** For good. The content first: should it be cut off, the description tells of it still. */
  remove(id: string): void {
    rmSync(this.content(this.item(id).id), { force: true });
    rmSync(this.description(id), { force: true });
  }

  /** The content, piece by piece; what comes last is checked, so that nothing is to be used before it ended. Throws MoatError 'no-item' or 'broken'. */
  async *read(id: string): AsyncGenerator<Buffer> {
    const { file } = this.item(id);
    if (file.kind === 'symlink') return;
    const broken = (why: string, cause?: unknown): MoatError<VaultErrorCode> => new MoatError<VaultErrorCode>('broken', `expected the file of ${id} as it was put into quarantine: ${why}`, { cause });
    let fd: number;
    try {
      fd = openSync(this.content(id), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) { throw broken((error as Error).message, error); }
    try {
      const size = fstatSync(fd).size - magic.length - ivBytes - tagBytes;
      if (size !== file.size) throw broken(`it should have ${file.size} bytes and has ${size}`);
      const head = Buffer.alloc(magic.length + ivBytes), tag = Buffer.alloc(tagBytes);
      readSync(fd, head, 0, head.length, 0);
      readSync(fd, tag, 0, tag.length, head.length + size);
      if (!head.subarray(0, magic.length).equals(magic)) throw broken('another program wrote it');
      const cipher = createDecipheriv('aes-256-gcm', this.key(false), head.subarray(magic.length));
      cipher.setAuthTag(tag);
      const hash = createHash('sha256');
      for (let at = 0; at < size;) {
        const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size - at));
        const n = readSync(fd, piece, 0, piece.length, head.length + at);
        if (n === 0) throw broken('it ends too early');
        at += n;
        const plain = cipher.update(piece.subarray(0, n));
        hash.update(plain);
        yield plain;
        await breathe();
      }
      try {
        cipher.final();
      } catch (error) { throw broken('it was changed', error); }
      if (hash.digest('hex') !== file.sha256) throw broken('its digest is another');
    } finally { closeSync(fd); }
  }

  /** Writes the content into an open file, from its beginning. */
  async writeTo(id: string, fd: number): Promise<void> {
    for await (const piece of this.read(id)) writeFully(fd, piece);
  }

  private async encrypt({ id, path, file }: VaultItem, source: number, key: Buffer, signal: AbortSignal | undefined): Promise<void> {
    const changed = (): MoatError<VaultErrorCode> => new MoatError<VaultErrorCode>('changed', `${path} was written to since it was looked at`, { hint: 'look again' });
    const temp = `${this.content(id)}.new`;
    const fd = openSync(temp, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    try {
      ftruncateSync(fd);
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const hash = createHash('sha256');
      writeFully(fd, Buffer.concat([magic, iv]));
      const piece = Buffer.allocUnsafe(pieceBytes);
      let at = 0;
      for (;;) {
        signal?.throwIfAborted();
        const n = readSync(source, piece, 0, piece.length, at);
        if (n === 0) break;
        at += n;
        if (at > file.size) throw changed();
        hash.update(piece.subarray(0, n));
        writeFully(fd, cipher.update(piece.subarray(0, n)));
        await breathe();
      }
      if (at !== file.size || hash.digest('hex') !== file.sha256) throw changed();
      writeFully(fd, Buffer.concat([cipher.final(), cipher.getAuthTag()]));
      fsyncSync(fd);
    } catch (error) {
      rmSync(temp, { force: true });
      throw error;
    } finally { closeSync(fd); }
    renameSync(temp, this.content(id));
  }

  /** One key for all, made when it is first needed. It keeps content from running and matching, not from root. */
  private key(make: boolean): Buffer {
    const at = join(this.folder, 'key');
    if (make && !existsSync(at)) {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const temp = `${at}.${randomBytes(6).toString('hex')}.new`;
      writeWhole(temp, randomBytes(keyBytes));
      try {
        linkSync(temp, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally { rmSync(temp); }
      syncFolder(this.folder);
      syncFolder(join(this.folder, '..'));
    }
    try {
      const key = readFileSync(at);
      if (key.length !== keyBytes) throw new Error(`it has ${key.length} bytes`);
      return key;
    } catch (error) {
      throw new MoatError<VaultErrorCode>('broken', `expected a key of ${keyBytes} bytes in ${at}: ${(error as Error).message}`, { cause: error });
    }
  }

  private description(id: string): string { return join(this.folder, `${id}.json`); }
  private content(id: string): string { return join(this.folder, `${id}.bin`); }
}

function writeFully(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

function writeWhole(path: string, bytes: Buffer): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
  try {
    writeFully(fd, bytes);
    fsyncSync(fd);
  } finally { closeSync(fd); }
}

function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try { fsyncSync(fd); } finally { closeSync(fd); }
}
