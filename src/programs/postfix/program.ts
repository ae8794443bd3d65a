import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { canonicalIp } from '../../core/address.ts';
import { bracketPeer, isWord } from '../peer.ts';

export const postfix: Program = {
  id: 'postfix',
  title: { zh: 'Postfix 邮件服务', en: 'Postfix mail server' },
  // syslog_name is the administrator's to choose (postfix-in, mail …); the daemon's name after / is not.
  tags: ['postfix', 'postfix/*', 'postfix-*', '*/smtpd', '*/postscreen', '*/anvil', '*/cleanup'],
  open,
};

function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      const tag = event.process_name ?? '';
      const known = tag.endsWith('/postscreen') ? postscreen(message, event)
        : tag.endsWith('/anvil') ? anvil(message, event)
          : smtpd(message, event, attempts);
      if (!known) return false;
      event.kind = 'mail';
      event.service = 'postfix';
      return true;
    },
  };
}

/** smtpd and the daemons that write as it does (cleanup, submission …). */
function smtpd(message: string, event: Event, attempts: Attempts): boolean {
  if (message.startsWith('warning: ')) return warning(message, event, attempts);
  if (message.startsWith('connect from ')) return peer(message, 13, event) && mark(event, 'mail', 'connect', 'success');
  if (message.startsWith('disconnect from ')) return disconnect(message, event, attempts);
  // "NOQUEUE: " or the queue id may stand before the rest.
  const colon = message.indexOf(': ');
  const at = colon > 0 && colon < 24 && isWord(message, 0, colon) ? colon + 2 : 0;
  if (at > 0) {
    if (message.startsWith('reject: ', at)) return reject(message, at + 8, event);
    if (message.startsWith('milter-reject: ', at)) return reject(message, at + 15, event);
    if (message.startsWith('client=', at)) return client(message, at + 7, event);
  }
  if (message.startsWith('lost connection after ', at)) return lost(message, at + 22, event);
  if (message.startsWith('timeout after ', at)) return afterFrom(message, at + 14, event) && mark(event, 'mail', 'disconnect', 'unknown');
  if (message.startsWith('too many errors after ', at)) return afterFrom(message, at + 22, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('improper command pipelining after ', at)) return afterFrom(message, at + 34, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('null BDAT request from ', at)) return peer(message, at + 23, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('malformed BDAT command syntax from ', at)) return peer(message, at + 35, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('abort: TLS from ', at)) return peer(message, at + 16, event) && mark(event, 'mail', 'tls-error', 'unknown');
  if (message.startsWith('SSL_accept error from ', at)) return peer(message, at + 22, event) && mark(event, 'mail', 'tls-error', 'unknown');
  return false;
}

function warning(message: string, event: Event, attempts: Attempts): boolean {
  if (message.startsWith('hostname ', 9)) return hostname(message, event);
  if (message.startsWith('non-SMTP command from ', 9)) return peer(message, 31, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('Illegal address syntax from ', 9)) return peer(message, 37, event) && mark(event, 'mail', 'probe', 'failure');
  const limit = message.indexOf(' limit exceeded: ', 9);
  if (limit > 0 && limit < 60) {
    const from = message.indexOf(' from ', limit);
    return from > 0 && peer(message, from + 6, event) && mark(event, 'mail', 'reject', 'failure');
  }
  // warning: name[192.0.2.1]:port: SASL LOGIN authentication failed: reason[, sasl_username=name]
  const end = bracketPeer(message, 9, event);
  if (end < 0) return false;
  if (message.startsWith(': SASL ', end)) return sasl(message, end + 7, event, attempts);
  if (message.startsWith(' sent ', end) || message.startsWith(': request longer than ', end)) return mark(event, 'mail', 'probe', 'failure');
  return false;
}

function sasl(message: string, at: number, event: Event, attempts: Attempts): boolean {
  const methodEnd = message.indexOf(' authentication ', at);
  if (methodEnd < 0 || methodEnd - at > 40) return false;
  event.method = message.slice(at, methodEnd);
  const verb = methodEnd + 16;
  if (message.startsWith('aborted', verb)) return mark(event, 'authentication', 'login-aborted', 'unknown');
  if (!message.startsWith('failed:', verb)) return false;
  const reason = message.slice(verb + 7).trimStart();
  const name = message.lastIndexOf(', sasl_username=');
  const user = name > verb ? message.slice(name + 16) : '';
  if (user !== '' && user !== '(unavailable)') event.user = user;
  // The backend is down, or the client asked for a mechanism that is not offered: no password was tried. The sum at
  // the end of the connection counts these too, so they are entered as told.
  const down = reason.startsWith('Connection lost to authentication server') || reason.startsWith('Temporary ') || reason.startsWith('temporary ');
  if (down || reason.startsWith('Invalid authentication mechanism')) {
    if (event.source_ip !== undefined) attempts.add(event.source_ip, 0, 1, event.time);
    return down ? mark(event, 'authentication', 'login', 'unknown') : mark(event, 'mail', 'probe', 'failure');
  }
  return failedLogin(event, attempts, 0);
}

/** `hostname x does not resolve to address 192.0.2.1[: why]`, `hostname x verification failed`: bad DNS, not an attack. */
function hostname(message: string, event: Event): boolean {
  const at = message.indexOf(' does not resolve to address ', 18);
  if (at < 0) return false;
  const text = message.slice(at + 29);
  const colon = text.indexOf(': ');
  event.source_ip = canonicalIp(colon < 0 ? text : text.slice(0, colon));
  return mark(event, 'mail', 'hostname-mismatch', 'unknown');
}

