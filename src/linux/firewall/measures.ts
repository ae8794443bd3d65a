/** What Moat does to traffic beyond blocking, as words, and the nftables rules that each comes to. Pure. */
import { holds, mergeNetworks, type Network } from '../../core/networks.ts';

export type Transport = 'tcp' | 'udp';
export interface Port { protocol: Transport; port: number }
export interface Rate { count: number; per: 'second' | 'minute' | 'hour' }

/** Who may speak to which TCP ports of this machine. */
export interface Channel { network: Network; ports: readonly number[] }
/** An address outside, and a TCP port there that this machine may connect to. */
export interface Probe { address: Network; port: number }
/** One TCP connection: from there, to this port here. Its packets are counted. */
export interface Connection { address: Network; remotePort: number; port: number }

export interface Zone { name: string; networks: readonly Network[] }
/** `ports` left out: all traffic. */
export interface Flow { from: string; to: string; ports?: readonly Port[] | undefined }
export interface WantedPort extends Port { /** Anybody when undefined. */ from?: readonly Network[] | undefined; perSource?: Rate | undefined }

/**
 * isolation  all is cut but loopback, the channel, DHCP, neighbour discovery, and DNS to the resolvers; connections that stand too
 * limit      what comes from a network, or to a port, beyond a rate is dropped
 * closed     new traffic to a port is dropped
 * ports      new traffic to this machine is dropped unless it is to one of these ports; connections that stand go on
 * zones      traffic between zones is dropped unless it is one of the flows or an answer to one; what lies in no zone is not touched
 */
export type Measure =
  | { kind: 'isolation'; channel: readonly Channel[]; probes: readonly Probe[]; resolvers: readonly Network[]; watched?: Connection | undefined }
  | { kind: 'limit'; of: { network: Network } | { port: Port; perSource: boolean }; what: 'packets' | 'connections'; rate: Rate }
  | { kind: 'closed'; port: Port; except: readonly Network[] }
  | { kind: 'ports'; ports: readonly WantedPort[]; channel: readonly Channel[] }
  | { kind: 'zones'; zones: readonly Zone[]; flows: readonly Flow[]; channel: readonly Channel[] };

/**
 * early    what comes in, also for containers, before connection tracking
 * tracked  the same after it, before addresses are translated
 * passing  what is passed on
 * passed   the same, after connection tracking and with addresses translated
 * leaving  what this machine sends, before connection tracking
 */
export const places = ['early', 'tracked', 'passing', 'passed', 'leaving'] as const;
export type Place = (typeof places)[number];

export interface Compiled {
  rules: Readonly<Partial<Record<Place, readonly string[]>>>;
  /** Sets that the rules fill: name → type. */
  meters: Readonly<Record<string, 'ipv4_addr' | 'ipv6_addr'>>;
}

/** Comments by which the packets of the watched connection are found again. */
export const watchedIn = 'watched-in', watchedOut = 'watched-out';

const versions = [4, 6] as const;
const word = { 4: 'ip', 6: 'ip6' } as const;
const opening = 'tcp flags & (fin | syn | rst | ack) == syn';
/** Of TCP only what opens a connection is looked at further: one that stood before connection tracking began would seem new. */
const standing = ['ct state established,related return', 'meta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn return'];
const dhcp = ['meta nfproto ipv4 udp sport 67 udp dport 68 return', 'meta nfproto ipv6 udp sport 547 udp dport 546 return'];
const answering = 'tcp flags & (syn | ack) != syn';
/** Without these an address is lost, or IPv6 finds no neighbour, or large packets vanish. */
const neighbours = 'ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } return';
const tooBig = ['icmp type destination-unreachable icmp code frag-needed return', 'icmpv6 type packet-too-big return'];
const meterSize = 65_535;
export const meterDefinition = (type: string): string => `type ${type}; size ${meterSize}; flags dynamic,timeout; timeout 10m;`;

/** The networks of one kind as nft writes a set, which takes none that overlap; undefined when there are none. */
function setOf(networks: readonly Network[], version: 4 | 6): string | undefined {
  const texts = mergeNetworks(networks.filter((one) => one.version === version)).map(({ text }) => text);
  return texts.length === 0 ? undefined : `{ ${texts.join(', ')} }`;
}

