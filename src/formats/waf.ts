import type { Event } from '../core/gen/event.ts';
import { setUrl } from './access-line.ts';
import { addressAndPort } from './address.ts';

/**
 * A ModSecurity or Coraza message: `ModSecurity: Access denied with code 403 … [id "942100"] [msg "…"] … [uri "/x"]`.
 * Sets action 'blocked' or 'detected' (the rule only warned), rule id and message in `extra`, the target, and the
 * address where the text gives one at its head. False when it is no such message.
 */
export function readFirewallText(text: string, event: Event): boolean {
  const at = mark.exec(text)?.index ?? -1;
  if (at < 0) return false;
  event.category = 'web';
  const denied = text.includes('Access denied') || text.includes('Interruption') || text.includes('connection closed');
  event.action = denied ? 'blocked' : 'detected';
  event.outcome = denied ? 'failure' : 'unknown';
  const client = clientHead.exec(text.slice(0, 200));
  if (client && event.source_ip === undefined) event.source_ip = addressAndPort(client[1] ?? '')?.ip;
  const rule = tag(text, '[id "');
  const reason = tag(text, '[msg "');
  const target = tag(text, '[uri "');
  const host = tag(text, '[hostname "');
  if (rule !== undefined || reason !== undefined) event.extra = { waf_rule_id: rule ?? '', waf_rule: reason ?? '' };
  if (target !== undefined && event.url === undefined) setUrl(event, target);
  if (host !== undefined && host !== '') event.http_host ??= host;
  return true;
}

const mark = /ModSecurity:? |Coraza: /;
const clientHead = /\[client "?([0-9A-Fa-f:.]{2,60})"?\]/;

/**
 * The value of `[name "value"]`; the last one, because what the client sent stands in [data …] before
 * [hostname], [uri] and [unique_id], and [id] and [msg] are searched from the front, before it.
 */
function tag(text: string, name: string): string | undefined {
  const front = name === '[id "' || name === '[msg "';
  const from = front ? text.indexOf(name) : text.lastIndexOf(name);
  if (from < 0) return undefined;
  const end = text.indexOf('"', from + name.length);
  return end < 0 ? undefined : text.slice(from + name.length, end);
}
