import type { Event, Kind } from '../core/gen/event.ts';
import { finishRequest, hostOnly, setRequest, setTarget } from './access-line.ts';
import { addressAndPort, clientBehindProxy } from './address.ts';
import { type JsonRecord, pickText, pluck } from './json.ts';

/**
 * Access records in JSON. There is no standard, so the names that people give these fields in log_format recipes
 * and that servers use themselves are tried in order. The peer's keys come before those of headers: see
 * clientBehindProxy for when a forwarded address counts.
 */
const peerKeys = ['remote_addr', 'remote_ip', 'ClientAddr', 'clientip', 'client_ip', 'downstream_remote_address', 'remoteAddr', 'remote_address', 'remoteIP', 'remoteIp', 'realip_remote_addr', 'client', 'src_ip', 'source_ip', 'ip', 'remoteaddr', 'remote-addr', 'remote_host', 'host_ip', 'h', 'httpRequest.remoteIp', 'client.ip', 'source.ip'] as const;
const forwardedKeys = ['http_x_forwarded_for', 'x_forwarded_for', 'x_forward_for', 'xff', 'x-forwarded-for', 'http_x_forwarded', 'forwarded_for', 'http_x_real_ip', 'x_real_ip', 'real_ip'] as const;
const lineKeys = ['request', 'request_line', 'requestLine', 'r'] as const;
const methodKeys = ['request_method', 'method', 'RequestMethod', 'http_method', 'verb', 'req_method', 'httpRequest.requestMethod', 'http.method', 'http.request.method', 'requestMethod'] as const;
const targetKeys = ['request_uri', 'RequestPath', 'uri', 'x-envoy-original-path', 'x-envoy-origin-path', 'url', 'path', 'request_path', 'requestUri', 'requestURI', 'http_path', 'httpRequest.requestUrl', 'http.url', 'http.url_details.path', 'url.original', 'document_uri'] as const;
const queryKeys = ['args', 'query_string', 'query', 'queryString', 'request_args'] as const;
const statusKeys = ['status', 'DownstreamStatus', 'response_code', 'status_code', 'http_status', 'code', 'response', 'httpRequest.status', 'http.status_code', 'http.response.status_code', 'statusCode', 'OriginStatus'] as const;
const bytesKeys = ['body_bytes_sent', 'bytes_sent', 'DownstreamContentSize', 'size', 'bytes', 'response_length', 'response_size', 'upstream_response_length'] as const;
const agentKeys = ['http_user_agent', 'user_agent', 'request_User-Agent', 'user-agent', 'agent', 'userAgent', 'ua', 'useragent', 'http_ua', 'httpRequest.userAgent', 'http.useragent', 'user_agent.original'] as const;
const refererKeys = ['http_referer', 'referer', 'referrer', 'http_referrer', 'request_Referer', 'httpRequest.referer', 'http.referer'] as const;
const hostKeys = ['http_host', 'vhost', 'server_name', 'RequestHost', ':authority', 'authority', 'host', 'domain', 'virtual_host', 'site'] as const;
const userKeys = ['remote_user', 'ClientUsername', 'user', 'username', 'auth_user'] as const;
const versionKeys = ['server_protocol', 'RequestProtocol', 'protocol', 'proto', 'http_version', 'request_version'] as const;

/** Fills a request event from a JSON access record; false when the record is none. Its time is not read here. */
export function readAccessRecord(record: JsonRecord, event: Event, service: string | undefined): boolean {
  const status = Number(pickText(record, statusKeys));
  const peer = pickText(record, peerKeys);
  if (!Number.isInteger(status) || (status !== 0 && (status < 100 || status > 599)) || peer === undefined) return false;
  const address = addressAndPort(peer);
  if (!address) return false;
  const target = pickText(record, targetKeys);
  const method = pickText(record, methodKeys);
  const line = pickText(record, lineKeys);
  event.http_host = pickHost(record);
  if (target !== undefined && method !== undefined) {
    const query = target.includes('?') ? undefined : pickText(record, queryKeys);
    setTarget(event, method, query === undefined ? target : `${target}?${query}`);
    event.http_version = pickText(record, versionKeys)?.replace(/^HTTP\//i, '');
  } else if (line !== undefined) setRequest(event, line);
  else return false;
  event.source_ip = clientBehindProxy(address.ip, pickText(record, forwardedKeys));
  event.source_port = address.port;
  event.user = pickText(record, userKeys);
  event.http_user_agent = pickText(record, agentKeys);
  event.http_referer = pickText(record, refererKeys);
  const bytes = Number(pickText(record, bytesKeys));
  if (Number.isFinite(bytes)) event.http_bytes = bytes;
  finishRequest(event, service ?? serviceOf(record), status);
  return true;
}

/** What the names of the keys say about the server: nginx's variables keep their names in most recipes. */
export function kindOf(record: JsonRecord): Kind {
  return pluck(record, 'body_bytes_sent') !== undefined || pluck(record, 'request_uri') !== undefined && pluck(record, 'remote_addr') !== undefined || pluck(record, 'upstream_response_time') !== undefined ? 'nginx' : 'access';
}

function serviceOf(record: JsonRecord): string {
  if (kindOf(record) === 'nginx') return 'nginx';
  if (pluck(record, 'downstream_remote_address') !== undefined) return 'envoy';
  return 'http';
}

function pickHost(record: JsonRecord): string | undefined {
  const host = pickText(record, hostKeys);
  return host === undefined || host === '_' ? undefined : hostOnly(host);
}
