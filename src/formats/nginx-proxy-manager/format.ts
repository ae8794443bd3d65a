import type { LogFormat } from '../../core/format.ts';
import { AccessLine, finishRequest, hostOnly, isAccessLine, nextQuote, plain, setTarget, unescapeLog } from '../access-line.ts';
import { addressAndPort } from '../address.ts';
import { lineFormat } from '../lines.ts';

/**
 * Nginx Proxy Manager:
 *
 *     [TIME] CACHE UPSTREAM-STATUS STATUS - METHOD SCHEME HOST "TARGET" [Client ADDRESS] [Length N] … "AGENT" "REFERER"
 *
 * and the plain lines it writes for its default host. nginx escapes quotes in the target, so the first one closes it.
 */
export const nginxProxyManager: LogFormat = lineFormat({
  id: 'nginx-proxy-manager',
  title: { zh: 'Nginx Proxy Manager 访问日志', en: 'Nginx Proxy Manager access log' },
  paths: ['/data/logs/proxy-host-*_access.log', '/data/logs/fallback_access.log', '/data/logs/dead-host-*_access.log', '/opt/npm/data/logs/*_access.log'],
  aliases: ['npm'],
  kind: 'nginx',
  sniff: (line) => line.startsWith('[') && (line.includes('" [Client ') || timeFirst.test(line.slice(0, 300)) && isAccessLine(line)) ? 1 : 0,
  open: () => {
    const common = new AccessLine('nginx');
    return {
      read: (line, event, times) => {
        const mark = line.indexOf('" [Client ');
        const open = line.indexOf('"');
        if (mark < 0 || nextQuote(line, open + 1) !== mark) return common.read(line, event, times);
        const end = line.indexOf(']', mark + 10);
        const address = end < 0 ? undefined : addressAndPort(line.slice(mark + 10, end));
        const close = line.indexOf('] ');
        const head = line.slice(close + 2, open - 1).split(' ');
        const dash = head.lastIndexOf('-');
        const [method, , host] = head.slice(dash + 1);
        if (!address || close < 20 || method === undefined || host === undefined) return false;
        if (times) {
          const ms = times.any(line, 1);
          if (times.next < 0) return false;
          event.time = ms;
        }
        event.source_ip = address.ip;
        event.http_host = hostOnly(host);
        setTarget(event, method, unescapeLog(line.slice(open + 1, mark)));
        const bytes = Number(/\[Length (\d+)\]/.exec(line.slice(end, end + 40))?.[1]);
        if (Number.isFinite(bytes)) event.http_bytes = bytes;
        const agent = nextQuote(line, end);
        const agentEnd = agent < 0 ? -1 : nextQuote(line, agent + 1);
        if (agentEnd > 0) {
          event.http_user_agent = plain(line.slice(agent + 1, agentEnd));
          const referer = nextQuote(line, agentEnd + 1);
          if (referer > 0) event.http_referer = plain(line.slice(referer + 1, line.length - 1));
        }
        finishRequest(event, 'nginx', Number(head[dash - 1]) || 0);
        return true;
      },
    };
  },
});

const timeFirst = /^\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ [\da-fA-F.:]+ [\d.]+ "/;