/** `RCPT from name[192.0.2.1]: 554 5.7.1 …`; for headers and bodies `header Subject: … from name[…]; from=<…>`. */
function reject(message: string, at: number, event: Event): boolean {
  const stage = message.indexOf(' ', at);
  if (stage < 0) return false;
  if (message.startsWith('from ', stage + 1)) {
    const end = bracketPeer(message, stage + 6, event);
    if (end < 0) return false;
    // Status x.3.x is the state of the mail system: what the server itself lacks is not the client's doing.
    if (message.startsWith(': all server ports busy', end) || /^: 4\d\d 4\.3\.\d /.test(message.slice(end, end + 16))) return mark(event, 'mail', 'reject', 'unknown');
  } else {
    // The text of the mail stands before the address: believed only when nothing in it looks like one.
    const end = message.indexOf(']; from=<');
    if (end < 0 || message.indexOf(']; from=<', end + 1) >= 0) return mark(event, 'mail', 'reject', 'failure');
    bracketPeer(message, message.lastIndexOf('[', end), event);
  }
  return mark(event, 'mail', 'reject', 'failure');
}

function client(message: string, at: number, event: Event): boolean {
  const end = bracketPeer(message, at, event);
  if (end < 0) return false;
  const method = message.indexOf(', sasl_method=', end);
  if (method < 0) return mark(event, 'mail', 'message', 'success');
  const methodEnd = message.indexOf(', ', method + 2);
  event.method = message.slice(method + 14, methodEnd < 0 ? undefined : methodEnd);
  const user = message.indexOf(', sasl_username=', method);
  if (user >= 0) {
    const sender = message.indexOf(', sasl_sender=', user);
    event.user = message.slice(user + 16, sender < 0 ? undefined : sender);
  }
  return loginSuccess(event);
}

/** Loss during DATA is the network's, and after AUTH the attempt is told by its own line. */
function lost(message: string, at: number, event: Event): boolean {
  if (!afterFrom(message, at, event)) return false;
  const harmless = message.startsWith('DATA', at) || message.startsWith('AUTH', at) || message.startsWith('RSET', at) || message.startsWith('QUIT', at) || message.startsWith('BDAT', at) || message.startsWith('END-OF-MESSAGE', at);
  return harmless ? mark(event, 'mail', 'disconnect', 'unknown') : mark(event, 'mail', 'probe', 'failure');
}

/** `disconnect from name[192.0.2.1] ehlo=1 auth=0/2 quit=1 commands=2/4`: auth gives successes/attempts when some failed. */
function disconnect(message: string, event: Event, attempts: Attempts): boolean {
  const end = bracketPeer(message, 16, event);
  if (end < 0) return false;
  const auth = message.indexOf(' auth=', end);
  if (auth >= 0) {
    const counts = /^(\d{1,5})\/(\d{1,5})(?: |$)/.exec(message.slice(auth + 6, auth + 20));
    const failed = counts ? Number(counts[2]) - Number(counts[1]) : 0;
    if (failed > 0) return failedLogin(event, attempts, 1, failed);
  }
  return mark(event, 'mail', 'disconnect', 'success');
}

/** postscreen writes its word and the address first; what the client said comes after. */
function postscreen(message: string, event: Event): boolean {
  if (message.startsWith('NOQUEUE: reject: ')) return reject(message, 17, event);
  for (const word of abuse) {
    if (message.startsWith(word)) {
      const open = message.indexOf('[', word.length);
      return open >= 0 && open - word.length < 40 && bracketPeer(message, open, event) >= 0 && mark(event, 'mail', 'probe', 'failure');
    }
  }
  for (const word of refused) {
    if (message.startsWith(word)) return bracketPeer(message, word.length, event) >= 0 && mark(event, 'mail', 'reject', 'failure');
  }
  for (const word of passed) {
    if (message.startsWith(word)) return bracketPeer(message, word.length, event) >= 0 && mark(event, 'mail', 'connect', 'success');
  }
  return false;
}
const abuse = ['PREGREET ', 'HANGUP ', 'COMMAND PIPELINING from ', 'COMMAND TIME LIMIT from ', 'COMMAND COUNT LIMIT from ', 'COMMAND LENGTH LIMIT from ', 'NON-SMTP COMMAND from ', 'BARE NEWLINE from ', 'DATA without valid RCPT from ', 'BDAT without valid RCPT from '] as const;
const refused = ['DNSBL rank ', 'BLACKLISTED ', 'DENYLISTED ', 'WHITELIST VETO ', 'ALLOWLIST VETO '] as const;
const passed = ['CONNECT from ', 'PASS NEW ', 'PASS OLD ', 'WHITELISTED ', 'ALLOWLISTED ', 'DISCONNECT '] as const;

/** `statistics: max connection rate 3/60s for (smtp:192.0.2.1) at …` */
function anvil(message: string, event: Event): boolean {
  if (!message.startsWith('statistics: ')) return false;
  const open = message.indexOf(' for (');
  const close = message.indexOf(')', open);
  if (open < 0 || close < 0) return false;
  event.source_ip = canonicalIp(message.slice(message.indexOf(':', open) + 1, close));
  return mark(event, 'mail', 'statistics', 'unknown');
}

function afterFrom(message: string, at: number, event: Event): boolean {
  const from = message.indexOf(' from ', at);
  return from >= 0 && from - at < 60 && peer(message, from + 6, event);
}

function peer(message: string, at: number, event: Event): boolean {
  return bracketPeer(message, at, event) >= 0;
}
