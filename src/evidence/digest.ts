/** SHA-256 and SM3 of one stream. SM3 costs four times as much, so that of a large stream is computed by a thread of its own. */
import { createHash, hash, type Hash } from 'node:crypto';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

export interface Digests { sha256: string; sm3: string }

/** To the thread: bytes of a slot, or the end of a stream. Back: a slot is free, or the digest. */
export type ToThread = { slots: SharedArrayBuffer } | { slot: number; bytes: number } | { end: true };
export type FromThread = { free: number } | { sm3: string };

export const slotBytes = 1 << 20;
const slots = 8;
/** Below it, a message to the thread costs more than the digest. */
const threadFrom = 256 * 1024;

export const digestsOf = (bytes: Buffer): Digests => ({ sha256: hash('sha256', bytes), sm3: hash('sm3', bytes) });

/** One stream at a time. */
export class Digester {
  private sha256: Hash | undefined;
  private sm3: Hash | undefined;
  private readonly thread: DigestThread | undefined;
  private inThread = false;

  /** Without its program (from the sources) all is done here. */
  constructor(program = programBeside('digest-worker')) { this.thread = program === undefined ? undefined : new DigestThread(program); }

  /** `expected`: about how many bytes will come. */
  begin(expected: number): void {
    this.sha256 = createHash('sha256');
    this.inThread = this.thread !== undefined && expected >= threadFrom;
    if (!this.inThread) this.sm3 = createHash('sm3');
  }

  /** The bytes may be used again when it resolves. */
  async update(bytes: Buffer): Promise<void> {
    // The thread begins before this one is busy.
    if (this.inThread) await this.thread!.update(bytes); else this.sm3!.update(bytes);
    this.sha256!.update(bytes);
  }

  async end(): Promise<Digests> {
    const sha256 = this.sha256!.digest('hex');
    return { sha256, sm3: this.inThread ? await this.thread!.end() : this.sm3!.digest('hex') };
  }

  async close(): Promise<void> { await this.thread?.close(); }
}

/** The program of a thread, found beside the bundle; the sources have none. */
export function programBeside(name: 'digest-worker' | 'file-worker'): string | undefined {
  const here = fileURLToPath(import.meta.url);
  return extname(here) === '.ts' ? undefined : join(dirname(here), `${name}.js`);
}

class DigestThread {
  private readonly program: string;
  private worker: Worker | undefined;
  private readonly shared = new SharedArrayBuffer(slots * slotBytes);
  private readonly view = Buffer.from(this.shared);
  private free = Array.from({ length: slots }, (_, i) => i);
  private onFree: (() => void) | undefined;
  private onDigest: ((sm3: string) => void) | undefined;
  private reject: ((error: Error) => void) | undefined;
  private failed: Error | undefined;

  constructor(program: string) { this.program = program; }

  async update(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const slot = await this.slot();
      const n = bytes.copy(this.view, slot * slotBytes, at, Math.min(bytes.length, at + slotBytes));
      at += n;
      this.send({ slot, bytes: n });
    }
  }

  end(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.failed) { reject(this.failed); return; }
      this.onDigest = resolve;
      this.reject = reject;
      this.send({ end: true });
    });
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    worker?.removeAllListeners('exit');
    await worker?.terminate();
  }

  private async slot(): Promise<number> {
    for (;;) {
      if (this.failed) throw this.failed;
      const slot = this.free.pop();
      if (slot !== undefined) return slot;
      await new Promise<void>((resolve, reject) => { this.onFree = resolve; this.reject = reject; });
    }
  }

  private send(message: ToThread): void {
    this.worker ??= this.start();
    // No list of what is handed over: the slots are shared.
    this.worker.postMessage(message, []);
  }

  private start(): Worker {
    const worker = new Worker(this.program, { name: 'moat-digest', resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 } });
    worker.on('message', (message: FromThread) => {
      if ('free' in message) {
        this.free.push(message.free);
        this.onFree?.();
      } else this.onDigest?.(message.sm3);
    });
    const fail = (error: Error): void => { this.failed ??= error; this.reject?.(this.failed); };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('expected the digesting thread to run, it ended')));
    const first: ToThread = { slots: this.shared };
    worker.postMessage(first, []);
    return worker;
  }
}
