/**
 * A server of a scenario's own, to be attacked for real: this machine's files under an overlay whose upper layer is memory, with its own
 * systemd, mounts, network, host name and control group. What is planted in it (cron, units, keys, programs with the setuid bit) is in
 * that layer and nowhere else; `files` and `changed` say what it is. Outside of it are the attacker and whoever else is on the internet, in a
 * network namespace. Moat runs in it as on a server: with its files and network, and with the machine's process numbers, which are what
 * the kernel tells. Ended by the pid of its first process.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProcesses } from '../src/linux/process-tree.ts';
import { Procfs } from '../src/linux/procfs.ts';
import { runner, type Run } from '../src/linux/run.ts';
import { lacks } from './need.ts';
import { eventually, ownGroup } from './process-trees.ts';
import { bare, beside, groupGone, lacksSystemd } from './systemd.ts';

export const hostAddress = '192.0.2.1';
/** Addresses outside: who attacks, the attacker's server (downloads, commands), the pool. */
export const attacker = '203.0.113.9', depot = '198.51.100.7', pool = '198.51.100.33';
/** An ordinary visitor, where its packages come from, and the router that the host goes out by, where its people sit. */
export const visitor = '203.0.113.80', registry = '203.0.113.50', office = '192.0.2.9';

export const lacksScenario = (files: readonly string[] = []): boolean => lacksSystemd() || lacks({ root: true, files: ['/usr/bin/setfattr', '/usr/sbin/ip', '/usr/bin/curl', ...files] });

/** What one path was: kind, rights, owner, content. */
export type Files = ReadonlyMap<string, string>;
export interface Change { path: string; before: string; after: string }

export interface ScenarioHost {
  /** Its files, as this machine reaches them. */
  root: string;
  /** Of its first process, as this machine numbers it. */
  pid: number;
  /** Name of the control group that all of it is in. */
  group: string;
  /** What Moat is run with, before its own command line: the host's files and network, the machine's process numbers. */
  enter: readonly string[];
  /** Where a folder of this machine is seen in it, for Moat's configuration and data. */
  data: { here: string; inside: string };
  /** Runs a program in it, as its administrator at the console would. */
  run: Run;
  /** The same; throws when it fails. */
  must(program: string, ...args: string[]): Promise<string>;
  systemctl(...args: string[]): Promise<string>;
  /** Starts a service of its own; its unit is there until the end and not part of what `files` tells. */
  service(name: string, unit: string): Promise<void>;
  plant(path: string, text: string | Buffer, rights?: { mode?: number; uid?: number; gid?: number }): void;
  /** All that is not as this machine has it, with `/dev/shm`. */
  files(): Files;
  /** Processes in it: number and command line. */
  processes(): Map<number, string>;
  /** Runs a program outside of it. */
  outside: Run;
  /** A program outside that runs until the end. */
  beginOutside(program: string, args: readonly string[]): ChildProcess;
  close(): Promise<void>;
}

/** Empty in it whatever this machine has there. */
const emptied = ['tmp', 'var/tmp', 'root', 'home', 'srv', 'work', 'mnt', 'opt', 'var/log', 'var/www', 'var/spool/cron', 'var/lib/redis', 'var/backups', 'var/cache', 'etc/nginx/sites-enabled', 'etc/cron.d', 'etc/moat'];
/** Records of what ran, and what services keep while they run. */
const recordsOnly = /^\/(?:var\/log|var\/lib\/(?:moat|systemd|nginx|php)|var\/cache|run|opt\/moat)(?:\/|$)|^\/dev\/(?!shm\/)|^\/etc\/(?:\.pwd\.lock|machine-id|mtab)$/;

const script = `
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
cd "$0/root"
mount -t tmpfs -o mode=0755 tmpfs run
mkdir -p run/systemd/system run/lock run/sshd
cp -a "$0/units/." run/systemd/system/
for part in "$0"/moat/*; do
  name=$(basename "$part")
  mount --bind "$(readlink "$part")" "opt/moat/$name"
done
mount --bind "$0/data" var/lib/moat
mount -t proc proc proc
mount -t tmpfs -o mode=0755 tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
hostname shop-1
ip link set lo up
pivot_root . .
umount -l .
exec env -i container=moat-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --unit=test.target --log-target=console --show-status=no
`;

/** Moat's own mounts: those of the host, with the process numbers and control groups of the machine, its first process in the place of the machine's. systemd speaks only to those whose numbers it knows: systemctl goes to it. */
const enterScript = `
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount --bind "/proc/$0" /proc/1
mkdir -p /run/moat-bin
printf '#!/bin/sh\nexec nsenter -t %s -m -p -C -r -w /usr/bin/systemctl "$@"\n' "$0" > /run/moat-bin/systemctl
chmod 755 /run/moat-bin/systemctl
mount -t overlay overlay -o lowerdir=/run/moat-bin:/usr/sbin /usr/sbin
umount /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
exec "$@"
`;

