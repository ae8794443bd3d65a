/** The thread that reads and digests small files, a batch at a time, into shared memory. */
import { parentPort } from 'node:worker_threads';
import { type FromReader, type ToReader } from './file-reader.ts';
import { readSmall, smallBytes } from './small-file.ts';

const port = parentPort;
if (!port) throw new Error('expected to run as a thread of the archive');
port.on('message', ({ room, at, files }: ToReader) => {
  const into = Buffer.from(room);
  const began = new Int32Array(at);
  const read = files.map(({ path, most }, i) => {
    // How far it came: whoever waits sees which file gives no answer.
    Atomics.store(began, 0, i);
    return readSmall(path, most, into.subarray(i * smallBytes, (i + 1) * smallBytes));
  });
  // As text: copied as objects, what stands with a file costs more than reading it.
  const answer: FromReader = { read: JSON.stringify(read) };
  port.postMessage(answer);
});
