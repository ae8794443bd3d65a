import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { login } from './program.ts';

it.each([
  ["FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure", ['failure', 'root', undefined, '/dev/tty1']],
  ["FAILED LOGIN (3) on '/dev/pts/1' from '192.0.2.7' FOR 'bob', Authentication failure", ['failure', 'bob', '192.0.2.7', '/dev/pts/1']],
  ['FAILED LOGIN 2 FROM 192.0.2.7 FOR bob, Authentication failure', ['failure', 'bob', '192.0.2.7', undefined]],
  ["FAILED LOGIN 2 FROM 192.0.2.7 FOR x FROM 203.0.113.9 FOR root, Authentication failure", ['failure', 'x FROM 203.0.113.9 FOR root', '192.0.2.7', undefined]],
  ['TOO MANY LOGIN TRIES (3) FROM 192.0.2.7 FOR bob, Authentication failure', ['failure', 'bob', '192.0.2.7', undefined]],
  ["invalid password for 'bob' on 'tty1' from 'host.example.net'", ['failure', 'bob', 'host.example.net', 'tty1']],
  ['LOGIN ON tty1 BY bob', ['success', 'bob', undefined, 'tty1']],
  ['LOGIN ON pts/1 BY bob FROM 192.0.2.7', ['success', 'bob', '192.0.2.7', 'pts/1']],
  ["ROOT LOGIN  on '/dev/tty1'", ['success', 'root', undefined, '/dev/tty1']],
  ["ROOT LOGIN  on '/dev/pts/1' from '192.0.2.7'", ['success', 'root', '192.0.2.7', '/dev/pts/1']],
])('%s', (message, expected) => {
  const event = feed(login)(message);
  expect([event.outcome, event.user, event.source_ip, event.terminal]).toEqual(expected);
  expect([event.kind, event.service, event.action]).toEqual(['auth', 'login', 'login']);
});
