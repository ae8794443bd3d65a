import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { scanMachine } from '../../../test/live-machine.ts';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, type Planted } from '../../../test/throwaway-root.ts';
import { helperCalls, openBpfObjects, type BpfProgram } from '../../linux/bpf-objects.ts';
import { DiskTree } from '../../linux/disk-tree.ts';
import { openPackages } from '../../linux/packages/index.ts';
import { PackageProvenance } from '../../linux/provenance.ts';
import { bpfProgram, judgeAll, type Held } from './check.ts';

const kprobe = 2, xdp = 6, cgroupDevice = 15;
const writeUser = 1234;
const program = (id: number, type: number, calls: number[] = []): BpfProgram => ({ id, type, name: `p${id}`, tag: `${id}`.padStart(16, '0'), uid: 0, loadedNs: 5e9, calls });
const held = (more: Partial<Held>): Held => ({ programs: [], links: [], descriptors: { bpf: [], denied: 0 }, pins: [], perf: new Map(), helpers: new Map([[writeUser, 'bpf_probe_write_user']]), ...more });

async function told(objects: Partial<Held>, files: Planted = {}): Promise<string[]> {
  const root = makeRoot({ ...machineFiles, ...files });
  const tree = new DiskTree(root, undefined);
  const { signal } = new AbortController();
  const found: string[] = [];
  const context = { signal, tree, provenance: new PackageProvenance(tree, await openPackages(root), signal), machine: recorded(root), rules: () => [], signatures: () => '', ports: [], now: Date.now, count: () => undefined, blind: () => undefined };
  for await (const { kind, level, pid, path } of judgeAll(held(objects), context)) found.push(`${kind} ${level} ${pid ?? path ?? ''}`.trim());
  return found;
}

const agent: Planted = { ...processFiles({ pid: 700, exe: '/usr/sbin/agent' }), '/usr/sbin/agent': { text: 'x', mode: 0o755, package: 'agent' } };
const loader: Planted = { ...processFiles({ pid: 700, exe: '/opt/l' }), '/opt/l': { text: 'x', mode: 0o755 } };
const has = (id: number): Held['descriptors'] => ({ bpf: [{ pid: 700, kind: 'program', id, program: undefined }], denied: 0 });

describe('recorded objects', () => {
  it('finds programs that nobody holds, and those that rewrite what others see', async () => {
    expect(await told({ programs: [program(1, kprobe)], links: [{ id: 9, program: 1, type: 7 }] })).toEqual(['intrusion medium']);
    expect(await told({ programs: [program(1, cgroupDevice, [writeUser])] })).toEqual(['intrusion high']);
    expect(await told({ programs: [program(1, kprobe, [writeUser])], descriptors: has(1) }, loader)).toEqual(['intrusion high 700']);
    expect(await told({ programs: [program(1, kprobe)], descriptors: has(1) }, { ...processFiles({ pid: 700, exe: '/dev/shm/l' }), '/dev/shm/l': 'x' })).toEqual(['intrusion high 700']);
    expect(await told({ programs: [program(1, kprobe)], descriptors: has(1) }, loader)).toEqual(['notice low 700']);
  });

  it('finds pins of nobody', async () => {
    expect(await told({ programs: [program(1, kprobe)], pins: [{ path: '/sys/fs/bpf/x', kind: 'link', id: 5, program: 1 }] })).toEqual(['notice medium /sys/fs/bpf/x']);
    expect(await told({ pins: [{ path: '/sys/fs/bpf/m', kind: 'map', id: 5, program: undefined }] })).toEqual(['notice low /sys/fs/bpf/m']);
  });

  it('is silent for systemd, networks of containers, packaged agents and perf events', async () => {
    expect(await told({ programs: [program(1, cgroupDevice), program(2, xdp)] })).toEqual([]);
    expect(await told({ programs: [program(1, kprobe)], pins: [{ path: '/sys/fs/bpf/cilium/x', kind: 'program', id: 1, program: undefined }] })).toEqual([]);
    expect(await told({ programs: [program(1, kprobe)], descriptors: has(1) }, agent)).toEqual([]);
    expect(await told({ programs: [program(1, kprobe)], perf: new Map([[1, 700]]) }, agent)).toEqual([]);
  });

  it('reads calls of helpers from a program', () => {
    const code = Buffer.alloc(32);
    code[0] = 0x85; code.writeInt32LE(-77, 4);
    code[8] = 0x85; code[9] = 0x10; code.writeInt32LE(5, 12);
    expect(helperCalls(code)).toEqual([-77]);
    expect(helperCalls(Buffer.from([0x85, 0, 0]))).toEqual([]);
  });
});

describe.skipIf(lacks({ root: true, files: ['/sys/kernel/btf/vmlinux', '/usr/share/doc/libbpf1/copyright'] }))('on this machine', () => {
  it('lists what the kernel holds and calls none of it an intrusion', async () => {
    expect(Array.isArray((await openBpfObjects()).programs())).toBe(true);
    expect((await scanMachine([bpfProgram])).findings.filter(({ kind }) => kind === 'intrusion')).toEqual([]);
  }, 120_000);
});
