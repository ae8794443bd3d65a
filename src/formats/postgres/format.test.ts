import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, pick, surestFormat } from '../../../test/decode.ts';
import { syslog } from '../syslog/format.ts';
import { postgres } from './format.ts';

const failed = 'FATAL:  password authentication failed for user "amy"';
const failure = { kind: 'database', service: 'postgresql', category: 'authentication', action: 'login', outcome: 'failure', user: 'amy', source_ip: '203.0.113.7' };

describe('PostgreSQL', () => {
  it.each([
    `2026-11-22 02:27:01.536 UTC [147] 203.0.113.7 amy@shop ${failed}`,
    `2026-11-22 02:27:01.536 UTC [147] amy@shop 203.0.113.7(4711) ${failed}`,
    `2026-11-22 02:27:01 UTC:203.0.113.7(4711):amy@shop:[147]:${failed}`,
    `203.0.113.7 2026-11-22 02:27:01.491 UTC [147] amy@shop ${failed}`,
    `2026-11-22 02:27:01.536 UTC,"amy","shop",147,"203.0.113.7:4711",6a,1,"authentication",2026-11-22 02:27:01 UTC,3/1,0,FATAL,28P01,"password authentication failed for user ""amy""","Connection matched pg_hba.conf line 1",,,,,,,,"","client backend",,0`,
    JSON.stringify({ timestamp: '2026-11-22 02:27:01.536 UTC', user: 'amy', dbname: 'shop', pid: 147, remote_host: '203.0.113.7', remote_port: 4711, error_severity: 'FATAL', message: 'password authentication failed for user "amy"' }),
  ])('%s', (line) => {
    const event = decodeOne(postgres, line);
    expect(event).toMatchObject({ ...failure, pid: 147 });
    expect(Math.floor(event.time / 1000)).toBe(Date.UTC(2026, 10, 22, 2, 27, 1) / 1000);
    expect(surestFormat(line)).toBe('postgres');
  });

  it('takes the address from the connection when the prefix has none', () => {
    const { events } = decodeAll(postgres, [
      '2026-11-22 02:27:01.536 UTC [147] LOG:  connection received: host=203.0.113.7 port=4711',
      '2026-11-22 02:27:01.540 UTC [148] LOG:  connection received: host=198.51.100.9 port=4712',
      `2026-11-22 02:27:01.550 UTC [147] ${failed}`,
      '2026-11-22 02:27:01.551 UTC [147] DETAIL:  Connection matched file "pg_hba.conf" line 1: "host all all 0.0.0.0/0 scram-sha-256"',
      '2026-11-22 02:27:01.560 UTC [148] LOG:  connection authorized: user=bob database=shop',
    ]);
    expect(events.map((event) => pick(event, 'action', 'outcome', 'user', 'source_ip'))).toEqual([
      { action: 'connection', outcome: 'success', source_ip: '203.0.113.7' },
      { action: 'connection', outcome: 'success', source_ip: '198.51.100.9' },
      { action: 'login', outcome: 'failure', user: 'amy', source_ip: '203.0.113.7' },
      { action: 'log', outcome: 'unknown', source_ip: '203.0.113.7' },
      { action: 'login', outcome: 'success', user: 'bob', source_ip: '198.51.100.9' },
    ]);
  });

  it.each([
    ['no pg_hba.conf entry for host "203.0.113.7", user "amy", database "shop", no encryption', { source_ip: '203.0.113.7', user: 'amy' }],
    ['pg_hba.conf rejects connection for host "203.0.113.7", user "amy", database "shop", SSL encryption', { source_ip: '203.0.113.7', user: 'amy' }],
    ['role "amy" does not exist', { user: 'amy' }],
    ['Peer authentication failed for user "amy"', { user: 'amy' }],
  ])('%s', (message, fields) => expect(decodeOne(postgres, `2026-11-22 02:27:01.536 UTC [147] FATAL:  ${message}`)).toMatchObject({ action: 'login', outcome: 'failure', ...fields }));

  it('through syslog', () => {
    expect(decodeOne(syslog, `Nov 22 02:27:01 db postgres[147]: [3-1] 2026-11-22 02:27:01.536 UTC [147] 203.0.113.7 amy@shop ${failed}`)).toMatchObject(failure);
    expect(decodeOne(syslog, 'Nov 22 02:27:01 db postgres[147]: [3-1] hello').kind).toBe('syslog');
  });

  it('a user name in the prefix cannot name another address', () => {
    expect(decodeOne(postgres, `2026-11-22 02:27:01.536 UTC [147] 198.51.100.66 @shop 203.0.113.7 ${failed}`).source_ip).toBeUndefined();
  });

  it('a message cannot forge a failure', () => {
    const line = `2026-11-22 02:27:01.536 UTC [147] ERROR:  syntax error at or near "FATAL:  password authentication failed for user "x""`;
    expect(decodeOne(postgres, line)).toMatchObject({ action: 'log', outcome: 'unknown' });
  });
});
