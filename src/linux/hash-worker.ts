/** The thread of the hashing pool: digests files whose paths it is sent. */
import { createHash, hash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { MoatError, reasonOf, saidBy } from '../core/error.ts';
import { readFlags } from './file-change.ts';
import { bytesOf, nameOf } from './file-names.ts';
import { Place, type PlaceErrorCode } from './place.ts';
import type { HashAnswer, HashJobs, HashSettings } from './hash-pool.ts';
import { attempts, digestMax, pieceBytes, type DigestAlgorithm, type Taken } from './digests.ts';

const piece = Buffer.allocUnsafeSlow(pieceBytes);
const descriptors = '/proc/self/fd';
/** Without /proc no folder can be held: then a path is opened as it stands, as the tree itself does. */
const follows = (workerData as HashSettings).follows || !existsSync(descriptors);

const port = parentPort;
if (!port) throw new Error('expected to run as a thread of the hashing pool');
port.on('message', ({ id, jobs }: HashJobs) => {
  const answer: HashAnswer = { id, taken: jobs.map(([path, algorithm]) => digest(path, algorithm)) };
  port.postMessage(answer);
});

function digest(path: string, algorithm: DigestAlgorithm): Taken {
  for (let i = 1; ; i++) {
    try {
      const taken = digestOnce(path, algorithm);
      if (taken.state !== 'changed' || i === attempts) return taken;
    } catch (error) {
      if (error instanceof MoatError) return (error.code as PlaceErrorCode) === 'not-there' ? { state: 'gone' } : { state: 'broken', why: reasonOf(error) };
      switch ((error as NodeJS.ErrnoException).code) {
        // A link where a file was, or a socket, is no file; nor is what is not there.
        case 'ENOENT': case 'ENOTDIR': case 'ELOOP': case 'ENXIO': case 'ENODEV': case 'ENAMETOOLONG': return { state: 'gone' };
        case 'EACCES': case 'EPERM': return { state: 'denied', why: saidBy(error) };
        default: return { state: 'broken', why: saidBy(error) };
      }
    }
  }
}

/** The folder of the file before, held open: files come folder by folder. */
let held: Place | undefined;

/** Throws MoatError 'changed' when a folder on the way has become a link, and what `open` throws. */
function openFile(path: string): number {
  if (follows) return openSync(bytesOf(path), readFlags);
  const folder = path.slice(0, path.lastIndexOf('/'));
  const name = path.slice(folder.length + 1);
  if (held && nameOf(readlinkSync(`${descriptors}/${held.folder}`, { encoding: 'buffer' })) !== (folder || '/')) { held.close(); held = undefined; }
  held ??= new Place(path);
  return openSync(held.at(name), readFlags);
}

function digestOnce(path: string, algorithm: DigestAlgorithm): Taken {
  const file = openFile(path);
  try {
    const before = fstatSync(file);
    if (!before.isFile()) return { state: 'gone' };
    if (before.size > digestMax) return { state: 'too-large', size: before.size };
    const hex = before.size < pieceBytes ? hash(algorithm, piece.subarray(0, readInto(file)), 'hex') : digestLong(file, algorithm);
    const after = fstatSync(file);
    if (after.size !== before.size || after.mtimeMs !== before.mtimeMs || after.ctimeMs !== before.ctimeMs) return { state: 'changed' };
    return { state: 'taken', hex, mode: before.mode, device: before.dev, inode: before.ino, size: before.size, modified: before.mtimeMs, changed: before.ctimeMs };
  } finally { closeSync(file); }
}

/** What has grown beyond the piece meanwhile is seen by its new size. */
function readInto(file: number): number {
  let have = 0;
  while (have < piece.length) {
    const got = readSync(file, piece, have, piece.length - have, null);
    if (got === 0) break;
    have += got;
  }
  return have;
}

function digestLong(file: number, algorithm: DigestAlgorithm): string {
  const digest = createHash(algorithm);
  // A file that grows faster than it is read must end too.
  for (let total = 0; total <= digestMax;) {
    const got = readSync(file, piece, 0, piece.length, null);
    if (got === 0) break;
    digest.update(piece.subarray(0, got));
    total += got;
  }
  return digest.digest('hex');
}
