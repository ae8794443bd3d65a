/** Which files no action takes away or writes to, and why. */
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { PackageFile } from '../core/lineage.ts';
import type { Text } from '../core/text.ts';
import { essentialReason } from '../linux/essential.ts';
import { bytesOf } from '../linux/file-names.ts';
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
const neededWhole = ['/etc/sudoers', '/etc/ssh/sshd_config', '/etc/crontab', '/etc/profile', '/etc/pam.d/common-auth', '/etc/pam.d/sshd', '/etc/pam.d/system-auth'];
const notOnDisk = ['/proc/', '/sys/'];

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
    if (this.own.some((own) => path === own || path.startsWith(`${own}/`))) return { zh: '它是 Moat 自己的文件', en: 'it is one of Moat’s own files' };
    if (notOnDisk.some((folder) => path.startsWith(folder))) return { zh: '它由内核生成，不在磁盘上', en: 'the kernel makes it up; it is not on a disk' };
    return undefined;
  }

  private async refusal(path: string, edit: boolean): Promise<Refusal | undefined> {
    const never = (why: Text): Refusal => ({ why, never: true });
    const inside = this.inside(path);
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
    if (inside.startsWith('/boot/')) return { why: { zh: '它在 /boot 中，可能是启动所需（确要处置请加 --force）', en: 'it lies in /boot and may be needed to start the machine (use --force to do it all the same)' }, never: false };
    return undefined;
  }
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
