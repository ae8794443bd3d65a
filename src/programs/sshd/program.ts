import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { canonicalAddress, isHost } from '../address.ts';
import { pamHead, readPam } from '../pam.ts';
import { Recent } from '../recent.ts';
import { tell } from '../tell.ts';
import { isNewAttempt, lineKinds, Sessions, type LineKind, type Session } from './sessions.ts';
import { Speakers } from './speakers.ts';
import { chooseFrom, forAt, readConnection, readFrom, readFromEnd, readLeading, type Peer } from './tail.ts';

/**
 * OpenSSH's server. One attempt at a password leaves up to three lines and one more at the close; only one of
 * them is the attempt (action `login`, outcome `failure`), the others corroborate it (`login-detail`,
 * `failure`). A key that a valid account does not hold is a detail too, because an honest client offers
 * several; the close without success is then the attempt. What no honest client does to the protocol is
 * category `network`, action `probe`, outcome `failure`.
 */
export const sshd: Program = {
  id: 'sshd',
  title: { zh: 'OpenSSH 服务器', en: 'OpenSSH server' },
  tags: ['sshd', 'sshd-session', 'sshd-auth'],
  open: () => new SshdDecoder(),
};

const longestMessage = 8192;

class SshdDecoder implements ProgramDecoder {
  readonly #sessions = new Sessions();
  readonly #peer: Peer = { from: -1, address: '', port: -1, user: undefined, invalid: false };
  readonly #speakers = new Speakers();
  /** When an address last said goodbye without an attempt. */
  readonly #quits = new Recent<string, number>(4096);

  decode(message: string, event: Event): boolean {
    event.kind = 'sshd';
    event.service = 'sshd';
    if (event.pid !== undefined) event.session = String(event.pid);
    // sshd cuts its messages at 1 kB: what is much longer is not its own, and not worth the search.
    if (message.length > longestMessage) return true;
    let text = message;
    let preauth = false;
    if (text.charCodeAt(text.length - 1) === 32) text = text.trimEnd();
    if (text.endsWith(' [preauth]')) { text = text.slice(0, -10); preauth = true; }
    if (text.charCodeAt(0) === 91) text = text.replace(/^\[ID \d{1,10} [a-z0-9.]{1,24}\] /, '');
    if (text.startsWith('error: ')) text = text.slice(7);
    else if (text.startsWith('fatal: ')) text = text.slice(7);
    this.#message(text, preauth, event);
    return true;
  }