function each(networks: readonly Network[], rule: (family: 'ip' | 'ip6', set: string) => string[]): string[] {
  return versions.flatMap((version) => {
    const set = setOf(networks, version);
    return set === undefined ? [] : rule(word[version], set);
  });
}

const numbers = (ports: readonly number[]): string => `{ ${[...new Set(ports)].sort((a, b) => a - b).join(', ')} }`;
const toPort = ({ protocol, port }: Port): string => `${protocol} dport ${port}`;
/** TCP tells a new connection by its first packet; of UDP every packet may be one. */
const newTo = (port: Port): string => (port.protocol === 'tcp' ? `${toPort(port)} ${opening}` : toPort(port));
const over = ({ count, per }: Rate): string => `limit rate over ${count}/${per} burst ${Math.min(count, 1000)} packets`;

/** What comes from the channel, and what goes back to it. */
const fromChannel = (channel: readonly Channel[]): string[] => channel.flatMap(({ network, ports }) => [`${word[network.version]} saddr ${network.text} tcp dport ${numbers(ports)} counter return`]);
const toChannel = (channel: readonly Channel[]): string[] => channel.flatMap(({ network, ports }) => [`${word[network.version]} daddr ${network.text} tcp sport ${numbers(ports)} counter return`]);

/** `id` names the meters. */
export function compileMeasure(measure: Measure, id: string): Compiled {
  const meters: Record<string, 'ipv4_addr' | 'ipv6_addr'> = {};
  /** Counts each source by itself. One that finds no room in the meter is let through. */
  const perSource = (match: string, rate: Rate, name: string): string[] => versions.map((version) => {
    const meter = `l_${id}_${name}_${version}`;
    meters[meter] = `ipv${version}_addr`;
    return `${match} update @${meter} { ${word[version]} saddr ${over(rate)} } counter drop`;
  });
  switch (measure.kind) {
    case 'isolation': return { rules: isolation(measure), meters };
    case 'limit': {
      const { of, what, rate } = measure;
      const conditions = what === 'connections' ? opening : '';
      if ('network' in of) return { rules: { early: [`${word[of.network.version]} saddr ${of.network.text} ${conditions} ${over(rate)} counter drop`] }, meters };
      const match = what === 'connections' ? newTo(of.port) : toPort(of.port);
      return { rules: { early: of.perSource ? perSource(match, rate, 'p') : [`${match} ${over(rate)} counter drop`] }, meters };
    }
    case 'closed': return { rules: { early: [...each(measure.except, (family, set) => [`${family} saddr ${set} return`]), `${newTo(measure.port)} counter drop`] }, meters };
    case 'ports': {
      const wanted = measure.ports.flatMap((one) => {
        const limits = one.perSource ? perSource(newTo(one), one.perSource, `${one.protocol}${one.port}`) : [];
        return [...limits, ...(one.from ? each(one.from, (family, set) => [`${family} saddr ${set} ${toPort(one)} return`]) : [`${toPort(one)} return`])];
      });
      // Only what is meant for this machine, published ports of containers included: what it passes on otherwise is not its port.
      return { rules: { tracked: ['fib daddr type != local return', ...standing, ...fromChannel(measure.channel), 'meta l4proto != { tcp, udp } return', ...dhcp, ...wanted, 'counter drop'] }, meters };
    }
    case 'zones': return { rules: zones(measure), meters };
  }
}

