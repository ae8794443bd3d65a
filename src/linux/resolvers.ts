/** The DNS servers that this machine asks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Network, parseNetwork } from '../core/networks.ts';

/** Where systemd-resolved answers on loopback, the servers behind it. */
const files = ['etc/resolv.conf', 'run/systemd/resolve/resolv.conf'];
const most = 16;

/** Those beyond loopback; none where a file is not there. */
export function resolvers(root: string): Network[] {
  const found = new Map<string, Network>();
  for (const file of files) {
    for (const [, text = ''] of textOf(join(root, file)).matchAll(/^nameserver\s+(\S{1,60})/gm)) {
      const address = parseNetwork(text.replace(/%.*$/, ''));
      if (address && found.size < most && !address.text.startsWith('127.') && address.text !== '::1') found.set(address.text, address);
    }
  }
  return [...found.values()];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
