/**
 * Writes an archive: items one after another as they are collected, each digested as it passes, then the sums, the signed manifest and
 * the first entry of the chain of custody. Nothing is kept but the list of what there is; nothing is written anywhere else.
 */
import { createHash } from 'node:crypto';
import { MoatError, saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { nextCustody, type CustodyInput, custodyNames } from './custody.ts';
import { Digester, digestsOf, programBeside } from './digest.ts';
import type { EvidenceErrorCode } from './error.ts';
import { batchFiles, FileReader } from './file-reader.ts';
import type { Collected, Item, Limits, Mark, Missed, Opened } from './item.ts';
import type { Signer } from './key.ts';
import { type Entry, type Manifest, manifestText } from './manifest.ts';
import { readme } from './readme.ts';
import type { SmallFile } from './small-file.ts';
import { headerOf, padding, trailer } from './tar.ts';

/** Where the bytes go; `write` resolves when there is room for more, and the bytes may be used again. */
export interface Sink { write(bytes: Buffer): Promise<void>; /** Resolves when all is where it shall be. */ end(): Promise<void>; /** Bytes that may still be written, where that is known. */ room?(): number }

export interface ArchiveOptions {
  sink: Sink;
  signer: Signer;
  /** All of the manifest that is known before. */
  head: Omit<Manifest, 'format' | 'version' | 'items' | 'missed' | 'files' | 'ended' | 'key'> & { kept: Manifest['key']['kept'] };
  custody: Pick<CustodyInput, 'to' | 'how'>;
  now: () => number;
  limits: Limits;
  /** Bytes of the whole; what comes after is missed and said so. */
  most: number;
  /** Of the manifest, by a service of the network; `undefined` where none is asked. */
  timestamp?: ((manifest: Buffer) => Promise<Buffer>) | undefined;
  progress?: (name: string, bytes: number) => void;
  signal?: AbortSignal;
  /** Program of the thread that reads small files; without it (from the sources) each is read on its own. */
  fileProgram?: string | undefined;
}

export interface Written { manifest: Manifest; /** SHA-256 of the manifest. */ digest: string; /** SHA-256 of the first entry of the chain of custody. */ head: string; bytes: number; /** Why there is no timestamp although one was asked for. */ untimed?: Text }

/** A longer item of unknown size becomes parts of so many bytes. */
const partBytes = 16 << 20;
const itemsMax = 200_000;
const reserveBytes = 64 << 20;
const roomEvery = 8 << 20;
const stageBytes = 1 << 20;
const zeros = Buffer.alloc(1 << 20);

type Plain = Item & { plain: NonNullable<Item['plain']> };
const isPlain = (item: Item): item is Plain => item.plain !== undefined;

export async function writeArchive(collected: AsyncIterable<Collected>, options: ArchiveOptions): Promise<Written> {
  const writer = new Writer(options);
  try {
    return await writer.run(collected);
  } finally { await writer.close(); }
}

class Writer {
  private readonly options: ArchiveOptions;
  private readonly digester = new Digester();
  private readonly items: Entry[] = [];
  private readonly missed: Missed[] = [];
  private readonly names = new Set<string>();
  private bytes = 0;
  private readonly stage = Buffer.allocUnsafe(stageBytes);
  private filled = 0;
  private roomAt: number | undefined;
  private roomLeft = 0;
  private readonly files: FileReader | undefined;
  /** Small files that wait for others to be read together, and those that are being read. */
  private batch: Plain[] = [];
  private pending: { items: readonly Plain[]; reading: ReturnType<FileReader['read']> } | undefined;

  constructor(options: ArchiveOptions) {
    this.options = options;
    const program = options.fileProgram ?? programBeside('file-worker');
    if (program !== undefined) this.files = new FileReader(program);
  }

  async close(): Promise<void> { await Promise.all([this.digester.close(), this.files?.close()]); }

  async run(collected: AsyncIterable<Collected>): Promise<Written> {
    const { head: { kept, ...head }, signer, now, custody, sink } = this.options;
    const about = Buffer.from(readme(head.id));
    const files: { name: string; bytes: number; sha256: string }[] = [];
    const file = async (name: string, content: Buffer): Promise<void> => {
      await this.member(name, content);
      files.push({ name, bytes: content.length, sha256: digestsOf(content).sha256 });
    };
    await file('README.txt', about);
    for await (const one of collected) {
      this.options.signal?.throwIfAborted();
      if ('missed' in one) { this.miss(one, one.why); continue; }
      if (isPlain(one) && this.files?.usable === true) {
        if (this.batch.push(one) >= batchFiles) await this.nextBatch();
        continue;
      }
      await this.allBatches();
      await this.item(one);
    }
    await this.allBatches();
    const sums = (line: (entry: { name: string; sha256: string; sm3: string }) => string): Buffer => Buffer.from([{ name: 'README.txt', ...digestsOf(about) }, ...this.items].map(line).join(''));
    await file('SHA256SUMS', sums(({ name, sha256 }) => `${sha256}  ${name}\n`));
    await file('SM3SUMS', sums(({ name, sm3 }) => `SM3 (${name}) = ${sm3}\n`));
    const manifest: Manifest = { format: 'moat-evidence', version: 1, ...head, ended: new Date(now()).toISOString(), key: { algorithm: 'Ed25519', fingerprint: signer.fingerprint, kept }, items: this.items, missed: this.missed, files };
    const text = Buffer.from(manifestText(manifest));
    await this.member('manifest.json', text);
    await this.member('manifest.json.sig', signer.sign(text));
    await this.member('key.pem', Buffer.from(signer.pem));
    const untimed = await this.timestamp(text);
    const digest = digestsOf(text).sha256;
    const first = nextCustody({ archive: head.id, manifest: digest, last: undefined }, { did: 'collected', by: head.by, host: head.host, why: head.why, time: now(), ...custody }, signer);
    const names = custodyNames(1);
    await this.member(names.entry, first.bytes);
    await this.member(names.signature, first.signature);
    await this.member(names.key, Buffer.from(signer.pem));
    await this.put(trailer);
    await this.flush();
    await sink.end();
    return { manifest, digest, head: createHash('sha256').update(first.bytes).digest('hex'), bytes: this.bytes, ...(untimed && { untimed }) };
  }

  private async timestamp(manifest: Buffer): Promise<Text | undefined> {
    if (!this.options.timestamp) return undefined;
    try {
      await this.member('manifest.json.tsr', await this.options.timestamp(manifest));
      return undefined;
    } catch (error) { return saidBy(error); }
  }

  /** Small pieces go to the sink together. */
  private async put(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    if (this.filled + bytes.length > this.stage.length) await this.flush();
    if (bytes.length > this.stage.length / 4) { await this.flush(); await this.options.sink.write(bytes); return; }
    this.filled += bytes.copy(this.stage, this.filled);
  }

  private async flush(): Promise<void> {
    if (this.filled === 0) return;
    const all = this.stage.subarray(0, this.filled);
    this.filled = 0;
    await this.options.sink.write(all);
  }

  /** Asked once for so many bytes: it is a system call for each item otherwise. */
  private room(): number {
    if (this.roomAt === undefined || this.bytes - this.roomAt > roomEvery) {
      this.roomAt = this.bytes;
      this.roomLeft = this.options.sink.room?.() ?? Number.POSITIVE_INFINITY;
    }
    return this.roomLeft - (this.bytes - this.roomAt) - reserveBytes;
  }

  private async member(name: string, content: Buffer, modified = this.options.now()): Promise<void> {
    await this.put(headerOf(`${this.options.head.id}/${name}`, content.length, modified));
    await this.put(content);
    await this.put(zeros.subarray(0, padding(content.length)));
  }

  private miss({ name, source }: { name: string; source: string }, why: Text, error?: unknown): void {
    if (this.missed.length >= itemsMax) return;
    this.missed.push({ name, source, why, ...(error instanceof MoatError && error.code === 'absent' && { absent: true }) });
  }

  /** One name each: what would be written over when it is unpacked gets a number. */
  private nameOf(wanted: string): string {
    let name = `items/${wanted}`;
    for (let n = 2; this.names.has(name); n++) name = `items/${wanted}~${n}`;
    this.names.add(name);
    return name;
  }

  /** One batch is read while the one before is written. */
  private async nextBatch(): Promise<void> {
    const { pending, files, batch: items } = this;
    this.batch = [];
    // Not before the former is read: the thread does one at a time.
    const read = await pending?.reading;
    this.pending = items.length === 0 ? undefined : {
      items,
      reading: files!.read(items.map(({ plain, limits = this.options.limits }) => ({ path: plain.path, most: limits.bytes, ms: limits.ms }))),
    };
    if (!pending || !read) return;
    for (const [i, item] of pending.items.entries()) {
      const one = read.read[i]!;
      if ('other' in one) await this.item(item);
      else if ('why' in one) this.miss(item, one.why);
      else await this.small(item, one, read.bytesOf(i));
    }
  }

  private async allBatches(): Promise<void> {
    while (this.pending !== undefined || this.batch.length > 0) await this.nextBatch();
  }

  private async small({ plain, name: wanted, source }: Plain, { size, modified, facts, marks, began, ms, sha256, sm3 }: SmallFile, bytes: Buffer): Promise<void> {
    if (this.isFull({ name: wanted, source }, size)) return;
    const name = this.nameOf(wanted);
    this.options.progress?.(source, this.bytes);
    await this.member(name, bytes.subarray(0, size), modified);
    this.items.push({ name, source, taken: new Date(began).toISOString(), bytes: size, sha256, sm3, ms, facts: { ...facts, ...plain.facts }, ...(marks.length > 0 && { marks }) });
  }

  /** Whether there is no room for so many bytes more; then it is noted as missed. */
  private isFull(item: Pick<Item, 'name' | 'source'>, bytes: number): boolean {
    const why = this.items.length >= itemsMax ? { zh: `项目超过 ${itemsMax} 个`, en: `there are more than ${itemsMax} items` }
      : Math.min(this.options.most - this.bytes, this.room()) < bytes ? { zh: '存档已到大小上限，或目标磁盘将满', en: 'the archive has reached its size limit, or its disk is nearly full' } : undefined;
    if (why) this.miss(item, why);
    return why !== undefined;
  }

  private async item(item: Item): Promise<void> {
    const { limits, most, now, progress } = this.options;
    if (this.items.length >= itemsMax && this.isFull(item, 0)) return;
    const { ms, bytes } = item.limits ?? limits;
    const began = now();
    const deadline = new Deadline(ms);
    let opened: Opened | undefined;
    try {
      try {
        const opening = Promise.resolve(item.open(deadline.signal));
        opened = await deadline.race(opening, (late) => { void Promise.resolve(late.close?.()).catch(() => undefined); });
      } catch (error) { this.miss(item, error === overtime ? { zh: `${ms} 毫秒内没有答复`, en: `no answer within ${ms} ms` } : saidBy(error), error); return; }
      if (this.isFull(item, Math.min(opened.size ?? partBytes, bytes))) return;
      const reader = new Reader(opened.read, deadline);
      const common = { source: item.source, taken: new Date(began).toISOString() };
      const done = (): Pick<Entry, 'ms' | 'facts' | 'marks'> => {
        const marks = [...reader.marks, ...opened?.marks?.() ?? []];
        return { ms: now() - began, ...(opened?.facts && { facts: opened.facts }), ...(marks.length > 0 && { marks }) };
      };
      if (opened.size !== undefined) {
        const name = this.nameOf(item.name);
        const size = Math.min(opened.size, bytes);
        progress?.(item.source, this.bytes);
        const digests = await this.sized(name, size, reader, opened.modified ?? began, deadline);
        if (opened.size > bytes) reader.marks.push({ what: 'size-limit', bytes: opened.size });
        this.items.push({ name, ...common, bytes: size, ...digests, ...done() });
        return;
      }
      for (let part = 1, taken = 0; ; part++) {
        const { content, ended } = await reader.gather(Math.min(partBytes, bytes - taken));
        taken += content.length;
        const full = !ended && taken >= bytes;
        if (full) reader.marks.push({ what: 'size-limit' });
        // Nothing behind a whole part: there is no empty one for it.
        if (part > 1 && content.length === 0) break;
        const isLast = ended || full;
        const name = this.nameOf(part === 1 && isLast ? item.name : `${item.name}.part${String(part).padStart(5, '0')}`);
        progress?.(item.source, this.bytes);
        await deadline.outside(this.member(name, content));
        this.items.push({ name, ...common, bytes: content.length, ...digestsOf(content), ...done(), ...(!(part === 1 && isLast) && { part }) });
        if (isLast) break;
        if (this.items.length >= itemsMax || most - this.bytes < partBytes || this.room() < partBytes) { this.miss(item, { zh: `存档已到上限，第 ${part} 部分之后缺失`, en: `the archive has reached its limit, what comes behind part ${part} is missing` }); break; }
      }
      reader.leave();
    } finally {
      deadline.end();
      // It may hang as well: nobody waits for it.
      void Promise.resolve(opened?.close?.()).catch(() => undefined);
    }
  }

  /** Exactly so many bytes, whatever is read: what is missing at the end is zeros. */
  private async sized(name: string, size: number, reader: Reader, modified: number, deadline: Deadline): Promise<{ sha256: string; sm3: string }> {
    await this.put(headerOf(`${this.options.head.id}/${name}`, size, modified));
    this.digester.begin(size);
    const pass = async (bytes: Buffer): Promise<number> => {
      await deadline.outside(this.digester.update(bytes).then(() => this.put(bytes)));
      return bytes.length;
    };
    let done = 0;
    while (done < size) {
      const piece = await reader.next();
      if (piece === undefined) break;
      done += await pass(piece.subarray(0, size - done));
    }
    if (done < size && reader.marks.length === 0) reader.marks.push({ what: 'shrank', bytes: size - done });
    while (done < size) done += await pass(zeros.subarray(0, Math.min(size - done, zeros.length)));
    reader.leave();
    await this.put(zeros.subarray(0, padding(size)));
    return await this.digester.end();
  }
}

/** What it rejects with when the time of an item is over. */
const overtime = new MoatError<EvidenceErrorCode>('bad-input', 'its time is over');

/** The time of one item. */
class Deadline {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private reject: ((error: Error) => void) | undefined;
  private left: number;
  private since = 0;

  constructor(ms: number) {
    this.left = ms;
    this.go();
  }

  /** What the target takes is not the item's time: one that is slow must not cut off what could be read. */
  async outside<T>(work: Promise<T>): Promise<T> {
    clearTimeout(this.timer);
    this.left -= performance.now() - this.since;
    try {
      return await work;
    } finally { this.go(); }
  }

  private go(): void {
    if (this.signal.aborted) return;
    this.since = performance.now();
    this.timer = setTimeout(() => { this.controller.abort(overtime); this.reject?.(overtime); }, Math.max(0, this.left));
  }

  get signal(): AbortSignal { return this.controller.signal; }

  /** What is waited for is left alone when the time is over; its later failure is nobody's, what it gives then goes to `late`. */
  race<T>(work: Promise<T>, late?: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      this.reject = reject;
      void work.then((value) => (this.signal.aborted ? late?.(value) : resolve(value)), reject);
      if (this.signal.aborted) reject(overtime);
    });
  }

  end(): void { clearTimeout(this.timer); this.controller.abort(overtime); }
}

