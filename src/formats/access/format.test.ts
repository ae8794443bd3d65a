import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { access } from './format.ts';

const nginx = { time_iso8601: '2026-11-22T02:27:01+08:00', remote_addr: '10.0.0.5', http_x_forwarded_for: '203.0.113.9', request: 'GET /a%2e%2e?x=1 HTTP/1.1', status: '404', body_bytes_sent: '12', http_user_agent: 'curl/8', http_referer: '-', remote_user: '-', server_name: 'shop.example' };
const envoy = { ':authority': 'shop.example', downstream_remote_address: '203.0.113.9:4711', method: 'POST', 'x-envoy-origin-path': '/login', response_code: 302, protocol: 'HTTP/2', start_time: '2026-11-22T02:27:01.123Z', 'user-agent': 'curl/8', bytes_sent: 5, 'x-forwarded-for': '192.0.2.66' };

describe('access logs in JSON', () => {
  it('nginx with its own variables', () => {
    expect(decodeOne(access, JSON.stringify(nginx))).toMatchObject({
      kind: 'nginx', service: 'nginx', time: Date.UTC(2026, 10, 21, 18, 27, 1), source_ip: '203.0.113.9', url_decoded: '/a..?x=1', http_status: 404, http_bytes: 12, http_user_agent: 'curl/8', http_referer: undefined, user: undefined, http_host: 'shop.example', outcome: 'failure',
    });
  });

  it('Envoy', () => {
    expect(decodeOne(access, JSON.stringify(envoy))).toMatchObject({ kind: 'access', service: 'envoy', source_ip: '203.0.113.9', source_port: 4711, http_method: 'POST', url: '/login', http_version: '2', http_status: 302 });
  });

  it('a line that a shipper carries', () => {
    const line = JSON.stringify({ timestamp: 1_795_314_421, message: 'web.0 nginx: 192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 502 15 "-" "curl/8"', level: 'INFO' });
    expect(decodeOne(access, line)).toMatchObject({ kind: 'nginx', source_ip: '192.0.2.1', http_status: 502, time: 1_795_314_421_000 });
  });

  it('is not taken in by other JSON', () => {
    const { events, unparsed } = decodeAll(access, ['{"status":200}', '{"a":', '[]', '{"status":200,"remote_addr":"nobody","request":"GET / HTTP/1.1"}', `{"x":"${'y'.repeat(300_000)}"}`]);
    expect(events).toEqual([]);
    expect(unparsed).toBe(5);
    expect(surestFormat(JSON.stringify(nginx))).toBe('access');
    expect(surestFormat('{"status":200,"msg":"started"}')).toBeUndefined();
  });
});
