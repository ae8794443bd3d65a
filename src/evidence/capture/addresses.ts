/** Addresses that packets are looked at for: by number, without making a text of each packet's. */
import { parseAddress } from '../../core/networks.ts';

/** IPv4: the address as a number. IPv6: its four words as a text. */
export type AddressKey = number | string;

/** Undefined for what is no address. */
export function addressKey(text: string): AddressKey | undefined {
  const words = new Uint32Array(4);
  switch (parseAddress(text, 0, text.length, words)) {
    case 4: return words[0]!;
    case 6: return `${words[0]}:${words[1]}:${words[2]}:${words[3]}`;
    default: return undefined;
  }
}

/** Whether source or destination of the IP packet at `from` is one of them. What is too short is none. */
export function touches(keys: { has(key: AddressKey): boolean }, bytes: Uint8Array, from: number, length: number): boolean {
  switch ((bytes[from] ?? 0) >> 4) {
    case 4: return length >= 20 && (keys.has(word(bytes, from + 12)) || keys.has(word(bytes, from + 16)));
    case 6: return length >= 40 && (keys.has(six(bytes, from + 8)) || keys.has(six(bytes, from + 24)));
    default: return false;
  }
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
const six = (bytes: Uint8Array, at: number): string => `${word(bytes, at)}:${word(bytes, at + 4)}:${word(bytes, at + 8)}:${word(bytes, at + 12)}`;
