/** What the kernel's numbers for calls of power mean. */
import type { Kind } from '../../core/gen/event.ts';
import type { CallRecord } from './gen/records.ts';

export interface CallAction { kind: Kind; category: string; action: string }

/** By the number in the record; see schema/kernel.yml. */
export const callActions: readonly (CallAction | undefined)[] = [
  undefined,
  { kind: 'process_access', category: 'process', action: 'ptrace' },
  { kind: 'process_access', category: 'process', action: 'vm-write' },
  { kind: 'process_access', category: 'process', action: 'vm-read' },
  { kind: 'process_access', category: 'process', action: 'signal' },
  { kind: 'namespace', category: 'kernel', action: 'mount' },
  { kind: 'namespace', category: 'kernel', action: 'umount' },
  { kind: 'namespace', category: 'kernel', action: 'unshare' },
  { kind: 'namespace', category: 'kernel', action: 'setns' },
  { kind: 'namespace', category: 'kernel', action: 'pivot-root' },
  { kind: 'module', category: 'kernel', action: 'bpf-load' },
  { kind: 'module', category: 'kernel', action: 'module-load' },
  { kind: 'file_event', category: 'file', action: 'create' },
];

export const calls = { ptrace: 1, vmWrite: 2, vmRead: 3, signal: 4, mount: 5, umount: 6, unshare: 7, setns: 8, pivotRoot: 9, bpf: 10, module: 11, memfd: 12 } as const;

const namespaceFlags: readonly (readonly [number, string])[] = [
  [0x80, 'time'], [0x20000, 'mnt'], [0x2000000, 'cgroup'], [0x4000000, 'uts'], [0x8000000, 'ipc'], [0x10000000, 'user'], [0x20000000, 'pid'], [0x40000000, 'net'],
];
const mountFlags: readonly (readonly [number, string])[] = [
  [1, 'ro'], [2, 'nosuid'], [4, 'nodev'], [8, 'noexec'], [32, 'remount'], [4096, 'bind'], [8192, 'move'], [16384, 'rec'], [0x20000, 'unbindable'], [0x40000, 'private'], [0x80000, 'slave'], [0x100000, 'shared'],
];
const ptraceRequests: Readonly<Record<number, string>> = { 0: 'traceme', 16: 'attach', 0x4206: 'seize' };
/** bpf_prog_type, as far as they tell something; others by number. */
const programTypes: readonly string[] = [
  'unspec', 'socket_filter', 'kprobe', 'sched_cls', 'sched_act', 'tracepoint', 'xdp', 'perf_event', 'cgroup_skb', 'cgroup_sock', 'lwt_in', 'lwt_out', 'lwt_xmit', 'sock_ops', 'sk_skb', 'cgroup_device',
  'sk_msg', 'raw_tracepoint', 'cgroup_sock_addr', 'lwt_seg6local', 'lirc_mode2', 'sk_reuseport', 'flow_dissector', 'cgroup_sysctl', 'raw_tracepoint_writable', 'cgroup_sockopt', 'tracing', 'struct_ops', 'ext', 'lsm', 'sk_lookup', 'syscall', 'netfilter',
];

const flagNames = (flags: number, names: readonly (readonly [number, string])[]): string => names.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name).join(',');

/** `name` finds the name of a process by its number; host namespaces are the first process's. */
export function callExtra(record: CallRecord, name: (pid: number) => string | undefined, hostNamespaces: Readonly<Record<string, number>>): Record<string, string> | undefined {
  const { number, target } = record;
  const about = (): Record<string, string> => {
    const known = name(target);
    return { target_pid: String(target), ...(known !== undefined && { target_name: known }) };
  };
  switch (record.call) {
    // The one who asks to be traced names nobody.
    case calls.ptrace: return { ...(number !== 0 && about()), request: ptraceRequests[number] ?? String(number) };
    case calls.vmWrite: case calls.vmRead: return about();
    case calls.signal: return { ...about(), signal: String(number) };
    case calls.mount: return { source: record.source, type: record.type, flags: flagNames(number, mountFlags) };
    case calls.unshare: return { flags: flagNames(number, namespaceFlags) };
    case calls.setns: {
      const host = Object.entries(hostNamespaces).find(([, inode]) => inode === record.inode)?.[0];
      return { flags: host ?? flagNames(number, namespaceFlags), ...(host !== undefined && { host: 'true' }) };
    }
    case calls.bpf: return { name: record.source, type: programTypes[number] ?? String(number) };
    case calls.module: return { name: record.source };
    default: return undefined;
  }
}

/** One change of credentials: `real` and `effective` together, as `1000` or `1000/0` where they differ. */
export const pair = (real: number, effective: number): string => (real === effective ? String(real) : `${real}/${effective}`);
