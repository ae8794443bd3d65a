/** Standard output in blocks: a line at a time costs a system call each. A closed pipe (`| head`) ends the program quietly. */
const blockChars = 64 * 1024;

export class Output {
  private parts: string[] = [];
  private size = 0;
  private waiting: Promise<void> | undefined;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(0); else throw error; });
  }

  line(text: string): void {
    this.parts.push(text);
    this.size += text.length;
    if (this.size >= blockChars) this.flush();
  }

  /** Waits while the reader is slower than we are. */
  async drained(): Promise<void> { await this.waiting; }

  async end(): Promise<void> {
    this.flush();
    await this.waiting;
  }

  private flush(): void {
    if (this.parts.length === 0) return;
    const text = `${this.parts.join('\n')}\n`;
    this.parts = [];
    this.size = 0;
    if (!process.stdout.write(text)) this.waiting ??= new Promise((resolve) => { process.stdout.once('drain', () => { this.waiting = undefined; resolve(); }); });
  }
}
