/** Real file systems in a mount namespace that a process of the test holds, a FUSE one that never answers among them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import { programArguments } from '../src/linux/beside.ts';

export const mountNeeds = { root: true, files: ['/usr/bin/unshare', '/usr/bin/nsenter', '/dev/fuse'], why: 'mounts in a namespace' };
const server = join(import.meta.dirname, 'fuse-server.ts');
const path = '/usr/sbin:/usr/bin:/sbin:/bin';

/** A mount namespace, with FUSE servers in it. Ended, what waits for one of them goes on with an error. */
export class Mounts {
  private readonly started: ChildProcess[] = [];
  private holder: ChildProcess | undefined;

  static async open(script = ':'): Promise<Mounts> {
    const mounts = new Mounts();
    mounts.holder = await mounts.start('/usr/bin/unshare', ['--mount', '--propagation', 'private', '/bin/sh', '-ec', `${script}\necho mounted\nexec cat`], ['pipe', 'pipe', 'inherit']);
    return mounts;
  }

  /** Runs a program inside. */
  get within(): string[] { return ['/usr/bin/nsenter', '--mount', '--target', String(this.holder!.pid), '--']; }

  run(script: string): string { return spawnSync(this.within[0]!, [...this.within.slice(1), '/bin/sh', '-ec', script], { encoding: 'utf8', env: { PATH: path } }).stdout; }

  /** A FUSE file system at `at`; `silent` when it takes what it is asked and answers nothing. */
  async fuse(at: string, kind: 'folder' | 'file', silent: boolean): Promise<void> {
    if (silent) writeFileSync(`${at}.silent`, '');
    await this.start(this.within[0]!, [...this.within.slice(1), process.execPath, ...programArguments(server), at, kind], ['ignore', 'pipe', 'inherit']);
  }

  /** Resolves when it says that it mounted. */
  private async start(program: string, args: string[], stdio: ('pipe' | 'ignore' | 'inherit')[]): Promise<ChildProcess> {
    const child = spawn(program, args, { stdio, env: { ...process.env, PATH: path } });
    this.started.push(child);
    const [first] = await Promise.race([once(createInterface({ input: child.stdout! }), 'line'), once(child, 'exit')]) as unknown[];
    expect(first).toBe('mounted');
    return child;
  }

  async close(): Promise<void> {
    for (const child of this.started.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
}

export async function openMounts(script?: string): Promise<Mounts> {
  const mounts = await Mounts.open(script);
  onTestFinished(() => mounts.close());
  return mounts;
}
