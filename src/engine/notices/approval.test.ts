import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeToken, verifyToken } from './approval.ts';

const key = Buffer.alloc(32, 7);
const id = '0123456789abcdef0123456789abcdef';
const now = Date.UTC(2026, 10, 22, 4);
const expires = now + 600_000;

describe('approval tokens', () => {
  it('say which request, which answer, and until when', () => {
    for (const answer of ['approve', 'reject'] as const) expect(verifyToken(key, makeToken(key, id, answer, expires), now)).toMatchObject({ ok: true, request: id, answer, expires });
  });

  it('expire', () => {
    const token = makeToken(key, id, 'approve', expires);
    expect(verifyToken(key, token, expires - 1)).toMatchObject({ ok: true });
    expect(verifyToken(key, token, expires)).toEqual({ ok: false, fault: 'expired' });
  });

  it('hold for no other request, answer, time or key', () => {
    const token = makeToken(key, id, 'approve', expires);
    const [, , time, signature] = token.split('.') as [string, string, string, string];
    for (const forged of [`r.${id}.${time}.${signature}`, `a.${id.replace('0', '1')}.${time}.${signature}`, `a.${id}.${(expires + 1).toString(36)}.${signature}`]) expect(verifyToken(key, forged, now)).toEqual({ ok: false, fault: 'forged' });
    expect(verifyToken(Buffer.alloc(32, 8), token, now)).toEqual({ ok: false, fault: 'forged' });
  });

  it('no letter of one may change', () => {
    const token = makeToken(key, id, 'reject', expires);
    fc.assert(fc.property(fc.nat(token.length - 1), fc.constantFrom('a', 'r', 'b', 'z', 'A', 'Z', '0', '1', '9', '.', '-', '_', ' ', '\n', '\0', '😀'), (at, letter) => {
      fc.pre(token[at] !== letter);
      expect(verifyToken(key, token.slice(0, at) + letter + token.slice(at + 1), now).ok).toBe(false);
    }));
  });

  it('what is no token is no token', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => { expect(verifyToken(key, text, now)).toEqual({ ok: false, fault: 'malformed' }); }));
    expect(verifyToken(key, 'a'.repeat(1_000_000), now)).toEqual({ ok: false, fault: 'malformed' });
  });

  it('are made for ids that cannot be mistaken, with a whole key', () => {
    expect(() => makeToken(key, 'x; rm -rf /', 'approve', expires)).toThrow('expected a request id');
    expect(() => makeToken(Buffer.alloc(3), id, 'approve', expires)).toThrow('expected a key of 32 bytes');
  });
});
