/** Programs without which a machine cannot be run or reached, by the file they are. */
import { lstatSync, statSync, type Stats } from 'node:fs';
import type { Text } from '../core/text.ts';

/** Without these nobody gets in, becomes root or starts anything. */
const programs = ['/bin/sh', '/bin/bash', '/usr/sbin/sshd', '/usr/lib/openssh/sshd-session', '/usr/libexec/openssh/sshd-session', '/usr/bin/login', '/usr/bin/sudo', '/usr/bin/su', '/usr/bin/systemctl', '/usr/bin/mount', '/sbin/agetty'];

/** Why a file is one of those, under whatever name, or the link by which one is known; undefined when it is neither. */
export function essentialReason(found: Pick<Stats, 'ino' | 'dev'>): Text | undefined {
  const same = (other: string): boolean => {
    const is = (its: Stats | undefined): boolean => its !== undefined && its.ino === found.ino && its.dev === found.dev;
    return is(statOr(other)) || is(statOr(other, lstatSync));
  };
  if (same('/proc/1/exe') || same('/sbin/init')) return { zh: '它是 1 号进程的程序', en: 'it is the first process' };
  if (same(process.execPath)) return { zh: '它是运行 Moat 的 node', en: 'it is node, which runs Moat' };
  if (programs.some(same)) return { zh: '没有它就无法登录或管理本机', en: 'without it nobody can log on to this machine or look after it' };
  return undefined;
}

function statOr(path: string, look: typeof statSync = statSync): Stats | undefined {
  try {
    return look(path, { throwIfNoEntry: false });
  } catch { return undefined; /* not ours to see */ }
}
