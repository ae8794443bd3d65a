/** What an archive says of itself. The manifest is signed; custody entries are signed each over the one before. */
import type { Facts, Mark, Missed } from './item.ts';

/** One file of the archive, in its order. */
export interface Entry { name: string; source: string; bytes: number; sha256: string; sm3: string; /** When it was taken, ISO 8601. */ taken: string; /** Milliseconds that took. */ ms: number; facts?: Facts; marks?: readonly Mark[]; /** Of something longer: which part, from 1. Joined in order they are the whole. */ part?: number }

/** The clock the times are by. */
export interface Clock { now: string; zone: string; /** Seconds since boot. */ uptime?: number; boot_id?: string; /** Whether the system says that it is set by the network; undefined when it does not tell. */ synchronised?: boolean }

export interface Manifest {
  format: 'moat-evidence';
  version: 1;
  id: string;
  tool: string;
  host: string;
  kernel: string;
  /** Incident, alert or finding that it was collected for. */
  incident?: string;
  why: string;
  by: string;
  began: string;
  ended: string;
  clock: Clock;
  key: { algorithm: 'Ed25519'; fingerprint: string; /** `installation`: kept by Moat on that machine. `passing`: made for this archive and thrown away. */ kept: 'installation' | 'passing' };
  items: readonly Entry[];
  missed: readonly Missed[];
  /** The other files of the archive that stand before the manifest. */
  files: readonly { name: string; bytes: number; sha256: string }[];
}

/** One hand that the evidence went through. */
export interface Custody {
  number: number;
  archive: string;
  /** SHA-256 of the manifest's bytes. */
  manifest: string;
  /** SHA-256 of the entry before, as it stands in the archive; empty for the first. */
  before: string;
  time: string;
  did: 'collected' | 'handed-over';
  by: string;
  /** Who had it, and who has it now. */
  from?: string;
  to: string;
  how: string;
  why: string;
  host: string;
  /** Of the key that signed this entry. */
  fingerprint: string;
}

export const formatName = 'moat-evidence';
export const manifestMax = 256 << 20;
export const custodyMax = 64 * 1024;

/** One item a line, so that a person can read it and a difference shows. */
export function manifestText({ items, missed, ...head }: Manifest): string {
  const list = (rows: readonly unknown[]): string => (rows.length === 0 ? '[]' : `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`);
  return `${JSON.stringify(head, undefined, 1).slice(0, -2)},\n"missed": ${list(missed)},\n"items": ${list(items)}\n}\n`;
}
