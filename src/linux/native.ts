/**
 * The C library and others through koffi. Loaded only when something asks: koffi and what it opens cost memory
 * that an agent without the kernel sensor need not spend.
 */
import { MoatError } from '../core/error.ts';

export type NativeErrorCode = 'no-koffi' | 'no-library' | 'native';

type Koffi = typeof import('koffi').default;

/** A pointer or handle as koffi gives it; null for NULL. */
export type Pointer = bigint | null;

/** Throws MoatError 'no-koffi' when the package is missing or has no build for this machine. */
export async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (error) {
    throw new MoatError<NativeErrorCode>('no-koffi', `expected the package koffi with a build for ${process.platform}-${process.arch}, got ${(error as Error).message.split('\n', 1)[0]}`, { hint: 'install Moat again with its dependencies: npm ci', cause: error });
  }
}

const protRead = 1;
const protWrite = 2;
const mapShared = 1;
const epollIn = 0x001;
const epollEdge = 0x8000_0000;
const epollAdd = 1;
const clockBoottime = 7;
/** M_MMAP_THRESHOLD of mallopt. */
const mmapThreshold = -3;
const largeBytes = 128 * 1024;

export interface Libc {
  pageSize: number;
  /** Maps a file shared. Throws 'native'. */
  map(fd: number, length: number, offset: number, write: boolean): Mapped;
  /** Waits for a descriptor to become readable; edge-triggered. Throws 'native'. */
  poller(fd: number): Poller;
  /** Nanoseconds since boot, time asleep included: what the kernel stamps records with. */
  bootNs(): number;
  mount(source: string, target: string, type: string): boolean;
  /** Gives memory that was freed back to the system, for the whole process; nothing where the C library cannot. */
  trim(): void;
  /**
   * From here on what is large goes back to the system when it is freed, for the whole process; nothing where the C library cannot.
   * glibc does so at first, but learns from the first ten megabytes that are freed to hold on to twice as much in every arena.
   */
  returnLarge(): void;
}

/** The memory must not be touched after `unmap`. */
export interface Mapped { bytes: ArrayBuffer; unmap(): void }
export interface Poller { wait(ms: number): void; close(): void }

export async function openLibc(): Promise<Libc> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const mmap = lib.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)');
  const munmap = lib.func('int munmap(void *addr, size_t length)');
  const epollCreate = lib.func('int epoll_create1(int flags)');
  const epollCtl = lib.func('int epoll_ctl(int epfd, int op, int fd, void *event)');
  const epollWait = lib.func('int epoll_wait(int epfd, void *events, int max, int timeout)');
  const clockGettime = lib.func('int clock_gettime(int clock, void *time)');
  const mountCall = lib.func('int mount(const char *source, const char *target, const char *type, unsigned long flags, void *data)');
  const close = lib.func('int close(int fd)');
  const mallocTrim = optional(() => lib.func('int malloc_trim(size_t keep)'));
  const mallopt = optional(() => lib.func('int mallopt(int parameter, int value)'));
  const pageSize = (lib.func('int getpagesize()') as () => number)();
  const failed = (what: string): MoatError<NativeErrorCode> => new MoatError<NativeErrorCode>('native', `${what}: ${errorName(koffi, koffi.errno())}`);
  const time = Buffer.alloc(16);
  return {
    pageSize,
    map(fd, length, offset, write) {
      const at = mmap(null, length, write ? protRead | protWrite : protRead, mapShared, fd, offset) as bigint | null;
      if (at === null || at === 0xffff_ffff_ffff_ffffn || at === -1n) throw failed(`mmap of ${length} bytes`);
      return { bytes: koffi.view(at, length), unmap: () => { munmap(at, length); } };
    },
    poller(fd) {
      const epoll = epollCreate(0x80000) as number;
      if (epoll < 0) throw failed('epoll_create1');
      // struct epoll_event is packed on x86 only; the event mask stands first in both forms.
      const event = Buffer.alloc(16);
      event.writeUInt32LE(epollIn + epollEdge, 0);
      if ((epollCtl(epoll, epollAdd, fd, event) as number) < 0) { close(epoll); throw failed('epoll_ctl'); }
      return { wait: (ms) => { epollWait(epoll, event, 1, ms); }, close: () => { close(epoll); } };
    },
    bootNs() {
      clockGettime(clockBoottime, time);
      return Number(time.readBigInt64LE(0)) * 1e9 + Number(time.readBigInt64LE(8));
    },
    mount: (source, target, type) => (mountCall(source, target, type, 0x2 | 0x4 | 0x8, null) as number) === 0,
    trim: () => { mallocTrim?.(0); },
    returnLarge: () => { mallopt?.(mmapThreshold, largeBytes); },
  };
}

/** What musl does not have. */
function optional<T>(find: () => T): T | undefined {
  try { return find(); } catch { return undefined; }
}

/** The first of these libraries that is there. Throws MoatError 'no-library'. */
export function openLibrary(koffi: Koffi, names: readonly string[], what: string, hint: string): ReturnType<Koffi['load']> {
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch { /* the next name; none at all is told below */ }
  }
  throw new MoatError<NativeErrorCode>('no-library', `expected ${what} (${names[0]}), got nothing`, hint ? { hint } : {});
}

/** Such as EPERM. */
export function errorName(koffi: Koffi, errno: number): string {
  const code = Math.abs(errno);
  return Object.entries(koffi.os.errno).find(([, value]) => value === code)?.[0] ?? `error ${code}`;
}
