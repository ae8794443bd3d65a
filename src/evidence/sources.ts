/** Where items come from: files, tables of /proc, programs. Nothing is changed by looking: times of access stay where we may keep them. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, createReadStream, existsSync, fstatSync } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MoatError, saidBy } from '../core/error.ts';
import { bytesOf, nameOf } from '../linux/file-names.ts';
import type { EvidenceErrorCode } from './error.ts';
import { type Facts, type Item, type Limits, type Mark, nameFor, once, type Opened } from './item.ts';
import { notAFile as notAFileText, statFacts } from './small-file.ts';

const pieceBytes = 1 << 20;
const textPiece = 64 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_NOATIME } = constants;

/** Only its owner and root may read without leaving a trace. */
export async function openQuietly(path: string, follow = false): Promise<FileHandle> {
  const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW);
  try {
    return await open(bytesOf(path), flags | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return await open(bytesOf(path), flags);
  }
}

export interface FileOptions {
  name?: string;
  limits?: Limits;
  /** Follow a link: for those of /proc, which are files themselves. */
  follow?: boolean;
  /** Only its end, when it is longer than the limit: of a log the end is what matters. */
  tail?: boolean;
  facts?: Facts;
  /** Throws when it is not the thing meant any more. */
  check?: () => void;
}

/** A regular file as it is at this moment; a symbolic link gives what it leads to. Others are not opened. */
export function fileItem(path: string, options: FileOptions = {}): Item {
  const name = options.name ?? `files/${nameFor(bytesOf(path))}`;
  return {
    name, source: path, ...(options.limits && { limits: options.limits }),
    ...(!options.follow && !options.check && { plain: { path, facts: options.facts } }),
    async open() {
      if (!options.follow) {
        const found = await lstat(bytesOf(path), { bigint: true });
        if (found.isSymbolicLink()) {
          const target = await readlink(bytesOf(path), 'buffer');
          return { size: target.length, modified: Number(found.mtimeMs), facts: { ...statFacts(found), link: nameOf(target), ...options.facts }, read: once(target) };
        }
        // Opening a pipe or a device does something.
        if (!found.isFile()) throw notAFile(path);
      }
      const handle = await openQuietly(path, options.follow);
      try {
        return openedFile(handle, path, options);
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
  };
}

function notAFile(path: string): MoatError<EvidenceErrorCode> {
  const text = notAFileText(path);
  return new MoatError<EvidenceErrorCode>('bad-input', text.en, { text });
}

function openedFile(handle: FileHandle, path: string, { facts, tail, limits, check }: FileOptions): Opened {
  const before = fstatSync(handle.fd, { bigint: true });
  if (!before.isFile()) throw notAFile(path);
  check?.();
  const whole = Number(before.size);
  const skip = tail === true && limits !== undefined && whole > limits.bytes ? whole - limits.bytes : 0;
  return {
    size: whole - skip, modified: Number(before.mtimeMs), facts: { ...statFacts(before), ...(skip > 0 && { skipped: skip }), ...facts },
    read: pieces(handle, skip, whole),
    marks() {
      const after = fstatSync(handle.fd, { bigint: true });
      return [...(skip > 0 ? [{ what: 'size-limit', bytes: whole } as const] : []), ...(after.size > before.size ? [{ what: 'grew', bytes: Number(after.size) } as const] : [])];
    },
    close: () => handle.close(),
  };
}

/** The next piece is read while the one before is written. */
async function* pieces(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  const length = Math.min(pieceBytes, Math.max(1, to - from));
  let [now, next] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(to - from > length ? length : 0)];
  let at = from;
  const read = (into: Buffer): Promise<number> => handle.read(into, 0, Math.min(into.length, to - at), at).then(({ bytesRead }) => bytesRead);
  let pending = at < to ? read(now) : undefined;
  while (pending) {
    const got = await pending;
    if (got === 0) return;
    const piece = now.subarray(0, got);
    at += got;
    [now, next] = [next, now];
    pending = at < to ? read(now) : undefined;
    // One that nobody waits for any more.
    pending?.catch(() => undefined);
    yield piece;
  }
}

/** A file of /proc or /sys: its size is not known before it is read, and reading it takes no time of access. */
export function tableItem(path: string, name: string, limits?: Limits): Item {
  return { name, source: path, ...(limits && { limits }), open: () => openTable(path) };
}

export async function openTable(path: string): Promise<Opened> {
  const handle = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return { read: untilEnd(handle), close: () => handle.close() };
}

async function* untilEnd(handle: FileHandle): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(textPiece);
  for (;;) {
    const { bytesRead } = await handle.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

/** It is not on this machine: that is no gap. */
export const absent = (path: string): MoatError<EvidenceErrorCode> => new MoatError<EvidenceErrorCode>('absent', `there is no ${path} on this machine`, { zh: `本机没有 ${path}` });

/** Where programs of the system lie; the PATH of whoever started Moat decides nothing. */
const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
const errorMax = 2000;

/** Digests of the programs that were run: which one answered belongs to the evidence. */
const programDigests = new Map<string, Promise<string>>();

function digestOf(path: string): Promise<string> {
  let digest = programDigests.get(path);
  digest ??= (async () => {
    const hash = createHash('sha256');
    for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
    return hash.digest('hex');
  })();
  programDigests.set(path, digest);
  return digest;
}

function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => {
    try { accessSync(path, constants.X_OK); return true; } catch { return false; /* not in this folder */ }
  });
}

export interface CommandOptions { name?: string; limits?: Limits; /** Exit codes that are an answer as well. */ fine?: readonly number[]; /** Not run where this is not. */ needs?: string | undefined }

/** What a program of the machine says; never through a shell. Throws 'absent' when it is not installed. */
export function commandItem(name: string, argv: readonly string[], { limits, fine = [0], needs }: CommandOptions = {}): Item {
  const [program = '', ...args] = argv;
  return {
    name, source: argv.join(' '), ...(limits && { limits }),
    async open(signal) {
      const path = findProgram(program);
      if (path === undefined) throw new MoatError<EvidenceErrorCode>('absent', `the program ${program} is not installed`, { zh: `没有安装 ${program}` });
      if (needs !== undefined && !existsSync(needs)) throw absent(needs);
      const digest = await digestOf(path).catch((error: unknown) => `unknown: ${saidBy(error).en}`);
      // A group of its own, so that what it starts ends with it.
      const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, cwd: '/', env: { PATH: folders.join(':'), LC_ALL: 'C', TERM: 'dumb', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' } });
      const marks: Mark[] = [];
      let said = '';
      child.stderr.on('data', (piece: Buffer) => { if (said.length < errorMax) said += piece.toString('utf8', 0, errorMax); });
      const ended = new Promise<number | string>((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, killed) => resolve(code ?? killed ?? -1));
      });
      ended.catch(() => undefined);
      const kill = (): void => {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
        try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it ended just now */ }
      };
      signal.addEventListener('abort', kill, { once: true });
      return {
        facts: { program: path, program_sha256: digest },
        read: (async function* () {
          try {
            for await (const piece of child.stdout) yield piece as Buffer;
            const code = await ended;
            if (typeof code === 'string' || !fine.includes(code)) marks.push({ what: 'exit', detail: `${code}${said.trim() === '' ? '' : `: ${said.trim().slice(0, 500)}`}` });
          } finally { kill(); }
        })(),
        marks: () => marks,
      };
    },
  };
}