  #message(text: string, preauth: boolean, event: Event): void {
    switch (text.charCodeAt(0)) {
      case 65: // A
        if (text.startsWith('Accepted ')) return this.#accepted(text, event);
        if (text.startsWith('Authentication tried for ')) return this.#refusedKey(text, event);
        if (text.startsWith('Address ') || text.startsWith('Authentication refused')) return this.#nameMismatch(text, event);
        return;
      case 66: // B
        return this.#badProtocol(text, event);
      case 67: // C
        return this.#connection(text, preauth, event);
      case 68: // D
        if (text.startsWith('Disconnected from ')) return this.#closed(text, 18, preauth, event);
        if (text.startsWith('Disconnecting')) return this.#disconnecting(text, event);
        if (text.startsWith('Did not receive identification string')) return this.#probeFromEnd(text, event);
        return;
      case 70: // F
        if (text.startsWith('Failed ')) return this.#failed(text, event);
        return;
      case 73: // I
        if (text.startsWith('Invalid user ') || text.startsWith('Illegal user ')) return this.#invalidUser(text, event);
        return;
      case 77: // M
        if (text.startsWith('Magic value check failed')) return this.#probeFromEnd(text, event);
        return;
      case 80: // P
        if (text.startsWith('PAM: ')) return this.#pamError(text, event);
        if (text.startsWith('PAM ')) return this.#pamSummary(text, event);
        if (text.startsWith('Postponed ') || text.startsWith('Partial ')) return this.#postponed(text, event);
        if (text.startsWith('Protocol major versions differ')) return this.#probeLeading(text, text.indexOf(' for ') + 5, event);
        return;
      case 82: // R
        return this.#received(text, preauth, event);
      case 83: // S
        return this.#service(text, event);
      case 84: // T
        if (text.startsWith('Timeout before authentication for connection from ')) return this.#timeout(text, 50, event);
        if (text.startsWith('Timeout before authentication for ')) return this.#timeout(text, 34, event);
        if (text.startsWith('Timeout, client not responding')) return this.#end(event);
        return;
      case 85: // U
        if (text.startsWith('User ')) return this.#notAllowed(text, event);
        if (text.startsWith('Unable to negotiate with ')) return this.#probeLeading(text, 25, event);
        if (text.startsWith('Unable to negotiate')) return this.#probeKnown(event);
        return;
      default:
        return this.#lowerCase(text, event);
    }
  }

  #lowerCase(text: string, event: Event): void {
    if (text.startsWith('pam_') || text.startsWith('(pam_')) return this.#pam(text, event);
    if (text.startsWith('maximum authentication attempts exceeded for ')) return this.#limit(text, 45, event);
    if (text.startsWith('kex_exchange_identification: ') || text.startsWith('kex_protocol_error: ')) return this.#kexFault(event);
    if (text.startsWith('banner exchange: Connection from ')) return this.#probeLeading(text, 33, event);
    if (text.startsWith('ssh_dispatch_run_fatal: Connection from ')) return this.#dispatchFault(text, 40, event);
    if (text.startsWith('refused connect from ')) return this.#refused(text, event);
    if (text.startsWith('drop connection #')) return this.#dropped(text, event);
    if (text.startsWith('no matching ') || text.startsWith('no hostkey alg') || text.startsWith('padding error')) return this.#probeKnown(event);
    if (text.startsWith('scanned from ')) return this.#probeLeading(text, 13, event);
    if (text.startsWith('reverse mapping checking ')) return this.#nameMismatch(text, event);
    if (text.startsWith('input_userauth_request: invalid user ')) {
      const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
      this.#login(event, session, text.slice(37), 'login-detail', 'failure');
      return;
    }
    if (text.startsWith('authentication failure;')) this.#pam(`pam_unix(sshd:auth): ${text}`, event);
  }

  /** Failed METHOD for [invalid user ]NAME from ADDRESS port N ssh2[: KEY] */
  #failed(text: string, event: Event): void {
    const methodEnd = forAt(text, 7);
    if (methodEnd < 0) return;
    const method = text.slice(7, methodEnd);
    const session = this.#peerSession(event, this.#readFrom(text, methodEnd + 5, event), true);
    const peer = this.#peer;
    event.method = method;
    this.#speakers.spoke(event.host);
    if (method === 'publickey' && !peer.invalid) return this.#login(event, session, peer.user, 'login-detail', 'failure');
    const kind = method === 'publickey' ? lineKinds.publickey : method === 'none' ? lineKinds.none : lineKinds.failed;
    this.#attempt(event, session, peer.user, kind);
  }

  #accepted(text: string, event: Event): void {
    const methodEnd = forAt(text, 9);
    if (methodEnd < 0 || text.startsWith('Accepted key ') || text.startsWith('Accepted certificate ')) return;
    const session = this.#peerSession(event, this.#readFrom(text, methodEnd + 5, event), true);
    session.accepted = true;
    event.method = text.slice(9, methodEnd);
    this.#speakers.spoke(event.host);
    this.#login(event, session, this.#peer.user, 'login', 'success');
  }

  #postponed(text: string, event: Event): void {
    const methodEnd = text.indexOf(' for ');
    if (methodEnd < 0) return;
    const session = this.#peerSession(event, this.#readFrom(text, methodEnd + 5, event), false);
    event.method = text.slice(text.indexOf(' ') + 1, methodEnd);
    this.#login(event, session, this.#peer.user, 'login-detail', 'unknown');
  }

  #invalidUser(text: string, event: Event): void {
    const session = this.#peerSession(event, readFromEnd(text, 12, text.length, this.#peer), true);
    // From 12 so that an empty name ("Invalid user  from …") reads too.
    const user = this.#peer.from >= 0 ? text.slice(13, Math.max(13, this.#peer.from - 6)) : text.slice(13);
    this.#speakers.spoke(event.host);
    this.#attempt(event, session, user, lineKinds.invalid);
  }

  /** maximum authentication attempts exceeded for [invalid user ]NAME from ADDRESS port N ssh2 */
  #limit(text: string, start: number, event: Event): void {
    const session = this.#peerSession(event, this.#readFrom(text, start, event), false);
    this.#speakers.spoke(event.host);
    this.#attempt(event, session, this.#peer.user, lineKinds.limit);
  }

  /** User NAME from HOST not allowed because REASON; a locked account is told without the host. */
  #notAllowed(text: string, event: Event): void {
    const end = text.lastIndexOf(' not allowed because ');
    if (end < 0) return;
    const read = readFromEnd(text, 4, end, this.#peer);
    const session = this.#peerSession(event, read, true);
    if (read) return this.#attempt(event, session, text.slice(5, Math.max(5, this.#peer.from - 6)), lineKinds.denied);
    session.pending = session.address === undefined;
    if (session.pending) return this.#login(event, session, text.slice(5, end), 'login-detail', 'failure');
    this.#attempt(event, session, text.slice(5, end), lineKinds.denied);
  }

  /** PAM: REASON for [illegal user ]NAME from HOST[ via ADDRESS] */
  #pamError(text: string, event: Event): void {
    let end = text.length;
    const via = text.lastIndexOf(' via ');
    if (via > 0 && isHost(text.slice(via + 5))) end = via;
    const start = text.indexOf(' for ', 5);
    if (start < 0) return;
    const read = readFromEnd(text, start + 5, end, this.#peer);
    if (!read) return;
    event.method = 'pam';
    this.#attempt(event, this.#peerSession(event, read, true), this.#peer.user, lineKinds.pamError);
  }

  /** PAM 2 more authentication failures; … (sshd's own wording of what pam_unix also writes). */
  #pamSummary(text: string, event: Event): void {
    const fact = readPam(text.slice(4), event);
    if (fact !== 'more-failures') return;
    const session = this.#sessions.of(event.host, event.pid, event.time, event.source_ip);
    event.method = 'pam';
    this.#login(event, session, event.user, 'login-detail', 'failure');
  }

  #pam(text: string, event: Event): void {
    const head = pamHead(text);
    if (head === undefined) return;
    const fact = readPam(head.text, event);
    if (fact === 'none') return;
    const session = this.#sessions.of(event.host, event.pid, event.time, event.source_ip);
    if (event.source_ip !== undefined && session.address === undefined) session.address = event.source_ip;
    switch (fact) {
      case 'failure': case 'more-failures':
        event.method = 'pam';
        if (this.#speakers.pamCounts(session, event.host)) return this.#attempt(event, session, event.user, lineKinds.pam);
        return this.#login(event, session, event.user, 'login-detail', 'failure');
      case 'detail':
        return this.#login(event, session, event.user, 'login-detail', 'failure');
      case 'locked':
        event.outcome = 'failure';
        event.category = 'authentication';
        event.action = 'account-locked';
        event.source_ip ??= session.address;
        return;
      case 'session-start': case 'session-end':
        tell(event, 'sshd', 'sshd', 'session', fact, 'success');
        event.user = event.target_user;
        event.source_ip ??= session.address;
        return;
      case 'password-change':
        tell(event, 'sshd', 'sshd', 'account', fact, 'success');
        return;
    }
  }

  /** Authentication tried for NAME with correct key but not from a permitted host (host=H, ip=ADDRESS, …) */
  #refusedKey(text: string, event: Event): void {
    const found = /\(host=[^ ,()]{1,255}, ip=([0-9A-Fa-f.:%a-z]{2,60})[,)]/.exec(text.slice(-700));
    const reasonAt = text.indexOf(' with ', 25);
    const read = found !== null;
    if (read) { this.#peer.from = 0; this.#peer.address = found[1]!; this.#peer.port = -1; }
    const session = this.#peerSession(event, read, false);
    event.method = 'publickey';
    this.#login(event, session, reasonAt > 0 ? text.slice(25, reasonAt) : undefined, 'login-detail', 'failure');
  }

  #connection(text: string, preauth: boolean, event: Event): void {
    if (text.startsWith('Connection closed by ')) return this.#closed(text, 21, preauth, event);
    if (text.startsWith('Connection reset by ')) return this.#closed(text, 20, preauth, event);
    if (text.startsWith('Connection from ')) {
      const read = readLeading(text, 16, this.#peer);
      this.#sessions.restart(event.host, event.pid, event.time);
      this.#peerSession(event, read, false);
      tell(event, 'sshd', 'sshd', 'network', 'connect', 'unknown');
      return;
    }
    if (text.startsWith('Corrupted MAC') || text.startsWith('Connection corrupted')) return this.#probeKnown(event);
    if (text.startsWith('Close session: ') || text.startsWith('Connection closed')) return this.#end(event);
  }

  /** Connection closed by …, Connection reset by …, Disconnected from …: [authenticating|invalid|]user NAME ADDRESS port N */
  #closed(text: string, start: number, preauth: boolean, event: Event): void {
    if (text.startsWith('remote host', start) || text.startsWith('peer', start)) return this.#probeKnown(event);
    const read = readConnection(text, start, text.length, this.#peer);
    if (!read) return;
    const session = this.#peerSession(event, read, false);
    const peer = this.#peer;
    const wasClosed = session.closed;
    session.closed = true;
    const trying = text.startsWith('authenticating user ', start) || text.startsWith('invalid user ', start);
    if (session.accepted || (peer.user !== undefined && !trying)) {
      tell(event, 'sshd', 'sshd', 'session', 'logout', 'success');
      event.user = peer.user ?? session.user;
      return;
    }
    if (trying) {
      this.#speakers.spoke(event.host);
      if (text.startsWith('Disconnected from authenticating') && session.attempts === 0 && !session.pending && !this.#quitsAgain(event)) {
        event.user = peer.user;
        return this.#probe(event);
      }
      // A second line of the same close ("Connection closed", then "Disconnected") is no second attempt.
      if (wasClosed && session.attempts > 0) return this.#login(event, session, peer.user, 'login-detail', 'failure');
      return this.#attempt(event, session, peer.user, lineKinds.close);
    }
    this.#left(event, session, preauth);
  }

  /**
   * A client said goodbye before any failure was told: once is a user who thought better of it or a look at
   * the methods on offer, again within ten minutes is somebody trying accounts.
   */
  #quitsAgain(event: Event): boolean {
    const address = event.source_ip ?? '';
    const before = this.#quits.get(address);
    this.#quits.set(address, event.time);
    return before !== undefined && Math.abs(event.time - before) <= 600_000;
  }

  /** A peer went whose account the line does not name. */
  #left(event: Event, session: Session, preauth: boolean): void {
    if (session.pending) { session.pending = false; return this.#attempt(event, session, session.user, lineKinds.close); }
    if (preauth && session.attempts > 0) return this.#login(event, session, session.user, 'login-detail', 'failure');
    if (preauth || session.odd) { session.odd = false; return this.#probe(event); }
    tell(event, 'sshd', 'sshd', 'network', 'disconnect', 'unknown');
  }

  /** Received disconnect from ADDRESS port N:11: TEXT */
  #received(text: string, preauth: boolean, event: Event): void {
    if (text.startsWith('Received disconnect from ')) {
      if (!readLeading(text, 25, this.#peer)) return;
      const session = this.#peerSession(event, true, false);
      if (session.accepted) return this.#end(event);
      return this.#left(event, session, preauth || /^\S{1,255}(?: port \d{1,5})?: ?(?:3|13|14): /.test(text.slice(25, 320)));
    }
    if (text.startsWith('Received signal ')) { tell(event, 'sshd', 'sshd', 'service', 'service-stop', 'success'); return; }
    if (text.startsWith('Received SIGHUP')) { tell(event, 'sshd', 'sshd', 'service', 'service-reload', 'success'); return; }
    if (text.startsWith('ROOT LOGIN REFUSED FROM ')) {
      const session = this.#peerSession(event, readLeading(text, 24, this.#peer), true);
      return this.#attempt(event, session, 'root', lineKinds.denied);
    }
    if (text.startsWith('Read from socket failed') || text.startsWith('Read error from remote host')) return this.#probeKnown(event);
  }

  /** Disconnecting[ [authenticating|invalid ]user NAME ADDRESS port N]: REASON */
  #disconnecting(text: string, event: Event): void {
    const many = text.indexOf(': Too many authentication failures');
    if (text.startsWith('Disconnecting: ')) {
      const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
      if (many < 0) return this.#probeKnown(event);
      const user = text.startsWith(' for ', many + 34) ? text.slice(many + 39) : session.user;
      if (session.address === undefined && event.pid !== undefined) {
        session.pending = true;
        return this.#login(event, session, user, 'login-detail', 'failure');
      }
      return this.#attempt(event, session, user, lineKinds.disconnecting);
    }
    // The reason may hold names the client chose, so take the first "port N: " only if it is the only one.
    const ends = [...text.matchAll(/ port \d{1,5}(?=: )/g)].slice(0, 8);
    const known = this.#known(event);
    for (const end of ends.reverse()) {
      if (!readConnection(text, 14, end.index + end[0].length, this.#peer)) continue;
      if (ends.length > 1 && canonicalAddress(this.#peer.address) !== known) continue;
      const session = this.#peerSession(event, true, false);
      return this.#attempt(event, session, this.#peer.user, lineKinds.disconnecting);
    }
    this.#probeKnown(event);
  }

  /** refused connect from [USER@]HOST (ADDRESS): USER is what the client's identd says. */
  #refused(text: string, event: Event): void {
    const found = /\(([0-9A-Fa-f.:%a-z]{2,60})\)$/.exec(text.slice(-64));
    const read = found !== null || readConnection(text, 21, text.length, this.#peer);
    if (found !== null) { this.#peer.from = 0; this.#peer.address = found[1]!; this.#peer.port = -1; }
    this.#peerSession(event, read, false);
    tell(event, 'sshd', 'sshd', 'authentication', 'connection-refused', 'failure');
  }

  /** drop connection #12 from [ADDRESS]:N on [ADDRESS]:22 past MaxStartups | penalty: … */
  #dropped(text: string, event: Event): void {
    const from = text.indexOf(' from ');
    // The listener says this, so its pid is no session.
    if (from > 0 && readLeading(text, from + 6, this.#peer)) this.#setPeer(event);
    this.#probe(event);
    event.action = 'connection-refused';
  }

  #badProtocol(text: string, event: Event): void {
    if (text.startsWith('Bad protocol version identification ') || text.startsWith('Bad remote protocol version identification')) return this.#probeFromEnd(text, event);
    if (text.startsWith('Bad packet length') || text.startsWith('Bad client')) return this.#probeKnown(event);
  }

  #dispatchFault(text: string, start: number, event: Event): void {
    // The name may hold "port 1: " as well; what follows the last one is the daemon's fixed wording.
    const port = [...text.matchAll(/ port \d{1,5}(?=: )/g)].at(-1);
    if (port === undefined || !readConnection(text, start, port.index + port[0].length, this.#peer)) return this.#probeLeading(text, start, event);
    this.#peerSession(event, true, false);
    this.#probe(event);
    event.user = this.#peer.user;
  }

  #timeout(text: string, start: number, event: Event): void {
    if (!readLeading(text, start, this.#peer)) return;
    // Newer servers tell it from the listener, with the session's pid at the end.
    const pid = /, pid = (\d{1,10})$/.exec(text);
    if (pid !== null) { event.pid = Number(pid[1]); event.session = pid[1]; }
    this.#peerSession(event, true, false);
    this.#probe(event);
  }

  #service(text: string, event: Event): void {
    if (text.startsWith('Server listening on ')) { tell(event, 'sshd', 'sshd', 'service', 'service-start', 'success'); return; }
    if (text.startsWith('SSH: Server;')) {
      const found = /;Remote: ([0-9A-Fa-f.:]{2,60})-(\d{1,5})(?:;|$)/.exec(text.slice(0, 200));
      if (found === null) return;
      this.#peer.from = 0;
      this.#peer.address = found[1]!;
      this.#peer.port = Number(found[2]);
      this.#peerSession(event, true, false);
      tell(event, 'sshd', 'sshd', 'network', 'connect', 'unknown');
      return;
    }
    if (text.startsWith('Starting session: ')) {
      const found = / for (.{1,256}) from ([0-9A-Za-z.:%_-]{1,255}) port (\d{1,5}) id \d{1,6}$/.exec(text);
      if (found === null) return;
      tell(event, 'sshd', 'sshd', 'session', 'session-start', 'success');
      event.user = found[1];
      event.source_ip = canonicalAddress(found[2]!);
      event.source_port = Number(found[3]);
    }
  }

  #end(event: Event): void {
    const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
    tell(event, 'sshd', 'sshd', 'session', 'disconnect', 'unknown');
    event.user ??= session.user;
    event.source_ip ??= session.address;
  }

  #nameMismatch(text: string, event: Event): void {
    const found = /^Address ([0-9A-Fa-f.:]{2,60}) maps to /.exec(text) ?? /\[([0-9A-Fa-f.:]{2,60})\] failed/.exec(text);
    if (found === null) return;
    tell(event, 'sshd', 'sshd', 'network', 'reverse-mapping', 'unknown');
    event.source_ip = canonicalAddress(found[1]!);
  }

  /** A fault before names are exchanged; it comes without the address, which the next line tells. */
  #kexFault(event: Event): void {
    const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
    session.odd = session.address === undefined;
    this.#probeKnown(event);
  }

  #probeKnown(event: Event): void {
    const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
    event.source_ip = session.address;
    if (session.port >= 0) event.source_port = session.port;
    this.#probe(event);
  }

  #probeLeading(text: string, start: number, event: Event): void {
    this.#peerSession(event, readLeading(text, start, this.#peer), false);
    this.#probe(event);
  }

  #probeFromEnd(text: string, event: Event): void {
    this.#peerSession(event, readFromEnd(text, 0, text.length, this.#peer), false);
    this.#probe(event);
  }

  #probe(event: Event): void {
    tell(event, 'sshd', 'sshd', 'network', 'probe', 'failure');
  }

  #readFrom(text: string, start: number, event: Event): boolean {
    return readFrom(text, start, this.#peer) || chooseFrom(text, start, this.#peer, this.#known(event));
  }

  /** The address this connection has so far. */
  #known(event: Event): string | undefined {
    if (event.pid === undefined) return undefined;
    const session = this.#sessions.of(event.host, event.pid, event.time, undefined);
    return session.accepted || session.closed ? undefined : session.address;
  }

  #setPeer(event: Event): void {
    if (this.#peer.address === 'UNKNOWN') return;
    event.source_ip = canonicalAddress(this.#peer.address);
    if (this.#peer.port >= 0) event.source_port = this.#peer.port;
  }

  /**
   * The session of a line whose peer was read into #peer (`read`), with the event's address filled in.
   * `begins`: the line tells of authentication, so after an accepted or closed one it belongs to a new connection.
   */
  #peerSession(event: Event, read: boolean, begins: boolean): Session {
    if (read) this.#setPeer(event);
    let session = this.#sessions.of(event.host, event.pid, event.time, event.source_ip);
    if (begins && (session.accepted || session.closed)) session = this.#sessions.restart(event.host, event.pid, event.time);
    if (read) {
      session.address ??= event.source_ip;
      if (this.#peer.port >= 0) session.port = this.#peer.port;
    } else {
      event.source_ip = session.address;
      if (session.port >= 0) event.source_port = session.port;
    }
    return session;
  }

  #attempt(event: Event, session: Session, user: string | undefined, kind: LineKind): void {
    session.pending = false;
    this.#login(event, session, user, isNewAttempt(session, kind) ? 'login' : 'login-detail', 'failure');
  }

  #login(event: Event, session: Session, user: string | undefined, action: string, outcome: string): void {
    event.category = 'authentication';
    event.action = action;
    event.outcome = outcome;
    event.user = user ?? session.user;
    session.user = event.user;
    event.source_ip ??= session.address;
    if (event.source_port === undefined && session.port >= 0) event.source_port = session.port;
  }
}
