import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { courier } from './program.ts';

test('the relay is always the second field, whatever the mail addresses say', () => {
  expect(heard(courier, 'courieresmtpd',
    'error,relay=::ffff:192.0.2.1,msg="535 Authentication failed.",cmd: AUTH LOGIN kim@example.org', 'error,relay=192.0.2.2,port=43632,msg="535 Authentication failed.",cmd: YWRt', 'error,relay=::ffff:192.0.2.3,ident=x,from=<a@example.net>,to=<b@example.org>: 550 User unknown.',
    'error,relay=::ffff:192.0.2.4,from=<",relay=203.0.113.9,msg="535 x">,to=<b@example.org>: 513 Relaying denied.', 'started,ip=[::ffff:192.0.2.5]',
  )).toEqual(['login failure 192.0.2.1 kim@example.org', 'login failure 192.0.2.2 -', 'reject failure 192.0.2.3 -', 'reject failure 192.0.2.4 -', 'connect success 192.0.2.5 -']);
});
