import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { named } from './program.ts';

test('BIND with all heads, and NSD', () => {
  expect(heard(named, 'named',
    'client @0x7f65100ee4d8 192.0.2.1#3076 (example.com): query (cache) \'example.com/ANY/IN\' denied', '22-Nov-2026 02:27:01.425 security: info: client 192.0.2.2#3076: zone transfer \'example.com/AXFR/IN\' denied', 'client 2001:db8::3#3076 (x): view external: query \'x/A/IN\' denied (allow-query did not match)', 'client @0x1 192.0.2.4#53 (x): bad zone transfer request: \'example.com/IN\': non-authoritative zone (NOTAUTH)',
    'client 192.0.2.5#53 (x): query: x IN A + (198.51.100.1)', 'running',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'reject failure 2001:db8::3 -', 'reject failure 192.0.2.4 -', 'query unknown 192.0.2.5 -', 'unknown']);
  expect(heard(named, 'nsd', 'info: axfr for example.com. from 192.0.2.6 refused, no acl matches', 'info: ratelimit block example.com. type any target 192.0.2.0/24 query 192.0.2.7 TYPE255')).toEqual(['reject failure 192.0.2.6 -', 'reject failure 192.0.2.7 -']);
});
