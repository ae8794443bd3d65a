/** The chain of custody: who had the evidence, one signed entry a hand, each over the one before. */
import { createHash } from 'node:crypto';
import type { Signer } from './key.ts';
import type { Custody } from './manifest.ts';

export interface CustodyInput { did: Custody['did']; by: string; from?: string; to: string; how: string; why: string; host: string; /** Unix ms. */ time: number }

const textMax = 500;

export const custodyNames = (number: number): { entry: string; signature: string; key: string } => {
  const stem = `custody/${String(number).padStart(4, '0')}`;
  return { entry: `${stem}.json`, signature: `${stem}.json.sig`, key: `${stem}.pem` };
};

/** `last`: the bytes of the entry before, as they stand in the archive. */
export function nextCustody({ archive, manifest, last }: { archive: string; manifest: string; last: { number: number; bytes: Buffer } | undefined }, input: CustodyInput, signer: Signer): { entry: Custody; bytes: Buffer; signature: Buffer } {
  const cut = (text: string): string => text.slice(0, textMax);
  const entry: Custody = {
    number: (last?.number ?? 0) + 1, archive, manifest, before: last === undefined ? '' : createHash('sha256').update(last.bytes).digest('hex'), time: new Date(input.time).toISOString(),
    did: input.did, by: cut(input.by), ...(input.from !== undefined && { from: cut(input.from) }), to: cut(input.to), how: cut(input.how), why: cut(input.why), host: cut(input.host), fingerprint: signer.fingerprint,
  };
  const bytes = Buffer.from(`${JSON.stringify(entry, undefined, 1)}\n`);
  return { entry, bytes, signature: signer.sign(bytes) };
}
