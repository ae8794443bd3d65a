import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { loginFailure, loginSuccess, mark } from '../attempts.ts';
import { bracketIp, isWord, mostCandidates } from '../peer.ts';
import { Recent } from '../recent.ts';

export const sendmail: Program = {
  id: 'sendmail',
  title: { zh: 'Sendmail 邮件服务', en: 'Sendmail mail server' },
  tags: ['sendmail', 'sm-mta', 'sm-acceptingconnections', 'sm-msp-queue', 'sm-mta-in', 'sm-que', 'sendmail-in'],
  open,
};

/** Transactions that asked for unknown users; their sender comes in a later line of the same queue id. */
const rememberedIds = 1024;

function open(): ProgramDecoder {
  const unknownUsers = new Recent<string, boolean>(rememberedIds);
  return {
    decode(message, event) {
      const colon = message.indexOf(': ');
      const queued = colon > 3 && colon < 24 && isWord(message, 0, colon);
      const at = queued ? colon + 2 : 0;
      if (!line(message, at, event) && !(queued && directory(message, message.slice(0, colon), at, event, unknownUsers))) return false;
      event.kind = 'mail';
      event.service = 'sendmail';
      return true;
    },
  };
}

function line(message: string, at: number, event: Event): boolean {
  if (message.startsWith('ruleset=', at)) return ruleset(message, at, event);
  if (message.startsWith('AUTH failure (', at)) return authFailure(message, at, event);
  if (message.startsWith('AUTH=server, relay=', at)) return authSuccess(message, at, event);
  if (message.startsWith('rejecting commands from ', at)) return peerAt(message, at + 24, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('lost input channel from ', at)) return peerAt(message, at + 24, event) && mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith('timeout waiting for input from ', at)) return peerAt(message, at + 31, event) && mark(event, 'mail', 'disconnect', 'unknown');
  // The rest begins with the peer itself: host [192.0.2.1] (may be forged): what it did
  const end = peerEnd(message, at, event);
  if (end < 0) return false;
  if (message.startsWith(': possible SMTP attack: command=', end)) {
    return message.startsWith('AUTH', end + 32) ? loginFailure(event) : mark(event, 'mail', 'probe', 'failure');
  }
  if (message.startsWith(' did not issue MAIL/EXPN/VRFY/ETRN during connection to ', end)) return mark(event, 'mail', 'probe', 'failure');
  if (message.startsWith(': ', end) && message.endsWith(' [rejected]')) return mark(event, 'mail', 'probe', 'failure');
  event.source_ip = undefined;
  return false;
}

/** `host [192.0.2.1]` or `[192.0.2.1]` at `at`: index after it and after ` (may be forged)`; -1 when there is none. */
function peerEnd(message: string, at: number, event: Event): number {
  const open = message.indexOf('[', at);
  if (open < 0 || open - at > 255) return -1;
  // A host name has no blank in it but the one before the bracket.
  const blank = message.indexOf(' ', at);
  if (open > at && blank !== open - 1 && blank !== at) return -1;
  const ip = bracketIp(message, open);
  if (ip === undefined) return -1;
  event.source_ip = ip;
  const end = message.indexOf(']', open) + 1;
  return message.startsWith(' (may be forged)', end) ? end + 16 : end;
}

function peerAt(message: string, at: number, event: Event): boolean {
  return peerEnd(message, at, event) >= 0;
}

/**
 * `ruleset=check_rcpt, arg1=<x>, relay=host [192.0.2.1], reject=550 …`. arg1 is the client's and is repeated after
 * reject=, so a relay counts only when every one in the line names the same address.
 */
function ruleset(message: string, at: number, event: Event): boolean {
  if (!message.includes(', reject=', at)) return false;
  let ip: string | undefined;
  let candidates = 0;
  for (let relay = message.indexOf(', relay=', at); relay >= 0; relay = message.indexOf(', relay=', relay + 8)) {
    if (++candidates > mostCandidates) {
      ip = undefined;
      break;
    }
    const end = message.indexOf(', reject=', relay);
    if (end < 0) break;
    const open = message.indexOf('[', relay);
    const found = open < 0 || open > end ? undefined : bracketIp(message, open);
    if (found === undefined) continue;
    if (ip !== undefined && ip !== found) {
      ip = undefined;
      break;
    }
    ip = found;
  }
  event.source_ip = ip;
  return mark(event, 'mail', 'reject', 'failure');
}

/** `AUTH failure (LOGIN): … , user=x, relay=host [192.0.2.1]`: relay is last, and the user cannot write after it. */
function authFailure(message: string, at: number, event: Event): boolean {
  event.method = message.slice(at + 14, message.indexOf(')', at));
  const relay = message.lastIndexOf(', relay=');
  if (relay > 0) event.source_ip = bracketIp(message, message.indexOf('[', relay));
  const user = message.indexOf(', user=', at);
  if (user > 0 && user < relay) event.user = message.slice(user + 7, relay);
  return message.includes('(-4)') || message.includes('temporary failure') ? mark(event, 'authentication', 'login', 'unknown') : loginFailure(event);
}

function authSuccess(message: string, at: number, event: Event): boolean {
  if (!peerAt(message, at + 19, event)) return false;
  const user = message.indexOf(', authid=', at);
  const mech = message.lastIndexOf(', mech=');
  if (user > 0) event.user = message.slice(user + 9, mech > user ? mech : undefined);
  if (mech > 0) event.method = message.slice(mech + 7, message.indexOf(',', mech + 7));
  return loginSuccess(event);
}

/** `<x@y>... User unknown` names no address; the `from=<…>, …, relay=host [192.0.2.1]` of the same id does. */
function directory(message: string, id: string, at: number, event: Event, unknownUsers: Recent<string, boolean>): boolean {
  if (message.charCodeAt(at) === 60 && (message.endsWith('... No such user here') || message.endsWith('... User unknown'))) {
    unknownUsers.set(id, true);
    return mark(event, 'mail', 'user-unknown', 'unknown');
  }
  if (!message.startsWith('from=', at)) return false;
  const relay = message.lastIndexOf(', relay=');
  if (relay < 0) return false;
  event.source_ip = bracketIp(message, message.indexOf('[', relay));
  const asked = unknownUsers.get(id) === true;
  if (asked) unknownUsers.set(id, false);
  return asked ? mark(event, 'mail', 'reject', 'failure') : mark(event, 'mail', 'message', 'success');
}
