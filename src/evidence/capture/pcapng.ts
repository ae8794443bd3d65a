/**
 * pcapng, as tcpdump and Wireshark read it: packets from their network header on, below a header that says which interface they were seen
 * at and which way they went (LINKTYPE_LINUX_SLL2). Times in nanoseconds. Lengths are in bytes.
 */
import type { PacketAt } from './blocks.ts';

const sectionBlock = 0x0a0d_0d0a, interfaceBlock = 1, countsBlock = 5, packetBlock = 6;
const byteOrder = 0x1a2b_3c4d;
const linkType = 276;
const linkHeader = 20;
/** What stands before and behind a packet in its block. */
const packetHead = 28;

const padded = (length: number): number => (length + 3) & ~3;

function option(code: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function block(type: number, ...body: Buffer[]): Buffer {
  const inner = Buffer.concat(body);
  const bytes = Buffer.alloc(12 + inner.length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(bytes.length, 4);
  inner.copy(bytes, 8);
  bytes.writeUInt32LE(bytes.length, bytes.length - 4);
  return bytes;
}

const endOfOptions = Buffer.alloc(4);

/** What a file, or a further section of one, begins with. `snap`: bytes of a packet that are kept. */
export function sectionStart(tool: string, snap: number): Buffer {
  const section = Buffer.alloc(16);
  section.writeUInt32LE(byteOrder, 0);
  section.writeUInt16LE(1, 4);
  section.writeBigInt64LE(-1n, 8);
  const link = Buffer.alloc(8);
  link.writeUInt16LE(linkType, 0);
  link.writeUInt32LE(snap === 0 ? 0 : snap + linkHeader, 4);
  return Buffer.concat([block(sectionBlock, section, option(4, Buffer.from(tool)), endOfOptions), block(interfaceBlock, link, option(2, Buffer.from('any')), option(9, Buffer.from([9])), endOfOptions)]);
}

/** Packets that passed the filter since the section began, and those of them that the kernel had no room for. */
export function countsOf({ time, packets, dropped }: { time: bigint; packets: number; dropped: number }): Buffer {
  const head = Buffer.alloc(12), number = (value: number): Buffer => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(value)); return bytes; };
  writeTime(head, 4, time);
  return block(countsBlock, head, option(4, number(packets)), option(5, number(dropped)), endOfOptions);
}

function writeTime(bytes: Buffer, at: number, time: bigint): void {
  bytes.writeUInt32LE(Number(time >> 32n), at);
  bytes.writeUInt32LE(Number(time & 0xffff_ffffn), at + 4);
}

/** Bytes that `writePacket` writes. */
export const packetBytes = ({ captured }: PacketAt): number => packetHead + padded(linkHeader + captured) + 4;

/** At the beginning of `into`, which has room for it. */
export function writePacket(into: Buffer, packet: PacketAt): number {
  const { bytes, from, captured, length, time, link } = packet;
  const size = packetBytes(packet), own = linkHeader + captured;
  into.writeUInt32LE(packetBlock, 0);
  into.writeUInt32LE(size, 4);
  into.writeUInt32LE(0, 8);
  writeTime(into, 12, time);
  into.writeUInt32LE(own, 20);
  into.writeUInt32LE(linkHeader + length, 24);
  // struct sockaddr_ll: family, protocol, interface, kind of hardware, direction, length of the address, address.
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  source.copy(into, packetHead, link + 2, link + 4);
  into.writeUInt16BE(0, packetHead + 2);
  into.writeInt32BE(source.readInt32LE(link + 4), packetHead + 4);
  into.writeUInt16BE(source.readUInt16LE(link + 8), packetHead + 8);
  into[packetHead + 10] = source[link + 10]!;
  into[packetHead + 11] = Math.min(8, source[link + 11]!);
  source.copy(into, packetHead + 12, link + 12, link + 20);
  source.copy(into, packetHead + linkHeader, from, from + captured);
  into.fill(0, packetHead + own, packetHead + padded(own));
  into.writeUInt32LE(size, size - 4);
  return size;
}

/** A packet as its block stands in a file: `ip` is where its network header is. */
export interface PacketBlock { block: Buffer; time: bigint; ip: number; length: number }
export type FileBlock = ({ kind: 'packet' } & PacketBlock) | { kind: 'counts'; packets: number; dropped: number } | { kind: 'section' };

const blockMax = 1 << 20;

/**
 * Blocks of a file of ours, in order. Where something stands that is none of ours (its writing was cut off), `onBroken` is told, and
 * reading goes on with the next section. A block that is not whole ends it.
 */
export async function* blocksOf(source: AsyncIterable<Buffer>, onBroken: (at: number) => void): AsyncGenerator<FileBlock> {
  let held: Buffer = Buffer.alloc(0), position = 0, isLost = false;
  for await (const piece of source) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let at = 0;
    while (held.length - at >= 12) {
      if (isLost) {
        at = nextSection(held, at);
        if (held.length - at < 12) break;
        isLost = false;
      }
      const size = held.readUInt32LE(at + 4);
      const isSize = size >= 12 && size % 4 === 0 && size <= blockMax;
      if (isSize && held.length - at < size) break;
      const read = isSize && held.readUInt32LE(at + size - 4) === size ? readBlock(held.readUInt32LE(at), held.subarray(at, at + size)) : 'broken';
      if (read === 'broken') {
        onBroken(position + at);
        isLost = true;
        at += 4;
        continue;
      }
      if (read) yield read;
      at += size;
    }
    position += at;
    held = Buffer.from(held.subarray(at));
  }
}

const sectionMark = Buffer.from('0a0d0d0a', 'hex'), orderMark = Buffer.from('4d3c2b1a', 'hex');

/** Where the next one may begin; where the last bytes are, when they may be the beginning of one. */
function nextSection(held: Buffer, from: number): number {
  for (let at = held.indexOf(sectionMark, from); at >= 0; at = held.indexOf(sectionMark, at + 1)) {
    if (held.length - at < 12 || held.subarray(at + 8, at + 12).equals(orderMark)) return at;
  }
  return Math.max(from, held.length - 11);
}

function readBlock(type: number, one: Buffer): FileBlock | 'broken' | undefined {
  switch (type) {
    case sectionBlock: return one.length >= 28 && one.readUInt32LE(8) === byteOrder ? { kind: 'section' } : 'broken';
    case packetBlock: {
      if (one.length < packetHead + linkHeader + 4) return 'broken';
      const captured = one.readUInt32LE(20);
      if (captured < linkHeader || packetHead + padded(captured) + 4 > one.length) return 'broken';
      return { kind: 'packet', block: one, time: (BigInt(one.readUInt32LE(12)) << 32n) | BigInt(one.readUInt32LE(16)), ip: packetHead + linkHeader, length: captured - linkHeader };
    }
    case countsBlock: return one.length >= 48 && one.readUInt16LE(20) === 4 && one.readUInt16LE(32) === 5 ? { kind: 'counts', packets: Number(one.readBigUInt64LE(24)), dropped: Number(one.readBigUInt64LE(36)) } : 'broken';
    default: return undefined;
  }
}
