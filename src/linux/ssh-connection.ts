/** The SSH connection that a program was started over. */
import { readFileSync } from 'node:fs';
import { parseNetwork } from '../core/networks.ts';

const generations = 32;

/** sudo takes SSH_CONNECTION out of the environment: those it came from are asked. Undefined at a console, or where they may not be read. */
export function sshConnection(pid = process.pid, environment: string | undefined = process.env['SSH_CONNECTION']): { address: string; remote_port: number; port: number } | undefined {
  let found = environment;
  try {
    for (let i = 0, at = pid; found === undefined && i < generations && at > 1; i++) {
      found = readFileSync(`/proc/${at}/environ`, 'utf8').split('\0').find((one) => one.startsWith('SSH_CONNECTION='))?.slice('SSH_CONNECTION='.length);
      // pid (name) state ppid: the name may hold anything.
      at = Number(/^\S+ \S (\d+)/.exec(readFileSync(`/proc/${at}/stat`, 'utf8').replace(/^\d+ \(.*\)/s, '0'))?.[1]);
    }
  } catch { return undefined; /* gone meanwhile, or not ours to read */ }
  const [address = '', remotePort, , port] = found?.split(' ') ?? [];
  const [from, to] = [Number(remotePort), Number(port)];
  return parseNetwork(address.replace(/%.*$/, '')) && from > 0 && to > 0 ? { address: address.replace(/%.*$/, ''), remote_port: from, port: to } : undefined;
}
