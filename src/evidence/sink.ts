/** Where an archive goes: a new file, or a stream that leads elsewhere. */
import { closeSync, fsyncSync, openSync, statfsSync, write } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { MoatError } from '../core/error.ts';
import type { Sink } from './archive.ts';
import type { EvidenceErrorCode } from './error.ts';

/** For its owner alone; on disk when `end` resolves. Throws MoatError 'bad-input' when the name is taken. */
export function fileSink(path: string): Sink {
  let fd: number;
  try {
    fd = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new MoatError<EvidenceErrorCode>('bad-input', `expected a new file, ${path} is there already`, { zh: `${path} 已存在，不会覆盖`, cause: error });
    throw new MoatError<EvidenceErrorCode>('no-room', `cannot write ${path}: ${(error as Error).message}`, { zh: `无法写入 ${path}`, cause: error });
  }
  const folder = dirname(path);
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        at += await new Promise<number>((resolve, reject) => { write(fd, bytes, at, bytes.length - at, null, (error, n) => { if (error) reject(error); else resolve(n); }); });
      }
    },
    end() {
      fsyncSync(fd);
      closeSync(fd);
      // The name as well.
      const dir = openSync(folder, 'r');
      try { fsyncSync(dir); } finally { closeSync(dir); }
      return Promise.resolve();
    },
    room() {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    },
  };
}

/** Never ahead of its reader by more than the stream holds. Rejects when nobody reads any more. */
export function streamSink(stream: Writable): Sink {
  let failed: Error | undefined;
  stream.on('error', (error) => { failed ??= error; });
  return {
    write: (bytes) => new Promise((resolve, reject) => {
      if (failed) { reject(failed); return; }
      // Resolves when it is out of our hands: the bytes are used again.
      stream.write(bytes, (error) => { if (error) reject(error); else resolve(); });
    }),
    end: () => new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.write(Buffer.alloc(0), () => resolve());
    }),
  };
}
