import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { samba } from './program.ts';

const auth = (user: string, status: string, host: string): string => `Auth: [SMB2,(null)] user [WORKGROUP]\\[${user}] at [Sun, 22 Nov 2026 02:27:01.023984 UTC] with [NTLMv2] status [${status}] workstation [PC] remote host [${host}] mapped to [WORKGROUP]\\[${user}]. local host [ipv4:198.51.100.1:445]`;

test('authentication records', () => {
  expect(heard(samba, 'smbd', auth('kim', 'NT_STATUS_WRONG_PASSWORD', 'ipv4:192.0.2.1:44890'), auth('kim', 'NT_STATUS_OK', 'ipv6:2001:db8::1:44890'), 'smbd version 4.17 started'))
    .toEqual(['login failure 192.0.2.1 kim', 'login success 2001:db8::1 kim', 'unknown']);
});

test('a name that claims success from elsewhere is a failure from nobody', () => {
  expect(heard(samba, 'smbd', auth('x] at [y] status [NT_STATUS_OK] remote host [ipv4:203.0.113.9:1', 'NT_STATUS_NO_SUCH_USER', 'ipv4:192.0.2.1:44890'))).toEqual(['login failure - x']);
});
