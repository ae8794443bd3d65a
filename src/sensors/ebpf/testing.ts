/** The kernel sensor in tests: its worker built from the source as it is, and whether this machine permits it at all. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { MoatError } from '../../core/error.ts';
import { loadObject } from '../../linux/libbpf.ts';
import type { Sensor } from '../../core/ports.ts';
import { start, type Trial } from '../trial.ts';
import { ebpfSensor, type EbpfOptions } from './sensor.ts';

const root = join(import.meta.dirname, '../../..');
const objects = join(root, 'sensor');

/** True where eBPF is not permitted; `lacks` is that of test/need.ts. An object that the kernel refuses is no reason to skip. */
export async function lacksEbpf(lacks: (needs: { root?: boolean; files?: readonly string[] }) => boolean): Promise<boolean> {
  if (lacks({ root: true, files: ['/sys/kernel/btf/vmlinux'] })) return true;
  const why = await (whyNot ??= tryOne());
  return why !== undefined && lacks({ files: [`eBPF: ${why}`] });
}

/** Asked once a process, with one program: to take all of them off takes the kernel seconds. */
let whyNot: Promise<string | undefined> | undefined;
async function tryOne(): Promise<string | undefined> {
  try {
    await (await loadObject({ file: join(objects, 'base.bpf.o'), needed: ['on_exec'], wanted: (name) => name === 'on_exec' })).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof MoatError)) throw error;
    return error.code === 'refused' ? undefined : error.message;
  }
}

/** What a test file works with: a folder, children and sensors that end with each test. */
export interface Stage {
  folder: string;
  /** The worker's program. */
  worker: string;
  /** A running kernel sensor. */
  live(options?: Partial<EbpfOptions>): Promise<Trial>;
  follow(sensor: Sensor): Trial;
  run(file: string, args?: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  python(code: string, ...args: string[]): ChildProcess;
  /** After each test. */
  clear(): Promise<void>;
  /** After all. */
  remove(): void;
}

export async function openStage(): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'moat-ebpf-')));
  const worker = join(root, `.cache/ebpf-worker-${process.pid}-${Math.random().toString(36).slice(2)}.mjs`);
  await build({ entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile: worker, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['koffi'] });
  const children: ChildProcess[] = [];
  const trials: Trial[] = [];
  const stage: Stage = {
    folder, worker,
    async live(options) {
      const trial = stage.follow(ebpfSensor({ objects, worker, ...options }));
      await trial.when(() => trial.health.get('ebpf') === 'live');
      return trial;
    },
    follow(sensor) {
      const trial = start(sensor);
      trials.push(trial);
      return trial;
    },
    run(file, args = [], env = process.env) {
      const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], env });
      children.push(child);
      return child;
    },
    python: (code, ...args) => stage.run('/usr/bin/python3', ['-c', code, ...args]),
    async clear() {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      for (const trial of trials.splice(0)) await trial.stop();
    },
    remove() {
      rmSync(worker, { force: true });
      rmSync(folder, { recursive: true });
    },
  };
  return stage;
}
