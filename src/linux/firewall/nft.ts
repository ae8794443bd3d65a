/**
 * nftables. The frame (sets, chains, rules) is written by nft in one transaction; the elements by netlink, in one transaction a call.
 *
 * Addresses stand in hash sets, and networks in one hash set for each prefix length, looked up under that mask. An interval set
 * would hold both, but to add one element to 100,000 then takes seconds, against a fraction of a millisecond here
 * (docs/decisions/2026-11-22-response.md).
 */
import { createHash } from 'node:crypto';
import { MoatError } from '../../core/error.ts';
import { type Network, networkText, maskTo } from '../../core/networks.ts';
import type { Run } from '../run.ts';
import { openElements, type Change, type Elements, type Rule } from './elements.ts';
import type { Blocked, BlockedRow, Firewall, FirewallErrorCode, MeasureVerdict, Standing } from './firewall.ts';
import { compileMeasure, meterDefinition, type Measure, type Place, places, watchedIn, watchedOut } from './measures.ts';

const tableName = 'moat';
const table = `inet ${tableName}`;
/** Before connection tracking and before Docker turns the address of a published port. */
const priority = -310;
/** After connection tracking (-200), before Docker turns the address (-100). */
const afterTracking = -150;
/** Of what is passed on: before the filters of others (0). */
const beforeOthers = -10;
const full = { 4: 32, 6: 128 } as const;
const families = { 4: { word: 'ip', type: 'ipv4_addr' }, 6: { word: 'ip6', type: 'ipv6_addr' } } as const;
const setSize = 1_000_000;
/** IPv4 and IPv6, as the kernel numbers them. */
const protocols = [2, 10];
/** Chains that the kernel calls. */
const hookChains = ['early', 'passing', 'leaving', 'tracked', 'passed'] as const;
/** Each is looked at for every packet. */
const measuresMost = 500;

const setOf = ({ version, bits }: Pick<Network, 'version' | 'bits'>): string => (bits === full[version] ? `block${version}` : `block${version}_${bits}`);
const mask = (version: 4 | 6, bits: number): string => {
  const words = new Uint32Array(4).fill(0xffff_ffff);
  maskTo(words, version, bits);
  return networkText(words, version, full[version]);
};
/** A network stands in its set by its first address, as the kernel writes it. */
function keyOf({ words }: Network): Uint8Array {
  const key = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) key.writeUInt32BE(word, i * 4);
  return key;
}
function networkOf(key: Uint8Array, bits: number | undefined): Network {
  const version = key.length === 4 ? 4 : 6;
  const words = Array.from({ length: key.length / 4 }, (_, i) => Buffer.from(key).readUInt32BE(i * 4));
  return { text: networkText(words, version, bits ?? full[version]), version, bits: bits ?? full[version], words };
}

export class NftFirewall implements Firewall {
  readonly id = 'nftables';
  private readonly run: Run;
  private readonly now: () => number;
  private readonly namespace: string | undefined;
  private elements: Elements | undefined;
  private counts = true;
  /** The last of the changes to measures: which of them stand is read and written as one. */
  private changing: Promise<unknown> = Promise.resolve();
  /** Prefix lengths that have a set and rules. */
  private readonly lengths = new Set<string>();
  /** Somebody took the table away, and what was blocked was not put back since. */
  private isEmptied = false;

  /** `namespace`: path of the network namespace in which `run` runs programs, when that is not our own. */
  constructor(run: Run, { namespace, now = Date.now }: { namespace?: string; now?: () => number } = {}) {
    this.run = run;
    this.namespace = namespace;
    this.now = now;
  }

  async ensure(): Promise<void> {
    try {
      await this.script(this.frame());
    } catch (error) {
      if (!this.counts || (error as MoatError).code !== 'firewall') throw error;
      // Kernels before 5.7 count nothing for each element.
      this.counts = false;
      await this.script(this.frame());
    }
    this.elements ??= await openElements(tableName, this.namespace);
    for (const name of await this.sets()) await this.ensureLength(name);
  }

