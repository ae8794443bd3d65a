import { cpSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, start, stop, temporary } from '../../../test/compile.ts';
import { scanMachine } from '../../../test/live-machine.ts';
import { lacks } from '../../../test/need.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import type { ScanReport } from '../../scan/report.ts';
import { processProgram } from './check.ts';

const scanFiles = (files: Planted): Promise<ScanReport> => { const root = makeRoot({ ...machineFiles, ...files }); return scanRoot([processProgram], root, recorded(root)); };
const told = (report: ScanReport): string[] => report.findings.map(({ kind, level, pid }) => `${kind} ${level} ${pid}`);
const nginx: Planted = { '/usr/sbin/nginx': { text: 'nginx', mode: 0o755, package: 'nginx' } };

describe('on a recorded /proc', () => {
  it('finds programs of memory, deleted ones, and those of temporary folders', async () => {
    const report = await scanFiles({
      ...processFiles({ pid: 700, exe: '/memfd:x (deleted)' }),
      ...processFiles({ pid: 701, exe: '/tmp/.x/kdev (deleted)' }),
      ...processFiles({ pid: 702, exe: '/var/tmp/job' }), '/var/tmp/job': { text: 'x', mode: 0o755 },
      ...processFiles({ pid: 703, exe: '/dev/shm/a' }), '/dev/shm/a': { text: 'x', mode: 0o755 },
      ...processFiles({ pid: 704, exe: '/var/spool/x (deleted)' }),
    });
    expect(told(report)).toEqual(['intrusion critical 700', 'intrusion high 703', 'intrusion high 701', 'intrusion medium 704', 'intrusion medium 702']);
  });

  it('tells an upgraded package once for all its processes, and mildly', async () => {
    const report = await scanFiles({ ...nginx, ...processFiles({ pid: 700, exe: '/usr/sbin/nginx (deleted)' }), ...processFiles({ pid: 701, exe: '/usr/sbin/nginx (deleted)' }) });
    expect(told(report)).toEqual(['notice low 700']);
    expect(report.findings[0]!.title.en).toContain('restart it');
    expect(report.verdict).toBe('clean');
  });

  it('is silent for ordinary programs, containers’ upgrades, releases that were swapped, and runtimes that copy themselves', async () => {
    const report = await scanFiles({
      ...nginx, ...processFiles({ pid: 700, exe: '/usr/sbin/nginx', cmdline: 'nginx: worker process' }), ...processFiles({ pid: 701, exe: '/memfd:runc_cloned:/proc/self/exe (deleted)', name: 'runc' }),
      ...processFiles({ pid: 702, name: 'zombie', state: 'Z' }), ...processFiles({ pid: 703, exe: '/usr/sbin/nginx', cmdline: '[celeryd: worker]' }),
    });
    expect(told(report)).toEqual([]);
    const swapped = await scanFiles({ ...processFiles({ pid: 700, exe: '/srv/app/releases/7/app (deleted)' }), ...processFiles({ pid: 701, exe: '/usr/local/bin/x (deleted)', cgroup: `0::/docker/${'a'.repeat(64)}\n` }) });
    expect(told(swapped).every((line) => line.startsWith('notice low'))).toBe(true);
  });

  it('finds those who pose as threads of the kernel', async () => {
    const report = await scanFiles({
      ...processFiles({ pid: 700, exe: '/usr/bin/xm', cmdline: '[kworker/0:2]' }), '/usr/bin/xm': { text: 'x', mode: 0o755 },
      ...processFiles({ pid: 701, exe: '/home/lin/k', name: 'kthreadd' }), '/home/lin/k': { text: 'x', mode: 0o755 },
      ...processFiles({ pid: 702, exe: '/home/lin/w', cmdline: '' }), '/home/lin/w': { text: 'x', mode: 0o755 },
    });
    // processFiles takes the program for a missing command line; 702 has a wiped one.
    expect(told(report)).toEqual(expect.arrayContaining(['intrusion critical 700', 'intrusion critical 701', 'intrusion medium 702']));
  });
});

describe.skipIf(lacks({ files: ['/usr/bin/gcc'] }))('on this machine', () => {
  it('finds a real memfd program, a real deleted one and a real disguise, and they vanish with their process', async () => {
    const folder = temporary('.moat-', '/tmp');
    const idle = compile('#include <unistd.h>\n#include <string.h>\n#include <sys/prctl.h>\nint main(int c,char**v){ if(c>1&&v[1][0]==\'k\'){ prctl(PR_SET_NAME,"kworker/0:3",0,0,0); } write(1,"r\\n",2); sleep(120); return 0; }', join(folder, 'idle'));
    const memory = compile('#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/mman.h>\n#include <fcntl.h>\nextern char**environ;\nint main(int c,char**v){ int f=memfd_create("job",0),s=open(v[1],O_RDONLY); char b[65536]; long n; while((n=read(s,b,65536))>0) write(f,b,n); char*a[]={"job",0}; fexecve(f,a,environ); return 1; }', join(folder, 'memory'));
    cpSync(idle, join(folder, 'gone'));
    const [unfiled, gone, posing] = await Promise.all([start(memory, [idle]), start(join(folder, 'gone'), []), start(idle, ['k'])]);
    unlinkSync(join(folder, 'gone'));
    const look = async (): Promise<Map<number, string>> => new Map((await scanMachine([processProgram])).findings.flatMap(({ pid, level, evidence }) => {
      const also = /^[\d ]+$/.exec(evidence.at(-1)?.value ?? '')?.[0].split(' ').map(Number) ?? [];
      return [pid!, ...also].map((one): [number, string] => [one, level]);
    }));
    const found = await look();
    expect([found.get(unfiled.pid), found.get(gone.pid), found.get(posing.pid)]).toEqual(['critical', 'high', expect.stringMatching(/critical|high/)]);
    for (const child of [unfiled, gone, posing]) await stop(child);
    const after = await look();
    expect([unfiled.pid, gone.pid, posing.pid].filter((pid) => after.has(pid))).toEqual([]);
  }, 120_000);
});
