import { describe, expect, it } from 'vitest';
import { decodeOne, surestFormat } from '../../../test/decode.ts';
import { nginxProxyManager } from './format.ts';

describe('Nginx Proxy Manager', () => {
  const line = '[22/Nov/2026:02:27:01 +0000] - 404 404 - GET https shop.example "/.env?x=1" [Client 203.0.113.7] [Length 150] [Gzip -] [Sent-to 192.168.1.9] "curl/8.5.0" "https://shop.example/"';

  it('proxied request', () => {
    expect(decodeOne(nginxProxyManager, line)).toMatchObject({
      kind: 'nginx', source_ip: '203.0.113.7', http_method: 'GET', url: '/.env?x=1', http_host: 'shop.example', http_status: 404, http_bytes: 150, http_user_agent: 'curl/8.5.0', http_referer: 'https://shop.example/', outcome: 'failure',
    });
  });

  it('time, site and peer in front, the rest unquoted', () => {
    const own = '[22/Nov/2026:02:27:01 +0000] 198.51.100.80 203.0.113.7 0.004 "GET /a HTTP/1.1" 401 77 935 - Mozilla/5.0 (X11)';
    expect(decodeOne(nginxProxyManager, own)).toMatchObject({ source_ip: '203.0.113.7', http_host: '198.51.100.80', http_status: 401, http_user_agent: 'Mozilla/5.0 (X11)' });
  });

  it('a target cannot bring a client of its own', () => {
    const forged = line.replace('/.env?x=1', String.raw`/\x22 [Client 198.51.100.66] [Length 1]`);
    expect(decodeOne(nginxProxyManager, forged)).toMatchObject({ source_ip: '203.0.113.7', url: '/" [Client 198.51.100.66] [Length 1]' });
  });

  it('sniffs', () => expect(surestFormat(line)).toBe('nginx-proxy-manager'));
});
