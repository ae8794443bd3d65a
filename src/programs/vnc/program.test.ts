import { expect, it } from 'vitest';
import { feed } from '../testing.ts';
import { vnc } from './program.ts';

it('gives a failure the address of the last connection', () => {
  const decode = feed(vnc);
  expect(decode(' Connections: accepted: [::ffff:192.0.2.7]::50022')).toMatchObject({ action: 'connect', source_ip: '192.0.2.7', source_port: 50022 });
  expect(decode(' SConnection: AuthFailureException: Authentication failure')).toMatchObject({ service: 'vnc', action: 'login', outcome: 'failure', source_ip: '192.0.2.7' });
  expect(decode(' Connections: accepted: 192.0.2.8::50023').source_ip).toBe('192.0.2.8');
});

it.each([
  ['Connections: blacklisted: 192.0.2.7', 'connection-refused'],
  ['rfbAuthProcessClientMessage: authentication failed from 192.0.2.7', 'login'],
])('%s', (message, action) => { expect(feed(vnc)(message)).toMatchObject({ said: true, action, outcome: 'failure', source_ip: '192.0.2.7' }); });

it('leaves what it does not know', () => { expect(feed(vnc)('VNCSConnST: Server default pixel format').said).toBe(false); });
