/** A timestamp by RFC 3161: a service signs that a digest was there at its time. Whether its signature holds is for `openssl ts -verify`. */
import { hash, randomBytes } from 'node:crypto';
import { MoatError, saidBy } from '../core/error.ts';
import type { EvidenceErrorCode } from './error.ts';

const answerMax = 64 * 1024;
const answerMs = 20_000;

/** The service's answer in DER, as `openssl ts -verify` takes it. Rejects with MoatError 'timestamp'. */
export async function askTimestamp(url: string, manifest: Buffer): Promise<Buffer> {
  const digest = hash('sha256', manifest);
  try {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body: new Uint8Array(queryOf(digest)), redirect: 'manual', signal: AbortSignal.timeout(answerMs) });
    if (!response.ok || response.body === null) throw new Error(`the service answered ${response.status}`);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response.body) {
      parts.push(Buffer.from(part as Uint8Array));
      if ((size += (part as Uint8Array).length) > answerMax) throw new Error(`the service answered more than ${answerMax} bytes`);
    }
    const answer = Buffer.concat(parts);
    // A refusal is an answer too, and has no token with our digest in it.
    if (!answer.includes(Buffer.from(digest, 'hex'))) throw new Error('the service gave no token for this digest');
    return answer;
  } catch (error) {
    throw new MoatError<EvidenceErrorCode>('timestamp', `expected a timestamp from ${url}: ${saidBy(error).en}`, { zh: `没有取得 ${url} 的时间戳：${saidBy(error).zh}`, cause: error });
  }
}

/** TimeStampReq in DER: version 1, SHA-256 of the data, a nonce, and the wish for the certificate. All lengths are fixed. */
function queryOf(digest: string): Buffer {
  const nonce = randomBytes(8);
  // A positive number without a leading zero.
  nonce[0] = (nonce[0]! & 0x3f) | 0x40;
  return Buffer.concat([Buffer.from('30430201013031300d060960864801650304020105000420', 'hex'), Buffer.from(digest, 'hex'), Buffer.from('0208', 'hex'), nonce, Buffer.from('0101ff', 'hex')]);
}
