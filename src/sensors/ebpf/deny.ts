/**
 * Programs that may not run, by file or by SHA-256. By file the kernel does it: it kills the process before its first
 * instruction (or refuses the exec, where the kernel lets programs do that). A digest is known only once a file has
 * been read, so the first run of a file that was not seen before is killed a moment after it began; so is that of
 * another file put where a denied one lay.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, fstatSync, open, openSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { chmod, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Text } from '../../core/text.ts';
import { Procfs, ticksPerSecond } from '../../linux/procfs.ts';
import { bootTime } from '../../linux/proc-host.ts';
import { essentialReason } from '../../linux/essential.ts';
import { kernelDevice } from './file-maps.ts';

export type DenyErrorCode = 'protected' | 'not-a-file' | 'bad-hash' | 'not-live' | 'full' | 'self-test';

/** As the kernel numbers it: device is major << 20 | minor. */
export interface KernelFile { inode: number; device: number }
export interface DenyEntry { path: string; file: KernelFile; why: string }

/** The kernel's list, as the sensor reaches it. */
export interface KernelList { set(file: KernelFile, on: boolean): Promise<boolean>; count(what: string): void; warn(text: string): void }

/** The package that owns a file which is as it was shipped; '' when none does; undefined when that cannot be told (yet). */
export type OwnerOf = (path: string) => Promise<string | undefined>;

/** `judged`: it was found that it may be denied when somebody asked for it, though not (yet) now. */
export interface WantedFile { path: string; why: string; force?: boolean; judged?: boolean }

/** An entry, and the file held open: as long as it is, the kernel gives its number to no other file. */
interface Held extends DenyEntry { fd: number; /** It is denied for its content, not by its path. */ sha256?: string | undefined }

/** Why what ran may not run; `sha256` when that is for its content. */
interface Judged { path: string; why: string; sha256: string | undefined }

const systemFolders = ['/usr/', '/bin/', '/sbin/', '/lib', '/boot/'];
/** Each is an open file. */
const mostEntries = 2000;
const mostHashes = 10_000;
const mostDigests = 4096;
const mostWaiting = 256;
const hashersMost = 2;
const sweepMs = 10_000;
/** Larger files are not read: a miner is small, and reading takes long. */
const largest = 256 * 1024 * 1024;

const openFd = promisify(open);
/** A FIFO put in the place of a program must not hold us up. */
const readOnly = constants.O_RDONLY | constants.O_NONBLOCK;

const keyOf = ({ inode, device }: KernelFile): string => `${device} ${inode}`;

export class DenyList {
  readonly #entries = new Map<string, Held>();
  /** By the path that was denied: what lies there later is denied when it runs. */
  readonly #paths = new Map<string, { why: string; force: boolean }>();
  readonly #hashes = new Map<string, string>();
  /** Digest by file and state, oldest first. */
  readonly #digests = new Map<string, string>();
  readonly #waiting: Event[] = [];
  #hashing = 0;
  /** Protected programs that ran though their digest or path is denied: said once. */
  readonly #spared = new Set<string>();
  #kernel: KernelList | undefined;
  #wanted: readonly WantedFile[];
  #sweeping: NodeJS.Timeout | undefined;
  readonly #ownerOf: OwnerOf | undefined;
  /** Where the self-test's copy is run. */
  readonly #folder: string;

  /** Files and digests to begin with; the files are looked at when the kernel's list is there. Throws MoatError 'bad-hash'. */
  constructor({ paths = [], hashes = [], ownerOf, folder = tmpdir() }: { paths?: readonly (string | WantedFile)[]; hashes?: readonly (string | { sha256: string; why: string })[]; ownerOf?: OwnerOf; folder?: string } = {}) {
    this.#folder = folder;
    const why = 'listed in the configuration';
    this.#ownerOf = ownerOf;
    this.#wanted = paths.map((one) => (typeof one === 'string' ? { path: one, why } : one));
    for (const one of hashes) {
      if (typeof one === 'string') this.addHash(one, why);
      else this.addHash(one.sha256, one.why);
    }
  }

