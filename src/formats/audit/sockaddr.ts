import { canonicalIp } from '../../core/address.ts';
import { hexBytes } from './record.ts';

export type SocketAddress = { family: 'inet'; ip: string; port: number } | { family: 'unix'; path: string };

/** Reads the hex of a SOCKADDR record (struct sockaddr as the kernel has it, little endian family). */
export function readSockaddr(hex: string | undefined): SocketAddress | undefined {
  if (hex === undefined || !/^[0-9A-Fa-f]{8,512}$/.test(hex)) return undefined;
  const b = hexBytes(hex);
  const family = b[0]! | (b[1]! << 8);
  const port = (b[2]! << 8) | b[3]!;
  if (family === 2 && b.length >= 8) return { family: 'inet', ip: b.slice(4, 8).join('.'), port };
  if (family === 10 && b.length >= 24) {
    const groups: string[] = [];
    for (let i = 8; i < 24; i += 2) groups.push(((b[i]! << 8) | b[i + 1]!).toString(16));
    const ip = canonicalIp(groups.join(':'));
    return ip === undefined ? undefined : { family: 'inet', ip, port };
  }
  if (family === 1) {
    // An abstract socket begins with NUL and is written with @.
    const abstract = b[2] === 0 && b[3] !== undefined;
    const rest = b.slice(abstract ? 3 : 2);
    const end = rest.indexOf(0);
    const path = String.fromCharCode(...(end < 0 ? rest : rest.slice(0, end)));
    return path === '' ? undefined : { family: 'unix', path: abstract ? `@${path}` : path };
  }
  return undefined;
}
