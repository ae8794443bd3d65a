/** Which units no action stops, and why. A name alone protects nobody: what pretends to be a part of the system must be of a package. */
import { join } from 'node:path';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { PackageFile } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { cgroupPath, type Procfs } from '../linux/procfs.ts';
import { unitFiles } from '../linux/units.ts';
import { realPlace } from '../linux/place.ts';
import type { Refusal } from './protection.ts';

export interface UnitProtectionOptions {
  /** Where the machine's /etc and /usr stand; '/' usually. */
  root?: string;
  /** Which package a file is of; `path` is real. */
  owner: (path: string) => Promise<PackageFile | 'unknown' | undefined>;
  procfs: Procfs;
  /** Moat's own pid. */
  self: number;
}

export interface AskedUnit {
  name: string;
  /** All names it has. */
  names: readonly string[];
  active: boolean;
  /** Its control group; '' for none. */
  group: string;
}

/** `owner` of the file that makes it what it is. */
export interface UnitOwner { path: string; owner: PackageFile | 'unknown' | undefined }

const own = /^moat(?:-[\w-]{1,100})?\.(?:service|timer|socket|path)$/;
const parts = /^(?:systemd-.*|dbus(?:-broker)?|polkit|elogind|user@.*|user-runtime-dir@.*|emergency|rescue|initrd-.*)\.(?:service|socket|timer|path)$/;

const named: readonly { names: RegExp; what: Text; /** Only while it runs. */ active?: boolean }[] = [
  { names: /^(?:ssh|sshd|dropbear)(?:@.*)?\.(?:service|socket)$/, what: { zh: 'SSH 服务：远程管理的通道', en: 'the SSH server: the way the machine is managed' }, active: true },
  { names: /^(?:networking|network|NetworkManager(?:-.*)?|dhcpcd5?|dhclient|connman|wicked(?:d.*)?|wpa_supplicant(?:@.*)?|ifup@.*|netplan-.*|cloud-(?:init|config|final)(?:-.*)?)\.service$/, what: { zh: '网络管理', en: 'the network manager' } },
  { names: /^(?:getty|serial-getty|container-getty|autovt)@.*\.service$|^console-getty\.service$/, what: { zh: '控制台登录', en: 'the log-on at the console' } },
  {
    names: /^(?:aliyun|aliyun-?service|AssistDaemon|aegis|cloudmonitor|cloud-?monitor|ecs_mq-service|tat_agent|YDService|YDLive|stargate|barad_agent|sgagent|hostguard|uniagentd?|telescoped?|CloudResetPwdAgent|amazon-ssm-agent|snap\.amazon-ssm-agent\..*|google-guest-agent(?:-manager)?|google-osconfig-agent|walinuxagent|waagent|qemu-guest-agent)\.service$/i,
    what: { zh: '云厂商的代理', en: 'an agent of the cloud provider' },
  },
  { names: /^(?:docker|containerd|crio|k3s|k3s-agent|kubelet|rke2-(?:server|agent))\.(?:service|socket)$/, what: { zh: '容器运行时', en: 'the container runtime' } },
];

export class UnitProtection {
  readonly root: string;
  private readonly options: UnitProtectionOptions;

  constructor(options: UnitProtectionOptions) {
    this.options = options;
    this.root = options.root ?? '/';
  }

  /** The file that wins under this name, and whose it is; undefined when there is none. */
  async ownerOf(name: string): Promise<UnitOwner | undefined> {
    const [path] = unitFiles(this.root, name);
    return path === undefined ? undefined : { path, owner: await this.options.owner(realPlace(join(this.root, path))) };
  }

  /** Why it is not to be stopped; undefined when it may be. `asker`: the process of whoever asks. */
  async refusal({ name, names, active, group }: AskedUnit, asker?: number): Promise<Refusal | undefined> {
    const never = (why: Text): Refusal => ({ why, never: true });
    if (names.some((one) => own.test(one))) return never({ zh: '它是 Moat 自己', en: 'it is Moat itself' });
    if (this.holds(group, this.options.self)) return never({ zh: 'Moat 在其中运行', en: 'Moat runs in it' });
    if (asker !== undefined && this.holds(group, asker)) return never({ zh: '您正在其中操作的会话属于它', en: 'the session that you type in is part of it' });
    const owner = await this.ownerOf(name);
    for (const one of names) if (parts.test(one) && await this.isShipped(one)) return never({ zh: '它是系统的基础部分', en: 'it is a basic part of the system' });
    const what = named.find((row) => (active || row.active !== true) && names.some((one) => row.names.test(one)))?.what;
    if (what) return { why: { zh: `它是${what.zh}`, en: `it is ${what.en}` }, never: false };
    if (owner?.owner === 'unknown') return { why: { zh: '暂时无法确定它是否属于某个软件包', en: 'whether a package owns it cannot be told now' }, never: false };
    if (owner?.owner !== undefined && owner.owner.intact !== false) return { why: { zh: `它属于软件包 ${owner.owner.name}，且与出厂时一致`, en: `it belongs to the package ${owner.owner.name} and is as it was shipped` }, never: false };
    return undefined;
  }

  /** Throws MoatError 'refused'. */
  async mayStop(unit: AskedUnit, force: boolean, asker?: number): Promise<void> {
    const refusal = await this.refusal(unit, asker);
    if (refusal === undefined || (force && !refusal.never)) return;
    const text = { zh: `${unit.name}：${refusal.why.zh}${refusal.never ? '' : '（确要停止请加 --force）'}`, en: `${unit.name}: ${refusal.why.en}${refusal.never ? '' : ' (use --force to stop it all the same)'}` };
    throw new MoatError<ActionErrorCode>('refused', text.en, { text, ...(!refusal.never && { hint: '--force' }) });
  }

  private async isShipped(name: string): Promise<boolean> {
    for (const path of unitFiles(this.root, name)) if (await this.options.owner(realPlace(join(this.root, path))) !== undefined) return true;
    return false;
  }

  private holds(group: string, pid: number): boolean {
    if (group === '' || group === '/') return false;
    const path = cgroupPath(this.options.procfs.read(`${pid}/cgroup`, 8192) ?? '');
    return path !== undefined && (path === group || path.startsWith(`${group}/`));
  }
}
