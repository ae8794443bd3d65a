import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { xrdp } from './program.ts';

it('takes the address from the end of the line', () => {
  expect(feed(xrdp)('[INFO ] AUTHFAIL: user=carol ip=::ffff:192.0.2.7 time=1795314421')).toMatchObject({ kind: 'auth', service: 'xrdp', action: 'login', outcome: 'failure', user: 'carol', source_ip: '192.0.2.7' });
  expect(feed(xrdp)('AUTHFAIL: user=x ip=203.0.113.9 time=1\\n[INFO ] AUTHFAIL: user=y ip=192.0.2.7 time=1795314421').source_ip).toBe('192.0.2.7');
});

it('takes none when the line is cut short', () => {
  expect(feed(xrdp)('[INFO ] AUTHFAIL: user=carol').said).toBe(false);
  expect(feed(xrdp)('[INFO ] xrdp_wm_log_msg: login failed for user x ip=203.0.113.9 time=1').said).toBe(false);
});

it('tells of success', () => {
  expect(feed(xrdp)('[INFO ] Access permitted for user: carol')).toMatchObject({ action: 'login', outcome: 'success', user: 'carol' });
});
