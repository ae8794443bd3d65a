/**
 * Packets of all interfaces, as the kernel puts them into memory that it shares with us (AF_PACKET, TPACKET_V3): whole blocks of packets
 * at a time, no system call for each of them. From their network header on, with where they came from beside.
 */
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, type Mapped, openLibc, openLibrary, type NativeErrorCode } from './native.ts';

export interface PacketRing {
  /** Waits so long, at most, until a block is full or its time is over; whether one is. */
  wait(ms: number): Promise<boolean>;
  /** The next block, which is the kernel's again when `take` returns. False when there is none. */
  next(take: (block: Uint8Array) => void): boolean;
  /** Packets that passed the filter, and those of them that found no room, since the last call. */
  counts(): { packets: number; dropped: number };
  close(): void;
}

/** Nothing is received yet: rights that only opening needs can be given up before `listen`. */
export interface ClosedRing { listen(): PacketRing; close(): void }

const packetFamily = 17, datagram = 2, closeOnExec = 0x8_0000;
const packetLevel = 263, rxRing = 5, statistics = 6, packetVersion = 10, versionThree = 2;
const socketLevel = 1, attachFilter = 26, lockFilter = 44;
const allProtocols = 0x0300; // ETH_P_ALL in the network's order
const pollIn = 0x1;
/** A block is handed over when it is full, or so long after its first packet. */
export const retireMs = 200;
const kernelsAlone = 0, ours = 1;
/** struct tpacket_block_desc. */
const statusAt = 8, lengthAt = 20;

/** Throws MoatError 'no-koffi', 'no-library', or 'native' where it is not permitted. `program`: see packet-filter.ts. */
export async function openPacketRing({ program, blocks, blockBytes }: { program: Buffer; blocks: number; blockBytes: number }): Promise<ClosedRing> {
  const koffi = await loadKoffi();
  const libc = await openLibc();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const socket = lib.func('int socket(int domain, int type, int protocol)');
  const bind = lib.func('int bind(int fd, void *address, uint32_t size)');
  const setOption = lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
  const getOption = lib.func('int getsockopt(int fd, int level, int name, void *value, void *size)');
  const poll = lib.func('int poll(void *fds, unsigned long count, int ms)');
  const closeFd = lib.func('int close(int fd)');
  // Protocol 0: nothing comes before it is bound, and bound it is when the filter stands.
  const fd = socket(packetFamily, datagram + closeOnExec, 0) as number;
  const fail = (what: string): never => {
    const name = errorName(koffi, koffi.errno());
    if (fd >= 0) closeFd(fd);
    throw new MoatError<NativeErrorCode>('native', `expected ${what}, got ${name}`, { hint: { zh: '需要 root 与 CAP_NET_RAW；已装成服务的，打开抓包后重新运行 moat install', en: 'it needs root and CAP_NET_RAW; a service that was installed before needs another moat install once capture is on' } });
  };
  if (fd < 0) fail('a packet socket');
  const words = (...numbers: number[]): Buffer => {
    const bytes = Buffer.alloc(numbers.length * 4);
    for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, i * 4);
    return bytes;
  };
  const set = (level: number, name: number, value: Buffer, what: string): void => { if ((setOption(fd, level, name, value, value.length) as number) < 0) fail(what); };
  // struct sock_fprog: a length, and behind its padding a pointer to the instructions, which must lie still until the call is over.
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(program.length / 8, 0);
  filter.writeBigUInt64LE(koffi.address(program), 8);
  set(socketLevel, attachFilter, filter, 'to attach a filter');
  // Whoever takes over this process cannot widen what it sees.
  set(socketLevel, lockFilter, words(1), 'to lock the filter');
  set(packetLevel, packetVersion, words(versionThree), 'packets in blocks (TPACKET_V3)');
  const frame = 2048;
  set(packetLevel, rxRing, words(blockBytes, blocks, frame, (blockBytes / frame) * blocks, retireMs, 0, 0), `a ring of ${blocks} × ${blockBytes} bytes`);
  let mapped: Mapped;
  try {
    mapped = libc.map(fd, blocks * blockBytes, 0, true);
  } catch (error) { closeFd(fd); throw error; }
  const status = new Int32Array(mapped.bytes);
  const bytes = new Uint8Array(mapped.bytes);
  const waiting = Buffer.alloc(8);
  waiting.writeInt32LE(fd, 0);
  waiting.writeInt16LE(pollIn, 4);
  const counted = Buffer.alloc(12), countedSize = words(12);
  let at = 0, open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    mapped.unmap();
    closeFd(fd);
  };
  const isReady = (): boolean => open && (Atomics.load(status, (at * blockBytes + statusAt) >> 2) & ours) !== 0;
  return {
    close,
    listen() {
      const address = Buffer.alloc(20);
      address.writeUInt16LE(packetFamily, 0);
      address.writeUInt16LE(allProtocols, 2);
      if ((bind(fd, address, address.length) as number) < 0) fail('to listen to all interfaces');
      return {
        wait: (ms) => new Promise((resolve, reject) => {
          if (isReady()) { resolve(true); return; }
          (poll.async as (fds: Buffer, count: number, time: number, done: (error: Error | null) => void) => void)(waiting, 1, ms, (error) => { if (error) reject(error); else resolve(isReady()); });
        }),
        next(take) {
          if (!isReady()) return false;
          const begin = at * blockBytes;
          const length = Math.min(blockBytes, status[(begin + lengthAt) >> 2]! >>> 0);
          take(bytes.subarray(begin, begin + length));
          Atomics.store(status, (begin + statusAt) >> 2, kernelsAlone);
          at = (at + 1) % blocks;
          return true;
        },
        counts() {
          if (!open || (getOption(fd, packetLevel, statistics, counted, countedSize) as number) < 0) return { packets: 0, dropped: 0 };
          // Those that were dropped are among the packets.
          return { packets: counted.readUInt32LE(0), dropped: counted.readUInt32LE(4) };
        },
        close,
      };
    },
  };
}
