import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginFailure, loginSuccess, mark } from '../attempts.ts';
import { pamFailure } from '../pam-failure.ts';
import { mostCandidates } from '../peer.ts';

export const dovecot: Program = {
  id: 'dovecot',
  title: { zh: 'Dovecot 收信服务', en: 'Dovecot mail access server' },
  tags: ['dovecot', 'dovecot-auth', 'auth', 'auth-worker', 'imap-login', 'pop3-login', 'managesieve-login', 'submission-login', 'sieve-login', 'dovecot/*'],
  open,
};

function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      if (!line(message, event, attempts)) return false;
      event.kind = 'mail';
      event.service = 'dovecot';
      return true;
    },
  };
}

// The three places that report one attempt; see Attempts.
const byPam = 0;
const byAuth = 1;
const bySession = 2;

function line(message: string, event: Event, attempts: Attempts): boolean {
  const tag = event.process_name ?? '';
  if (message.includes('authentication failure; ')) {
    const pam = skipHeads(message);
    const text = pam === 0 ? message : message.slice(pam);
    // "auth" is anybody's tag: the PAM service or the terminal says whose line it is.
    if (tag !== 'auth' || text.includes('dovecot')) return pamFailure(text, event) && failedLogin(event, attempts, byPam);
    return false;
  }
  const rip = message.lastIndexOf('rip=');
  if (rip > 0 && (tag.endsWith('-login') || message.includes('-login: '))) return session(message, rip, event, attempts);
  return auth(message, event, attempts);
}

/**
 * A log-in process: `imap-login: Disconnected (auth failed, 2 attempts in 9 secs): user=<x>, method=PLAIN,
 * rip=192.0.2.1, lip=…, TLS, session=<…>`. After rip nothing is the client's own text, before it the user name is:
 * so the last rip counts, and the reason is what stands before the first of the fields.
 */
function session(message: string, rip: number, event: Event, attempts: Attempts): boolean {
  const comma = message.indexOf(',', rip);
  event.source_ip = canonicalIp(message.slice(rip + 4, comma < 0 ? undefined : comma).trimEnd());
  if (event.source_ip === undefined) return false;
  const user = message.indexOf('user=<');
  const reasonEnd = user >= 0 && user < rip ? user : firstField(message, rip);
  const reason = message.slice(0, reasonEnd);
  if (user >= 0 && user < rip) {
    const close = message.lastIndexOf('>', rip);
    if (close > user + 6) event.user = message.slice(user + 6, close);
    const method = message.indexOf(' method=', close);
    if (method >= 0 && method < rip) event.method = message.slice(method + 8, message.indexOf(',', method));
  }
  const failed = reason.indexOf('(auth failed, ');
  if (failed >= 0) return failedLogin(event, attempts, bySession, Math.max(1, Math.min(1000, Number.parseInt(reason.slice(failed + 14), 10) || 1)));
  if (reason.includes('(proxy dest auth failed')) return failedLogin(event, attempts, bySession);
  if (reason.endsWith('Login: ') || reason.includes('-login: Login: ') || reason.endsWith('Logged in: ')) return loginSuccess(event);
  if (reason.includes('(tried to use dis') || reason.includes('(cert required') || reason.includes('client didn\'t send a cert') || reason.includes('client sent an invalid cert')
    || reason.includes('(user disabled') || reason.includes('Maximum number of connections')) return mark(event, 'mail', 'reject', 'failure');
  if (reason.includes('unsupported ') || reason.includes('client didn\'t finish SASL auth') || reason.includes('disconnected before auth was ready')) return mark(event, 'mail', 'probe', 'failure');
  if (reason.includes('(no auth attempts') || reason.includes('disconnected during TLS handshake')) {
    return oddHandshake(message) ? mark(event, 'mail', 'probe', 'failure') : mark(event, 'mail', 'disconnect', 'unknown');
  }
  return mark(event, 'mail', 'disconnect', 'unknown');
}

function firstField(message: string, rip: number): number {
  const method = message.indexOf('method=');
  return method >= 0 && method < rip ? method : rip;
}

