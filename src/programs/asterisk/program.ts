import { canonicalIp } from '../../core/address.ts';
import type { Event, Program, ProgramDecoder } from '../../core/format.ts';
import { Attempts, failedLogin, loginSuccess, mark } from '../attempts.ts';
import { takePeer, takeSolePeer } from '../peer.ts';

export const asterisk: Program = {
  id: 'asterisk',
  title: { zh: 'Asterisk 电话服务', en: 'Asterisk telephony' },
  tags: ['asterisk'],
  open,
};

const head = /^(?:\[[^\]]{1,40}\] )?(?:NOTICE|WARNING|SECURITY|ERROR|VERBOSE|DEBUG) ?\[\d{1,10}\](?:\[C-[0-9a-f]{1,16}\])?:? /;

/**
 * `[time] NOTICE[123][C-0000001] chan_sip.c:23417 in handle_request_register: text`, alone or in syslog. One attempt
 * may be told by the channel and by the security log: Attempts counts it once. SIP fields in the text are the
 * caller's; they stand before or behind the address, so it counts when no other is to be found in its place.
 */
function open(): ProgramDecoder {
  const attempts = new Attempts();
  return {
    decode(message, event) {
      const found = head.exec(message);
      if (found === null) return false;
      if (!line(message.slice(found[0].length), event, attempts)) return false;
      event.kind = 'application';
      event.service = 'asterisk';
      return true;
    },
  };
}

const byChannel = 0;
const bySecurityLog = 1;

function line(message: string, event: Event, attempts: Attempts): boolean {
  const colon = message.indexOf(': ');
  if (colon < 0) return false;
  const security = message.indexOf('SecurityEvent="');
  if (security >= 0 && security < 80) return securityEvent(message, security + 15, event, attempts);
  const text = message.slice(colon + 2);
  const failed = text.indexOf('\' failed for \'');
  if (failed > 0 && (text.startsWith('Registration from \'') || text.startsWith('Request '))) {
    takeSolePeer(text, '\' failed for \'', '\'', event);
    event.user = sipUser(text.slice(0, failed));
    return failedLogin(event, attempts, byChannel);
  }
  const host = text.startsWith('Host ') ? 5 : 0;
  const does = firstOf(text, ' failed to authenticate as ', ' failed MD5 authentication for ', ' tried to authenticate with nonexistent user ');
  if (does > 0 && does < 60) {
    if (!takePeer(text.slice(host, does), event)) return false;
    const quote = text.indexOf('\'', does);
    const end = text.indexOf('\'', quote + 1);
    if (quote > 0 && end > quote) event.user = text.slice(quote + 1, end);
    return failedLogin(event, attempts, byChannel);
  }
  if (text.startsWith('No registration for peer \'')) {
    const from = text.lastIndexOf('\' (from ');
    if (from < 0 || !takePeer(text.slice(from + 8, text.lastIndexOf(')')), event)) return false;
    event.user = text.slice(26, from);
    return failedLogin(event, attempts, byChannel);
  }
  if (text.startsWith('hacking attempt detected \'')) return takePeer(text.slice(26, text.indexOf('\'', 26)), event) && mark(event, 'network', 'probe', 'failure');
  return calls(message, text, event);
}

function calls(message: string, text: string, event: Event): boolean {
  const rejecting = message.indexOf('"Rejecting unknown SIP connection from ');
  if (rejecting >= 0) return takePeer(message.slice(rejecting + 39, message.lastIndexOf('"')), event) && mark(event, 'network', 'reject', 'failure');
  if (!text.includes(' rejected because extension not found in context ')) return false;
  // Call from 'x' (UDP:192.0.2.1:5060) to extension 'y' …, x: Call (UDP:192.0.2.1:5060) to extension 'y' …
  let found: string | undefined;
  for (let to = text.indexOf(') to extension \''); to >= 0; to = text.indexOf(') to extension \'', to + 1)) {
    const before = text.slice(Math.max(0, to - 80), to);
    const open = before.lastIndexOf('(');
    const address = before.slice(open + 1).replace(/^(?:UDP|TCP|TLS|WSS?):/, '');
    if (open < 0 || !takePeer(address, event)) continue;
    if (found !== undefined && found !== event.source_ip) {
      event.source_ip = undefined;
      event.source_port = undefined;
      break;
    }
    found = event.source_ip;
  }
  return mark(event, 'network', 'reject', 'failure');
}

const failures = new Set(['FailedACL', 'InvalidAccountID', 'ChallengeResponseFailed', 'InvalidPassword', 'UnexpectedAddress', 'RequestBadFormat', 'RequestNotAllowed', 'RequestNotSupported', 'AuthMethodNotAllowed', 'InvalidTransport']);

/** AccountID and SessionID are the caller's and stand before the addresses: the last RemoteAddress is Asterisk's. */
function securityEvent(message: string, at: number, event: Event, attempts: Attempts): boolean {
  const name = message.slice(at, message.indexOf('"', at));
  const remote = message.lastIndexOf(',RemoteAddress="IPV');
  const words = remote < 0 ? [] : message.slice(remote + 16, message.indexOf('"', remote + 16)).split('/');
  const ip = canonicalIp(words[2] ?? '');
  if (ip === undefined) return false;
  event.source_ip = ip;
  const port = Number(words[3]);
  if (Number.isInteger(port) && port > 0 && port < 65_536) event.source_port = port;
  const account = message.indexOf(',AccountID="', at);
  if (account > 0) event.user = message.slice(account + 12, message.indexOf('"', account + 12)) || undefined;
  if (name === 'SuccessfulAuth') return loginSuccess(event);
  return failures.has(name) ? failedLogin(event, attempts, bySecurityLog) : mark(event, 'network', 'message', 'unknown');
}

/** `"100" <sip:100@192.0.2.9>` → 100 */
function sipUser(text: string): string | undefined {
  const sip = text.lastIndexOf('sip:');
  const sign = text.indexOf('@', sip);
  return sip >= 0 && sign > sip && sign - sip < 100 ? text.slice(sip + 4, sign) : undefined;
}

function firstOf(text: string, ...words: readonly string[]): number {
  for (const word of words) {
    const at = text.indexOf(word);
    if (at >= 0) return at;
  }
  return -1;
}
