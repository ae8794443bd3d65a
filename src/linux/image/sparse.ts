/** Maps of sparse files: which parts of them an archive holds. */
import { ImageError } from './error.ts';

export interface Sparse {
  /** Of the file as it is read. */
  size: number;
  /** Where the stored bytes begin, behind a map that stands before them. */
  position: number;
  /** Sum of the lengths. */
  stored: number;
  pieces: Float64Array;
  name?: Buffer;
}

const piecesMax = 100_000;
const mapMax = 4 << 20;

/** The old GNU way: the map in the header and blocks behind it. Throws ImageError 'broken'. */
export function gnuSparse(header: Buffer, block: (position: number) => Buffer, data: number): Sparse {
  const numbers: number[] = [];
  const take = (bytes: Buffer, offset: number, pairs: number): void => {
    for (let i = 0; i < pairs * 2; i++) {
      const text = bytes.toString('latin1', offset + i * 12, offset + i * 12 + 12).replace(/[\0 ].*$/s, '');
      if (text === '' && i % 2 === 0) return;
      numbers.push(base8(bytes, offset + i * 12));
    }
  };
  const size = base8(header, 483);
  take(header, 386, 4);
  let position = data;
  let more = header[482] !== 0;
  while (more) {
    const next = block(position);
    if (next.length < 512 || numbers.length > 2 * piecesMax) throw bad(position);
    take(next, 0, 21);
    more = next[504] !== 0;
    position += 512;
  }
  return checked(numbers, size, position, data);
}

/** A number of 12 bytes: octal, or big-endian with the first bit set. */
function base8(bytes: Buffer, offset: number): number {
  if ((bytes[offset]! & 0x80) !== 0) {
    let n = bytes[offset]! & 0x7f;
    for (let i = 1; i < 12; i++) n = n * 256 + bytes[offset + i]!;
    return n;
  }
  const text = bytes.toString('latin1', offset, offset + 12).replaceAll(/[\0 ]/g, '');
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : Number.NaN;
}

/** The PAX ways: the map among the records, or as text before the bytes (1.0). Undefined for a file that is not sparse. Throws ImageError 'broken'. */
export function paxSparse(pax: ReadonlyMap<string, Buffer>, read: (position: number, length: number) => Buffer, data: number, stored: number): Sparse | undefined {
  const text = (key: string): string | undefined => pax.get(key)?.toString('latin1');
  const name = pax.get('GNU.sparse.name');
  const size = decimal(text('GNU.sparse.realsize') ?? text('GNU.sparse.size') ?? '');
  let map: Sparse | undefined;
  if (text('GNU.sparse.major') === '1' && text('GNU.sparse.minor') === '0') map = mapBefore(read, data, stored, size);
  else {
    const list = text('GNU.sparse.map');
    if (list !== undefined) map = checked(list === '' ? [] : list.split(',', 2 * piecesMax + 2).map(decimal), size, data, data);
  }
  if (map && name) map.name = name;
  return map;
}

/** Lines of decimal numbers, filled up to a whole block: how many pieces, then offset and length of each. */
function mapBefore(read: (position: number, length: number) => Buffer, data: number, stored: number, size: number): Sparse {
  const numbers: number[] = [];
  let wanted = 1;
  let line = '';
  for (let position = data; position - data < Math.min(stored, mapMax); position += 512) {
    for (const byte of read(position, 512)) {
      if (byte !== 0x0a) { line += String.fromCharCode(byte); if (line.length > 20) throw bad(position); continue; }
      numbers.push(decimal(line));
      line = '';
      if (numbers.length === 1) wanted = 1 + 2 * numbers[0]!;
      if (!(wanted <= 1 + 2 * piecesMax)) throw bad(position);
      if (numbers.length === wanted) return checked(numbers.slice(1), size, position + 512, data);
    }
  }
  throw bad(data);
}

function checked(numbers: readonly number[], size: number, position: number, data: number): Sparse {
  if (!Number.isSafeInteger(size) || numbers.length % 2 !== 0 || numbers.length > 2 * piecesMax) throw bad(data);
  let end = 0;
  let stored = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i]!, length = numbers[i + 1]!;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < end || length < 0 || offset + length > size) throw bad(data);
    end = offset + length;
    stored += length;
  }
  return { size, position, stored, pieces: Float64Array.from(numbers) };
}

const decimal = (text: string): number => (/^\d{1,16}$/.test(text) ? Number(text) : Number.NaN);
const bad = (at: number): ImageError => new ImageError('broken', `expected the map of a sparse file, got something else at byte ${at}`);
