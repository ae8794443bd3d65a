/** Log-on sessions as pam_loginuid leaves them, of invented accounts: each process ends by itself after two minutes. */
import { spawn } from 'node:child_process';
import { livesStill } from '../src/linux/process-tree.ts';
import type { ProcessIdentity } from '../src/linux/signals.ts';
import { eventually, procfs } from './process-trees.ts';

const script = `
$| = 1; my $end = time + 120; alarm(120);
sub told { syswrite(STDOUT, "$_[0] $_[1]\\n") }
sub idle { select(undef, undef, undef, 0.1) while time < $end; exit }
if (fork() == 0) { if (fork() == 0) { setpgrp(0, 0); syscall(112); told('daemon', $$); idle() } exit }
if (fork() == 0) { alarm(120); told('child', $$); idle() }
wait(); told('shell', $$); idle();
`;

export interface TestSession { shell: number; child: number; daemon: number; pids: number[]; lives(): boolean[]; end(): void }

/** A shell with a child, and a daemon that left both; none of them below the test. `noted`: the account that the kernel notes as logged on; `none` for nobody. */
export async function startSession(uid: number, noted: number | 'none' = uid): Promise<TestSession> {
  const child = spawn('setsid', ['--fork', 'sh', '-c', `[ "$1" = none ] || echo "$1" > /proc/self/loginuid || exit 1; uid=$0; shift; exec setpriv "--reuid=$uid" "--regid=$uid" --clear-groups perl -e "$1"`, String(uid), String(noted), script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told = new Map<string, ProcessIdentity>();
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [name = '', pid = ''] = line.split(' ');
      told.set(name, { pid: Number(pid), ticks: procfs.stat(Number(pid))?.startTicks ?? -1 });
    }
  });
  await eventually(() => told.size === 3);
  const known = ['shell', 'child', 'daemon'].map((name) => told.get(name)!);
  const [shell, below, daemon] = known.map(({ pid }) => pid) as [number, number, number];
  return {
    shell, child: below, daemon, pids: [shell, below, daemon],
    lives: () => known.map((one) => livesStill(procfs, one) !== undefined),
    end() {
      for (const one of known) if (livesStill(procfs, one)) process.kill(one.pid, 'SIGKILL');
      child.stdout.destroy();
    },
  };
}
