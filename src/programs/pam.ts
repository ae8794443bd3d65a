import type { Event } from '../core/format.ts';
import { canonicalAddress, isHost } from './address.ts';

/** The head of what a PAM module writes: `pam_unix(sshd:auth): text`. */
export interface PamHead {
  module: string;
  /** The PAM service it works for, '' when the line does not say. */
  service: string;
  /** auth, account, session, password (chauthtok), '' when the line does not say. */
  step: string;
  text: string;
}

/** `pam_unix(sshd:auth): text`, `(pam_unix) text`, `pam_unix: text`; undefined for any other message. */
export function pamHead(message: string): PamHead | undefined {
  const bracketed = message.startsWith('(pam_');
  if (!bracketed && !message.startsWith('pam_')) return undefined;
  const open = message.indexOf('(', 4);
  if (!bracketed && open > 0 && open < 40) {
    // The common form, without a regex.
    const colon = message.indexOf(':', open);
    const close = message.indexOf('): ', open);
    if (colon > open && close > colon && close - open < 80) {
      return { module: message.slice(0, open), service: message.slice(open + 1, colon), step: message.slice(colon + 1, close), text: message.slice(close + 3) };
    }
  }
  const found = /^\(?(pam_[a-z0-9_]{1,40})(?:\(([^():]{0,64}):?([a-z]{0,16})\))?\)?(?:\[\d{1,10}\])?:? {0,4}/.exec(message);
  if (found === null) return undefined;
  return { module: found[1]!, service: found[2] ?? '', step: found[3] ?? '', text: message.slice(found[0].length) };
}

/** What a PAM message tells, as far as one line can. */
export type PamFact = 'failure' | 'more-failures' | 'detail' | 'locked' | 'session-start' | 'session-end' | 'password-change' | 'none';

/**
 * Fills who, from where and where to from a PAM text; leaves category, action and outcome to the caller,
 * who knows whether the line is an attempt of its own. For session lines `user` is who opened it (when the
 * text says so and it is somebody else) and `target_user` whose session it is.
 */
export function readPam(text: string, event: Event): PamFact {
  if (text.startsWith('authentication failure;')) { readFields(text, event); return 'failure'; }
  const more = /^(\d{1,6}) more authentication failures?;/.exec(text);
  if (more !== null) { readFields(text, event); event.value = Number(more[1]); return 'more-failures'; }
  if (text.startsWith('session opened for ')) {
    const found = /^session opened for (?:local |remote )?user (.{1,256}?)(?:\(uid=(\d{1,10})\))? by (.{0,256}?)\(uid=(\d{1,10})\)/.exec(text);
    if (found !== null) {
      event.target_user = found[1];
      event.user = found[3] === '' ? found[1] : found[3];
      if (found[2] !== undefined) event.uid = Number(found[2]);
    }
    return 'session-start';
  }
  if (text.startsWith('session closed for ')) {
    const found = /^session closed for (?:local |remote )?user (.{1,256})$/.exec(text);
    if (found !== null) { event.user = found[1]; event.target_user = found[1]; }
    return 'session-end';
  }
  const changed = /^password changed for (.{1,256})$/.exec(text);
  if (changed !== null) { event.target_user = changed[1]; return 'password-change'; }
  const locked = /^Consecutive login failures for user (.{1,256}?) account (?:temporarily )?locked/.exec(text)
    ?? /^user (.{1,256}?) \(\d{1,10}\) tally \d{1,6}, deny \d{1,6}/.exec(text)
    ?? /^User (.{1,256}?) is locked out/.exec(text);
  if (locked !== null) { event.user = locked[1]; return 'locked'; }
  return readOther(text, event);
}

function readOther(text: string, event: Event): PamFact {
  if (text.startsWith('check pass; user unknown') || text.startsWith('conversation failed')) return 'detail';
  const named = /^(?:Invalid verification code for|bad username|auth could not identify password for|couldn't identify user|Refused user|account) \[?(.{1,256}?)\]?(?: for service \S{1,64}| has expired.{0,80}| has password expired.{0,80})?$/.exec(text);
  if (named !== null) { event.user = named[1]; return text.startsWith('account') ? 'detail' : 'failure'; }
  const denied = /^access denied for user `(.{1,256})' from `([^']{1,255})'/.exec(text);
  if (denied !== null) {
    event.user = denied[1];
    if (isHost(denied[2]!)) event.source_ip = canonicalAddress(denied[2]!);
    return 'failure';
  }
  const unmet = /^requirement ".{1,200}" (?:not met|was not met) by user "(.{1,256})"$/.exec(text);
  if (unmet !== null) { event.user = unmet[1]; return 'detail'; }
  const received = /^received for user (.{1,256}): \d{1,3} \(/.exec(text);
  if (received !== null) { event.user = received[1]; return 'detail'; }
  return 'none';
}

/**
 * `…; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root`. A client may choose user and, with mail
 * and ftp servers, ruser, so " rhost=" may stand in either. sshd (tty=ssh) leaves ruser empty: there the first
 * is the daemon's own. Elsewhere the readings must agree, or no address is given: it could be a bystander's.
 */
function readFields(text: string, event: Event): void {
  const ruserAt = text.indexOf(' ruser=');
  const ttyAt = text.indexOf(' tty=');
  const isSsh = ttyAt > 0 && text.startsWith('ssh ', ttyAt + 5);
  if (ttyAt > 0 && !isSsh && ruserAt > ttyAt + 5 && ruserAt - ttyAt < 64) event.terminal = text.slice(ttyAt + 5, ruserAt);
  let found: { at: number; host: string; userAt: number } | undefined;
  let readings = 0;
  let seen = 0;
  for (let at = text.indexOf(' rhost='); at >= 0; at = text.indexOf(' rhost=', at + 1)) {
    // Nobody is called so: the readings that are left unread might be the true one.
    if (++seen > mostReadings) { found = undefined; break; }
    let end = text.indexOf(' ', at + 7);
    if (end < 0) end = text.length;
    const userAt = text.startsWith('  user=', end) ? end + 7 : text.startsWith(' user=', end) ? end + 6 : -1;
    if (userAt < 0 && text.slice(end).trim() !== '') continue;
    const host = text.slice(at + 7, end);
    if (readings > 0 && host !== found?.host) { found = undefined; break; }
    readings += 1;
    found = { at, host, userAt };
    if (isSsh) break;
  }
  if (found === undefined) return;
  if (isHost(found.host)) event.source_ip = canonicalAddress(found.host);
  if (found.userAt >= 0) event.user = text.slice(found.userAt).trimEnd();
  else if (ruserAt >= 0 && ruserAt + 7 < found.at) event.user = text.slice(ruserAt + 7, found.at);
}

const mostReadings = 16;
