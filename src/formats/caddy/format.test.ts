import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { caddy } from './format.ts';

const request = { remote_ip: '10.0.0.5', remote_port: '4711', client_ip: '203.0.113.9', proto: 'HTTP/2.0', method: 'GET', host: 'shop.example:443', uri: '/a?b=%2e', headers: { 'User-Agent': ['curl/8'], Referer: ['https://x.example/'] } };
const line = (more: object, head: object = {}) => JSON.stringify({ level: 'info', ts: 1_795_314_421.5, logger: 'http.log.access', msg: 'handled request', ...head, request: { ...request, ...more }, user_id: '', size: 7, status: 401 });

describe('Caddy', () => {
  it('request', () => {
    expect(decodeOne(caddy, line({}))).toMatchObject({ kind: 'access', service: 'caddy', time: 1_795_314_421_500, source_ip: '203.0.113.9', http_method: 'GET', url_decoded: '/a?b=.', http_host: 'shop.example', http_status: 401, http_user_agent: 'curl/8', http_referer: 'https://x.example/', action: 'request', outcome: 'failure' });
  });

  it('credentials that were refused', () => {
    expect(decodeOne(caddy, line({ headers: { Authorization: [] } }))).toMatchObject({ action: 'login', outcome: 'failure' });
  });

  it('firewall', () => {
    const msg = '[client "203.0.113.9"] Coraza: Access denied (phase 2). Inbound score [file "x.conf"] [line "1"] [id "949110"] [msg "Inbound Anomaly Score Exceeded"] [data "[id \\"1\\"]"] [hostname "shop.example"] [uri "/a?b=%27"] [unique_id "z"]';
    expect(decodeOne(caddy, JSON.stringify({ level: 'error', ts: 1_795_314_421, logger: 'http.handlers.waf', msg }))).toMatchObject({ kind: 'weberror', action: 'blocked', outcome: 'failure', source_ip: '203.0.113.9', url_decoded: "/a?b='", extra: { waf_rule_id: '949110', waf_rule: 'Inbound Anomaly Score Exceeded' } });
  });

  it('keeps its other lines', () => {
    const { events } = decodeAll(caddy, ['{"level":"info","ts":1795314421.1,"logger":"tls","msg":"cleaning storage unit"}', '{"level":"info"']);
    expect(events.map(({ action, kind }) => ({ action, kind }))).toEqual([{ action: 'log', kind: 'access' }, { action: 'log', kind: 'access' }]);
    expect(surestFormat(line({}))).toBe('caddy');
  });
});
