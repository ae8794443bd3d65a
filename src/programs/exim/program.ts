import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';
import { bracketIp, isWord, mostCandidates, portAfter } from '../peer.ts';

export const exim: Program = {
  id: 'exim',
  title: { zh: 'Exim 邮件服务', en: 'Exim mail server' },
  tags: ['exim', 'exim4'],
  open,
};

/*
 * Exim writes a peer as `host.name (helo) [192.0.2.1]:port I=[…]:25 U=ident`. The HELO name is the client's; by
 * default exim takes only names and address literals there, so that the peer ends at the first ` [address]` after
 * it. An administrator may allow junk in HELO (helo_accept_junk_hosts, helo_allow_chars), and what follows the
 * peer (set_id, recipients, input) is the client's too. So where two candidates differ before the daemon's own
 * next words, none is taken: the event then has no address, and nobody else is blamed. It costs little: an account
 * with such text in it is no guess at a real one.
 */
function open(): ProgramDecoder {
  return {
    decode(message, event) {
      if (!line(message, messageId(message), event)) return false;
      event.kind = 'mail';
      event.service = 'exim';
      return true;
    },
  };
}

/** What may precede the text in syslog: `[1/4] ` for a line cut in parts and exim's own time (syslog_timestamp). */
const syslogHead = /^(?:\[\d{1,3}[\\/]\d{1,3}\] )?(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? (?:[+-]\d{4} )?)?/;

/** Skips these heads, `[pid] ` and the message id (`1abcde-000123-AB`, since 4.97 `1abcde-00000001234-AbCd`). */
function messageId(message: string): number {
  let at = syslogHead.exec(message.slice(0, 64))?.[0].length ?? 0;
  if (message.charCodeAt(at) === 91) {
    const close = message.indexOf('] ', at);
    if (close > 0 && close - at < 12 && isWord(message, at + 1, close)) at = close + 2;
  }
  const blank = message.indexOf(' ', at);
  const width = blank - at;
  if ((width === 16 || width === 23) && message.charCodeAt(at + 6) === 45 && message.charCodeAt(blank - (width === 16 ? 3 : 5)) === 45) return blank + 1;
  return at;
}

function line(message: string, at: number, event: Event): boolean {
  if (message.startsWith('H=', at)) return fromHost(message, at, event);
  if (message.startsWith('<= ', at)) return arrival(message, at, event);
  if (message.startsWith('SMTP ', at)) return smtp(message, at, event);
  if (message.startsWith('SA: Action: ', at)) return spamAssassin(message, event);
  const failed = message.indexOf(' authenticator failed for ', at);
  if (failed > 0 && failed - at < 64) return authenticator(message, at, failed, event);
  if (message.startsWith('no MAIL in ', at)) {
    const from = message.indexOf('SMTP connection from ', at);
    if (from < 0 || from - at > 40) return false;
    const end = message.indexOf(' D=', from);
    peer(message, from + 21, end < 0 ? message.length : end, event);
    return mark(event, 'mail', 'probe', 'failure');
  }
  const reading = message.startsWith('unexpected ', at) ? message.indexOf(' while reading SMTP command from ', at) : -1;
  if (reading > 0 && reading - at < 40) {
    peer(message, reading + 33, message.length, event);
    return mark(event, 'mail', 'disconnect', 'unknown');
  }
  const refused = message.startsWith('temporarily ', at) ? at + 12 : at;
  if (message.startsWith('refused connection from ', refused)) {
    const colon = message.indexOf(': ', refused);
    peer(message, refused + 24, colon < 0 ? message.length : colon, event);
    return mark(event, 'mail', 'reject', 'failure');
  }
  if (message.startsWith('Connection from ', at) && message.includes(' refused: ')) {
    peer(message, at + 16, message.length, event);
    return mark(event, 'mail', 'reject', 'failure');
  }
  const helo = /^rejected (?:EHLO|HELO|MAIL) from /.exec(message.slice(at, at + 24));
  if (helo !== null) {
    const colon = message.indexOf(': ', at);
    peer(message, at + helo[0].length, colon < 0 ? message.length : colon, event);
    return mark(event, 'mail', 'probe', 'failure');
  }
  if (message.startsWith('unqualified ', at) && message.includes(' rejected: <')) {
    quotedCommand(message, at, event);
    return mark(event, 'mail', 'reject', 'failure');
  }
  const local = message.indexOf(' rejected by local_scan()');
  if (local > 0) {
    const host = message.indexOf('H=', at);
    if (host >= 0 && host < local) peer(message, host + 2, local, event);
    return mark(event, 'mail', 'reject', 'failure');
  }
  return false;
}

