/** What is said of a process that was given up for it waited for what does not answer, and the mount that this is. */
import type { Text } from '../core/text.ts';
import { answerers } from '../linux/file-systems.ts';
import { mountsOf, type Mount } from '../linux/mounts.ts';
import { Procfs } from '../linux/procfs.ts';
import { mountOver } from '../linux/standstill.ts';

/** A read that takes longer was starved by others or will never end. */
export const stillMs = 120_000;

/** The mount that a file lies on which the process waits for, as it sees it; undefined when nobody knows. */
export function mountWaitedFor(path: string | undefined, pid: number): Mount | undefined {
  const procfs = new Procfs('/');
  const over = path === undefined ? undefined : mountOver(path, mountsOf(procfs, pid));
  // Behind /proc/PID/exe lies a file of which nothing more is known.
  return over && answerers(procfs)(over.type, over.at) !== 'kernel' ? over : undefined;
}

export function stillText(afterMs: number, path: string | undefined, mount: Mount | undefined): Text {
  const seconds = Math.round(afterMs / 1000);
  const at = path === undefined ? { zh: '系统没说它在等什么', en: 'the system does not say what it waits for' } : { zh: `一直在等 ${path}`, en: `it waits for ${path}` };
  const on = mount === undefined || mount.at === '/' ? undefined : mount;
  return {
    zh: `${seconds} 秒没有任何进展，${at.zh}${on ? `，它在挂载 ${on.at}（${on.type}）上：卸载它（umount -l ${on.at}）或加 --without-mount ${on.at} 再查` : '：看它在哪块盘、哪个挂载上，查内核日志（journalctl -k）里的错误，修好或卸载后再查'}`,
    en: `nothing moved for ${seconds} seconds, ${at.en}${on ? `, on the mount ${on.at} (${on.type}): unmount it (umount -l ${on.at}), or look again with --without-mount ${on.at}` : ': find the disk or mount that this lies on, see the log of the kernel (journalctl -k) for its errors, mend or unmount it and look again'}`,
  };
}
