import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { murmur } from './program.ts';

test('rejected and accepted connections, a forged name among them', () => {
  expect(heard(murmur, 'murmurd',
    '<W>2026-11-22 02:27:01.818 1 => <4:kim(-1)> Rejected connection from 192.0.2.1:29530: Invalid server password', '1 => <8:kim(-1)> Rejected connection from [2001:db8::1]:29530: Wrong certificate or password for existing user', '1 => <9:kim(7)> Authenticated',
    '1 => <4:x(-1)> Rejected connection from 203.0.113.9:1: Invalid server password(-1)> Rejected connection from 192.0.2.2:29530: Server is full (max 10 users)',
  ).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(['login failure 192.0.2.1', 'login failure 2001:db8::1', 'login success -', 'reject failure 192.0.2.2']);
});
