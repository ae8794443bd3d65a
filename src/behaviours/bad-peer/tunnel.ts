/** Names asked of DNS that carry data: very many different long ones below one domain. */
import { Lru } from '../lru.ts';

const maxDomains = 1000;
const maxNames = 256;
const windowMs = 10 * 60_000;
/** Names of services are shorter. */
const longName = 30;

interface Domain { since: number; names: Set<number>; bytes: number; told: number }
export interface Tunnel { domain: string; names: number; bytes: number }

const secondLevel = new Set(['com', 'net', 'org', 'gov', 'edu', 'co', 'ac', 'or', 'ne', 'go', 'mil']);

/** The domain that somebody registered: example.com, example.com.cn. */
export function registeredDomain(name: string): string {
  const labels = name.split('.');
  const n = labels.length >= 3 && (labels.at(-1)?.length ?? 0) === 2 && secondLevel.has(labels.at(-2) ?? '') ? 3 : 2;
  return labels.slice(-n).join('.');
}

export class Tunnels {
  private readonly domains: Lru<Domain>;
  private readonly limit: number;

  constructor(limit: number, evicted: () => void) {
    this.domains = new Lru<Domain>(maxDomains, evicted);
    this.limit = Math.min(limit, maxNames);
  }

  get size(): number { return this.domains.size; }

  /** Takes a name in; what it has come to when it is told (again after an hour). */
  add(name: string, time: number): Tunnel | undefined {
    if (name.length < longName + 4) return undefined;
    const domain = registeredDomain(name);
    const carried = name.length - domain.length - 1;
    if (carried < longName) return undefined;
    const one = this.domains.take(domain, () => ({ since: time, names: new Set<number>(), bytes: 0, told: Number.NEGATIVE_INFINITY }));
    if (Math.abs(time - one.since) > windowMs) {
      one.since = time;
      one.names.clear();
      one.bytes = 0;
    }
    const hash = hashOf(name);
    if (one.names.has(hash) || one.names.size >= maxNames) return undefined;
    one.names.add(hash);
    one.bytes += carried;
    if (one.names.size < this.limit || time - one.told < 3_600_000) return undefined;
    one.told = time;
    return { domain, names: one.names.size, bytes: one.bytes };
  }
}

/** FNV-1a, 32 bits: enough to tell names apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
