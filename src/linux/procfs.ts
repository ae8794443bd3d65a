/**
 * What /proc says about processes. Reads are synchronous on purpose: procfs answers from memory in
 * microseconds, a trip through the thread pool costs ten times that.
 *
 * A process that is gone is no error (undefined). A file that may not be read is undefined too and is
 * counted in `denied`, so that a caller can say how blind it is. Anything else throws.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { own } from '../core/own.ts';

export interface ProcStat {
  pid: number;
  /** As the kernel keeps it: at most 15 bytes, may hold spaces and parentheses. */
  name: string;
  state: string;
  parentPid: number;
  /** Device number of the controlling terminal, 0 for none. */
  tty: number;
  kernelThread: boolean;
  /** User plus system time in clock ticks. */
  ticks: number;
  threads: number;
  /** Clock ticks after boot; with pid it is the process's identity. */
  startTicks: number;
  rssPages: number;
}

export interface ProcIo { readBytes: number; writeBytes: number }

/** Clock ticks in a second as /proc reports them: 100 on every architecture that Node runs on. */
export const ticksPerSecond = 100;
const kernelThreadFlag = 0x00200000;
const shared = Buffer.allocUnsafe(64 * 1024);

export class Procfs {
  readonly root: string;
  /** Reads refused for lack of rights, by what was read; a caller reports and clears it. */
  readonly denied = new Map<string, number>();
  readonly #proc: string;

  constructor(root = '/') {
    this.root = root;
    this.#proc = join(root, 'proc');
  }

  /** Text of a file under /proc, at most `max` bytes of it; undefined when it is gone or may not be read. `latin1` for names that may be no UTF-8: one character a byte. */
  read(name: string, max = shared.length, encoding: 'utf8' | 'latin1' = 'utf8'): string | undefined {
    let file: number;
    try {
      file = openSync(`${this.#proc}/${name}`, 'r');
    } catch (error) {
      return this.#miss(error, name);
    }
    try {
      // Files of a process come whole in one read; its tables and those of the host come in pieces until a read gives nothing.
      const whole = name.charCodeAt(0) <= 0x39 && !name.endsWith('/maps') && !name.endsWith('/mountinfo') && !name.includes('/net/');
      const full: Buffer[] = [];
      let filled = 0;
      for (let left = max; left > 0;) {
        const asked = Math.min(left, shared.length - filled);
        const got = readSync(file, shared, filled, asked, null);
        left -= got;
        filled += got;
        if (got === 0 || (whole && got < asked)) break;
        if (filled === shared.length) { full.push(Buffer.from(shared)); filled = 0; }
      }
      return full.length === 0 ? shared.toString(encoding, 0, filled) : Buffer.concat([...full, shared.subarray(0, filled)]).toString(encoding);
    } catch (error) {
      return this.#miss(error, name);
    } finally {
      closeSync(file);
    }
  }

