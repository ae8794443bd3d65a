import { canonicalIp } from '../core/address.ts';

/** An address in its canonical form, also out of brackets (`[192.0.2.1]`); what is no address, such as a host name, stays as it is. */
export function canonicalAddress(text: string): string {
  if (text.charCodeAt(0) !== 91) return canonicalIp(text) ?? text;
  const close = text.indexOf(']');
  const bare = text.slice(1, close < 0 ? undefined : close);
  return canonicalIp(bare) ?? bare;
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
