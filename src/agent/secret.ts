/** Secrets of the configuration: written there, or in a file or environment variable that it names. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { NotifierError } from '../notifiers/port.ts';
import type { Secret } from '../notifiers/settings.ts';

const bytesMax = 8192;

/** The value without white space at its ends. Throws NotifierError 'secret', which names the place and never the value. */
export function readSecret(from: Secret): string {
  const value = (typeof from === 'string' ? from : 'env' in from ? process.env[from.env] ?? '' : readFile(from.file)).trim();
  if (value !== '') return value;
  if (typeof from !== 'string' && 'env' in from) throw new NotifierError('secret', { zh: `环境变量 ${from.env} 没有设置`, en: `the environment variable ${from.env} is not set` });
  throw new NotifierError('secret', { zh: `${placeOf(from)} 是空的`, en: `${placeOf(from)} is empty` });
}

/** Whether others than its owner and group can read the file that holds it. */
export function isOpenToAll(from: Secret): boolean {
  if (typeof from === 'string' || !('file' in from)) return false;
  const handle = openSync(from.file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return (fstatSync(handle).mode & 0o004) !== 0;
  } finally { closeSync(handle); }
}

const placeOf = (from: Secret): string => (typeof from === 'string' ? 'the setting' : 'env' in from ? from.env : from.file);

function readFile(path: string): string {
  try {
    // A pipe that nobody writes to must not hold everything up.
    const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(handle).isFile()) throw Object.assign(new Error('not a file'), { code: 'not a file' });
      const buffer = Buffer.alloc(bytesMax);
      return buffer.toString('utf8', 0, readSync(handle, buffer, 0, bytesMax, 0));
    } finally { closeSync(handle); }
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new NotifierError('secret', { zh: `读不了 ${path}（${why}）`, en: `cannot read ${path} (${why})` }, { cause: error });
  }
}
