import { expect, it } from 'vitest';
import { decodeAll, decodeOne, pick, surestFormat } from '../../../test/decode.ts';
import { mongodb } from './format.ts';

const json = (msg: string, attr: object) => JSON.stringify({ t: { $date: '2026-11-22T02:27:01.903+00:00' }, s: 'I', c: 'ACCESS', id: 20249, ctx: 'conn1', msg, attr });

it('4.4 and later', () => {
  const line = json('Authentication failed', { mechanism: 'SCRAM-SHA-256', principalName: 'root', authenticationDatabase: 'admin', remote: '203.0.113.7:4711', error: 'AuthenticationFailed' });
  expect(decodeOne(mongodb, line)).toMatchObject({ kind: 'database', service: 'mongodb', action: 'login', outcome: 'failure', user: 'root', source_ip: '203.0.113.7', source_port: 4711, time: Date.UTC(2026, 10, 22, 2, 27, 1, 903) });
  expect(surestFormat(line)).toBe('mongodb');
  expect(decodeOne(mongodb, json('Successfully authenticated', { client: '[2001:db8::7]:4711', user: 'root' }))).toMatchObject({ action: 'login', outcome: 'success', source_ip: '2001:db8::7' });
});

it('3.x and 4.0', () => {
  const line = '2026-11-22T02:27:01.903+0000 I ACCESS   [conn1] SCRAM-SHA-1 authentication failed for x from client 198.51.100.66 on admin from client 203.0.113.7:4711 ; UserNotFound: Could not find user x@admin';
  expect(decodeOne(mongodb, line)).toMatchObject({ action: 'login', outcome: 'failure', source_ip: '203.0.113.7' });
});

it('2.x: the failure is told at the end of the connection, with its address', () => {
  const { events } = decodeAll(mongodb, [
    '2026-11-22T02:27:01.903+0000 [conn7] Failed to authenticate root@admin with mechanism MONGODB-CR: AuthenticationFailed key mismatch',
    '2026-11-22T02:27:01.905+0000 [conn7] Failed to authenticate root@admin with mechanism MONGODB-CR: AuthenticationFailed key mismatch',
    '2026-11-22T02:27:02.000+0000 [conn8] end connection 198.51.100.9:1 (0 connections now open)',
    '2026-11-22T02:27:02.001+0000 [conn7] end connection 203.0.113.7:4711 (0 connections now open)',
  ].map((line) => line.replace(' [', ' I ACCESS   [')));
  expect(events.map((event) => pick(event, 'action', 'user', 'source_ip', 'value'))).toEqual([
    { action: 'login-detail', user: 'root' }, { action: 'login-detail', user: 'root' },
    { action: 'disconnect', source_ip: '198.51.100.9' }, { action: 'login', user: 'root', source_ip: '203.0.113.7', value: 2 },
  ]);
});
