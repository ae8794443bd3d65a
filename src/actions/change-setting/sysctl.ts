/** A switch of the kernel: its live value by /proc/sys, and a file of Moat's own in /etc/sysctl.d for the next start. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import { badInput } from '../input.ts';

export interface Sysctl {
  /** As the kernel gives it, one blank between words; undefined when there is no such switch. Throws what the system throws. */
  read(key: string): string | undefined;
  /** Throws what the system throws for a value it does not take. */
  write(key: string, value: string): void;
}

const valueMax = 4096;
/** Once set, only a new start of the machine takes them back. */
const oneWay = /^kernel\.(?:modules_disabled|kexec_load_disabled|unprivileged_bpf_disabled)$|^kernel\.yama\.ptrace_scope$|^kernel\.io_uring_disabled$/;

const sysctlFolder = '/etc/sysctl.d';
export const fileOfKey = (key: string): string => `${sysctlFolder}/zz-moat-${key.replaceAll('/', '_')}.conf`;

/** `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.100/rp_filter` where a name holds a dot. Throws MoatError 'bad-input'. */
export function readKey(value: unknown): string {
  if (typeof value !== 'string' || value.length > 200 || !/^[\w-]+(?:[./][\w:@.-]+)+$/.test(value) || value.split(/[./]/).includes('')) throw badInput('a switch of the kernel such as net.ipv4.ip_forward', value);
  return value;
}

export function readSysctlValue(value: unknown): string {
  if (typeof value !== 'string' || value.length > valueMax || !/^[\x20-\x7e\t]*$/.test(value)) throw badInput('a value in one line of plain characters', value);
  return plain(value);
}

const plain = (value: string): string => value.trim().split(/\s+/).join(' ');
const pathOf = (key: string): string => (key.includes('/') ? key : key.replaceAll('.', '/'));

export function machineSysctl(root = '/'): Sysctl {
  const at = (key: string): string => join(root, 'proc/sys', pathOf(key));
  return {
    read(key) {
      try {
        return plain(readFileSync(at(key), 'utf8'));
      } catch (error) {
        if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
        throw error;
      }
    },
    write(key, value) { writeFileSync(at(key), `${value}\n`, { flag: 'r+' }); },
  };
}

/** Throws MoatError 'refused' or 'not-there'. */
export function planSysctl(sysctl: Sysctl, key: string, value: string, force: boolean): { live: string; reversible: boolean } {
  const live = sysctl.read(key);
  if (live === undefined) throw new MoatError<ActionErrorCode>('not-there', `the kernel has no switch ${key}`, { text: { zh: `内核没有 ${key} 这个开关`, en: `the kernel has no switch ${key}` } });
  const reversible = !oneWay.test(key) || value === live;
  if (!reversible && !force) throw new MoatError<ActionErrorCode>('refused', `${key} can be taken back by a new start of the machine only`, { text: { zh: `${key} 一旦设置，重启前无法撤回（确要如此请加 --force）`, en: `${key} can be taken back by a new start of the machine only (use --force to set it all the same)` }, hint: '--force' });
  return { live, reversible };
}

/** Files that say otherwise and are read after Moat's: told, not touched. */
export function laterSaying(root: string, key: string, value: string): PlanStep[] {
  const own = fileOfKey(key);
  const files = ['/etc/sysctl.conf', ...['/usr/lib/sysctl.d', '/usr/local/lib/sysctl.d', '/run/sysctl.d', sysctlFolder].flatMap((folder) => namesIn(join(root, folder)).filter((name) => name.endsWith('.conf') && name > own.slice(own.lastIndexOf('/') + 1)).map((name) => `${folder}/${name}`))];
  return files.flatMap((path) => {
    const said = textOf(join(root, path)).split('\n').findLast((line) => { const at = line.indexOf('='); return at > 0 && pathOf(line.slice(0, at).trim().replace(/^-/, '')) === pathOf(key); });
    if (said === undefined || plain(said.slice(said.indexOf('=') + 1)) === value) return [];
    return [{ text: { zh: `注意：${path} 里写着 ${said.trim().slice(0, 200)}，有的工具会在之后读它`, en: `mind: ${path} says ${said.trim().slice(0, 200)}, and some tools read it afterwards` } }];
  });
}

/** Sets the live value and sees that it took. What is neither of the two values is somebody else's. Throws MoatError 'changed' or 'failed'. */
export function turnSysctl(sysctl: Sysctl, key: string, from: string, to: string): void {
  const now = sysctl.read(key);
  if (now === to) return;
  if (now !== from) throw new MoatError<ActionErrorCode>('changed', `${key} has become ${now ?? 'nothing'} since it was looked at`, { text: { zh: `${key} 在查看之后已变成 ${now ?? '（没有）'}`, en: `${key} has become ${now ?? 'nothing'} since it was looked at` } });
  try {
    sysctl.write(key, to);
  } catch (error) {
    throw new MoatError<ActionErrorCode>('failed', `the kernel does not take ${to.slice(0, 200)} for ${key}: ${(error as Error).message}`, { text: { zh: `内核不接受 ${key} = ${to.slice(0, 200)}（${(error as Error).message}）`, en: `the kernel does not take ${to.slice(0, 200)} for ${key} (${(error as Error).message})` }, cause: error });
  }
  const after = sysctl.read(key);
  if (after !== to) throw new MoatError<ActionErrorCode>('failed', `${key} was set to ${to.slice(0, 200)} and is ${after ?? 'gone'}`);
}

function namesIn(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; /* no such folder: nothing is said there */ }
}

function textOf(path: string): string {
  try { return readFileSync(path, 'utf8'); } catch { return ''; /* not there */ }
}
