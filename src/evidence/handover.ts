/**
 * Adds an entry to the chain of custody of an archive on a disk. Its end is written behind the old one first and comes to hold with
 * one block: cut off before it, the archive is what it was, with something unfinished behind it.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { MoatError } from '../core/error.ts';
import { type CustodyInput, custodyNames, nextCustody } from './custody.ts';
import type { EvidenceErrorCode } from './error.ts';
import type { Signer } from './key.ts';
import type { Custody } from './manifest.ts';
import { blockBytes, headerOf, padding, trailer } from './tar.ts';
import { readArchive, type VerifyOptions } from './verify.ts';

export interface HandedOver { entry: Custody; /** SHA-256 of the entry: the head of the chain. */ head: string; manifest: string; /** Bytes of the archive now. */ bytes: number }

/** Proves the archive first: what is broken is not handed on as whole. Throws MoatError 'broken'. */
export async function handOver(path: string, input: Omit<CustodyInput, 'did'>, signer: Signer, options: VerifyOptions = {}): Promise<HandedOver> {
  const { verdict, end, last } = await readArchive(createReadStream(path, { highWaterMark: 1 << 20 }), options);
  const fault = verdict.faults.find(({ what }) => what !== 'unfinished');
  if (fault || end === undefined || last === undefined || verdict.manifest === undefined || verdict.digest === undefined) {
    const text = fault?.text ?? { zh: '不是完整的存档', en: 'it is no whole archive' };
    throw new MoatError<EvidenceErrorCode>('broken', `expected an untouched archive at ${path}: ${text.en}`, { zh: `${path} 核验不通过：${text.zh}`, hint: `moat evidence verify ${path}` });
  }
  const { id } = verdict.manifest;
  const next = nextCustody({ archive: id, manifest: verdict.digest, last }, { ...input, did: 'handed-over' }, signer);
  const names = custodyNames(next.entry.number);
  const member = (name: string, content: Buffer): Buffer => Buffer.concat([headerOf(`${id}/${name}`, content.length, input.time), content, Buffer.alloc(padding(content.length))]);
  const added = Buffer.concat([member(names.entry, next.bytes), member(names.signature, next.signature), member(names.key, Buffer.from(signer.pem)), trailer]);
  const fd = openSync(path, 'r+');
  try {
    // What an earlier one left unfinished goes.
    ftruncateSync(fd, end + trailer.length);
    writeAt(fd, added.subarray(blockBytes), end + blockBytes);
    fsyncSync(fd);
    writeAt(fd, added.subarray(0, blockBytes), end);
    fsyncSync(fd);
  } finally { closeSync(fd); }
  return { entry: next.entry, head: createHash('sha256').update(next.bytes).digest('hex'), manifest: verdict.digest, bytes: end + added.length };
}

function writeAt(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
