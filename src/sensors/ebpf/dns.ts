/** The name that a DNS question asks for. */

const headerSize = 12;
const maxName = 253;

/**
 * The first question of a message (one character a byte), in lower case without the dot at the end; undefined when
 * it is no standard question. A name that was cut short is told as far as it goes.
 */
export function questionName(message: string): string | undefined {
  if (message.length <= headerSize) return undefined;
  const flags = message.charCodeAt(2);
  // An answer, or another operation than a standard query.
  if (flags & 0x80 || (flags >> 3) & 15) return undefined;
  if (message.charCodeAt(4) === 0 && message.charCodeAt(5) === 0) return undefined;
  let name = '';
  for (let at = headerSize; at < message.length;) {
    const length = message.charCodeAt(at++);
    if (length === 0) break;
    // Questions have no compression; what claims to is no question.
    if (length > 63) return undefined;
    const label = message.slice(at, at + length);
    name = name === '' ? label : `${name}.${label}`;
    if (name.length > maxName) return undefined;
    at += length;
  }
  // What is not printable ASCII goes as \ddd, as name servers write it.
  return name === '' ? undefined : name.replaceAll(/[^\x21-\x7e]/g, (c) => `\\${c.charCodeAt(0).toString().padStart(3, '0')}`).toLowerCase();
}
