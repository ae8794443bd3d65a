/**
 * ipset with iptables and ip6tables, for machines without nft; whether iptables is the legacy one or speaks to nf_tables is all the same.
 * Addresses stand in hash:ip sets, networks in hash:net sets, looked up in the raw table before connection tracking and address
 * translation. It blocks; measures (isolation, limits, closed and wanted ports, zones) need what a set of ipset cannot hold, and are refused.
 */
import { existsSync } from 'node:fs';
import { MoatError } from '../../core/error.ts';
import { type Network, parseNetwork } from '../../core/networks.ts';
import type { Run } from '../run.ts';
import type { Blocked, BlockedRow, Firewall, FirewallErrorCode, MeasureVerdict, Standing } from './firewall.ts';

const versions = [4, 6] as const;
type Version = (typeof versions)[number];
const full = { 4: 32, 6: 128 } as const;
const family = { 4: 'inet', 6: 'inet6' } as const;
const iptables = { 4: 'iptables', 6: 'ip6tables' } as const;
const chains = ['MOAT-SRC', 'MOAT-DST', 'MOAT-IN', 'MOAT-OUT'] as const;
const hooks = [['PREROUTING', 'MOAT-IN'], ['OUTPUT', 'MOAT-OUT']] as const;
const setSize = 1_000_000;
/** Others may hold the lock of iptables for a moment. */
const lockSeconds = '5';
/** What ipset can count down. What lasts longer has no end in the kernel: Moat takes it away when its time comes. */
const longestSeconds = 2_147_483;
/** More are told by reading the sets whole. */
const testsMost = 8;
const scriptMs = 60_000;
const outputMax = 256 << 20;

const addressSet = (version: Version): string => `moat-a${version}`;
const networkSet = (version: Version): string => `moat-n${version}`;
const allowSet = (version: Version): string => `moat-ok${version}`;
const setOf = ({ version, bits }: Pick<Network, 'version' | 'bits'>): string => (bits === full[version] ? addressSet(version) : networkSet(version));
const blockSets = versions.flatMap((version) => [addressSet(version), networkSet(version)]);
const allSets = [...blockSets, ...versions.map(allowSet)];

function createLine(set: string, name = set): string {
  const version = set.endsWith('4') ? 4 : 6;
  const type = blockSets.indexOf(set) % 2 === 0 ? 'hash:ip' : 'hash:net';
  return `create ${name} ${type} family ${family[version]} maxelem ${setSize}${set.startsWith('moat-ok') ? '' : ' timeout 0 counters'}`;
}

export class IpsetFirewall implements Firewall {
  readonly id = 'ipset';
  private readonly run: Run;
  private readonly now: () => number;

  constructor(run: Run, { now = Date.now }: { now?: () => number } = {}) {
    this.run = run;
    this.now = now;
  }

  async ensure(): Promise<void> {
    await this.restore(allSets.map((set) => createLine(set)));
    for (const version of this.versions()) {
      const match = (set: string, side: 'src' | 'dst', then: string): string => `-m set --match-set ${set} ${side} -j ${then}`;
      const look = (chain: string, side: 'src' | 'dst'): string[] => [
        `-A ${chain} ${match(allowSet(version), side, 'RETURN')}`, `-A ${chain} ${match(addressSet(version), side, 'DROP')}`, `-A ${chain} ${match(networkSet(version), side, 'DROP')}`,
      ];
      // One transaction, which leaves the chains of others alone; a chain that is named is made anew.
      const lines = [
        '*raw', ...chains.map((chain) => `:${chain} - [0:0]`), ...look('MOAT-SRC', 'src'), ...look('MOAT-DST', 'dst'),
        // What a container sends is seen here by where it goes: the raw table has no place for what is passed on. What is for this
        // machine goes to an address of ours, which may lie in a network that is blocked.
        '-A MOAT-IN -i lo -j RETURN', '-A MOAT-IN -j MOAT-SRC', '-A MOAT-IN -m addrtype ! --dst-type LOCAL -j MOAT-DST',
        '-A MOAT-OUT -o lo -j RETURN', '-A MOAT-OUT -j MOAT-DST', 'COMMIT',
      ];
      await this.must(`${iptables[version]}-restore`, ['-w', lockSeconds, '--noflush'], lines);
      for (const [hook, chain] of hooks) {
        if ((await this.run(iptables[version], ['-w', lockSeconds, '-t', 'raw', '-C', hook, '-j', chain])).code !== 0) await this.must(iptables[version], ['-w', lockSeconds, '-t', 'raw', '-I', hook, '1', '-j', chain]);
      }
    }
  }

  async stands(): Promise<boolean> {
    for (const version of this.versions()) {
      for (const [hook, chain] of hooks) if ((await this.run(iptables[version], ['-w', lockSeconds, '-t', 'raw', '-C', hook, '-j', chain])).code !== 0) return false;
      // The chain may stand and be empty.
      for (const chain of ['MOAT-SRC', 'MOAT-DST']) if (!(await this.run(iptables[version], ['-w', lockSeconds, '-t', 'raw', '-S', chain])).stdout.includes(addressSet(version))) return false;
    }
    return true;
  }

  /** ipset knows no transactions: what was read before a fault stands, and the fault is thrown. */
  async block(entries: readonly Blocked[]): Promise<void> {
    await this.restore([...new Map(entries.map((one) => [one.network.text, one])).values()].map((one) => this.addLine(setOf(one.network), one)));
  }