/** Reads pieces until the end, a fault, or the end of its time: each leaves its mark. */
class Reader {
  readonly marks: Mark[] = [];
  private readonly pieces: AsyncIterator<Buffer>;
  private readonly deadline: Deadline;
  private rest: Buffer = Buffer.alloc(0);
  private over = false;

  constructor(read: AsyncIterable<Buffer>, deadline: Deadline) {
    this.pieces = read[Symbol.asyncIterator]();
    this.deadline = deadline;
  }

  async next(): Promise<Buffer | undefined> {
    if (this.over) return undefined;
    try {
      const { done, value } = await this.deadline.race(this.pieces.next());
      if (done !== true) return value;
    } catch (error) {
      this.marks.push(error === overtime || this.deadline.signal.aborted ? { what: 'time-limit' } : { what: 'failed', detail: saidBy(error).en.slice(0, 500) });
    }
    this.over = true;
    return undefined;
  }

  /** At most so many bytes, in memory of their own. */
  async gather(most: number): Promise<{ content: Buffer; ended: boolean }> {
    const parts: Buffer[] = [];
    let size = 0;
    while (size < most) {
      const piece = this.rest.length > 0 ? this.rest : await this.next();
      if (piece === undefined) return { content: Buffer.concat(parts), ended: true };
      const own = Buffer.from(piece.subarray(0, most - size));
      this.rest = Buffer.from(piece.subarray(own.length));
      parts.push(own);
      size += own.length;
    }
    // A whole part may be all there is.
    if (this.rest.length === 0) {
      const more = await this.next();
      if (more === undefined) return { content: Buffer.concat(parts), ended: true };
      this.rest = Buffer.from(more);
    }
    return { content: Buffer.concat(parts), ended: false };
  }

  /** Whoever reads may close what it holds; one that hangs is not waited for. */
  leave(): void {
    this.over = true;
    void Promise.resolve(this.pieces.return?.()).catch(() => undefined);
  }
}
