/** What of the kernel's features the sensor finds here: what is missing, what that costs, and what to do. */
import { existsSync, readFileSync } from 'node:fs';
import type { Text } from '../../core/text.ts';
import { tracefsFolder } from '../../linux/libbpf.ts';

export interface Feature { name: string; there: boolean; what: Text; todo?: Text }

/** Beside what the sensor needs to work at all: see its `needs`. Looks without changing anything. */
export function kernelFeatures(): Feature[] {
  const cgroup = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].some((folder) => existsSync(`${folder}/cgroup.controllers`));
  const lsm = readOr('/sys/kernel/security/lsm')?.trim().split(',').includes('bpf') ?? false;
  return [
    tracefsFolder() === undefined
      ? { name: 'tracefs', there: false, what: { zh: '没有系统调用跟踪点：看不到文件改动与凭据读取、accept、容器运行时套接字、ptrace、mount 等', en: 'no tracepoints of system calls: changes of files, reads of secrets, accept, sockets of container runtimes, ptrace, mount and their like are not seen' }, todo: { zh: 'mount -t tracefs tracefs /sys/kernel/tracing（moat up 以 root 运行时会自己挂载）', en: 'mount -t tracefs tracefs /sys/kernel/tracing (moat up does it by itself as root)' } }
      : { name: 'tracefs', there: true, what: { zh: '系统调用跟踪点', en: 'tracepoints of system calls' } },
    cgroup
      ? { name: 'cgroup2', there: true, what: { zh: '统一控制组层级', en: 'unified control group hierarchy' } }
      : { name: 'cgroup2', there: false, what: { zh: '没有统一控制组层级：看不到 DNS 查询、连接的最初字节和 UDP', en: 'no unified control group hierarchy: DNS questions, first bytes of connections and UDP are not seen' }, todo: { zh: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified', en: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified' } },
    lsm
      ? { name: 'lsm', there: true, what: { zh: '内核允许 LSM 程序：禁止的程序在执行前被拒绝', en: 'the kernel takes LSM programs: a denied program is refused before it is run' } }
      : { name: 'lsm', there: false, what: { zh: '内核未启用 LSM 程序：禁止的程序改为在第一条指令之前被结束', en: 'the kernel takes no LSM programs: a denied program is killed before its first instruction instead' }, todo: { zh: '可选：在内核启动参数 lsm= 末尾加上 bpf', en: 'optional: add bpf to the end of lsm= in the kernel parameters' } },
  ];
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch { return undefined; /* securityfs is not mounted: the same as not there */ }
}
