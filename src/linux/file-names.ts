/** File names are bytes. Those that are no valid UTF-8 come as text in which each bad byte is a code unit U+DC80–U+DCFF, and go back the same way. */

const bad = /[\udc80-\udcff]/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of a name; the inverse of `bytesOf` for any bytes without NUL. */
export function nameOf(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch { /* some byte is bad: one by one below */ }
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequence(bytes, at);
    if (length === 0) text += String.fromCharCode(0xdc00 + bytes[at++]!);
    else { text += bytes.toString('utf8', at, at + length); at += length; }
  }
  return text;
}

const beyondAscii = /[\x80-\xff]/;

/** Text of a name that was read with one character a byte. */
export const nameOfLatin1 = (bytes: string): string => (beyondAscii.test(bytes) ? nameOf(Buffer.from(bytes, 'latin1')) : bytes);

/** What to hand to the system: the text itself, or its bytes when some stand for bad ones. */
export function bytesOf(path: string): string | Buffer {
  if (!bad.test(path)) return path;
  const parts: Buffer[] = [];
  for (const c of path) {
    const code = c.charCodeAt(0);
    parts.push(code >= 0xdc80 && code <= 0xdcff && c.length === 1 ? Buffer.from([code - 0xdc00]) : Buffer.from(c));
  }
  return Buffer.concat(parts);
}

/** Length of the valid UTF-8 sequence that begins here; 0 for none. */
function sequence(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch { return 0; }
}
