import { expect, it } from 'vitest';
import { decodeOne, surestFormat } from '../../../test/decode.ts';
import { couchdb } from './format.ts';

const head = '[notice] 2026-11-22T02:27:01.579985Z couchdb@127.0.0.1 <0.17607.12> e1fed412f8 db.example:5984 203.0.113.7';

it('requests', () => {
  const line = `${head} undefined GET /_all_dbs 401 ok 1`;
  expect(decodeOne(couchdb, line)).toMatchObject({ kind: 'database', service: 'couchdb', action: 'request', outcome: 'failure', source_ip: '203.0.113.7', url: '/_all_dbs', http_status: 401, http_host: 'db.example', user: undefined });
  expect(surestFormat(line)).toBe('couchdb');
});

it('refused log-ons', () => expect(decodeOne(couchdb, `${head} undefined POST /_session 401 ok 5`)).toMatchObject({ action: 'login', outcome: 'failure', source_ip: '203.0.113.7' }));
