import type { Event } from '../../core/format.ts';
import { canonicalAddress } from '../address.ts';
import { tell } from '../tell.ts';

/**
 * A packet that iptables, nftables, ufw or firewalld logged: `PREFIX IN=eth0 OUT= … SRC=… DST=… PROTO=TCP SPT=… DPT=…`.
 * The prefix is the administrator's own word; action is drop, reject or accept when it says so, else log.
 */
export function readPacket(message: string, event: Event): boolean {
  const from = packetAt(message);
  if (from < 0) return false;
  const source = field(message, 'SRC=', from);
  if (source === undefined) return false;
  const prefix = message.slice(0, from);
  event.source_ip = canonicalAddress(source);
  const destination = field(message, 'DST=', from);
  if (destination !== undefined) event.destination_ip = canonicalAddress(destination);
  event.source_port = port(message, 'SPT=', from);
  event.destination_port = port(message, 'DPT=', from);
  event.protocol = protocolName(field(message, 'PROTO=', from));
  const comesIn = field(message, 'IN=', from) ?? '';
  const goesOut = field(message, 'OUT=', from) ?? '';
  if (goesOut === '' && comesIn !== '') event.direction = 'inbound';
  else if (comesIn === '' && goesOut !== '') event.direction = 'outbound';
  event.extra = { ...event.extra, rule: prefix.trim(), in: comesIn, out: goesOut, flags: flags(message, from) };
  const action = actionOf(prefix);
  const outcome = action === 'drop' || action === 'reject' ? 'failure' : action === 'accept' ? 'success' : 'unknown';
  return tell(event, 'firewall', 'firewall', 'firewall', action, outcome);
}

/** Index of `IN=`: at the start, after a blank, or glued to a prefix that ends without one (`DROP:IN=eth0`). */
function packetAt(message: string): number {
  if (message.startsWith('IN=')) return 0;
  const spaced = message.indexOf(' IN=');
  const at = spaced >= 0 ? spaced + 1 : message.indexOf('IN=');
  return at >= 0 && at <= 128 && message.includes(' OUT=', at) ? at : -1;
}

function actionOf(prefix: string): string {
  const lower = prefix.toLowerCase();
  if (lower.includes('reject')) return 'reject';
  if (/drop|block|deny|denied|invalid|ban|blacklist/.test(lower)) return 'drop';
  return /accept|allow|pass/.test(lower) ? 'accept' : 'log';
}

/** The value after ` KEY`, up to the next blank. */
function field(message: string, key: string, from: number): string | undefined {
  let at = message.startsWith(key, from) ? from : -1;
  if (at < 0) {
    const found = message.indexOf(` ${key}`, from);
    if (found < 0) return undefined;
    at = found + 1;
  }
  const end = message.indexOf(' ', at);
  return message.slice(at + key.length, end < 0 ? undefined : end);
}

function port(message: string, key: string, from: number): number | undefined {
  const text = field(message, key, from);
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}

const protocolNumbers: ReadonlyMap<string, string> = new Map([['1', 'icmp'], ['2', 'igmp'], ['6', 'tcp'], ['17', 'udp'], ['41', 'ipv6'], ['47', 'gre'], ['50', 'esp'], ['51', 'ah'], ['58', 'icmpv6'], ['132', 'sctp']]);

const protocolName = (text: string | undefined): string | undefined => (text === undefined ? undefined : protocolNumbers.get(text) ?? text.toLowerCase());

/** TCP flags as the kernel writes them, such as "SYN" or "ACK PSH". */
function flags(message: string, from: number): string | undefined {
  const found = / RES=0x[0-9a-f]{2} ((?:(?:CWR|ECE|URG|ACK|PSH|RST|SYN|FIN) ){1,8})/.exec(message.slice(from));
  return found === null ? undefined : found[1]!.trim();
}
