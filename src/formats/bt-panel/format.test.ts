import { expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { btPanel } from './format.ts';

const line = '["2026-11-22 02:27:01", "203.0.113.7:4711", "POST", "/login?", "Mozilla/5.0", "{\'username\': \'******\'}", 12]';

it('a request', () => {
  expect(decodeOne(btPanel, line)).toMatchObject({ kind: 'access', service: 'bt-panel', source_ip: '203.0.113.7', source_port: 4711, http_method: 'POST', url: '/login', http_user_agent: 'Mozilla/5.0', outcome: 'unknown', time: Date.UTC(2026, 10, 22, 2, 27, 1) });
  expect(surestFormat(line)).toBe('bt-panel');
});

it('counts what it cannot read', () => expect(decodeAll(btPanel, ['[]', line.slice(0, -4), '["x"]', line.replace('203.0.113.7', '999.0.113.7')]).unparsed).toBe(4));
