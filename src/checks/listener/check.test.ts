import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, temporary } from '../../../test/compile.ts';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import { listener, parseRange } from './check.ts';

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (port: number, ip = '00000000', state = '0A'): string => `   0: ${ip}:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${port} 1 0 100 0 0 10 0\n`;
const process700 = (exe: string, port: number, text: Planted[string]): Planted => ({ '/proc/net/tcp': header + row(port), ...processFiles({ pid: 700, exe, fds: { 3: `socket:[${port}]` } }), [exe]: text });
const told = async (files: Planted, ports: readonly string[] = []): Promise<string[]> => {
  const root = makeRoot({ ...machineFiles, ...files });
  return (await scanRoot([listener], root, recorded(root), { ports })).findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);
};

describe('on a recorded /proc', () => {
  it('tells programs of nobody, of odd places, and tools for shells', async () => {
    expect(await told(process700('/opt/app/server', 8080, 'x'))).toEqual(['notice low tcp port 8080 is open to others, and no package owns its program server']);
    expect(await told(process700('/tmp/.x/sshd', 2222, 'x'))).toEqual([expect.stringContaining('intrusion high')]);
    expect(await told(process700('/usr/bin/nc', 4444, { text: 'x', package: 'netcat' }))).toEqual([expect.stringContaining('intrusion medium tcp port 4444 is listened on by nc')]);
  });

  it('is silent for packages and for the loopback address', async () => {
    expect(await told(process700('/usr/sbin/nginx', 80, { text: 'x', package: 'nginx' }))).toEqual([]);
    expect(await told({ ...process700('/opt/app/server', 8080, 'x'), '/proc/net/tcp': header + row(8080, '0100007F') })).toEqual([]);
  });

  it('keeps to the white list when there is one', async () => {
    const nginx = process700('/usr/sbin/nginx', 80, { text: 'x', package: 'nginx' });
    expect(await told(nginx, ['22', '443/tcp'])).toEqual(['weakness medium tcp port 80 (nginx) is not on the white list of ports']);
    expect(await told(nginx, ['79-81'])).toEqual([]);
    expect(await told(process700('/opt/app/server', 8080, 'x'), ['8080/tcp'])).toEqual([]);
    expect(['0', '70000', '9-3', 'ssh', '1/sctp'].map(parseRange)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/bin/gcc', '/usr/bin/unshare', '/usr/sbin/ip'] }))('in a network namespace', () => {
  it('finds a real listener of a program in /tmp', () => {
    const folder = temporary('moat-listen-', '/tmp');
    const program = compile('#include <unistd.h>\n#include <netinet/in.h>\n#include <arpa/inet.h>\n#include <sys/socket.h>\nint main(void){ int s=socket(AF_INET,SOCK_STREAM,0); struct sockaddr_in a={AF_INET,htons(31337),{0}}; bind(s,(void*)&a,sizeof a); listen(s,5); write(1,"r\\n",2); sleep(60); return 0; }', join(folder, 'serve'));
    const { stdout, stderr } = spawnSync('/usr/bin/unshare', ['--net', '/bin/sh', '-c', '/usr/sbin/ip link set lo up; "$1" >"$2" & p=$!; while [ ! -s "$2" ]; do sleep 0.05; done; "$0" --import tsx test/live-machine.ts listener hidden-port; kill $p', process.execPath, program, join(folder, 'ready')], { encoding: 'utf8', timeout: 100_000 });
    const findings = JSON.parse(stdout.split('\n').find((line) => line.startsWith('['))!) as { check: string; level: string; path?: string }[];
    expect(findings.map(({ check, level, path }) => `${check} ${level} ${path}`), stderr).toEqual([`listener high ${program}`]);
  }, 120_000);
});