/** What packages and intruders order their units after is reached at once: nothing of an ordinary start is there to wait for. */
const targets = ['test', 'sysinit', 'basic', 'multi-user', 'network', 'network-online', 'shutdown', 'timers', 'sockets', 'paths', 'slices', 'local-fs', 'remote-fs', 'nss-user-lookup', 'time-sync'].map((name) => `${name}.target`);
const wanting = ['sysinit', 'basic', 'multi-user', 'sockets', 'timers', 'local-fs', 'graphical', 'getty', 'network-online', 'paths', 'remote-fs'];

const repository = fileURLToPath(new URL('..', import.meta.url));
let made = 0;

export async function startScenarioHost(): Promise<ScenarioHost> {
  const base = mkdtempSync('/dev/shm/moat-host-');
  const here = mkdtempSync(join(tmpdir(), 'moat-host-data-'));
  chmodSync(base, 0o755);
  const upper = join(base, 'upper');
  // Once the overlay stands its layers are changed through it only.
  let top = upper;
  for (const name of ['upper', 'work', 'root', 'units', 'moat', 'data']) mkdirSync(join(base, name));
  rmSync(join(base, 'data'), { recursive: true });
  symlinkSync(here, join(base, 'data'));
  const plant: ScenarioHost['plant'] = (path, text, { mode = 0o644, uid = 0, gid = 0 } = {}) => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text, { mode });
    chmodSync(join(top, path), mode);
    chownSync(join(top, path), uid, gid);
  };
  for (const folder of emptied) {
    mkdirSync(join(upper, folder), { recursive: true });
    execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(upper, folder)]);
    copyRights(`/${folder}`, join(upper, folder));
  }
  // A folder that is made on the way to one of these hides nothing, but must have the rights that it has.
  for (const folder of ['var', 'etc', 'var/spool', 'var/lib', 'etc/nginx']) copyRights(`/${folder}`, join(upper, folder));
  for (const [folder, mode] of [['var/spool/cron/crontabs', 0o1730], ['var/www/html', 0o755], ['var/lib/moat', 0o700], ['opt/moat', 0o755], ['var/log/nginx', 0o755], ['var/log/redis', 0o755], ['root/.ssh', 0o700]] as const) {
    mkdirSync(join(upper, folder), { recursive: true });
    chmodSync(join(upper, folder), mode);
  }
  execFileSync('chgrp', ['crontab', join(upper, 'var/spool/cron/crontabs')]);
  for (const name of ['wtmp', 'btmp', 'lastlog']) plant(`/var/log/${name}`, '', { mode: 0o664 });
  plant('/etc/hostname', 'shop-1\n');
  plant('/etc/crontab', `SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n`);
  plant('/etc/resolv.conf', `nameserver ${office}\n`);
  plant('/root/.bashrc', 'alias ll="ls -l"\n');
  for (const name of ['bin', 'dist', 'rules', 'playbooks', 'signatures', 'locales', 'matrix', 'baselines', 'intel', 'sensor', 'console', 'package.json', 'node_modules']) {
    if (!existsSync(join(repository, name))) continue;
    symlinkSync(realpathSync(join(repository, name)), join(base, 'moat', name));
    if (lstatSync(realpathSync(join(repository, name))).isDirectory()) mkdirSync(join(upper, 'opt/moat', name));
    else writeFileSync(join(upper, 'opt/moat', name), '');
  }
  for (const name of targets) writeFileSync(join(base, 'units', name), bare);
  for (const folder of wanting.flatMap((name) => [`/lib/systemd/system/${name}.target.wants`, `/etc/systemd/system/${name}.target.wants`])) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) if (!existsSync(join(base, 'units', name))) symlinkSync('/dev/null', join(base, 'units', name));
  }

  const group = ownGroup(`host${made}`);
  let said = '';
  const child = spawn('sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group.folder, 'unshare', '--pid', '--mount', '--net', '--uts', '--ipc', '--cgroup', '--fork', 'sh', '-c', script, base], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-8000); });
  // Whatever becomes of this process: when its end of the line is gone, so is the host.
  const guard = spawn('sh', ['-c', 'read -r line; for pid in $(cat "$0/cgroup.procs"); do kill -KILL "$pid"; done', group.folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const procfs = new Procfs();
  const ended = once(child, 'exit');
  const namespace = `ms${process.pid.toString(36)}${made++}`;
  const started: ChildProcess[] = [];
  let pid = 0;
  const close = async (): Promise<void> => {
    for (const one of started) {
      if (one.exitCode !== null || one.signalCode !== null) continue;
      const gone = once(one, 'exit');
      one.kill('SIGKILL');
      await gone;
    }
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    if (pid !== 0) process.kill(pid, 'SIGKILL');
    await ended;
    await eventually(() => groupGone(group.folder));
    const unguarded = once(guard, 'exit');
    guard.stdin.end();
    await unguarded;
    if (existsSync(`/run/netns/${namespace}`)) {
      // What its programs started outlives them: socat has a process for each connection.
      for (const left of execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).split('\n').filter(Boolean)) try { process.kill(Number(left), 'SIGKILL'); } catch { /* it has ended */ }
      ip('netns', 'del', namespace);
    }
    rmSync(base, { recursive: true, force: true });
    rmSync(here, { recursive: true, force: true });
  };
  try {
    await eventually(() => {
      pid = [...readProcesses(procfs).values()].find(({ parentPid }) => parentPid === child.pid)?.pid ?? 0;
      return child.exitCode !== null || (pid !== 0 && existsSync(`/proc/${pid}/root/run/systemd/private`) && readlinkSync(`/proc/${pid}/root`) === '/');
    });
    if (child.exitCode !== null) throw new Error(`the host of the scenario did not start: ${said}`);
    // Its first process has nobody above it, as on a machine: who started it is no part of what happens in it.
    child.kill('SIGKILL');
    await ended;
    ip('netns', 'add', namespace);
    ip('link', 'add', 'eth0', 'netns', namespace, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
    for (const address of [`${office}/24`, `${attacker}/32`, `${depot}/32`, `${pool}/32`, `${visitor}/32`, `${registry}/32`]) ip('-n', namespace, 'addr', 'add', address, 'dev', 'eth0');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    const inNet = runner(['nsenter', '-t', String(pid), '-n']);
    for (const args of [['addr', 'add', `${hostAddress}/24`, 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'], ['route', 'add', 'default', 'via', office]]) {
      const { code, stderr } = await inNet('ip', args);
      if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
    }
    const run = beside(pid);
    const must: ScenarioHost['must'] = async (program, ...args) => {
      const { code, stdout, stderr } = await run(program, args);
      if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || stdout} ${said}`);
      return stdout;
    };
    top = `/proc/${pid}/root`;
    await must('systemctl', 'start', 'test.target');
    return {
      root: top, pid, group: basename(group.folder), run, must, plant, data: { here, inside: '/var/lib/moat' },
      enter: ['nsenter', '-t', String(pid), '-m', '-n', '-u', '-i', '-r', '-w', 'unshare', '--mount', 'sh', '-c', enterScript, String(pid)],
      systemctl: (...args) => must('systemctl', ...args),
      async service(name, unit) {
        const path = `/proc/${pid}/root/run/systemd/system/${name}.service`;
        rmSync(path, { force: true });
        writeFileSync(path, `${bare}${unit}`);
        await must('systemctl', 'daemon-reload');
        await must('systemctl', 'start', `${name}.service`);
      },
      files: () => filesOf(upper, `/proc/${pid}/root/dev/shm`),
      processes() {
        const inner = readlinkSync(`/proc/${pid}/ns/pid`);
        const found = new Map<number, string>();
        for (const one of procfs.pids()) {
          try {
            // Containers in it have process numbers of their own.
            if (readlinkSync(`/proc/${one}/ns/pid`) === inner || readFileSync(`/proc/${one}/cgroup`, 'utf8').includes(`/${basename(group.folder)}/`)) found.set(one, readFileSync(`/proc/${one}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
          } catch { /* it has ended */ }
        }
        return found;
      },
      outside: runner(['ip', 'netns', 'exec', namespace]),
      beginOutside(program, args) {
        const one = spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
        started.push(one);
        return one;
      },
      close,
    };
  } catch (error) { await close(); throw error; }
}

