/**
 * What the kernel says of processes without eBPF: the proc connector (netlink) tells fork, exec and exit by pid
 * alone, fanotify which files are opened to be run, so that the path of a program is known when it has ended already.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode } from './native.ts';

export type ProcEvent =
  | { type: 'fork'; pid: number; parentPid: number }
  | { type: 'exec'; pid: number; /** As fanotify saw it; undefined where it did not. */ path: string | undefined }
  | { type: 'exit'; pid: number; /** As wait() gives it. */ code: number };

export interface ProcConnector {
  /** Waits for events, half a second at most. `lost` is whether the kernel had to drop some. */
  read(): Promise<{ events: ProcEvent[]; lost: boolean }>;
  /** File systems whose programs are seen by fanotify; none where it is not permitted. */
  watched: number;
  close(): void;
}

const netlink = 16, datagram = 2, connector = 11;
const socketLevel = 1, receiveTimeout = 20, receiveBufferForce = 33;
const dontWait = 0x40;
const processEvents = 1;
const headerSize = 36; // netlink message, then connector message
const whatFork = 1, whatExec = 2, whatExit = 0x8000_0000;
const again = 11, interrupted = 4, noBuffers = 105;
/** Events taken in one read. */
const mostEvents = 2000;
const keptPaths = 4096;

const fanInit = 0x1 | 0x2 | 0x10; // close on exec, do not block, a queue without limit (the kernel's memory limit holds)
const fanAdd = 0x1 | 0x100; // a whole file system
const fanOpenExec = 0x1000;
const currentFolder = -100;
const fileSystems = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'overlay', 'tmpfs', 'nfs', 'nfs4', 'vfat', 'squashfs']);
const mostFileSystems = 64;

/** Throws MoatError 'no-koffi', 'no-library', or 'native' where the kernel has no connector or does not permit it. */
export async function openProcConnector(): Promise<ProcConnector> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.so'], 'the C library', '');
  const socket = lib.func('int socket(int domain, int type, int protocol)');
  const bind = lib.func('int bind(int fd, void *address, uint32_t size)');
  const setOption = lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
  const send = lib.func('int64_t send(int fd, void *data, size_t size, int flags)');
  const recv = lib.func('int64_t recv(int fd, void *data, size_t size, int flags)');
  const read = lib.func('int64_t read(int fd, void *data, size_t size)');
  const close = lib.func('int close(int fd)');
  const fanotifyInit = lib.func('int fanotify_init(unsigned int flags, unsigned int file_flags)');
  const fanotifyMark = lib.func('int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int folder, const char *path)');
  const receive = recv.async as (fd: number, data: Buffer, size: number, flags: number, done: (error: Error | null, got: number) => void) => void;
  /** The call's errno is there in its callback alone: after an `await` it is that of whatever ran in between. */
  const waitFor = (data: Buffer): Promise<{ got: number; errno: number }> => new Promise((resolve, reject) => {
    receive(fd, data, data.length, 0, (error, got) => {
      const errno = koffi.errno();
      if (error === null) resolve({ got, errno });
      else reject(error);
    });
  });

  const fd = socket(netlink, datagram, connector) as number;
  const fail = (what: string): never => {
    const name = errorName(koffi, koffi.errno());
    if (fd >= 0) close(fd);
    throw new MoatError<NativeErrorCode>('native', `expected ${what}, got ${name}`, { hint: 'root with CAP_NET_ADMIN in the first network namespace, and a kernel with CONFIG_PROC_EVENTS' });
  };
  if (fd < 0) fail('a netlink socket');
  const address = Buffer.alloc(12);
  address.writeUInt16LE(netlink, 0);
  address.writeUInt32LE(processEvents, 8);
  if ((bind(fd, address, 12) as number) < 0) fail('to listen to the proc connector');
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(500_000n, 8);
  setOption(fd, socketLevel, receiveTimeout, timeout, 16);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(8 * 2 ** 20);
  setOption(fd, socketLevel, receiveBufferForce, size, 4);
  if ((send(fd, subscription(), 40, 0) as number) < 0) fail('the proc connector to take a subscription');

  const fan = fanotifyInit(fanInit, 0) as number;
  const watched = fan < 0 ? 0 : mounts().filter((path) => (fanotifyMark(fan, fanAdd, fanOpenExec, currentFolder, path) as number) === 0).length;
  const paths = new Map<number, string[]>();
  const fanBuffer = Buffer.alloc(64 * 1024);
  /** What was opened to be run since the last look. */
  const drainFan = (): void => {
    for (let got = Number(read(fan, fanBuffer, fanBuffer.length)); got > 0; got = Number(read(fan, fanBuffer, fanBuffer.length))) {
      for (let at = 0; at + 24 <= got;) {
        const length = fanBuffer.readUInt32LE(at), file = fanBuffer.readInt32LE(at + 16), pid = fanBuffer.readInt32LE(at + 20);
        if (length < 24) break;
        at += length;
        if (file < 0) continue;
        const list = paths.get(pid) ?? [];
        if (list.length < 4) list.push(linkTarget(`/proc/self/fd/${file}`));
        close(file);
        paths.set(pid, list);
        if (paths.size > keptPaths) for (const oldest of paths.keys()) { paths.delete(oldest); break; }
      }
    }
  };
  const pathOf = (pid: number): string | undefined => {
    if (fan >= 0) drainFan();
    const list = paths.get(pid);
    paths.delete(pid);
    return list === undefined ? undefined : programOf(list);
  };

  const buffer = Buffer.alloc(4096);
  const state = { open: true };
  return {
    watched,
    async read() {
      const events: ProcEvent[] = [];
      let lost = false;
      let { got, errno } = await waitFor(buffer);
      for (let taken = 0; state.open && taken < mostEvents; taken++) {
        if (got < 0) {
          if (errno === noBuffers) lost = true;
          else if (taken > 0 || errno === again || errno === interrupted || errno === 0) break;
          else throw new MoatError<NativeErrorCode>('native', `expected events of the proc connector, got ${errorName(koffi, errno)}`);
        } else {
          const event = parse(buffer, got, pathOf);
          if (event !== undefined) events.push(event);
        }
        got = Number(recv(fd, buffer, buffer.length, dontWait));
        errno = koffi.errno();
      }
      return { events, lost };
    },
    close() {
      if (!state.open) return;
      state.open = false;
      close(fd);
      if (fan >= 0) close(fan);
    },
  };
}

