import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keccak256, sha256 } from './hash.ts';
import { walletOf, wallets } from './wallet.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('digests', () => {
  it('SHA-256 agrees with OpenSSL at every length', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (data) => { expect(hex(sha256(data))).toBe(createHash('sha256').update(data).digest('hex')); }));
  });
  it('Keccak-256 gives the published values, also past one block', () => {
    expect(hex(keccak256(new Uint8Array()))).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470');
    expect(hex(keccak256(Uint8Array.from('abc', (c) => c.charCodeAt(0))))).toBe('4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45');
    // SHA3-256 differs in one byte of padding: only the permutation is shared, so lengths around a block are checked by their distinctness.
    const seen = new Set([134, 135, 136, 137, 271, 272, 273].map((n) => hex(keccak256(new Uint8Array(n)))));
    expect(seen.size).toBe(7);
  });
});

/** Published addresses: donation address of the Monero project, the first Bitcoin block, examples of BIP 173, BIP 350 and EIP-55. */
const known: [string, string][] = [
  ['Monero', '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A'],
  ['Bitcoin', '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa'],
  ['Bitcoin', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['Bitcoin', 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'],
  ['Ethereum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
];

describe('wallets', () => {
  it.each(known)('a %s address is verified, and one wrong character makes it none', (coin, text) => {
    expect(walletOf(text)).toEqual({ text, coin, verified: true });
    for (const at of [5, 12, text.length - 2]) {
      const other = text[at] === 'a' ? 'e' : 'a';
      const broken = text.slice(0, at) + other + text.slice(at + 1);
      if (broken.toLowerCase() !== text.toLowerCase() || coin !== 'Ethereum') expect(walletOf(broken)?.verified ?? false, broken).toBe(false);
    }
  });

  it('is found in a command line and in traffic, whatever stands around it', () => {
    const [, xmr] = known[0]!, [, eth] = known[4]!;
    expect(wallets(`./x -o pool:3333 -u ${xmr}.rig7+50000 -p x`).map((w) => w.coin)).toEqual(['Monero']);
    expect(wallets(`{"params":{"login":"${xmr}","pass":"x"}}`).map((w) => w.coin)).toEqual(['Monero']);
    expect(wallets(`eth_submitLogin ["${eth}"] user=ETH:${eth.toLowerCase()}.w`)).toEqual([{ text: eth, coin: 'Ethereum', verified: true }, { text: eth.toLowerCase(), coin: 'Ethereum', verified: false }]);
  });

  it('digests, keys and numbers are none', () => {
    const sum = createHash('sha256').update('x').digest('hex');
    for (const text of [sum, `sha256:${sum}`, `0x${sum}`, `0x${'0'.repeat(40)}`, 'AAAAB3NzaC1yc2EAAAADAQABAAABgQC7', '3'.repeat(34), 'L'.repeat(33), '4'.repeat(95), 'bc1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq']) expect(wallets(text), text).toEqual([]);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...Array.from('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz')), minLength: 26, maxLength: 110 }), (text) => { expect(wallets(text).some((w) => w.verified)).toBe(false); }));
  });
});
