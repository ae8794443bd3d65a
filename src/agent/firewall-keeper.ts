/**
 * Keeps the packet filter as it is wanted while Moat runs: somebody empties it (`nft flush ruleset`, a restart of nftables.service), the
 * clock is set or the machine slept, people log on and off. Looked at every few seconds.
 */
import type { BlockEntry } from '../core/action.ts';
import { maskTo, type Network, networkText } from '../core/networks.ts';
import type { Firewall } from '../linux/firewall/firewall.ts';

export type Upset = 'emptied' | 'clock';

export interface KeeperWorld {
  /** The packet filter once it is open; undefined before. */
  wall: () => Promise<Firewall> | undefined;
  /** Who is let through whatever is blocked. */
  passing: () => readonly Network[];
  /** Puts back all that is wanted: frame (when it is gone) with who is let through, blocks, measures. */
  putBack: (wall: Firewall, why: Upset) => Promise<void>;
  now: () => number;
  /** Milliseconds that nobody sets and that stand still while the machine sleeps, as the timers of the kernel do. */
  monotonic: () => number;
}

/** The clock went elsewhere by more than a correction. */
const driftMs = 30_000;
/** ipset is asked by starting programs. */
const everyMs = { nftables: 0, ipset: 60_000 } as const;

export class FirewallKeeper {
  private readonly world: KeeperWorld;
  private offset: number;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private let: string | undefined;
  private looking: Promise<void> | undefined;

  constructor(world: KeeperWorld) {
    this.world = world;
    this.offset = world.now() - world.monotonic();
  }

  /** These are let through as of now: nothing needs to be done for it. */
  wrote(networks: readonly Network[]): void { this.let = keyOf(networks); }

  /** One at a time: whoever comes meanwhile waits for a look of its own. Throws what the packet filter throws. */
  async look(): Promise<void> {
    const before = this.looking;
    const mine = (before === undefined ? Promise.resolve() : before.catch(() => undefined)).then(() => this.lookNow());
    this.looking = mine;
    try {
      await mine;
    } finally { if (this.looking === mine) this.looking = undefined; }
  }

  get isLooking(): boolean { return this.looking !== undefined; }

  private async lookNow(): Promise<void> {
    const { now, monotonic, passing, putBack } = this.world;
    const wall = await this.world.wall()?.catch(() => undefined);
    const offset = now() - monotonic();
    if (wall === undefined) { this.offset = offset; return; }
    const upset = await this.upset(wall, offset);
    if (upset !== undefined) {
      await putBack(wall, upset);
      this.offset = offset;
    }
    const networks = passing();
    const key = keyOf(networks);
    if (key === this.let) return;
    await wall.allow(networks);
    this.let = key;
  }

  private async upset(wall: Firewall, offset: number): Promise<Upset | undefined> {
    const at = this.world.monotonic();
    if (at - this.lookedAt >= everyMs[wall.id]) {
      this.lookedAt = at;
      if (!await wall.stands()) return 'emptied';
    }
    return Math.abs(offset - this.offset) > driftMs ? 'clock' : undefined;
  }
}

const keyOf = (networks: readonly Network[]): string => networks.map(({ text }) => text).sort().join(' ');

/**
 * Who is let through: the allow list, and whoever is logged on, the gateway, the name servers; but of these not one that is blocked as it
 * stands, or lies in a network that is: a person insisted on it, and it must take effect.
 */
export function passingOf(allowed: readonly Network[], lifelines: readonly Network[], block: (network: string) => BlockEntry | undefined, now: number): Network[] {
  const isBlocked = (network: Network): boolean => {
    for (let { bits } = network; bits > 0; bits--) {
      const words = Uint32Array.from(network.words);
      maskTo(words, network.version, bits);
      const entry = block(networkText(words, network.version, bits));
      if (entry?.active === true && (entry.until === undefined || entry.until > now)) return true;
    }
    return false;
  };
  return [...allowed, ...lifelines.filter((one) => !isBlocked(one))];
}
