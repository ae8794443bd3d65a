import { spawn, spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, shown } from '../../../test/throwaway-root.ts';
import { openProbes } from '../../linux/probes.ts';
import { sweep } from '../../linux/sweep.ts';
import { Procfs } from '../../linux/procfs.ts';
import { scanMachine } from '../../../test/live-machine.ts';
import { hiddenProcess } from './check.ts';
import { standing, sweepCalls } from './views.ts';

describe('on a recorded /proc', () => {
  it('finds a process that the kernel answers for and the listing leaves out', async () => {
    const root = makeRoot(machineFiles);
    const report = await scanRoot([hiddenProcess], root, recorded(root, { scheduled: (pid) => [1, 2, 30, 777].includes(pid) }));
    expect(report.findings.map(({ level, pid }) => [level, pid])).toEqual([['critical', 777]]);
    expect(report.verdict).toBe('compromised');
  });

  it('finds the parent that a child names and nobody lists, and members of a control group', async () => {
    const files = { ...machineFiles, ...processFiles({ pid: 801, exe: '/usr/bin/bash', parent: 800 }), '/sys/fs/cgroup/cgroup.procs': '1\n2\n30\n', '/sys/fs/cgroup/system.slice/cgroup.procs': '801\n900\n' };
    const root = makeRoot(files);
    const report = await scanRoot([hiddenProcess], root, recorded(root, {}));
    expect(report.findings.map(({ pid }) => pid).sort((a, b) => a! - b!)).toEqual([800, 900]);
  });

  it('is silent for threads, for what came or went in between, and for old PID files', async () => {
    const root = makeRoot({ ...machineFiles, '/proc/1/task/55/comm': 'x', '/run/old.pid': '4000\n' });
    let asked = 0;
    // 55 is a thread of 1; 66 ends after it answered once; 2 is there.
    const report = await scanRoot([hiddenProcess], root, recorded(root, { scheduled: (pid) => pid === 55 || pid === 2 || (pid === 66 && asked++ === 0) }));
    expect(shown(report)).toEqual([]);
    expect(report.blind).toEqual([]);
  });

  it('finds a mount over /proc/PID and a folder that holds another process', async () => {
    const root = makeRoot({ ...machineFiles, '/proc/self/mountinfo': '22 1 0:5 / /proc rw - proc proc rw\n99 22 0:5 /1 /proc/812 rw - proc proc rw\n', ...processFiles({ pid: 813, exe: '/usr/bin/bash' }), '/proc/813/stat': '1 (systemd) S 0 1 1 0 -1 4194560 0 0 0 0 5 5 0 0 20 0 1 0 10 1000 100 0\n' });
    const report = await scanRoot([hiddenProcess], root, recorded(root, {}));
    expect(shown(report)).toEqual(['critical /proc/812', 'critical /proc/813']);
    expect(report.findings[0]!.fix!.commands).toEqual([['umount', '/proc/812']]);
  });

  it('tells hidepid', async () => {
    const root = makeRoot({ ...machineFiles, '/proc/self/mountinfo': '22 1 0:5 / /proc rw,relatime - proc proc rw,hidepid=invisible\n' });
    const report = await scanRoot([hiddenProcess], root, recorded(root, {}));
    expect(shown(report)).toEqual(['info /proc']);
    expect(report.blind.length > 0).toBe(process.getuid?.() !== 0);
  });

  it('counts ids that there was no time for', async () => {
    const root = makeRoot(machineFiles);
    const { untried } = await sweepCalls(new Procfs(root), (question) => sweep(recorded(root, {}).probes!, question), new AbortController().signal, 0);
    expect(untried).toBe(4096);
  });
});

describe('on this machine', () => {
  const started: { kill(signal: 'SIGKILL'): boolean }[] = [];
  afterEach(() => { for (const one of started.splice(0)) one.kill('SIGKILL'); });

  it('finds nothing hidden while processes and threads come and go', async () => {
    const churn = spawn('/bin/sh', ['-c', 'while :; do /bin/true; done'], { stdio: 'ignore' });
    started.push(churn);
    const report = await scanMachine([hiddenProcess]);
    expect(report.findings.filter(({ level }) => level === 'critical')).toEqual([]);
  });

  it('asks the kernel for a thread and tells it from a process', async () => {
    const procfs = new Procfs('/');
    const probes = await openProbes();
    const thread = procfs.threads(process.pid)!.find((id) => id !== process.pid)!;
    expect([probes.scheduled(thread), probes.signalled(thread), probes.scheduled(4_194_303)]).toEqual([true, true, false]);
    expect(standing(procfs, thread, (pid) => probes.scheduled(pid), () => new Set())).toEqual({ is: 'thread' });
    expect(standing(procfs, process.pid, (pid) => probes.scheduled(pid), () => new Set())).toEqual({ is: 'listed' });
  });

  it.skipIf(lacks({ root: true, files: ['/usr/bin/unshare'] }))('finds a real bind mount over /proc/PID', () => {
    // The scan runs inside the mount namespace in which the mount was made.
    const script = 'sleep 60 & p=$!; mount --bind /proc/1 /proc/$p && "$0" --import tsx test/live-machine.ts hidden-process; echo "pid $p"; kill $p';
    const { stdout, stderr } = spawnSync('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-c', script, process.execPath], { encoding: 'utf8', timeout: 100_000 });
    const pid = /^pid (\d+)$/m.exec(stdout)?.[1];
    expect(pid, stderr).toBeDefined();
    const covered = (JSON.parse(stdout.split('\n', 1)[0]!) as { level: string; path?: string }[]).filter(({ path }) => path === `/proc/${pid}`);
    expect(covered.map(({ level }) => level)).toEqual(['critical']);
  }, 120_000);

  it('says that it compared files only when the kernel cannot be asked', async () => {
    const report = await scanMachine([hiddenProcess], { probes: undefined });
    expect(report.blind.some(({ what }) => what === 'kill, sched_getscheduler')).toBe(true);
  });
});
