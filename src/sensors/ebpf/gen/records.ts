// Generated from schema/kernel.yml by `npm run gen`. Do not edit.

/** Bytes that hold records, seen in the widths that fields have. Records begin at multiples of 8. */
export interface Bytes { u8: Uint8Array; u16: Uint16Array; u32: Uint32Array; buffer: Slices }
/** What a Buffer has of old, though its types do not say so: twice as fast as toString(). */
export interface Slices { utf8Slice(from: number, to: number): string; latin1Slice(from: number, to: number): string }

export const recordTypes = { exec: 1, fork: 2, exit: 3, socket: 4, flow: 5, dns: 6, file: 7, call: 8, credentials: 9, denied: 10, local: 11 } as const;
/** Bytes of fixed fields, by type: a shorter record is broken. */
export const recordSizes: Readonly<Record<number, number>> = { 1: 104, 2: 56, 3: 48, 4: 80, 5: 80, 6: 64, 7: 80, 8: 72, 9: 64, 10: 56, 11: 48 };

export interface Head { flags: number; uid: number; pid: number; parentPid: number; time: number; started: number; cgroup: number }

const head: Head = { flags: 0, uid: 0, pid: 0, parentPid: 0, time: 0, started: 0, cgroup: 0 };

/** The head of the record at `at`; the object is filled anew by the next call. */
export function readHead(r: Bytes, at: number): Head {
  head.flags = r.u8[at + 1]!;
  head.uid = r.u32[(at + 4) >> 2]!;
  head.pid = r.u32[(at + 8) >> 2]!;
  head.parentPid = r.u32[(at + 12) >> 2]!;
  head.time = r.u32[(at + 20) >> 2]! * 0x1_0000_0000 + r.u32[(at + 16) >> 2]!;
  head.started = r.u32[(at + 28) >> 2]! * 0x1_0000_0000 + r.u32[(at + 24) >> 2]!;
  head.cgroup = r.u32[(at + 36) >> 2]! * 0x1_0000_0000 + r.u32[(at + 32) >> 2]!;
  return head;
}

export interface ExecRecord { inode: number; parentStarted: number; device: number; euid: number; tty: number; pidNs: number; mntNs: number; netNs: number; userNs: number; links: number; streams: number; path: string; cwd: string; env: string; name: string; args: string }

