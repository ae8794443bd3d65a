import { MoatError } from '../core/error.ts';

/** Standard output in blocks: a line at a time costs a system call each. A closed pipe (`| head`) ends the program quietly, with the exit code that was set. */
const blockChars = 64 * 1024;

export class Output {
  private parts: string[] = [];
  private size = 0;
  private waiting: Promise<void> | undefined;
  private fault: Error | undefined;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      this.fault ??= error;
    });
  }

  line(text: string): void {
    this.parts.push(text);
    this.size += text.length;
    if (this.size >= blockChars) this.flush();
  }

  /** Waits while the reader is slower than we are. */
  async drained(): Promise<void> { await this.waiting; }

  /** Throws MoatError 'not-written' when the reader did not get all of it (a full disk). */
  async end(): Promise<void> {
    this.flush();
    await this.waiting;
    // A fault is told a turn after the write.
    await new Promise((resolve) => { setImmediate(resolve); });
    if (this.fault) throw new MoatError('not-written', `cannot write standard output: ${this.fault.message}`, { zh: `写不了标准输出：${this.fault.message}`, cause: this.fault });
  }

  private flush(): void {
    if (this.parts.length === 0) return;
    const text = `${this.parts.join('\n')}\n`;
    this.parts = [];
    this.size = 0;
    if (this.fault || process.stdout.write(text)) return;
    this.waiting ??= new Promise((resolve) => {
      const done = (): void => { this.waiting = undefined; resolve(); };
      process.stdout.once('drain', done).once('close', done);
    });
  }
}
