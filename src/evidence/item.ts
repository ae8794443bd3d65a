/** What is collected: one thing each, opened when its turn comes, so that nothing waits in memory. */
import type { Text } from '../core/text.ts';

/**
 * What is not whole about an item, and why:
 *   time-limit   it took too long; of a size known beforehand the rest is zeros
 *   size-limit   there was more
 *   grew         it was written to meanwhile; what was there at first is here
 *   shrank       it became shorter meanwhile; the rest is zeros
 *   unreadable   `bytes` of it could not be read and are zeros
 *   exit         a program ended with the code in `detail`
 *   failed       reading it ended with the error in `detail`
 *   redacted     secrets in it were left out
 */
export interface Mark { what: 'time-limit' | 'size-limit' | 'grew' | 'shrank' | 'unreadable' | 'exit' | 'failed' | 'redacted'; bytes?: number; detail?: string }

export type Facts = Readonly<Record<string, string | number | boolean>>;

export interface Opened {
  /** Bytes, when they are known beforehand: then so many are written, whatever happens meanwhile. */
  size?: number;
  /** Unix ms. */
  modified?: number;
  /** Owner, rights, times, inode; program and its digest. */
  facts?: Facts;
  /** Pieces that may be used again for the next one. */
  read: AsyncIterable<Buffer>;
  /** Asked for when it was read. */
  marks?: () => readonly Mark[];
  close?: () => Promise<void>;
}

export interface Item {
  /** Where it stands in the archive, below `items/`: parts of letters, digits and `._+@=-`, see `nameFor`. */
  name: string;
  /** Where it is from: a path, a command line. */
  source: string;
  /** Throws why it could not be looked at; `signal` ends it when its time is over. */
  open(signal: AbortSignal): Promise<Opened> | Opened;
  limits?: Limits;
  /** A file of the disk that `open` gives as it lies there: a small one may be read together with others. Whoever gives it another `open` leaves this out. */
  plain?: { path: string; /** Beside those of the file itself. */ facts?: Facts | undefined };
}

export interface Limits { ms: number; bytes: number }

/** Something that could not be looked for at all. */
export interface Missed { name: string; source: string; why: Text; /** It is not on this machine: a program that is not installed. */ absent?: boolean }

/** What a group of items gives: items, or why there are none. */
export type Collected = Item | (Missed & { missed: true });

export const missed = (name: string, source: string, why: Text): Collected => ({ missed: true, name, source, why });

const plain = /^[A-Za-z0-9._+@=-]+$/;
const partMax = 180;

/**
 * A path of the machine as a name in the archive: `/etc/crontab` → `etc/crontab`. What shells, terminals and other file systems could
 * take amiss becomes `%XX`; the path itself stands in the manifest.
 */
export function nameFor(path: string | Buffer): string {
  return Buffer.from(path as string).toString('latin1').split('/').filter((part) => part !== '' && part !== '.').map((part) => {
    const escaped = part === '..' ? '%2E%2E' : plain.test(part) ? part : part.replaceAll(/[^A-Za-z0-9._+@=-]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
    return escaped.length > partMax ? `${escaped.slice(0, partMax).replace(/%[0-9A-F]?$/, '')}~` : escaped;
  }).join('/');
}

/** A text that Moat itself wrote. */
export function textItem(name: string, source: string, text: () => string | Promise<string>): Item {
  return {
    name, source,
    async open() {
      const bytes = Buffer.from(await text());
      return { size: bytes.length, read: once(bytes) };
    },
  };
}

export async function* once(bytes: Buffer): AsyncGenerator<Buffer> { await Promise.resolve(); if (bytes.length > 0) yield bytes; }