  stands(): Promise<boolean> {
    if (!this.hasFrame()) this.isEmptied = true;
    return Promise.resolve(!this.isEmptied);
  }

  async block(entries: readonly Blocked[]): Promise<void> {
    await this.inFrame(async () => {
      await this.ensureLengths(entries);
      const sets = bySet(entries);
      // An element that is there keeps its old time when it is added again: it is taken out first, in the same transaction.
      this.kernel.change([...sets].flatMap(([set, some]): Change[] => [...gone(set, some), { do: 'add', set, elements: some.map((one) => this.element(one)) }]));
    });
  }

  async unblock(networks: readonly Network[]): Promise<void> {
    await this.inFrame(() => { this.kernel.change([...bySet(this.known(networks))].flatMap(([set, some]) => gone(set, some))); return Promise.resolve(); });
  }

  async replace(entries: readonly Blocked[]): Promise<void> {
    await this.ensureLengths(entries);
    const flush = ['block4', 'block6', ...this.lengths].map((set): Change => ({ do: 'flush', set }));
    this.kernel.change([...flush, ...[...bySet(entries)].map(([set, some]): Change => ({ do: 'add', set, elements: some.map((one) => this.element(one)) }))]);
    this.isEmptied = false;
  }

  async allow(networks: readonly Network[]): Promise<void> {
    const of = (version: 4 | 6): string[] => {
      const these = networks.filter((network) => network.version === version).map(({ text }) => text);
      return [`flush set ${table} allow${version}`, ...(these.length > 0 ? [`add element ${table} allow${version} { ${these.join(', ')} }`] : [])];
    };
    await this.script([...of(4), ...of(6)]);
  }

  async blocked(networks: readonly Network[]): Promise<Network[]> {
    return [...bySet(this.known(networks))].flatMap(([set, some]) => {
      const there = this.kernel.has(set, some.map(({ network }) => keyOf(network)));
      return some.flatMap(({ network }, i) => (there[i] ? [network] : []));
    });
  }

  async list(): Promise<BlockedRow[]> {
    const now = this.now();
    return ['block4', 'block6', ...this.lengths].flatMap((set) => {
      const bits = set.split('_')[1];
      return this.kernel.list(set).map(({ key, expiresMs, packets, bytes }) => ({ network: networkOf(key, bits === undefined ? undefined : Number(bits)), ...(expiresMs !== undefined && { until: now + expiresMs }), packets, bytes }));
    });
  }

  async put(id: string, measure: Measure, until?: number): Promise<void> {
    if (until !== undefined && until <= this.now()) { await this.take(id); return; }
    await this.oneByOne(() => this.inFrame(async () => {
      const { rules, meters } = compileMeasure(measure, id);
      const there = await this.tree();
      const others = new Set(places.flatMap((place) => jumps(there, place)));
      if (others.size >= measuresMost && !others.has(id)) throw new MoatError<FirewallErrorCode>('firewall', `expected at most ${measuresMost} measures at a time`, { hint: 'moat actions shows what stands; moat undo ID' });
      const digest = digestOf(measure, id);
      await this.script([
        // The gate stays as it is: what replaces a measure holds without a gap.
        ...this.gone(id, there, 'keep gate'), `add set ${table} g_${id} { type nf_proto; flags timeout; }`,
        ...Object.entries(meters).map(([name, type]) => `add set ${table} ${name} { ${meterDefinition(type)} }`),
        ...places.flatMap((place) => {
          const mine = rules[place];
          if (mine === undefined) return [];
          const chain = `m_${id}_${place}`;
          return [`add chain ${table} ${chain}`, `add rule ${table} ${chain} counter comment "${digest} ${mine.length}"`, ...mine.map((rule) => `add rule ${table} ${chain} ${rule}`)];
        }),
        ...places.flatMap((place) => [...jumps(there, place).filter((other) => other !== id), ...(rules[place] ? [id] : [])].map((one) => jump(one, place))),
      ]);
      // By netlink: told to add an element, nft reads those of all sets first.
      const gate = `g_${id}`;
      const timeoutMs = until === undefined ? undefined : Math.max(1, Math.ceil(until - this.now()));
      const keys = protocols.map((protocol) => ({ key: Uint8Array.of(protocol) }));
      this.kernel.change([{ do: 'add', set: gate, elements: keys }, { do: 'delete', set: gate, elements: keys }, { do: 'add', set: gate, elements: keys.map(({ key }) => ({ key, timeoutMs })) }]);
    }));
  }

