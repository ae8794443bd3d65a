/** Writing to a pipe from a process that ends right after. */
import { writeSync } from 'node:fs';

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Written at once, waiting where the pipe is full: what was found must be with the other side before anything can go wrong here. Ends this process when nobody reads any more. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      switch ((error as NodeJS.ErrnoException).code) {
        case 'EAGAIN': Atomics.wait(pause, 0, 0, 1); break;
        case 'EPIPE': process.exit(1); break;
        default: throw error;
      }
    }
  }
}
