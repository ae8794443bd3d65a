/** eBPF programs, maps and links that the kernel holds now, whoever loaded them, and the names they are pinned by. */
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { errorName, loadKoffi, openLibrary, type NativeErrorCode, type Pointer } from './native.ts';
import { MoatError } from '../core/error.ts';

export interface BpfProgram {
  id: number;
  /** The kernel's number; see `programType`. */
  type: number;
  name: string;
  tag: string;
  uid: number;
  /** Nanoseconds after boot. */
  loadedNs: number;
  /** Numbers of the helpers it calls are addresses from `__bpf_call_base` on; each once. Empty where the kernel hides them. */
  calls: number[];
}
export interface BpfLink { id: number; program: number; type: number }
export interface BpfMapInfo { id: number; type: number; name: string }

export interface BpfObjects {
  programs(): BpfProgram[];
  links(): BpfLink[];
  maps(): BpfMapInfo[];
  /** What a path of a BPF file system holds; undefined when it cannot be opened. */
  pinned(path: string): { kind: 'program' | 'map' | 'link'; id: number; /** Program of a link. */ program: number | undefined } | undefined;
  /** Program that a perf event of a process runs. */
  ofPerfEvent(pid: number, fd: number): number | undefined;
}

const typeNames = [
  'unspec', 'socket_filter', 'kprobe', 'sched_cls', 'sched_act', 'tracepoint', 'xdp', 'perf_event', 'cgroup_skb', 'cgroup_sock', 'lwt_in', 'lwt_out', 'lwt_xmit', 'sock_ops', 'sk_skb', 'cgroup_device',
  'sk_msg', 'raw_tracepoint', 'cgroup_sock_addr', 'lwt_seg6local', 'lirc_mode2', 'sk_reuseport', 'flow_dissector', 'cgroup_sysctl', 'raw_tracepoint_writable', 'cgroup_sockopt', 'tracing',
  'struct_ops', 'ext', 'lsm', 'sk_lookup', 'syscall', 'netfilter',
];
export const programType = (type: number): string => typeNames[type] ?? `type ${type}`;

const objectsMax = 20_000;
const codeMax = 8 << 20;
const infoSize = 256;
const callCode = 0x85;

