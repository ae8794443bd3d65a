/** Host names in the first bytes of a connection, one character a byte. Only as much as was captured can be read. */

const nameMax = 253;

/** The server name of a TLS ClientHello; undefined when it is none, or the name lies behind what was captured. */
export function tlsServerName(payload: string): string | undefined {
  // Record: handshake, version 3.x; message: ClientHello.
  if (payload.charCodeAt(0) !== 0x16 || payload.charCodeAt(1) !== 3 || payload.charCodeAt(5) !== 1) return undefined;
  const byte = (at: number): number => payload.charCodeAt(at);
  const word = (at: number): number => byte(at) * 256 + byte(at + 1);
  let at = 5 + 4 + 2 + 32;
  at += 1 + byte(at); // session id
  at += 2 + word(at); // cipher suites
  at += 1 + byte(at); // compression
  at += 2;            // length of the extensions
  // NaN beyond the end ends the loop.
  while (at + 9 <= payload.length) {
    const type = word(at);
    const length = word(at + 2);
    if (type === 0) {
      const name = word(at + 7);
      const start = at + 9;
      if (byte(at + 6) !== 0 || name === 0 || name > nameMax || start + name > payload.length) return undefined;
      return payload.slice(start, start + name);
    }
    at += 4 + length;
  }
  return undefined;
}

/** The host of an HTTP request: of its Host line, of CONNECT, or of an absolute target. Without its port. */
export function httpHost(payload: string): string | undefined {
  const space = payload.indexOf(' ');
  if (space < 3 || space > 8 || !isCapitals(payload, space)) return undefined;
  const lineEnd = payload.indexOf('\r\n');
  const target = payload.slice(space + 1, lineEnd < 0 ? undefined : lineEnd).split(' ', 1)[0] ?? '';
  if (payload.startsWith('CONNECT ')) return hostOf(target);
  if (target.startsWith('http://')) return hostOf(target.slice(7).split(/[/?#]/, 1)[0] ?? '');
  const host = payload.toLowerCase().indexOf('\r\nhost:');
  if (host < 0) return undefined;
  const end = payload.indexOf('\r\n', host + 7);
  // A name that the capture cut off may be another one.
  return end < 0 ? undefined : hostOf(payload.slice(host + 7, end).trim());
}

function isCapitals(text: string, end: number): boolean {
  for (let i = 0; i < end; i++) { const code = text.charCodeAt(i); if (code < 65 || code > 90) return false; }
  return true;
}

function hostOf(authority: string): string | undefined {
  const host = authority.startsWith('[') ? authority.slice(1, authority.indexOf(']')) : authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d{0,5}$/, '');
  return host === '' || host.length > nameMax ? undefined : host;
}

/** Words that could be wallet addresses: letters and digits, long enough, as they stand. At most so many. */
export function* walletWords(text: string): Iterable<string> {
  const end = Math.min(text.length, 16_384);
  let start = 0;
  let given = 0;
  for (let i = 0; i <= end; i++) {
    const code = i < end ? text.charCodeAt(i) : 0;
    if ((code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) continue;
    const length = i - start;
    if (length >= 25 && length <= 128) {
      yield text.slice(start, i);
      if (++given >= 50) return;
    }
    start = i + 1;
  }
}