  /** Every process id, ascending. Throws when /proc is not there: that is not "no processes". */
  pids(): number[] {
    const pids: number[] = [];
    for (const name of readdirSync(this.#proc)) {
      const first = name.charCodeAt(0);
      if (first < 0x30 || first > 0x39) continue;
      const pid = Number(name);
      if (Number.isInteger(pid)) pids.push(pid);
    }
    return pids.sort((a, b) => a - b);
  }

  stat(pid: number): ProcStat | undefined {
    const text = this.read(`${pid}/stat`, 4096);
    return text === undefined ? undefined : parseStat(text);
  }

  /** Real and effective user id. */
  uids(pid: number): { real: number; effective: number } | undefined {
    const text = this.read(`${pid}/status`, 4096);
    if (text === undefined) return undefined;
    const at = text.indexOf('\nUid:');
    if (at < 0) return undefined;
    const [real, effective] = text.slice(at + 5, text.indexOf('\n', at + 5)).trim().split('\t').map(Number);
    return real === undefined || effective === undefined || Number.isNaN(real) ? undefined : { real, effective };
  }

  /** Arguments joined by spaces; '' for kernel threads and zombies. Longer ones are cut at `max` bytes. */
  cmdline(pid: number, max = 16 * 1024): string | undefined {
    const text = this.read(`${pid}/cmdline`, max);
    if (text === undefined) return undefined;
    let end = text.length;
    while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
    return text.slice(0, end).replaceAll('\0', ' ');
  }

  /** Path of the executable as the kernel says it, with ' (deleted)' where it is. */
  exe(pid: number): string | undefined { return this.#link(`${pid}/exe`); }
  cwd(pid: number): string | undefined { return this.#link(`${pid}/cwd`); }

  /** Names a namespace, such as mnt:[4026531841]. */
  namespace(pid: number, kind: 'mnt' | 'net' | 'pid' | 'user'): string | undefined { return this.#link(`${pid}/ns/${kind}`); }

  /** Device and inode of the running executable, which tell it from another file of the same path. */
  exeFile(pid: number): { device: number; inode: number } | undefined {
    try {
      const { dev, ino } = statSync(`${this.#proc}/${pid}/exe`);
      return { device: dev, inode: ino };
    } catch (error) {
      return this.#miss(error, 'exe');
    }
  }

  /** Thread ids of a process; undefined when it is gone. */
  threads(pid: number): number[] | undefined {
    try {
      return readdirSync(`${this.#proc}/${pid}/task`).map(Number);
    } catch (error) {
      return this.#miss(error, 'task');
    }
  }

  /** Bytes that reached or will reach a disk; written ones count when a page is dirtied. */
  io(pid: number): ProcIo | undefined {
    const text = this.read(`${pid}/io`, 1024);
    return text === undefined ? undefined : { readBytes: numberAfter(text, '\nread_bytes: '), writeBytes: numberAfter(text, '\nwrite_bytes: ') };
  }

  /** Container the process runs in, from its control group; undefined for one on the host. */
  container(pid: number): string | undefined {
    const text = this.read(`${pid}/cgroup`, 8192);
    return text === undefined ? undefined : containerOf(text);
  }

  /** Open descriptors; undefined when the process is gone or not ours to see. */
  fds(pid: number): string[] | undefined {
    try {
      return readdirSync(`${this.#proc}/${pid}/fd`);
    } catch (error) {
      return this.#miss(error, 'fd');
    }
  }

  /** What a descriptor points at, such as socket:[1234]. */
  fd(pid: number, fd: string): string | undefined { return this.#link(`${pid}/fd/${fd}`); }

  /** Reports and clears what could not be read. */
  reportDenied(count: (what: string, n: number) => void): void {
    for (const [what, n] of this.denied) count(`no permission to read /proc/[pid]/${what}`, n);
    this.denied.clear();
  }

  #link(name: string): string | undefined {
    try {
      return readlinkSync(`${this.#proc}/${name}`);
    } catch (error) {
      return this.#miss(error, name);
    }
  }

  #miss(error: unknown, name: string): undefined {
    const code = (error as NodeJS.ErrnoException).code;
    switch (code) {
      case 'ENOENT':
      case 'ESRCH':
        return undefined;
      case 'EACCES':
      case 'EPERM': {
        const slash = name.indexOf('/');
        let what = slash < 0 ? name : name.slice(slash + 1);
        if (what.startsWith('fd/')) what = 'fd';
        this.denied.set(what, (this.denied.get(what) ?? 0) + 1);
        return undefined;
      }
      default:
        throw error;
    }
  }
}

/** Parses /proc/[pid]/stat. The name ends at the last parenthesis: it may hold any other. */
export function parseStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const rest = text.slice(close + 2).split(' ', 22);
  if (rest.length < 22) return undefined;
  const n = (i: number): number => Number(rest[i]);
  return {
    pid: Number(text.slice(0, open - 1)), name: text.slice(open + 1, close), state: rest[0] ?? '?', parentPid: n(1), tty: n(4),
    kernelThread: (n(6) & kernelThreadFlag) !== 0, ticks: n(11) + n(12), threads: n(17), startTicks: n(19), rssPages: n(21),
  };
}

/** Name of a terminal from its device number: pts/3, tty1, ttyS0; undefined for none or another kind. */
export function terminalName(device: number): string | undefined {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return undefined;
}

const containerHex = /[0-9a-f]{64}/g;
const lxc = /\/lxc(?:\.payload\.|\/)([^/\n]+)/;

/** Container id in a control group file: the last 64 hex digits of a path, or the name of an LXC container. */
export function containerOf(cgroup: string): string | undefined {
  const id = cgroup.match(containerHex)?.at(-1) ?? lxc.exec(cgroup)?.[1];
  return id === undefined ? undefined : own(id);
}

/** Path in the unified hierarchy; in systemd's own where the unified one is not used. Undefined for the root group. */
export function cgroupPath(text: string): string | undefined {
  let systemd: string | undefined;
  for (const line of text.split('\n')) {
    const first = line.indexOf(':'), second = line.indexOf(':', first + 1);
    if (second < 0) continue;
    const path = line.slice(second + 1);
    if (path === '' || path === '/') continue;
    const controllers = line.slice(first + 1, second);
    if (controllers === '') return own(path);
    if (controllers === 'name=systemd') systemd = path;
  }
  return systemd === undefined ? undefined : own(systemd);
}

/** The number that follows `label`; NaN when there is none. */
export function numberAfter(text: string, label: string): number {
  const at = text.indexOf(label);
  if (at < 0) return Number.NaN;
  let end = at + label.length;
  while (text.charCodeAt(end) === 0x20) end++;
  const start = end;
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
  return end === start ? Number.NaN : Number(text.slice(start, end));
}
