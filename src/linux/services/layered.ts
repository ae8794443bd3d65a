/**
 * Runs a program over the machine's own files without writing to them: in a mount namespace in which each file system that holds files
 * is covered by a layer in memory, which goes away with the namespace. Network, processes and devices are the machine's own, so what is
 * run must be a check and no service.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../../core/error.ts';
import type { Run, RunResult } from '../run.ts';

export type LayeredErrorCode = 'no-namespace';

export interface LayeredOptions { run: Run; /** An empty folder is made in it. */ scratch: string; timeoutMs?: number }

const usualMs = 30_000;
const layersMax = 24;
/** Exit code by which the script below says that the layers could not be made. */
const notMade = 211;
/** File systems on which programs find their settings and data. */
const ordinary = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'overlay', 'tmpfs', 'jfs', 'reiserfs', 'bcachefs', 'vfat', 'nfs', 'nfs4']);
const leftOut = /^\/(?:proc|sys|dev)(?:\/|$)/;

/** Constant: what differs comes as arguments. The root first, then what is mounted below it, outermost first. */
const script = `set -eu
{
  scratch=$1; shift
  mount -t tmpfs -o size=256m,mode=0755 moat "$scratch"
  mkdir "$scratch/root"
  n=0
  while [ "$1" != -- ]; do
    # A single file, as containers have them: as it is, and closed to writing.
    if [ ! -d "$1" ]; then mount --bind "$1" "$scratch/root$1"; mount -o remount,bind,ro "$scratch/root$1"; shift; continue; fi
    n=$((n+1)); mkdir "$scratch/u$n" "$scratch/w$n"
    chmod --reference="$1" "$scratch/u$n"; chown --reference="$1" "$scratch/u$n"
    mount -t overlay moat -o "lowerdir=$1,upperdir=$scratch/u$n,workdir=$scratch/w$n" "$scratch/root$1"
    shift
  done
  shift
  for one in proc sys dev; do mount --rbind "/$one" "$scratch/root/$one"; done
} >/dev/null || exit ${notMade}
exec chroot "$scratch/root" "$@"
`;

/** Rejects with MoatError 'no-namespace' where this machine does not allow it; then nothing was run. */
export async function runLayered(program: string, args: readonly string[], { run, scratch, timeoutMs = usualMs }: LayeredOptions): Promise<RunResult> {
  const folder = join(scratch, `layers-${process.pid}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const result = await run('unshare', ['--mount', '--ipc', '--uts', '--propagation', 'private', 'sh', '-c', script, 'sh', folder, '/', ...below(), '--', program, ...args], { timeoutMs, outputMax: 4 << 20 });
    if (result.code === notMade || /^unshare:/m.test(result.stderr)) {
      const said = result.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
      throw new MoatError<LayeredErrorCode>('no-namespace', `expected a mount namespace with layers, got: ${said}`, { zh: `无法建立隔离的挂载命名空间：${said}` });
    }
    return result;
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** What is mounted below the root and holds files. Throws when one of them cannot be covered: what is run could write to it. */
function below(): string[] {
  const found = new Set<string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [head = '', tail = ''] = line.split(' - ');
    const point = (head.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    if (point === '' || point === '/' || leftOut.test(point) || !ordinary.has(tail.split(' ')[0] ?? '')) continue;
    if (/[,:\\"\n]/.test(point)) throw new MoatError<LayeredErrorCode>('no-namespace', `expected a mount point that can be covered, got ${JSON.stringify(point)}`);
    found.add(point);
  }
  if (found.size > layersMax) throw new MoatError<LayeredErrorCode>('no-namespace', `expected at most ${layersMax} mounts, got ${found.size}`, { zh: `挂载点太多（${found.size}）` });
  return [...found].sort((a, b) => a.length - b.length);
}
