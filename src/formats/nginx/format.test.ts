import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, pick, surestFormat } from '../../../test/decode.ts';
import { nginx } from './format.ts';

const one = (line: string, source?: string) => decodeOne(nginx, line, source);
const agent = 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0';

describe('nginx access lines', () => {
  it('combined', () => {
    const event = one(`203.0.113.7 - - [22/Nov/2026:02:27:01 +0800] "GET /shop/item.php?id=1%27+or+1%3D1 HTTP/1.1" 200 5123 "https://shop.example/" "${agent}"`);
    expect(pick(event, 'kind', 'category', 'action', 'outcome', 'service', 'source_ip', 'user', 'http_method', 'url', 'url_path', 'url_query', 'url_decoded', 'http_status', 'http_bytes', 'http_referer', 'http_user_agent', 'http_version', 'lines')).toEqual({
      kind: 'nginx', category: 'web', action: 'request', outcome: 'success', service: 'nginx', source_ip: '203.0.113.7', http_method: 'GET',
      url: '/shop/item.php?id=1%27+or+1%3D1', url_path: '/shop/item.php', url_query: 'id=1%27+or+1%3D1', url_decoded: "/shop/item.php?id=1' or 1=1",
      http_status: 200, http_bytes: 5123, http_referer: 'https://shop.example/', http_user_agent: agent, http_version: '1.1', lines: [1],
    });
    expect(new Date(event.time).toISOString()).toBe('2026-11-21T18:27:01.000Z');
    expect(event.id).toBe('f:0');
  });

  it('keeps times apart when seconds and zones change', () => {
    const { events } = decodeAll(nginx, ['01 +0000', '01 +0000', '02 +0000', '02 +0100'].map((time) => `192.0.2.1 - - [22/Nov/2026:02:27:${time}] "GET / HTTP/1.1" 200 1 "-" "-"`));
    expect(events.map((event) => event.time - (events[0]?.time ?? 0))).toEqual([0, 0, 1000, -3_599_000]);
  });

  it.each([
    ['main, peer is public: the header is only its word', '198.51.100.9 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8" "192.0.2.66"', { source_ip: '198.51.100.9' }],
    ['main, peer is the own proxy', '10.0.0.5 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8" "192.0.2.66, 203.0.113.9"', { source_ip: '203.0.113.9' }],
    ['main, no header', '10.0.0.5 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8" "-"', { source_ip: '10.0.0.5' }],
    ['times behind the agent', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 502 1 "-" "curl/8" 0.123 0.120 192.168.1.9:80 .', { source_ip: '192.0.2.1', http_status: 502, outcome: 'failure' }],
    ['time before the referer', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 77 0.005 "https://a.example/" "curl/8"', { http_bytes: 77, http_referer: 'https://a.example/', http_user_agent: 'curl/8' }],
    ['site in front', 'shop.example 192.0.2.1 - bob [22/Nov/2026:02:27:01 +0000] "GET / HTTP/2.0" 200 1 "-" "curl/8"', { source_ip: '192.0.2.1', http_host: 'shop.example', user: 'bob' }],
    ['site and request id in front', 'shop.example 192.0.2.1 - 0123456789abcdef0123456789abcdef - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/2.0" 200 1 "-" "curl/8"', { source_ip: '192.0.2.1', http_host: 'shop.example' }],
    ['forwarded list in front', '192.0.2.66, 203.0.113.9, 10.0.0.3 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8"', { source_ip: '203.0.113.9' }],
    ['ingress', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 13 "-" "curl/8" 80 0.001 [default-web-80] [] 10.244.0.9:80 13 0.000 200 0123456789abcdef0123456789abcdef', { source_ip: '192.0.2.1' }],
    ['old ingress', '192.0.2.1 - [192.0.2.1] - bob [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 13 "-" "curl/8"', { source_ip: '192.0.2.1', user: 'bob' }],
    ['IPv6', '2001:DB8:0:0::7 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"', { source_ip: '2001:db8::7' }],
    ['IPv4 in IPv6', '::ffff:192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"', { source_ip: '192.0.2.1' }],
    ['to a proxy', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET http://other.example:81/a?b HTTP/1.1" 400 1 "-" "-"', { url: 'http://other.example:81/a?b', url_path: '/a', url_query: 'b', http_host: 'other.example' }],
    ['refused credentials', '192.0.2.1 - root [22/Nov/2026:02:27:01 +0000] "GET /admin HTTP/1.1" 401 1 "-" "-"', { action: 'login', outcome: 'failure', user: 'root' }],
    ['asked for credentials', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /admin HTTP/1.1" 401 1 "-" "-"', { action: 'request', outcome: 'failure' }],
    ['unix socket', 'unix: - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"', { action: 'request' }],
  ])('%s', (_name, line, fields) => expect(one(line)).toMatchObject(fields));

  it.each([
    ['TLS hello', String.raw`\x16\x03\x01\x00t\x01`, '\u0016\u0003\u0001t\u0001'],
    ['a word', 'HELP', 'HELP'],
    ['no protocol', 'GET /../../etc/passwd', 'GET /../../etc/passwd'],
    ['a lower-case method', 'get / HTTP/1.1', 'get / HTTP/1.1'],
    ['quotes', String.raw`\x22%2e%2e\x22`, '".."'],
  ])('malformed request: %s', (_name, request, decoded) => {
    const event = one(`192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "${request}" 400 157 "-" "-"`);
    expect(event).toMatchObject({ action: 'malformed-request', outcome: 'failure', source_ip: '192.0.2.1', url_decoded: decoded });
    expect(event.http_method).toBeUndefined();
  });

  it('an empty request', () => {
    for (const request of ['-', '']) expect(pick(one(`192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "${request}" 400 0 "-" "-"`), 'action', 'url', 'http_status')).toEqual({ action: 'malformed-request', http_status: 400 });
  });

  it('undoes escapes in request and agent and keeps them in the message', () => {
    const line = String.raw`192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /\xE4\xB8\xAD?a=\x22b\x5C HTTP/1.1" 200 1 "-" "a\x22b \xE2\x80\x94"`;
    expect(one(line)).toMatchObject({ url: '/中?a="b\\', url_decoded: '/中?a="b\\', http_user_agent: 'a"b —', message: line });
  });

  it('the user name cannot forge a line', () => {
    const line = String.raw`192.0.2.1 - x [22/Nov/2026:00:00:00 +0000] \x22GET /fake HTTP/1.1\x22 200 1 \x22-\x22 203.0.113.66 - - [22/Nov/2026:02:27:01 +0000] "GET /real HTTP/1.1" 401 1 "-" "-"`;
    expect(one(line)).toMatchObject({ source_ip: '192.0.2.1', url: '/real', http_status: 401, time: Date.UTC(2026, 10, 22, 2, 27, 1) });
  });

  it('agent and referer cannot forge a line', () => {
    const line = String.raw`192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /real HTTP/1.1" 200 1 "\x22 - - [" "x\x22 203.0.113.66 - - [22/Nov/2026:00:00:00 +0000] \x22GET /fake HTTP/1.1\x22 200"`;
    expect(one(line)).toMatchObject({ source_ip: '192.0.2.1', url: '/real', http_referer: '" - - [' });
  });

  it('a Host header that is an address does not become the peer once the log has shown its form', () => {
    const { events } = decodeAll(nginx, [
      'shop.example 192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
      '203.0.113.66 192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"',
    ]);
    expect(events.map((event) => event.source_ip)).toEqual(['192.0.2.1', '192.0.2.1']);
  });

  it('reads the error lines of a container that writes both', () => {
    expect(one('2026/11/22 02:27:01 [error] 7#7: *5 access forbidden by rule, client: 192.0.2.1, server: a.example, request: "GET /.git HTTP/1.1", host: "a.example"')).toMatchObject({ kind: 'weberror', action: 'denied', source_ip: '192.0.2.1' });
  });

  it('names the server by the path', () => {
    const line = '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "-"';
    expect(one(line, '/var/log/apache2/access.log')).toMatchObject({ kind: 'apache', service: 'apache' });
    expect(one(line, '/usr/local/openresty/nginx/logs/access.log')).toMatchObject({ kind: 'nginx', service: 'openresty' });
    expect(one(line, '/srv/x.log')).toMatchObject({ kind: 'nginx', service: 'nginx' });
  });

  it('counts what is no access line', () => {
    const { events, unparsed } = decodeAll(nginx, ['', 'hello', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1', '"""""', '[[[[', '192.0.2.1 - - [nonsense of a certain length] "GET / HTTP/1.1" 200 1', `192.0.2.1 - - [${'x'.repeat(1_000_000)}`, '\\"'.repeat(200_000)]);
    expect(events).toEqual([]);
    expect(unparsed).toBe(7);
  });

  it('sniffs', () => {
    expect(surestFormat('192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 1 "-" "curl/8"')).toBe('nginx');
    expect(surestFormat('Nov 22 02:27:01 web01 sshd[1]: Failed password for root from 192.0.2.1 port 1 ssh2')).toBe('syslog');
  });
});
