/** Wallet addresses of cryptocurrencies in text, with their checksums verified where they have one. */
import { walletWords } from './first-bytes.ts';
import { keccak256, sha256 } from './hash.ts';

export interface Wallet {
  text: string;
  coin: string;
  /** Its checksum is right; false where the coin has none, or the text does not show it: only the shape speaks. */
  verified: boolean;
}

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const bech32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const mostFound = 8;

/** The addresses in a command line or in traffic. */
export function wallets(text: string): Wallet[] {
  const found: Wallet[] = [];
  for (const word of walletWords(text)) {
    const wallet = walletOf(word);
    if (wallet !== undefined && found.push(wallet) >= mostFound) break;
  }
  return found;
}

/** The wallet that this one word is, if it is one. A checksum that is there and wrong makes it none. */
export function walletOf(word: string): Wallet | undefined {
  if ((word.length === 95 && (word[0] === '4' || word[0] === '8')) || (word.length === 106 && word[0] === '4')) return monero(word);
  if (word.length === 42 && /^0x[0-9a-fA-F]{40}$/.test(word)) return ethereum(word);
  if (word.startsWith('bc1') || word.startsWith('ltc1')) return segwit(word);
  if (/^ZEPH[A-Z0-9][1-9A-HJ-NP-Za-km-z]{94,100}$/.test(word)) return { text: word, coin: 'Zephyr', verified: false };
  if (/^W[Wo][1-9A-HJ-NP-Za-km-z]{95}$/.test(word)) return { text: word, coin: 'Wownero', verified: false };
  if (/^9[1-9A-HJ-NP-Za-km-z]{50}$/.test(word)) return { text: word, coin: 'Ergo', verified: false };
  if (word.length <= 36) return base58check(word);
  return undefined;
}

const bytesOf = (n: bigint, length: number): Uint8Array => {
  const out = new Uint8Array(length);
  for (let i = length - 1; i >= 0; i--, n >>= 8n) out[i] = Number(n & 0xffn);
  return out;
};

function decode58(text: string): bigint | undefined {
  let n = 0n;
  for (const letter of text) {
    const digit = base58.indexOf(letter);
    if (digit < 0) return undefined;
    n = n * 58n + BigInt(digit);
  }
  return n;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Monero writes blocks of 8 bytes as 11 characters, the last 5 bytes as 7: tag, two keys (and a payment id), 4 bytes of Keccak. */
function monero(word: string): Wallet | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < word.length; at += 11) {
    const part = word.slice(at, at + 11);
    const n = decode58(part);
    const length = part.length === 11 ? 8 : 5;
    if (n === undefined || n >= 1n << BigInt(length * 8)) return undefined;
    bytes.push(...bytesOf(n, length));
  }
  const all = Uint8Array.from(bytes);
  const body = all.subarray(0, -4);
  if (!same(keccak256(body).subarray(0, 4), all.subarray(-4))) return undefined;
  return [18, 19, 42].includes(all[0]!) ? { text: word, coin: 'Monero', verified: true } : undefined;
}

/** Mixed case is a checksum (EIP-55); all in one case says nothing. */
function ethereum(word: string): Wallet | undefined {
  const hex = word.slice(2), lower = hex.toLowerCase();
  // Not an address but a number: zero, or one digit again and again.
  if (/^(.)\1{39}$/.test(lower)) return undefined;
  if (hex === lower || hex === hex.toUpperCase()) return { text: word, coin: 'Ethereum', verified: false };
  const digest = keccak256(Uint8Array.from(lower, (letter) => letter.charCodeAt(0)));
  for (let i = 0; i < 40; i++) {
    const letter = lower[i]!;
    if (letter < 'a') continue;
    const nibble = i % 2 === 0 ? digest[i >> 1]! >> 4 : digest[i >> 1]! & 15;
    if ((nibble >= 8) !== (hex[i] !== letter)) return undefined;
  }
  return { text: word, coin: 'Ethereum', verified: true };
}

const base58Coins: ReadonlyMap<number, string> = new Map([[0x00, 'Bitcoin'], [0x05, 'Bitcoin'], [0x30, 'Litecoin'], [0x32, 'Litecoin'], [0x1e, 'Dogecoin'], [0x3c, 'Ravencoin'], [0x4c, 'Dash']]);

function base58check(word: string): Wallet | undefined {
  const n = decode58(word);
  if (n === undefined) return undefined;
  const isZcash = word.startsWith('t1') || word.startsWith('t3');
  const length = isZcash ? 26 : 25;
  if (n >= 1n << BigInt(length * 8)) return undefined;
  const all = bytesOf(n, length);
  const coin = isZcash ? 'Zcash' : base58Coins.get(all[0]!);
  // The leading zero byte of a Bitcoin address is a leading 1.
  if (coin === undefined || (all[0] === 0 && word[0] !== '1')) return undefined;
  return same(sha256(sha256(all.subarray(0, -4))).subarray(0, 4), all.subarray(-4)) ? { text: word, coin, verified: true } : undefined;
}

function segwit(word: string): Wallet | undefined {
  const one = word.indexOf('1');
  const prefix = word.slice(0, one), data = word.slice(one + 1);
  if (data.length < 20 || data.length > 71) return undefined;
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  const values = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  for (const letter of data) {
    const value = bech32.indexOf(letter);
    if (value < 0) return undefined;
    values.push(value);
  }
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [i, g] of generator.entries()) if ((top >>> i) & 1) check ^= g;
  }
  // bech32 and bech32m
  return check === 1 || check === 0x2bc830a3 ? { text: word, coin: prefix === 'bc' ? 'Bitcoin' : 'Litecoin', verified: true } : undefined;
}
