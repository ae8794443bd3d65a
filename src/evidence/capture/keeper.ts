/** What passes is held in memory for a while; what belongs to an address that is wanted is kept. */
import { type AddressKey, touches } from './addresses.ts';
import { BlockStore, isKept, markKept, type PacketAt, packetsOf } from './blocks.ts';
import { packetBytes, writePacket } from './pcapng.ts';

export interface KeeperCounts { kept: number; keptBytes: number; unwritten: number; wanted: number; forgotten: number; /** Unix ms of the oldest packet in memory. */ oldest: number | undefined }

const wantedMax = 2000;
const gatherBytes = 1 << 20;

export class Keeper {
  private readonly store: BlockStore;
  private readonly put: (blocks: Buffer) => void;
  /** Until when, Unix ns; the one that was asked for longest ago first. */
  private readonly wanted = new Map<AddressKey, bigint>();
  private readonly gathered = Buffer.allocUnsafe(gatherBytes);
  private filled = 0;
  private pending = 0;
  private readonly counted = { kept: 0, keptBytes: 0, unwritten: 0, forgotten: 0 };

  /** `put` throws when there is no room: then it is counted. */
  constructor(memoryBytes: number, put: (blocks: Buffer) => void) {
    this.store = new BlockStore(memoryBytes);
    this.put = put;
  }

  counts(): KeeperCounts {
    const { oldest } = this.store;
    return { ...this.counted, wanted: this.wanted.size, oldest: oldest === undefined ? undefined : Number(oldest / 1_000_000n) };
  }

  take(block: Uint8Array): void {
    const own = this.store.add(block);
    if (own === undefined || this.wanted.size === 0) return;
    this.look(own, this.wanted, 0n);
    this.flush();
  }

  /** From now on until then, and of what is still in memory what came since `from` (Unix ns). */
  want(keys: readonly AddressKey[], from: bigint, until: bigint): void {
    if (keys.length === 0) return;
    for (const key of keys) {
      const known = this.wanted.get(key);
      this.wanted.delete(key);
      this.wanted.set(key, known !== undefined && known > until ? known : until);
    }
    while (this.wanted.size > wantedMax) {
      for (const oldest of this.wanted.keys()) { this.wanted.delete(oldest); break; }
      this.counted.forgotten++;
    }
    const asked = new Set(keys);
    for (const block of this.store) this.look(block, asked, from);
    this.flush();
  }

  /** Lets go of those whose time is over. */
  tick(now: bigint): void { for (const [key, until] of this.wanted) if (until < now) this.wanted.delete(key); }

  private look(block: Uint8Array, keys: { has(key: AddressKey): boolean }, from: bigint): void {
    for (const packet of packetsOf(block)) if (packet.time >= from && touches(keys, packet.bytes, packet.from, packet.captured) && !isKept(packet)) this.keep(packet);
  }

  private keep(packet: PacketAt): void {
    const size = packetBytes(packet);
    if (size > gatherBytes) { this.counted.unwritten++; return; }
    if (this.filled + size > gatherBytes) this.flush();
    this.filled += writePacket(this.gathered.subarray(this.filled, this.filled + size), packet);
    this.pending++;
    markKept(packet);
  }

  private flush(): void {
    if (this.filled === 0) return;
    try {
      this.put(this.gathered.subarray(0, this.filled));
      this.counted.kept += this.pending;
      this.counted.keptBytes += this.filled;
    } catch { this.counted.unwritten += this.pending; /* the disk is full, which is told */ }
    this.filled = 0;
    this.pending = 0;
  }
}