  async take(id: string): Promise<void> {
    await this.oneByOne(async () => {
      const there = await this.tree();
      const gone = this.gone(id, there);
      if (gone.length > places.length) await this.script([...gone, ...places.flatMap((place) => jumps(there, place).filter((other) => other !== id).map((one) => jump(one, place)))]);
    });
  }

  async check(id: string, measure: Measure): Promise<MeasureVerdict> {
    const there = await this.tree();
    const gate = this.gate(id, there);
    if (gate === 'closed') return 'none';
    const { rules } = compileMeasure(measure, id);
    const digest = digestOf(measure, id);
    const isWhole = gate !== 'half' && places.every((place) => {
      const mine = there.rules.get(`m_${id}_${place}`) ?? [];
      const count = rules[place]?.length;
      if (count === undefined) return mine.length === 0;
      return jumps(there, place).includes(id) && mine[0]?.comment === `${digest} ${count}` && mine.length === count + 1;
    });
    return isWhole ? 'whole' : 'changed';
  }

  async standing(): Promise<Standing[]> {
    const there = await this.tree();
    return there.sets.filter((name) => name.startsWith('g_')).flatMap((name) => {
      const id = name.slice(2);
      const gate = this.gate(id, there);
      if (gate === 'closed') return [];
      const packets = (place: Place, comment: string): number => there.rules.get(`m_${id}_${place}`)?.find((rule) => rule.comment === comment)?.packets ?? 0;
      return [{ id, until: gate === 'half' ? undefined : gate.until, watched: { in: packets('early', watchedIn), out: packets('leaving', watchedOut) } }];
    });
  }

  async remove(): Promise<void> {
    await this.script([`add table ${table}`, `delete table ${table}`]);
    this.lengths.clear();
    this.close();
  }

  close(): void {
    this.elements?.close();
    this.elements = undefined;
  }

  private get kernel(): Elements {
    if (this.elements === undefined) throw new MoatError<FirewallErrorCode>('firewall', 'expected the table of Moat to be made first, it is not');
    return this.elements;
  }

  /** Each chain of the frame has rules: a table that was flushed has its chains, and lets all through. */
  private hasFrame(): boolean {
    try {
      const chains = new Set(this.kernel.rules().map(({ chain }) => chain));
      return ['from', 'to', ...hookChains].every((chain) => chains.has(chain));
    } catch (error) {
      if ((error as MoatError).code === 'firewall') return false;
      throw error;
    }
  }

