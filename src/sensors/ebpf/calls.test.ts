import { chmodSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import type { Event } from '../../core/gen/event.ts';
import type { Trial } from '../trial.ts';
import { lacksEbpf, openStage, type Stage } from './testing.ts';

const lacking = lacks({ files: ['/usr/bin/python3', '/usr/bin/unshare'] }) || await lacksEbpf(lacks);

describe.skipIf(lacking)('calls of power', () => {
  let stage: Stage;
  let trial: Trial;
  // One sensor for all tests: taking it off takes the kernel seconds.
  beforeAll(async () => {
    stage = await openStage();
    trial = await stage.live({ files: false });
  });
  afterAll(async () => {
    await stage.clear();
    stage.remove();
  });

  async function told(kind: Event['kind'], code: string): Promise<Event[]> {
    const child = stage.python(`import os, ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n${code}`);
    const ended = await trial.until((e) => e.kind === 'process_termination' && e.pid === child.pid);
    expect(ended.exit_code).toBe(0);
    return trial.events.filter((e) => e.kind === kind && e.pid === child.pid);
  }

  it('tells who traces whom, and who reads and writes the memory of another', async () => {
    const victim = stage.run('/bin/sleep', ['300']);
    await trial.until((e) => e.pid === victim.pid && e.action === 'process-start');
    const events = await told('process_access', `
libc.ptrace(16, ${victim.pid}, 0, 0); os.waitpid(${victim.pid}, 0x40000000); libc.ptrace(17, ${victim.pid}, 0, 0)
for i in range(5): libc.process_vm_writev(${victim.pid}, None, 0, None, 0, 0)
libc.process_vm_readv(${victim.pid}, None, 0, None, 0, 0)
libc.ptrace(0x4206, 999999, 0, 0)`);
    const target = { target_pid: String(victim.pid), target_name: 'sleep' };
    expect(events.map((e) => [e.action, e.outcome, e.extra])).toEqual([
      ['ptrace', 'success', { ...target, request: 'attach' }], ['vm-write', 'success', target], ['vm-read', 'success', target],
      ['ptrace', 'failure', { target_pid: '999999', request: 'seize' }],
    ]);
    expect(events[0]).toMatchObject({ category: 'process', user: 'root', process_path: expect.stringContaining('python3') as string });
  });

  it('tells signals to Moat, and no others', async () => {
    const other = stage.run('/bin/sleep', ['300']);
    const events = await told('process_access', `os.kill(${process.pid}, 0); os.kill(${process.pid}, 28); os.kill(${other.pid}, 15)`);
    expect(events.map((e) => [e.action, e.extra])).toEqual([['signal', { target_pid: String(process.pid), target_name: expect.any(String) as string, signal: '28' }]]);
  });

  it('tells namespaces entered and left, and mounts', async () => {
    mkdirSync(join(stage.folder, 'here'));
    const events = await told('namespace', `
os.chdir('${stage.folder}')
assert libc.unshare(0x20000) == 0
assert libc.mount(b'none', b'/', None, 0x44000, None) == 0
assert libc.mount(b'moat-test', b'here', b'tmpfs', 6, None) == 0
assert libc.umount2(b'here', 0) == 0
assert libc.mount(b'none', b'/nowhere', b'tmpfs', 0, None) == -1
assert libc.setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0) == 0`);
    const here = join(stage.folder, 'here');
    const ownNet = readlinkSync('/proc/self/ns/net') === readHostNet();
    expect(events.map((e) => [e.action, e.outcome, e.file_path, e.extra])).toEqual([
      ['unshare', 'success', undefined, { flags: 'mnt' }],
      ['mount', 'success', '/', { source: 'none', type: '', flags: 'rec,private' }],
      ['mount', 'success', here, { source: 'moat-test', type: 'tmpfs', flags: 'nosuid,nodev' }],
      ['umount', 'success', here, undefined],
      ['mount', 'failure', '/nowhere', { source: 'none', type: 'tmpfs', flags: '' }],
      ['setns', 'success', undefined, ownNet ? { flags: 'net', host: 'true' } : { flags: '' }],
    ]);
  });

  it('tells changed accounts, groups and rights', async () => {
    const events = await told('privilege', `
os.setresgid(65534, 65534, 65534); os.setresuid(-1, 65534, 0); os.setresuid(65534, 65534, 65534)
try: os.setuid(0)
except PermissionError: pass`);
    expect(events.map((e) => [e.action, e.extra, e.uid])).toEqual([
      ['setgid', { to: '65534' }, 0], ['setuid', { from: '0', to: '0/65534' }, 0], ['setuid', { from: '0/65534', to: '65534' }, 65534],
    ]);
    expect(events[2]?.user).toBe('nobody');
  });

  it('tells who connects to the socket of a container runtime, by whatever path, and who is refused', async () => {
    const at = (name: string): string => join(stage.folder, name);
    mkdirSync(at('other'), { mode: 0o755 });
    chmodSync(stage.folder, 0o755);
    symlinkSync(at('docker.sock'), at('innocent'));
    const events = await told('network_connection', `
import socket, time
def serve(path, kind=socket.SOCK_STREAM):
  s = socket.socket(socket.AF_UNIX, kind); s.bind(path)
  if kind == socket.SOCK_STREAM: s.listen(9)
  return s
def call(path, kind=socket.SOCK_STREAM):
  s = socket.socket(socket.AF_UNIX, kind); s.connect(path); return s
docker, plain, secret = serve('${at('docker.sock')}'), serve('${at('plain.sock')}'), serve('${at('other/containerd.sock')}')
abstract = serve('\\0docker.sock'); log = serve('${at('other/crio.sock')}', socket.SOCK_DGRAM)
call('${at('innocent')}'); call('${at('docker.sock')}'); call('${at('plain.sock')}'); call('\\0docker.sock')
time.sleep(1.1); os.chdir('${stage.folder}'); call('docker.sock')
os.mkfifo('${at('x')}'); assert libc.unshare(0x20000) == 0; assert libc.mount(b'none', b'/', None, 0x44000, None) == 0; assert libc.mount(b'docker.sock', b'x', None, 4096, None) == 0
time.sleep(1.1); call('x')
call('${at('other/crio.sock')}', socket.SOCK_DGRAM)
try: call('${at('missing/docker.sock')}')
except FileNotFoundError: pass
os.chmod('${at('other/containerd.sock')}', 0o600); os.setresuid(65534, 65534, 65534)
try: call('${at('other/containerd.sock')}')
except PermissionError: pass`);
    expect(events.map((e) => [e.action, e.outcome, e.file_path])).toEqual([
      ['connect', 'success', at('docker.sock')], ['connect', 'success', at('docker.sock')], ['connect', 'success', at('docker.sock')],
      ['connect', 'success', at('other/crio.sock')], ['connect-attempt', 'failure', at('other/containerd.sock')],
    ]);
    expect(events[0]).toMatchObject({ protocol: 'unix', direction: 'outbound', destination_ip: undefined, destination_port: undefined, user: 'root' });
    expect(events.at(-1)).toMatchObject({ user: 'nobody', process_path: expect.stringContaining('python3') as string });
  });

  it('tells files without a name, and programs loaded into the kernel', async () => {
    const files = await told('file_event', `os.memfd_create('payload')`);
    expect(files.map((e) => [e.action, e.file_path])).toEqual([['create', '/memfd:payload']]);
    // The smallest program there is: r0 = 0; exit.
    const programs = await told('module', `
import struct, platform
code = struct.pack('<BBhi', 0xb7, 0, 0, 0) + struct.pack('<BBhi', 0x95, 0, 0, 0); text = ctypes.create_string_buffer(code); gpl = ctypes.create_string_buffer(b'GPL')
attr = struct.pack('<IIQQIIQII16s', 1, 2, ctypes.addressof(text), ctypes.addressof(gpl), 0, 0, 0, 0, 0, b'harmless')
assert libc.syscall(321 if platform.machine() == 'x86_64' else 280, 5, ctypes.create_string_buffer(attr), len(attr)) >= 0`);
    expect(programs.map((e) => [e.action, e.outcome, e.extra])).toEqual([['bpf-load', 'success', { name: 'harmless', type: 'socket_filter' }]]);
  });
});

function readHostNet(): string {
  try {
    return readlinkSync('/proc/1/ns/net');
  } catch {
    return readlinkSync('/proc/self/ns/net'); // not ours to read: the sensor takes its own then
  }
}