  async unblock(networks: readonly Network[]): Promise<void> {
    await this.restore(networks.map((network) => `del ${setOf(network)} ${network.text}`));
  }

  async replace(entries: readonly Blocked[]): Promise<void> {
    const bySet = new Map<string, Blocked[]>(blockSets.map((set) => [set, []]));
    for (const one of new Map(entries.map((entry) => [entry.network.text, entry])).values()) bySet.get(setOf(one.network))!.push(one);
    await this.restore([...bySet].flatMap(([set, some]) => this.exchange(set, (name) => some.map((one) => this.addLine(name, one)))));
  }

  async allow(networks: readonly Network[]): Promise<void> {
    await this.restore(versions.flatMap((version) => {
      const these = networks.filter((network) => network.version === version).flatMap((network) => (network.bits === 0 ? halves[version] : [network.text]));
      return this.exchange(allowSet(version), (name) => these.map((text) => `add ${name} ${text}`));
    }));
  }

  async blocked(networks: readonly Network[]): Promise<Network[]> {
    // An address is found as it stands in its own set; of a network `test` would also find a wider one.
    if (networks.length <= testsMost && networks.every((network) => network.bits === full[network.version])) {
      const there: Network[] = [];
      for (const network of networks) if ((await this.run('ipset', ['test', setOf(network), network.text])).code === 0) there.push(network);
      return there;
    }
    const all = new Set((await this.list()).map(({ network }) => network.text));
    return networks.filter(({ text }) => all.has(text));
  }

  async list(): Promise<BlockedRow[]> {
    const now = this.now();
    const rows: BlockedRow[] = [];
    for (const set of blockSets) {
      const { stdout } = await this.must('ipset', ['save', set]);
      for (const line of stdout.split('\n')) {
        const words = line.split(' ');
        const network = words[0] === 'add' ? parseNetwork(words[2] ?? '') : undefined;
        if (network === undefined) continue;
        const valueOf = (name: string): number | undefined => { const at = words.indexOf(name, 3); return at < 0 ? undefined : Number(words[at + 1]); };
        const seconds = valueOf('timeout') ?? 0;
        rows.push({ network, ...(seconds > 0 && { until: now + seconds * 1000 }), packets: valueOf('packets'), bytes: valueOf('bytes') });
      }
    }
    return rows;
  }

  put(): Promise<void> { return Promise.reject(onlyBlocks()); }
  /** None stands here. */
  take(): Promise<void> { return Promise.resolve(); }
  check(): Promise<MeasureVerdict> { return Promise.resolve('none'); }
  standing(): Promise<Standing[]> { return Promise.resolve([]); }

  async remove(): Promise<void> {
    for (const version of this.versions()) {
      const table = ['-w', lockSeconds, '-t', 'raw'];
      for (const [hook, chain] of hooks) while ((await this.run(iptables[version], [...table, '-D', hook, '-j', chain])).code === 0) { /* once for each time it stands there */ }
      // A chain goes when nothing leads to it: all are emptied first. What is not there is gone.
      for (const what of ['-F', '-X']) for (const chain of chains) await this.run(iptables[version], [...table, what, chain]);
    }
    for (const set of allSets) await this.run('ipset', ['destroy', set]);
  }

  /** It holds nothing. */
  close(): void { /* nothing is open */ }

  /** A kernel without IPv6 has no tables for it, and no traffic either. */
  private versions(): readonly Version[] { return existsSync('/proc/sys/net/ipv6') ? versions : [4]; }

  /** What is new takes the place of a set at once. */
  private exchange(set: string, lines: (name: string) => string[]): string[] {
    const next = `${set}-next`;
    return [createLine(set, next), `flush ${next}`, ...lines(next), `swap ${next} ${set}`, `destroy ${next}`];
  }

  private addLine(set: string, { network, until }: Blocked): string {
    // None at all would be for ever.
    const seconds = until === undefined ? 0 : Math.max(1, Math.ceil((until - this.now()) / 1000));
    return `add ${set} ${network.text} timeout ${seconds > longestSeconds ? 0 : seconds}`;
  }

  private async restore(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.must('ipset', ['-exist', 'restore'], lines);
  }

  private async must(program: string, args: readonly string[], lines?: readonly string[]): Promise<{ stdout: string }> {
    const { code, stdout, stderr } = await this.run(program, args, { timeoutMs: scriptMs, outputMax, ...(lines && { input: `${lines.join('\n')}\n` }) });
    if (code !== 0) throw new MoatError<FirewallErrorCode>('firewall', `${program} refused "${(lines?.[0] ?? args.join(' ')).slice(0, 80)}": ${stderr.trim().split('\n', 1)[0]?.slice(0, 300) ?? ''}`);
    return { stdout };
  }
}

/** hash:net takes no network of no length. */
const halves = { 4: ['0.0.0.0/1', '128.0.0.0/1'], 6: ['::/1', '8000::/1'] } as const;

/** Why a measure is refused. */
export const onlyBlocks = (): MoatError<FirewallErrorCode> => new MoatError<FirewallErrorCode>('no-firewall', 'expected nftables: by ipset and iptables Moat only blocks addresses and networks', {
  text: { zh: '本机没有 nftables：用 ipset 与 iptables 只能封禁地址与网段，隔离、限速、关端口、端口白名单与分区都需要 nftables', en: 'this machine has no nftables: by ipset and iptables addresses and networks are blocked, but isolation, limits, closed and wanted ports and zones need nftables' },
  hint: 'apt-get install nftables (or dnf install nftables)',
});
