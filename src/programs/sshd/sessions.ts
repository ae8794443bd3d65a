import { isAddress } from '../address.ts';
import { Recent } from '../recent.ts';

/** The kinds of line that each tell of an attempt; one attempt may leave one line of each. */
export const lineKinds = { invalid: 0, denied: 1, none: 2, publickey: 3, failed: 4, pamError: 5, pam: 6, limit: 7, disconnecting: 8, close: 9 } as const;
export type LineKind = (typeof lineKinds)[keyof typeof lineKinds];

/** What is known of one connection, that is of one sshd process. */
export interface Session {
  /** Address as first told by a line whose form a client cannot bend. */
  address: string | undefined;
  port: number;
  user: string | undefined;
  /** Attempts counted so far: the highest of the counters. */
  attempts: number;
  /** Lines seen, by kind. */
  counts: number[];
  accepted: boolean;
  closed: boolean;
  /** A failure was told without an address; the next line with one is that attempt. */
  pending: boolean;
  /** A protocol fault was told without an address. */
  odd: boolean;
  /** PAM told of a failure. */
  pamFailed: boolean;
  /** Unix ms of its last line. */
  time: number;
}

const newSession = (time: number): Session => ({
  address: undefined, port: -1, user: undefined, attempts: 0, counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  accepted: false, closed: false, pending: false, odd: false, pamFailed: false, time,
});

/** Connections remembered; an address that opens more at once than this is counted too high, never too low. */
const rememberedSessions = 8192;
/** A log-on takes two minutes at most (LoginGraceTime); after a longer silence the pid belongs to another connection. */
const loginGraceMs = 10 * 60_000;

/** Hosts in one log of which connections are told apart; a central log of more mixes the oldest up. */
const mostHosts = 65_536;

/** Connections by host and pid. */
export class Sessions {
  readonly #recent = new Recent<number, Session>(rememberedSessions);
  readonly #hosts = new Map<string, number>();
  #nextHost = 1;
  #host: string | undefined;
  #hostKey = 0;

  /**
   * The session a line belongs to. Lines without a pid each get a fresh one. `address` is the line's own
   * when it has one: another address than the session's means that the pid has been used again.
   */
  of(host: string | undefined, pid: number | undefined, time: number, address: string | undefined): Session {
    if (pid === undefined) return newSession(time);
    const key = this.#key(host ?? '', pid);
    const session = this.#recent.get(key);
    const stale = session === undefined
      || (!session.accepted && time - session.time > loginGraceMs)
      || (address !== undefined && session.address !== undefined && address !== session.address && isAddress(address) && isAddress(session.address));
    if (stale) return this.#start(key, time);
    session.time = time;
    return session;
  }

  /** A new connection under this pid, whatever was before. */
  restart(host: string | undefined, pid: number | undefined, time: number): Session {
    return pid === undefined ? newSession(time) : this.#start(this.#key(host ?? '', pid), time);
  }

  #start(key: number, time: number): Session {
    const session = newSession(time);
    this.#recent.set(key, session);
    return session;
  }

  /** Host and pid as one small number: hosts are numbered as they come, pids have 22 bits. */
  #key(host: string, pid: number): number {
    if (host !== this.#host) {
      let number = this.#hosts.get(host);
      if (number === undefined) {
        if (this.#hosts.size >= mostHosts) this.#hosts.clear();
        number = this.#nextHost;
        this.#nextHost = (this.#nextHost + 1) % mostHosts;
        this.#hosts.set(host, number);
      }
      this.#host = host;
      this.#hostKey = number;
    }
    return this.#hostKey * 4_194_304 + (pid & 4_194_303);
  }
}

/** Counts a line; true when it tells of an attempt that no line before has told of. */
export function isNewAttempt(session: Session, kind: LineKind): boolean {
  const count = session.counts[kind]! + 1;
  session.counts[kind] = count;
  if (count <= session.attempts) return false;
  session.attempts = count;
  return true;
}
