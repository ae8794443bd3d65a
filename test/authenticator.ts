/** A passkey device of the tests' own: ES256, no attestation, with all that may be wrong to be set. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

interface Said { challenge: string; origin: string; rpId: string; /** Asked for a finger or a PIN. */ verified?: boolean; counter?: number; type?: string; userHandle?: string; /** Claims to be another credential. */ as?: string; attestation?: 'none' | 'tpm' }
export interface Answered { id: string; rawId: string; type: 'public-key'; response: Record<string, unknown>; clientExtensionResults: object }

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
const b64 = (data: Buffer): string => data.toString('base64url');

/** As much of CBOR as an attestation needs. */
function cbor(value: number | string | Buffer | ReadonlyMap<number | string, number | string | Buffer | ReadonlyMap<string, never>>): Buffer {
  const head = (major: number, n: number): Buffer => (n < 24 ? Buffer.from([(major << 5) | n]) : n < 256 ? Buffer.from([(major << 5) | 24, n]) : Buffer.from([(major << 5) | 25, n >> 8, n & 255]));
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  const entries = [...(value as ReadonlyMap<number | string, number | string | Buffer>)];
  return Buffer.concat([head(5, entries.length), ...entries.flatMap(([key, one]) => [cbor(key), cbor(one)])]);
}

export class Authenticator {
  readonly id = b64(randomBytes(32));
  counter = 0;
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  private data({ rpId, verified = true, counter = ++this.counter }: Said, credential?: Buffer): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    // User present, user verified, credential attached.
    return Buffer.concat([sha256(rpId), Buffer.from([1 | (verified ? 4 : 0) | (credential ? 64 : 0)]), count, ...(credential ? [credential] : [])]);
  }

  private client({ challenge, origin }: Said, type: string): Buffer { return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false })); }

  make(said: Said): Answered {
    const { x, y } = this.keys.publicKey.export({ format: 'jwk' });
    const key = cbor(new Map<number, number | Buffer>([[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x!, 'base64url')], [-3, Buffer.from(y!, 'base64url')]]));
    const raw = Buffer.from(this.id, 'base64url');
    const authData = this.data(said, Buffer.concat([Buffer.alloc(16), Buffer.from([0, raw.length]), raw, key]));
    const attestationObject = b64(cbor(new Map<string, string | Buffer | ReadonlyMap<string, never>>([['fmt', said.attestation ?? 'none'], ['attStmt', new Map<string, never>()], ['authData', authData]])));
    return { id: this.id, rawId: this.id, type: 'public-key', response: { attestationObject, clientDataJSON: b64(this.client(said, said.type ?? 'webauthn.create')), transports: ['internal'] }, clientExtensionResults: {} };
  }

  prove(said: Said): Answered {
    const authenticatorData = this.data(said);
    const client = this.client(said, said.type ?? 'webauthn.get');
    const id = said.as ?? this.id;
    return {
      id, rawId: id, type: 'public-key', clientExtensionResults: {},
      response: { authenticatorData: b64(authenticatorData), clientDataJSON: b64(client), signature: b64(sign('sha256', Buffer.concat([authenticatorData, sha256(client)]), this.keys.privateKey)), ...(said.userHandle !== undefined && { userHandle: said.userHandle }) },
    };
  }
}
