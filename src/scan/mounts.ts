/** Which mounts a walk goes into. */
import type { Procfs } from '../linux/procfs.ts';

/** Disks, and memory where programs are dropped. Anything else is the kernel's making or lies on another machine. */
const walked = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'jfs', 'reiserfs', 'bcachefs', 'vfat', 'exfat', 'ntfs', 'ntfs3', 'hfsplus', 'udf', 'iso9660', 'squashfs', 'erofs', 'tmpfs', 'ramfs', 'devtmpfs']);
/** Roots of containers: their files lie in the layers, where the walk comes by. */
const containers = /\/(?:docker|containerd|containers|kubelet|k3s|rke2|podman)\//;
const bytesMax = 16 << 20;

/**
 * Mount points below `prefix`, as seen from inside, that a walk does not even ask for: a dead network mount would not answer. With
 * the type of each. Undefined when the mounts cannot be read.
 */
export function passedOver(procfs: Procfs, prefix: string): Map<string, string> | undefined {
  const text = procfs.read('self/mountinfo', bytesMax);
  if (text === undefined) return undefined;
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const words = line.split(' ');
    const raw = words[4], type = words[words.indexOf('-') + 1];
    if (raw === undefined || type === undefined) continue;
    const path = raw.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    if (!path.startsWith(`${prefix}/`) || path === '/') continue;
    const inside = path.slice(prefix.length);
    // Of several mounts on one place the last is seen.
    if (walked.has(type) || (type === 'overlay' && !containers.test(path))) found.delete(inside);
    else found.set(inside, type);
  }
  return found;
}
