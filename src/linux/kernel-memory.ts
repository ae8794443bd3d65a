/** Names and memory of the running kernel: /proc/kallsyms and /proc/kcore. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createReadStream } from 'node:fs';
import type { Procfs } from './procfs.ts';

export interface Symbols {
  /** Addresses of the names asked for. */
  wanted: Map<string, bigint>;
  /** Modules that own a symbol, those that the kernel makes up ([bpf], [__builtin__ftrace]) left out. */
  modules: Set<string>;
  /** Entry points of system calls by address. */
  calls: Map<bigint, string>;
  /** All addresses are 0: the kernel does not tell them. */
  hidden: boolean;
}

const callName = /^(?:__x64_|__ia32_|__arm64_|__se_|__do_)?(?:compat_)?sys_/;
const linesMax = 5_000_000;

/** Undefined where there is no /proc/kallsyms. */
export async function readSymbols(procfs: Procfs, names: ReadonlySet<string>): Promise<Symbols | undefined> {
  const path = join(procfs.root, 'proc/kallsyms');
  const found: Symbols = { wanted: new Map(), modules: new Set(), calls: new Map(), hidden: true };
  let lines = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path, 'latin1'), crlfDelay: Infinity })) {
      if (++lines > linesMax) break;
      const second = line.indexOf(' ', 17);
      const from = second < 0 ? line.indexOf(' ', line.indexOf(' ') + 1) : second;
      const tab = line.indexOf('\t', from);
      const name = line.slice(from + 1, tab < 0 ? undefined : tab);
      if (tab > 0) {
        const module = /^\[([^\]]+)\]$/.exec(line.slice(tab + 1).trim())?.[1];
        if (module !== undefined && module !== 'bpf' && !module.startsWith('__builtin__')) found.modules.add(module);
      }
      const wanted = names.has(name);
      const call = tab < 0 && callName.test(name);
      if (found.hidden && !line.startsWith('0000000000000000')) found.hidden = false;
      if (!wanted && !call) continue;
      const address = BigInt(`0x${line.slice(0, line.indexOf(' '))}`);
      if (wanted) found.wanted.set(name, address);
      if (call) found.calls.set(address, name);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
  return lines === 0 ? undefined : found;
}

/** Bytes of kernel memory from /proc/kcore, an ELF core file; undefined where it is not there, closed by lockdown, or has no such address. */
export function readKernelMemory(procfs: Procfs, address: bigint, length: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(join(procfs.root, 'proc/kcore'), 'r');
  } catch { return undefined; }
  try {
    const head = Buffer.alloc(64);
    if (readSync(file, head, 0, 64, 0) < 64 || head.readUInt32BE(0) !== 0x7f45_4c46 || head[4] !== 2) return undefined;
    const count = Math.min(head.readUInt16LE(56), 4096), size = head.readUInt16LE(54);
    if (size < 56) return undefined;
    const table = Buffer.alloc(count * size);
    if (readSync(file, table, 0, table.length, Number(head.readBigUInt64LE(32))) < table.length) return undefined;
    for (let at = 0; at < table.length; at += size) {
      if (table.readUInt32LE(at) !== 1) continue;
      const offset = table.readBigUInt64LE(at + 8), from = table.readBigUInt64LE(at + 16), bytes = table.readBigUInt64LE(at + 32);
      if (address < from || address + BigInt(length) > from + bytes) continue;
      const found = Buffer.alloc(length);
      return readSync(file, found, 0, length, Number(address - from + offset)) === length ? found : undefined;
    }
    return undefined;
  } catch { return undefined; } finally { closeSync(file); } // lockdown closes it at the read, not at the opening
}
