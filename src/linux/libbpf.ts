/** eBPF objects through libbpf.so.1, which iproute2 brings to nearly every server. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { errorName, loadKoffi, openLibrary, type Pointer } from './native.ts';

export type BpfErrorCode = 'bad-object' | 'not-permitted' | 'refused' | 'no-map';

export interface NotAttached { program: string; reason: string }

export interface BpfObject {
  attached: readonly string[];
  /** Programs that this kernel does not have the hook for, or does not permit. */
  missing: readonly NotAttached[];
  map(name: string): BpfMap;
  /**
   * Detaches and frees; records that wait in the ring are lost. Taking off one tracepoint of a system call waits for
   * grace periods of the kernel (some 70 ms), one half of which several can wait out together.
   */
  close(): Promise<void>;
}

export interface BpfMap {
  fd: number;
  /** False when the map is full or refuses the value. */
  set(key: Buffer, value: Buffer): boolean;
  get(key: Buffer, valueSize: number): Buffer | undefined;
  delete(key: Buffer): boolean;
}

export interface LoadOptions {
  file: string;
  /** Programs without which there is no sense in going on. */
  needed: readonly string[];
  /** Map name → entries (for a ring: bytes). */
  sizes?: Readonly<Record<string, number>>;
  /** Maps shared with an object that is already loaded. */
  shared?: Readonly<Record<string, number>>;
  /** Descriptor of the root control group, for programs that hang there. */
  cgroup?: number;
  /** Tracepoints of system calls (sys_exit_open …) by program, for those that serve several. */
  syscalls?: Readonly<Record<string, readonly string[]>>;
  /** False for programs left out on purpose. */
  wanted?: (program: string) => boolean;
}

/**
 * Loads an object and attaches what can be attached. Loading is all or nothing, so programs whose hook this
 * kernel lacks are left out beforehand; when the kernel refuses it still, every program that is not needed is tried
 * by itself, and those that are refused are left out.
 * Throws MoatError 'no-koffi', 'no-library', 'bad-object', 'not-permitted', 'refused'.
 */
export async function loadObject(options: LoadOptions): Promise<BpfObject> {
  const api = await openLibbpf();
  const missing: NotAttached[] = [];
  const programs = programsOf(api, options.file);
  const wanted = programs.filter(({ name }) => options.wanted?.(name) ?? true);
  const hookOf = (section: string): string | undefined => /^tp_btf\/(.+)$/.exec(section)?.[1];
  const there = api.tracepoints(wanted.flatMap(({ section }) => hookOf(section) ?? []));
  const hooked = wanted.filter(({ name, section }) => {
    const hook = hookOf(section);
    if (hook === undefined || options.needed.includes(name) || there.has(hook)) return true;
    missing.push({ program: name, reason: `this kernel has no ${hook}` });
    return false;
  }).map(({ name }) => name);
  const first = tryLoad(api, options, new Set(hooked));
  if (typeof first === 'object') return attach(api, first.object, options, new Set(hooked), missing);
  const failed = first;
  if (failed === -constants.errno.EPERM || !api.permitted()) {
    throw new MoatError<BpfErrorCode>('not-permitted', `expected leave to load eBPF programs, got ${api.errorName(failed)}`, { hint: 'run as root with CAP_BPF and CAP_PERFMON; a container needs --privileged' });
  }
  const taken = new Set(options.needed);
  for (const name of hooked) {
    if (taken.has(name)) continue;
    const alone = tryLoad(api, options, new Set([...options.needed, name]));
    if (typeof alone === 'object') { api.close(alone.object); taken.add(name); }
    else missing.push({ program: name, reason: `the kernel refused it (${api.errorName(alone)})` });
  }
  const rest = tryLoad(api, options, taken);
  if (typeof rest === 'number') throw new MoatError<BpfErrorCode>('refused', `expected the kernel to take ${options.file}, got ${api.errorName(rest)}`);
  return attach(api, rest.object, options, taken, missing);
}

function programsOf(api: Api, file: string): Program[] {
  const object = api.open(file);
  try {
    return api.programs(object);
  } finally { api.close(object); }
}

