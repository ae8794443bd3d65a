/** Whether a process gets on, and what it waits for when it does not: a file on a mount that does not answer. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { nameOf } from './file-names.ts';
import type { Mount } from './mounts.ts';

/** `ticks` of processor time (a hundredth of a second each) and bytes moved since it began. */
export interface Work { ticks: number; bytes: number }

const pathMax = 4096;
/** Addresses and what else is no descriptor lie above. */
const descriptorMax = 1 << 20;

/** Of these processes together, threads included; undefined when one of them cannot be seen. */
export function workOf(pids: readonly number[]): Work | undefined {
  const all: Work = { ticks: 0, bytes: 0 };
  try {
    for (const pid of pids) {
      const words = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      all.ticks += Number(words[11]) + Number(words[12]);
      // What is mapped is read from the disk without a call: the last counts it.
      for (const [, bytes] of readFileSync(`/proc/${pid}/io`, 'latin1').matchAll(/^(?:rchar|wchar|read_bytes): (\d+)$/gm)) all.bytes += Number(bytes);
    }
    return all;
  } catch { return undefined; /* it is gone, or not ours to see */ }
}

/** The file that one of these processes asked the system for and has no answer about, as it named it; undefined when the system does not tell. */
export function waitsFor(pids: readonly number[]): string | undefined {
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      const path = askedFor(pid, thread);
      if (path !== undefined) return path;
    }
  }
  return undefined;
}

/** The main thread comes first: the others may work for it. */
function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number).sort((a, b) => a - b);
  } catch { return []; /* it is gone */ }
}

/** Calls name a file first, or second behind a folder: by address or by descriptor. What a thread at rest waits for has no path. */
function askedFor(pid: number, thread: number): string | undefined {
  try {
    const [, first, second] = readFileSync(`/proc/${pid}/task/${thread}/syscall`, 'latin1').split(' ').map(Number);
    for (const word of [first, second]) {
      if (word === undefined || !Number.isSafeInteger(word)) continue;
      const path = word < descriptorMax ? linkOf(pid, word) : textAt(pid, word);
      if (path?.startsWith('/')) return path.replace(/^\/proc\/self\/fd\/(\d+)/, (own, fd: string) => linkOf(pid, Number(fd)) ?? own);
    }
  } catch { /* it runs, is gone, or is not ours to see */ }
  return undefined;
}

function linkOf(pid: number, descriptor: number): string | undefined {
  try {
    return nameOf(readlinkSync(`/proc/${pid}/fd/${descriptor}`, { encoding: 'buffer' }));
  } catch { return undefined; /* it has none of that number */ }
}

function textAt(pid: number, address: number): string | undefined {
  let memory: number | undefined;
  try {
    memory = openSync(`/proc/${pid}/mem`, 'r');
    const bytes = Buffer.alloc(pathMax);
    const got = readSync(memory, bytes, 0, pathMax, address);
    const end = bytes.subarray(0, got).indexOf(0);
    return end < 0 ? undefined : nameOf(bytes.subarray(0, end));
  } catch { return undefined; /* no address of its own */ } finally { if (memory !== undefined) closeSync(memory); }
}

/** The mount that a path lies on when no link stands in it; of several on one place the last. */
export function mountOver(path: string, mounts: readonly Mount[]): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) if ((path === mount.at || path.startsWith(mount.at === '/' ? '/' : `${mount.at}/`)) && (best === undefined || mount.at.length >= best.at.length)) best = mount;
  return best;
}
