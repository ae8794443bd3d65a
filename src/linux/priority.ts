/** Lets a process step back: the processor and the disk go to others first. */
import { saidBy } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { loadKoffi, openLibrary } from './native.ts';

const niceness = 10;
/** The number of the system call ioprio_set. */
const ioprioSet: Readonly<Record<string, number>> = { x64: 251, arm64: 30 };
const whoProcess = 1;
const idleClass = 3 << 13;

/**
 * Nice 10 and the idle class of the disk, for this process and the threads it starts later. Returns what could not be had.
 */
export async function stepBack(): Promise<Text[]> {
  const faults: Text[] = [];
  const fault = (what: string, error: unknown): void => { const { zh, en } = saidBy(error); faults.push({ zh: `${what}：${zh}`, en: `${what}: ${en}` }); };
  try { setPriority(niceness); } catch (error) { fault('nice', error); }
  try {
    const number = ioprioSet[process.arch];
    if (number === undefined) throw new Error(`expected x64 or arm64, got ${process.arch}`);
    const koffi = await loadKoffi();
    const lib = openLibrary(koffi, ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so'], 'the C library', '');
    const syscall = lib.func('long syscall(long number, long which, long who, long priority)');
    if (Number(syscall(number, whoProcess, 0, idleClass)) < 0) throw new Error(`error ${koffi.errno()}`);
  } catch (error) { fault('ionice', error); }
  return faults;
}

/** When memory runs out, the kernel ends this process before others. */
export function offerToDie(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '900');
  } catch { /* where that is not allowed, the kernel chooses as it always does */ }
}