/** `login authenticator failed for host (helo) [192.0.2.1]:4321: 535 Incorrect authentication data (set_id=user)` */
function authenticator(message: string, at: number, failed: number, event: Event): boolean {
  event.method = message.slice(at, failed);
  const start = failed + 26;
  const id = message.indexOf('(set_id=', start);
  const to = id < 0 ? message.length : id;
  const answer = answerAfterPeer(message, start, to, event);
  if (id >= 0) {
    const close = message.endsWith(')') ? message.length - 1 : message.lastIndexOf('): ');
    event.user = message.slice(id + 8, close > id ? close : undefined);
    // A second set_id is part of somebody's forgery; which one is not to be told.
    if (message.indexOf('(set_id=', id + 8) >= 0) event.source_ip = undefined;
  }
  if (answer === 52) return mark(event, 'authentication', 'login', 'unknown'); // 4xx: the backend is down
  return loginFailure(event);
}

/** Reads the peer before the SMTP answer (`: 535 …`); returns the answer's first character code. */
function answerAfterPeer(message: string, start: number, to: number, event: Event): number {
  let code = 0;
  let ip: string | undefined;
  for (let open = nextOpen(message, start, to); open >= 0; open = nextOpen(message, open + 1, to)) {
    const found = bracketIp(message, open);
    if (found === undefined) continue;
    const end = portAfter(message, message.indexOf(']', open) + 1, event);
    const colon = message.charCodeAt(end) === 58 ? end : message.indexOf(': ', end);
    code = colon < 0 ? 0 : message.charCodeAt(colon + 2);
    // The last one before (set_id=: a HELO name can forge only those before it.
    ip = found;
  }
  event.source_ip = ip;
  return code;
}

/** A ` [`, or a `[` at the very start, as exim opens a peer's address (an interface is `I=[`, a literal HELO `([`). */
function nextOpen(message: string, from: number, to: number): number {
  if (message.charCodeAt(from) === 91) return from;
  const at = message.indexOf(' [', from);
  return at < 0 || at + 1 >= to ? -1 : at + 1;
}

/** Takes the one address between `start` and `to`; none when several differ. */
function peer(message: string, start: number, to: number, event: Event): void {
  const from = message.startsWith('H=', start) ? start + 2 : start;
  let ip: string | undefined;
  for (let open = nextOpen(message, from, to); open >= 0; open = nextOpen(message, open + 1, to)) {
    const found = bracketIp(message, open);
    if (found === undefined) continue;
    if (ip !== undefined && ip !== found) {
      event.source_ip = undefined;
      event.source_port = undefined;
      return;
    }
    ip = found;
    portAfter(message, message.indexOf(']', open) + 1, event);
  }
  event.source_ip = ip;
}

/** The daemon's words that may follow a peer; what is after them is no longer its name. */
const afterPeer = [' I=[', ' U=', ' P=', ' X=', ' CV=', ' SNI=', ' DN=', ' A=', ' F=<', ' rejected ', ' temporarily rejected ', ' sender verify ', ' Warning: ', ' incomplete transaction ', ' SMTP '] as const;

function peerEnd(message: string, from: number): number {
  let end = message.length;
  for (const word of afterPeer) {
    const at = message.indexOf(word, from);
    if (at >= 0 && at < end) end = at;
  }
  return end;
}

/** `H=host (helo) [192.0.2.1]:port … F=<sender> rejected RCPT <rcpt>: why` and its relatives. */
function fromHost(message: string, at: number, event: Event): boolean {
  const end = peerEnd(message, at + 2);
  const rest = message.slice(end);
  const refused = rest.includes(' rejected ') || rest.startsWith(' sender verify fail') || rest.startsWith(' sender verify defer');
  if (!refused && !rest.includes(' Warning: ') && !rest.includes(' incomplete transaction ')) return false;
  peer(message, at + 2, end, event);
  if (!refused) return mark(event, 'mail', 'warning', 'unknown');
  if (rest.includes(' rejected AUTH')) return mark(event, 'mail', 'probe', 'failure');
  const helo = rest.indexOf(' rejected EHLO or HELO ');
  return mark(event, 'mail', helo >= 0 ? 'probe' : 'reject', 'failure');
}