  /** What fails because somebody took the table away is done again in a new one. */
  private async inFrame(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if ((error as MoatError).code !== 'firewall' || this.hasFrame()) throw error;
      this.isEmptied = true;
      await this.ensure();
      await work();
    }
  }

  /** Of a prefix length that has no set nothing is blocked. */
  private known(networks: readonly Network[]): Blocked[] {
    return networks.filter((network) => network.bits === full[network.version] || this.lengths.has(setOf(network))).map((network) => ({ network }));
  }

  /** One that ended while it waited lives a second more: no time at all would mean for ever. */
  private element({ network, until }: Blocked): { key: Uint8Array; timeoutMs?: number } {
    return { key: keyOf(network), ...(until !== undefined && { timeoutMs: Math.max(1000, Math.ceil(until - this.now())) }) };
  }

  /** Loopback is never dropped: the machine speaks to itself there. */
  private frame(): string[] {
    const counter = this.counts ? 'counter; ' : '';
    const set = (version: 4 | 6): string[] => [
      `add set ${table} allow${version} { type ${families[version].type}; flags interval; auto-merge; }`,
      `add set ${table} block${version} { type ${families[version].type}; size ${setSize}; flags timeout; ${counter}}`,
    ];
    const drop = (side: 'saddr' | 'daddr'): string[] => ([4, 6] as const).flatMap((version) => [`${families[version].word} ${side} @allow${version} return`, `${families[version].word} ${side} @block${version} drop`]);
    const rule = (chain: string) => (text: string): string => `add rule ${table} ${chain} ${text}`;
    return [
      `add table ${table}`, ...set(4), ...set(6),
      `add chain ${table} from`, `add chain ${table} to`,
      ...places.map((place) => `add chain ${table} measures_${place}`),
      `add chain ${table} early { type filter hook prerouting priority ${priority}; policy accept; }`,
      `add chain ${table} passing { type filter hook forward priority ${priority}; policy accept; }`,
      `add chain ${table} leaving { type filter hook output priority ${priority}; policy accept; }`,
      `add chain ${table} tracked { type filter hook prerouting priority ${afterTracking}; policy accept; }`,
      `add chain ${table} passed { type filter hook forward priority ${beforeOthers}; policy accept; }`,
      // The rules are written anew, so that those of another version give way.
      ...['from', 'to', ...places].map((chain) => `flush chain ${table} ${chain}`),
      ...drop('saddr').map(rule('from')), ...drop('daddr').map(rule('to')),
      ...['iif lo return', 'jump from', 'jump measures_early'].map(rule('early')), ...['jump to', 'jump measures_passing'].map(rule('passing')), ...['oif lo return', 'jump to', 'jump measures_leaving'].map(rule('leaving')),
      ...['iif lo return', 'jump measures_tracked'].map(rule('tracked')), rule('passed')('jump measures_passed'),
      ...[...this.lengths].flatMap((name) => this.lengthRules(name)),
    ];
  }

  private lengthRules(name: string): string[] {
    const version = name.startsWith('block4') ? 4 : 6;
    const under = mask(version, Number(name.split('_')[1]));
    const { word, type } = families[version];
    return [
      `add set ${table} ${name} { type ${type}; size ${setSize}; flags timeout; ${this.counts ? 'counter; ' : ''}}`,
      `add rule ${table} from ${word} saddr & ${under} @${name} drop`, `add rule ${table} to ${word} daddr & ${under} @${name} drop`,
    ];
  }

  private async ensureLengths(entries: readonly Blocked[]): Promise<void> {
    for (const { network } of entries) if (network.bits !== full[network.version]) await this.ensureLength(setOf(network));
  }

  private async ensureLength(name: string): Promise<void> {
    if (!/^block[46]_\d{1,3}$/.test(name) || this.lengths.has(name)) return;
    await this.script(this.lengthRules(name));
    this.lengths.add(name);
  }

  private async sets(): Promise<string[]> { return await this.names('set'); }

  /** Names of the sets or chains of the table. */
  private async names(what: 'set' | 'chain'): Promise<string[]> {
    // `list table` would read every element of every set, also with -t.
    const { code, stdout, stderr } = await this.run('nft', ['-j', '-t', 'list', `${what}s`, 'inet']);
    if (code !== 0) throw failed(stderr, `list ${what}s`);
    return items(stdout).flatMap((item) => (item[what]?.['table'] === tableName && typeof item[what]['name'] === 'string' ? [item[what]['name']] : []));
  }

  /** All but the elements of sets. */
  private async tree(): Promise<Tree> {
    const [sets, chains] = await Promise.all([this.names('set'), this.names('chain')]);
    const rules = new Map<string, Rule[]>();
    for (const rule of this.kernel.rules()) {
      const some = rules.get(rule.chain);
      if (some) some.push(rule);
      else rules.set(rule.chain, [rule]);
    }
    return { sets, chains: new Set(chains), rules };
  }

  /** Packets come to the rules of a measure while both kinds of them stand in its set: so it ends in the kernel. */
  private gate(id: string, there: Tree): 'closed' | 'half' | { until: number | undefined } {
    const name = `g_${id}`;
    const elements = there.sets.includes(name) ? this.kernel.list(name) : [];
    if (elements.length === 0) return 'closed';
    if (elements.length < 2) return 'half';
    const [expires] = elements.map(({ expiresMs }) => expiresMs);
    return { until: expires === undefined ? undefined : this.now() + expires };
  }

  /** Lines that take away what stands of a measure. Jumps to all others must be written after them. */
  private gone(id: string, there: Tree, keep?: 'keep gate'): string[] {
    if (!/^[a-z0-9_]{1,60}$/.test(id)) throw new MoatError<FirewallErrorCode>('firewall', `expected a name of small letters, digits and _, got ${JSON.stringify(id.slice(0, 60))}`);
    const chains = places.map((place) => `m_${id}_${place}`).filter((chain) => there.chains.has(chain));
    const meter = new RegExp(`^l_${id}_[a-z0-9]+_[46]$`);
    const used = there.sets.filter((name) => meter.test(name));
    return [
      ...places.map((place) => `flush chain ${table} measures_${place}`),
      ...chains.map((chain) => `flush chain ${table} ${chain}`), ...chains.map((chain) => `delete chain ${table} ${chain}`),
      ...[...(keep ? [] : [`g_${id}`]), ...used].filter((set) => there.sets.includes(set)).map((set) => `delete set ${table} ${set}`),
    ];
  }

  private oneByOne(work: () => Promise<void>): Promise<void> {
    const mine = this.changing.then(work, work);
    this.changing = mine.catch(() => undefined);
    return mine;
  }

  private async script(lines: readonly string[], timeoutMs = 20_000): Promise<void> {
    if (lines.length === 0) return;
    const { code, stderr } = await this.run('nft', ['-f', '-'], { input: `${lines.join('\n')}\n`, timeoutMs });
    if (code !== 0) throw failed(stderr, lines[0] ?? '');
  }
}

