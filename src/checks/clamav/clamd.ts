/** clamd's protocol over its local socket: a file is sent with INSTREAM, one connection each. */
import { createConnection } from 'node:net';

const chunkBytes = 256 << 10;
const answerMax = 64 << 10;

/** found: the signature's name. failed: clamd's own words, or why it could not be asked. */
export type Answer = { state: 'clean' } | { state: 'found'; name: string } | { state: 'too-large' } | { state: 'failed'; why: string };

/** Never rejects. `timeout` in ms for the whole. */
export function askClamd(socket: string, bytes: Uint8Array, timeout: number): Promise<Answer> {
  return new Promise((settle) => {
    const connection = createConnection({ path: socket });
    let answer = '';
    const end = (result: Answer): void => { clearTimeout(timer); connection.destroy(); settle(result); };
    const timer = setTimeout(() => { end({ state: 'failed', why: 'clamd did not answer in time' }); }, timeout);
    connection.setEncoding('utf8');
    connection.on('connect', () => {
      connection.write('zINSTREAM\0');
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = bytes.subarray(at, at + chunkBytes);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(chunk.length);
        connection.write(length);
        connection.write(chunk);
      }
      connection.write(Buffer.alloc(4));
    });
    connection.on('data', (text: string) => {
      answer += text;
      if (answer.length > answerMax) end({ state: 'failed', why: 'clamd answered without end' });
      else if (answer.includes('\0')) end(read(answer));
    });
    connection.on('end', () => { end(read(answer)); });
    // clamd shuts the door in the middle of a file that is too large, after saying so.
    connection.on('error', (error: NodeJS.ErrnoException) => { setImmediate(() => { end(answer === '' ? { state: 'failed', why: error.message } : read(answer)); }); });
  });
}

function read(answer: string): Answer {
  const text = answer.replace(/\0[\s\S]*$/, '').trim();
  if (/^stream: OK$/.test(text)) return { state: 'clean' };
  const name = /^stream: (.{1,300}) FOUND$/.exec(text)?.[1];
  if (name !== undefined) return { state: 'found', name };
  if (/size limit exceeded/i.test(text)) return { state: 'too-large' };
  return { state: 'failed', why: text === '' ? 'clamd hung up without an answer' : `clamd said: ${text.slice(0, 200)}` };
}
