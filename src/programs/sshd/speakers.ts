import type { Session } from './sessions.ts';

/** Hosts of which is remembered whether their sshd tells of log-ons. */
const rememberedHosts = 1024;

/**
 * Which hosts' sshd tells of log-ons itself. With LogLevel ERROR it does not: there the PAM lines are all there
 * is, and count. Elsewhere they only corroborate: of two modules the first may fail and the second let in.
 */
export class Speakers {
  /** True once sshd has told of a log-on; false when PAM has told of a failed one and sshd of none. */
  readonly #speaks = new Map<string, boolean>();

  /** sshd has told of a log-on in its own words. */
  spoke(host = ''): void {
    if (this.#speaks.get(host) !== true) this.#set(host, true);
  }

  /** A failure told by PAM is an attempt from the second connection on that sshd itself says nothing of. */
  pamCounts(session: Session, host = ''): boolean {
    const first = !session.pamFailed;
    session.pamFailed = true;
    const speaks = this.#speaks.get(host);
    if (speaks === undefined) this.#set(host, false);
    return speaks === false && (first || session.attempts > 0);
  }

  #set(host: string, speaks: boolean): void {
    if (this.#speaks.size >= rememberedHosts) this.#speaks.clear();
    this.#speaks.set(host, speaks);
  }
}
