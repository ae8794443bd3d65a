/**
 * A systemd of the test's own: the real one as the first process of a pid namespace, in a throwaway root whose /usr is this machine's,
 * read-only. It has its own mounts, network, host name and control group, so nothing it starts or stops is the machine's. Its /etc,
 * /run and /var are plain folders that the test can look into. Up in less than a second; ended by the pid of that first process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readProcesses } from '../src/linux/process-tree.ts';
import { Procfs } from '../src/linux/procfs.ts';
import { type Run, runner } from '../src/linux/run.ts';
import { lacks } from './need.ts';
import { canGroup, eventually, ownGroup } from './process-trees.ts';

export interface Systemd {
  root: string;
  /** Of its first process, as this machine numbers it. */
  pid: number;
  /** Runs programs beside it. */
  run: Run;
  /** Writes a file under its root. */
  plant(path: string, text: string): void;
  /** Runs systemctl; throws when it fails. */
  systemctl(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/** Units that are planted set this: nothing of an ordinary start is there to wait for. */
export const bare = '[Unit]\nDefaultDependencies=no\n';

/** In the namespaces of that systemd; a process that is killed needs only its pid. */
export const beside = (pid: number): Run => runner(['nsenter', '-t', String(pid), '-p', '-m', '-n', '-u', '-i', '-C', '-r', '-w']);

export const lacksSystemd = (): boolean => lacks({ root: true, files: ['/lib/systemd/systemd', '/usr/bin/systemctl', '/usr/bin/unshare', '/usr/bin/nsenter', '/usr/bin/setpriv'] }) || (!canGroup() && lacks({ files: ['/sys/fs/cgroup (version 2, to be written)'], why: 'systemd needs a control group of its own' }));

/** `$0` is the root, which units with a sandbox want to be a mount. What is mounted here is seen by nobody outside. */
const script = `
set -e
mount --bind "$0" "$0"
cd "$0"
mount --bind /usr usr
mount -o remount,ro,bind usr
mount --bind run run
mount -t proc proc proc
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
pivot_root . .
umount -l .
exec env -i container=moat-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --unit=test.target --log-target=console --show-status=no
`;

export async function startSystemd(planted: Readonly<Record<string, string>> = {}): Promise<Systemd> {
  const root = mkdtempSync(join(tmpdir(), 'moat-systemd-'));
  // Accounts that are planted walk in it too.
  chmodSync(root, 0o755);
  const plant = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const folder of ['usr', 'run', 'proc', 'sys', 'dev', 'tmp', 'root', 'var/log', 'etc/systemd/system']) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder));
  const base = {
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n', 'etc/os-release': 'ID=test\n', 'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', 'etc/group': 'root:x:0:\n',
    'etc/systemd/system/test.target': bare,
  };
  for (const [path, text] of Object.entries({ ...base, ...planted })) plant(path, text);
  const group = ownGroup('systemd');
  let said = '';
  // Ends with this process, whatever becomes of it.
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group.folder, 'unshare', '--pid', '--mount', '--net', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child', 'sh', '-c', script, root], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-4000); });
  const procfs = new Procfs();
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    const first = [...readProcesses(procfs).values()].find(({ parentPid }) => parentPid === child.pid);
    process.kill(first?.pid ?? child.pid!, 'SIGKILL');
    await ended;
    await eventually(() => groupGone(group.folder));
    rmSync(root, { recursive: true });
  };
  let pid = 0;
  await eventually(() => {
    pid = [...readProcesses(procfs).values()].find(({ parentPid }) => parentPid === child.pid)?.pid ?? 0;
    return child.exitCode !== null || (pid !== 0 && existsSync(join(root, 'run/systemd/private')));
  });
  if (child.exitCode !== null) throw new Error(`systemd did not start: ${said}`);
  const run = beside(pid);
  const systemctl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('systemctl', args);
    if (code !== 0) throw new Error(`systemctl ${args.join(' ')}: ${stderr || stdout} ${said}`);
    return stdout;
  };
  await systemctl('start', 'test.target');
  return { root, pid, run, plant, systemctl, close };
}

/** Removes a control group with those below it; false while somebody is in one. */
export function groupGone(folder: string): boolean {
  const groups = (at: string): string[] => readdirSync(at, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [...groups(join(at, one.name)), join(at, one.name)] : []));
  try {
    for (const one of [...groups(folder), folder]) rmdirSync(one);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}