/** `<= sender H=host (helo) [192.0.2.1]:port P=esmtpsa X=… A=login:user S=123`: a mail came in, by someone who logged in. */
function arrival(message: string, at: number, event: Event): boolean {
  const host = message.indexOf(' H=', at);
  if (host < 0) return false;
  const subject = message.indexOf(' T="', host);
  const to = subject < 0 ? message.length : subject;
  const authenticated = message.indexOf(' A=', host);
  peer(message, host + 3, Math.min(to, peerEnd(message, host + 3)), event);
  if (message.indexOf(' H=', host + 3) >= 0 && message.indexOf(' H=', host + 3) < to) event.source_ip = undefined;
  if (authenticated < 0 || authenticated > to) return mark(event, 'mail', 'message', 'success');
  const colon = message.indexOf(':', authenticated);
  const blank = message.indexOf(' ', authenticated + 1);
  const end = blank < 0 ? message.length : blank;
  if (colon > 0 && colon < end) {
    event.method = message.slice(authenticated + 3, colon);
    event.user = message.slice(colon + 1, end);
  } else event.method = message.slice(authenticated + 3, end);
  return loginSuccess(event);
}

function smtp(message: string, at: number, event: Event): boolean {
  if (message.startsWith('SMTP protocol synchronization error ', at) || message.startsWith('SMTP protocol error in ', at) || message.startsWith('SMTP syntax error in ', at)) {
    quotedCommand(message, at, event);
    const refused = message.startsWith('SMTP protocol', at);
    return mark(event, 'mail', 'probe', refused ? 'failure' : 'unknown');
  }
  if (message.startsWith('SMTP call from ', at)) {
    const dropped = message.indexOf(' dropped: ', at);
    if (dropped < 0) return false;
    peer(message, at + 15, dropped, event);
    return mark(event, 'mail', 'probe', 'failure');
  }
  const from = message.startsWith('SMTP connection from ', at) ? at + 21
    : message.startsWith('SMTP command timeout on ', at) || message.startsWith('SMTP data timeout ', at) ? message.indexOf(' from ', at) + 6 : -1;
  if (from < 6) return false;
  const drop = message.indexOf(' closed by DROP in ACL', from);
  peer(message, from, drop < 0 ? message.length : drop, event);
  if (drop >= 0) return mark(event, 'mail', 'reject', 'failure');
  const ended = from > at + 21 || message.includes(' lost', from) || message.includes(' closed by ', from);
  return mark(event, 'mail', ended ? 'disconnect' : 'connect', 'unknown');
}

/** The command (or mail address) stands before ` H=` and input after it; both are the client's, so every H= must name the same address. */
function quotedCommand(message: string, at: number, event: Event): void {
  const early = message.indexOf('): rejected connection from H=', at);
  const input = message.indexOf(' input="', at);
  if (early > 0 && early < input) {
    // Nothing was heard from the client before its address: what it sent is all behind it.
    peer(message, early + 28, input, event);
    return;
  }
  let ip: string | undefined;
  let candidates = 0;
  for (let host = message.indexOf(' H=', at); host >= 0; host = message.indexOf(' H=', host + 3)) {
    event.source_ip = undefined;
    if (++candidates > mostCandidates) return;
    const open = message.charCodeAt(host + 3) === 91 ? host + 3 : message.indexOf(' [', host) + 1;
    const found = open > host ? bracketIp(message, open) : undefined;
    if (found === undefined) continue;
    if (ip !== undefined && ip !== found) return;
    ip = found;
  }
  event.source_ip = ip;
}

/** sa-exim: `SA: Action: permanently rejected message: score=… From <x> (host=name [192.0.2.1]) for y` */
function spamAssassin(message: string, event: Event): boolean {
  const refused = message.includes('rejected message') || message.includes('silently tossed') || message.includes('teergrubed');
  if (!refused) return false;
  const host = message.lastIndexOf(' (host=');
  if (host > 0) event.source_ip = bracketIp(message, message.indexOf('[', host));
  return mark(event, 'mail', 'reject', 'failure');
}
