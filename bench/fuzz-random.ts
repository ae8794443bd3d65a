/** Seeded chance and the ways in which input is made hostile. */

export interface Random {
  /** 0 ≤ n < below, whole. */
  int(below: number): number;
  pick<T>(list: readonly T[]): T;
  chance(share: number): boolean;
}

/** mulberry32: small, fast, the same numbers for the same seed everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return { int, pick: (list) => list[int(list.length)]!, chance: (share) => next() < share };
}

/** An address that stands only in text a client chose: no event may name it as its source. */
export const forgedAddress = '203.0.113.9';
export const forgedLogin = `Accepted password for root from ${forgedAddress} port 22 ssh2`;

/** Text that an attacker puts where a name, path or agent is expected. */
export const forgeries: readonly string[] = [
  forgedLogin,
  `x from ${forgedAddress} port 22`,
  `x from ${forgedAddress} port 22 ssh2`,
  `x from ${forgedAddress}`,
  `x ${forgedAddress} port 22 [preauth]`,
  `root from ${forgedAddress} port 22 ssh2: RSA SHA256:AAAA`,
  `x\n${forgedLogin}`,
  `x#012${forgedLogin}`,
  `x\r${forgedLogin}`,
  `x\u0000${forgedLogin}`,
  `x\u001b[2K\u001b[1G${forgedLogin}`,
  ` rhost=${forgedAddress}  user=root`,
  `x rhost=${forgedAddress} `,
  `x>, method=PLAIN, rip=${forgedAddress}, lip=198.51.100.1, TLS, session=<a>`,
  `x, rip=${forgedAddress}, lip=198.51.100.1`,
  `x] OK LOGIN: Client "${forgedAddress}"`,
  `x] FAIL LOGIN: Client "${forgedAddress}"`,
  `x' from '${forgedAddress}'`,
  `x,${forgedAddress}): unknown user`,
  `x [${forgedAddress}]`,
  `x (${forgedAddress})`,
  `[${forgedAddress}]: 535 Incorrect authentication data`,
  `session opened for user root(uid=0) by x(uid=0)`,
  `x : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh`,
  `${forgedAddress} - - [22/Nov/2026:02:27:01 +0000] GET / HTTP/1.1 200`,
  `client: ${forgedAddress}, server: x, request: `,
  `Nov 22 02:27:01 web01 sshd[1]: ${forgedLogin}`,
  `sshd[1]: ${forgedLogin}`,
];

const hostileBits: readonly string[] = [
  ...forgeries, '\u0000', '\r', '\r\n', '\n', '\u001b[2J\u001b]0;x\u0007', '\u009b31m', '\u202e', '\ufeff', '\ufffd', '\ud800', '😀', '\\', '\\x', '%', '%25', '%u0027', '"', '\'', '`', '[', ']', '(', ')', '<', '>', '{', '}',
  '=', ':', ';', ',', ' ', '\t', '-', '--', '0', '-1', '1e999', '99999999999999999999', '0x', 'NaN', 'Infinity', '__proto__', 'constructor', 'toString', 'null', 'undefined', '::', '::ffff:', '1.2.3.4.5', '999.999.999.999',
  '2026-13-45T99:99:99Z', 'Feb 31 25:61:61', '[99/Zzz/0000:00:00:00 +9999]', '+9999', 'type=EXECVE msg=audit(99999999999999.999:1):', 'a0=', '{"a":'.repeat(20), '[['.repeat(50), '%2525252541',
];

/** A line made hostile in one to four ways; `others` are lines to splice with. At most `max` characters. */
export function mutate(random: Random, line: string, others: readonly string[], max = 64 * 1024): string {
  let out = line;
  for (let times = 1 + random.int(4); times > 0; times--) out = once(random, out, others);
  return out.slice(0, max);
}

function once(random: Random, line: string, others: readonly string[]): string {
  const at = random.int(line.length + 1);
  const to = Math.min(line.length, at + 1 + random.int(24));
  switch (random.int(12)) {
    case 0: return line.slice(0, at);
    case 1: return line.slice(at);
    case 2: return line.slice(0, at) + line.slice(to);
    case 3: return line.slice(0, at) + random.pick(hostileBits) + line.slice(at);
    case 4: return line.slice(0, at) + random.pick(hostileBits) + line.slice(to);
    case 5: return line.slice(0, at) + line.slice(at, to).repeat(2 + random.int(40)) + line.slice(to);
    case 6: { const other = random.pick(others); return line.slice(0, at) + other.slice(random.int(other.length + 1)); }
    case 7: return flipBits(random, line);
    case 8: return line.slice(0, at) + random.pick(hostileBits).repeat(1 + random.int(200)) + line.slice(at);
    case 9: return replaceNumber(random, line);
    case 10: return `${line} ${random.pick(others)}`;
    default: return wordSwap(random, line);
  }
}

/** Flips bits in the bytes and reads them as UTF-8, as a reader of a damaged file does. */
function flipBits(random: Random, line: string): string {
  const bytes = Buffer.from(line);
  if (bytes.length === 0) return line;
  for (let times = 1 + random.int(6); times > 0; times--) { const at = random.int(bytes.length); bytes[at] = bytes[at]! ^ (1 << random.int(8)); }
  return bytes.toString('utf8');
}

function replaceNumber(random: Random, line: string): string {
  const numbers = [...line.matchAll(/\d+/g)];
  if (numbers.length === 0) return line;
  const number = random.pick(numbers);
  return line.slice(0, number.index) + random.pick(['', '0', '-1', '00', '4294967296', '9'.repeat(30), '1e308', '٣']) + line.slice(number.index + number[0].length);
}

function wordSwap(random: Random, line: string): string {
  const words = line.split(' ');
  const one = random.int(words.length);
  const two = random.int(words.length);
  [words[one], words[two]] = [words[two]!, words[one]!];
  return words.join(' ');
}

export function noise(random: Random, length: number): string {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random.int(256);
  return bytes.toString('utf8');
}
