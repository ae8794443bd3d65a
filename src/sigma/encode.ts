/** Byte encodings of values. Byte strings are texts whose every character is one byte (U+0000–U+00FF). */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** UTF-8 bytes of a text, as a byte string. Written out because this folder uses no Node and no DOM. */
export function utf8(text: string): string {
  let out = '';
  for (const char of text) {
    const c = char.codePointAt(0)!;
    if (c < 0x80) out += char;
    else if (c < 0x800) out += String.fromCharCode(0xc0 | c >> 6, 0x80 | c & 63);
    else if (c < 0x10000) out += String.fromCharCode(0xe0 | c >> 12, 0x80 | c >> 6 & 63, 0x80 | c & 63);
    else out += String.fromCharCode(0xf0 | c >> 18, 0x80 | c >> 12 & 63, 0x80 | c >> 6 & 63, 0x80 | c & 63);
  }
  return out;
}

/** UTF-16 code units as bytes; characters beyond U+FFFF are two units. */
export function utf16(text: string, littleEndian: boolean): string {
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    out += littleEndian ? String.fromCharCode(unit & 0xff, unit >> 8) : String.fromCharCode(unit >> 8, unit & 0xff);
  }
  return out;
}

export function base64(bytes: string): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const n = bytes.charCodeAt(i) << 16 | (left > 1 ? bytes.charCodeAt(i + 1) << 8 : 0) | (left > 2 ? bytes.charCodeAt(i + 2) : 0);
    out += alphabet[n >> 18]! + alphabet[n >> 12 & 63]! + (left > 1 ? alphabet[n >> 6 & 63]! : '=') + (left > 2 ? alphabet[n & 63]! : '=');
  }
  return out;
}

/**
 * The three texts of which one stands in any Base64 text whose plain text contains `bytes`: one for each
 * alignment, without the characters that depend on what stands before and after.
 */
export function base64Offsets(bytes: string): string[] {
  return [0, 1, 2].map((shift) => {
    const text = base64('\0'.repeat(shift) + bytes);
    const head = [0, 2, 3][shift]!;                     // characters that hold bits of what stands before
    const tail = [0, 3, 2][(bytes.length + shift) % 3]!; // the padding and the character that holds bits of what follows
    return text.slice(head, text.length - tail);
  });
}
