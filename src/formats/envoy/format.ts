import type { LogFormat } from '../../core/format.ts';
import { finishRequest, hostOnly, nextQuote, plain, setRequest } from '../access-line.ts';
import { addressAndPort, clientBehindProxy } from '../address.ts';
import { lineFormat } from '../lines.ts';

/**
 * Envoy's default text line (Istio's too):
 *
 *     [TIME] "REQUEST" STATUS FLAGS … BYTES … "FORWARDED" "AGENT" "REQUEST-ID" "AUTHORITY" "UPSTREAM" … PEER …
 *
 * Plain Envoy gives no peer at all, so its client is the rightmost forwarded address, which the nearest proxy
 * wrote; Istio appends the peer (`DOWNSTREAM_REMOTE_ADDRESS`) behind the quoted fields.
 */
export const envoy: LogFormat = lineFormat({
  id: 'envoy',
  title: { zh: 'Envoy 访问日志', en: 'Envoy access log' },
  paths: ['/var/log/envoy/*access*'],
  aliases: ['istio'],
  kind: 'access',
  sniff: (line) => shape.test(line.slice(0, 8192)) ? 0.95 : 0,
  open: () => ({
    read: (line, event, times) => {
      const close = line.indexOf('] "');
      if (line.charCodeAt(0) !== 91 || close < 20 || close > 40) return false;
      const end = nextQuote(line, close + 3);
      if (end < 0) return false;
      if (times) {
        const ms = times.any(line, 1);
        if (times.next < 0) return false;
        event.time = ms;
      }
      setRequest(event, line.slice(close + 3, end));
      const quoted: string[] = [];
      let at = end + 1;
      let last = at;
      while (quoted.length < 8) {
        const open = nextQuote(line, at);
        const shut = open < 0 ? -1 : nextQuote(line, open + 1);
        if (shut < 0) break;
        quoted.push(line.slice(open + 1, shut));
        last = shut + 1;
        at = last;
      }
      // Istio puts details of the transport first: the four known fields are the last but one.
      const fields = quoted.slice(-5);
      const [forwarded, agent, , authority] = fields;
      const peers = line.slice(last, last + 400).split(' ').map(addressAndPort).filter((peer) => peer !== undefined);
      const peer = peers.at(-1);
      event.source_ip = peer ? clientBehindProxy(peer.ip, forwarded) : clientBehindProxy('127.0.0.1', forwarded);
      if (!peer && event.source_ip === '127.0.0.1') event.source_ip = undefined;
      event.http_user_agent = plain(agent ?? '');
      event.http_host = hostOnly(plain(authority ?? '') ?? '') || undefined;
      finishRequest(event, 'envoy', Number(line.slice(end + 2, end + 5)) || 0);
      return true;
    },
  }),
});

const shape = /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z\] "[^"]*" \d{1,3} \S+ .*"[^"]*" "[^"]*" "[^"]*"/;
