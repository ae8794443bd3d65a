import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, start, temporary } from '../../../test/compile.ts';
import { scanMachine } from '../../../test/live-machine.ts';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import type { ScanReport } from '../../scan/report.ts';
import { processMemory } from './check.ts';

const scanFiles = (files: Planted): Promise<ScanReport> => { const root = makeRoot({ ...machineFiles, ...files }); return scanRoot([processMemory], root, recorded(root)); };
const told = (report: ScanReport): string[] => report.findings.map(({ kind, level, path, pid }) => `${kind} ${level} ${path ?? ''} ${pid ?? ''}`.trim());
const line = (permissions: string, path: string, inode = 9): string => `7f0000000000-7f0000010000 ${permissions} 00000000 08:01 ${inode} ${' '.repeat(20)}${path}\n`;
const sshd: Planted = { '/usr/sbin/sshd': { text: 'sshd', mode: 0o755, package: 'openssh-server' }, '/usr/lib/x86_64-linux-gnu/libc.so.6': { text: 'libc', package: 'libc6' } };
const own = line('r-xp', '/usr/sbin/sshd') + line('r-xp', '/usr/lib/x86_64-linux-gnu/libc.so.6');

describe('on a recorded /proc', () => {
  it('finds libraries that were injected, replaced or deleted', async () => {
    const report = await scanFiles({
      ...sshd, '/usr/lib/x86_64-linux-gnu/libkeep.so.1': 'x', '/usr/lib/x86_64-linux-gnu/libpam.so.0': { text: 'evil', shipped: 'pam', package: 'libpam0g' },
      ...processFiles({ pid: 700, exe: '/usr/sbin/sshd', maps: own + line('r-xp', '/dev/shm/.l/lib.so') + line('r-xp', '/usr/lib/x86_64-linux-gnu/libkeep.so.1') + line('r-xp', '/usr/lib/x86_64-linux-gnu/libpam.so.0') + line('r-xp', '/usr/lib/libgone.so (deleted)') + line('r-xp', '/memfd:l.so (deleted)') }),
    });
    expect(told(report)).toEqual([
      'intrusion critical /usr/lib/x86_64-linux-gnu/libpam.so.0 700', 'intrusion high /dev/shm/.l/lib.so 700', 'intrusion high /memfd:l.so 700', 'intrusion high /usr/lib/libgone.so 700', 'intrusion medium /usr/lib/x86_64-linux-gnu/libkeep.so.1 700',
    ]);
  });

  it('finds memory that is writable and executable where no compiler explains it', async () => {
    const report = await scanFiles({
      ...sshd, '/usr/bin/node': { text: 'node', mode: 0o755, package: 'nodejs' }, '/usr/sbin/nginx': { text: 'nginx', mode: 0o755, package: 'nginx' }, '/usr/bin/grep': { text: 'grep', mode: 0o755, package: 'grep' },
      ...processFiles({ pid: 700, exe: '/usr/sbin/sshd', maps: own + line('rwxp', '', 0) }),
      ...processFiles({ pid: 701, exe: '/usr/bin/node', maps: line('rwxp', '', 0) }),
      ...processFiles({ pid: 702, exe: '/usr/bin/grep', maps: line('rwxp', '', 0) + line('r--p', '/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0.11.2') }),
    });
    expect(told(report)).toEqual(['intrusion medium /usr/sbin/sshd 700']);
  });

  it('is silent for ordinary maps and mild for libraries of before an upgrade', async () => {
    const jars: Planted = { '/usr/lib/jvm/java': { text: 'java', mode: 0o755, package: 'openjdk' } };
    const report = await scanFiles({
      ...sshd, ...jars, ...processFiles({ pid: 700, exe: '/usr/sbin/sshd', maps: own + line('r-xp', '[vdso]', 0) + line('rwxs', '/dev/zero (deleted)') + line('r-xp', '/usr/local/lib/libmine.so') }), '/usr/local/lib/libmine.so': 'x',
      ...processFiles({ pid: 701, exe: '/usr/lib/jvm/java', maps: line('r-xp', '/tmp/jna-1/jna.so (deleted)') }),
    });
    expect(told(report)).toEqual([]);
    const old = await scanFiles({ ...sshd, ...processFiles({ pid: 700, exe: '/usr/sbin/sshd', maps: line('r-xp', '/usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)') }) });
    expect(told(old)).toEqual(['notice low']);
  });

  it('bears maps that are none', async () => {
    const report = await scanFiles({ ...sshd, ...processFiles({ pid: 700, exe: '/usr/sbin/sshd', maps: `garbage\n\n- x\n${'z'.repeat(100_000)}\n7f-80 r-xp` }) });
    expect(told(report)).toEqual([]);
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/gcc'] }))('on this machine', () => {
  it('finds a real preloaded library and real memory that is writable and executable', async () => {
    const folder = temporary('moat-memory-', '/tmp');
    const library = compile('int moat_nothing(void){return 0;}', join(folder, 'lib.so'), ['-shared', '-fPIC']);
    const writable = compile('#include <unistd.h>\n#include <sys/mman.h>\nint main(void){ char*m=mmap(0,4096,PROT_READ|PROT_WRITE|PROT_EXEC,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); m[0]=1; write(1,"r\\n",2); sleep(120); return 0; }', join(folder, 'writable'));
    await start('/bin/sh', ['-c', 'echo r; exec sleep 100'], { PATH: '/usr/bin:/bin', LD_PRELOAD: library });
    const rwx = await start(writable, []);
    const { findings } = await scanMachine([processMemory]);
    expect(findings.filter(({ path }) => path === library).map(({ level }) => level)).toEqual(['high']);
    expect(findings.filter(({ pid, level }) => pid === rwx.pid && level === 'medium')).toHaveLength(1);
  }, 120_000);
});
