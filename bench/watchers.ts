/** auditd and bpftrace from Debian, set to see what the kernel sensor sees: programs started, files opened for writing, connections. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasPeer } from './peer-choice.ts';

export interface Watcher { name: string; installed(): boolean; start(): Promise<{ stop(): Promise<void> }> }

const auditctl = (...args: string[]): string => spawnSync('/usr/sbin/auditctl', args).stdout?.toString() ?? '';

/**
 * Auditing is one state of the whole kernel: only where it is off and no rule stands is it turned on for the length of
 * the measurement, and put back.
 */
export const auditd: Watcher = {
  name: 'auditd',
  installed: () => process.getuid?.() === 0 && hasPeer('/usr/sbin/auditd') && /^enabled 0$/m.test(auditctl('-s')) && /^pid 0$/m.test(auditctl('-s')) && auditctl('-l').includes('No rules'),
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'moat-bench-auditd-'));
    writeFileSync(join(folder, 'auditd.conf'), [
      `log_file = ${join(folder, 'audit.log')}`, 'log_format = RAW', 'flush = INCREMENTAL_ASYNC', 'freq = 50', 'max_log_file = 500', 'num_logs = 2', 'max_log_file_action = ROTATE',
      'space_left = 75', 'space_left_action = IGNORE', 'admin_space_left = 50', 'admin_space_left_action = IGNORE', 'disk_full_action = IGNORE', 'disk_error_action = IGNORE', 'local_events = yes', 'write_logs = yes', '',
    ].join('\n'), { mode: 0o640 });
    const child = spawn('/usr/sbin/auditd', ['-n', '-s', 'enable', '-c', folder], { stdio: 'ignore' });
    await sleep(1000);
    auditctl('-b', '8192');
    auditctl('-a', 'always,exit', '-F', 'arch=b64', '-S', 'execve', '-S', 'connect');
    auditctl('-a', 'always,exit', '-F', 'arch=b64', '-S', 'open,openat,creat', '-F', 'a2&03');
    return {
      async stop() {
        auditctl('-D');
        auditctl('-e', '0');
        await ended(child);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

const script = `
tracepoint:sched:sched_process_exec { printf("%d %s %s\\n", pid, comm, str(args->filename)); }
tracepoint:syscalls:sys_enter_openat /args->flags & 3/ { printf("%d %s %s\\n", pid, comm, str(args->filename)); }
tracepoint:syscalls:sys_enter_connect { printf("%d %s %d\\n", pid, comm, args->fd); }
`;

export const bpftrace: Watcher = {
  name: 'bpftrace',
  installed: () => process.getuid?.() === 0 && hasPeer('/usr/bin/bpftrace'),
  async start() {
    const child = spawn('/usr/bin/bpftrace', ['-f', 'json', '-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    // Until its first word, which is "attached_probes".
    await new Promise<void>((resolve, reject) => { child.stdout.once('data', () => resolve()); child.once('exit', () => reject(new Error('bpftrace ended'))); });
    child.stdout.resume();
    return { stop: () => ended(child) };
  },
};

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
  child.kill('SIGTERM');
  await gone;
}
