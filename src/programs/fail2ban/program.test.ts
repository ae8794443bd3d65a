import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { fail2ban } from './program.ts';

test('bans by fail2ban and lfd', () => {
  expect(heard(fail2ban, 'fail2ban.actions', 'NOTICE [sshd] Ban 192.0.2.1', 'NOTICE [sshd] Unban 192.0.2.1', 'NOTICE [recidive] Ban 192.0.2.1', 'INFO [sshd] Found 192.0.2.1 - 2026-11-22 02:27:01', 'NOTICE [sshd] Restore Ban 192.0.2.1')).toEqual(['ban failure 192.0.2.1 -', 'unban unknown 192.0.2.1 -', 'ban unknown 192.0.2.1 -', 'found unknown 192.0.2.1 -', 'ban unknown 192.0.2.1 -']);
  expect(heard(fail2ban, 'fail2ban-server', 'fail2ban.actions        [11524]: NOTICE  [postfix-sasl] Ban 2001:db8::1')).toEqual(['ban failure 2001:db8::1 -']);
  expect(heard(fail2ban, 'lfd', '(sshd) Failed SSH login from 192.0.2.2 (XX/Nowhere/h.example.net): 5 in the last 300 secs - *Blocked in csf* [LF_SSHD]', '*Port Scan* detected from 192.0.2.3 (XX/Nowhere/-). 11 hits in the last 70 seconds', 'daemon started')).toEqual(['ban failure 192.0.2.2 -', 'ban failure 192.0.2.3 -', 'unknown']);
});
