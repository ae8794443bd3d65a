/** The key that evidence of this installation is signed with: Ed25519, made once, in the data folder, for its owner alone. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { MoatError } from '../core/error.ts';
import { keptKey } from '../linux/kept-key.ts';
import type { EvidenceErrorCode } from './error.ts';

export interface Signer { sign(bytes: Buffer): Buffer; /** SubjectPublicKeyInfo in PEM, as openssl reads it. */ pem: string; fingerprint: string }

const name = 'evidence.key';

/** Made when it is not there. Throws MoatError 'key' when it is none, or others can read it. */
export function installationKey(dataFolder: string): Signer {
  return keptKey(join(dataFolder, name), {
    what: { zh: '证据密钥', en: 'the evidence key' }, lost: { zh: '别人可能已取得旧的', en: 'others may have the old one' },
    make: () => Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })), read: (bytes) => signerOf(createPrivateKey(bytes)),
  });
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
