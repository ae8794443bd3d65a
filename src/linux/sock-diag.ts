/** Messages of NETLINK_SOCK_DIAG: what is asked and what comes back (linux/inet_diag.h, linux/packet_diag.h). */
import { addressText } from './proc-net.ts';

export interface DiagSocket {
  localIp: string;
  localPort: number;
  remoteIp: string;
  remotePort: number;
  /** The kernel's number: 1 established, 7 unconnected (UDP), 10 listening. */
  state: number;
  uid: number;
  /** 0 when no program holds it: it waits to be taken or to end. */
  inode: number;
}

export interface PacketSocket {
  inode: number;
  /** Ethernet protocol, 3 for all. */
  protocol: number;
  /** Interface it is bound to; 0 for all. */
  interface: number;
  /** Instructions of the filter that it has the kernel run; 0 for none. */
  filter: number;
}

const inet = 2, packetFamily = 17;
const byFamily = 20;
const request = 0x1, dumpAll = 0x300;
const allStates = 0xffff_ffff;
const showInfo = 1, showFilter = 32;
const packetInfo = 0, packetFilter = 7;

function header(body: Buffer): Buffer {
  const message = Buffer.alloc(16 + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(byFamily, 4);
  message.writeUInt16LE(request | dumpAll, 6);
  message.writeUInt32LE(1, 8);
  body.copy(message, 16);
  return message;
}

/** All sockets of a family (2, 10) and protocol (6, 17, 255 for raw), in any state. */
export function diagRequest(family: number, protocol: number): Buffer {
  const body = Buffer.alloc(56);
  body[0] = family;
  body[1] = protocol;
  body.writeUInt32LE(allStates, 4);
  return header(body);
}

export function packetRequest(): Buffer {
  const body = Buffer.alloc(20);
  body[0] = packetFamily;
  body.writeUInt32LE(showInfo | showFilter, 8);
  return header(body);
}

/** Undefined for a message that is too short. */
export function readDiag(message: Buffer): DiagSocket | undefined {
  if (message.length < 72) return undefined;
  const ip = (at: number): string => (message[0] === inet ? `${message[at]}.${message[at + 1]}.${message[at + 2]}.${message[at + 3]}` : addressText(message, at));
  return {
    localIp: ip(8), remoteIp: ip(24), localPort: message.readUInt16BE(4), remotePort: message.readUInt16BE(6),
    state: message[1]!, uid: message.readUInt32LE(64), inode: message.readUInt32LE(68),
  };
}

export function readPacket(message: Buffer): PacketSocket | undefined {
  if (message.length < 16) return undefined;
  const found: PacketSocket = { inode: message.readUInt32LE(4), protocol: message.readUInt16LE(2), interface: 0, filter: 0 };
  for (let at = 16; at + 4 <= message.length;) {
    const length = message.readUInt16LE(at), type = message.readUInt16LE(at + 2);
    if (length < 4 || at + length > message.length) break;
    if (type === packetInfo && length >= 8) found.interface = message.readUInt32LE(at + 4);
    if (type === packetFilter) found.filter = (length - 4) >> 3;
    at += (length + 3) & ~3;
  }
  return found;
}
