import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { openvpn } from './program.ts';

test('the peer is the first word or, without one there, the last address', () => {
  expect(heard(openvpn, 'ovpn-server',
    '192.0.2.1:1194 TLS Auth Error: Auth Username/Password verification failed for peer', '192.0.2.1:1194 VERIFY ERROR: depth=0, error=certificate has expired: CN=x from [AF_INET]203.0.113.9:1', '192.0.2.2:1194 TLS Error: TLS handshake failed', 'TLS Error: cannot locate HMAC in incoming packet from [AF_INET]192.0.2.3:55340',
    '192.0.2.4:1194 WARNING: Bad encapsulated packet length from peer (5635), which must be > 0', '192.0.2.4:1194 SIGUSR1[soft,connection-reset] received, client-instance restarting', 'kim/192.0.2.5:1194 SIGUSR1[soft,ping-restart] received, client-instance restarting',
    '192.0.2.6:1194 [kim] Peer Connection Initiated with [AF_INET]192.0.2.6:1194', '[AF_INET6]2001:db8::7:1194 TLS Error: tls-crypt unwrapping failed from [AF_INET6]2001:db8::7:1194', 'library versions: OpenSSL 3.0',
  )).toEqual(['login failure 192.0.2.1 -', 'login-detail failure 192.0.2.1 -', 'probe failure 192.0.2.2 -', 'probe failure 192.0.2.3 -', 'probe failure 192.0.2.4 -', 'probe failure 192.0.2.4 -', 'session-end success 192.0.2.5 kim', 'login success 192.0.2.6 kim', 'probe failure 2001:db8::7 -', 'unknown']);
});
