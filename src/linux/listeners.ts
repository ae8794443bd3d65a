/** Where a daemon can be reached, as the kernel says, and whether it answers there. */
import { connect } from 'node:net';
import { hexAddress } from './proc-net.ts';
import type { Procfs } from './procfs.ts';

export type Endpoint = { address: string; port: number } | { socket: string };

const listening = '0A', accepting = 0x10000;
const textMax = 8 << 20;
const fdsMax = 4096, foundMax = 100;
const answerMax = 4096;

/** Endpoints that these processes listen at, in the network of the first of them. */
export function listenersOf(procfs: Procfs, pids: readonly number[]): Endpoint[] {
  const [first] = pids;
  if (first === undefined) return [];
  const inodes = new Set(pids.slice(0, 50).flatMap((pid) => (procfs.fds(pid) ?? []).slice(0, fdsMax).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(procfs.fd(pid, fd) ?? '')?.[1] ?? [])));
  const lines = (name: string): string[][] => (procfs.read(`${first}/net/${name}`, textMax) ?? '').split('\n').slice(1).map((line) => line.trim().split(/\s+/));
  const found: Endpoint[] = [];
  for (const name of ['tcp', 'tcp6']) {
    for (const fields of lines(name)) {
      const [address = '', port = ''] = (fields[1] ?? '').split(':');
      if (fields[3] === listening && inodes.has(fields[9] ?? '')) found.push({ address: reachable(hexAddress(address)), port: Number.parseInt(port, 16) });
    }
  }
  for (const fields of lines('unix')) if ((Number.parseInt(fields[3] ?? '', 16) & accepting) !== 0 && inodes.has(fields[6] ?? '') && fields[7]?.startsWith('/')) found.push({ socket: fields[7] });
  return [...new Map(found.map((one) => [endpointText(one), one])).values()].slice(0, foundMax);
}

const reachable = (address: string): string => (address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address);
export const endpointText = (one: Endpoint): string => ('socket' in one ? one.socket : one.address.includes(':') ? `[${one.address}]:${one.port}` : `${one.address}:${one.port}`);

/** Does a connection come about and, with `expect`, what is answered fit? `say` is sent first. */
export function answersAt(endpoint: Endpoint, { say = '', expect, timeoutMs }: { say?: string; expect?: RegExp; timeoutMs: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = 'socket' in endpoint ? connect(endpoint.socket) : connect({ host: endpoint.address, port: endpoint.port });
    let said = '';
    const end = (is: boolean): void => { socket.destroy(); resolve(is); };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('connect', () => { if (expect === undefined) end(true); else if (say !== '') socket.write(say); });
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (expect?.test(said)) end(true); else if (said.length > answerMax) end(false);
    });
  });
}