/** The loaded object, or the negative error number. */
function tryLoad(api: Api, options: LoadOptions, programs: ReadonlySet<string>): { object: Pointer } | number {
  const object = api.open(options.file);
  for (const { name, pointer } of api.programs(object)) if (!programs.has(name)) api.leaveOut(pointer);
  for (const [name, entries] of Object.entries(options.sizes ?? {})) api.resize(object, name, entries);
  for (const [name, fd] of Object.entries(options.shared ?? {})) api.share(object, name, fd);
  const failed = api.load(object);
  if (failed === 0) return { object };
  api.close(object);
  return failed;
}

interface Program { name: string; section: string; pointer: Pointer }
type Api = Awaited<ReturnType<typeof bind>>;

let bound: Promise<Api> | undefined;
const openLibbpf = (): Promise<Api> => (bound ??= bind());

async function bind() {
  const koffi = await loadKoffi();
  const lib = openLibrary(koffi, ['libbpf.so.1'], 'libbpf', 'apt install libbpf1, or dnf install libbpf');
  const setPrint = lib.func('void *libbpf_set_print(void *print)');
  const openFile = lib.func('void *bpf_object__open_file(const char *path, void *options)');
  const load = lib.func('int bpf_object__load(void *object)');
  const close = lib.func('void bpf_object__close(void *object)');
  const nextProgram = lib.func('void *bpf_object__next_program(void *object, void *program)');
  const programName = lib.func('const char *bpf_program__name(void *program)');
  const sectionName = lib.func('const char *bpf_program__section_name(void *program)');
  const setAutoload = lib.func('int bpf_program__set_autoload(void *program, bool on)');
  const attachProgram = lib.func('void *bpf_program__attach(void *program)');
  const attachTracepoint = lib.func('void *bpf_program__attach_tracepoint(void *program, const char *category, const char *name)');
  const attachCgroup = lib.func('void *bpf_program__attach_cgroup(void *program, int cgroup)');
  const destroyLink = lib.func('int bpf_link__destroy(void *link)');
  const findMap = lib.func('void *bpf_object__find_map_by_name(void *object, const char *name)');
  const mapFd = lib.func('int bpf_map__fd(void *map)');
  const setMaxEntries = lib.func('int bpf_map__set_max_entries(void *map, uint32_t entries)');
  const reuseFd = lib.func('int bpf_map__reuse_fd(void *map, int fd)');
  const update = lib.func('int bpf_map_update_elem(int fd, void *key, void *value, uint64_t flags)');
  const lookup = lib.func('int bpf_map_lookup_elem(int fd, void *key, void *value)');
  const remove = lib.func('int bpf_map_delete_elem(int fd, void *key)');
  const loadBtf = lib.func('void *btf__load_vmlinux_btf()');
  const freeBtf = lib.func('void btf__free(void *btf)');
  const findType = lib.func('int btf__find_by_name_kind(void *btf, const char *name, uint32_t kind)');
  const probe = lib.func('int libbpf_probe_bpf_prog_type(int type, void *options)');
  // It would write to our standard error.
  setPrint(null);
  const typedef = 8;
  const tracepointType = 5;
  return {
    errorName: (code: number) => errorName(koffi, code),
    errno: () => koffi.errno(),
    /** Those of these tracepoints that the running kernel has. Its description takes megabytes and is not kept. */
    tracepoints(names: readonly string[]): Set<string> {
      const btf = loadBtf() as Pointer;
      if (btf === null) throw new MoatError<BpfErrorCode>('refused', 'expected the kernel to describe itself in /sys/kernel/btf/vmlinux, got nothing', { hint: 'a kernel built with CONFIG_DEBUG_INFO_BTF: Debian 11, Ubuntu 20.10, RHEL 8.2 and later have it' });
      try {
        return new Set(names.filter((name) => (findType(btf, `btf_trace_${name}`, typedef) as number) > 0));
      } finally { freeBtf(btf); }
    },
    permitted: (): boolean => (probe(tracepointType, null) as number) === 1,
    open(file: string): Pointer {
      const object = openFile(file, null) as Pointer;
      if (object === null) throw new MoatError<BpfErrorCode>('bad-object', `expected an eBPF object in ${file}, got ${errorName(koffi, koffi.errno())}`, { hint: 'install Moat again' });
      return object;
    },
    programs(object: Pointer): Program[] {
      const found: Program[] = [];
      for (let at = nextProgram(object, null) as Pointer; at !== null; at = nextProgram(object, at) as Pointer) {
        found.push({ name: programName(at) as string, section: sectionName(at) as string, pointer: at });
      }
      return found;
    },
    leaveOut: (program: Pointer): void => { setAutoload(program, false); },
    resize: (object: Pointer, name: string, entries: number): void => { setMaxEntries(findMap(object, name), entries); },
    share: (object: Pointer, name: string, fd: number): void => {
      const map = findMap(object, name) as Pointer;
      if (map !== null) reuseFd(map, fd);
    },
    load: (object: Pointer): number => load(object) as number,
    attach: (program: Pointer): Pointer => attachProgram(program) as Pointer,
    attachTracepoint: (program: Pointer, category: string, name: string): Pointer => attachTracepoint(program, category, name) as Pointer,
    attachCgroup: (program: Pointer, cgroup: number): Pointer => attachCgroup(program, cgroup) as Pointer,
    detach: (link: Pointer): void => { destroyLink(link); },
    detachBeside: (link: Pointer): Promise<void> => new Promise((resolve) => { destroyLink.async(link, () => { resolve(); }); }),
    close: (object: Pointer): void => { close(object); },
    map(object: Pointer, name: string): BpfMap {
      const pointer = findMap(object, name) as Pointer;
      if (pointer === null) throw new MoatError<BpfErrorCode>('no-map', `expected a map ${name}, got none`);
      const fd = mapFd(pointer) as number;
      return {
        fd,
        set: (key, value) => (update(fd, key, value, 0) as number) === 0,
        get: (key, valueSize) => {
          const value = Buffer.alloc(valueSize);
          return (lookup(fd, key, value) as number) === 0 ? value : undefined;
        },
        delete: (key) => (remove(fd, key) as number) === 0,
      };
    },
  };
}

