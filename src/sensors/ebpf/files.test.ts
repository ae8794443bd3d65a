import { assert, integer, property } from 'fast-check';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Trial } from '../trial.ts';
import { fileWatch, kernelDevice } from './file-maps.ts';
import { tidyPath } from './files.ts';
import { userDevice } from './processes.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

let stage: Stage;
const lacking = lacks({ files: ['/usr/bin/python3'] }) || await lacksEbpf(lacks);

/** Runs it to its end and tells what it did to files, in order. */
async function touched(trial: Trial, code: string): Promise<Event[]> {
  const child = stage.python(`import os\n${code}`);
  const ended = await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
  expect(ended.exit_code).toBe(0);
  return trial.events.filter((e) => e.kind === 'file_event' && e.pid === child.pid);
}

const short = (events: readonly Event[]): (string | undefined)[][] => events.map((e) => [e.action, e.file_path?.split('/').at(-1)]);

describe.skipIf(lacking)('files', () => {
  let trial: Trial;
  let secret: string, quiet: string;

  // One sensor for all tests: taking it off takes the kernel seconds.
  beforeAll(async () => {
    stage = await openStage();
    secret = join(stage.folder, 'id_rsa');
    quiet = join(stage.folder, 'quiet-cp');
    copyFileSync('/bin/cp', quiet);
    chmodSync(quiet, 0o755);
    trial = await stage.live({ calls: false, files: { secrets: [secret], quiet_programs: [quiet, '/nowhere'], ignore: [`${stage.folder}/quiet/`], watch: [`${stage.folder}/quiet/loud/`] } });
  });
  afterAll(async () => {
    await stage.clear();
    stage.remove();
  });

  it('tells a file made, written, emptied, renamed and removed, with who did it', async () => {
    const old = join(stage.folder, 'was there.txt');
    writeFileSync(old, 'x');
    const { ino, dev } = statSync(old);
    const events = await touched(trial, `
os.chdir('${stage.folder}')
open('made', 'w').write('x')
open('${old}', 'a').write('y')
os.rename('made', '${stage.folder}/renamed'); os.unlink('renamed')
os.truncate('${old}', 0); os.close(os.open('${old}', os.O_WRONLY | os.O_TRUNC))`);
    expect(short(events)).toEqual([['create', 'made'], ['write', 'was there.txt'], ['rename', 'renamed'], ['delete', 'renamed']]);
    expect(events[0]).toMatchObject({ kind: 'file_event', category: 'file', outcome: 'success', file_path: join(stage.folder, 'made'), user: 'root', process_path: expect.stringContaining('python3') as string, extra: undefined });
    expect(events[1]).toMatchObject({ file_path: old, file_inode: ino, file_device: dev });
    expect(events[2]).toMatchObject({ file_path: join(stage.folder, 'renamed'), file_from: join(stage.folder, 'made') });
  });

  it('tells changed rights, owners, attributes and links, by path, folder and descriptor', async () => {
    mkdirSync(join(stage.folder, 'd'));
    for (const name of ['a', 'b', 'c']) writeFileSync(join(stage.folder, 'd', name), 'x');
    const events = await touched(trial, `
os.chdir('${stage.folder}/d'); d = os.open('.', os.O_RDONLY); f = os.open('c', os.O_RDONLY)
os.chmod('a', 0o4755); os.chmod('b', 0o600, dir_fd=d); os.fchmod(f, 0o700)
os.chown('a', 65534, -1); os.fchown(f, 65534, 65534); os.lchown('b', -1, 65534)
os.setxattr('a', 'user.note', b'1')
os.link('a', 'hard'); os.symlink('../etc/x', 'soft')
os.rename('hard', 'hard2', src_dir_fd=d, dst_dir_fd=d); os.unlink('hard2', dir_fd=d); os.rmdir('${stage.folder}/d/nothing') if os.path.exists('nothing') else None
try: os.chmod('missing', 0o777)
except OSError: pass`);
    const at = (name: string): string => join(stage.folder, 'd', name);
    expect(events.map((e) => [e.action, e.file_path, e.file_from, e.extra])).toEqual([
      ['chmod', at('a'), undefined, { mode: '4755' }], ['chmod', at('b'), undefined, { mode: '0600' }], ['chmod', at('c'), undefined, { mode: '0700' }],
      ['chown', at('a'), undefined, { owner: '65534' }], ['chown', at('c'), undefined, { owner: '65534', group: '65534' }], ['chown', at('b'), undefined, { group: '65534' }],
      ['setxattr', at('a'), undefined, { attribute: 'user.note' }],
      ['link', at('hard'), at('a'), undefined], ['link', at('soft'), undefined, { target: '../etc/x' }],
      ['rename', at('hard2'), at('hard'), undefined], ['delete', at('hard2'), undefined, undefined],
    ]);
    expect(events[2]?.file_inode).toBe(statSync(at('c')).ino);
  });

  it('tells one file opened again and again once a second, with how often', async () => {
    const events = await touched(trial, `
import time
open('${stage.folder}/again', 'w').close()
for i in range(50): open('${stage.folder}/again', 'a').write('x')
time.sleep(1.1)
open('${stage.folder}/again', 'a').close()`);
    expect(events.map((e) => [e.action, e.extra])).toEqual([['create', undefined], ['write', { empty: 'true' }], ['write', { again: '49' }]]);
  });

  it('follows the longest prefix, tells levers of the kernel wherever they are, and passes over pseudo files', async () => {
    mkdirSync(join(stage.folder, 'quiet/loud'), { recursive: true });
    const events = await touched(trial, `
f = '${stage.folder}/'
for name in ['quiet/a', 'quiet/loud/b', 'quietly', 'quiet/release_agent']: open(f + name, 'w').close()
os.rename(f + 'quiet/a', f + 'out'); os.unlink(f + 'quiet/release_agent')
open('/dev/null', 'w').write('x'); open('/proc/self/comm', 'w').write('x')
a, b = os.pipe(); os.fdopen(b, 'w').close()`);
    expect(short(events)).toEqual([['create', 'b'], ['create', 'quietly'], ['create', 'release_agent'], ['rename', 'out']]);
  });

  it('tells who reads a credential, and nobody else', async () => {
    const other = join(stage.folder, 'sub');
    mkdirSync(other);
    writeFileSync(secret, 'x');
    writeFileSync(join(other, 'id_rsa'), 'x');
    const events = await touched(trial, `open('${secret}').read(); open('${other}/id_rsa').read(); open('/etc/passwd').read(); open('${secret}', 'a').close()`);
    expect(events.map((e) => [e.action, e.file_path])).toEqual([['read', secret], ['write', secret]]);
    expect(fileWatch().reads).toEqual(expect.arrayContaining(['/root/.npmrc']));
  });

  it('tells secrets read by their names, in whatever home, container or mounted root they lie', async () => {
    const told = ['.ssh/id_ed25519', '.ssh/deploy', '.ssh/a.pem', 'any/etc/shadow', '.aws/credentials', '.kube/config', '.docker/config.json', '.pgpass', '.config/gcloud/application_default_credentials.json'];
    const untold = ['.ssh/id_ed25519.pub', '.ssh/known_hosts', '.ssh/config', '.ssh/authorized_keys', '.ssh/sub/x', 'etcetera/shadow', 'config', 'config.json', '.npmrc', 'credentials', '.git/config', `${'x'.repeat(70)}/config`, `.ssh2/${'x'.repeat(80)}`];
    const home = join(stage.folder, 'home');
    for (const name of [...told, ...untold]) {
      mkdirSync(dirname(join(home, name)), { recursive: true });
      writeFileSync(join(home, name), 'x');
    }
    const events = await touched(trial, `for name in ${JSON.stringify([...told, ...untold])}: open('${home}/' + name).read()`);
    expect(events.map((e) => [e.action, e.file_path])).toEqual(told.map((name) => ['read', join(home, name)]));
  });

  it('tells memory and environment of another process opened, once a second, and not a process\'s own', async () => {
    const victim = stage.run('/bin/sleep', ['300']);
    await trial.until((e) => e.pid === victim.pid && e.action === 'process-start');
    const events = await touched(trial, `
import threading
for name in ('self', 'thread-self', str(os.getpid())):
  open('/proc/%s/environ' % name).read(); os.close(os.open('/proc/%s/mem' % name, os.O_RDWR))
t = threading.Thread(target=lambda: [open('/proc/self/environ').read(), open('/proc/thread-self/environ').read()]); t.start(); t.join()
open('${stage.folder}/environ', 'w').close(); open('${stage.folder}/environ').read(); os.unlink('${stage.folder}/environ')
for i in range(9): open('/proc/${victim.pid}/environ').read()
open('/proc/${victim.pid}/cmdline').read(); open('/proc/${victim.pid}/task/${victim.pid}/environ').read()
os.close(os.open('/proc/${victim.pid}/mem', os.O_RDONLY)); os.close(os.open('/proc/${victim.pid}/mem', os.O_RDWR))`);
    expect(events.filter((e) => e.file_path?.startsWith('/proc/')).map((e) => [e.action, e.file_path, e.extra])).toEqual([
      ['read', `/proc/${victim.pid}/environ`, { owner: String(process.getuid?.()) }], ['read', `/proc/${victim.pid}/mem`, { owner: String(process.getuid?.()) }], ['write', `/proc/${victim.pid}/mem`, { empty: 'true' }],
    ]);
  });

  it('tells who wrote what gives power in /sys, /proc/sys, /run and /dev, and passes over the rest there', async () => {
    // core_pattern is written as it is; the rest are files of the test's own, in a mount namespace.
    const child = stage.run('/usr/bin/unshare', ['-m', '--propagation', 'private', '/bin/sh', '-c', `
mount -t tmpfs t /run && : > /run/utmp && : > /run/other.pid && mkdir -p /run/log/journal/x && : > /run/log/journal/x/system.journal
mount -t tmpfs t /sys/fs && mkdir -p /sys/fs/cgroup/a/b && for f in release_agent a/notify_on_release a/b/release_agent a/cgroup.procs; do : > /sys/fs/cgroup/$f; done
mount -t tmpfs t /sys/kernel && mkdir -p /sys/kernel/mm/hugepages /sys/kernel/tracing/events && for f in uevent_helper mm/hugepages/nr tracing/trace_marker tracing/tracing_on tracing/events/enable; do : > /sys/kernel/$f; done
cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern
mount -t tmpfs t /dev/shm && : > /dev/shm/x
mount -t tmpfs t ${stage.folder}/quiet && : > ${stage.folder}/quiet/nothing && mknod ${stage.folder}/quiet/disk b 7 300 && mknod ${stage.folder}/quiet/memory c 1 1 && mknod ${stage.folder}/quiet/null c 1 3 && mknod ${stage.folder}/quiet/fifo p
: > /dev/null; : > ${stage.folder}/quiet/null`]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    // The programs that sh starts are its children: theirs are here too.
    const started = trial.events.filter((e) => e.action === 'process-start' && e.parent_pid === child.pid).map((e) => e.pid);
    const told = trial.events.filter((e) => e.kind === 'file_event' && (e.pid === child.pid || started.includes(e.pid))).map((e) => [e.action, e.file_path, e.extra]);
    const quiet = join(stage.folder, 'quiet');
    expect(told.filter(([, path]) => path !== '/proc/sys/kernel/core_pattern')).toEqual([
      ...['/run/utmp', '/run/log/journal/x/system.journal', '/sys/fs/cgroup/release_agent', '/sys/fs/cgroup/a/notify_on_release', '/sys/fs/cgroup/a/b/release_agent',
        '/sys/kernel/uevent_helper', '/sys/kernel/mm/hugepages/nr', '/sys/kernel/tracing/tracing_on', '/sys/kernel/tracing/events/enable', '/dev/shm/x'].map((path) => ['create', path, undefined]),
      ['create', `${quiet}/disk`, { device: 'block 7:300' }], ['create', `${quiet}/memory`, { device: 'character 1:1' }],
    ]);
    expect(told.filter(([, path]) => path === '/proc/sys/kernel/core_pattern')).toEqual([['write', '/proc/sys/kernel/core_pattern', { empty: 'true' }]]);
  });

  it('leaves out the files of a program that is named quiet', async () => {
    const loud = join(stage.folder, 'loud-cp');
    copyFileSync('/bin/cp', loud);
    chmodSync(loud, 0o755);
    const first = stage.run(quiet, ['/etc/hostname', join(stage.folder, 'one')]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === first.pid);
    const second = stage.run(loud, ['/etc/hostname', join(stage.folder, 'two')]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === second.pid);
    expect(existsSync(join(stage.folder, 'one'))).toBe(true);
    expect(short(trial.events.filter((e) => e.kind === 'file_event' && (e.pid === first.pid || e.pid === second.pid)))).toEqual([['create', 'two']]);
  });

  it('resolves what lies behind a bind mount and a symbolic link to the real place', async () => {
    mkdirSync(join(stage.folder, 'real/deep'), { recursive: true });
    mkdirSync(join(stage.folder, 'bound'));
    symlinkSync('real', join(stage.folder, 'link'));
    const child = stage.run('/usr/bin/unshare', ['-m', '/bin/sh', '-c', `mount --bind ${stage.folder}/real ${stage.folder}/bound && : > ${stage.folder}/bound/deep/one; : > ${stage.folder}/link/two`]);
    await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    const made = trial.events.filter((e) => e.kind === 'file_event' && e.pid === child.pid).map((e) => e.file_path);
    expect(made).toEqual([join(stage.folder, 'bound/deep/one'), join(stage.folder, 'real/two')]);
    expect(readFileSync(join(stage.folder, 'real/deep/one'), 'utf8')).toBe('');
  });
});

describe('small things', () => {
  it('tidies paths', () => {
    expect(['/a/./b//c', '/a/../../b', '/a/.hidden/b', '/..', '/a/b/..'].map(tidyPath)).toEqual(['/a/b/c', '/b', '/a/.hidden/b', '/', '/a']);
  });

  it('keeps a device number there and back', () => {
    assert(property(integer({ min: 0, max: 0xfff }), integer({ min: 0, max: 0xfffff }), (major, minor) => {
      const kernel = ((major << 20) | minor) >>> 0;
      expect(kernelDevice(userDevice(kernel))).toBe(kernel);
    }));
  });
});
