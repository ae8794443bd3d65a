import { expect, it } from 'vitest';
import { decodeOne, surestFormat } from '../../../test/decode.ts';
import { traefik } from './format.ts';

const common = '203.0.113.9 - bob [22/Nov/2026:02:27:01 +0000] "GET /dashboard/ HTTP/2.0" 401 17 "-" "curl/8" 72 "web@docker" "http://10.0.0.9:80" 3ms';
const json = JSON.stringify({ ClientAddr: '203.0.113.9:4711', ClientHost: '203.0.113.9', ClientUsername: '-', DownstreamContentSize: 19, DownstreamStatus: 404, RequestHost: 'shop.example', RequestMethod: 'GET', RequestPath: '/.git/config', RequestProtocol: 'HTTP/1.1', StartUTC: '2026-11-22T02:27:01.5Z', 'request_User-Agent': 'curl/8', time: '2026-11-22T02:27:01Z' });

it('common log format', () => {
  expect(decodeOne(traefik, common)).toMatchObject({ service: 'traefik', source_ip: '203.0.113.9', user: 'bob', action: 'login', outcome: 'failure', http_status: 401, http_user_agent: 'curl/8' });
});

it('JSON', () => {
  expect(decodeOne(traefik, json)).toMatchObject({ service: 'traefik', source_ip: '203.0.113.9', source_port: 4711, url: '/.git/config', http_status: 404, http_host: 'shop.example', http_user_agent: 'curl/8', time: Date.UTC(2026, 10, 22, 2, 27, 1) });
});

it('sniffs', () => expect([common, json].map(surestFormat)).toEqual(['traefik', 'traefik']));
