/**
 * A filter for a packet socket that hands out packets from their network header on (classic BPF, linux/filter.h): IPv4 and IPv6 pass,
 * except what comes from or goes to networks that are left out, what goes over the loopback interface, and TCP to local ports left out.
 */
import type { Network } from '../core/networks.ts';

/** struct sock_filter: 8 bytes each. */
export interface PacketFilter { program: Buffer; /** Networks that had no room in it: the kernel runs at most 4,096 instructions. */ over: number }

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

const loadWord = 0x20, loadHalf = 0x28, loadByte = 0x30, loadHalfAtX = 0x48, headerLengthToX = 0xb1;
const and = 0x54, equal = 0x15, anyBit = 0x45, give = 0x06;
/** What the kernel knows of a packet beside its bytes (SKF_AD_…). */
const beside = 0xffff_f000, protocolOf = beside, packetKindOf = beside + 4, hardwareOf = beside + 28;
const ipv4 = 0x0800, ipv6 = 0x86dd, loopback = 772, outgoing = 4, tcp = 6;
const instructionsMax = 4000;

/** `snap`: bytes of each packet that are taken. `ports`: of TCP, where this machine is the one that is called. */
export function packetFilter({ without, ports, snap }: { without: readonly Network[]; ports: readonly number[]; snap: number }): PacketFilter {
  const four: Instruction[] = [], six: Instruction[] = [];
  let over = 0;
  const portLength = ports.length === 0 ? 0 : 8 + ports.length * 4;
  for (const { version, words, bits } of without) {
    const [list, places] = version === 4 ? [four, [12, 16]] as const : [six, [8, 24]] as const;
    const own = places.flatMap((at) => within(at, words, bits));
    if (four.length + six.length + own.length + 2 * portLength > instructionsMax) { over++; continue; }
    list.push(...own);
  }
  four.push(...portsOf(ports, [[loadByte, 0, 0, 9]], [[headerLengthToX, 0, 0, 0]]));
  // Behind a further header of IPv6 the port is not looked for.
  six.push(...portsOf(ports, [[loadByte, 0, 0, 6]], [[0x01, 0, 0, 40]]));
  const program: Instruction[] = [
    [loadHalf, 0, 0, hardwareOf], [equal, 0, 1, loopback], [give, 0, 0, 0],
    [loadHalf, 0, 0, protocolOf],
    // A jump by a condition goes 255 instructions at most; one without goes anywhere.
    [equal, 1, 0, ipv4], [0x05, 0, 0, four.length + 1], ...four, [give, 0, 0, snap],
    [equal, 1, 0, ipv6], [give, 0, 0, 0], ...six, [give, 0, 0, snap],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, [code, jumpTrue, jumpFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes[i * 8 + 2] = jumpTrue;
    bytes[i * 8 + 3] = jumpFalse;
    bytes.writeUInt32LE(value >>> 0, i * 8 + 4);
  }
  return { program: bytes, over };
}

/** Drops what has an address of this network at `at`. */
function within(at: number, words: readonly number[], bits: number): Instruction[] {
  const compared: { at: number; word: number; mask: number }[] = [];
  for (let i = 0, left = bits; left > 0 && i < words.length; i++, left -= 32) {
    const mask = left >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - left)) >>> 0;
    compared.push({ at: at + i * 4, word: (words[i]! & mask) >>> 0, mask });
  }
  const length = compared.reduce((n, { mask }) => n + (mask === 0xffff_ffff ? 2 : 3), 0);
  const out: Instruction[] = [];
  for (const { at: from, word, mask } of compared) {
    out.push([loadWord, 0, 0, from]);
    if (mask !== 0xffff_ffff) out.push([and, 0, 0, mask]);
    // Another: past the rest and the drop.
    out.push([equal, 0, length - out.length, word]);
  }
  return [...out, [give, 0, 0, 0]];
}

/** Drops TCP that comes in to one of these ports, and the answers that go out from it: a program that speaks to such a port elsewhere is seen. */
function portsOf(ports: readonly number[], protocol: readonly Instruction[], transport: readonly Instruction[]): Instruction[] {
  if (ports.length === 0) return [];
  const isPort = ports.flatMap((port): Instruction[] => [[equal, 0, 1, port], [give, 0, 0, 0]]);
  const outward: Instruction[] = [[loadHalfAtX, 0, 0, 0], ...isPort], inward: Instruction[] = [[loadHalfAtX, 0, 0, 2], ...isPort];
  const body: Instruction[] = [...transport, [loadByte, 0, 0, packetKindOf], [equal, 0, outward.length + 1, outgoing], ...outward, [0x05, 0, 0, inward.length], ...inward];
  const all: Instruction[] = [...protocol, [equal, 0, body.length, tcp], ...body];
  // Of a fragment that is not the first there are no ports; what looks like some may be anything, and is taken.
  return transport[0]![0] === headerLengthToX ? [[loadHalf, 0, 0, 6], [anyBit, all.length, 0, 0x1fff], ...all] : all;
}
