import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, temporary } from '../../../test/compile.ts';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import { rawSocket } from './check.ts';

const packet = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\nffff888003c5b000 3      3    0003   2     1 0      0      4242\n';
const told = async (files: Planted): Promise<string[]> => {
  const root = makeRoot({ ...machineFiles, '/proc/net/packet': packet, ...files });
  return (await scanRoot([rawSocket], root, recorded(root))).findings.map(({ kind, level, pid }) => `${kind} ${level} ${pid ?? ''}`.trim());
};

describe('on a recorded /proc', () => {
  it('finds who reads all packets', async () => {
    expect(await told({ ...processFiles({ pid: 700, exe: '/dev/shm/kdm (deleted)', fds: { 3: 'socket:[4242]' } }) })).toEqual(['intrusion high 700']);
    expect(await told({ ...processFiles({ pid: 700, exe: '/opt/sniff', fds: { 3: 'socket:[4242]' } }), '/opt/sniff': 'x' })).toEqual(['notice medium 700']);
    expect(await told({})).toEqual(['intrusion medium']);
    expect(await told({ '/proc/net/packet': '', '/proc/net/raw': 'h\n   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 777 2 0 0\n', ...processFiles({ pid: 700, exe: '/tmp/i', fds: { 3: 'socket:[777]' } }), '/tmp/i': 'x' })).toEqual(['intrusion high 700']);
  });

  it('is silent for programs of packages', async () => {
    expect(await told({ ...processFiles({ pid: 700, exe: '/usr/sbin/dhclient', fds: { 3: 'socket:[4242]' } }), '/usr/sbin/dhclient': { text: 'x', package: 'isc-dhcp-client' } })).toEqual([]);
  });

  it('tells a promiscuous interface that is not part of a bridge', async () => {
    expect(await told({ '/proc/net/packet': '', '/sys/class/net/eth0/flags': '0x1103\n', '/sys/class/net/eth1/flags': '0x1003\n', '/sys/class/net/veth1/flags': '0x1103\n', '/sys/class/net/bond0/flags': '0x1103\n', '/sys/class/net/bond0/master': '->/sys/class/net/eth1' })).toEqual(['notice medium']);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/gcc', '/usr/bin/unshare'] }))('in a network namespace', () => {
  it('finds a real packet socket with a filter', () => {
    const folder = temporary('moat-raw-', '/tmp');
    const program = compile(`#include <unistd.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <linux/filter.h>
int main(void){ int s=socket(AF_PACKET,SOCK_RAW,htons(3)); struct sock_filter f[]={{0x28,0,0,12},{6,0,0,0xffff}}; struct sock_fprog p={2,f}; setsockopt(s,SOL_SOCKET,26,&p,sizeof p); write(1,"r\\n",2); sleep(60); return s; }`, join(folder, 'sniff'));
    const { stdout, stderr } = spawnSync('/usr/bin/unshare', ['--net', '/bin/sh', '-c', '"$1" >"$2" & p=$!; while [ ! -s "$2" ]; do sleep 0.05; done; "$0" --import tsx test/live-machine.ts raw-socket; kill $p', process.execPath, program, join(folder, 'ready')], { encoding: 'utf8', timeout: 100_000 });
    const findings = JSON.parse(stdout.split('\n').find((line) => line.startsWith('['))!) as { level: string; path?: string; evidence: { value: string }[] }[];
    const [found] = findings.filter(({ path }) => path === program);
    expect(found?.level, stderr).toBe('high');
    expect(found!.evidence[0]!.value).toContain('filter of 2 instructions');
  }, 120_000);
});
