/** Modules cannot be hidden on the machine of a test: all is on recorded trees, laid out as kernels 5.10 to 6.12 do. */
import { describe, expect, it } from 'vitest';
import { scanMachine } from '../../../test/live-machine.ts';
import { machineFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import { parseModules } from '../../linux/modules.ts';
import type { ScanReport } from '../../scan/report.ts';
import { kernelModule } from './check.ts';

const release = '6.1.0-40-amd64';
const line = (name: string, taints = ''): string => `${name} 16384 0 - Live 0xffffffffc0a00000${taints === '' ? '' : ` (${taints})`}\n`;
const ordinary: Planted = {
  ...machineFiles, '/proc/sys/kernel/osrelease': `${release}\n`, '/proc/sys/kernel/tainted': '0\n', '/proc/modules': line('nf_tables') + line('zram'),
  '/proc/kallsyms': 'ffffffff81000000 T _stext\nffffffffc0a00000 t nft_do\t[nf_tables]\nffffffffc0b00000 t zram_x\t[zram]\nffffffffc0000000 t bpf_prog_6deef7357e7b4530\t[bpf]\nffffffffc0c00000 t ftrace_trampoline\t[__builtin__ftrace]\n',
  '/sys/module/nf_tables/initstate': 'live\n', '/sys/module/zram/initstate': 'live\n', '/sys/module/printk/parameters/time': 'Y\n',
  [`/lib/modules/${release}/modules.dep`]: 'kernel/net/netfilter/nf_tables.ko.xz:\nkernel/drivers/block/zram/zram.ko.xz:\nupdates/dkms/wg.ko:\n',
  [`/lib/modules/${release}/kernel/net/netfilter/nf_tables.ko.xz`]: { text: 'm', package: 'linux-image' }, [`/lib/modules/${release}/kernel/drivers/block/zram/zram.ko.xz`]: { text: 'm', package: 'linux-image' },
};
const scanFiles = (files: Planted): Promise<ScanReport> => { const root = makeRoot({ ...ordinary, ...files }); return scanRoot([kernelModule], root, recorded(root)); };
const told = async (files: Planted): Promise<string[]> => (await scanFiles(files)).findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`);

describe('on recorded lists', () => {
  it('is silent when all lists agree', async () => {
    const report = await scanFiles({});
    expect([report.findings, report.blind]).toEqual([[], []]);
  });

  it('finds a module that hid itself from one list or two', async () => {
    expect(await told({ '/sys/module/diamorphine/initstate': 'live\n' })).toEqual(['intrusion critical the kernel module diamorphine is hidden: /proc/modules does not list it']);
    expect(await told({ '/proc/kallsyms': 'ffffffff81000000 T _stext\nffffffffc0d00000 t hacked_kill\t[rk]\n' })).toEqual(['intrusion critical the kernel module rk is hidden: /proc/modules and /sys/module do not list it']);
    expect(await told({ '/proc/modules': line('nf_tables') + line('zram') + 'odd 16384 0 - Loading 0x0\n' })).toEqual([expect.stringContaining('odd is loaded')]);
  });

  it('finds modules without a file, of nobody, and changed ones', async () => {
    const loaded = (name: string, taints = ''): Planted => ({ '/proc/modules': line('nf_tables') + line(name, taints), '/sys/module/zram/initstate': 'live\n', [`/sys/module/${name}/initstate`]: 'live\n', '/sys/module/nf_tables/initstate': 'live\n' });
    const one = async (files: Planted): Promise<string | undefined> => (await told({ '/proc/kallsyms': '', ...files })).find((text) => !text.includes('zram'));
    expect(await one(loaded('rk', 'OE'))).toContain('intrusion high the kernel module rk is loaded, and the folder of modules has no file for it');
    expect(await one({ ...loaded('wg', 'OE'), [`/lib/modules/${release}/updates/dkms/wg.ko`]: 'm' })).toContain('notice low no package owns the kernel module wg');
    expect(await one(loaded('AliSecGuard', 'POE'))).toContain('notice low');
    expect(await one({ [`/lib/modules/${release}/kernel/net/netfilter/nf_tables.ko.xz`]: { text: 'evil', shipped: 'm', package: 'linux-image' } })).toContain('intrusion critical');
  });

  it('tells a taint that no module explains', async () => {
    expect(await told({ '/proc/sys/kernel/tainted': `${2 ** 12 + 2 ** 13}\n` })).toEqual([expect.stringContaining('notice medium the kernel remembers'), expect.stringContaining('notice medium the kernel remembers')]);
  });

  it('says when the modules of the running kernel are not there', async () => {
    const root = makeRoot({ ...ordinary, '/proc/sys/kernel/osrelease': '9.9.9\n' });
    expect((await scanRoot([kernelModule], root, recorded(root))).blind.map(({ what }) => what)).toEqual(['/lib/modules']);
  });

  it('bears lines that are none', () => {
    expect([...parseModules('\n \nx\n').keys()]).toEqual(['x']);
  });
});

it('finds nothing hidden on this machine', async () => {
  expect((await scanMachine([kernelModule])).findings.filter(({ level }) => level === 'critical')).toEqual([]);
}, 120_000);
