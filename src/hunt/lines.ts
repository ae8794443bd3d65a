/** Lines of a descriptor, read as they are asked for: whoever waits for one does nothing else meanwhile. */
import { readSync } from 'node:fs';

const pieceBytes = 64 * 1024;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Without their ends; what has no end is left out. Throws what the system says. */
export function* lines(descriptor: number): Generator<string, undefined> {
  const piece = Buffer.alloc(pieceBytes);
  let rest: Buffer[] = [];
  for (;;) {
    const got = readSome(descriptor, piece);
    if (got === 0) return;
    let from = 0;
    for (let end = piece.indexOf(10, from); end >= 0 && end < got; end = piece.indexOf(10, from)) {
      yield Buffer.concat([...rest, piece.subarray(from, end)]).toString('utf8');
      rest = [];
      from = end + 1;
    }
    if (from < got) rest.push(Buffer.from(piece.subarray(from, got)));
  }
}

function readSome(descriptor: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, into);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
