/**
 * POSIX tar (ustar, with pax records for what does not fit), written and read as a stream. Only plain files: names of our own making,
 * no links, no devices. Every tar program reads it.
 */
import { MoatError } from '../core/error.ts';
import type { EvidenceErrorCode } from './error.ts';

export const blockBytes = 512;
/** Two empty blocks end an archive. */
export const trailer = Buffer.alloc(2 * blockBytes);
/** What octal digits of the size field hold. */
const plainSizeMax = 0o77777777777;
const nameMax = 100;
const paxMax = 64 * 1024;

/** Bytes that fill the last block of a member. */
export const padding = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes;

/** What stands before the content of a file. `modified`: Unix ms. */
export function headerOf(name: string, size: number, modified: number): Buffer {
  const records: string[] = [];
  if (Buffer.byteLength(name) > nameMax) records.push(paxRecord('path', name));
  if (size > plainSizeMax) records.push(paxRecord('size', String(size)));
  const plain = block(records.length === 0 ? name : Buffer.from(name).subarray(-nameMax).toString('latin1'), Math.min(size, plainSizeMax), modified, '0');
  if (records.length === 0) return plain;
  const pax = Buffer.from(records.join(''));
  return Buffer.concat([block('pax', pax.length, modified, 'x'), pax, Buffer.alloc(padding(pax.length)), plain]);
}

