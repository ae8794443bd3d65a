/** What no action touches, and why: each refusal tells a person what stands in the way. */
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { ActionErrorCode } from '../core/action.ts';
import { MoatError } from '../core/error.ts';
import type { Logon } from '../core/lineage.ts';
import { holds, type Network, parseNetwork } from '../core/networks.ts';
import type { Text } from '../core/text.ts';
import { logindSessions, logons } from '../linux/logons.ts';
import { Procfs } from '../linux/procfs.ts';
import { sshdSessions } from '../linux/sshd-sessions.ts';
import { administratorNames } from './administrators.ts';

export interface ProtectionOptions {
  root?: string;
  /** Never blocked, as configured. */
  allow: readonly Network[];
  /** Two letters each; never blocked unless it is forced. */
  countries?: readonly string[];
  /** Which country an address is of; undefined when nobody knows. */
  country?: (address: string) => string | undefined;
  /** This machine's addresses; its interfaces when undefined. */
  own?: () => readonly Network[];
  now: () => number;
}

/** `never`: not even when it is forced. */
export interface Refusal { why: Text; never: boolean }

const special = ['127.0.0.0/8', '::1', '0.0.0.0/8', '::', '224.0.0.0/4', 'ff00::/8', 'fe80::/10', '169.254.0.0/16', '255.255.255.255'].map(known);
/** A network that holds more addresses than this is hardly one attacker's. */
const widest = { 4: 8, 6: 19 } as const;
const lookedMs = 1000;
const sessionMs = 24 * 3_600_000;
const recentMs = 30 * 24 * 3_600_000;
const recentLookMs = 60_000;
/** A log-on speaks for its address a day later: who has just guessed a password is not safe by that. While it lasts, it is a lifeline. */
const settledMs = 24 * 3_600_000;

interface Lifeline { address: Network; what: Text }

export class Protection {
  private readonly options: ProtectionOptions;
  private allowed: readonly Network[];
  private countries: ReadonlySet<string>;
  private recent: { at: number; found: readonly Lifeline[] } | undefined;
  private addresses: { at: number; found: readonly Network[] } | undefined;
  private looked: { at: number; found: readonly Lifeline[] } | undefined;

  constructor(options: ProtectionOptions) {
    this.options = options;
    this.allowed = options.allow;
    this.countries = new Set(options.countries);
  }

  /** New allow lists. */
  configure(allow: readonly Network[], countries: readonly string[] = []): void {
    this.allowed = allow;
    this.countries = new Set(countries);
  }

  /** Why this address or network may not be cut off; undefined when it may. */
  address(network: Network): Refusal | undefined {
    const meets = (other: Network): boolean => holds(network, other) || holds(other, network);
    const inside = (other: Network): boolean => holds(other, network);
    if (network.bits < widest[network.version]) return { why: { zh: `${network.text} 太大：它几乎是整个互联网`, en: `${network.text} is too wide: it is a good part of the internet` }, never: true };
    if (special.some(meets)) return { why: { zh: `${network.text} 是回环、链路本地或组播地址，不属于某台主机`, en: `${network.text} is a loopback, link-local or multicast address and belongs to no host` }, never: true };
    const own = this.own().find(meets);
    if (own) return { why: { zh: `${own.text} 是本机的地址`, en: `${own.text} is an address of this machine` }, never: true };
    const allowed = this.allowed.find(inside);
    if (allowed) return { why: { zh: `${network.text} 在允许名单（response.allow）中：${allowed.text}`, en: `${network.text} is on the allow list (response.allow): ${allowed.text}` }, never: true };
    const near = this.lifelines().find(({ address }) => meets(address)) ?? this.recentLogons().find(({ address }) => meets(address));
    if (near !== undefined) return { why: near.what, never: false };
    const country = this.countries.size === 0 ? undefined : this.options.country?.(network.text.replace(/\/.*/, ''));
    if (country !== undefined && this.countries.has(country)) return { why: { zh: `${network.text} 属于允许的国家与地区（response.allow_countries）：${country}（确要封禁请加 --force）`, en: `${network.text} is of a country that is allowed (response.allow_countries): ${country} (use --force to block it all the same)` }, never: false };
    return undefined;
  }

  /** Throws MoatError 'refused'. */
  mayCutOff(network: Network, force: boolean): void {
    const refusal = this.address(network);
    if (refusal === undefined || (force && !refusal.never)) return;
    throw refused(refusal);
  }

  /** Whether anybody lies in it whom nothing done by itself may cut off, or it is none of a single attacker's: looked at before an address is taken for its whole network. */
  holdsOurs(network: Network): boolean {
    const meets = (other: Network): boolean => holds(network, other) || holds(other, network);
    return this.address(network) !== undefined || this.allowed.some(meets);
  }

  /** What the firewall lets through whatever is blocked around it: the allow list, and whoever is logged on now. */
  letThrough(): Network[] {
    return [...this.allowed, ...this.lifelines().map(({ address }) => address)];
  }

  /** From where administrators lately logged on, or somebody is logged on now. */
  operators(): Network[] {
    return [...this.loggedOn(), ...this.recentLogons().map(({ address }) => address)];
  }

  /** From where somebody is logged on now. */
  loggedOn(): Network[] {
    const found = this.here().flatMap(({ source_ip }) => (source_ip === undefined ? [] : parseNetwork(source_ip) ?? []));
    return [...new Map(found.map((one) => [one.text, one])).values()];
  }

