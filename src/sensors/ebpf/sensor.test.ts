import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { KernelView } from '../kernel-view.ts';
import { processSensor } from '../process/sensor.ts';
import { kernelFeatures } from './features.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

let stage: Stage;
const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

beforeAll(async () => { stage = await openStage(); });
afterEach(() => stage.clear());
afterAll(() => { stage.remove(); });

describe.skipIf(await lacksEbpf(lacks))('processes', () => {
  it('tells an exec in full, the moment it happens, and the end', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const odd = join(stage.folder, 'x) S 1 (y');
    copyFileSync('/bin/sleep', odd);
    const child = stage.run(odd, ['301', '1s'], { PATH: '/bin', LD_PRELOAD: '/nowhere/x.so', GLIBC_TUNABLES: 'glibc.malloc.check=1', LDX: 'no' });
    const started = await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    const { ino, dev } = statSync(odd);
    expect(started).toMatchObject({
      kind: 'process_creation', category: 'process', process_name: 'x) S 1 (y', process_path: odd, process_cmdline: `${odd} 301 1s`, process_cwd: stage.folder,
      parent_pid: process.pid, parent_path: process.execPath, uid: process.getuid?.(), user: 'root', host: 'testhost', source: 'ebpf', file_inode: ino, file_device: dev,
      extra: { LD_PRELOAD: '/nowhere/x.so', GLIBC_TUNABLES: 'glibc.malloc.check=1' },
    });
    expect(Math.abs(started.time - Date.now())).toBeLessThan(20_000);
    child.kill('SIGTERM');
    const ended = await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    expect(ended).toMatchObject({ action: 'process-end', exit_code: 143, process_path: odd, process_started: started.process_started });
  });

  it('finds variables of the loader behind long ones, among many, and where there is nothing else', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const loader = { LD_LIBRARY_PATH: '/nowhere' };
    const many = Object.fromEntries(Array.from({ length: 62 }, (_, i) => [`GOOD_${i}`, 'L'.repeat(i)]));
    const environments = [{ LONG: 'x'.repeat(6000), ...loader }, { ...many, ...loader }, loader, { G: '', L: '', LD: '', ...loader, GCONV_PATH: '/g' }, {}, { LD_: '' }];
    const children = environments.map((environment, i) => stage.run('/bin/sleep', [`30${i}`], environment));
    const extras = await Promise.all(children.map(async ({ pid }) => (await trial.until((e) => e.pid === pid && e.action === 'process-start' && e.process_path?.endsWith('sleep') === true)).extra));
    const told = extras.map((extra) => Object.fromEntries(Object.entries(extra ?? {}).filter(([name]) => /^[A-Z]/.test(name))));
    expect(told).toEqual([loader, loader, loader, { ...loader, GCONV_PATH: '/g' }, {}, { LD_: '' }]);
  });

  it('sees what lives for a moment, each with its parent, command line and exit code', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.run('/bin/sh', ['-c', 'for i in 1 2 3 4 5 6 7 8; do /bin/echo short $i; done; exit 3']);
    const ended = await trial.until((e) => e.action === 'process-end' && e.pid === child.pid);
    expect(ended.exit_code).toBe(3);
    const echoes = trial.events.filter((e) => e.action === 'process-start' && e.parent_pid === child.pid);
    expect(echoes.map((e) => e.process_cmdline)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => `/bin/echo short ${i}`));
    for (const echo of echoes) {
      expect(echo.parent_cmdline).toContain('/bin/sh -c for i in');
      const about = trial.events.filter((e) => e.pid === echo.pid).map((e) => e.action);
      expect(about).toEqual(['fork', 'process-start', 'process-end']);
    }
    expect(new Set(trial.events.map((e) => e.id)).size).toBe(trial.events.length);
  });

  it('knows a program without a file, and standard streams that are a pipe or socket', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const script = join(stage.folder, 'memfd.py');
    writeFileSync(script, 'import os\nfd = os.memfd_create("hidden")\nos.write(fd, open("/bin/true", "rb").read())\nos.execve(fd, ["harmless"], {})\n');
    spawnSync('python3', [script], { stdio: ['pipe', 'inherit', 'inherit'] });
    const started = await trial.until((e) => e.process_cmdline === 'harmless');
    expect(started).toMatchObject({ process_path: '/memfd:hidden (deleted)', extra: { memfd: 'true' } });

    const gone = join(stage.folder, 'gone');
    execFileSync('/bin/sh', ['-c', `cp /bin/sleep ${gone}; exec 9<${gone}; rm ${gone}; exec /proc/self/fd/9 0`], { stdio: ['pipe', 'ignore', 'ignore'] });
    const deleted = await trial.until((e) => e.process_path === `${gone} (deleted)`);
    // Node gives sockets between processes for pipes.
    expect(deleted.extra).toEqual({ deleted: 'true', stdin: 'unix' });
  });

  it('knows what standard streams are: a connection, a socket between processes, another one, a pipe', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.python(`
import os, socket, subprocess, sys
far = socket.create_server(('127.0.0.1', 0)); near = socket.create_connection(far.getsockname())
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); one, other = socket.socketpair(); link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); r, w = os.pipe()
run = lambda name, i, o, e: subprocess.run(['/bin/true', name], stdin=i, stdout=o, stderr=e)
run('network', near, six, near); run('local', one, w, other); run('mixed', r, link, sys.stderr)
pid = os.fork()
if pid == 0:
  for n in (0, 1, 2): os.close(n)
  os.execv('/bin/true', ['/bin/true', 'closed'])
os.waitpid(pid, 0)
run('plain', open('/etc/hostname'), open('/dev/null', 'w'), os.open('/dev/tty', os.O_RDWR) if sys.stdin.isatty() else subprocess.DEVNULL)`);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    const streams = (name: string): unknown => trial.events.find((e) => e.action === 'process-start' && e.process_cmdline === `/bin/true ${name}`)?.extra;
    expect(streams('network')).toEqual({ stdin: 'inet', stdout: 'inet', stderr: 'inet' });
    expect(streams('local')).toEqual({ stdin: 'unix', stdout: 'pipe', stderr: 'unix' });
    expect(streams('mixed')).toMatchObject({ stdin: 'pipe', stdout: 'socket' });
    expect(streams('closed')).toBeUndefined();
    expect(streams('plain')).toBeUndefined();
  });

  it('says the same start as the polling sensor does', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.run('/bin/sleep', ['302']);
    const kernel = await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    const polling = stage.follow(processSensor({ everyMs: 100 }));
    const polled = await polling.until((e) => e.pid === child.pid);
    const same = ['process_started', 'process_path', 'process_cmdline', 'process_cwd', 'process_name', 'parent_pid', 'parent_path', 'parent_cmdline', 'uid', 'user', 'terminal', 'container_id'] as const;
    for (const name of same) expect([name, kernel[name]]).toEqual([name, polled[name]]);
  });

  it('cuts a long command line, and reads on', async () => {
    const trial = await stage.live({ files: false, calls: false });
    const child = stage.run('/bin/true', Array.from({ length: 3000 }, (_, i) => `argument-${i}`));
    const started = await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    expect(started.process_cmdline?.length).toBe(4095);
    expect(started.process_cmdline?.startsWith('/bin/true argument-0 argument-1 ')).toBe(true);
    const next = stage.run('/bin/true', ['after']);
    await trial.until((e) => e.pid === next.pid && e.process_cmdline === '/bin/true after');
  });

  it('beside it the polling sensor tells what was there before, and nothing twice', async () => {
    const before = stage.run('/bin/sleep', ['303']);
    const view = new KernelView();
    const polling = stage.follow(processSensor({ everyMs: 100, socketsEveryMs: 100, kernel: view }));
    const trial = await stage.live({ view, files: false, calls: false });
    const seen = await polling.until((e) => e.pid === before.pid);
    expect(seen.action).toBe('process-seen');
    const child = stage.run('/bin/sleep', ['304']);
    await trial.until((e) => e.pid === child.pid && e.action === 'process-start');
    await pause(500);
    expect(polling.events.filter((e) => e.pid === child.pid)).toEqual([]);

    // The kernel sensor ends: the polling sensor takes over without telling again what was told.
    await trial.stop();
    const after = stage.run('/bin/sleep', ['305']);
    await polling.until((e) => e.pid === after.pid && e.action !== 'process-end');
    expect(polling.events.filter((e) => e.pid === child.pid)).toEqual([]);
  });
});

describe('what the machine offers', () => {
  it('is told with what to do', () => {
    const features = kernelFeatures();
    expect(features.map(({ name }) => name)).toEqual(['tracefs', 'cgroup2', 'lsm']);
    for (const { there, what, todo } of features) {
      expect(what.zh).not.toBe('');
      expect(there || todo !== undefined).toBe(true);
    }
  });
});

describe('where it cannot work', () => {
  it('says what is missing instead of seeing nothing in silence', async () => {
    const view = new KernelView();
    await expect(stage.live({ objects: stage.folder, view })).rejects.toThrow(/expected an eBPF object in/);
    await expect(stage.clear()).rejects.toThrow(/expected an eBPF object in/);
    expect(view.processes).toBe(false);
    await view.settled(60_000, AbortSignal.timeout(60_000));
  });
});
