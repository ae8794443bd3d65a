/** YARA's child from outside: started when the first file comes, killed at the limit of time, replaced after many files. */
import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FromChild, Source, SourceFault, ToChild, YaraHit } from './child.ts';

export interface EngineOptions {
  sources: readonly Source[];
  /** The program of the child; default beside this one when it is built. */
  child?: string;
  /** Milliseconds for one file. */
  timeoutMs?: number;
  /** Bytes. */
  maxMemory?: number;
  /** Files before the child is replaced: the engine's memory only grows. */
  scansEach?: number;
}

/** `failed`: why the file was not looked at whole. */
export type Scanned = { hits: YaraHit[] } | { failed: string };

const startMs = 60_000;
/** Children that end by themselves one after the other before it is given up. */
const brokenMax = 3;

interface Job { id: number; bytes: Uint8Array; settle: (scanned: Scanned) => void }

export class YaraEngine {
  readonly #options: Required<Omit<EngineOptions, 'child'>> & { child: string };
  readonly #queue: Job[] = [];
  #child: ChildProcess | undefined;
  #ready = false;
  #busy: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #done = 0;
  #broken = 0;
  #next = 0;
  #closed = false;
  /** Sources that are no rules; known once the first file was looked at. */
  faults: readonly SourceFault[] = [];

  constructor({ sources, child, timeoutMs = 15_000, maxMemory = 768 << 20, scansEach = 1000 }: EngineOptions) {
    this.#options = { sources, timeoutMs, maxMemory, scansEach, child: child ?? besideThis() };
  }

  get pid(): number | undefined { return this.#child?.pid; }

  /** Never rejects. */
  scan(bytes: Uint8Array): Promise<Scanned> {
    return new Promise((settle) => {
      this.#queue.push({ id: this.#next++, bytes, settle });
      this.#feed();
    });
  }

  /** Resolves when the child is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    const gone = child?.pid !== undefined && child.exitCode === null && child.signalCode === null ? new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); }) : undefined;
    this.#stop();
    for (const { settle } of this.#queue.splice(0)) settle({ failed: 'the scan was ended' });
    await gone;
  }

  #feed(): void {
    if (this.#busy || this.#queue.length === 0 || this.#closed) return;
    if (this.#broken >= brokenMax) { for (const { settle } of this.#queue.splice(0)) settle({ failed: 'the YARA engine does not start' }); return; }
    if (!this.#child) { this.#start(); return; }
    if (!this.#ready) return;
    const job = this.#queue.shift()!;
    this.#busy = job;
    // The engine has a clock of its own; this one is for when it does not heed it.
    this.#timer = setTimeout(() => { this.#fail('it took too long'); }, this.#options.timeoutMs + 2000);
    this.#say({ kind: 'scan', id: job.id, bytes: job.bytes });
  }

  #start(): void {
    const child = fork(this.#options.child, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: ['--max-old-space-size=256'], env: { PATH: '/usr/bin:/bin' } });
    this.#child = child;
    this.#ready = false;
    this.#done = 0;
    this.#timer = setTimeout(() => { this.#broken++; this.#fail('the YARA engine did not start in time'); }, startMs);
    const gone = (): void => { if (this.#child !== child) return; if (!this.#busy) this.#broken++; this.#fail('the YARA engine ended: too much memory, or a fault of its own'); };
    child.on('error', gone);
    child.on('exit', gone);
    child.on('message', (message: FromChild) => { if (this.#child === child) this.#heard(message); });
    this.#say({ kind: 'rules', sources: [...this.#options.sources], maxMemory: this.#options.maxMemory, timeoutMs: this.#options.timeoutMs });
  }

  #heard(message: FromChild): void {
    clearTimeout(this.#timer);
    if (message.kind === 'ready') {
      this.#ready = true;
      this.faults = message.faults;
    } else if (this.#busy?.id === message.id) {
      const { settle } = this.#busy;
      this.#busy = undefined;
      this.#broken = 0;
      settle(message.kind === 'hits' ? { hits: message.hits } : { failed: message.why });
      if (++this.#done >= this.#options.scansEach) this.#stop();
    }
    this.#feed();
  }

  #fail(why: string): void {
    const job = this.#busy ?? (this.#ready ? undefined : this.#queue.shift());
    this.#busy = undefined;
    this.#stop();
    job?.settle({ failed: why });
    this.#feed();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    this.#ready = false;
    child?.kill('SIGKILL');
    const job = this.#busy;
    this.#busy = undefined;
    job?.settle({ failed: 'the scan was ended' });
  }

  #say(message: ToChild): void { this.#child?.send(message, () => undefined); } // a child that is gone tells by its exit
}

function besideThis(): string {
  const here = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(extname(here) === '.ts' ? './child.ts' : './yara-child.js', import.meta.url));
}
