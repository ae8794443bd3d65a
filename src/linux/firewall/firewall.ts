/** What Moat asks of the machine's packet filter, whichever it is. */
import type { Network } from '../../core/networks.ts';
import type { Measure } from './measures.ts';

export type FirewallErrorCode = 'no-firewall' | 'firewall';

/** `until`: Unix ms; it ends by itself in the kernel, also when Moat does not run. */
export interface Blocked { network: Network; until?: number | undefined }

/** `packets` and `bytes`: what was dropped of it, both ways; undefined where the kernel does not count. */
export interface BlockedRow extends Blocked { packets: number | undefined; bytes: number | undefined }

/** `watched`: packets of the connection that an isolation watches, both ways. `until`: as of what is blocked. */
export interface Standing { id: string; until: number | undefined; watched: { in: number; out: number } }

/**
 * whole    its rules stand as they were written, and hold
 * none     nothing of it holds: never put up, taken away, or its time is over
 * changed  something else stands under its name, or somebody changed its rules
 */
export type MeasureVerdict = 'whole' | 'none' | 'changed';

/**
 * Moat's own corner of the packet filter; whatever others (ufw, firewalld, Docker, fail2ban) keep there is not touched. What is
 * blocked is dropped before anything else sees it: to this machine, from it, and what it passes on for containers.
 */
export interface Firewall {
  readonly id: 'nftables' | 'ipset';
  /** Makes the corner, or brings it to this version. What is blocked in it stays. */
  ensure(): Promise<void>;
  /** Whether the corner is there and whole since all of it was last put in place; false when somebody emptied it, even if some was put back since. */
  stands(): Promise<boolean>;
  /** Blocks; what was blocked already gets the new time. All or none of one call. */
  block(entries: readonly Blocked[]): Promise<void>;
  /** What is not blocked is passed over. */
  unblock(networks: readonly Network[]): Promise<void>;
  /** Exactly these and no others, in one step. */
  replace(entries: readonly Blocked[]): Promise<void>;
  /** Never dropped by `block`, whatever network they lie in. Exactly these and no others. */
  allow(networks: readonly Network[]): Promise<void>;
  /** Those of them that are blocked as they stand: an address inside of a blocked network is not. */
  blocked(networks: readonly Network[]): Promise<Network[]>;
  list(): Promise<BlockedRow[]>;
  /** Puts up a measure, or puts it in the place of what stands under that name (small letters, digits, `_`), in one step. In the past: takes it away. */
  put(id: string, measure: Measure, until?: number): Promise<void>;
  /** What does not stand is passed over. */
  take(id: string): Promise<void>;
  check(id: string, measure: Measure): Promise<MeasureVerdict>;
  /** Those that hold now. */
  standing(): Promise<Standing[]>;
  /** Takes the whole corner away. */
  remove(): Promise<void>;
  /** Lets go of what it holds; what is blocked stays. */
  close(): void;
}