  /** The kernel's list is there. */
  get isLive(): boolean { return this.#kernel !== undefined; }

  get size(): number { return this.#entries.size + this.#hashes.size; }

  list(): { files: DenyEntry[]; hashes: { sha256: string; why: string }[] } {
    return { files: [...this.#entries.values()].map(({ path, file, why }) => ({ path, file, why })), hashes: [...this.#hashes].map(([sha256, why]) => ({ sha256, why })) };
  }

  /** Why this program may not be denied, whatever is wanted or (without `force`) as it belongs to the system; undefined when it may. */
  async protects(path: string, force = false): Promise<Text | undefined> {
    const never = protectedReason(path, true);
    if (never !== undefined || force) return never;
    const owner = await this.#ownerOf?.(path);
    // One that an intruder put into a folder of the system belongs to nobody; but a link to a program of the system is that program.
    if (owner === '') {
      for (const name of systemNames(path)) if (name !== path && await this.#ownerOf?.(name) !== '') return linkReason(name);
      return undefined;
    }
    if (owner !== undefined) return { zh: `它属于软件包 ${owner}，且未被改动（确要禁止请加 --force）`, en: `it belongs to the package ${owner} and is as shipped (use force to deny it all the same)` };
    return protectedReason(path, false);
  }

  /**
   * Throws MoatError 'protected' for a program of the system (unless `force`) and always for what the machine and Moat
   * cannot do without; 'not-a-file', 'full', 'not-live' when the kernel's list does not take it.
   */
  async add(path: string, why: string, { force = false, judged = false } = {}): Promise<DenyEntry> {
    const real = realPath(path);
    const reason = await this.protects(real, force || judged);
    if (reason !== undefined) throw new MoatError<DenyErrorCode>('protected', `expected a program that may be denied, got ${real}: ${reason.en}`);
    const fd = openSync(real, readOnly);
    try {
      const { file } = await this.#hold(fd, real, real, why);
      this.#paths.set(real, { why, force });
      return { path: real, file, why };
    } catch (error) { closeSync(fd); throw error; }
  }

  /** Denies the file that was opened at `from`; it is this list's from then on, unless this throws. Nothing is protected here: see `add`. */
  async #hold(fd: number, from: string, path: string, why: string, sha256?: string): Promise<Held> {
    const file = await kernelFile(fd, from);
    const key = keyOf(file);
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= mostEntries) throw new MoatError<DenyErrorCode>('full', `expected at most ${mostEntries} denied files, got one more`);
    if (await this.#kernel?.set(file, true) !== true) throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel to take the entry, it did not', { hint: 'see moat status: is the kernel sensor live?' });
    const entry: Held = { path, file, why, fd, sha256 };
    this.#drop(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Forgets the file; the kernel is told by whoever calls. */
  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    closeSync(entry.fd);
  }

  /** Files without any name left cannot be run again: their numbers are given back. */
  async #sweep(): Promise<void> {
    for (const [key, { fd, file }] of this.#entries) {
      if (fstatSync(fd).nlink > 0) continue;
      await this.#kernel?.set(file, false);
      this.#drop(key);
    }
  }

  /** False when it was not in the list. */
  async remove(path: string): Promise<boolean> {
    const real = realPathOr(path);
    let found = this.#paths.delete(path);
    if (real !== undefined && this.#paths.delete(real)) found = true;
    for (const [key, entry] of this.#entries) {
      if (entry.path !== path && entry.path !== real) continue;
      found = true;
      await this.#kernel?.set(entry.file, false);
      this.#drop(key);
    }
    return found;
  }

  /** Throws MoatError 'bad-hash'. */
  addHash(sha256: string, why: string): void {
    if (!/^[0-9a-f]{64}$/i.test(sha256)) throw new MoatError<DenyErrorCode>('bad-hash', `expected 64 hexadecimal digits, got ${sha256.slice(0, 80)}`);
    if (this.#hashes.size >= mostHashes) throw new MoatError<DenyErrorCode>('full', `expected at most ${mostHashes} hashes, got one more`);
    this.#hashes.set(sha256.toLowerCase(), why);
  }

  /** Also lets the files run again that were denied for their digest; false when it was not in the list. */
  async removeHash(sha256: string): Promise<boolean> {
    const digest = sha256.toLowerCase();
    if (!this.#hashes.delete(digest)) return false;
    for (const [key, entry] of this.#entries) {
      if (entry.sha256 !== digest) continue;
      await this.#kernel?.set(entry.file, false);
      this.#drop(key);
    }
    return true;
  }

  /** The kernel's list is there: fills it and proves that it works. Throws what the self-test throws. */
  async connect(kernel: KernelList): Promise<void> {
    this.#kernel = kernel;
    for (const { file } of this.#entries.values()) await kernel.set(file, true);
    for (const { path, why, force = false, judged = false } of this.#wanted) {
      try {
        await this.add(path, why, { force, judged });
      } catch (error) {
        kernel.count('files that could not be denied');
        kernel.warn(`${path} is not denied: ${(error as Error).message}`);
        // It may come: then its first run is seen.
        if ((error as MoatError).code === 'not-a-file') this.#paths.set(path, { why, force });
      }
    }
    this.#wanted = [];
    this.#sweeping = setInterval(() => { this.#sweep().catch((error: unknown) => { kernel.warn(String(error)); }); }, sweepMs).unref();
    await this.selfTest();
  }

  /** The kernel's list is gone; another `connect` may follow. */
  disconnect(): void {
    this.#kernel = undefined;
    clearInterval(this.#sweeping);
  }

  /** For good: lets the files go. */
  close(): void {
    this.disconnect();
    for (const key of this.#entries.keys()) this.#drop(key);
  }

  /**
   * Copies a harmless program, denies the copy, and sees whether it is killed or refused.
   * Throws MoatError 'not-live' without the kernel's list, 'self-test' when the copy ran.
   */
  async selfTest(): Promise<'killed' | 'refused'> {
    const kernel = this.#kernel;
    if (kernel === undefined) throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel sensor to be live, it is not');
    const folder = await mkdtemp(join(this.#folder, 'moat-deny-'));
    try {
      const copy = join(folder, 'true');
      await copyFile('/bin/true', copy);
      await chmod(copy, 0o700);
      const before = await run(copy);
      if (before !== 'ran') throw new MoatError<DenyErrorCode>('self-test', `expected a copy of /bin/true to run in ${folder}, it was ${before}`);
      const fd = openSync(copy, 'r');
      const file = await kernelFile(fd, copy).finally(() => { closeSync(fd); });
      if (!await kernel.set(file, true)) throw new MoatError<DenyErrorCode>('not-live', 'expected the kernel to take the entry, it did not');
      try {
        const after = await run(copy);
        if (after === 'ran') throw new MoatError<DenyErrorCode>('self-test', 'expected the denied program to be killed, it ran');
        return after;
      } finally { await kernel.set(file, false); }
    } finally { await rm(folder, { recursive: true, force: true }); }
  }

  /** An exec: its file is read and compared when digests are denied, and when another file lies where a denied one did. */
  seen(event: Event): void {
    if (event.outcome === 'failure' || event.file_inode === undefined || event.file_device === undefined || (this.#hashes.size === 0 && !this.#isDeniedPath(event))) return;
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
    const { pid, file_inode: inode } = event;
    if (pid === undefined || inode === undefined) return;
    const ran = await openRun(pid, event.process_path, inode);
    if (ran === undefined) { this.#kernel?.count('executables gone before they were read'); return; }
    let judged: Judged | undefined;
    try {
      judged = await this.#judge(event, pid, ran.fd);
      if (judged !== undefined) await this.#hold(ran.fd, ran.from, judged.path, judged.why, judged.sha256);
    } catch (error) { closeSync(ran.fd); throw error; }
    if (judged === undefined) { closeSync(ran.fd); return; }
    if (sameProcess(event)) {
      process.kill(pid, 'SIGKILL');
      this.#kernel?.count(judged.sha256 === undefined ? 'programs killed for their path' : 'programs killed for their digest');
      this.#kernel?.warn(`${judged.path} (pid ${pid}) was killed: ${judged.why}`);
    }
  }

  /** Undefined when the file that was run, open as `fd`, may run. */
  async #judge(event: Event, pid: number, fd: number): Promise<Judged | undefined> {
    const path = event.process_path ?? '';
    const byPath = this.#isDeniedPath(event) ? this.#paths.get(path) : undefined;
    const sha256 = byPath === undefined ? await this.#digest(fd) : undefined;
    const why = byPath?.why ?? (sha256 === undefined ? undefined : this.#hashes.get(sha256));
    if (why === undefined) return undefined;
    // A container's paths say nothing of this machine's, but the file may be one of them.
    const reason = event.container_id === undefined ? await this.protects(path, byPath?.force) : protectedReason(`/proc/${pid}/exe`, false);
    if (reason === undefined) return { path, why, sha256 };
    this.#kernel?.count('runs of denied programs that are protected');
    if (!this.#spared.has(path)) this.#kernel?.warn(`a denied ${byPath === undefined ? 'digest' : 'path'} is that of ${path}, which is protected: ${reason.en}`);
    if (this.#spared.size < mostEntries) this.#spared.add(path);
    return undefined;
  }

  /** A container's paths are its own. */
  #isDeniedPath(event: Event): boolean { return event.container_id === undefined && event.process_path !== undefined && this.#paths.has(event.process_path); }

  async #digest(fd: number): Promise<string | undefined> {
    const found = fstatSync(fd);
    if (found.size > largest) { this.#kernel?.count('executables not read, too large'); return undefined; }
    const key = `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const hash = createHash('sha256');
    for await (const part of createReadStream('', { fd, autoClose: false, start: 0, end: largest })) hash.update(part as Buffer);
    const sha256 = hash.digest('hex');
    if (this.#digests.size >= mostDigests) for (const oldest of this.#digests.keys()) { this.#digests.delete(oldest); break; }
    this.#digests.set(key, sha256);
    return sha256;
  }
}

/**
 * The file that a process began, opened, so that it stays what it is: by the process where that still is, as another
 * file may lie at the path by now, else by the path. Undefined when the file is gone from both.
 */
async function openRun(pid: number, path: string | undefined, inode: number): Promise<{ fd: number; from: string } | undefined> {
  for (const from of [`/proc/${pid}/exe`, path]) {
    const fd = from === undefined ? undefined : await openOr(from);
    if (from === undefined || fd === undefined) continue;
    const found = fstatSync(fd);
    if (found.ino === inode && found.isFile()) return { fd, from };
    closeSync(fd);
  }
  return undefined;
}

/** Undefined when nothing is there (any more). */
async function openOr(path: string): Promise<number | undefined> {
  try {
    return await openFd(path, readOnly);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
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

/** Why a program may not be denied; undefined when it may. `force` puts aside that it lies in a folder of the system. */
export function protectedReason(path: string, force: boolean): Text | undefined {
  const found = statOr(path);
  if (found === undefined) return undefined;
  const essential = essentialReason(found);
  if (essential !== undefined) return essential;
  const main = process.argv[1];
  if (main !== undefined && path.startsWith(`${dirname(dirname(realPathOr(main) ?? main))}/`)) return { zh: '它是 Moat 的一部分', en: 'it is part of Moat' };
  if (force) return undefined;
  if (found.uid === 0 && systemFolders.some((folder) => path.startsWith(folder))) return { zh: '它在系统目录中（确要禁止请加 --force）', en: 'it belongs to the system (use force to deny it all the same)' };
  const [other] = systemNames(path);
  return other === undefined ? undefined : linkReason(other);
}

const linkReason = (name: string): Text => ({ zh: `它就是系统程序 ${name}（同一文件的另一个名字；确要禁止请加 --force）`, en: `it is another name of ${name}, which belongs to the system (use force to deny it all the same)` });

/** The names that a file with several has among the system's programs. */
function systemNames(path: string): string[] {
  const found = statOr(path);
  if (found === undefined || found.nlink < 2) return [];
  const same = (name: string): boolean => {
    const its = statOr(name);
    return its?.ino === found.ino && its.dev === found.dev;
  };
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].flatMap((folder) => namesIn(folder).map((name) => `${folder}/${name}`).filter(same));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch { return []; /* not on this machine */ }
}

function statOr(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch { return undefined; /* not ours to see */ }
}

const mountLine = /^(\d+) \d+ (\d+):(\d+) /;

/** How the kernel numbers an open file. Not by st_dev: btrfs makes that up for each subvolume, its mounts say the real one. */
async function kernelFile(fd: number, path: string): Promise<KernelFile> {
  const found = fstatSync(fd);
  if (!found.isFile()) throw new MoatError<DenyErrorCode>('not-a-file', `expected a file, got something else at ${path}`);
  const mount = /^mnt_id:\s*(\d+)/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
    const [, id, major, minor] = mountLine.exec(line) ?? [];
    if (id !== undefined && id === mount) return { inode: found.ino, device: ((Number(major) << 20) | Number(minor)) >>> 0 };
  }
  return { inode: found.ino, device: kernelDevice(found.dev) };
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
