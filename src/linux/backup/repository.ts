/** Backup repositories as recovery sees them: snapshots, what lies in one, and files taken out of one into a folder. Read only; nothing is ever written to a repository. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { MoatError } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';

export type BackupErrorCode = 'no-program' | 'no-repository' | 'no-snapshot' | 'timed-out';

/** `password_file` and `env_file` are read by the tool or handed over in its environment, never put on a command line. */
export interface BackupSettings { name: string; kind: 'restic' | 'borg'; repository: string; password_file?: string | undefined; env_file?: string | undefined; host?: string | undefined }

/** `time`: when it was made, Unix ms. `covers`: folders that it holds; undefined where the tool does not say. */
export interface Snapshot { id: string; time: number; covers: readonly string[] | undefined }

/** `path` is absolute, as it was on the machine. `modified` Unix ms. */
export interface BackupEntry { path: string; kind: 'file' | 'folder' | 'symlink'; size: number; mode: number; uid: number; gid: number; modified: number }

export interface BackupRepository {
  readonly name: string;
  /** Oldest first. Throws MoatError. */
  snapshots(signal: AbortSignal): Promise<Snapshot[]>;
  /** All of it in these folders (everything in them, however deep) or with these paths. One after the other, so that a snapshot of any size fits. Throws MoatError. */
  list(snapshot: string, within: readonly string[], signal: AbortSignal): AsyncGenerator<BackupEntry>;
  /** Writes these files below a folder of our own, at the paths that they had; with rights, owners and attributes where the process may set them. Throws MoatError. */
  extract(snapshot: string, paths: readonly string[], into: string, signal: AbortSignal): Promise<void>;
}

const fileMax = 64 * 1024;
const saidMax = 2000;
/** Where programs of the system lie. */
const path = '/usr/sbin:/usr/bin:/sbin:/bin';
const variable = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,100})=(.*)$/;

/** A password or settings file: only its owner may have it. Throws MoatError 'no-repository'. */
export function readSecret(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) { throw unusable({ zh: `读不了 ${file}：${(error as Error).message}`, en: `expected to read ${file}: ${(error as Error).message}` }); }
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > fileMax) throw unusable({ zh: `${file} 不是文件，或太大`, en: `expected a small file at ${file}` });
    if ((found.mode & 0o077) !== 0) throw unusable({ zh: `${file} 他人也能读：chmod 600 ${file}`, en: `expected ${file} to be closed to others: chmod 600 ${file}` });
    return readFileSync(fd, 'utf8');
  } finally { closeSync(fd); }
}

/** `KEY=VALUE` lines, for the keys of object storage. */
export function readVariables(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  const found: Record<string, string> = {};
  for (const line of readSecret(file).split('\n')) {
    const [, name, value = ''] = variable.exec(line.trim()) ?? [];
    // What decides which program runs stays ours.
    if (name !== undefined && name !== 'PATH' && !name.startsWith('LD_')) found[name] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return found;
}

export interface Told { env: Readonly<Record<string, string>>; /** Handed over as descriptor 3. */ secret?: string | undefined; cwd?: string; signal: AbortSignal; /** Exit codes that are not a failure. */ fine?: readonly number[] }

/** Each line that the tool says. Throws MoatError 'no-program', or 'no-repository' with the end of what it complained of. */
export async function* linesOf(program: string, args: readonly string[], { env, secret, cwd, signal, fine = [0] }: Told): AsyncGenerator<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...(secret === undefined ? [] : ['pipe' as const])], env: { PATH: path, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env }, signal, killSignal: 'SIGKILL', ...(cwd !== undefined && { cwd }) });
  const ended = new Promise<{ code: number | null; error?: NodeJS.ErrnoException }>((resolve) => {
    child.on('error', (error) => resolve({ code: null, error }));
    child.on('close', (code) => resolve({ code }));
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => { said = (said + chunk).slice(-saidMax); });
  if (secret !== undefined) {
    const fd = child.stdio[3] as NodeJS.WritableStream;
    fd.on('error', () => undefined); // it ended before it asked: its exit code tells
    fd.end(secret);
  }
  try {
    for await (const line of createInterface({ input: child.stdout! })) yield line;
  } finally { if (child.exitCode === null && child.signalCode === null && child.pid !== undefined && !child.stdout!.readableEnded) child.kill('SIGKILL'); }
  const { code, error } = await ended;
  if (error?.code === 'ENOENT') throw new MoatError<BackupErrorCode>('no-program', `expected the program ${program}, it is not installed`, { zh: `没有安装 ${program}`, hint: `apt-get install ${program === 'borg' ? 'borgbackup' : program}` });
  if (signal.aborted) throw new MoatError<BackupErrorCode>('timed-out', `expected ${program} to end in time, it did not`, { zh: `${program} 没有在限时内结束` });
  if (error) throw error;
  if (code === null || !fine.includes(code)) throw unusable({ zh: `${program} 失败（退出码 ${String(code)}）：${plain(said, secret)}`, en: `${program} failed with exit code ${String(code)}: ${plain(said, secret)}` });
}

/** Whatever it complains of, the password and what is written before the @ of an address do not get into logs. */
function plain(said: string, secret: string | undefined): string {
  const word = secret?.trim();
  return (word ? said.replaceAll(word, '***') : said).replaceAll(/:\/\/[^\s/@]{1,500}@/g, '://***@').trim().split('\n').slice(-4).join(' | ').slice(0, 500);
}

const unusable = (text: Text): MoatError<BackupErrorCode> => new MoatError<BackupErrorCode>('no-repository', text.en, { text });
