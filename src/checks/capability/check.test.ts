import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, shown, type Planted } from '../../../test/throwaway-root.ts';
import { parseCapabilities } from '../../linux/capabilities.ts';
import { capability } from './check.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/setcap'] }))('capabilities set by setcap', () => {
  const told = async (files: Planted, caps: Readonly<Record<string, string>>): Promise<string[]> => {
    const root = makeRoot(files);
    for (const [path, value] of Object.entries(caps)) execFileSync('/usr/sbin/setcap', [value, join(root, path)]);
    return shown(await scanRoot([capability], root));
  };
  const program = { text: 'x', mode: 0o755 };

  it('finds interpreters and programs of odd places that are as good as root', async () => {
    expect(await told({ '/usr/local/bin/helper': program, '/home/lin/x': program, '/usr/bin/ping': { ...program, package: 'iputils' } }, { '/usr/bin/python3': 'cap_setuid+ep', '/usr/local/bin/helper': 'cap_dac_read_search+ep', '/home/lin/x': 'cap_sys_admin+ep', '/usr/bin/ping': 'cap_net_raw+ep' }))
      .toEqual(['high /home/lin/x', 'high /usr/bin/python3', 'medium /usr/local/bin/helper']);
  });

  it('is silent for what packages and administrators set', async () => {
    expect(await told({ '/usr/bin/newuidmap': { ...program, package: 'uidmap' }, '/usr/local/bin/server': program, '/usr/bin/dumpcap': { ...program, package: 'wireshark' } }, { '/usr/bin/newuidmap': 'cap_setuid+ep', '/usr/local/bin/server': 'cap_net_bind_service+ep', '/usr/bin/dumpcap': 'cap_net_raw,cap_net_admin+eip' })).toEqual([]);
  });
});

describe('parseCapabilities', () => {
  const bytes = (...words: number[]): Buffer => { const found = Buffer.alloc(words.length * 4); for (const [i, word] of words.entries()) found.writeUInt32LE(word >>> 0, i * 4); return found; };

  it('reads the three layouts', () => {
    expect(parseCapabilities(bytes(0x0100_0001, 1 << 13, 0))).toEqual({ version: 1, effective: true, names: ['net_raw'], rootId: 0 });
    expect(parseCapabilities(bytes(0x0200_0000, 1 << 7, 0, 1 << 7, 0))).toEqual({ version: 2, effective: false, names: ['setuid', 'bpf'], rootId: 0 });
    expect(parseCapabilities(bytes(0x0300_0001, 0, 0x8000_0000, 0, 0, 1000))).toEqual({ version: 3, effective: true, names: ['setfcap'], rootId: 1000 });
  });

  it('refuses what is none', () => {
    for (const value of [Buffer.alloc(0), Buffer.alloc(12), bytes(0x0200_0000, 1), bytes(0x0900_0000, 1, 1, 1, 1), Buffer.alloc(4096, 0xff)]) expect(parseCapabilities(value)).toBeUndefined();
  });
});
