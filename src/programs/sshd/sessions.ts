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

export const newSession = (time: number): Session => ({
  address: undefined, port: -1, user: undefined, attempts: 0, counts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  accepted: false, closed: false, pending: false, odd: false, pamFailed: false, time,
});

/** Connections remembered; an address that opens more at once than this is counted too high, never too low. */
const rememberedSessions = 8192;
/** A log-on takes two minutes at most (LoginGraceTime); after a longer silence the pid belongs to another connection. */
const loginGraceMs = 10 * 60_000;

/** Connections by host and pid. */
export class Sessions {
  readonly #recent = new Recent<Session>(rememberedSessions);
  #host = '';
  #pid = -1;
  #last: Session | undefined;

  /**
   * The session a line belongs to. Lines without a pid each get a fresh one. `address` is the line's own
   * when it has one: another address than the session's means that the pid has been used again.
   */
  of(host: string | undefined, pid: number | undefined, time: number, address: string | undefined): Session {
    if (pid === undefined) return newSession(time);
    const name = host ?? '';
    let session = this.#last;
    if (session === undefined || pid !== this.#pid || name !== this.#host) session = this.#recent.get(`${pid} ${name}`);
    const stale = session === undefined
      || (!session.accepted && time - session.time > loginGraceMs)
      || (address !== undefined && session.address !== undefined && address !== session.address && isAddress(address) && isAddress(session.address));
    if (stale) session = this.#start(name, pid, time);
    session!.time = time;
    this.#host = name;
    this.#pid = pid;
    this.#last = session;
    return session!;
  }

  /** A new connection under this pid, whatever was before. */
  restart(host: string | undefined, pid: number | undefined, time: number): Session {
    if (pid === undefined) return newSession(time);
    const session = this.#start(host ?? '', pid, time);
    this.#host = host ?? '';
    this.#pid = pid;
    this.#last = session;
    return session;
  }

  #start(host: string, pid: number, time: number): Session {
    const session = newSession(time);
    this.#recent.set(`${pid} ${host}`, session);
    return session;
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
