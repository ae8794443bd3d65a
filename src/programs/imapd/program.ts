import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginFailure, loginSuccess, mark } from '../attempts.ts';
import { pamFailure } from '../pam-failure.ts';
import { bracketIp, bracketPeer, portAfter, takePeer, takePeerOrName } from '../peer.ts';

/**
 * IMAP, POP and sieve daemons other than Dovecot. They share their tags (imapd is Courier's and UW's), so the
 * message tells whose line it is.
 */
export const imapd: Program = {
  id: 'imapd',
  title: { zh: '其他收信服务（Courier、Cyrus、UW-IMAP、Perdition 等）', en: 'other IMAP and POP servers (Courier, Cyrus, UW-IMAP, Perdition …)' },
  tags: ['imapd', 'imapd-ssl', 'imaplogin', 'courierimaplogin', 'courier-imapd', 'courier-imaps', 'ipop3d', 'pop3d', 'pop3d-ssl', 'pop3login', 'courierpop3login', 'courier-pop3d', 'courier-pop3s',
    'imap', 'imaps', 'pop3', 'pop3s', 'lmtp', 'lmtpd', 'lmtpunix', 'nntpd', 'cyrus/*', 'cyrus', 'cyrus-imapd', 'sieve', 'timsieved', 'managesieve', 'perdition', 'perdition.*', 'solid-pop3d', 'spop3d'],
  open,
};

function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      if (pamFailure(message, event)) {
        event.service = 'imapd';
        failedLogin(event, attempts, 0);
      } else if (!courier(message, event, attempts) && !cyrus(message, event, attempts) && !uw(message, event, attempts) && !perdition(message, event) && !solid(message, event)) return false;
      event.kind = 'mail';
      return true;
    },
  };
}

/**
 * `LOGIN FAILED, user=x, ip=[::ffff:192.0.2.1][, port=[n]]`, `LOGIN, user=x, ip=[…], port=[n], protocol=IMAP`, from 5.0
 * with the level before it (`INFO: LOGIN FAILED, …`): the last ip is the daemon's.
 */
function courier(text: string, event: Event, attempts: Attempts): boolean {
  const level = /^(?:DEBUG|INFO|NOTICE|WARN|ERR): /.exec(text.slice(0, 10));
  const message = level === null ? text : text.slice(level[0].length);
  const failed = message.startsWith('LOGIN FAILED, ');
  if (!failed && !message.startsWith('LOGIN, ') && !message.startsWith('LOGOUT, ') && !message.startsWith('DISCONNECTED, ')) return false;
  const at = message.lastIndexOf(', ip=[');
  if (at < 0) return false;
  event.service = 'courier';
  event.source_ip = bracketIp(message, at + 5);
  const port = message.indexOf('], port=[', at);
  if (port > 0) portAfter(`:${message.slice(port + 9, port + 14)}`, 0, event);
  const user = message.indexOf(', user=');
  if (user >= 0 && user < at) event.user = message.slice(user + 7, at);
  const method = message.indexOf(', method=');
  if (method >= 0 && method < at) event.method = message.slice(method + 9, at);
  if (failed) return failedLogin(event, attempts, 1);
  return message.startsWith('LOGIN, ') ? loginSuccess(event) : mark(event, 'session', 'session-end', 'success');
}

/** `badlogin: host [192.0.2.1] PLAIN user SASL(-13): …`, `login: host [192.0.2.1] user plaintext User logged in`: the peer comes first. */
function cyrus(message: string, event: Event, attempts: Attempts): boolean {
  const failed = message.startsWith('badlogin: ');
  if (!failed && !message.startsWith('login: ')) return false;
  const end = bracketPeer(message, failed ? 10 : 7, event);
  if (end < 0) return false;
  event.service = 'cyrus';
  const rest = message.slice(end).trim();
  const words = rest.split(' ', 3);
  if (!failed) {
    // "anonymous address" names nobody; "as user" is the oldest form.
    event.user = words[0] === 'as' ? words[1] : words[0];
    event.method = words[0] === 'as' ? undefined : words[1];
    return loginSuccess(event);
  }
  if (rest.startsWith('anonymous login refused')) return mark(event, 'mail', 'reject', 'failure');
  event.method = words[0];
  if (words[1]?.startsWith('(') === true) { // since 3.0: MECH (user) [reason]
    const close = Math.max(rest.lastIndexOf(') ['), rest.lastIndexOf(') invalid user'));
    event.user = close > 0 ? rest.slice(rest.indexOf('(') + 1, close) : undefined;
    return rest.includes(') [SASL(-4)') ? mark(event, 'mail', 'probe', 'failure') : failedLogin(event, attempts, 1);
  }
  // What follows is the user or, when it was not understood, the reason.
  if (words[1] && !words[1].startsWith('SASL') && !words[1].startsWith('[') && words[1] !== 'authentication') event.user = words[1];
  // A mechanism that is not offered (SASL(-4)) or a failed generic one (-1) is no wrong password, yet refused.
  return /SASL\(-4\)/.test(message.slice(end)) ? mark(event, 'mail', 'probe', 'failure') : failedLogin(event, attempts, 1);
}

