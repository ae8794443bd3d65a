/** Which packet filter is used: nftables, else ipset with iptables; and what `moat doctor` says of it. */
import { existsSync } from 'node:fs';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { Firewall, FirewallErrorCode } from '../linux/firewall/firewall.ts';
import { IpsetFirewall, onlyBlocks } from '../linux/firewall/ipset.ts';
import { NftFirewall } from '../linux/firewall/nft.ts';
import type { Run } from '../linux/run.ts';
import type { Diagnosis } from './doctor.ts';

const firewallChoices = ['auto', 'nftables', 'ipset', 'off'] as const;
export type FirewallChoice = (typeof firewallChoices)[number];

export const firewallTexts: Readonly<Record<Firewall['id'], Text>> = {
  nftables: { zh: 'nftables', en: 'nftables' },
  ipset: { zh: 'ipset 与 iptables：只能封禁；隔离、限速、关端口、分区需要 nftables', en: 'ipset and iptables: it blocks only; isolation, limits, closed ports and zones need nftables' },
};
const hint = 'apt-get install nftables (or dnf install nftables); ipset and iptables do where it cannot be had';

/** Ready to be used. Throws MoatError 'no-firewall' when none is installed, or it is off. */
export async function openFirewall(run: Run, choice: FirewallChoice, options: { now: () => number; namespace?: string }): Promise<Firewall> {
  if (choice === 'off') throw switchedOff();
  const walls: Firewall[] = [...choice === 'ipset' ? [] : [new NftFirewall(run, options)], ...choice === 'nftables' ? [] : [new IpsetFirewall(run, options)]];
  let cause: unknown;
  for (const wall of walls) {
    try {
      await wall.ensure();
      return wall;
    } catch (error) {
      // What is installed and does not work is told, not passed over: two filters must not come to differ.
      if ((error as MoatError).code !== 'no-program') throw error;
      cause = error;
    }
  }
  throw noneHere(choice, cause);
}

const switchedOff = (): MoatError<FirewallErrorCode> => new MoatError<FirewallErrorCode>('no-firewall', 'expected a packet filter, got response.firewall: off', { zh: '没有可用的防火墙：response.firewall 为 off', hint: 'set response.firewall to auto' });
const noneHere = (choice: FirewallChoice, cause?: unknown): MoatError<FirewallErrorCode> => new MoatError<FirewallErrorCode>('no-firewall', `expected ${choice === 'auto' ? 'nftables, or ipset and iptables,' : choice} on this machine, got none`, { zh: '本机没有包过滤器', hint, cause });

const isThere = (program: string): boolean => ['/usr/sbin/', '/usr/bin/', '/sbin/', '/bin/'].some((folder) => existsSync(`${folder}${program}`));

/** Looks only: nothing is made. Throws MoatError 'no-firewall' where what is about to be done could not be, nor be taken back. `measures`: more than to block. */
export function mustHaveFirewall(choice: FirewallChoice, wanted: 'blocks' | 'measures', there: (program: string) => boolean = isThere): void {
  if (choice === 'off') throw switchedOff();
  if (choice !== 'ipset' && there('nft')) return;
  if (choice === 'nftables' || !there('ipset') || !there('iptables')) throw noneHere(choice);
  if (wanted === 'measures') throw onlyBlocks();
}

export function diagnoseFirewall(choice: FirewallChoice, there: (program: string) => boolean = isThere): Diagnosis {
  const part = 'firewall';
  if (choice === 'off') return { part, state: 'blind', what: { zh: '已在配置中关闭：不封禁任何地址', en: 'switched off in the configuration: nothing is blocked' } };
  if (choice !== 'ipset' && there('nft')) return { part, state: 'live', what: firewallTexts.nftables };
  if (choice !== 'nftables' && there('ipset') && there('iptables')) return { part, state: choice === 'ipset' ? 'live' : 'waiting', what: firewallTexts.ipset, ...(choice === 'auto' && { todo: { zh: '要全部处置可用：apt install nftables', en: 'for all of response: apt install nftables' } }) };
  return { part, state: 'blind', what: { zh: '没有包过滤器：无法封禁与隔离', en: 'no packet filter: nothing can be blocked or isolated' }, todo: { zh: 'apt install nftables（或 ipset 与 iptables）', en: 'apt install nftables (or ipset and iptables)' } };
}
