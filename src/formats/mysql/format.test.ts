import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { syslog } from '../syslog/format.ts';
import { mysql } from './format.ts';

const denied = "Access denied for user 'root'@'203.0.113.7' (using password: YES)";
const failure = { kind: 'database', service: 'mysql', category: 'authentication', action: 'login', outcome: 'failure', user: 'root', source_ip: '203.0.113.7' };

describe('MySQL and MariaDB', () => {
  it.each([
    `261122  2:27:01 [Warning] ${denied}`,
    `261122  2:27:01    12 Connect\t${denied}`,
    `2026-11-22  2:27:01 8 [Warning] ${denied}`,
    `2026-11-22  2:27:01 139845235329792 [Warning] ${denied}`,
    `2026-11-22 02:27:01 5907 [Warning] ${denied}`,
    `2026-11-22T02:27:01.237955Z 6 [Note] ${denied}`,
    `2026-11-22T02:27:01.237955+00:00 6 [Note] [MY-010926] [Server] ${denied}`,
    "2026-11-22  2:27:01 8 [Warning] Access denied for user 'root'@'203.0.113.7'",
    "2026-11-22  2:27:01 8 [Warning] Access denied for user 'root'@'203.0.113.7' to database 'shop'",
  ])('%s', (line) => {
    const event = decodeOne(mysql, line);
    expect(event).toMatchObject(failure);
    expect(Math.floor(event.time / 1000)).toBe(Date.UTC(2026, 10, 22, 2, 27, 1) / 1000);
    expect(surestFormat(line)).toBe('mysql');
  });

  it('through syslog, with and without its own time', () => {
    expect(decodeOne(syslog, `Nov 22 02:27:01 db mysqld[7]: 2026-11-22  2:27:01 8 [Warning] ${denied}`)).toMatchObject(failure);
    expect(decodeOne(syslog, `Nov 22 02:27:01 db mariadbd[7]: ${denied}`)).toMatchObject(failure);
  });

  it('a user name cannot name another address, nor a failure', () => {
    expect(decodeOne(mysql, "2026-11-22  2:27:01 8 [Warning] Access denied for user 'x'@'198.51.100.66' (using password: NO) 'y'@'203.0.113.7' (using password: YES)")).toMatchObject({ source_ip: '203.0.113.7' });
    expect(decodeOne(mysql, `2026-11-22  2:27:01 8 [Warning] ${denied} and more`).action).not.toBe('login');
  });

  it('the rest', () => {
    expect(decodeOne(mysql, "2026-11-22  2:27:01 8 [Warning] Host '203.0.113.7' is blocked because of many connection errors")).toMatchObject({ action: 'blocked', source_ip: '203.0.113.7' });
    expect(decodeOne(mysql, "2026-11-22  2:27:01 8 [Warning] Aborted connection 8 to db: 'unconnected' user: 'unauthenticated' host: '203.0.113.7' (Got an error)")).toMatchObject({ action: 'connection-aborted', source_ip: '203.0.113.7' });
    const { events, unparsed } = decodeAll(mysql, ['2026-11-22  2:27:01 0 [Note] ready for connections.', 'Version: 10.11']);
    expect(events.map(({ action }) => action)).toEqual(['log', 'log']);
    expect(unparsed).toBe(1);
  });
});
