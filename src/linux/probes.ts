/**
 * Questions put to the kernel by other ways than /proc: system calls that answer for a process or a port, and netlink.
 * A rootkit that edits what /proc shows must think of these too.
 */
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';
import { diagRequest, packetRequest, readDiag, readPacket, type DiagSocket, type PacketSocket } from './sock-diag.ts';

export type PortAnswer = 'free' | 'taken' | 'unknown';

export interface Probes {
  /** Does a process or thread of this id live, by sched_getscheduler()? */
  scheduled(pid: number): boolean;
  /** The same by kill() with signal 0, which sends nothing. */
  signalled(pid: number): boolean;
  /** Sockets of this network namespace by netlink; undefined where the kernel has no such table. Throws MoatError 'native'. */
  sockets(family: 'ipv4' | 'ipv6', protocol: 'tcp' | 'udp' | 'raw'): DiagSocket[] | undefined;
  /** Packet sockets by netlink; undefined where the kernel does not tell. Throws MoatError 'native'. */
  packets(): PacketSocket[] | undefined;
  /** Tries to take a port for an instant, on every address. */
  port(protocol: 'tcp' | 'udp', port: number): PortAnswer;
  /** Does a program take connections on this port of the loopback address? Waits a moment at most. */
  accepts(port: number): boolean;
}

const inet = 2, inet6 = 10, netlinkFamily = 16;
const stream = 1, datagram = 2, raw = 3;
const sockDiag = 4;
const socketLevel = 1, reuseAddress = 2, receiveTimeout = 20, sendTimeout = 21, ipv6Level = 41, v6only = 26;
const closeOnExec = 0o2000000;
const protocols = { tcp: 6, udp: 17, raw: 255 } as const;
const families = { ipv4: inet, ipv6: inet6 } as const;
const addressInUse = 98, notThere = 2, noProtocol = 93, noFamily = 97, notSupported = 95, badArgument = 22;
const doneMessage = 3, errorMessage = 2;
const interruptedFlag = 0x10;
const triesMax = 4;
const socketsMax = 500_000;

/** Throws MoatError 'no-koffi' or 'no-library'. */
export async function openProbes(): Promise<Probes> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const getScheduler = lib.func('int sched_getscheduler(int pid)');
  const kill = lib.func('int kill(int pid, int signal)');
  const socket = lib.func('int socket(int domain, int type, int protocol)');
  const bind = lib.func('int bind(int fd, void *address, uint32_t size)');
  const connect = lib.func('int connect(int fd, void *address, uint32_t size)');
  const setOption = lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
  const send = lib.func('int64_t send(int fd, void *data, size_t size, int flags)');
  const recv = lib.func('int64_t recv(int fd, void *data, size_t size, int flags)');
  const close = lib.func('int close(int fd)');
  const fail = (what: string): never => { throw new MoatError<NativeErrorCode>('native', `expected ${what}, got ${errorName(koffi, koffi.errno())}`); };

  const buffer = Buffer.alloc(256 * 1024);
  const one = Buffer.from([1, 0, 0, 0]);
  const zero = Buffer.alloc(4);
  /** struct timeval of a second. */
  const second = Buffer.alloc(16);
  second.writeBigInt64LE(1n, 0);
  const longer = Buffer.alloc(16);
  longer.writeBigInt64LE(5n, 0);
  const any6 = Buffer.alloc(28);
  any6.writeUInt16LE(inet6, 0);
  const any4 = Buffer.alloc(16);
  any4.writeUInt16LE(inet, 0);
  const local4 = Buffer.from(any4);
  local4.set([127, 0, 0, 1], 4);

  /** One dump; undefined when the kernel has no such table. Asked again when it changed while it was told. */
  function dump<T>(request: Buffer, read: (message: Buffer) => T | undefined): T[] | undefined {
    for (let attempt = 1; ; attempt++) {
      const fd = socket(netlinkFamily, raw | closeOnExec, sockDiag) as number;
      if (fd < 0) return fail('a netlink socket');
      try {
        setOption(fd, socketLevel, receiveTimeout, longer, 16);
        if (Number(send(fd, request, request.length, 0)) < 0) return fail('netlink to take a question');
        const found: T[] = [];
        let interrupted = false;
        for (let open = true; open;) {
          const got = Number(recv(fd, buffer, buffer.length, 0));
          if (got <= 0) return fail('netlink to answer');
          for (let at = 0; at + 16 <= got;) {
            const length = buffer.readUInt32LE(at), type = buffer.readUInt16LE(at + 4);
            if (length < 16 || at + length > got) break;
            if ((buffer.readUInt16LE(at + 6) & interruptedFlag) !== 0) interrupted = true;
            if (type === doneMessage) { open = false; break; }
            if (type === errorMessage) {
              const code = -buffer.readInt32LE(at + 16);
              if (code === notThere || code === noProtocol || code === noFamily || code === notSupported || code === badArgument) return undefined;
              throw new MoatError<NativeErrorCode>('native', `expected netlink to tell its sockets, got ${errorName(koffi, code)}`);
            }
            const row = read(buffer.subarray(at + 16, at + length));
            if (row !== undefined && found.length < socketsMax) found.push(row);
            at += (length + 3) & ~3;
          }
        }
        // The last answer that changed under way is still better than none: callers look again at what is odd.
        if (!interrupted || attempt >= triesMax) return found;
      } finally { close(fd); }
    }
  }

  let v6: boolean | undefined;
  /** A socket that takes a port of IPv4 and IPv6 at once; IPv4 alone where the machine has no IPv6. */
  function open(protocol: 'tcp' | 'udp'): { fd: number; address: Buffer } {
    const type = (protocol === 'tcp' ? stream : datagram) | closeOnExec;
    if (v6 !== false) {
      const fd = socket(inet6, type, 0) as number;
      v6 ??= fd >= 0;
      if (fd >= 0) { setOption(fd, ipv6Level, v6only, zero, 4); return { fd, address: any6 }; }
    }
    return { fd: socket(inet, type, 0) as number, address: any4 };
  }

  return {
    scheduled: (pid) => (getScheduler(pid) as number) >= 0,
    signalled: (pid) => (kill(pid, 0) as number) >= 0,
    sockets: (family, protocol) => dump(diagRequest(families[family], protocols[protocol]), readDiag),
    packets: () => dump(packetRequest(), readPacket),
    port(protocol, port) {
      const { fd, address } = open(protocol);
      if (fd < 0) return 'unknown';
      try {
        // Connections that just ended hold a port too, but nobody listens there.
        if (protocol === 'tcp') setOption(fd, socketLevel, reuseAddress, one, 4);
        address.writeUInt16BE(port, 2);
        if ((bind(fd, address, address.length) as number) >= 0) return 'free';
        return koffi.errno() === addressInUse ? 'taken' : 'unknown';
      } finally { close(fd); }
    },
    accepts(port) {
      const fd = socket(inet, stream | closeOnExec, 0) as number;
      if (fd < 0) return false;
      try {
        setOption(fd, socketLevel, sendTimeout, second, 16);
        local4.writeUInt16BE(port, 2);
        return (connect(fd, local4, local4.length) as number) >= 0;
      } finally { close(fd); }
    },
  };
}
