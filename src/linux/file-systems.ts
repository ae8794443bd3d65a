/** Who answers for what is mounted somewhere: this machine's disks and memory, the kernel, or somebody else. */
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { Procfs } from './procfs.ts';

/**
 * here       disks, memory, and what lays these over one another: what is read there is what everybody reads
 * kernel     the kernel makes it up; nothing of anybody's can be stored there
 * elsewhere  a program (FUSE), another machine, the host of a virtual one, or nobody knows: whoever answers can tell each reader something
 *            else, or never answer, and then whoever asked waits and cannot even be killed
 */
export type Answerer = 'here' | 'kernel' | 'elsewhere';

/** Those whose files lie on a block device need not stand here: the kernel says so of its own. */
const here = new Set([
  'ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'bcachefs', 'nilfs2', 'vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'hfs', 'hfsplus', 'udf', 'iso9660', 'squashfs', 'erofs', 'cramfs', 'ubifs', 'jffs2',
  'tmpfs', 'ramfs', 'rootfs', 'devtmpfs', 'hugetlbfs', 'overlay', 'aufs', 'ecryptfs', 'shiftfs',
]);
const kernel = new Set([
  'proc', 'sysfs', 'cgroup', 'cgroup2', 'cpuset', 'debugfs', 'tracefs', 'securityfs', 'selinuxfs', 'smackfs', 'pstore', 'bpf', 'configfs', 'efivarfs', 'devpts', 'mqueue', 'fusectl', 'binfmt_misc', 'nsfs', 'rpc_pipefs', 'nfsd',
  'resctrl', 'binder', 'functionfs', 'ocfs2_dlmfs', 'dax', 'xenfs',
]);

/** How the answer is found for types that no table knows; reads /proc/filesystems once. */
export function answerers(procfs: Procfs): (type: string, at: string) => Answerer {
  const onDevices = new Set((procfs.read('filesystems') ?? '').split('\n').filter((line) => line.startsWith('\t')).map((line) => line.trim()));
  return (type, at) => {
    if (here.has(type)) return 'here';
    if (kernel.has(type)) return 'kernel';
    // Where nothing but the kernel's own is mounted when somebody looks.
    if (type === 'autofs' && /^\/(?:proc|sys)\//.test(at)) return 'kernel';
    // The device lies below the program that answers.
    return onDevices.has(type) && !isFuse(type) ? 'here' : 'elsewhere';
  };
}

const isFuse = (type: string): boolean => type === 'fuse' || type === 'fuseblk' || type.startsWith('fuse.');

/** A mount that nobody goes into. `device` as the kernel names what was mounted, such as `nas:/export`. */
export interface ClosedMount { at: string; type: string; device: string; /** The operator said that it is not to be looked into. */ leftOut: boolean; /** It was asked and did not answer. */ silent: boolean }

const noAnswer: Text = { zh: '查的时候它一直不应答', en: 'it was asked and never answered' };

const whose = (type: string): Text => {
  if (isFuse(type)) return { zh: '由一个程序应答，它可以对每个读者说不同的话', en: 'a program answers for it and can tell each reader something else' };
  if (type === 'autofs') return { zh: '有人去看才会挂上，会是什么不知道', en: 'what it will be is mounted when somebody looks' };
  if (type === 'overlay') return { zh: '它的一层在没进去看的挂载上', en: 'a layer of it lies on a mount that is not looked into' };
  return { zh: '由本机以外应答', en: 'it is answered from outside of this machine' };
};

/** Why it is not looked into and what to type next; `path` when something in it was asked for. */
export function closedText({ at, type, device, silent }: ClosedMount, path?: string): Text {
  const from = device === '' || device === 'none' || device === type ? type : `${type}, ${device}`;
  const { zh, en } = silent ? noAnswer : whose(type);
  const known: Text = { zh: `认得它就加 --without-mount ${at}（长期写 scan.without_mounts）`, en: `when you know it, say so with --without-mount ${at} (for good: scan.without_mounts)` };
  const next: Text = silent
    ? { zh: `不再用就卸载它（umount -l ${at}）；${known.zh}`, en: `unmount it when nobody needs it (umount -l ${at}); ${known.en}` }
    : { zh: `${known.zh}，要一并查看就加 --into-mount ${at}（scan.into_mounts）`, en: `${known.en}; to look into it as well, --into-mount ${at} (scan.into_mounts)` };
  return path === undefined || path === at
    ? { zh: `这里挂载着 ${from}，没有进去看：${zh}；${next.zh}`, en: `what is mounted here (${from}) is not looked into: ${en}; ${next.en}` }
    : { zh: `在没有进去看的挂载 ${at}（${from}）上：${zh}；${next.zh}`, en: `it lies on the mount ${at} (${from}), which is not looked into: ${en}; ${next.en}` };
}

/**
 * Something on such a mount was to be looked at; the system was not asked.
 *
 * closed    nobody said that it is known
 * left-out  the operator did
 */
export class ClosedMountError extends MoatError<'closed' | 'left-out'> {
  readonly mount: ClosedMount;

  constructor(mount: ClosedMount, path: string) {
    const { zh, en } = closedText(mount, path);
    super(mount.leftOut ? 'left-out' : 'closed', en, { zh });
    this.mount = mount;
  }
}
