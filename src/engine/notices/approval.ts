/**
 * Tokens by which a person answers a question: signed, for one request and one answer, good until they expire. That one is used only
 * once is what the book of requests sees to, in the same transaction as the answer.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Answer } from '../../core/notice.ts';

export type TokenFault = 'malformed' | 'forged' | 'expired';
export type Verified = { ok: true; request: string; answer: Answer; expires: number; /** Names this very token. */ id: string } | { ok: false; fault: TokenFault };

export const keyBytes = 32;
const form = /^([ar])\.([a-z0-9]{16,64})\.([0-9a-z]{1,11})\.([\w-]{43})$/;

/** `expires` is Unix ms. The token is letters, digits, `.`, `_` and `-`. */
export function makeToken(key: Uint8Array, request: string, answer: Answer, expires: number): string {
  const text = `${answer === 'approve' ? 'a' : 'r'}.${request}.${expires.toString(36)}`;
  const token = `${text}.${sign(key, text)}`;
  if (!form.test(token)) throw new Error(`expected a request id of 16 to 64 lower-case letters and digits, got ${request.length} characters`);
  return token;
}

/** Pure: says nothing of whether it was used. */
export function verifyToken(key: Uint8Array, token: string, now: number): Verified {
  const match = form.exec(token);
  if (!match) return { ok: false, fault: 'malformed' };
  const [, letter, request = '', time = '', signature = ''] = match;
  const expected = sign(key, `${letter}.${request}.${time}`);
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return { ok: false, fault: 'forged' };
  const expires = Number.parseInt(time, 36);
  if (expires <= now) return { ok: false, fault: 'expired' };
  return { ok: true, request, answer: letter === 'a' ? 'approve' : 'reject', expires, id: signature };
}

function sign(key: Uint8Array, text: string): string {
  if (key.length !== keyBytes) throw new Error(`expected a key of ${keyBytes} bytes, got ${key.length}`);
  return createHmac('sha256', key).update(`moat approval 1\n${text}`).digest('base64url');
}
