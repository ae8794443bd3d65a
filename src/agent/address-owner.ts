/** Who an address belongs to, from tables that lie on this machine: country, and the network that it is part of. Nothing is asked over the network. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type AsnResponse, Reader } from 'maxmind';
import { isPublic } from '../core/address.ts';
import { saidBy } from '../core/error.ts';
import type { Story, StoryNode } from '../core/incident.ts';
import type { Log } from '../core/ports.ts';
import type { Geo } from './geo.ts';

const usualPlaces = ['/usr/share/GeoIP/GeoLite2-ASN.mmdb', '/var/lib/GeoIP/GeoLite2-ASN.mmdb', '/usr/share/GeoIP/dbip-asn-lite.mmdb', '/var/lib/GeoIP/dbip-asn-lite.mmdb'];
const addressesMax = 2000;
const nameMax = 120;

export interface OwnerOptions { geo: Pick<Geo, 'country'>; /** A table of networks (.mmdb) in place of the usual ones. */ table?: string | undefined; log: Pick<Log, 'debug'> }

/** The story with country and network at its addresses and its entry. The table of networks is read for this and let go: it is large, and asked rarely. */
export function withOwners(story: Story, { geo, table, log }: OwnerOptions): Story {
  const wanted = story.nodes.some(({ kind, facts }) => kind === 'address' && isPublic(String(facts['ip']))) || (story.entry?.address !== undefined && isPublic(story.entry.address));
  const network = wanted ? openNetworks(table ?? usualPlaces.find((place) => existsSync(place)), log) : () => undefined;
  let n = 0;
  const of = (ip: string): { country?: string; network?: string } => {
    if (n++ >= addressesMax) return {};
    const country = geo.country(ip), name = isPublic(ip) ? network(ip) : undefined;
    return { ...(country !== undefined && country !== 'ZZ' && { country }), ...(name !== undefined && { network: name }) };
  };
  const { entry } = story;
  return {
    ...story, ...(entry && { entry: { ...entry, ...(entry.address !== undefined && of(entry.address)) } }),
    nodes: story.nodes.map((node): StoryNode => (node.kind === 'address' ? { ...node, facts: { ...node.facts, ...of(String(node.facts['ip'])) } } : node)),
  };
}

function openNetworks(path: string | undefined, log: Pick<Log, 'debug'>): (ip: string) => string | undefined {
  if (path === undefined) return () => undefined;
  try {
    const reader = new Reader<AsnResponse>(readFileSync(path));
    return (ip) => {
      if (isIP(ip) === 0) return undefined;
      let found: AsnResponse | null;
      // A damaged part of the table shows only when an address leads there.
      try { found = reader.get(ip); } catch { return undefined; }
      const name: unknown = found?.autonomous_system_organization, number: unknown = found?.autonomous_system_number;
      return typeof name === 'string' ? `${name.slice(0, nameMax)}${typeof number === 'number' ? ` (AS${number})` : ''}` : typeof number === 'number' ? `AS${number}` : undefined;
    };
  } catch (error) {
    log.debug(`the table of networks ${path} cannot be read: ${saidBy(error).en}`);
    return () => undefined;
  }
}