interface Tree { sets: string[]; chains: Set<string>; rules: Map<string, Rule[]> }

const jump = (id: string, place: Place): string => `add rule ${table} measures_${place} meta nfproto @g_${id} jump m_${id}_${place} comment "${id}"`;
/** Measures whose chain is reached in this place. */
const jumps = (there: Tree, place: Place): string[] => (there.rules.get(`measures_${place}`) ?? []).flatMap(({ comment }) => comment ?? []);
const digestOf = (measure: Measure, id: string): string => createHash('sha256').update(JSON.stringify(compileMeasure(measure, id))).digest('hex').slice(0, 16);

const failed = (stderr: string, what: string): MoatError<FirewallErrorCode> => new MoatError<FirewallErrorCode>('firewall', `nft refused "${what.slice(0, 80)}": ${stderr.trim().split('\n', 1)[0]?.slice(0, 300) ?? ''}`);

/** Each network once, by the set it stands in; of twins the last one holds. */
function bySet(entries: readonly Blocked[]): Map<string, Blocked[]> {
  const sets = new Map<string, Blocked[]>();
  for (const entry of new Map(entries.map((one) => [one.network.text, one])).values()) {
    const set = setOf(entry.network);
    const some = sets.get(set);
    if (some) some.push(entry);
    else sets.set(set, [entry]);
  }
  return sets;
}

/** Taking out what is not there would be an error: it is put in first. */
const gone = (set: string, some: readonly Blocked[]): Change[] => (['add', 'delete'] as const).map((what) => ({ do: what, set, elements: some.map(({ network }) => ({ key: keyOf(network) })) }));

type Item = Record<string, Record<string, unknown> | undefined>;

function items(json: string): Item[] {
  const { nftables } = JSON.parse(json) as { nftables?: unknown };
  return Array.isArray(nftables) ? nftables.filter((item): item is Item => typeof item === 'object' && item !== null) : [];
}
