/** Which mounts a walk goes into. */
import type { Procfs } from '../linux/procfs.ts';

/** Disks, and memory where programs are dropped. Anything else is the kernel's making or lies on another machine. */
const walked = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'bcachefs', 'vfat', 'exfat', 'ntfs', 'ntfs3', 'hfsplus', 'udf', 'iso9660', 'squashfs', 'erofs', 'tmpfs', 'ramfs', 'devtmpfs']);
/** Roots of containers: their files lie in the layers, where the walk comes by. */
const containers = /\/(?:docker|containerd|containers|kubelet|k3s|rke2|podman)\//;
/** Nothing of anybody's can be stored in these, but something else can be mounted over what they show. */
const kernelMade = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'debugfs', 'tracefs', 'securityfs', 'selinuxfs', 'smackfs', 'pstore', 'bpf', 'configfs', 'efivarfs', 'devpts', 'mqueue', 'hugetlbfs', 'fusectl', 'binfmt_misc']);
const bytesMax = 16 << 20;

export interface WalkMounts {
  /** Mount points that a walk does not even ask for, with the type of each: a dead network mount would not answer. */
  over: Map<string, string>;
  /** Mounts to be walked that lie below those of the kernel, where no walk comes by. */
  hidden: string[];
}

interface Mount { id: string; parent: string; at: string; type: string }

/** Mounts below `prefix`, as seen from inside. Undefined when they cannot be read. */
export function mountsForWalk(procfs: Procfs, prefix: string): WalkMounts | undefined {
  const text = procfs.read('self/mountinfo', bytesMax);
  if (text === undefined) return undefined;
  const way = wayTo(text.split('\n').flatMap(mountOf));
  const found: WalkMounts = { over: new Map(), hidden: [] };
  for (const at of new Set(text.split('\n').flatMap(mountOf).map((mount) => mount.at))) {
    if (!at.startsWith(`${prefix}/`) || at === '/') continue;
    const mounts = way(at);
    const mount = mounts.at(-1);
    // What lies below another mount is not there for who goes by paths: a folder of that name must not be passed over for its sake.
    if (mount?.at !== at) continue;
    const around = mounts.slice(0, -1).filter((one) => one.at !== '/' && one.at !== at && one.at.startsWith(`${prefix}/`) && isOver(one));
    if (isOver(mount)) found.over.set(at.slice(prefix.length), mount.type);
    else if (around.length > 0 && around.every(({ type }) => kernelMade.has(type))) found.hidden.push(at.slice(prefix.length));
  }
  return found;
}

const isOver = ({ type, at }: Mount): boolean => !walked.has(type) && (type !== 'overlay' || containers.test(at));

function mountOf(line: string): Mount[] {
  const words = line.split(' ');
  const [id, parent, , , raw] = words, type = words[words.indexOf('-') + 1];
  if (id === undefined || parent === undefined || raw === undefined || type === undefined) return [];
  return [{ id, parent, type, at: raw.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))) }];
}

/** The mounts that a path leads through, as the kernel follows it: from one to what is mounted on it, the last on top. */
function wayTo(mounts: readonly Mount[]): (path: string) => Mount[] {
  const known = new Set(mounts.map(({ id }) => id));
  const above = new Map<string, Mount>();
  const first = mounts.filter(({ id, parent }) => parent === id || !known.has(parent));
  for (const mount of mounts) if (mount.parent !== mount.id) above.set(`${mount.parent} ${mount.at}`, mount);
  const beginnings = new Map(first.map((mount) => [mount.at, mount]));
  return (path) => {
    const way: Mount[] = [];
    const names = path.split('/');
    for (let n = 1; n <= names.length; n++) {
      const at = names.slice(0, n).join('/') || '/';
      // Of what is mounted on what we do not see, as in a chroot, the place is all that is known.
      let next = way.length === 0 || beginnings.has(at) ? beginnings.get(at) : above.get(`${way.at(-1)!.id} ${at}`);
      for (; next && way.length <= mounts.length; next = above.get(`${next.id} ${at}`)) way.push(next);
    }
    return way;
  };
}
