import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { mailFilter } from './program.ts';

test('amavis: the peer stands right before the sender', () => {
  expect(heard(mailFilter, 'amavis',
    '(4051-09) Blocked INFECTED (Test.Signature) {DiscardedInbound,Quarantined}, [192.0.2.1]:1434 [192.0.2.1] <a@example.net> -> <b@example.org>, quarantine: x, Queue-ID: 4ABC', '(4051-10) Blocked BANNED (.exe,x, [203.0.113.9] <y.exe) {NoBounce}, [2001:db8::2]:1434 [192.0.2.2] <> -> <b@example.org>,<c@example.org>, Hits: 1', '(4051-11) Passed CLEAN {RelayedInbound}, [192.0.2.3]:1434 [192.0.2.3] <a@example.net> -> <b@example.org>, Hits: -1',
  )).toEqual(['reject failure 192.0.2.1 -', 'reject failure 2001:db8::2 -', 'message success 192.0.2.3 -']);
});

test('rspamd, MailScanner, postgrey, SPF', () => {
  expect(heard(mailFilter, 'rspamd',
    '<ab12>; task; rspamd_task_write_log: id: <x@example.net>, qid: <4ABC>, ip: 192.0.2.1, from: <a@example.net>, (default: T (reject): [15.2/15.0] [X(1.0){}]), len: 1202', '<ab12>; task; rspamd_task_write_log: id: <x, ip: 203.0.113.9, y>, qid: <4ABC>, ip: 192.0.2.1, from: <a@example.net>, (default: F (no action): [1.2/15.0] [])',
  )).toEqual(['reject failure 192.0.2.1 -', 'message success - -']);
  expect(heard(mailFilter, 'MailScanner', 'Message 5ctN6m from 192.0.2.2 (a@example.net) to example.org is spam (blacklisted)', 'Message 5ctN6m from 192.0.2.2 (a@example.net) to example.org is not spam, SpamAssassin (score=0)')).toEqual(['reject failure 192.0.2.2 -', 'message success 192.0.2.2 -']);
  expect(heard(mailFilter, 'postgrey', 'action=greylist, reason=new, client_name=h.example.net, client_address=192.0.2.3, sender=a@example.net, recipient=b@example.org')).toEqual(['greylist unknown 192.0.2.3 -']);
  expect(heard(mailFilter, 'policyd-spf', '550 5.7.23 Message rejected due to: SPF fail - not authorized. client-ip=192.0.2.4; identity=mailfrom;')).toEqual(['reject failure 192.0.2.4 -']);
});
