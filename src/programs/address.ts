/**
 * Addresses as daemons write them, in one form: an IPv4 address mapped into IPv6 becomes plain, brackets
 * and zone go, IPv6 is written as RFC 5952 asks. A host name stays as it is.
 */
export function canonicalAddress(text: string): string {
  let bare = text;
  if (!bare.includes(':') && bare.charCodeAt(0) !== 91) return bare;
  if (bare.charCodeAt(0) === 91) {
    const close = bare.indexOf(']');
    bare = bare.slice(1, close < 0 ? undefined : close);
  }
  const zone = bare.indexOf('%');
  if (zone >= 0) bare = bare.slice(0, zone);
  bare = bare.toLowerCase();
  if (bare.startsWith('::ffff:') && bare.includes('.', 8)) return bare.slice(7);
  return compressV6(bare);
}

/** RFC 5952: no leading zeros, the longest run of zero groups as `::`. What is no IPv6 address stays. */
function compressV6(text: string): string {
  // Most daemons already write it so; only these two forms need work.
  if (!/(?:^|:)0[0-9a-f]|(?:^|:)0:0(?::|$)/.test(text)) return text;
  const halves = text.split('::');
  if (halves.length > 2) return text;
  const head = halves[0] === '' ? [] : halves[0]!.split(':');
  const tail = halves.length === 1 || halves[1] === '' ? [] : halves[1]!.split(':');
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return text;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return text;
  const plain = groups.map((group) => group.replace(/^0+(?=.)/, ''));
  let best = 0;
  let bestAt = -1;
  for (let i = 0; i < 8; i += 1) {
    let run = 0;
    while (i + run < 8 && plain[i + run] === '0') run += 1;
    if (run > best) { best = run; bestAt = i; }
  }
  if (best < 2) return plain.join(':');
  return `${plain.slice(0, bestAt).join(':')}::${plain.slice(bestAt + best).join(':')}`;
}

/** Could be a host name or an address: only their characters, 1 to 255 of them. */
export function isHost(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const alphanumeric = (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
    // . - : _ % [ ]
    if (!alphanumeric && code !== 46 && code !== 45 && code !== 58 && code !== 95 && code !== 37 && code !== 91 && code !== 93) return false;
  }
  return true;
}

/** Looks like an IPv4 or IPv6 address rather than a name. */
export function isAddress(text: string): boolean {
  if (text.includes(':')) return true;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code !== 46 && (code < 48 || code > 57)) return false;
  }
  return text.length > 0;
}

/**
 * `… ADDRESS port 4711` read from the right end, which is written by the daemon: text that a client chose
 * stands before it and cannot move it. `from` is where the address starts, -1 when there is none.
 */
export interface Tail { from: number; address: string; port: number }

/**
 * Reads the tail of text[…end) into `into`: an address, then perhaps ` port N`.
 * Returns false (from = -1) when the end is not of that form.
 */
export function readTail(text: string, end: number, into: Tail): boolean {
  into.from = -1;
  let stop = end;
  let digits = end;
  while (digits > 0 && isDigit(text.charCodeAt(digits - 1))) digits -= 1;
  into.port = -1;
  if (digits < end && end - digits <= 5 && digits >= 7 && text.startsWith(' port ', digits - 6)) {
    into.port = Number(text.slice(digits, end));
    stop = digits - 6;
  }
  // By hand: lastIndexOf leaves compiled code and costs as much as all the rest here.
  let from = stop;
  while (from > 0 && text.charCodeAt(from - 1) !== 32) from -= 1;
  const address = text.slice(from, stop);
  if (!isHost(address)) return false;
  into.from = from;
  into.address = address;
  return true;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