function subscription(): Buffer {
  const message = Buffer.alloc(40);
  message.writeUInt32LE(40, 0);
  message.writeUInt16LE(3, 4); // NLMSG_DONE
  message.writeUInt32LE(1, 16); // CN_IDX_PROC
  message.writeUInt32LE(1, 20); // CN_VAL_PROC
  message.writeUInt16LE(4, 32);
  message.writeUInt32LE(1, 36); // PROC_CN_MCAST_LISTEN
  return message;
}

/** Threads are passed over. */
function parse(buffer: Buffer, got: number, pathOf: (pid: number) => string | undefined): ProcEvent | undefined {
  if (got < headerSize + 16) return undefined;
  const number = (at: number): number => (headerSize + 16 + at + 4 <= got ? buffer.readUInt32LE(headerSize + 16 + at) : 0);
  switch (buffer.readUInt32LE(headerSize)) {
    case whatFork: return number(8) === number(12) ? { type: 'fork', parentPid: number(4), pid: number(12) } : undefined;
    case whatExec: return { type: 'exec', pid: number(4), path: pathOf(number(4)) };
    case whatExit: return number(0) === number(4) ? { type: 'exit', pid: number(4), code: number(8) } : undefined;
    default: return undefined;
  }
}

/** Of what is opened to run one program: a script and its interpreter, the program itself, its loader last. */
function programOf(list: readonly string[]): string | undefined {
  const programs = list.filter((path) => !/\/ld-[^/]*\.so[^/]*$|\/ld-[\d.]+\.so$/.test(path));
  return programs.at(-1) ?? list.at(-1);
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch { return '?'; /* it was closed by somebody: nothing to tell */ }
}

/** One mount of each file system that programs can lie in. */
function mounts(): string[] {
  const byDevice = new Map<string, string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const words = line.split(' ');
    const device = words[2], path = words[4], type = words[words.indexOf('-') + 1];
    if (device === undefined || path === undefined || type === undefined || !fileSystems.has(type) || byDevice.has(device)) continue;
    byDevice.set(device, path.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))));
    if (byDevice.size >= mostFileSystems) break;
  }
  return [...byDevice.values()];
}
