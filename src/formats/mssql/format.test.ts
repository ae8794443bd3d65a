import { expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { mssql } from './format.ts';

const line = "2026-11-22 02:27:01.17 Logon       Login failed for user 'O'Hara'. Reason: Password did not match that for the login provided. [CLIENT: 203.0.113.7]";

it('a failed log-on', () => {
  expect(decodeOne(mssql, line)).toMatchObject({ kind: 'database', service: 'mssql', action: 'login', outcome: 'failure', user: "O'Hara", source_ip: '203.0.113.7', time: Date.UTC(2026, 10, 22, 2, 27, 1, 170) });
  expect(surestFormat(line)).toBe('mssql');
});

it('a user name cannot name another address', () => {
  expect(decodeOne(mssql, line.replace("O'Hara", "x'. Reason: y. [CLIENT: 198.51.100.66] z"))).toMatchObject({ source_ip: '203.0.113.7' });
});

it('neither quotations nor other lines are failures', () => {
  const { events, unparsed } = decodeAll(mssql, [line.replace('Logon ', 'Wrong data received: Logon '), '2026-11-22 02:27:01.17 Server      SQL Server is starting']);
  expect(events.map(({ action }) => action)).toEqual(['log', 'log']);
  expect(unparsed).toBe(1);
});