const exec: ExecRecord = { inode: 0, parentStarted: 0, device: 0, euid: 0, tty: 0, pidNs: 0, mntNs: 0, netNs: 0, userNs: 0, links: 0, streams: 0, path: '', cwd: '', env: '', name: '', args: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. */
export function readExec(r: Bytes, at: number, end: number): ExecRecord {
  exec.inode = r.u32[(at + 44) >> 2]! * 0x1_0000_0000 + r.u32[(at + 40) >> 2]!;
  exec.parentStarted = r.u32[(at + 52) >> 2]! * 0x1_0000_0000 + r.u32[(at + 48) >> 2]!;
  exec.device = r.u32[(at + 56) >> 2]!;
  exec.euid = r.u32[(at + 60) >> 2]!;
  exec.tty = r.u32[(at + 64) >> 2]!;
  exec.pidNs = r.u32[(at + 68) >> 2]!;
  exec.mntNs = r.u32[(at + 72) >> 2]!;
  exec.netNs = r.u32[(at + 76) >> 2]!;
  exec.userNs = r.u32[(at + 80) >> 2]!;
  exec.links = r.u32[(at + 84) >> 2]!;
  exec.streams = r.u16[(at + 88) >> 1]!;
  let from = at + 104;
  const pathEnd = Math.min(end, from + r.u16[(at + 90) >> 1]!);
  exec.path = from < pathEnd ? r.buffer.utf8Slice(from, pathEnd) : '';
  from = pathEnd;
  const cwdEnd = Math.min(end, from + r.u16[(at + 92) >> 1]!);
  exec.cwd = from < cwdEnd ? r.buffer.utf8Slice(from, cwdEnd) : '';
  from = cwdEnd;
  const envEnd = Math.min(end, from + r.u16[(at + 94) >> 1]!);
  exec.env = from < envEnd ? r.buffer.utf8Slice(from, envEnd) : '';
  from = envEnd;
  const nameEnd = Math.min(end, from + r.u16[(at + 96) >> 1]!);
  exec.name = from < nameEnd ? r.buffer.utf8Slice(from, nameEnd) : '';
  from = nameEnd;
  const argsEnd = Math.min(end, from + r.u16[(at + 98) >> 1]!);
  exec.args = from < argsEnd ? r.buffer.utf8Slice(from, argsEnd) : '';
  return exec;
}

export interface ForkRecord { childPid: number; childStarted: number }

const fork: ForkRecord = { childPid: 0, childStarted: 0 };

/** The object is filled anew by the next call. */
export function readFork(r: Bytes, at: number): ForkRecord {
  fork.childPid = r.u32[(at + 40) >> 2]!;
  fork.childStarted = r.u32[(at + 52) >> 2]! * 0x1_0000_0000 + r.u32[(at + 48) >> 2]!;
  return fork;
}

export interface ExitRecord { code: number }

const exit: ExitRecord = { code: 0 };

/** The object is filled anew by the next call. */
export function readExit(r: Bytes, at: number): ExitRecord {
  exit.code = r.u32[(at + 40) >> 2]!;
  return exit;
}

export interface SocketRecord { local: number; remote: number; localPort: number; remotePort: number; protocol: number; event: number }

const socket: SocketRecord = { local: 0, remote: 0, localPort: 0, remotePort: 0, protocol: 0, event: 0 };

/** The object is filled anew by the next call. An address is told as the place where its 16 bytes stand. */
export function readSocket(r: Bytes, at: number): SocketRecord {
  socket.local = at + 40;
  socket.remote = at + 56;
  socket.localPort = r.u16[(at + 72) >> 1]!;
  socket.remotePort = r.u16[(at + 74) >> 1]!;
  socket.protocol = r.u8[at + 76]!;
  socket.event = r.u8[at + 77]!;
  return socket;
}

export interface FlowRecord { local: number; remote: number; localPort: number; remotePort: number; payload: string }

const flow: FlowRecord = { local: 0, remote: 0, localPort: 0, remotePort: 0, payload: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. An address is told as the place where its 16 bytes stand. */
export function readFlow(r: Bytes, at: number, end: number): FlowRecord {
  flow.local = at + 40;
  flow.remote = at + 56;
  flow.localPort = r.u16[(at + 72) >> 1]!;
  flow.remotePort = r.u16[(at + 74) >> 1]!;
  let from = at + 80;
  const payloadEnd = Math.min(end, from + r.u16[(at + 76) >> 1]!);
  flow.payload = from < payloadEnd ? r.buffer.latin1Slice(from, payloadEnd) : '';
  return flow;
}

export interface DnsRecord { remote: number; remotePort: number; payload: string }

const dns: DnsRecord = { remote: 0, remotePort: 0, payload: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. An address is told as the place where its 16 bytes stand. */
export function readDns(r: Bytes, at: number, end: number): DnsRecord {
  dns.remote = at + 40;
  dns.remotePort = r.u16[(at + 56) >> 1]!;
  let from = at + 64;
  const payloadEnd = Math.min(end, from + r.u16[(at + 58) >> 1]!);
  dns.payload = from < payloadEnd ? r.buffer.latin1Slice(from, payloadEnd) : '';
  return dns;
}

export interface FileRecord { inode: number; device: number; mode: number; owner: number; group: number; again: number; action: number; empty: number; path: string; from: string }

const file: FileRecord = { inode: 0, device: 0, mode: 0, owner: 0, group: 0, again: 0, action: 0, empty: 0, path: '', from: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. */
export function readFile(r: Bytes, at: number, end: number): FileRecord {
  file.inode = r.u32[(at + 44) >> 2]! * 0x1_0000_0000 + r.u32[(at + 40) >> 2]!;
  file.device = r.u32[(at + 48) >> 2]!;
  file.mode = r.u32[(at + 52) >> 2]!;
  file.owner = r.u32[(at + 56) >> 2]!;
  file.group = r.u32[(at + 60) >> 2]!;
  file.again = r.u32[(at + 64) >> 2]!;
  file.action = r.u8[at + 68]!;
  file.empty = r.u8[at + 69]!;
  let from = at + 80;
  const pathEnd = Math.min(end, from + r.u16[(at + 70) >> 1]!);
  file.path = from < pathEnd ? r.buffer.utf8Slice(from, pathEnd) : '';
  from = pathEnd;
  const fromEnd = Math.min(end, from + r.u16[(at + 72) >> 1]!);
  file.from = from < fromEnd ? r.buffer.utf8Slice(from, fromEnd) : '';
  return file;
}

export interface CallRecord { number: number; inode: number; result: number; target: number; call: number; path: string; source: string; type: string }

const call: CallRecord = { number: 0, inode: 0, result: 0, target: 0, call: 0, path: '', source: '', type: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. */
export function readCall(r: Bytes, at: number, end: number): CallRecord {
  call.number = r.u32[(at + 44) >> 2]! * 0x1_0000_0000 + r.u32[(at + 40) >> 2]!;
  call.inode = r.u32[(at + 52) >> 2]! * 0x1_0000_0000 + r.u32[(at + 48) >> 2]!;
  call.result = r.u32[(at + 56) >> 2]! | 0;
  call.target = r.u32[(at + 60) >> 2]!;
  call.call = r.u8[at + 64]!;
  let from = at + 72;
  const pathEnd = Math.min(end, from + r.u16[(at + 66) >> 1]!);
  call.path = from < pathEnd ? r.buffer.utf8Slice(from, pathEnd) : '';
  from = pathEnd;
  const sourceEnd = Math.min(end, from + r.u16[(at + 68) >> 1]!);
  call.source = from < sourceEnd ? r.buffer.utf8Slice(from, sourceEnd) : '';
  from = sourceEnd;
  const typeEnd = Math.min(end, from + r.u16[(at + 70) >> 1]!);
  call.type = from < typeEnd ? r.buffer.utf8Slice(from, typeEnd) : '';
  return call;
}

export interface CredentialsRecord { capabilities: number; euid: number; gid: number; egid: number }

const credentials: CredentialsRecord = { capabilities: 0, euid: 0, gid: 0, egid: 0 };

/** The object is filled anew by the next call. */
export function readCredentials(r: Bytes, at: number): CredentialsRecord {
  credentials.capabilities = r.u32[(at + 44) >> 2]! * 0x1_0000_0000 + r.u32[(at + 40) >> 2]!;
  credentials.euid = r.u32[(at + 48) >> 2]!;
  credentials.gid = r.u32[(at + 52) >> 2]!;
  credentials.egid = r.u32[(at + 56) >> 2]!;
  return credentials;
}

export interface DeniedRecord { inode: number; device: number; path: string }

const denied: DeniedRecord = { inode: 0, device: 0, path: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. */
export function readDenied(r: Bytes, at: number, end: number): DeniedRecord {
  denied.inode = r.u32[(at + 44) >> 2]! * 0x1_0000_0000 + r.u32[(at + 40) >> 2]!;
  denied.device = r.u32[(at + 48) >> 2]!;
  let from = at + 56;
  const pathEnd = Math.min(end, from + r.u16[(at + 52) >> 1]!);
  denied.path = from < pathEnd ? r.buffer.utf8Slice(from, pathEnd) : '';
  return denied;
}

export interface LocalRecord { result: number; path: string }

const local: LocalRecord = { result: 0, path: '' };

/** Strings end at the byte given at the latest. The object is filled anew by the next call. */
export function readLocal(r: Bytes, at: number, end: number): LocalRecord {
  local.result = r.u32[(at + 40) >> 2]! | 0;
  let from = at + 48;
  const pathEnd = Math.min(end, from + r.u16[(at + 44) >> 1]!);
  local.path = from < pathEnd ? r.buffer.utf8Slice(from, pathEnd) : '';
  return local;
}
