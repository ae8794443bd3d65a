/**
 * An index on its way from one process to another: one line of JSON, then the columns of its table as they lie in memory. Both ends
 * are of one build on one machine, so numbers keep their byte order.
 */
import type { Text } from '../../core/text.ts';
import type { Package } from './collect.ts';
import { PackagesError, type PackagesErrorCode } from './error.ts';
import type { SealedPackages } from './index.ts';
import { PathTable, type Columns } from './table.ts';

type Column = Uint8Array | Uint16Array | Uint32Array;

/** In the order in which they are sent. */
const makers = {
  folderBytes: Uint8Array, folderAt: Uint32Array, folderReal: Uint32Array, folderSlots: Uint32Array,
  folder: Uint32Array, name: Uint8Array, nameBase: Uint32Array, digestBase: Uint32Array, owner: Uint16Array, flags: Uint8Array, mode: Uint16Array,
  names: Uint8Array, digests: Uint8Array, slots: Uint32Array,
} as const;
const order = Object.keys(makers) as (keyof Columns)[];

interface Head {
  stamp: string;
  packages: Package[];
  /** By their place among the packages. */
  strangers: number[];
  counts: [string, number][];
  faults: Text[];
  links: [string, string][];
  /** How many numbers each column has. */
  lengths: number[];
}
interface Fault { fault: { code: PackagesErrorCode; message: string; text: Text | undefined } }

const headMax = 128 * 2 ** 20;
/** Four million paths, and more than any machine has. */
const columnsMax = 512 * 2 ** 20;
const newline = 10;

const lineOf = (head: Head | Fault): Buffer => Buffer.from(`${JSON.stringify(head)}\n`);

export function* packedPackages({ stamp, packages, strangers, counts, faults, links, table }: SealedPackages): Iterable<Uint8Array> {
  const { columns } = table;
  yield lineOf({
    stamp, packages: [...packages], strangers: packages.flatMap((one, i) => (strangers.has(one) ? [i] : [])),
    counts: [...counts], faults: [...faults], links: [...links], lengths: order.map((name) => columns[name].length),
  });
  for (const name of order) {
    const { buffer, byteOffset, byteLength } = columns[name];
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

export const packedFault = (error: PackagesError): Buffer => lineOf({ fault: { code: error.code, message: error.message, text: error.text } });

/** Throws the PackagesError that was sent, and 'not-built' for anything that is no whole index. */
export async function receivePackages(chunks: AsyncIterable<Buffer>): Promise<SealedPackages> {
  const line: Buffer[] = [];
  let lineBytes = 0;
  let head: Head | undefined;
  let columns: Column[] = [];
  let which = 0;
  let have = 0;
  for await (const chunk of chunks) {
    let at = 0;
    if (!head) {
      const end = chunk.indexOf(newline);
      line.push(end < 0 ? chunk : chunk.subarray(0, end));
      lineBytes += chunk.length;
      if (lineBytes > headMax) throw new PackagesError('not-built', `expected at most ${headMax} bytes of packages, got more`);
      if (end < 0) continue;
      head = parseHead(Buffer.concat(line.splice(0)));
      columns = room(head.lengths);
      at = end + 1;
    }
    while (at < chunk.length) {
      const column = columns[which];
      if (!column) throw new PackagesError('not-built', 'expected the end of the package index, got more');
      const piece = chunk.subarray(at, at + column.byteLength - have);
      new Uint8Array(column.buffer).set(piece, have);
      at += piece.length;
      have += piece.length;
      if (have === column.byteLength) { which++; have = 0; }
    }
  }
  while (columns[which]?.byteLength === have) { which++; have = 0; }
  if (!head || which < order.length) throw new PackagesError('not-built', 'expected a whole package index, got a part of it');
  const { packages } = head;
  return {
    stamp: head.stamp, packages, strangers: new Set(head.strangers.flatMap((i) => packages[i] ?? [])),
    counts: new Map(head.counts), faults: head.faults, links: new Map(head.links),
    table: new PathTable(Object.fromEntries(order.map((name, i) => [name, columns[i]])) as unknown as Columns),
  };
}

function parseHead(line: Buffer): Head {
  let head: Head | Fault;
  try {
    head = JSON.parse(line.toString()) as Head | Fault;
  } catch (error) { throw new PackagesError('not-built', `expected packages as JSON, got ${line.toString('utf8', 0, 80)}`, { cause: error }); }
  if ('fault' in head) throw new PackagesError(head.fault.code, head.fault.message, { text: head.fault.text });
  return head;
}

function room(lengths: readonly number[]): Column[] {
  const total = order.reduce((sum, name, i) => sum + (lengths[i] ?? 0) * makers[name].BYTES_PER_ELEMENT, 0);
  if (lengths.length !== order.length || !lengths.every((n) => Number.isSafeInteger(n) && n >= 0)) throw new PackagesError('not-built', `expected ${order.length} columns, got ${lengths.length}`);
  if (total > columnsMax) throw new PackagesError('too-large', `expected a package index of at most ${columnsMax} bytes, got ${total}`);
  return order.map((name, i) => new makers[name](lengths[i]!));
}
