/** Sockets of this network namespace from /proc/net, and which process holds them. */
import type { Procfs } from './procfs.ts';
import { whole } from './slices.ts';

export type Transport = 'tcp' | 'udp';

export interface Socket {
  protocol: Transport;
  /** The kernel's own text of both ends: equal for one connection in every look. */
  key: string;
  localIp: string;
  localPort: number;
  remoteIp: string;
  remotePort: number;
  state: SocketState;
  uid: number;
  inode: number;
}

export type SocketState = 'listening' | 'established' | 'connecting' | 'unconnected';

const states: Readonly<Record<string, SocketState>> = { '0A': 'listening', '01': 'established', '02': 'connecting', '07': 'unconnected' };
const tables = [['tcp', 'tcp', 8], ['tcp6', 'tcp', 32], ['udp', 'udp', 8], ['udp6', 'udp', 32]] as const;

/** Bytes of one table that are looked at: about 55,000 sockets. */
const maxTable = 8 * 1024 * 1024;

/**
 * Sockets that listen, speak or begin to. Closing and waiting ones are left out. `fresh` tells for a key
 * whether it is worth parsing in full: in a busy table nearly all rows are known from the last look.
 * `cut` is true when a table was longer than what is read of it.
 */
export function readSockets(procfs: Procfs, visit: (state: SocketState, protocol: Transport, key: string, parse: () => Socket) => void): { cut: boolean } {
  let cut = false;
  for (const [name, protocol, width] of tables) {
    const text = procfs.read(`net/${name}`, maxTable);
    if (text === undefined) continue; // no IPv6 on this machine
    if (text.length >= maxTable) cut = true;
    let line = text.indexOf('\n') + 1;
    while (line > 0 && line < text.length) {
      let end = text.indexOf('\n', line);
      if (end < 0) end = text.length;
      const local = text.indexOf(':', line) + 2;
      const remoteEnd = local + (width + 5) * 2 + 1; // "IP:PORT IP:PORT"
      const state = states[text.slice(remoteEnd + 1, remoteEnd + 3)];
      if (state !== undefined && remoteEnd < end) {
        const key = text.slice(local, remoteEnd);
        const from = remoteEnd, to = end;
        visit(state, protocol, key, () => parseSocket(protocol, key, state, text.slice(from, to), width));
      }
      line = end + 1;
    }
  }
  return { cut };
}

function parseSocket(protocol: Transport, key: string, state: SocketState, tail: string, width: number): Socket {
  // tail: " 0A 00000000:00000000 00:00000000 00000000  uid timeout inode …"
  const words = tail.trim().split(/ +/);
  const second = width + 6;
  return {
    protocol, key, state,
    localIp: hexAddress(key.slice(0, width)), localPort: Number.parseInt(key.slice(width + 1, width + 5), 16),
    remoteIp: hexAddress(key.slice(second, second + width)), remotePort: Number.parseInt(key.slice(second + width + 1), 16),
    uid: Number(words[4]), inode: Number(words[6]),
  };
}

/** Address from /proc/net: words of 32 bits, each in little-endian order. IPv4 inside IPv6 becomes IPv4. */
export function hexAddress(hex: string): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let byte = 6; byte >= 0; byte -= 2) bytes.push(Number.parseInt(hex.slice(word + byte, word + byte + 2), 16));
  }
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  return formatIpv6(groups);
}

/** Text of the 16 bytes in network order at `at`; IPv4 inside IPv6 becomes IPv4. */
export function addressText(bytes: Uint8Array, at: number): string {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  let mapped = byte(10) === 255 && byte(11) === 255;
  for (let i = 0; mapped && i < 10; i++) mapped = byte(i) === 0;
  if (mapped) return `${byte(12)}.${byte(13)}.${byte(14)}.${byte(15)}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((byte(i) << 8) | byte(i + 1));
  return formatIpv6(groups);
}

/** RFC 5952: the longest run of two or more zero groups becomes ::. */
export function formatIpv6(groups: readonly number[]): string {
  let bestAt = -1, bestLength = 1;
  for (let i = 0; i < groups.length; i++) {
    let j = i;
    while (j < groups.length && groups[j] === 0) j++;
    if (j - i > bestLength) { bestAt = i; bestLength = j - i; }
    if (j > i) i = j;
  }
  const text = (from: number, to: number): string => groups.slice(from, to).map((g) => g.toString(16)).join(':');
  return bestAt < 0 ? text(0, groups.length) : `${text(0, bestAt)}::${text(bestAt + bestLength, groups.length)}`;
}

/** Lowest port that the kernel gives out by itself. */
export function firstEphemeralPort(procfs: Procfs): number {
  const first = Number.parseInt(procfs.read('sys/net/ipv4/ip_local_port_range', 64) ?? '', 10);
  return Number.isNaN(first) ? 32_768 : first;
}

/**
 * Which process holds each socket inode. Looks through the descriptors of `pids` in the order given and
 * stops when all are found or `budget` descriptors were looked at; says how many it looked at.
 */
export function socketOwners(procfs: Procfs, inodes: ReadonlySet<number>, pids: Iterable<number>, budget: number): { owners: Map<number, number>; looked: number } {
  return whole(ownerSearch(procfs, inodes, pids, budget));
}

/** The same, process by process, so that the work can be spread. */
export function* ownerSearch(procfs: Procfs, inodes: ReadonlySet<number>, pids: Iterable<number>, budget: number): Generator<undefined, { owners: Map<number, number>; looked: number }> {
  const owners = new Map<number, number>();
  let looked = 0;
  for (const pid of pids) {
    if (owners.size === inodes.size || looked >= budget) break;
    yield;
    const fds = procfs.fds(pid);
    looked++; // opening the folder costs about as much as reading a link
    if (fds === undefined) continue;
    let missed = 0;
    for (const fd of fds) {
      if (looked++ >= budget) break;
      const target = procfs.fd(pid, fd);
      // One may have been closed just now; several mean that this process is gone or not ours to see.
      if (target === undefined && ++missed === 3) break;
      if (target === undefined || !target.startsWith('socket:[')) continue;
      const inode = Number(target.slice(8, -1));
      if (inodes.has(inode) && !owners.has(inode)) owners.set(inode, pid);
      if (owners.size === inodes.size) break;
    }
  }
  return { owners, looked };
}

const inUse = /(\w+): inuse (\d+)/g;

/**
 * A text that changes whenever a connection was opened or the number of sockets changed. Reading it is
 * a hundred times cheaper than the tables, which walk the kernel's whole hash. Not seen in it: one
 * listener closed and another opened in the same moment. Undefined where the kernel keeps no such counters.
 */
export function socketStamp(procfs: Procfs): string | undefined {
  const snmp = procfs.read('net/snmp');
  if (snmp === undefined) return undefined;
  // The second "Tcp:" line holds the figures: ActiveOpens, PassiveOpens, … CurrEstab.
  const tcp = snmp.slice(snmp.lastIndexOf('\nTcp: ') + 6).split(' ', 9);
  const counts = `${procfs.read('net/sockstat') ?? ''}\n${procfs.read('net/sockstat6') ?? ''}`;
  return `${tcp[4]} ${tcp[5]} ${tcp[8]} ${[...counts.matchAll(inUse)].map((m) => m[2]).join(' ')}`;
}
