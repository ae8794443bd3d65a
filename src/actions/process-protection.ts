/** Which processes no action touches, and why. */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import { logindSession, logons } from '../linux/logons.ts';
import { readProcess, type TreeProcess } from '../linux/process-tree.ts';
import type { Procfs } from '../linux/procfs.ts';
import type { ProcessIdentity } from '../linux/signals.ts';
import type { Refusal } from './protection.ts';

export interface ProcessProtectionOptions {
  procfs: Procfs;
  /** Moat's own pid. */
  self: number;
  now: () => number;
}

type All = ReadonlyMap<number, TreeProcess>;

const sessionMs = 24 * 3_600_000;
const sessionsMax = 1000;
const chainMax = 100;
/** The first processes of the kernel: itself and the parent of its threads. */
const kernelThreads = 2;
const deleted = ' (deleted)';
/** Where packages and cloud agents put programs; one of the same name elsewhere is somebody else's. */
const places = /^\/(?:usr|opt|bin|sbin|lib|lib64)\//;

const itself: Text = { zh: 'Moat 自己', en: 'Moat itself' };
const above: Text = { zh: 'Moat 的上级进程', en: 'a parent of Moat' };

const named: readonly { names: RegExp; what: Text }[] = [
  { names: /^(?:init|systemd|openrc-init|runit|s6-svscan)$/, what: { zh: '初始化系统', en: 'the init system' } },
  { names: /^(?:systemd-|dbus-daemon$|dbus-broker|polkitd$|agetty$|elogind)/, what: { zh: '系统的基础服务', en: 'a basic service of the system' } },
  { names: /^(?:sshd|sshd-session|dropbear)$/, what: { zh: 'SSH 服务：远程管理的通道', en: 'the SSH server: the way the machine is managed' } },
  { names: /^(?:NetworkManager|networkd|dhclient|dhcpcd|udhcpc|connmand|wpa_supplicant|wicked(?:d.*)?|netplan|ifplugd)$/, what: { zh: '网络管理', en: 'the network manager' } },
  { names: /^(?:dockerd|containerd(?:-shim.*)?|crio|conmon|kubelet)$/, what: { zh: '容器运行时', en: 'the container runtime' } },
  {
    names: /^(?:AliYunDun\w*|AliSecGuard\w*|aliyun-service|aliyun_assist\w*|assist_daemon|CmsGoAgent\S*|argusagent|YDService|YDLive|YDEyes|sgagent|barad_agent|tat_agent|hostguard|hostwatch|uniagent\w*|telescope|amazon-ssm-agent|ssm-agent-worker|ssm-session-worker|google_guest_agent|google_osconfig_agent|google_network_daemon|WALinuxAgent|waagent|qemu-ga|cloud-init)$/,
    what: { zh: '云厂商的代理', en: 'an agent of the cloud provider' },
  },
];

export class ProcessProtection {
  private readonly options: ProcessProtectionOptions;

  constructor(options: ProcessProtectionOptions) { this.options = options; }

  /**
   * Throws MoatError 'refused', naming the first that stands in the way. `asker` is the process of whoever asks: what they type in is
   * not taken from under them.
   *
   * Of log-on sessions the chain is held back (sshd's processes, the login shell), not what was started from it; with `force` that
   * chain may be ended too, since the intruder may be the one who is logged on.
   */
  mayTouch(all: All, members: readonly TreeProcess[], force: boolean, asker?: number): void {
    const never = this.nevers(all, asker);
    const sessions = this.sessions(all);
    const refusals = members.flatMap((one) => {
      const refusal = this.refusal(one, never, sessions);
      return refusal === undefined || (force && !refusal.never) ? [] : [{ one, refusal }];
    });
    // What force does not help against is told first.
    const first = refusals.find(({ refusal }) => refusal.never) ?? refusals[0];
    if (first) throw refused(first.one, first.refusal, refusals.length - 1);
  }

  /** The same for what came into a tree while it was stopped: only what is never touched counts. */
  mustNotTouch(all: All, members: readonly TreeProcess[]): void {
    const never = this.nevers(all);
    for (const one of members) {
      const refusal = this.refusal(one, never, new Map());
      if (refusal?.never) throw refused(one, refusal, 0);
    }
  }

  /**
   * Throws MoatError 'refused' when Moat, or what it was started from, is among them: after a crash it may have been started anew from
   * the very tree that it was stopping.
   */
  mustNotHoldMoat(processes: readonly ProcessIdentity[]): void {
    const known = new Map(processes.map(({ pid, ticks }) => [pid, ticks]));
    let pid = this.options.self;
    for (let i = 0; pid > 1 && i < chainMax; i++) {
      const one = readProcess(this.options.procfs, pid);
      if (one === undefined) return;
      if (known.get(pid) === one.ticks) throw refused(one, { why: pid === this.options.self ? itself : above, never: true }, 0);
      pid = one.parentPid;
    }
  }

