/** Who got in after trying many passwords: failed attempts of an address and the log-on that ended them. */
import type { Event } from '../../core/gen/event.ts';
import type { LogLine } from './logs.ts';

const hour = 3_600_000;
/** What lies further apart is not one try at guessing; nor is a log-on so much later its fruit. */
const apart = 24 * hour;
/** Fewer are mistyped. */
const attemptsMin = 20;
/** So many names are no person's own, and fewer attempts will do. */
const namesMin = 4;
const attemptsOfNamesMin = 10;
/** A job that holds an old password fails once at each of its turns, which come a minute apart at the most often. */
const quickCount = 10;
const quickMs = 3 * 60_000;
const namesMax = 64;
const addressesMax = 10_000;
const guessesMax = 200;

export interface Guess {
  user: string;
  address: string;
  /** Of the log-on, Unix ms. */
  time: number;
  attempts: number;
  names: readonly string[];
  /** At a speed, or with names, as no person and no job of one's own has. */
  sure: boolean;
  /** The address had logged on as this account before. */
  known: boolean;
  since: number;
  first: LogLine;
  last: LogLine;
  accepted: LogLine;
  /** Log-ons by password of the same account from there that followed. */
  again: number;
}

/** `names`: how often each was tried; those beyond what is kept under one. */
interface Attempts { count: number; names: Map<string, number>; since: number; recent: number[]; quick: boolean; first: LogLine; last: LogLine; until: number }
interface Address { attempts: Attempts | undefined; /** Accounts as which it logged on without guessing. */ known: Set<string>; /** By what account it got in by guessing. */ guesses: Map<string, Guess> }

export class Guesses {
  readonly #addresses = new Map<string, Address>();
  readonly found: Guess[] = [];
  /** Addresses and guesses beyond what is kept. */
  left = 0;

  add(event: Event, line: LogLine): void {
    const { source_ip: address, user = '', outcome } = event;
    if (event.action !== 'login' || address === undefined) return;
    let one = this.#addresses.get(address);
    if (!one) {
      if (this.#addresses.size >= addressesMax) { this.left++; return; }
      this.#addresses.set(address, one = { attempts: undefined, known: new Set(), guesses: new Map() });
    }
    if (outcome === 'failure') one.attempts = failed(one.attempts, user, event.time, line);
    else if (outcome === 'success') this.#succeeded(one, { address, user, event, line });
  }

  #succeeded(one: Address, { address, user, event: { time, method }, line }: { address: string; user: string; event: Event; line: LogLine }): void {
    const before = one.guesses.get(user);
    if (before) { if (byPassword(method)) before.again++; return; }
    const { attempts } = one;
    const known = one.known.has(user);
    if (byPassword(method) && attempts && time - attempts.until <= apart && isMany(attempts)) {
      one.attempts = undefined;
      if (this.found.length >= guessesMax) { this.left++; return; }
      const { count, names, since, quick, first, last } = attempts;
      const guess: Guess = { user, address, time, attempts: count, names: [...names.keys()], sure: quick || names.size >= namesMin, known, since, first, last, accepted: line, again: 0 };
      this.found.push(guess);
      if (!known) one.guesses.set(user, guess);
      return;
    }
    if (one.known.size < namesMax) one.known.add(user);
    // Whoever mistyped and then got in takes these attempts along, and nobody else's: one account of theirs hides no guessing at another.
    if (attempts && byPassword(method)) {
      attempts.count -= attempts.names.get(user) ?? 0;
      attempts.names.delete(user);
      if (attempts.count === 0) one.attempts = undefined;
    }
  }
}

const isMany = ({ count, names }: Attempts): boolean => count >= (names.size >= namesMin ? attemptsOfNamesMin : attemptsMin);

export const byPassword = (method: string | undefined): boolean => method !== undefined && /^(?:password|keyboard-interactive|pam)/.test(method);

function failed(before: Attempts | undefined, user: string, time: number, line: LogLine): Attempts {
  const attempts = before && time - before.until <= apart ? before : { count: 0, names: new Map<string, number>(), since: time, recent: [], quick: false, first: line, last: line, until: time };
  attempts.count++;
  const name = attempts.names.has(user) || attempts.names.size < namesMax ? user : '…';
  attempts.names.set(name, (attempts.names.get(name) ?? 0) + 1);
  attempts.recent.push(time);
  if (attempts.recent.length > quickCount) attempts.recent.shift();
  attempts.quick ||= attempts.recent.length === quickCount && time - attempts.recent[0]! <= quickMs;
  attempts.last = line;
  attempts.until = time;
  return attempts;
}