function block(name: string, size: number, modified: number, type: '0' | 'x'): Buffer {
  const bytes = Buffer.alloc(blockBytes);
  bytes.write(name, 0, nameMax, 'latin1');
  bytes.write('0000600\0', 100);
  bytes.write('0000000\0', 108);
  bytes.write('0000000\0', 116);
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  bytes.write(`${Math.max(0, Math.floor(modified / 1000)).toString(8).padStart(11, '0')}\0`, 136);
  bytes.write(' '.repeat(8), 148);
  bytes.write(type, 156);
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(`${checksum(bytes).toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** A loop: `reduce` takes as long for a header as reading a small file does. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return sum;
}

/** `LENGTH KEY=VALUE\n`, in which the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** `at` is where its header begins (that of its pax records, when it has some). `content` is read whole before the next member is asked for, or not at all: then it is passed over. */
export interface Member { name: string; size: number; /** Unix ms, in whole seconds. */ modified: number; at: number; content: AsyncIterable<Buffer> }

/** How an archive ended: `end` is where its trailer begins, `beyond` the bytes behind it that are not empty. */
export interface TarEnd { end: number; beyond: boolean }

/**
 * Reads members in order. Throws MoatError 'truncated' where it ends too early and 'broken' for what is no archive of ours. What comes
 * behind the trailer is read to its end and must be empty.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<Member, TarEnd> {
  const input = new Input(source);
  for (;;) {
    const at = input.position;
    let head = await input.block();
    if (head === undefined) throw new MoatError<EvidenceErrorCode>('truncated', `expected a further member or the end of the archive at byte ${at}, got nothing: it is cut off`, { zh: `存档在第 ${at} 字节处中断：不完整` });
    if (isEmpty(head)) {
      const second = await input.block();
      if (second === undefined) throw new MoatError<EvidenceErrorCode>('truncated', `expected two empty blocks at byte ${at}, got one: the archive is cut off`, { zh: `存档在第 ${at} 字节处中断：不完整` });
      return { end: at, beyond: !isEmpty(second) || !(await input.restIsEmpty()) };
    }
    let pax: Map<string, string> | undefined;
    const raw = [head];
    if (typeOf(head, at) === 'x') {
      const size = numberOf(head, 124, at);
      if (size > paxMax) throw broken(at, `pax records of ${size} bytes`);
      const pieces: Buffer[] = [];
      for await (const piece of input.content(size, at)) pieces.push(Buffer.from(piece));
      const records = Buffer.concat(pieces);
      pax = readPax(records, at);
      head = await input.block();
      if (head === undefined) throw new MoatError<EvidenceErrorCode>('truncated', `expected a member after its pax records at byte ${at}, got nothing: the archive is cut off`, { zh: `存档在第 ${at} 字节处中断：不完整` });
      if (typeOf(head, at) !== '0') throw broken(at, 'pax records without a file');
      raw.push(records, Buffer.alloc(padding(records.length)), head);
    }
    const name = pax?.get('path') ?? textOf(head, 0, nameMax);
    const size = pax?.has('size') === true ? Number(pax.get('size')) : numberOf(head, 124, at);
    if (!Number.isSafeInteger(size) || size < 0) throw broken(at, 'a size that is none');
    const modified = numberOf(head, 136, at) * 1000;
    // There is one way to write a header: whatever else stands in it was put there by somebody else.
    if (!headerOf(name, size, modified).equals(Buffer.concat(raw))) throw broken(at, 'a header that Moat does not write');
    const content = input.content(size, at);
    yield { name, size, modified, at, content };
    for await (const _ of content) { /* what nobody wanted is passed over */ }
  }
}

const broken = (at: number, what: string): MoatError<EvidenceErrorCode> => new MoatError<EvidenceErrorCode>('broken', `expected an archive as Moat writes it, got ${what} at byte ${at}`, { zh: `第 ${at} 字节处不是 Moat 写的存档，或已被改动` });
const isEmpty = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

function textOf(head: Buffer, from: number, length: number): string {
  const field = head.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** A header must say what we write and nothing else: what is in it is checked by its sum and by its form. */
function typeOf(head: Buffer, at: number): '0' | 'x' {
  const sum = Number.parseInt(textOf(head, 148, 8).trim(), 8);
  const copy = Buffer.from(head);
  copy.write(' '.repeat(8), 148);
  if (checksum(copy) !== sum) throw broken(at, 'a header with a wrong checksum');
  const type = String.fromCharCode(head[156]!);
  if (type !== '0' && type !== 'x') throw broken(at, `a member of type ${JSON.stringify(type)}`);
  return type;
}

/** Of the size and time fields. */
function numberOf(head: Buffer, field: number, at: number): number {
  const text = textOf(head, field, 12).trim();
  if (!/^[0-7]{1,11}$/.test(text)) throw broken(at, 'a number that is none');
  return Number.parseInt(text, 8);
}

function readPax(bytes: Buffer, at: number): Map<string, string> {
  const found = new Map<string, string>();
  for (let from = 0; from < bytes.length;) {
    const space = bytes.indexOf(0x20, from);
    const length = Number(bytes.toString('latin1', from, space < 0 ? from : space));
    if (!Number.isSafeInteger(length) || length < 5 || from + length > bytes.length || bytes[from + length - 1] !== 0x0a) throw broken(at, 'pax records that are none');
    const record = bytes.toString('utf8', space + 1, from + length - 1);
    const equals = record.indexOf('=');
    if (equals < 0) throw broken(at, 'pax records that are none');
    found.set(record.slice(0, equals), record.slice(equals + 1));
    from += length;
  }
  return found;
}

/** Pieces of any size, handed on as blocks and contents. */
class Input {
  position = 0;
  private piece: Buffer = Buffer.alloc(0);
  private readonly source: AsyncIterator<Buffer>;

  constructor(source: AsyncIterable<Buffer>) { this.source = source[Symbol.asyncIterator](); }

  /** Undefined when nothing is left; less than a block counts as nothing. */
  async block(): Promise<Buffer | undefined> {
    while (this.piece.length < blockBytes) {
      const { done, value } = await this.source.next();
      if (done === true) return undefined;
      this.piece = this.piece.length === 0 ? value : Buffer.concat([this.piece, value]);
    }
    return this.take(blockBytes);
  }

  async *content(size: number, at: number): AsyncGenerator<Buffer> {
    for (let left = size + padding(size), wanted = size; left > 0;) {
      if (this.piece.length === 0) {
        const { done, value } = await this.source.next();
        if (done === true) throw new MoatError<EvidenceErrorCode>('truncated', `expected ${left} further bytes of the member at byte ${at}, got nothing: the archive is cut off`, { zh: `存档在第 ${this.position} 字节处中断：不完整` });
        this.piece = value;
        continue;
      }
      const got = this.take(Math.min(left, this.piece.length));
      left -= got.length;
      const own = Math.min(wanted, got.length);
      if (!isEmpty(got.subarray(own))) throw broken(at, 'something behind the content of the member');
      wanted -= own;
      if (own > 0) yield got.subarray(0, own);
    }
  }

  async restIsEmpty(): Promise<boolean> {
    let empty = isEmpty(this.piece);
    for (;;) {
      const { done, value } = await this.source.next();
      if (done === true) return empty;
      empty &&= isEmpty(value);
    }
  }

  private take(bytes: number): Buffer {
    const got = this.piece.subarray(0, bytes);
    this.piece = this.piece.subarray(bytes);
    this.position += bytes;
    return got;
  }
}
