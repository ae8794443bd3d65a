/** A /proc in a folder, for checks of processes: `{ ...processFiles({ pid: 700, exe: '/usr/sbin/nginx' }), ...base }` is planted in a root. */
import { Procfs } from '../src/linux/procfs.ts';
import type { Probes } from '../src/linux/probes.ts';
import type { Machine } from '../src/checks/port.ts';
import type { Planted } from './throwaway-root.ts';

interface Recorded {
  pid: number;
  /** As the link says it, with ` (deleted)`. */
  exe?: string;
  name?: string;
  /** Arguments with spaces between. */
  cmdline?: string;
  parent?: number;
  kernelThread?: boolean;
  state?: string;
  environ?: Readonly<Record<string, string>>;
  maps?: string;
  cgroup?: string;
  /** Descriptor → what its link says. */
  fds?: Readonly<Record<string, string>>;
}

export function processFiles({ pid, exe, name, cmdline, parent = 1, kernelThread = false, state = 'S', environ, maps, cgroup = '0::/system.slice/x.service\n', fds = {} }: Recorded): Planted {
  const at = `/proc/${pid}`;
  const comm = name ?? exe?.split('/').at(-1)?.replace(' (deleted)', '').slice(0, 15) ?? 'x';
  const flags = kernelThread ? 0x0020_0040 : 0x0040_0000;
  return {
    [`${at}/stat`]: `${pid} (${comm}) ${state} ${parent} ${pid} ${pid} 0 -1 ${flags} 0 0 0 0 5 5 0 0 20 0 1 0 ${pid * 10} 1000000 100 0\n`,
    [`${at}/status`]: `Name:\t${comm}\nState:\t${state}\nTgid:\t${pid}\nPid:\t${pid}\nPPid:\t${parent}\nTracerPid:\t0\nUid:\t0\t0\t0\t0\n`,
    [`${at}/cmdline`]: (cmdline ?? exe ?? '').replaceAll(' ', '\0'),
    [`${at}/cgroup`]: cgroup,
    [`${at}/maps`]: maps ?? '',
    [`${at}/environ`]: Object.entries(environ ?? {}).map(([key, value]) => `${key}=${value}\0`).join(''),
    [`${at}/task/${pid}/comm`]: `${comm}\n`,
    ...(exe === undefined ? {} : { [`${at}/exe`]: `->${exe}` }),
    ...Object.fromEntries(Object.entries(fds).map(([fd, link]) => [`${at}/fd/${fd}`, `->${link}`])),
  };
}

/** What every machine has: its boot, the first process and the parent of the kernel's threads. */
export const machineFiles: Planted = {
  '/proc/stat': 'cpu  1 1 1 1\nbtime 1790000000\n', '/proc/loadavg': '0.00 0.00 0.00 1/3 900\n', '/proc/sys/kernel/pid_max': '4096\n', '/proc/self/mountinfo': '22 1 0:5 / /proc rw - proc proc rw\n',
  ...processFiles({ pid: 1, exe: '/usr/lib/systemd/systemd', parent: 0 }), ...processFiles({ pid: 2, name: 'kthreadd', parent: 0, kernelThread: true }), ...processFiles({ pid: 30, name: 'kworker/0:1', parent: 2, kernelThread: true }),
  '/usr/lib/systemd/systemd': { text: 'systemd', mode: 0o755, package: 'systemd' },
};

const nobody: Probes = { scheduled: () => false, signalled: () => false, sockets: () => [], packets: () => [], port: () => 'free', accepts: () => false };

/** The machine of a root that was planted. `probes` are what the kernel answers; those left out know of nothing. */
export const recorded = (root: string, probes?: Partial<Probes>): Machine => ({ procfs: new Procfs(root), probes: probes && { ...nobody, ...probes } });
