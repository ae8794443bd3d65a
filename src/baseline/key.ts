/** The key that a baseline is authenticated with. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { saidBy } from '../core/error.ts';
import { BaselineError } from './error.ts';

const keyMin = 16;
const keyMax = 4096;

/** The bytes of a key file, `-` for standard input; line ends at its end do not count. Throws BaselineError 'no-key'. */
export function readKey(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new BaselineError('no-key', `expected a readable key at ${file}, got ${(error as Error).message}`, { zh: `读不了密钥 ${file}：${saidBy(error).zh}`, hint: { zh: '用 --key-file 文件 指明密钥，或用 --key-file - 从标准输入给', en: 'name the key with --key-file FILE, or hand it in with --key-file -' }, cause: error });
  }
  const key = bytes.subarray(0, bytes.length - (/[\r\n]*$/.exec(bytes.toString('latin1'))?.[0].length ?? 0));
  if (key.length < keyMin || key.length > keyMax) throw new BaselineError('no-key', `expected a key of ${keyMin} to ${keyMax} bytes, got ${key.length} from ${file}`, { zh: `密钥要有 ${keyMin} 到 ${keyMax} 字节，${file} 有 ${key.length} 字节`, hint: { zh: '这样做一个：openssl rand -hex 32', en: 'make one: openssl rand -hex 32' } });
  return Buffer.from(key);
}

/** A new key in a file that only its owner reads. Throws when there is one already. */
export function makeKey(file: string): Buffer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const key = Buffer.from(randomBytes(32).toString('hex'));
  const at = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeSync(at, `${key.toString()}\n`);
    fsyncSync(at);
  } finally { closeSync(at); }
  return key;
}
