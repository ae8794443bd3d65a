/** One list: what its entries are known for, and the sets that hold them. */
import type { IndicatorKind } from '../../core/lineage.ts';
import type { Level } from '../../core/level.ts';
import { KeysBuilder, TextHash, type Keys } from './keys.ts';
import { NetworksBuilder, type Networks } from './networks.ts';

export interface ListHead {
  name: string;
  /** What its entries are known for unless they say so themselves. */
  what: string | undefined;
  level: Level;
  /** Written by the operator: loopback addresses are meant. From elsewhere they are a fault of the list. */
  own: boolean;
}

/** What entries of one list share. `expires` is Unix ms. */
export interface Note { what: string; expires: number | undefined }

const entriesMax = 2_000_000;
const notesMax = 100_000;
const hourMs = 3_600_000;

/** Why an entry was left out; each is counted. */
export type Refusal = 'not understood' | 'too broad' | 'private or local network' | 'expired' | 'not for detection' | 'page on a shared host' | 'beyond the limit' | 'too large';

const hash = new TextHash();

export class ListBuilder {
  readonly head: ListHead;
  readonly refused = new Map<Refusal, number>();
  readonly #now: number;
  readonly #v4 = new NetworksBuilder(4);
  readonly #v6 = new NetworksBuilder(6);
  readonly #domains = new KeysBuilder();
  readonly #hashes = new KeysBuilder();
  readonly #wallets = new KeysBuilder();
  readonly #notes: Note[] = [];
  readonly #noteNumbers = new Map<string, number>();

  /** `now` is Unix ms: entries that expired before it are left out. */
  constructor(head: ListHead, now: number) { this.head = head; this.#now = now; }

  get size(): number { return this.#v4.size + this.#v6.size + this.#domains.size + this.#hashes.size + this.#wallets.size; }

  refuse(why: Refusal): void { this.refused.set(why, (this.refused.get(why) ?? 0) + 1); }

  /** Number of the note for the add functions; undefined when the entry has expired or nothing more fits, which is then counted. */
  note(what?: string, expires?: number): number | undefined {
    if (expires !== undefined && expires <= this.#now) { this.refuse('expired'); return undefined; }
    if (this.size >= entriesMax) { this.refuse('beyond the limit'); return undefined; }
    // To the hour, so that a million entries of a million seconds share few notes.
    const until = expires === undefined ? undefined : Math.ceil(expires / hourMs) * hourMs;
    const said = this.head.what ?? (what === undefined || what === '' ? 'listed' : what.slice(0, 64));
    const key = `${until ?? ''} ${said}`;
    let number = this.#noteNumbers.get(key);
    if (number === undefined) {
      if (this.#notes.length >= notesMax) { this.refuse('beyond the limit'); return undefined; }
      number = this.#notes.push({ what: said, expires: until }) - 1;
      this.#noteNumbers.set(key, number);
    }
    return number;
  }

  network(words: Uint32Array, version: 4 | 6, bits: number, note: number): void { (version === 4 ? this.#v4 : this.#v6).add(words, bits, note); }
  domain(name: string, note: number): void { this.#domains.add(hash.of(name, false), note); }
  hash(hex: string, note: number): void { this.#hashes.add(hash.ofHex(hex), note); }
  wallet(text: string, note: number): void { this.#wallets.add(hash.of(text, true), note); }

  /** Yields now and then, for the caller to let others work. */
  *seal(): Generator<undefined, ListTable> {
    return {
      head: this.head, notes: this.#notes, expires: undefined,
      v4: yield* this.#v4.seal(), v6: yield* this.#v6.seal(),
      domains: yield* this.#domains.seal(), hashes: yield* this.#hashes.seal(), wallets: yield* this.#wallets.seal(),
    };
  }
}

export interface ListTable {
  readonly head: ListHead;
  readonly notes: readonly Note[];
  /** When entries without an end of their own cease to hold, Unix ms; moves on when the list is fetched again unchanged. */
  expires: number | undefined;
  readonly v4: Networks;
  readonly v6: Networks;
  readonly domains: Keys;
  readonly hashes: Keys;
  readonly wallets: Keys;
}

/** Entries by kind. */
export function sizesOf(table: ListTable): Record<IndicatorKind, number> {
  return { address: table.v4.size + table.v6.size, domain: table.domains.size, hash: table.hashes.size, wallet: table.wallets.size };
}

export const bytesOf = (table: ListTable): number => table.v4.bytes + table.v6.bytes + table.domains.bytes + table.hashes.bytes + table.wallets.bytes;

const high = /^(?:c2|c&c|command|botnet|malware|malicious|ransomware|trojan|backdoor|miner|mining|phishing|exploit|webshell)/i;
const low = /^(?:scan|brute|spam|crawler|bot$|benign|anomalous|unknown)/i;

/** Level of a list that names none, from what it is known for. */
export const levelFor = (what: string | undefined): Level => (what === undefined ? 'medium' : high.test(what) ? 'high' : low.test(what) ? 'low' : 'medium');
