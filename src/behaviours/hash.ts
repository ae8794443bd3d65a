/** The two digests that wallet addresses carry as checksums. Only run on what already looks like an address. */

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
const fraction = (x: number): number => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
const start = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const rounds = primes.map((p) => fraction(Math.cbrt(p)));

/** SHA-256 (FIPS 180-4): 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  const blocks = Math.ceil((data.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, data.length * 8);
  const h = Int32Array.from(start);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block * 64 + i * 4);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15]!, b = w[i - 2]!;
      w[i] = (rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10)) + w[i - 7]! + (rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3)) + w[i - 16]!;
    }
    let [a, b, c, d, e, f, g, k] = h as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const one = (k + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i]! + w[i]!) | 0;
      const two = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    for (const [i, x] of [a, b, c, d, e, f, g, k].entries()) h[i] = (h[i]! + x) | 0;
  }
  const out = new Uint8Array(32);
  const written = new DataView(out.buffer);
  for (let i = 0; i < 8; i++) written.setInt32(i * 4, h[i]!);
  return out;
}

const mask = (1n << 64n) - 1n;
const turn = (x: bigint, n: bigint): bigint => n === 0n ? x : ((x << n) | (x >> (64n - n))) & mask;

/** Keccak-f[1600]'s constants, from its own shift register and its walk over the lanes. */
const iota: bigint[] = [];
for (let round = 0, register = 1; round < 24; round++) {
  let constant = 0n;
  for (let j = 0; j < 7; j++) {
    if (register & 1) constant |= 1n << BigInt(2 ** j - 1);
    register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
  }
  iota.push(constant);
}
const walk: { from: number; to: number; by: bigint }[] = [{ from: 0, to: 0, by: 0n }];
for (let t = 0, x = 1, y = 0; t < 24; t++) {
  walk.push({ from: x + 5 * y, to: y + 5 * ((2 * x + 3 * y) % 5), by: BigInt((((t + 1) * (t + 2)) / 2) % 64) });
  [x, y] = [y, (2 * x + 3 * y) % 5];
}

function permute(lanes: BigUint64Array): void {
  for (const constant of iota) {
    const columns = [0, 1, 2, 3, 4].map((x) => lanes[x]! ^ lanes[x + 5]! ^ lanes[x + 10]! ^ lanes[x + 15]! ^ lanes[x + 20]!);
    for (let i = 0; i < 25; i++) lanes[i] = lanes[i]! ^ columns[(i + 4) % 5]! ^ turn(columns[(i + 1) % 5]!, 1n);
    const moved = new BigUint64Array(25);
    for (const { from, to, by } of walk) moved[to] = turn(lanes[from]!, by);
    for (let i = 0; i < 25; i++) {
      const row = i - (i % 5);
      lanes[i] = moved[i]! ^ (~moved[row + ((i + 1) % 5)]! & mask & moved[row + ((i + 2) % 5)]!);
    }
    lanes[0] = lanes[0]! ^ constant;
  }
}

/** Keccak-256 as Monero and Ethereum use it (the padding from before SHA-3): 32 bytes. */
export function keccak256(data: Uint8Array): Uint8Array {
  const rate = 136;
  const blocks = Math.floor(data.length / rate) + 1;
  const padded = new Uint8Array(blocks * rate);
  padded.set(data);
  padded[data.length]! |= 0x01;
  padded[padded.length - 1]! |= 0x80;
  const view = new DataView(padded.buffer);
  const lanes = new BigUint64Array(25);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < rate / 8; i++) lanes[i] = lanes[i]! ^ view.getBigUint64(block * rate + i * 8, true);
    permute(lanes);
  }
  const out = new Uint8Array(32);
  const written = new DataView(out.buffer);
  for (let i = 0; i < 4; i++) written.setBigUint64(i * 8, lanes[i]!, true);
  return out;
}
