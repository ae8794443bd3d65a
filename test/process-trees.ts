/** Real process trees, started apart from the test so that it is not their parent; each ends by itself after two minutes, or as long as they are cut off. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { livesStill } from '../src/linux/process-tree.ts';
import { Procfs } from '../src/linux/procfs.ts';
import { cutsOf, cutsTime } from './actions.ts';
import type { ProcessIdentity } from '../src/linux/signals.ts';

export const procfs = new Procfs();

const seconds = Math.max(120, cutsTime(cutsOf(0)) / 1000);

/** `child NAME { … }` forks, tells its pid and never comes back. */
const prelude = `
use POSIX (); use strict; $| = 1; my $end = time + ${seconds};
sub told { syswrite(STDOUT, "$_[0] $_[1]\\n") }
sub idle { select(undef, undef, undef, 0.1) while time < $end; POSIX::_exit(0) }
sub child(&$) { my ($code, $name) = @_; my $pid = fork(); if ($pid == 0) { alarm(${seconds}); told($name, $$); $code->(); POSIX::_exit(0) } return $pid }
alarm(${seconds}); told('root', $$);
`;

export const scripts = {
  plain: `child { child { idle() } 'grandchild'; idle() } 'child'; idle();`,
  /** A session of its own, a member that is stopped already, one that has ended and is not waited for, one that keeps forking. */
  varied: `
    child { POSIX::setsid(); child { idle() } 'below'; idle() } 'session';
    child { POSIX::setpgid(0, 0); kill 'STOP', $$; idle() } 'stopped';
    child { POSIX::_exit(0) } 'zombie';
    child { for (1 .. 200) { my $pid = fork(); if ($pid == 0) { select(undef, undef, undef, 0.03); POSIX::_exit(0) } waitpid($pid, 0); select(undef, undef, undef, 0.05) } idle() } 'forker';
    idle();`,
  /** Doubles six times, then stays. */
  bomb: `for my $level (1 .. 6) { fork(); select(undef, undef, undef, 0.03) } idle();`,
  /** Each forks the next and ends at once, so that its parent is never there; 200 at most. */
  chain: `child { for my $n (1 .. 200) { my $pid = fork(); POSIX::_exit(0) if $pid; told('link', $$); select(undef, undef, undef, 0.01) } idle() } 'chain'; idle();`,
  threads: undefined,
} as const;

const threads = `
import threading, time, os, sys
def work():
    end = time.time() + ${seconds}
    while time.time() < end: time.sleep(0.05)
print('root', os.getpid(), flush=True)
for _ in range(4): threading.Thread(target=work).start()
print('threads', os.getpid(), flush=True)
work()
`;

export interface Tree {
  pid: number;
  /** Every name it told, in order; \`link\` many times. */
  told: [name: string, pid: number][];
  at(name: string): number;
  /** Ends what is left of it, by identity. */
  end(): void;
}

/** Waits until it told all of `names`. `inside`: a folder of a control group that it starts in. */
export async function startTree(script: keyof typeof scripts, names: readonly string[], { inside }: { inside?: string } = {}): Promise<Tree> {
  const code = scripts[script];
  const dir = mkdtempSync(join(tmpdir(), 'moat-tree-'));
  const file = join(dir, 'tree');
  writeFileSync(file, code === undefined ? threads : `${prelude}${code}`);
  const program = [code === undefined ? 'python3' : 'perl', file];
  const command = inside === undefined ? program : ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', inside, ...program];
  const starter: ChildProcess = spawn('setsid', ['--fork', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const told: [string, number][] = [];
  const known: ProcessIdentity[] = [];
  let rest = '', err = '';
  starter.stderr!.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  starter.stdout!.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [name = '', pid = ''] = line.split(' ');
      told.push([name, Number(pid)]);
      const stat = procfs.stat(Number(pid));
      if (stat) known.push({ pid: Number(pid), ticks: stat.startTicks });
    }
  });
  await eventually(() => err !== '' || names.every((name) => told.some(([one]) => one === name)));
  if (err !== '') throw new Error(err);
  const at = (name: string): number => {
    const found = told.find(([one]) => one === name);
    if (!found) throw new Error(`expected the tree to tell of ${name}`);
    return found[1];
  };
  return {
    pid: at('root'), told, at,
    end() {
      for (const one of known) if (livesStill(procfs, one)) process.kill(one.pid, 'SIGKILL');
      starter.stdout!.destroy();
      starter.stderr!.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function eventually(is: () => boolean): Promise<void> {
  for (const until = Date.now() + 60_000; !is();) {
    if (Date.now() > until) throw new Error('expected it to happen within a minute');
    await wait(10);
  }
}

const folder = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((name) => existsSync(join(name, 'cgroup.controllers')));

/** Control groups of version 2 can be made here. */
export const canGroup = (): boolean => {
  if (folder === undefined || process.getuid?.() !== 0) return false;
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch { return false; /* mounted read-only, as in a container */ }
};

/** One for a test; its last member has ended when it is removed. */
export function ownGroup(name: string): { folder: string; remove(): void } {
  const own = join(folder ?? '', `moat-test-${process.pid}-${name}`);
  mkdirSync(own);
  return { folder: own, remove: () => rmdirSync(own) };
}
