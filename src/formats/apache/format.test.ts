import { describe, expect, it } from 'vitest';
import { decodeOne, surestFormat } from '../../../test/decode.ts';
import { apache } from './format.ts';

const one = (line: string) => decodeOne(apache, line);

describe('Apache access lines', () => {
  it.each([
    ['common', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 404 209', { kind: 'apache', service: 'apache', source_ip: '192.0.2.1', http_status: 404, http_bytes: 209, outcome: 'failure' }],
    ['common, nothing sent', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 304 -', { http_status: 304, http_bytes: undefined }],
    ['site in front', 'shop.example:443 2001:db8::7 - bob [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl/8"', { http_host: 'shop.example', source_ip: '2001:db8::7', user: 'bob' }],
    ['name for an address', 'dsl-7.isp.example - - [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl/8"', { source_ip: 'dsl-7.isp.example' }],
    ['site behind the time', '192.0.2.1 - - - [22/Nov/2026:02:27:01 ] shop.example "GET / HTTP/1.1" 200 814 "-" "Bot/1.0" + 293 1149', { source_ip: '192.0.2.1', http_host: 'shop.example', http_user_agent: 'Bot/1.0' }],
    ['tomcat', '192.0.2.1 - - [22/Nov/2026:02:27:01 +0800] "POST /manager/html HTTP/1.1" 401 2499', { source_ip: '192.0.2.1', http_status: 401 }],
    ['month in another language', '192.0.2.1 -  - [22/sept./2026:02:27:01 +0200] "GET /basicui HTTP/1.1" 401 1382', { time: Date.UTC(2026, 8, 22, 0, 27, 1) }],
    ['cPanel: month first', '192.0.2.1 - - [11/22/2026:02:27:01 -0000] "GET /etc/shadow HTTP/1.1" 200 0 "-" "curl/8" "-" "-" 2083', { time: Date.UTC(2026, 10, 22, 2, 27, 1), http_user_agent: 'curl/8' }],
    ['LiteSpeed quotes the line', '"192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""', { source_ip: '192.0.2.1' }],
    ['lighttpd', '192.0.2.1 shop.example:8080 - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"', { source_ip: '192.0.2.1' }],
  ])('%s', (_name, line, fields) => expect(one(line)).toMatchObject(fields));

  it('escapes', () => {
    const line = String.raw`192.0.2.1 - x\" [22/Nov/2026:00:00:00 [22/Nov/2026:02:27:01 +0000] "GET /a\"b\\c\xe4\xb8\xad HTTP/1.1" 401 5 "http://x/\"y" "\"; drop"`;
    expect(one(line)).toMatchObject({ url: '/a"b\\c中', http_referer: 'http://x/"y', http_user_agent: '"; drop', user: 'x" [22/Nov/2026:00:00:00', action: 'login' });
  });

  it('is surer than nginx of what only Apache writes', () => {
    expect(surestFormat('shop.example:443 192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"')).toBe('apache');
    expect(surestFormat('192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 5')).toBe('apache');
    expect(surestFormat(String.raw`192.0.2.1 - - [22/Nov/2026:02:27:01 +0000] "GET / HTTP/1.1" 200 5 "-" "a\"b"`)).toBe('apache');
  });
});
