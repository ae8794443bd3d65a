/** Folders that packages name, and where each really is: bytes and numbers alone, so that a look-up makes no garbage and the table can be handed to another process. */
import { nameAt } from './columns.ts';
import { hashBytes, hashText, isText, probesMax, slotsFor } from './slots.ts';

export interface FolderColumns {
  /** Texts one after the other. */
  folderBytes: Uint8Array;
  /** Where each begins, and the end of the last. */
  folderAt: Uint32Array;
  /** Number → the number of where it really is. */
  folderReal: Uint32Array;
  /** Number + 1 by hash. */
  folderSlots: Uint32Array;
}

/** Puts each in a slot; `count` is told of those that cannot be found again. */
export function placeFolders(bytes: Uint8Array, at: Uint32Array, count: (what: string) => void): Uint32Array {
  const slots = slotsFor(at.length - 1);
  const mask = slots.length - 1;
  for (let n = 0; n + 1 < at.length; n++) {
    let slot = hashBytes(0, bytes, at[n]!, at[n + 1]!) & mask;
    let probes = 0;
    for (; slots[slot] !== 0 && probes < probesMax; probes++) slot = (slot + 1) & mask;
    if (slots[slot] === 0) slots[slot] = n + 1;
    else count('folders left out, names collide');
  }
  return slots;
}

export class FolderTable {
  readonly #c: FolderColumns;
  readonly #bytes: Buffer;

  constructor(columns: FolderColumns) {
    this.#c = columns;
    const { buffer, byteOffset, length } = columns.folderBytes;
    this.#bytes = Buffer.from(buffer, byteOffset, length);
  }

  /** Number of the folder that the first `to` characters of a path with one character a byte name, -1 for none. */
  find(path: string, to: number): number {
    const { folderAt, folderSlots } = this.#c;
    const mask = folderSlots.length - 1;
    let slot = hashText(0, path, 0, to) & mask;
    for (let probes = 0; folderSlots[slot] !== 0 && probes <= probesMax; probes++, slot = (slot + 1) & mask) {
      const n = folderSlots[slot]! - 1;
      const at = folderAt[n]!;
      if (folderAt[n + 1]! - at === to && isText(this.#bytes, at, path, 0, to)) return n;
    }
    return -1;
  }

  /** Number of where this one really is. */
  real(number: number): number { return this.#c.folderReal[number]!; }

  text(number: number): string { return nameAt(this.#bytes, this.#c.folderAt[number]!, this.#c.folderAt[number + 1]!); }
}
