/** Country of an address from a table the user has: any MMDB, or the text tables of Debian's tor-geoipdb. */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Reader, type CountryResponse } from 'maxmind';
import { MoatError } from '../core/error.ts';
import { own } from '../core/own.ts';

const usualPlaces = ['/usr/share/GeoIP/GeoLite2-Country.mmdb', '/usr/share/GeoIP/GeoLite2-City.mmdb', '/var/lib/GeoIP/GeoLite2-Country.mmdb', '/var/lib/GeoIP/GeoLite2-City.mmdb', '/usr/share/GeoIP/dbip-country-lite.mmdb'];
const torPlace = '/usr/share/tor/geoip';
const cacheMax = 20_000;

export type GeoErrorCode = 'unreadable';

export interface Geo {
  /** Two letters; ZZ for private and local addresses; undefined when it is not known. */
  country(address: string): string | undefined;
  /** The table in use, for `moat doctor`; undefined when there is none. */
  table: string | undefined;
}

/** Kept for an address of which no country is known: one look into the cache then tells both. */
const none = '';

/** Opens the table at `path`, or the first of the usual places. Throws MoatError 'unreadable' for a table that is damaged, or named and not there. */
export function openGeo(path?: string): Geo {
  const table = path ?? [...usualPlaces, torPlace].find((place) => existsSync(place));
  const look = table === undefined ? () => undefined : openTable(table);
  const cache = new Map<string, string>();
  return {
    table,
    country(address) {
      const known = cache.get(address);
      if (known !== undefined) return known === none ? undefined : known;
      if (cache.size >= cacheMax) cache.clear();
      const country = isPrivate(address) ? 'ZZ' : isIP(address) ? look(address) : undefined;
      // A key cut from a log line would keep the block alive that it was read with.
      cache.set(own(address), country ?? none);
      return country;
    },
  };
}

function openTable(path: string): (address: string) => string | undefined {
  try {
    return path.endsWith('.mmdb') ? mmdb(path) : torTable(path);
  } catch (error) {
    throw new MoatError<GeoErrorCode>('unreadable', `expected a country table, got ${(error as Error).message} in ${path}`, { hint: 'download it again, or leave geo.country out', cause: error });
  }
}

function mmdb(path: string): (address: string) => string | undefined {
  const reader = new Reader<CountryResponse>(readFileSync(path));
  return (address) => {
    let found: CountryResponse | null;
    // A damaged part of the table shows only when an address leads there: that country is not known.
    try { found = reader.get(address); } catch { return undefined; }
    const code: unknown = found?.country?.iso_code ?? found?.registered_country?.iso_code;
    return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? code : undefined;
  };
}

/** Lines `first,last,CC` with addresses as numbers, sorted; kept in two typed arrays (about 2 MB). IPv4 only. */
function torTable(path: string): (address: string) => string | undefined {
  const rows = readFileSync(path, 'latin1').split('\n').filter((line) => /^\d+,\d+,[A-Z?]{2}$/.test(line));
  const first = new Uint32Array(rows.length);
  const last = new Uint32Array(rows.length);
  const codes: string[] = [];
  rows.forEach((row, i) => {
    const [from = '0', to = '0', code = ''] = row.split(',');
    first[i] = Number(from);
    last[i] = Number(to);
    codes.push(code);
  });
  return (address) => {
    if (isIP(address) !== 4) return undefined;
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    let low = 0;
    let high = rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (value < first[middle]!) high = middle - 1;
      else if (value > last[middle]!) low = middle + 1;
      else return codes[middle] === '??' ? undefined : codes[middle];
    }
    return undefined;
  };
}

/** Loopback, private (RFC 1918, 4193), link-local and carrier-grade NAT addresses. */
function isPrivate(address: string): boolean {
  if (isIP(address) === 4) {
    const [a = 0, b = 0] = address.split('.').map(Number);
    return a === 10 || a === 127 || a === 0 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128);
  }
  const lower = address.toLowerCase();
  return lower === '::1' || lower === '::' || /^f[cd]/.test(lower) || /^fe[89ab]/.test(lower);
}
