/** Which files no action takes away or writes to, and why. */
import { lstatSync, readFileSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { PackageFile } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { essentialReason } from '../linux/essential.ts';
import { bytesOf } from '../linux/file-names.ts';
import { locksOut } from './administrators.ts';
import type { Refusal } from './protection.ts';

export interface FileProtectionOptions {
  /** Where the machine's /etc and packages stand; '/' usually. */
  root?: string;
  /** Moat's own files and folders. */
  own: readonly string[];
  /** Which package a file is of; undefined when none has it, 'unknown' when that cannot be told (yet). */
  owner: (path: string) => Promise<PackageFile | 'unknown' | undefined>;
}

/** Without these nobody can log on or the machine does not start: accounts have actions of their own. */
const needed = ['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow', '/etc/fstab', '/etc/machine-id', '/etc/nsswitch.conf', '/etc/ld.so.cache'];
/** Whole, these cannot be taken away: a line of them can. */
const neededWhole = [
  '/etc/sudoers', '/etc/ssh/sshd_config', '/etc/crontab', '/etc/profile', '/etc/resolv.conf', '/etc/crypttab', '/etc/network/interfaces',
  ...['common-auth', 'common-account', 'common-session', 'common-session-noninteractive', 'common-password', 'sshd', 'login', 'sudo', 'system-auth', 'password-auth', 'postlogin', 'other'].map((name) => `/etc/pam.d/${name}`),
];
const notOnDisk = ['/proc/', '/sys/'];
/** File systems that the kernel makes up, wherever they are mounted: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs, bpf. */
const madeUp = new Set([0x9f_a0, 0x62_65_65_72, 0x27_e0_eb, 0x63_67_72_70, 0x64_62_67_20, 0x74_72_61_63, 0x73_63_66_73, 0xca_fe_4a_11]);
const chainMax = 200;

export class FileProtection {
  readonly root: string;
  private readonly own: readonly string[];
  private readonly owner: FileProtectionOptions['owner'];

  constructor({ root = '/', own, owner }: FileProtectionOptions) {
    this.root = root === '/' ? '' : root;
    this.own = own;
    this.owner = owner;
  }

  /** The path as the machine under `root` names it. */
  inside(path: string): string { return path.startsWith(`${this.root}/`) ? path.slice(this.root.length) : path; }

  /** Which package owns it, for the plan to tell. `path` is real. */
  async ownedBy(path: string): Promise<PackageFile | undefined> {
    const owner = await this.owner(path);
    return owner === 'unknown' ? undefined : owner;
  }

  /** Throws MoatError 'refused'. `path` is real; `edit`: a line of it is to be removed, not the file. */
  async mayChange(path: string, { force, edit }: { force: boolean; edit: boolean }): Promise<void> {
    const refusal = await this.refusal(path, edit);
    if (refusal === undefined || (force && !refusal.never)) return;
    throw new MoatError<ActionErrorCode>('refused', `${path}: ${refusal.why.en}`, { text: { zh: `${path}：${refusal.why.zh}`, en: `${path}: ${refusal.why.en}` }, ...(!refusal.never && { hint: '--force' }) });
  }

  /** Its rights alone are to change. Throws MoatError 'refused' for what is Moat's own or is no file of a disk. */
  mayTouch(path: string): void {
    const why = this.notOurs(path);
    if (why) throw new MoatError<ActionErrorCode>('refused', `${path}: ${why.en}`, { text: { zh: `${path}：${why.zh}`, en: `${path}: ${why.en}` } });
  }

  private notOurs(path: string): Text | undefined {
    if (this.own.some((own) => path === own || path.startsWith(`${own}/`)) || this.isOwnElsewhere(path)) return { zh: '它是 Moat 自己的文件', en: 'it is one of Moat’s own files' };
    if (notOnDisk.some((folder) => path.startsWith(folder)) || madeUp.has(kindOf(dirname(path)))) return { zh: '它由内核生成，不在磁盘上', en: 'the kernel makes it up; it is not on a disk' };
    return undefined;
  }

  /** By a link, or by a mount that shows its folder elsewhere as well. */
  private isOwnElsewhere(path: string): boolean {
    const own = new Set(this.own.flatMap((one) => identityOf(one) ?? []));
    let at = path;
    for (let n = 0; n < chainMax && at !== '/' && at !== '.'; n++, at = dirname(at)) {
      const seen = identityOf(at);
      if (seen !== undefined && own.has(seen)) return true;
    }
    return false;
  }

  /** The path under which this one is known, where a mount shows the folder elsewhere as well. `path` is real. */
  private known(path: string): string {
    const inside = this.inside(path), folder = identityOf(dirname(path));
    return [...needed, ...neededWhole].find((one) => one !== inside && basename(one) === basename(inside) && folder !== undefined && folder === identityOf(join(this.root, dirname(one)))) ?? inside;
  }

  private async refusal(path: string, edit: boolean): Promise<Refusal | undefined> {
    const never = (why: Text): Refusal => ({ why, never: true });
    const inside = this.known(path);
    const notOurs = this.notOurs(path);
    if (notOurs) return never(notOurs);
    if (needed.includes(inside)) return never({ zh: '没有它就无法登录或启动本机', en: 'without it nobody can log on, or the machine does not start' });
    if (!edit && neededWhole.includes(inside)) return never({ zh: '整个拿走会让人无法登录或管理本机；可删除其中的某一行', en: 'without it nobody can log on or look after the machine; a line of it can be removed' });
    if (!edit && /^\/(?:bin|sbin|lib\w*)$/.test(inside)) return never({ zh: '它是系统目录的链接', en: 'it is the link to a folder of the system' });
    const found = lstatSync(bytesOf(path), { throwIfNoEntry: false });
    const essential = found && !edit ? essentialReason(found) : undefined;
    if (essential) return never(essential);
    const owner = await this.owner(path);
    if (owner === 'unknown') return { why: { zh: '暂时无法确定它是否属于某个软件包（确要处置请加 --force）', en: 'whether a package owns it cannot be told now (use --force to do it all the same)' }, never: false };
    if (owner !== undefined && !edit && isMapped(path)) return never({ zh: `1 号进程或 Moat 正在使用它（软件包 ${owner.name}）`, en: `the first process or Moat uses it (package ${owner.name})` });
    if (owner !== undefined && owner.intact !== false) return { why: { zh: `它属于软件包 ${owner.name}，且与出厂时一致（确要处置请加 --force）`, en: `it belongs to the package ${owner.name} and is as it was shipped (use --force to do it all the same)` }, never: false };
    if (!edit && locksOut(this.root || '/', { path: inside })) return { why: { zh: '没有它，就没有一个管理员还能登录并管理本机（确要处置请加 --force）', en: 'without it no administrator would be left with a way in (use --force to do it all the same)' }, never: false };
    if (!edit && /^\/etc\/ssh\/ssh_host_\w{1,40}_key$/.test(inside)) return { why: { zh: '它是本机 SSH 服务的主机密钥（确要处置请加 --force）', en: 'it is a host key of this machine’s SSH server (use --force to do it all the same)' }, never: false };
    if (inside.startsWith('/boot/')) return { why: { zh: '它在 /boot 中，可能是启动所需（确要处置请加 --force）', en: 'it lies in /boot and may be needed to start the machine (use --force to do it all the same)' }, never: false };
    return undefined;
  }
}

/** Device and inode; undefined for what is not there or cannot be seen. Links are followed. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(bytesOf(path), { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev} ${found.ino}`;
  } catch { return undefined; /* a way that leads nowhere */ }
}

/** Number of the file system; 0 where the folder is not there. */
function kindOf(folder: string): number {
  try { return statfsSync(bytesOf(folder)).type; } catch { return 0; /* not there: there is nothing to protect */ }
}

/** The C library, the loader and what else every program needs: the first process and this one have them mapped. A link to one of them counts. */
function isMapped(path: string): boolean {
  try {
    const real = realpathSync(path);
    const { ino } = statSync(real);
    return ['/proc/1/maps', '/proc/self/maps'].some((maps) => textOf(maps).split('\n').some((line) => line.endsWith(real) && Number(line.split(/ +/)[4]) === ino));
  } catch { return false; /* a link that leads nowhere */ }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch { return ''; /* the first process of a container may not be ours to see */ }
}
