/** The key that evidence of this installation is signed with: Ed25519, made once, in the data folder, for its owner alone. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import type { EvidenceErrorCode } from './error.ts';

export interface Signer { sign(bytes: Buffer): Buffer; /** SubjectPublicKeyInfo in PEM, as openssl reads it. */ pem: string; fingerprint: string }

const name = 'evidence.key';

/** Made when it is not there. Throws MoatError 'key' when it is none, or others can read it. */
export function installationKey(dataFolder: string): Signer {
  const path = join(dataFolder, name);
  return signerOf(readKey(path) ?? makeKey(path));
}

/** For a machine on which nothing may be left: it lives as long as this process. */
export const passingKey = (): Signer => signerOf(generateKeyPairSync('ed25519').privateKey);

/** `sha256:` and the hexadecimal SHA-256 of the public key's DER form: `openssl pkey -pubin -in key.pem -outform DER | sha256sum`. */
export function fingerprintOf(pem: string): string {
  return `sha256:${createHash('sha256').update(publicKey(pem).export({ type: 'spki', format: 'der' })).digest('hex')}`;
}

/** Throws MoatError 'broken' when the key is none. */
export const isSignedBy = (pem: string, bytes: Buffer, signature: Buffer): boolean => verify(null, bytes, publicKey(pem), signature);

function publicKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519' || pem.includes('PRIVATE')) throw new Error(`a key of type ${String(key.asymmetricKeyType)}`);
    return key;
  } catch (error) { throw new MoatError<EvidenceErrorCode>('broken', `expected an Ed25519 public key: ${(error as Error).message}`, { zh: '公钥不是有效的 Ed25519 公钥', cause: error }); }
}

function signerOf(key: KeyObject): Signer {
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
  return { sign: (bytes) => sign(null, bytes, key), pem, fingerprint: fingerprintOf(pem) };
}

function readKey(path: string): KeyObject | undefined {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new MoatError<EvidenceErrorCode>('key', `expected the evidence key at ${path}: ${(error as Error).message}`, { zh: `读不了证据密钥 ${path}`, cause: error });
  }
  try {
    if ((fstatSync(handle).mode & 0o077) !== 0) throw new MoatError<EvidenceErrorCode>('key', `expected a key that its owner alone can read, got one that others can: ${path}`, { zh: `证据密钥 ${path} 可被别人读取`, hint: { zh: '别人可能已取得它：移走后会生成新的', en: 'others may have it: move it away, and a new one is made' } });
    try {
      return createPrivateKey(readFileSync(handle));
    } catch (error) { throw new MoatError<EvidenceErrorCode>('key', `expected a private key in ${path}: ${(error as Error).message}`, { zh: `${path} 不是私钥`, cause: error }); }
  } finally { closeSync(handle); }
}

/** Whole or not at all, whenever the program ends. */
function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
    fsyncSync(handle);
  } finally { closeSync(handle); }
  try {
    linkSync(draft, path);
    return privateKey;
  } catch (error) {
    const other = readKey(path);
    if (other) return other;
    throw error;
  } finally { rmSync(draft, { force: true }); }
}
