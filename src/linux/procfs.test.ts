import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bootTime, cpuTimes, diskIo, diskMounts, interfaceIo, memory, pageSize } from './proc-host.ts';
import { formatIpv6, hexAddress, readSockets, socketOwners, type Socket } from './proc-net.ts';
import { containerOf, parseStat, Procfs, terminalName } from './procfs.ts';
import { parsePasswd, Users } from './users.ts';

const root = mkdtempSync(join(tmpdir(), 'moat-procfs-'));
afterAll(() => { rmSync(root, { recursive: true }); });

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const stat = (pid: number, name: string): string => `${pid} (${name}) S 7 ${pid} ${pid} 34817 ${pid} 4194304 100 0 0 0 25 17 0 0 20 0 3 0 98765 1000000 321 18446744073709551615 1 1 0\n`;

describe('/proc/[pid]/stat', () => {
  it.each(['sshd', 'a b', '(sd-pam)', ') S 1 (', '', 'x)', String.raw`line\nbreak`])('finds the end of the name %j', (name) => {
    expect(parseStat(stat(42, name))).toEqual({ pid: 42, name, state: 'S', parentPid: 7, tty: 34_817, kernelThread: false, ticks: 42, threads: 3, startTicks: 98_765, rssPages: 321 });
  });

  it('refuses what is cut short', () => {
    for (const text of ['', '42', '42 (x', '42 (x) S 1 2', ')(']) expect(parseStat(text)).toBeUndefined();
  });

  it('knows a kernel thread by its flag, not by its name', () => {
    expect(parseStat(stat(2, '[kworker/0:1]'))?.kernelThread).toBe(false);
    expect(parseStat(stat(2, 'kthreadd').replace('4194304', String(0x00208040)))?.kernelThread).toBe(true);
  });
});

describe('a process', () => {
  it('is this one, read live', () => {
    const procfs = new Procfs();
    const own = procfs.stat(process.pid);
    expect(own?.parentPid).toBe(process.ppid);
    expect(procfs.exe(process.pid)).toBe(process.execPath);
    expect(procfs.cwd(process.pid)).toBe(process.cwd());
    expect(procfs.uids(process.pid)?.real).toBe(process.getuid?.());
    expect(procfs.pids()).toContain(process.pid);
    expect(procfs.cmdline(process.pid)).toContain('node');
    const startedMs = bootTime(procfs) + (own?.startTicks ?? 0) * 10;
    expect(Math.abs(startedMs - (Date.now() - process.uptime() * 1000))).toBeLessThan(3000);
    // What the kernel calls a page times the pages we hold is about the memory that Node says it holds.
    expect(((own?.rssPages ?? 0) * pageSize(procfs)) / process.memoryUsage.rss()).toBeGreaterThan(0.5);
  });

  it('that is gone is no error, and a /proc that is not there is one', () => {
    const procfs = new Procfs();
    expect(procfs.stat(4_999_999)).toBeUndefined();
    expect(procfs.exe(4_999_999)).toBeUndefined();
    expect(procfs.fds(4_999_999)).toBeUndefined();
    expect(procfs.denied.size).toBe(0);
    expect(() => new Procfs('/nonexistent').pids()).toThrow('ENOENT');
  });

  it('has its arguments joined, cut at a limit, and none for a zombie', () => {
    put('proc/5/cmdline', 'python3\0-c\0print("x")\0\0');
    put('proc/6/cmdline', '');
    put('proc/7/cmdline', 'x\0'.repeat(200_000));
    const procfs = new Procfs(root);
    expect(procfs.cmdline(5)).toBe('python3 -c print("x")');
    expect(procfs.cmdline(6)).toBe('');
    expect(procfs.cmdline(7, 1000)).toHaveLength(999);
    expect(procfs.cmdline(7, 300_000)).toHaveLength(299_999);
  });
});

it('names containers and terminals', () => {
  const id = '0123456789abcdef'.repeat(4);
  expect(containerOf(`0::/system.slice/docker-${id}.scope\n`)).toBe(id);
  expect(containerOf(`12:memory:/kubepods/burstable/pod1/${id}\n0::/\n`)).toBe(id);
  expect(containerOf('0::/lxc.payload.web1/system.slice\n')).toBe('web1');
  expect(containerOf('0::/system.slice/nginx.service\n')).toBeUndefined();
  expect([terminalName(0), terminalName(34_816 + 3), terminalName(1025), terminalName(1088)]).toEqual([undefined, 'pts/3', 'tty1', 'ttyS0']);
});