/** Throws MoatError 'no-koffi', 'no-library'; the questions throw 'native' when the kernel does not permit them. */
export async function openBpfObjects(): Promise<BpfObjects> {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libbpf.so.1', 'libbpf.so.0'], 'libbpf', 'apt install libbpf1, or dnf install libbpf');
  const libc = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
  const next = { program: 'bpf_prog_get_next_id', map: 'bpf_map_get_next_id', link: 'bpf_link_get_next_id' } as const;
  const byId = { program: 'bpf_prog_get_fd_by_id', map: 'bpf_map_get_fd_by_id', link: 'bpf_link_get_fd_by_id' } as const;
  const nextOf = Object.fromEntries(Object.entries(next).map(([kind, name]) => [kind, lib.func(`int ${name}(uint32_t start, void *next)`)]));
  const openOf = Object.fromEntries(Object.entries(byId).map(([kind, name]) => [kind, lib.func(`int ${name}(uint32_t id)`)]));
  const getInfo = lib.func('int bpf_obj_get_info_by_fd(int fd, void *info, void *length)');
  const objGet = lib.func('int bpf_obj_get(const char *path)');
  const taskFdQuery = lib.func('int bpf_task_fd_query(int pid, int fd, uint32_t flags, void *text, void *length, void *program, void *type, void *offset, void *address)');
  const malloc = libc.func('void *malloc(size_t size)');
  const free = libc.func('void free(void *memory)');
  const memcpy = libc.func('void *memcpy(void *to, void *from, size_t size)');
  const word = Buffer.alloc(4);

  /** libbpf gives -1 or the negative number of the error, by its version. */
  function* ids(kind: keyof typeof next): Iterable<number> {
    for (let id = 0, n = 0; n < objectsMax; n++) {
      const failed = nextOf[kind]!(id, word) as number;
      if (failed !== 0) {
        const code = failed === -1 ? koffi.errno() : -failed;
        if (code === 2) return; // ENOENT: that was the last
        throw new MoatError<NativeErrorCode>('native', `expected the kernel to list its eBPF objects, got ${errorName(koffi, code)}`, { hint: 'run as root with CAP_SYS_ADMIN or CAP_BPF' });
      }
      id = word.readUInt32LE(0);
      yield id;
    }
  }

  function info(fd: number, prepare?: (bytes: Buffer) => void): Buffer | undefined {
    const bytes = Buffer.alloc(infoSize);
    prepare?.(bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(infoSize, 0);
    return (getInfo(fd, bytes, length) as number) === 0 ? bytes : undefined;
  }

  function each<T>(kind: keyof typeof next, read: (bytes: Buffer, fd: number) => T): T[] {
    const found: T[] = [];
    for (const id of ids(kind)) {
      const fd = openOf[kind]!(id) as number;
      if (fd < 0) continue; // it ended between the two calls
      try {
        const bytes = info(fd);
        if (bytes) found.push(read(bytes, fd));
      } finally { closeSync(fd); }
    }
    return found;
  }

  function calls(fd: number, length: number): number[] {
    if (length === 0 || length > codeMax) return [];
    const memory = malloc(length) as Pointer;
    if (memory === null) return [];
    try {
      const told = info(fd, (bytes) => { bytes.writeUInt32LE(length, 20); bytes.writeBigUInt64LE(memory, 32); });
      if (!told || told.readBigUInt64LE(32) === 0n) return [];
      const code = Buffer.alloc(Math.min(length, told.readUInt32LE(20)));
      memcpy(code, memory, code.length);
      return helperCalls(code);
    } finally { free(memory); }
  }

  return {
    programs: () => each('program', (bytes, fd) => ({
      id: bytes.readUInt32LE(4), type: bytes.readUInt32LE(0), name: nameAt(bytes, 64), tag: bytes.toString('hex', 8, 16), uid: bytes.readUInt32LE(48),
      loadedNs: Number(bytes.readBigUInt64LE(40)), calls: calls(fd, bytes.readUInt32LE(20)),
    })),
    links: () => each('link', (bytes) => ({ id: bytes.readUInt32LE(4), type: bytes.readUInt32LE(0), program: bytes.readUInt32LE(8) })),
    maps: () => each('map', (bytes) => ({ id: bytes.readUInt32LE(4), type: bytes.readUInt32LE(0), name: nameAt(bytes, 24) })),
    pinned(path) {
      const fd = objGet(path) as number;
      if (fd < 0) return undefined;
      try {
        return bpfDescriptor(readlinkSync(`/proc/self/fd/${fd}`), () => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
      } finally { closeSync(fd); }
    },
    ofPerfEvent(pid, fd) {
      const text = Buffer.alloc(256), length = Buffer.alloc(4), program = Buffer.alloc(4), type = Buffer.alloc(4), offset = Buffer.alloc(8), address = Buffer.alloc(8);
      length.writeUInt32LE(256, 0);
      return (taskFdQuery(pid, fd, 0, text, length, program, type, offset, address) as number) === 0 ? program.readUInt32LE(0) : undefined;
    },
  };
}

/** Immediate values of calls in a translated program, each once. */
export function helperCalls(code: Buffer): number[] {
  const found = new Set<number>();
  for (let at = 0; at + 8 <= code.length; at += 8) {
    // Source register 0: a helper. 1 is another function of the program, 2 one of the kernel.
    if (code[at] === callCode && (code[at + 1]! >> 4) === 0) found.add(code.readInt32LE(at + 4));
  }
  return [...found];
}

/** What a descriptor of a process holds, by its link and its fdinfo; undefined for other descriptors. */
export function bpfDescriptor(link: string, fdinfo: () => string | undefined): { kind: 'program' | 'map' | 'link'; id: number; program: number | undefined } | undefined {
  const kind = /^anon_inode:\[?bpf[-_](prog|map|link)\]?$/.exec(link)?.[1];
  if (kind === undefined) return undefined;
  const text = fdinfo() ?? '';
  const number = (name: string): number | undefined => { const found = new RegExp(`^${name}:\\s*(\\d{1,10})$`, 'm').exec(text)?.[1]; return found === undefined ? undefined : Number(found); };
  const id = number(kind === 'prog' ? 'prog_id' : `${kind}_id`);
  return id === undefined ? undefined : { kind: kind === 'prog' ? 'program' : kind as 'map' | 'link', id, program: kind === 'link' ? number('prog_id') : undefined };
}

function nameAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, Math.min(end < 0 ? at + 16 : end, at + 16));
}
