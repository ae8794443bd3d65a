/** The thread that computes SM3 over slots of shared memory, in the order it is told. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { type FromThread, slotBytes, type ToThread } from './digest.ts';

const port = parentPort;
if (!port) throw new Error('expected to run as a thread of the digester');
let slots: Buffer = Buffer.alloc(0);
let sm3 = createHash('sm3');
port.on('message', (message: ToThread) => {
  if ('slots' in message) { slots = Buffer.from(message.slots); return; }
  let answer: FromThread;
  if ('end' in message) {
    answer = { sm3: sm3.digest('hex') };
    sm3 = createHash('sm3');
  } else {
    sm3.update(slots.subarray(message.slot * slotBytes, message.slot * slotBytes + message.bytes));
    answer = { free: message.slot };
  }
  port.postMessage(answer);
});
