import { expect, test } from 'vitest';
import { readFile, summary } from '../../../test/heard.ts';
import { named } from './format.ts';

const lines = [
  '22-Nov-2026 02:27:01.000 security: info: client @0x7f65100ee4d8 192.0.2.1#3076 (example.com): query (cache) \'example.com/ANY/IN\' denied',
  '22-Nov-2026 02:27:02.000 client 192.0.2.2#3076: zone transfer \'example.com/AXFR/IN\' denied',
  '[1795314423] nsd[7745]: info: axfr for example.com. from 192.0.2.3 refused, no acl matches',
];

test('BIND\'s and NSD\'s own files', () => {
  const { events, unparsed } = readFile(named, [...lines, 'no head']);
  expect(events.map(summary)).toEqual(['reject failure 192.0.2.1 -', 'reject failure 192.0.2.2 -', 'reject failure 192.0.2.3 -']);
  expect(events.map(({ time, service }) => [time, service])).toEqual([1, 2, 3].map((n) => [Date.UTC(2026, 10, 22, 2, 27, n), n === 3 ? 'nsd' : 'named']));
  expect(unparsed).toBe(1);
});

test('it is sure of its own lines and of no others', () => {
  for (const line of lines) expect(named.sniff(line), line).toBeGreaterThan(0.6);
  for (const line of ['22-Nov-2026 02:27:01 PHP Warning: x', 'Nov 22 02:27:01 server named[1]: running', '[1795314423] x']) expect(named.sniff(line), line).toBe(0);
});
