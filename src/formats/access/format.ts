import { Event } from '../../core/gen/event.ts';
import type { LogFormat } from '../../core/format.ts';
import { AccessLine } from '../access-line.ts';
import { kindOf, readAccessRecord } from '../access-json.ts';
import { serverOf } from '../access-server.ts';
import { isRecord, type JsonRecord, parseRecord, pluck, recordTime } from '../json.ts';
import { lineFormat } from '../lines.ts';
import type { Times } from '../time.ts';

/** Access logs in JSON: nginx and Apache with a log_format of one's own, ingress, Envoy, Upsun. */
export const access: LogFormat = lineFormat({
  id: 'access',
  title: { zh: 'JSON 访问日志', en: 'access log in JSON' },
  paths: ['/var/log/nginx/*json*.log', '/var/log/envoy/*.log', '/var/log/access.json'],
  aliases: ['access-json', 'nginx-json', 'envoy-json'],
  kind: 'access',
  sniff: (line) => {
    if (!line.includes('"') || !hint.test(line.slice(0, 4000))) return 0;
    const record = parseRecord(line);
    return record && readJson(record, new Event('', 0, 'access'), 'http', sniffer) ? 0.9 : 0;
  },
  open: (source) => {
    const server = serverOf(source, { kind: 'access', service: '' });
    const plain = new AccessLine(server.service === '' ? 'nginx' : server.service);
    return {
      read: (line, event, times) => {
        const record = parseRecord(line);
        if (!record) return false;
        if (!readJson(record, event, server.service === '' ? undefined : server.service, plain)) return false;
        if (server.service !== '') event.kind = server.kind;
        return setTime(record, event, times);
      },
    };
  },
});

const sniffer = new AccessLine('http');
const hint = /"(?:status|response_code|status_code|code|http_status|response|httpRequest|msg|message|statusCode|http\.status_code|http)"/;

/**
 * The record itself, or the access line or record that it carries in a field, as log shippers do
 * (`"message":"web.0 nginx: ADDRESS - - [TIME] …"`).
 */
function readJson(record: JsonRecord, event: Event, service: string | undefined, lines: AccessLine): boolean {
  for (const inner of [record, pluck(record, 'log'), pluck(record, 'http'), pluck(record, 'msg'), pluck(record, 'message')]) {
    if (typeof inner === 'string' && inner.includes('] "')) {
      const head = shipped.exec(inner);
      if (lines.read(head ? inner.slice(head[0].length) : inner, event, undefined)) {
        event.kind = 'nginx';
        return true;
      }
    }
    const candidate = typeof inner === 'string' ? parseRecord(inner) : inner;
    if (!isRecord(candidate)) continue;
    if (readAccessRecord(candidate, event, service)) {
      event.kind = kindOf(candidate);
      return true;
    }
  }
  return false;
}

const shipped = /^\S{1,100} \w{1,40}: /;

function setTime(record: JsonRecord, event: Event, times: Times | undefined): boolean {
  if (!times) return true;
  event.time = recordTime(record, times) ?? times.lost();
  return true;
}