/** What is another after than before. What only records is left out. */
export function changed(before: Files, after: Files): Change[] {
  const changes: Change[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(path) ?? below(path), is = after.get(path) ?? below(path);
    if (was !== is) changes.push({ path, before: was, after: is });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What the machine has there, where the upper layer has nothing. */
const below = (path: string): string => (path.startsWith('/dev/') || emptied.some((folder) => path.startsWith(`/${folder}/`)) ? 'absent' : stateOf(path));

function filesOf(upper: string, memory: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (folder: string, name: string): void => {
    for (const one of readdirSync(folder)) {
      const path = `${name}/${one}`;
      if (recordsOnly.test(path)) continue;
      found.set(path, stateOf(join(folder, one)));
      if (lstatSync(join(folder, one)).isDirectory()) walk(join(folder, one), path);
    }
  };
  walk(upper, '');
  walk(memory, '/dev/shm');
  return found;
}

function stateOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  // A character device with the number 0 says in an upper layer that what lies below is gone.
  if (stat === undefined || (stat.isCharacterDevice() && stat.rdev === 0)) return 'absent';
  const rights = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
  if (stat.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  if (stat.isDirectory()) return `folder ${rights}`;
  if (!stat.isFile()) return `other ${rights}`;
  return `file ${rights} ${stat.size} ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16)}`;
}

function copyRights(from: string, to: string): void {
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return;
  chmodSync(to, stat.mode & 0o7777);
  chownSync(to, stat.uid, stat.gid);
}

function ip(...args: string[]): void { execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] }); }
