/** Whom a proxy is asked for in the first bytes of a flow (latin1 text). */

const byte = (text: string, at: number): number => text.charCodeAt(at) & 255;
const word = (text: string, at: number): number => (byte(text, at) << 8) | byte(text, at + 1);

/** The far end that a proxy is asked for: `CONNECT host:port` of HTTP, or the name in a SOCKS request. */
export function proxyTarget(payload: string): { host: string; port: number } | undefined {
  if (payload.startsWith('CONNECT ')) {
    const target = /^CONNECT ([0-9A-Za-z._-]{1,253}):(\d{1,5}) /.exec(payload.slice(0, 300));
    return target ? { host: target[1]!.toLowerCase(), port: Number(target[2]) } : undefined;
  }
  // SOCKS 5: a greeting may stand before the request that names a host.
  const at = isSocksGreeting(payload) ? 2 + byte(payload, 1) : 0;
  if (byte(payload, at) !== 5 || byte(payload, at + 1) !== 1 || byte(payload, at + 3) !== 3) return undefined;
  const length = byte(payload, at + 4), host = payload.slice(at + 5, at + 5 + length);
  return at + 7 + length <= payload.length && /^[0-9A-Za-z._-]+$/.test(host) ? { host: host.toLowerCase(), port: word(payload, at + 5 + length) } : undefined;
}

/** The first message of a SOCKS 5 client: version, number of methods, methods. */
export function isSocksGreeting(payload: string): boolean {
  const methods = byte(payload, 1);
  if (byte(payload, 0) !== 5 || payload.length < 3 || methods === 0 || methods > 8 || payload.length < 2 + methods) return false;
  for (let i = 0; i < methods; i++) if (byte(payload, 2 + i) > 9) return false;
  return payload.length === 2 + methods || byte(payload, 2 + methods) === 5;
}
