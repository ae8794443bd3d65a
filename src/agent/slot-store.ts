/** Texts by incident in a bounded number of the ledger's settings: the one that was kept longest ago makes room. */
import type { Ledger } from '../core/ports.ts';

interface Entry { id: string; slot: number; at: number }

/** A setting holds a MiB. */
export const slotTextMax = 900_000;

export class SlotStore {
  private readonly ledger: Pick<Ledger, 'setting' | 'setSetting'>;
  private readonly name: string;
  private readonly slots: number;

  /** `name`: what its settings begin with. */
  constructor(ledger: Pick<Ledger, 'setting' | 'setSetting'>, name: string, slots: number) {
    this.ledger = ledger;
    this.name = name;
    this.slots = slots;
  }

  /** `at`: Unix ms. Throws StoreError. */
  put(id: string, value: unknown, at: number): void {
    const entries = this.entries();
    const used = new Set(entries.map(({ slot }) => slot));
    let slot = entries.find((entry) => entry.id === id)?.slot ?? Array.from({ length: this.slots }, (_, i) => i).find((i) => !used.has(i));
    if (slot === undefined) ({ slot } = entries.toSorted((a, b) => a.at - b.at)[0]!);
    // The index last: what was cut off in the middle is not found under another's name.
    this.ledger.setSetting(`${this.name}.${slot}`, JSON.stringify({ id, value }));
    this.ledger.setSetting(`${this.name}.index`, JSON.stringify([...entries.filter((entry) => entry.slot !== slot && entry.id !== id), { id, slot, at }]));
  }

  /** Undefined when it is not kept, or cannot be read: cut off by a full disk. */
  get(id: string): { value: unknown; at: number } | undefined {
    const entry = this.entries().find((one) => one.id === id);
    const kept = entry && (this.parsed(`${this.name}.${entry.slot}`) as { id?: unknown; value?: unknown } | null | undefined);
    return entry && kept?.id === id ? { value: kept.value, at: entry.at } : undefined;
  }

  private entries(): Entry[] {
    const entries = this.parsed(`${this.name}.index`);
    return Array.isArray(entries) ? (entries as (Partial<Entry> | null)[]).filter((one): one is Entry => typeof one?.id === 'string' && typeof one.at === 'number' && Number.isInteger(one.slot) && one.slot! >= 0 && one.slot! < this.slots).slice(-this.slots) : [];
  }

  private parsed(name: string): unknown {
    try {
      return JSON.parse(this.ledger.setting(name) ?? 'null');
    } catch { return undefined; /* never written by us */ }
  }
}
