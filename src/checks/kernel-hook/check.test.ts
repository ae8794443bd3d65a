/** A hooked kernel cannot be had in a test: the core file, the symbols and the tables of tracefs are recorded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineFiles, processFiles, recorded } from '../../../test/recorded-proc.ts';
import { makeRoot, scanRoot, type Planted } from '../../../test/throwaway-root.ts';
import { kernelHook, parseTraced } from './check.ts';

const text = 0xffff_ffff_8100_0000n, end = 0xffff_ffff_8200_0000n, table = 0xffff_ffff_8220_0000n;
const symbols = `${text.toString(16)} T _stext\n${end.toString(16)} T _etext\n${table.toString(16)} D sys_call_table\n${(text + 64n).toString(16)} T __x64_sys_kill\n`;

/** An ELF core with one segment at the table of system calls. */
function core(entries: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(0x2000 + 4096);
  bytes.writeUInt32BE(0x7f45_4c46, 0);
  bytes[4] = 2; bytes[5] = 1;
  bytes.writeUInt16LE(4, 16);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeBigUInt64LE(0x1000n, 72);
  bytes.writeBigUInt64LE(table, 80);
  bytes.writeBigUInt64LE(4096n + 0x1000n, 96);
  for (const [i, entry] of entries.entries()) bytes.writeBigUInt64LE(entry, 0x1000 + i * 8);
  return bytes;
}

const calls = Array.from({ length: 460 }, (_, i) => text + BigInt(i * 64));
const files: Planted = { ...machineFiles, '/proc/kallsyms': symbols, '/sys/kernel/tracing/enabled_functions': '', '/sys/kernel/tracing/kprobe_events': '', '/sys/kernel/debug/kprobes/list': '' };
async function told(more: Planted, entries?: readonly bigint[]): Promise<{ levels: string[]; blind: number; counts: Readonly<Record<string, number>> }> {
  const root = makeRoot({ ...files, ...more });
  if (entries) writeFileSync(join(root, 'proc/kcore'), core(entries));
  const report = await scanRoot([kernelHook], root, recorded(root));
  return { levels: report.findings.map(({ kind, level, title }) => `${kind} ${level} ${title.en}`), blind: report.blind.length, counts: report.counts };
}

describe('recorded kernels', () => {
  it('finds an entry of the table of system calls outside the kernel', async () => {
    const hooked = [...calls];
    hooked[62] = 0xffff_ffff_c0a0_1000n;
    hooked[217] = 0xffff_ffff_c0a0_2000n;
    expect((await told({}, hooked)).levels).toEqual([expect.stringContaining('intrusion critical system call 62 is diverted'), expect.stringContaining('system call 217 is diverted')]);
    expect(await told({}, calls)).toEqual({ levels: [], blind: 0, counts: {} });
  });

  it('says when the table cannot be read', async () => {
    expect((await told({})).counts).toEqual({ 'tables of system calls that could not be read (/proc/kcore)': 1 });
    expect((await told({ '/proc/kallsyms': '0000000000000000 T _stext\n' })).blind).toBe(1);
  });

  it('finds functions that a module diverts, not those of tracers and eBPF', async () => {
    const ordinary = '__x64_sys_openat (1) R   I     \ttramp: 0xffffffffc0b00000 (kprobe_ftrace_handler+0x0/0x1d0) ->kprobe_ftrace_handler+0x0/0x1d0\nwake_up_new_task (1) R   D   M \ttramp: ftrace_regs_caller+0x0/0x65 (call_direct_funcs+0x0/0x20)\n\tdirect-->bpf_trampoline_6442491539+0x0/0xe6\n';
    const hook = '__x64_sys_getdents64 (1) R I   M \ttramp: 0xffffffffc0a01000 (fh_ftrace_thunk+0x0/0x50 [rk]) ->fh_ftrace_thunk+0x0/0x50 [rk]\n';
    expect((await told({ '/sys/kernel/tracing/enabled_functions': ordinary }, calls)).levels).toEqual([]);
    expect((await told({ '/sys/kernel/tracing/enabled_functions': ordinary + hook }, calls)).levels).toEqual(['intrusion critical the module rk diverts the kernel function __x64_sys_getdents64']);
    expect(parseTraced(hook)[0]).toMatchObject({ target: '__x64_sys_getdents64', callback: 'fh_ftrace_thunk', module: 'rk', bpf: false });
    expect(parseTraced(`(\n${'x'.repeat(50_000)} (1)\n[[[`)).toHaveLength(1);
  });

  it('tells kprobes at what rootkits divert', async () => {
    const list = 'ffffffff81234560  k  filldir64+0x0    [FTRACE]\nffffffff81234570  k  do_nothing+0x0    [FTRACE]\n';
    expect((await told({ '/sys/kernel/debug/kprobes/list': list }, calls)).levels).toEqual([expect.stringContaining('notice medium 1 kprobes')]);
  });

  it('finds who holds the memory of the machine', async () => {
    expect((await told({ ...processFiles({ pid: 700, exe: '/opt/x', fds: { 3: '/dev/mem' } }), '/opt/x': 'x' }, calls)).levels).toEqual(['intrusion high /opt/x (process 700) has the memory of the machine open: /dev/mem']);
    expect((await told({ ...processFiles({ pid: 700, exe: '/usr/sbin/dmidecode', fds: { 3: '/dev/mem' } }), '/usr/sbin/dmidecode': { text: 'x', package: 'dmidecode' } }, calls)).levels).toEqual([expect.stringContaining('notice low')]);
  });
});