  /** Looked up once a second at most: an imported list asks for each of its entries. */
  private own(): readonly Network[] {
    if (this.options.own !== undefined) return this.options.own();
    const now = this.options.now();
    if (this.addresses === undefined || now - this.addresses.at >= lookedMs || now < this.addresses.at) this.addresses = { at: now, found: ownAddresses() };
    return this.addresses.found;
  }

  /** Addresses without which the machine cannot be reached or looked after; looked up once a second at most, since a thousand bans may come at once. */
  private lifelines(): readonly Lifeline[] {
    const now = this.options.now();
    if (this.looked === undefined || now - this.looked.at >= lookedMs || now < this.looked.at) this.looked = { at: now, found: this.lookForLifelines() };
    return this.looked.found;
  }

  /** From where administrators logged on lately; looked up once a minute at most. */
  private recentLogons(): readonly Lifeline[] {
    const now = this.options.now();
    if (this.recent === undefined || now - this.recent.at >= recentLookMs || now < this.recent.at) this.recent = { at: now, found: this.lookForRecent(now) };
    return this.recent.found;
  }

  private lookForRecent(now: number): Lifeline[] {
    const root = this.options.root ?? '/';
    const all = logonsOf(root, now - recentMs).filter(({ source_ip, since }) => source_ip !== undefined && since >= now - recentMs && since <= now - settledMs);
    if (all.length === 0) return [];
    const administrators = administratorNames(root);
    const last = new Map<string, { user: string; since: number }>();
    for (const { user, source_ip, since } of all) if (user !== undefined && administrators.has(user) && source_ip !== undefined && since > (last.get(source_ip)?.since ?? 0)) last.set(source_ip, { user, since });
    return [...last].flatMap(([text, { user, since }]) => {
      const address = parseNetwork(text);
      const day = new Date(since).toISOString().slice(0, 10);
      return address === undefined ? [] : [{ address, what: { zh: `管理员 ${user} 于 ${day} 从 ${text} 登录过（确要封禁请加 --force）`, en: `the administrator ${user} logged on from ${text} on ${day} (use --force to block it all the same)` } }];
    });
  }

  /** Who is logged on now. utmp alone does not do: `ssh HOST COMMAND` has no terminal, newer systems keep no utmp, and not every one has logind. */
  private here(): Logon[] {
    const root = this.options.root ?? '/';
    return [...logonsOf(root, this.options.now() - sessionMs).filter(({ until }) => until === undefined), ...logindSessions(root), ...sshOf(root)];
  }

  private lookForLifelines(): Lifeline[] {
    const root = this.options.root ?? '/';
    const found: Lifeline[] = [];
    const add = (text: string | undefined, what: (address: string) => Text): void => {
      const address = text === undefined ? undefined : parseNetwork(text);
      if (address && !special.some((one) => holds(one, address))) found.push({ address, what: what(address.text) });
    };
    for (const { user, source_ip } of this.here()) {
      add(source_ip, (address) => ({ zh: `${user ?? '有人'}正从 ${address} 登录着（确要封禁请加 --force）`, en: `${user ?? 'somebody'} is logged on from ${address} now (use --force to block it all the same)` }));
    }
    for (const gateway of gateways(root)) add(gateway, (address) => ({ zh: `${address} 是默认网关（确要封禁请加 --force）`, en: `${address} is the default gateway (use --force to block it all the same)` }));
    for (const server of textOf(join(root, 'etc/resolv.conf')).matchAll(/^nameserver\s+(\S{1,60})/gm)) add(server[1], (address) => ({ zh: `${address} 是本机使用的 DNS 服务器（确要封禁请加 --force）`, en: `${address} is a DNS server of this machine (use --force to block it all the same)` }));
    return found;
  }
}

const refused = ({ why, never }: Refusal): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', why.en, { text: why, ...(!never && { hint: '--force' }) });

function known(text: string): Network {
  const found = parseNetwork(text);
  if (!found) throw new Error(text);
  return found;
}

function ownAddresses(): Network[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.flatMap(({ address }) => parseNetwork(address) ?? []));
}

function sshOf(root: string): Logon[] {
  if (!existsSync(join(root, 'proc/self'))) return []; // a folder that is no running machine
  return sshdSessions(new Procfs(root));
}

function logonsOf(root: string, since: number): ReturnType<typeof logons> {
  try {
    return logons(root, since);
  } catch { return []; /* no utmp on this machine: nobody can be told from it */ }
}

/** Of IPv4 and IPv6, from the kernel's tables. */
function gateways(root: string): string[] {
  const v4 = textOf(join(root, 'proc/net/route')).split('\n').flatMap((line) => {
    const [, destination, gateway] = line.split('\t');
    if (destination !== '00000000' || gateway === undefined || gateway === '00000000') return [];
    return [(gateway.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).reverse().join('.')];
  });
  const v6 = textOf(join(root, 'proc/net/ipv6_route')).split('\n').flatMap((line) => {
    const [destination, bits, , , next] = line.split(/ +/);
    if (destination !== '0'.repeat(32) || bits !== '00' || next === undefined || /^0+$/.test(next)) return [];
    return [(next.match(/.{4}/g) ?? []).join(':')];
  });
  return [...v4, ...v6];
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch { return ''; /* not on this machine */ }
}
