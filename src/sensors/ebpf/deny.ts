/**
 * Programs that may not run, by file or by SHA-256. By file the kernel does it: it kills the process before its first
 * instruction (or refuses the exec, where the kernel lets programs do that). A digest is known only once a file has
 * been read, so the first run of a file that was not seen before is killed a moment after it began.
 */
import { createHash } from 'node:crypto';
import { createReadStream, realpathSync, statSync, type Stats } from 'node:fs';
import { chmod, copyFile, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import { Procfs, ticksPerSecond } from '../../linux/procfs.ts';
import { bootTime } from '../../linux/proc-host.ts';
import { kernelDevice } from './file-maps.ts';

export type DenyErrorCode = 'protected' | 'not-a-file' | 'bad-hash' | 'not-live' | 'full' | 'self-test';

/** As the kernel numbers it: device is major << 20 | minor. */
export interface KernelFile { inode: number; device: number }
export interface DenyEntry { path: string; file: KernelFile; why: string }

/** The kernel's list, as the sensor reaches it. */
export interface KernelList { set(file: KernelFile, on: boolean): Promise<boolean>; count(what: string): void; warn(text: string): void }

const systemFolders = ['/usr/', '/bin/', '/sbin/', '/lib', '/boot/'];
const mostEntries = 10_000;
const mostDigests = 4096;
const mostWaiting = 256;
const hashersMost = 2;
/** Larger files are not read: a miner is small, and reading takes long. */
const largest = 256 * 1024 * 1024;

const keyOf = ({ inode, device }: KernelFile): string => `${device} ${inode}`;

export class DenyList {
  readonly #entries = new Map<string, DenyEntry>();
  readonly #hashes = new Map<string, string>();
  /** Digest by file and state, oldest first. */
  readonly #digests = new Map<string, string>();
  readonly #waiting: Event[] = [];
  #hashing = 0;
  #kernel: KernelList | undefined;
  #wanted: readonly string[];

  /** Files and digests to begin with; the files are looked at when the kernel's list is there. Throws MoatError 'bad-hash'. */
  constructor({ paths = [], hashes = [] }: { paths?: readonly string[]; hashes?: readonly string[] } = {}) {
    this.#wanted = paths;
    for (const hash of hashes) this.addHash(hash, 'listed in the configuration');
  }

  get size(): number { return this.#entries.size + this.#hashes.size; }

  list(): { files: DenyEntry[]; hashes: { sha256: string; why: string }[] } {
    return { files: [...this.#entries.values()], hashes: [...this.#hashes].map(([sha256, why]) => ({ sha256, why })) };
  }

  /**
   * Throws MoatError 'protected' for a program of the system (unless `force`) and always for the first process's,
   * node and Moat itself; 'not-a-file', 'full', 'not-live' when the kernel's list does not take it.
   */
  async add(path: string, why: string, { force = false } = {}): Promise<DenyEntry> {
    const real = realPath(path);
    const reason = protectedReason(real, force);
    if (reason !== undefined) throw new MoatError<DenyErrorCode>('protected', `expected a program that may be denied, got ${real}: ${reason}`);
    return this.#add({ path: real, file: await kernelFile(real), why });
  }

  /** A file the kernel has named already, such as that of an exec. Nothing is protected here: see `add`. */
  async #add(entry: DenyEntry): Promise<DenyEntry> {
    if (this.#entries.size >= mostEntries && !this.#entries.has(keyOf(entry.file))) throw new MoatError<DenyErrorCode>('full', `expected fewer than ${mostEntries} denied files, got one more`);
    this.#entries.set(keyOf(entry.file), entry);
    if (this.#kernel && !await this.#kernel.set(entry.file, true)) {
      this.#entries.delete(keyOf(entry.file));
      throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel to take the entry, it did not', { hint: 'see moat status: is the kernel sensor live?' });
    }
    return entry;
  }

  /** False when it was not in the list. */
  async remove(path: string): Promise<boolean> {
    const entry = [...this.#entries.values()].find((one) => one.path === path || one.path === realPathOr(path));
    if (entry === undefined) return false;
    this.#entries.delete(keyOf(entry.file));
    await this.#kernel?.set(entry.file, false);
    return true;
  }

  /** Throws MoatError 'bad-hash'. */
  addHash(sha256: string, why: string): void {
    if (!/^[0-9a-f]{64}$/i.test(sha256)) throw new MoatError<DenyErrorCode>('bad-hash', `expected 64 hexadecimal digits, got ${sha256.slice(0, 80)}`);
    if (this.#hashes.size >= mostEntries) throw new MoatError<DenyErrorCode>('full', `expected at most ${mostEntries} hashes, got one more`);
    this.#hashes.set(sha256.toLowerCase(), why);
  }

  removeHash(sha256: string): boolean { return this.#hashes.delete(sha256.toLowerCase()); }

  /** The kernel's list is there: fills it and proves that it works. Throws what the self-test throws. */
  async connect(kernel: KernelList): Promise<void> {
    this.#kernel = kernel;
    for (const { file } of this.#entries.values()) await kernel.set(file, true);
    for (const path of this.#wanted) {
      try {
        await this.add(path, 'listed in the configuration');
      } catch (error) {
        kernel.count('files that could not be denied');
        kernel.warn(`${path} is not denied: ${(error as Error).message}`);
      }
    }
    this.#wanted = [];
    if (this.size > 0) await this.selfTest();
  }

  disconnect(): void { this.#kernel = undefined; }

  /**
   * Copies a harmless program, denies the copy, and sees whether it is killed or refused.
   * Throws MoatError 'not-live' without the kernel's list, 'self-test' when the copy ran.
   */
  async selfTest(): Promise<'killed' | 'refused'> {
    const kernel = this.#kernel;
    if (kernel === undefined) throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel sensor to be live, it is not');
    const folder = await mkdtemp(join(tmpdir(), 'moat-deny-'));
    try {
      const copy = join(folder, 'true');
      await copyFile('/bin/true', copy);
      await chmod(copy, 0o700);
      const before = await run(copy);
      if (before !== 'ran') throw new MoatError<DenyErrorCode>('self-test', `expected a copy of /bin/true to run in ${folder}, it was ${before}`);
      const file = await kernelFile(copy);
      if (!await kernel.set(file, true)) throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel to take the entry, it did not');
      try {
        const after = await run(copy);
        if (after === 'ran') throw new MoatError<DenyErrorCode>('self-test', 'expected the denied program to be killed, it ran');
        return after;
      } finally { await kernel.set(file, false); }
    } finally { await rm(folder, { recursive: true, force: true }); }
  }

  /** An exec: its file is read and compared when digests are denied. */
  seen(event: Event): void {
    if (this.#hashes.size === 0 || event.file_inode === undefined || event.file_device === undefined) return;
    if (this.#waiting.length >= mostWaiting) { this.#kernel?.count('executables not read, too many at once'); return; }
    this.#waiting.push(event);
    if (this.#hashing < hashersMost) void this.#work();
  }

  async #work(): Promise<void> {
    this.#hashing++;
    try {
      for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
        try {
          await this.#check(event);
        } catch (error) {
          // It ended or was removed before it could be read; anything else is told.
          const code = (error as NodeJS.ErrnoException).code;
          this.#kernel?.count(code === 'ENOENT' || code === 'ESRCH' ? 'executables gone before they were read' : `executables not read (${code ?? (error as Error).message})`);
        }
      }
    } finally { this.#hashing--; }
  }

  async #check(event: Event): Promise<void> {
    const { pid, file_inode: inode, file_device: device } = event;
    if (pid === undefined || inode === undefined || device === undefined) return;
    const sha256 = await this.#digest(pid, event.process_path, inode);
    const why = sha256 === undefined ? undefined : this.#hashes.get(sha256);
    if (why === undefined) return;
    const path = event.process_path ?? '';
    const reason = protectedReason(path, false);
    if (reason !== undefined) { this.#kernel?.warn(`a denied digest is that of ${path}, which is protected: ${reason}`); return; }
    await this.#add({ path, file: { inode, device: kernelDevice(device) }, why });
    if (sameProcess(event)) {
      process.kill(pid, 'SIGKILL');
      this.#kernel?.count('programs killed for their digest');
      this.#kernel?.warn(`${path} (pid ${pid}) was killed: ${why}`);
    }
  }

  /** By the running process where it still is, for the path may be another file by now. */
  async #digest(pid: number, path: string | undefined, inode: number): Promise<string | undefined> {
    for (const from of [`/proc/${pid}/exe`, path]) {
      if (from === undefined) continue;
      const found = await stat(from).catch(() => undefined);
      if (found === undefined || found.ino !== inode || !found.isFile()) continue;
      if (found.size > largest) { this.#kernel?.count('executables not read, too large'); return undefined; }
      const key = `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs}`;
      const known = this.#digests.get(key);
      if (known !== undefined) return known;
      const hash = createHash('sha256');
      for await (const part of createReadStream(from, { end: largest })) hash.update(part as Buffer);
      const sha256 = hash.digest('hex');
      if (this.#digests.size >= mostDigests) for (const oldest of this.#digests.keys()) { this.#digests.delete(oldest); break; }
      this.#digests.set(key, sha256);
      return sha256;
    }
    return undefined;
  }
}

/** A pid can be another process by now. */
function sameProcess(event: Event): boolean {
  const procfs = new Procfs();
  const stat = procfs.stat(event.pid ?? 0);
  return stat !== undefined && bootTime(procfs) + (stat.startTicks * 1000) / ticksPerSecond === event.process_started;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new MoatError<DenyErrorCode>('not-a-file', `expected a file, got nothing at ${path}`);
  }
}

function realPathOr(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch { return undefined; /* it may be gone; its entry is found by the path it had */ }
}

/** Why a program may not be denied; undefined when it may. */
export function protectedReason(path: string, force: boolean): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const same = (other: string): boolean => {
    const its = statOr(other);
    return its !== undefined && its.ino === found.ino && its.dev === found.dev;
  };
  if (same('/proc/1/exe') || same('/sbin/init')) return 'it is the first process';
  if (same(process.execPath)) return 'it is node, which runs Moat';
  const main = process.argv[1];
  if (main !== undefined && path.startsWith(`${dirname(dirname(realPathOr(main) ?? main))}/`)) return 'it is part of Moat';
  if (!force && found.uid === 0 && systemFolders.some((folder) => path.startsWith(folder))) return 'it belongs to the system (use force to deny it all the same)';
  return undefined;
}

function statOr(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch { return undefined; /* not ours to see */ }
}

const mountLine = /^(\d+) \d+ (\d+):(\d+) /;

/** How the kernel numbers a file. Not by st_dev: btrfs makes that up for each subvolume, its mounts say the real one. */
async function kernelFile(path: string): Promise<KernelFile> {
  const file = await open(path, 'r');
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new MoatError<DenyErrorCode>('not-a-file', `expected a file, got something else at ${path}`);
    const mount = /^mnt_id:\s*(\d+)/m.exec(await readFile(`/proc/self/fdinfo/${file.fd}`, 'utf8'))?.[1];
    for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
      const [, id, major, minor] = mountLine.exec(line) ?? [];
      if (id !== undefined && id === mount) return { inode: found.ino, device: ((Number(major) << 20) | Number(minor)) >>> 0 };
    }
    return { inode: found.ino, device: kernelDevice(found.dev) };
  } finally { await file.close(); }
}

/** A refused exec is thrown by spawn itself or comes as its error. */
async function run(file: string): Promise<'ran' | 'killed' | 'refused'> {
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, { stdio: 'ignore' });
      child.once('error', reject);
      child.once('exit', (_code, signal) => { resolve(signal === 'SIGKILL' ? 'killed' : 'ran'); });
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM' || code === 'EACCES') return 'refused';
    throw error;
  }
}
