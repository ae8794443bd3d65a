/** Small files, many at a time, by a thread: what costs with thousands of them is going to and fro for each. */
import { Worker } from 'node:worker_threads';
import type { Text } from '../core/text.ts';
import { smallBytes, type SmallRead } from './small-file.ts';

/** As many as are read at a time: their room is held twice, one half being read into while the other is written out. */
export const batchFiles = 64;
/** Threads that hang in the kernel cannot be ended; after so many every file is read on its own. */
const hungMax = 2;

/** Time the thread has to begin at all: a machine in trouble is slow. */
const startMs = 20_000;
const notBegun = -1;

interface Wanted { path: string; /** Bytes. */ most: number; /** Time it may take. */ ms: number }

export interface ToReader { room: SharedArrayBuffer; /** One number: which file it is at, or `notBegun`. */ at: SharedArrayBuffer; files: readonly { path: string; most: number }[] }
/** `read`: `SmallRead[]` as JSON. */
export interface FromReader { read: string }

export class FileReader {
  private readonly program: string;
  private worker: Worker | undefined;
  private rooms = newRooms();
  private turn = 0;
  private hung = 0;
  /** Given to whoever waits; nothing when the thread is gone. */
  private answered: ((read?: readonly SmallRead[]) => void) | undefined;

  /** `program`: of the thread. */
  constructor(program: string) { this.program = program; }

  /** Whether it is of use still. */
  get usable(): boolean { return this.hung < hungMax; }

  /**
   * In their order, with where the bytes of the i-th are; these stay until the call after the next. One call at a time. Does not
   * reject: what the thread gave no answer for is `other`, and a file that took longer than its time has `why`.
   */
  async read(files: readonly Wanted[]): Promise<{ read: readonly SmallRead[]; bytesOf: (i: number) => Buffer }> {
    const room = this.rooms[this.turn ^= 1]!;
    const view = Buffer.from(room);
    const worker = this.worker ??= this.start();
    const at = new SharedArrayBuffer(4);
    const others = (): SmallRead[] => files.map(() => ({ other: true }));
    const read = await new Promise<readonly SmallRead[]>((resolve) => {
      const place = new Int32Array(at).fill(notBegun);
      let seen = notBegun, since = performance.now();
      const msOf = (i: number): number => files[i]?.ms ?? startMs;
      const look = (): void => {
        const i = Atomics.load(place, 0);
        if (i !== seen) { seen = i; since = performance.now(); }
        if (performance.now() - since < msOf(i)) { timer = setTimeout(look, msOf(0) / 4); return; }
        this.abandon(worker);
        this.answered?.(others().map((other, n) => (n === i ? { why: noAnswer(msOf(i)) } : other)));
      };
      let timer = setTimeout(look, msOf(0) / 4);
      this.answered = (answer = others()) => {
        clearTimeout(timer);
        this.answered = undefined;
        resolve(answer);
      };
      const message: ToReader = { room, at, files: files.map(({ path, most }) => ({ path, most })) };
      // No list of what is handed over: the memory is shared.
      worker.postMessage(message, []);
    });
    return { read, bytesOf: (i) => view.subarray(i * smallBytes, (i + 1) * smallBytes) };
  }

  /** It may write to what was its own as long as it hangs: whoever comes after it gets other memory. */
  private abandon(worker: Worker): void {
    this.hung++;
    this.worker = undefined;
    this.rooms = newRooms();
    worker.unref();
    void worker.terminate();
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(this.program, { name: 'moat-files', resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } });
    const isOurs = (): boolean => this.worker === worker;
    worker.on('message', ({ read }: FromReader) => { if (isOurs()) this.answered?.(JSON.parse(read) as SmallRead[]); });
    // Without the thread there is no way that is faster: each is read on its own.
    const gone = (): void => {
      if (!isOurs()) return;
      this.hung = hungMax;
      this.worker = undefined;
      this.answered?.();
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    return worker;
  }
}

const newRooms = (): SharedArrayBuffer[] => [0, 1].map(() => new SharedArrayBuffer(batchFiles * smallBytes));

const noAnswer = (ms: number): Text => ({ zh: `${ms} 毫秒内没有答复`, en: `no answer within ${ms} ms` });
