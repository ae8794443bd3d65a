/** The package index, read by a process of its own: this one gets columns of numbers, and neither the work nor the garbage. */
import { spawn } from 'node:child_process';
import { besideArguments } from '../beside.ts';
import { PackagesError } from './error.ts';
import { indexOf, packagesTree, type PackageIndex, type SealedPackages } from './index.ts';
import { receivePackages } from './wire.ts';

export interface InProcessOptions {
  signal: AbortSignal;
  /** Arguments for node to run the reader; default is the one beside this module. */
  program?: readonly string[] | undefined;
  timeoutMs?: number;
}

/** A hostile database must not take the memory of the machine: the reader ends there, and that is told. */
const heapMb = 256;
const timeoutMs = 10 * 60_000;
const complaintMax = 2000;
const passed = ['PATH', 'TZ', 'LANG'];

/** Throws as `openPackages`, PackagesError 'not-built' when the reader did not come to its end, and the signal's reason. */
export async function openPackagesInProcess(root: string, options: InProcessOptions): Promise<PackageIndex> {
  const { signal } = options;
  signal.throwIfAborted();
  const program = options.program ?? besideArguments(import.meta.url, 'packages-child');
  if (!program) throw new PackagesError('not-built', 'expected the reader of packages beside Moat, got nothing: the installation is incomplete', { zh: '找不到读软件包数据库的程序：安装不完整' });
  const environment = Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, ...program, root], { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { if (complaint.length < complaintMax) complaint += text; });
  child.stdin.on('error', () => undefined); // it may be gone before us
  const ended = new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => { resolve(`it cannot be started: ${error.message}`); });
    child.on('close', (code, killed) => { resolve(code === 0 ? undefined : `it ended with ${killed ?? code}`); });
  });
  const kill = (): void => { child.kill('SIGKILL'); };
  signal.addEventListener('abort', kill, { once: true });
  let isLate = false;
  const timer = setTimeout(() => { isLate = true; kill(); }, options.timeoutMs ?? timeoutMs);
  timer.unref();
  try {
    const sealed = await receivePackages(child.stdout).catch((error: unknown) => error as Error);
    // Whoever sends what is no index is not waited for.
    if (sealed instanceof Error) kill();
    const failure = await ended;
    signal.throwIfAborted();
    return indexOf(packagesTree(root), settle(sealed, isLate ? 'it took too long' : failure, complaint));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

/** What it sent, when that and its end are in order. */
function settle(sealed: SealedPackages | Error, failure: string | undefined, complaint: string): SealedPackages {
  // What it says of the databases counts whatever became of it; a part of an index tells less than how it ended.
  if (sealed instanceof PackagesError && sealed.code !== 'not-built') throw sealed;
  if (failure !== undefined) throw new PackagesError('not-built', `expected an index from the reader of packages: ${failure}${complaint === '' ? '' : `: ${complaint.trim().slice(0, 500)}`}`);
  if (sealed instanceof Error) throw sealed;
  return sealed;
}
