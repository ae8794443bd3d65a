import { expect, it } from 'vitest';
import { decodeOne, surestFormat } from '../../../test/decode.ts';
import { envoy } from './format.ts';

const line = '[2026-11-22T02:27:01.123Z] "GET /x HTTP/1.1" 503 UF 0 91 5 - "192.0.2.66, 203.0.113.9" "curl/8" "0123-4567" "shop.example" "10.0.0.9:80"';

it('default format: the nearest proxy\'s word', () => {
  expect(decodeOne(envoy, line)).toMatchObject({ service: 'envoy', source_ip: '203.0.113.9', http_status: 503, http_user_agent: 'curl/8', http_host: 'shop.example', url: '/x', outcome: 'failure' });
});

it('Istio names the peer', () => {
  const istio = '[2026-11-22T02:27:01.123Z] "GET /x HTTP/1.1" 200 - via_upstream - "-" 0 91 5 4 "192.0.2.66" "curl/8" "0123-4567" "shop.example" "10.0.0.9:80" inbound|80|| 127.0.0.6:1 10.0.0.9:80 203.0.113.9:4711 - default';
  expect(decodeOne(envoy, istio)).toMatchObject({ source_ip: '203.0.113.9', http_user_agent: 'curl/8' });
});

it('sniffs', () => expect(surestFormat(line)).toBe('envoy'));
