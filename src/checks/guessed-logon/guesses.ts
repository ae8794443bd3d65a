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
  /** The address had logged on before the first attempt. */
  known: boolean;
  since: number;
  first: LogLine;
  last: LogLine;
  accepted: LogLine;
  /** Log-ons by password of the same account from there that followed. */
  again: number;
}

interface Attempts { count: number; names: Set<string>; since: number; recent: number[]; quick: boolean; first: LogLine; last: LogLine; until: number }
interface Address { attempts: Attempts | undefined; /** It has logged on. */ known: boolean; /** By what account it got in by guessing. */ guesses: Map<string, Guess> }

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
      this.#addresses.set(address, one = { attempts: undefined, known: false, guesses: new Map() });
    }
    if (outcome === 'failure') one.attempts = failed(one.attempts, user, event.time, line);
    else if (outcome === 'success') this.#succeeded(one, { address, user, event, line });
  }

  #succeeded(one: Address, { address, user, event: { time, method }, line }: { address: string; user: string; event: Event; line: LogLine }): void {
    const { attempts, known } = one;
    one.attempts = undefined;
    one.known = true;
    if (!byPassword(method)) return;
    const before = one.guesses.get(user);
    if (before) { before.again++; return; }
    if (!attempts || time - attempts.until > apart) return;
    const { count, names, since, quick, first, last } = attempts;
    const many = names.size >= namesMin;
    if (count < (many ? attemptsOfNamesMin : attemptsMin)) return;
    if (this.found.length >= guessesMax) { this.left++; return; }
    const guess: Guess = { user, address, time, attempts: count, names: [...names], sure: quick || many, known: known && one.guesses.size === 0, since, first, last, accepted: line, again: 0 };
    one.guesses.set(user, guess);
    this.found.push(guess);
  }
}

export const byPassword = (method: string | undefined): boolean => method !== undefined && /^(?:password|keyboard-interactive|pam)/.test(method);

function failed(before: Attempts | undefined, user: string, time: number, line: LogLine): Attempts {
  const attempts = before && time - before.until <= apart ? before : { count: 0, names: new Set<string>(), since: time, recent: [], quick: false, first: line, last: line, until: time };
  attempts.count++;
  if (attempts.names.size < namesMax) attempts.names.add(user);
  attempts.recent.push(time);
  if (attempts.recent.length > quickCount) attempts.recent.shift();
  attempts.quick ||= attempts.recent.length === quickCount && time - attempts.recent[0]! <= quickMs;
  attempts.last = line;
  attempts.until = time;
  return attempts;
}