/** A connection without a log-in that broke protocol; a client that dislikes our certificate did not. */
function oddHandshake(message: string): boolean {
  if (message.includes('alert certificate') || message.includes('alert unknown ca') || message.includes('alert bad certificate')) return false;
  return message.includes('() failed') || message.includes('syscall failed') || message.includes('Too many invalid commands')
    || message.includes('Too many bad commands') || message.includes('read(size=');
}

/**
 * The auth processes. Up to 2.3 `auth-worker(304): pam(user,192.0.2.1,<session>): unknown user`, from 2.4
 * `auth(user,192.0.2.1,sasl:login)<session>: sql: Password mismatch`. User name and, when an administrator has them
 * logged, passwords are the client's text: an address counts when no other place of the line names another one.
 */
function auth(message: string, event: Event, attempts: Attempts): boolean {
  let reasonAt = -1;
  let found: string | undefined;
  let userStart = 0;
  let userEnd = 0;
  let candidates = 0;
  for (let close = message.indexOf(')'); close >= 0; close = message.indexOf(')', close + 1)) {
    const colon = afterSession(message, close + 1);
    if (colon < 0) continue;
    if (++candidates > mostCandidates) {
      found &&= '';
      break;
    }
    const open = found === undefined ? message.lastIndexOf('(', close) : userStart - 1;
    const ip = open < 0 ? undefined : ipField(message, open, close);
    if (ip === undefined) continue;
    if (found === undefined) {
      found = ip.text;
      userStart = open + 1;
      userEnd = ip.comma;
      reasonAt = colon + 2;
    } else if (ip.text !== found) found = '';
  }
  if (found === undefined) return false;
  const outcome = reasonOutcome(message, reasonAt);
  if (outcome === undefined) return false;
  event.source_ip = found === '' ? undefined : found;
  event.user = message.slice(userStart, userEnd) || undefined;
  if (outcome === 'failure') return found === '' ? loginFailure(event) : failedLogin(event, attempts, byAuth);
  return mark(event, 'authentication', 'login', 'unknown');
}

/** The index of the `: ` after `)`, with `<session>` allowed between; -1 when something else follows. */
function afterSession(message: string, at: number): number {
  if (message.charCodeAt(at) === 58 && message.charCodeAt(at + 1) === 32) return at;
  if (message.charCodeAt(at) !== 60) return -1;
  const end = message.indexOf('>: ', at);
  return end < 0 || end - at > 80 ? -1 : end + 1;
}

/** Finds the address among the comma-separated parts between `(` and `)`: it follows the user, and a session or mechanism may follow it. */
function ipField(message: string, open: number, close: number): { text: string; comma: number } | undefined {
  let end = close;
  for (let i = 0; i < 3; i++) {
    const comma = message.lastIndexOf(',', end - 1);
    if (comma <= open) return undefined;
    const text = canonicalIp(message.slice(comma + 1, end));
    if (text !== undefined) return { text, comma };
    end = comma;
  }
  return undefined;
}

const failures = ['unknown user', 'user not found', 'password mismatch', 'invalid credentials', 'pam_authenticate() failed', 'pam_acct_mgmt() failed', 'requested deny', 'allow_nets check failed',
  'user is disabled', 'authentication failure due to policy', 'login failed', 'authentication failed', 'permission denied', 'account is', 'empty password', 'user not allowed'] as const;

/** Looks past module heads such as `sql: ` and `Info: ` to the reason. */
function reasonOutcome(message: string, at: number): 'failure' | 'unknown' | undefined {
  let start = at;
  for (let i = 0; i < 4; i++) {
    const text = message.slice(start, start + 48).toLowerCase();
    for (const word of failures) if (text.startsWith(word)) return 'failure';
    if (text.startsWith('internal failure') || text.startsWith('temporary')) return 'unknown';
    const colon = message.indexOf(': ', start);
    if (colon < 0 || colon - start > 24) return undefined;
    start = colon + 2;
  }
  return undefined;
}

/** The length of heads such as `dovecot: auth-worker(12): ` and `Info: ` before the text proper. */
function skipHeads(message: string): number {
  const at = message.indexOf('pam_');
  return at > 0 && at < 80 ? at : 0;
}
