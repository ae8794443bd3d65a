import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { originHost } from './origin-host.ts';

const ended: (() => void)[] = [];
afterEach(() => { for (const end of ended.splice(0)) end(); });

describe('what this machine tells the origin graph', () => {
  it('of its own processes', () => {
    const host = originHost(() => undefined);
    const child = spawn('sleep', ['30']);
    ended.push(() => child.kill());
    expect(host.pids()).toContain(child.pid);
    expect(host.bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    const own = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8');
    const { cgroup } = host.place(child.pid!)!;
    expect(cgroup === undefined || own.includes(`:${cgroup}\n`)).toBe(true);
    expect(host.place(2 ** 22 + 1)).toBeUndefined();
  });

  it('of control groups of either kind, and of timers also of templates; what cannot be read is counted', () => {
    const root = mkdtempSync(join(tmpdir(), 'moat-host-'));
    ended.push(() => rmSync(root, { recursive: true }));
    const put = (path: string, text: string): void => { mkdirSync(join(root, path, '..'), { recursive: true }); writeFileSync(join(root, path), text); };
    put('proc/sys/kernel/random/boot_id', 'b-1\n');
    put('proc/stat', 'cpu  1 2 3 4\nbtime 1795314000\n');
    put('proc/2/comm', 'bash\n');
    put('proc/10/cgroup', '0::/system.slice/nginx.service\n');
    put('proc/11/cgroup', '3:cpu:/\n1:name=systemd:/system.slice/cron.service\n0::/\n');
    put(`proc/12/cgroup`, `0::/system.slice/docker-${'ab'.repeat(32)}.scope\n`);
    put('etc/systemd/system/backup@.timer', '[Timer]\n');
    mkdirSync(join(root, 'run/utmp'), { recursive: true });
    const counted: string[] = [];
    const host = originHost((what) => counted.push(what), root);
    expect([host.kernelThreads, host.bootTime]).toEqual([false, 1_795_314_000_000]);
    expect([10, 11].map((pid) => host.place(pid)?.cgroup)).toEqual(['/system.slice/nginx.service', '/system.slice/cron.service']);
    expect(host.place(12)?.container).toBe('ab'.repeat(32));
    expect([host.hasTimer('backup@db.service'), host.hasTimer('nginx.service')]).toEqual([true, false]);
    expect(host.logons()).toEqual([]);
    expect(counted).toEqual(['facts of the machine that could not be read']);
  });
});