/** Programs taken off at the same time: as many threads as Node has for such calls. */
const detachers = 4;

async function attach(api: Api, object: Pointer, options: LoadOptions, loaded: ReadonlySet<string>, missing: NotAttached[]): Promise<BpfObject> {
  const links: Pointer[] = [];
  const attached: string[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(Array.from({ length: detachers }, async () => {
      for (let link = links.pop(); link !== undefined; link = links.pop()) await api.detachBeside(link);
    }));
    api.close(object);
  };
  const tracefs = tracefsFolder();
  /** What it hangs on afterwards: links, or why there is none; nothing at all when this machine has no such system call. */
  const attachOne = ({ name, section, pointer }: Program): Pointer[] | string => {
    if (section.startsWith('cgroup')) {
      if (options.cgroup === undefined) return 'no unified control group hierarchy is mounted';
      const link = api.attachCgroup(pointer, options.cgroup);
      return link === null ? api.errorName(api.errno()) : [link];
    }
    if (section !== 'tracepoint' && !section.startsWith(syscallSection)) {
      const link = api.attach(pointer);
      return link === null ? api.errorName(api.errno()) : [link];
    }
    if (tracefs === undefined) return 'tracefs is not mounted';
    const wanted = section === 'tracepoint' ? options.syscalls?.[name] ?? [] : [section.slice(syscallSection.length)];
    const made: Pointer[] = [];
    for (const hook of wanted.filter((one) => existsSync(join(tracefs, 'events/syscalls', one)))) {
      const link = api.attachTracepoint(pointer, 'syscalls', hook);
      if (link === null) {
        const reason = api.errorName(api.errno());
        for (const one of made) api.detach(one);
        return `${hook}: ${reason}`;
      }
      made.push(link);
    }
    return made;
  };
  for (const program of api.programs(object)) {
    const { name } = program;
    if (!loaded.has(name)) continue;
    const made = attachOne(program);
    if (typeof made !== 'string') {
      links.push(...made);
      if (made.length > 0) attached.push(name);
      continue;
    }
    if (options.needed.includes(name)) { await close(); throw new MoatError<BpfErrorCode>('not-permitted', `expected to attach ${name}, got ${made}`, { hint: 'run as root with CAP_BPF and CAP_PERFMON; a container needs --privileged' }); }
    missing.push({ program: name, reason: made });
  }
  return { attached, missing, map: (name) => api.map(object, name), close };
}

const syscallSection = 'tracepoint/syscalls/';

/** Where tracepoints are found; undefined when it is not mounted or was built without them. */
export function tracefsFolder(): string | undefined {
  return ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].find((folder) => existsSync(join(folder, 'events/syscalls')));
}