function isolation({ channel, probes, resolvers, watched }: Extract<Measure, { kind: 'isolation' }>): Compiled['rules'] {
  const family = watched && word[watched.address.version];
  return {
    early: [
      ...(watched ? [`${family} saddr ${watched.address.text} tcp sport ${watched.remotePort} tcp dport ${watched.port} counter comment "${watchedIn}"`] : []),
      ...fromChannel(channel),
      ...probes.map(({ address, port }) => `${word[address.version]} saddr ${address.text} tcp sport ${port} ${answering} return`),
      // An answer comes to a port of the kind that is lent to whoever asks.
      ...each(resolvers, (ip, set) => [`${ip} saddr ${set} udp sport 53 udp dport >= 1024 return`, `${ip} saddr ${set} tcp sport 53 tcp dport >= 1024 ${answering} return`]),
      ...dhcp, neighbours, ...tooBig,
      'counter drop',
    ],
    passing: ['counter drop'],
    leaving: [
      ...(watched ? [`${family} daddr ${watched.address.text} tcp dport ${watched.remotePort} tcp sport ${watched.port} counter comment "${watchedOut}"`] : []),
      ...toChannel(channel),
      ...probes.map(({ address, port }) => `${word[address.version]} daddr ${address.text} tcp dport ${port} return`),
      ...each(resolvers, (ip, set) => [`${ip} daddr ${set} udp dport 53 return`, `${ip} daddr ${set} tcp dport 53 return`]),
      'meta nfproto ipv4 udp sport 68 udp dport 67 return', 'meta nfproto ipv6 udp sport 546 udp dport 547 return', neighbours, 'icmpv6 type mld2-listener-report return', ...tooBig,
      'counter drop',
    ],
  };
}

/** The name of the zone that is this machine itself. */
const hostZone = 'host';
const zonesMost = 12;

/** What is wrong with them; undefined when nothing is. */
export function zoneFault(all: readonly Zone[], flows: readonly Flow[]): string | undefined {
  if (all.length > zonesMost) return `expected at most ${zonesMost} zones, got ${all.length}`;
  const names = new Set(all.map(({ name }) => name));
  if (names.size < all.length) return 'expected a different name for each zone';
  if (names.has(hostZone)) return `${hostZone} is this machine itself and cannot be a zone with networks`;
  for (const { from, to } of flows) {
    if (!names.has(from)) return `expected a flow from one of ${[...names].join(', ')}, got ${from}`;
    if (!names.has(to) && to !== hostZone) return `expected a flow to ${hostZone} or one of ${[...names].join(', ')}, got ${to}`;
  }
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1)) {
      const [both] = one.networks.flatMap((a) => other.networks.flatMap((b) => (holds(a, b) ? [b] : holds(b, a) ? [a] : [])));
      if (both) return `${both.text} lies in two zones, ${one.name} and ${other.name}`;
    }
  }
  return undefined;
}

/**
 * For each zone that traffic goes to: flows pass, the rest from any zone is dropped. Answers pass by connection tracking.
 * `host` as a source is not filtered: what this machine itself sends is for isolation.
 */
function zones({ zones: all, flows, channel }: Extract<Measure, { kind: 'zones' }>): Compiled['rules'] {
  const networks = new Map(all.map(({ name, networks: of }) => [name, of]));
  const members = all.flatMap((zone) => zone.networks);
  const between = (from: readonly Network[], to: readonly Network[] | undefined, then: string): string[] => each(from, (ip, sources) => {
    const targets = to === undefined ? '' : setOf(to, ip === 'ip' ? 4 : 6);
    return targets === undefined ? [] : [`${ip} saddr ${sources}${targets === '' ? '' : ` ${ip} daddr ${targets}`} ${then}`];
  });
  const pass = ({ from, to, ports }: Flow): string[] => {
    const target = to === hostZone ? undefined : networks.get(to) ?? [];
    const source = networks.get(from) ?? [];
    return ports === undefined ? between(source, target, 'return') : ports.flatMap((port) => between(source, target, `${toPort(port)} return`));
  };
  const toOthers = flows.filter(({ to }) => to !== hostZone), toHost = flows.filter(({ to }) => to === hostZone);
  return {
    // Two members of one zone speak freely.
    passed: [...standing, ...toOthers.flatMap(pass), ...all.flatMap(({ networks: own }) => between(own, own, 'return')), ...between(members, members, 'counter drop')],
    tracked: ['fib daddr type != local return', ...standing, ...fromChannel(channel), neighbours, ...tooBig, ...dhcp, ...toHost.flatMap(pass), ...between(members, undefined, 'counter drop')],
  };
}
