import type { Event } from '../../core/gen/event.ts';
import type { LogFormat } from '../../core/format.ts';
import { finishRequest, hostOnly, setTarget } from '../access-line.ts';
import { addressAndPort } from '../address.ts';
import { isRecord, type JsonRecord, parseRecord, pickText, pluck, recordTime } from '../json.ts';
import { lineFormat } from '../lines.ts';
import { readFirewallText } from '../waf.ts';

/**
 * Caddy 2 in JSON: requests (`http.log.access…`), failed ones (`http.log.error…`) and the Coraza firewall
 * (`http.handlers.waf`). `client_ip` is what Caddy worked out with its own list of trusted proxies.
 */
export const caddy: LogFormat = lineFormat({
  id: 'caddy',
  title: { zh: 'Caddy 日志', en: 'Caddy log' },
  paths: ['/var/log/caddy/*.log', '/var/log/caddy/**/*.log'],
  kind: 'access',
  sniff: (line) => line.startsWith('{"level":"') && line.includes('"logger":"') && caddyLogger.test(line.slice(0, 300)) ? 1 : 0,
  open: () => ({
    read: (line, event, times) => {
      const record = parseRecord(line);
      if (!record || !readCaddy(record, event)) return false;
      if (times) event.time = recordTime(record, times) ?? times.lost();
      return true;
    },
  }),
  keepUnknown: { category: 'web', service: 'caddy' },
});

const caddyLogger = /"logger":"(?:http\.|tls|admin|caddy)/;

function readCaddy(record: JsonRecord, event: Event): boolean {
  const logger = pickText(record, ['logger']) ?? '';
  if (logger === 'http.handlers.waf') {
    event.kind = 'weberror';
    event.service = 'caddy';
    event.severity = pickText(record, ['level']);
    return readFirewallText(pickText(record, ['msg']) ?? '', event);
  }
  const request = pluck(record, 'request');
  if (!isRecord(request)) return false;
  const peer = pickText(request, ['client_ip', 'remote_ip', 'remote_addr']);
  const address = peer === undefined ? undefined : addressAndPort(peer);
  const target = pickText(request, ['uri']);
  const method = pickText(request, ['method']);
  if (!address || target === undefined || method === undefined) return false;
  event.source_ip = address.ip;
  event.http_host = hostOnly(pickText(request, ['host']) ?? '') || undefined;
  setTarget(event, method, target);
  event.http_version = pickText(request, ['proto'])?.replace('HTTP/', '');
  event.http_user_agent = pickText(request, ['headers.User-Agent']);
  event.http_referer = pickText(request, ['headers.Referer']);
  event.user = pickText(record, ['user_id', 'common_log.user']);
  const size = Number(pickText(record, ['size']));
  if (Number.isFinite(size)) event.http_bytes = size;
  const status = Number(pickText(record, ['status']) ?? 0);
  finishRequest(event, 'caddy', Number.isInteger(status) ? status : 0);
  // Credentials were sent and refused: Caddy redacts the header but keeps its name.
  const headers = pluck(request, 'headers');
  if (status === 401 && isRecord(headers) && Object.hasOwn(headers, 'Authorization')) event.action = 'login';
  if (status === 200 && event.user !== undefined) event.method = 'basic';
  return true;
}
