/** Who is connected to this machine by SSH, and whether somebody can be reached from it. */
import { connect } from 'node:net';
import { type Network, parseNetwork } from '../core/networks.ts';
import type { Run } from './run.ts';

export interface Session { address: Network; remotePort: number; port: number }

/** `address`: empty for all of this machine's. */
export interface Listener { protocol: 'tcp' | 'udp'; address: string; port: number; program: string | undefined }

export interface Reach {
  /** What listens beyond loopback. Throws MoatError 'no-program' without ss. */
  listeners(): Promise<Listener[]>;
  /** Ports on which sshd listens, and the connections to them that stand. Throws MoatError 'no-program' without ss. */
  ssh(): Promise<{ ports: number[]; sessions: Session[] }>;
  /** Does TCP reach it? A refusal is an answer too. */
  answers(address: string, port: number, timeoutMs: number): Promise<boolean>;
}

const usualPort = 22;
const linesMax = 50_000;

export function machineReach(run: Run, answers: Reach['answers'] = answersTcp): Reach {
  return {
    answers,
    async listeners() {
      const { stdout } = await run('ss', ['-Htulnp']);
      return stdout.split('\n', linesMax).flatMap((line): Listener[] => {
        const here = ends(line, 4);
        const protocol = line.startsWith('tcp') ? 'tcp' : line.startsWith('udp') ? 'udp' : undefined;
        if (here === undefined || protocol === undefined || here.address.startsWith('127.') || here.address === '::1') return [];
        return [{ protocol, address: ['*', '0.0.0.0', '::'].includes(here.address) ? '' : here.address, port: here.port, program: /users:\(\("([^"]{1,100})"/.exec(line)?.[1] }];
      });
    },
    async ssh() {
      const lines = async (...args: string[]): Promise<string[]> => (await run('ss', args)).stdout.split('\n', linesMax);
      // Where systemd holds the socket, sshd is not among its holders before somebody comes: port 22 counts all the same.
      const listening = (await lines('-Htlnp')).flatMap((line) => {
        const port = ends(line, 3)?.port;
        return port !== undefined && (port === usualPort || line.includes('("sshd"')) ? [port] : [];
      });
      const ports = [...new Set(listening)];
      const sessions = (await lines('-Htn', 'state', 'established')).flatMap((line) => {
        const here = ends(line, 2), there = ends(line, 3);
        const address = there && parseNetwork(there.address);
        return here && there && address && ports.includes(here.port) ? [{ address, remotePort: there.port, port: here.port }] : [];
      });
      return { ports, sessions };
    },
  };
}

/** One end of a socket in a line of ss. */
function ends(line: string, column: number): { address: string; port: number } | undefined {
  const text = line.trim().split(/ +/)[column] ?? '';
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (at < 0 || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return { address: text.slice(0, at).replace(/^\[|\]$/g, '').replace(/%.*$/, ''), port };
}

function answersTcp(address: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (isThere: boolean): void => { socket.destroy(); resolve(isThere); };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}

/** `203.0.113.9:22`, `[2001:db8::9]:22`; undefined for what is neither. */
export function readProbe(text: string): { address: Network; port: number } | undefined {
  const match = /^(?:\[([^\]]{2,60})\]|([^:]{7,15})):(\d{1,5})$/.exec(text);
  const address = parseNetwork(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  return address && !text.includes('/') && port >= 1 && port <= 65_535 ? { address, port } : undefined;
}
