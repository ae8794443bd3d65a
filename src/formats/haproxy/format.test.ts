import { expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { syslog } from '../syslog/format.ts';
import { haproxy } from './format.ts';

const line = '203.0.113.9:4711 [22/Nov/2026:02:27:01.123] web~ app/s1 0/0/0/169/169 404 1541 - - ---- 5/6/9/1/0 0/0 {shop.example|curl/8.5.0} "GET /a%2e HTTP/1.1"';

it('a request', () => {
  expect(decodeOne(haproxy, line)).toMatchObject({ kind: 'access', service: 'haproxy', time: Date.UTC(2026, 10, 22, 2, 27, 1, 123), source_ip: '203.0.113.9', source_port: 4711, http_status: 404, http_bytes: 1541, url_decoded: '/a.', http_user_agent: 'curl/8.5.0', outcome: 'failure' });
});

it('through syslog, with an IPv6 peer that is not bracketed', () => {
  expect(decodeOne(syslog, `Nov 22 02:27:01 lb haproxy[7]: ${line.replace('203.0.113.9', '2001:db8::1234')}`)).toMatchObject({ kind: 'access', service: 'haproxy', source_ip: '2001:db8::1234', source_port: 4711 });
});

it('sessions, failed handshakes and what it refuses itself', () => {
  const { events } = decodeAll(haproxy, [
    '203.0.113.9:4711 [22/Nov/2026:02:27:01.123] tcp db/s1 1/0/5 212 -- 1/1/1/1/0 0/0',
    '203.0.113.9:4711 [22/Nov/2026:02:27:01.123] web/1: SSL handshake failure',
    '203.0.113.9:4711 [22/Nov/2026:02:27:01.123] web web/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"',
  ]);
  expect(events.map(({ kind, action, outcome }) => ({ kind, action, outcome }))).toEqual([
    { kind: 'access', action: 'connection', outcome: 'success' }, { kind: 'weberror', action: 'error', outcome: 'failure' }, { kind: 'access', action: 'malformed-request', outcome: 'failure' },
  ]);
});

it('sniffs', () => expect(surestFormat(line)).toBe('haproxy'));
