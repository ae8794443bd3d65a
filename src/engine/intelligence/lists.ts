/** All lists together, as behaviours ask them. A look-up costs well under a microsecond and allocates only when it finds. */
import type { Indicator, IndicatorKind, Intelligence } from '../../core/lineage.ts';
import { networkText, parseAddress } from '../../core/networks.ts';
import { TextHash } from './keys.ts';
import { sizesOf, type ListTable } from './list.ts';
import { walletKey } from './recognise.ts';
import type { Networks } from './networks.ts';

const nameMax = 255;
const walletMax = 200;
const words = new Uint32Array(4);
const hash = new TextHash();

export class Lists implements Intelligence {
  #tables: readonly ListTable[] = [];
  #size = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) { this.#now = now; }

  get size(): number { return this.#size; }

  /** Of two lists with the same entry the first one speaks. */
  use(tables: readonly ListTable[]): void {
    this.#tables = tables;
    this.#size = tables.reduce((sum, table) => sum + Object.values(sizesOf(table)).reduce((a, b) => a + b, 0), 0);
  }

  address(address: string): Indicator | undefined {
    if (this.#size === 0) return undefined;
    const version = parseAddress(address, 0, address.length, words);
    if (version === 0) return undefined;
    for (const table of this.#tables) {
      const networks = version === 4 ? table.v4 : table.v6;
      if (networks.size === 0) continue;
      const found = this.#network(table, networks, version);
      if (found) return found;
    }
    return undefined;
  }

  /** The narrowest network that still holds. */
  #network(table: ListTable, networks: Networks, version: 4 | 6): Indicator | undefined {
    for (let at = networks.find(words); at >= 0; at = networks.around(at)) {
      const found = this.#tell(table, networks.note(at), 'address', () => networkText(networks.from(at), version, networks.bits(at)));
      if (found) return found;
    }
    return undefined;
  }

  domain(name: string): Indicator | undefined {
    const length = name.endsWith('.') ? name.length - 1 : name.length;
    if (this.#size === 0 || length > nameMax) return undefined;
    let best: Indicator | undefined;
    hash.begin();
    let end = length;
    // com, bad.com, www.bad.com: the longest that is listed speaks.
    for (;;) {
      const dot = name.lastIndexOf('.', end - 1);
      const start = end === 0 ? 0 : dot + 1;
      hash.back(name, start, end, false);
      hash.cut();
      for (const table of this.#tables) {
        if (table.domains.size === 0) continue;
        const note = table.domains.find(hash);
        const found = note < 0 ? undefined : this.#tell(table, note, 'domain', () => name.slice(start, length).toLowerCase());
        if (found) { best = found; break; }
      }
      if (dot < 0 || end === 0) return best;
      hash.back(name, dot, dot + 1, false);
      end = dot;
    }
  }

  hash(hex: string): Indicator | undefined {
    if (this.#size === 0 || (hex.length !== 32 && hex.length !== 40 && hex.length !== 64)) return undefined;
    hash.ofHex(hex);
    for (const table of this.#tables) {
      const note = table.hashes.size === 0 ? -1 : table.hashes.find(hash);
      const found = note < 0 ? undefined : this.#tell(table, note, 'hash', () => hex.toLowerCase());
      if (found) return found;
    }
    return undefined;
  }

  wallet(text: string): Indicator | undefined {
    if (this.#size === 0 || text.length > walletMax) return undefined;
    let hashed = false;
    for (const table of this.#tables) {
      if (table.wallets.size === 0) continue;
      if (!hashed) { hash.of(walletKey(text), true); hashed = true; }
      const note = table.wallets.find(hash);
      const found = note < 0 ? undefined : this.#tell(table, note, 'wallet', () => text);
      if (found) return found;
    }
    return undefined;
  }

  #tell(table: ListTable, number: number, kind: IndicatorKind, value: () => string): Indicator | undefined {
    const note = table.notes[number];
    const expires = note?.expires ?? table.expires;
    if (!note || (expires !== undefined && expires <= this.#now())) return undefined;
    return { kind, value: value(), what: note.what, list: table.head.name, level: table.head.level, ...(expires !== undefined && { expires }) };
  }
}