  /**
   * Of these, what is left alone when an account's sessions end, and why: what is never touched, and services of the system that somebody
   * started from a session (a restarted sshd among them).
   */
  spared(all: All, members: readonly TreeProcess[], asker?: number): Map<number, Text> {
    const never = this.nevers(all, asker);
    return new Map(members.flatMap((one): [number, Text][] => {
      const refusal = this.refusal(one, never, new Map());
      const isDaemon = one.parentPid === 1 && this.options.procfs.uids(one.pid)?.real === 0 && !(this.options.procfs.read(`${one.pid}/cgroup`, 8192) ?? '').includes('/user@');
      return refusal !== undefined && (refusal.never || isDaemon) ? [[one.pid, refusal.why]] : [];
    }));
  }

  private refusal(one: TreeProcess, never: ReadonlyMap<number, Text>, sessions: ReadonlyMap<number, Text>): Refusal | undefined {
    if (one.kernelThread || one.pid === kernelThreads) return { why: { zh: '内核线程', en: 'a thread of the kernel' }, never: true };
    const moat = never.get(one.pid);
    if (moat) return { why: moat, never: true };
    const program = this.program(one.pid);
    const why = (program === undefined ? undefined : named.find(({ names }) => names.test(program))?.what) ?? sessions.get(one.pid);
    return why && { why, never: false };
  }

  /** What is not touched even by force: init, Moat with what is above and below it, and what the asker types in. */
  private nevers(all: All, asker?: number): Map<number, Text> {
    const found = new Map<number, Text>();
    if (asker !== undefined) for (const pid of chain(all, asker)) found.set(pid, { zh: '您正在其中操作的会话', en: 'the session that you type in' });
    for (const pid of chain(all, this.options.self)) found.set(pid, above);
    for (const one of all.values()) if (chain(all, one.parentPid).includes(this.options.self)) found.set(one.pid, { zh: 'Moat 的子进程', en: 'a child of Moat' });
    found.set(this.options.self, itself);
    found.set(1, { zh: '系统的第一个进程', en: 'the first process of the system' });
    return found;
  }

  /** The chain of each live log-on: its leader, its login shell, and what is above them. */
  private sessions(all: All): Map<number, Text> {
    const leaders = new Map<number, string | undefined>();
    const { procfs: { root } } = this.options;
    for (const { pid, user, until } of logonsOf(root, this.options.now() - sessionMs)) if (until === undefined && pid !== undefined && all.has(pid)) leaders.set(pid, user);
    for (const id of sessionsOf(root)) {
      const logon = logindSession(root, id);
      if (logon?.pid !== undefined && all.has(logon.pid)) leaders.set(logon.pid, logon.user);
    }
    // A shell on a terminal right below sshd or login, where neither utmp nor logind is kept.
    for (const one of all.values()) if (one.session === one.pid && one.tty !== 0 && /^(?:sshd|sshd-session|login)$/.test(this.program(one.parentPid) ?? '')) leaders.set(one.pid, leaders.get(one.parentPid));
    const found = new Map<number, Text>();
    for (const [leader, user] of leaders) {
      for (const pid of chain(all, leader)) if (!found.has(pid)) found.set(pid, { zh: `${user ?? '有人'}正登录着的会话`, en: `a session in which ${user ?? 'somebody'} is logged on` });
    }
    return found;
  }

  /** Name of a program that root put where programs of the system lie; undefined for any other. */
  private program(pid: number): string | undefined {
    const link = this.options.procfs.exe(pid);
    if (link === undefined || !places.test(link)) return undefined;
    if (ownerOf(join(this.options.procfs.root, `proc/${pid}/exe`)) !== 0) return undefined;
    return basename(link.endsWith(deleted) ? link.slice(0, -deleted.length) : link);
  }
}

/** The process and those above it, pid 1 left out. */
function chain(all: All, pid: number): number[] {
  const found: number[] = [];
  for (let at = all.get(pid); at !== undefined && at.pid > 1 && found.length < chainMax; at = all.get(at.parentPid)) {
    if (found.includes(at.pid)) break;
    found.push(at.pid);
  }
  return found;
}

function refused({ pid, name }: TreeProcess, { why, never }: Refusal, more: number): MoatError<ActionErrorCode> {
  const others = more > 0 ? { zh: `（另有 ${more} 个）`, en: ` (and ${more} more)` } : { zh: '', en: '' };
  const force = never ? { zh: '', en: '' } : { zh: '（确要如此请加 --force）', en: ' (use --force to do it all the same)' };
  const text = { zh: `进程 ${pid}（${name}）是${why.zh}${others.zh}${force.zh}`, en: `process ${pid} (${name}) is ${why.en}${others.en}${force.en}` };
  return new MoatError<ActionErrorCode>('refused', text.en, { text, ...(!never && { hint: '--force' }) });
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch { return undefined; /* it ended meanwhile */ }
}

function logonsOf(root: string, since: number): ReturnType<typeof logons> {
  try {
    return logons(root, since);
  } catch { return []; /* no utmp to read: logind and sshd's own processes still tell */ }
}

function sessionsOf(root: string): string[] {
  try {
    return readdirSync(join(root, 'run/systemd/sessions')).slice(0, sessionsMax);
  } catch { return []; /* no logind on this machine */ }
}