/** `Login failed user=x auth=x host=name [192.0.2.1]`: the host is last. */
function uw(message: string, event: Event, attempts: Attempts): boolean {
  const host = message.lastIndexOf(' host=');
  if (host < 0) return false;
  const open = message.indexOf('[', host);
  const ip = open < 0 ? undefined : bracketIp(message, open);
  const failed = message.startsWith('Login failed ') || message.startsWith('Login disabled ') || message.startsWith('Failed ') || / failure host=/.test(message.slice(Math.max(0, host - 8), host + 6));
  const again = message.startsWith('Login excessive login failures ');
  const passed = message.startsWith('Login user=') || message.startsWith('Authenticated user=') || message.startsWith('Auth user=');
  if (!failed && !again && !passed) return false;
  event.service = 'uw-imap';
  if (ip !== undefined) event.source_ip = ip;
  else takePeerOrName(message.slice(host + 6).trim(), event);
  const user = message.indexOf(' user=');
  if (user >= 0 && user < host) {
    const auth = message.lastIndexOf(' auth=', host);
    event.user = message.slice(user + 6, auth > user ? auth : host).trimEnd();
  }
  if (passed) return loginSuccess(event);
  // The sum of attempts that were told one by one.
  return failedLogin(event, attempts, again ? 2 : 1);
}

/** `Auth: 192.0.2.1:1234->192.0.2.9:143 … authentication_id="x" … status="failed: …"`, `Fatal Error reading authentication information from client 192.0.2.1:…` */
function perdition(message: string, event: Event): boolean {
  const auth = message.startsWith('Auth: ');
  const lost = message.startsWith('Fatal Error reading authentication information from client ');
  if (!auth && !lost) return false;
  const start = auth ? 6 : 59;
  const arrow = message.indexOf('->', start);
  if (arrow < 0 || !takePeer(message.slice(start, arrow), event)) return false;
  event.service = 'perdition';
  if (lost) return mark(event, 'mail', 'probe', 'failure');
  const id = message.indexOf(' authentication_id="', arrow);
  const end = message.lastIndexOf('" server="');
  if (id > 0 && end > id) event.user = message.slice(id + 20, end);
  const status = message.lastIndexOf(' status="');
  if (status > 0 && message.startsWith('ok"', status + 9)) return loginSuccess(event);
  return message.startsWith('failed: ', status + 9) ? loginFailure(event) : mark(event, 'mail', 'login', 'unknown');
}

/** solid-pop3d: `authentication failed: no such user: x - 192.0.2.1`: the address is last. */
function solid(message: string, event: Event): boolean {
  const dash = message.lastIndexOf(' - ');
  if (dash < 0) return false;
  const failed = message.startsWith('authentication failed') || message.startsWith('APOP authentication failed') || message.startsWith('root login not allowed') || message.startsWith('can\'t find APOP secret')
    || message.startsWith('mapped user name is root') || message.startsWith('user ') && message.includes('authentication failed');
  if (!failed && !message.startsWith('user authenticated')) return false;
  if (!takePeerOrName(message.slice(dash + 3).trim(), event)) return false;
  event.service = 'solid-pop3d';
  for (const word of ['no such user: ', 'can\'t map user name: ', ' for mapped user ', ' for user ', ' for ']) {
    const at = message.indexOf(word);
    if (at < 0 || at > 60) continue;
    event.user = message.slice(at + word.length, dash) || undefined;
    break;
  }
  return failed ? loginFailure(event) : loginSuccess(event);
}
