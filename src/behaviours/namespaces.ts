/** What kernel events say of namespaces, mounts and capabilities, whether as words or as the kernel's numbers. */
import type { Event } from '../core/gen/event.ts';
import { extraOf } from './actor.ts';

export type NamespaceName = 'mnt' | 'pid' | 'user' | 'net' | 'uts' | 'ipc' | 'cgroup';

const bits: readonly (readonly [NamespaceName, number])[] = [
  ['mnt', 0x0002_0000], ['cgroup', 0x0200_0000], ['uts', 0x0400_0000], ['ipc', 0x0800_0000], ['user', 0x1000_0000], ['pid', 0x2000_0000], ['net', 0x4000_0000],
];
const words: readonly (readonly [NamespaceName, RegExp])[] = [
  ['mnt', /mnt|mount|newns/], ['cgroup', /cgroup/], ['uts', /uts/], ['ipc', /ipc/], ['user', /user/], ['pid', /pid/], ['net', /net/],
];

/** A number as the kernel's tools write it, decimal or with 0x; undefined for any other text. */
function asNumber(text: string): number | undefined {
  return /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/.test(text) ? Number(text) : undefined;
}

const said = (event: Event, name: string): string => extraOf(event, name).slice(0, 256).toLowerCase();

/** Which namespaces an unshare made or a setns entered. */
export function namespacesOf(event: Event): ReadonlySet<NamespaceName> {
  const found = new Set<NamespaceName>();
  for (const text of [said(event, 'type'), said(event, 'flags')]) {
    if (text === '') continue;
    const number = asNumber(text);
    for (const [i, [name, bit]] of bits.entries()) {
      if (number === undefined ? words[i]?.[1].test(text) === true : (number & bit) !== 0) found.add(name);
    }
  }
  return found;
}

/** Whether a mount shows a folder that is there already, instead of mounting a file system. */
export function isBind(event: Event): boolean {
  const flags = said(event, 'flags');
  const number = asNumber(flags);
  return number === undefined ? flags.includes('bind') : (number & 0x1000) !== 0;
}

/** Capabilities by which a container's root becomes the host's, by their bits. */
const mighty: readonly (readonly [string, bigint])[] = [
  ['cap_sys_admin', 1n << 21n], ['cap_sys_module', 1n << 16n], ['cap_sys_ptrace', 1n << 19n], ['cap_sys_rawio', 1n << 17n], ['cap_dac_read_search', 1n << 2n], ['cap_bpf', 1n << 39n],
];

function mightyOf(text: string): ReadonlySet<string> {
  const hex = /^(?:0x)?[0-9a-f]{1,16}$/.test(text) ? BigInt(text.startsWith('0x') ? text : `0x${text}`) : undefined;
  return new Set(mighty.filter(([name, bit]) => (hex === undefined ? text.includes(name) : (hex & bit) !== 0n)).map(([name]) => name));
}

/** Mighty capabilities that a capset gave which were not there before. */
export function capabilitiesGained(event: Event): readonly string[] {
  const before = mightyOf(said(event, 'from'));
  return [...mightyOf(said(event, 'to'))].filter((name) => !before.has(name));
}