it('reads what the machine uses', () => {
  put('proc/stat', 'cpu  100 5 50 800 40 1 4 20 9 9\ncpu0 50 5 25 400 20 1 2 10 9 9\ncpu1 50 0 25 400 20 0 2 10 0 0\nctxt 5\nbtime 1700000000\n');
  put('proc/meminfo', 'MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:     400 kB\nSwapTotal:       200 kB\nSwapFree:         50 kB\n');
  put('proc/diskstats', '   8  0 sda 1 2 300 4 5 6 700 8 9 10 11\n   8  1 sda1 1 2 300 4 5 6 700 8 9 10 11\n 259  0 nvme0n1 1 0 2 0 1 0 4 0 0 0 0\n 259  1 nvme0n1p1 1 0 2 0 1 0 4 0 0 0 0\n 253  0 dm-0 1 0 2 0 1 0 4 0 0 0 0\n');
  put('proc/net/dev', 'Inter-|   Receive\n face |bytes\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0:1234 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n');
  put('proc/self/mountinfo', [
    '27 1 254:0 / / rw - ext4 /dev/vda rw', '28 27 254:0 /var/lib/x /mnt/a rw - ext4 /dev/vda rw', String.raw`29 27 254:1 / /mnt/with\040space rw master:1 - xfs /dev/vdb rw`,
    '30 27 0:50 / /net rw - nfs4 far:/x rw', '31 27 7:1 / /snap/x/1 ro - ext4 /dev/loop1 ro', '32 27 0:51 / /fuse rw - fuse.sshfs x rw', '33 27 0:30 / /tmp rw - tmpfs tmpfs rw',
  ].join('\n'));
  const procfs = new Procfs(root);
  expect(cpuTimes(procfs)).toEqual({ busy: 160, total: 1020, cores: 2 });
  expect(memory(procfs)).toEqual({ totalBytes: 1_024_000, availableBytes: 409_600, swapTotalBytes: 204_800, swapFreeBytes: 51_200 });
  expect(diskIo(procfs)).toEqual([{ device: 'sda', readBytes: 300 * 512, writeBytes: 700 * 512 }, { device: 'nvme0n1', readBytes: 1024, writeBytes: 2048 }]);
  expect(interfaceIo(procfs)).toEqual([{ name: 'eth0', inBytes: 1234, outBytes: 99 }]);
  expect(diskMounts(procfs).map((m) => m.path)).toEqual(['/', '/mnt/with space']);
});

describe('sockets', () => {
  it('write addresses in their canonical form', () => {
    expect(hexAddress('0100007F')).toBe('127.0.0.1');
    expect(hexAddress('00000000000000000000000001000000')).toBe('::1');
    expect(hexAddress('00000000000000000000000000000000')).toBe('::');
    expect(hexAddress('0000000000000000FFFF0000070200C0')).toBe('192.0.2.7');
    expect(hexAddress('B80D01200000000067452301EFCDAB89')).toBe('2001:db8::123:4567:89ab:cdef');
    expect(formatIpv6([1, 0, 0, 2, 0, 0, 0, 3])).toBe('1:0:0:2::3');
    expect(formatIpv6([1, 0, 2, 0, 3, 0, 4, 0])).toBe('1:0:2:0:3:0:4:0');
    expect(formatIpv6([1, 2, 3, 4, 5, 6, 0, 0])).toBe('1:2:3:4:5:6::');
  });

  it('are read from all tables, the closing ones left out', () => {
    put('proc/net/tcp', [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100 0 0 10 0',
      '12345: 0A0200C0:0016 090200C0:D431 01 00000000:00000000 02:000A1B2C 00000000     0        0 222 4 0000000000000000 20 4 29 10 -1',
      '   2: 0A0200C0:9C40 096433C6:01BB 02 00000001:00000000 01:00000064 00000003  1000        0 333 2 0000000000000000 100 0 0 10 -1',
      '   3: 0A0200C0:0016 080200C0:D432 06 00000000:00000000 03:00000ABC 00000000     0        0 0 3 0000000000000000',
    ].join('\n'));
    put('proc/net/tcp6', 'head\n   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 444 1 0 100 0 0 10 0\n');
    put('proc/net/udp', 'head\n  9: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 555 2 0 0\n');
    const sockets: Socket[] = [];
    readSockets(new Procfs(root), (_state, _protocol, _key, parse) => { sockets.push(parse()); });
    expect(sockets.map((s) => `${s.state} ${s.protocol} ${s.localIp}:${s.localPort} ${s.remoteIp}:${s.remotePort} ${s.uid} ${s.inode}`)).toEqual([
      'listening tcp 0.0.0.0:22 0.0.0.0:0 0 111',
      'established tcp 192.0.2.10:22 192.0.2.9:54321 0 222',
      'connecting tcp 192.0.2.10:40000 198.51.100.9:443 1000 333',
      'listening tcp :::80 :::0 33 444',
      'unconnected udp 127.0.0.1:53 0.0.0.0:0 101 555',
    ]);
  });

  it('give up the search for a holder when the work allowed is used up', () => {
    const procfs = new Procfs();
    const found = socketOwners(procfs, new Set([4_000_000_000]), procfs.pids(), 5);
    expect(found.owners.size).toBe(0);
    expect(found.looked).toBeLessThanOrEqual(6);
  });
});

describe('accounts', () => {
  it('are read once and again when the file changes', () => {
    put('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\nbroken\n:x:5:5::/:\nweb:x:33:33::/var/www:/usr/sbin/nologin\nbad:x:-1:0::/:\n');
    const users = new Users(root);
    expect([users.name(0, 1000), users.name(33, 1000), users.name(5, 1000)]).toEqual(['root', 'web', undefined]);
    put('etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nweb2:x:33:33::/var/www:/usr/sbin/nologin\n');
    expect(users.name(33, 2000)).toBe('web');
    expect(users.name(33, 12_000)).toBe('web2');
    rmSync(join(root, 'etc/passwd'));
    expect(users.name(33, 30_000)).toBeUndefined();
  });

  it('with a hostile file stay small', () => {
    expect(parsePasswd(`a:x:99999999999999999999:0\n${'x'.repeat(100_000)}\nb:x:1e3:0\nc:x:7:7`)).toEqual(new Map([[7, 'c']]));
  });
});
