/** Blocks of packets as the kernel wrote them (TPACKET_V3), kept in memory until newer ones need the room; and the packets in them. */

/** Of a packet that a block holds; offsets are into `bytes`. */
export interface PacketAt { bytes: Uint8Array; /** Where its header is: `markKept` writes there. */ at: number; /** Network header and behind. */ from: number; captured: number; length: number; /** Unix ns. */ time: bigint; /** Where its address of the link layer is (struct sockaddr_ll). */ link: number }

/** struct tpacket_block_desc and tpacket3_hdr. */
const packetsAt = 12, firstAt = 16;
const linkFrom = 48, linkBytes = 20;
/** A bit of the packet's status that the kernel does not use: it stands in our copy alone. */
const keptBit = 0x4000_0000;
const statusOf = 20;

interface Held { at: number; length: number; first: bigint }

/** The newest blocks, as many as there is room for. */
export class BlockStore {
  private readonly bytes: Buffer;
  private held: Held[] = [];
  private head = 0;
  private next = 0;

  constructor(size: number) { this.bytes = Buffer.alloc(size); }

  /** A copy of it, which is where packets are then marked. Longer than the store: undefined. */
  add(block: Uint8Array): Uint8Array | undefined {
    const { length } = block;
    if (length > this.bytes.length) return undefined;
    let at = this.next;
    if (at + length > this.bytes.length) {
      // What is left behind the last one stays empty; what stood there goes.
      this.letGo(at, this.bytes.length);
      at = 0;
    }
    this.letGo(at, at + length);
    this.bytes.set(block, at);
    this.next = at + length;
    const own = this.bytes.subarray(at, at + length);
    this.held.push({ at, length, first: firstTime(own) });
    return own;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<Uint8Array> {
    for (let i = this.head; i < this.held.length; i++) {
      const { at, length } = this.held[i]!;
      yield this.bytes.subarray(at, at + length);
    }
  }

  /** Unix ns of the oldest packet that is there. */
  get oldest(): bigint | undefined { return this.held[this.head]?.first; }
  get blocks(): number { return this.held.length - this.head; }

  private letGo(from: number, to: number): void {
    for (; this.head < this.held.length; this.head++) {
      const { at, length } = this.held[this.head]!;
      if (at >= to || at + length <= from) break;
    }
    if (this.head > 1024) { this.held = this.held.slice(this.head); this.head = 0; }
  }
}

function firstTime(block: Uint8Array): bigint {
  const view = viewOf(block);
  return block.length < 40 ? 0n : BigInt(view.getUint32(32, true)) * 1_000_000_000n + BigInt(view.getUint32(36, true));
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The packets of a block; one object that is filled anew for each. Ends where what stands there cannot be. */
export function* packetsOf(block: Uint8Array): Generator<PacketAt> {
  if (block.length < 48) return;
  const view = viewOf(block);
  const packet: PacketAt = { bytes: block, at: 0, from: 0, captured: 0, length: 0, time: 0n, link: 0 };
  let at = view.getUint32(firstAt, true);
  for (let left = view.getUint32(packetsAt, true); left > 0; left--) {
    if (at + linkFrom + linkBytes > block.length) return;
    const next = view.getUint32(at, true), captured = view.getUint32(at + 12, true), from = at + view.getUint16(at + 26, true);
    if (from + captured > block.length) return;
    packet.at = at;
    packet.from = from;
    packet.captured = captured;
    packet.length = view.getUint32(at + 16, true);
    packet.time = BigInt(view.getUint32(at + 4, true)) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
    packet.link = at + linkFrom;
    yield packet;
    if (next === 0) return;
    at += next;
  }
}

export const isKept = ({ bytes, at }: PacketAt): boolean => (viewOf(bytes).getUint32(at + statusOf, true) & keptBit) !== 0;
export const markKept = ({ bytes, at }: PacketAt): void => { const view = viewOf(bytes); view.setUint32(at + statusOf, (view.getUint32(at + statusOf, true) | keptBit) >>> 0, true); };
