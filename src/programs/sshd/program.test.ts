import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { feed, told, type Feed } from '../testing.ts';
import { sshd } from './program.ts';

const fresh = (): Feed => feed(sshd);
const once = (message: string): ReturnType<Feed> => fresh()(message);
/** action and outcome of each line of one connection */
const story = (...lines: string[]): string[] => {
  const decode = fresh();
  return lines.map((line) => { const event = decode(line); return `${event.action} ${event.outcome}`; });
};
const attempts = (...lines: string[]): number => story(...lines).filter((line) => line === 'login failure').length;

describe('one line', () => {
  const base = { kind: 'sshd', service: 'sshd', category: 'authentication', pid: 4711, session: '4711', process_name: 'sshd' };
  it.each([
    ['Failed password for root from 192.0.2.7 port 50022 ssh2', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 50022, method: 'password' }],
    ['Failed password for invalid user eve from 2001:db8::7 port 50022 ssh2', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '2001:db8::7', source_port: 50022, method: 'password' }],
    ['Failed keyboard-interactive/pam for invalid user eve from ::ffff:192.0.2.7 port 9 ssh2', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '192.0.2.7', source_port: 9, method: 'keyboard-interactive/pam' }],
    ['Failed none for invalid user eve from 192.0.2.7 port 9 ssh2', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '192.0.2.7', source_port: 9, method: 'none' }],
    ['Failed password for root from 192.0.2.7', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', method: 'password' }],
    ['[ID 800047 auth.info] Failed password for root from 192.0.2.7 port 9 ssh2', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 9, method: 'password' }],
    ['Failed publickey for git from 192.0.2.7 port 9 ssh2: ED25519 SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU', { action: 'login-detail', outcome: 'failure', user: 'git', source_ip: '192.0.2.7', source_port: 9, method: 'publickey' }],
    ['Failed publickey for invalid user eve from 192.0.2.7 port 9 ssh2: RSA SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '192.0.2.7', source_port: 9, method: 'publickey' }],
    ['Accepted password for bob from 192.0.2.7 port 9 ssh2', { action: 'login', outcome: 'success', user: 'bob', source_ip: '192.0.2.7', source_port: 9, method: 'password' }],
    ['Accepted publickey for bob from 192.0.2.7 port 9 ssh2: RSA SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU', { action: 'login', outcome: 'success', user: 'bob', source_ip: '192.0.2.7', source_port: 9, method: 'publickey' }],
    ['Invalid user eve from 192.0.2.7 port 9', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '192.0.2.7', source_port: 9 }],
    ['Invalid user  from 192.0.2.7 port 9', { action: 'login', outcome: 'failure', user: '', source_ip: '192.0.2.7', source_port: 9 }],
    ['Illegal user eve from 192.0.2.7', { action: 'login', outcome: 'failure', user: 'eve', source_ip: '192.0.2.7' }],
    ['error: PAM: Authentication failure for illegal user eve from host.example.net', { action: 'login', outcome: 'failure', user: 'eve', source_ip: 'host.example.net', method: 'pam' }],
    ['error: PAM: authentication error for bob from 192.0.2.7 via 198.51.100.2', { action: 'login', outcome: 'failure', user: 'bob', source_ip: '192.0.2.7', method: 'pam' }],
    ['error: maximum authentication attempts exceeded for root from 192.0.2.7 port 9 ssh2 [preauth]', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 9 }],
    ['Disconnecting authenticating user root 192.0.2.7 port 9: Too many authentication failures [preauth]', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 9 }],
    ['Connection closed by authenticating user root 192.0.2.7 port 9 [preauth]', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 9 }],
    ['Connection reset by invalid user  192.0.2.7 port 9 [preauth]', { action: 'login', outcome: 'failure', user: '', source_ip: '192.0.2.7', source_port: 9 }],
    ['User root from 192.0.2.7 not allowed because not listed in AllowUsers', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7' }],
    ['ROOT LOGIN REFUSED FROM ::ffff:192.0.2.7 port 9 [preauth]', { action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', source_port: 9 }],
    ['refused connect from liar@::ffff:192.0.2.7 (::ffff:192.0.2.7)', { action: 'connection-refused', outcome: 'failure', source_ip: '192.0.2.7' }],
    ["Authentication tried for root with correct key but not from a permitted host (host=evil.example.net, ip=192.0.2.7, required=198.51.100.1).", { action: 'login-detail', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', method: 'publickey' }],
    ['pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root', { action: 'login-detail', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', method: 'pam' }],
    ['PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root', { action: 'login-detail', outcome: 'failure', user: 'root', source_ip: '192.0.2.7', method: 'pam', value: 2 }],
    ['pam_faillock(sshd:auth): Consecutive login failures for user root account temporarily locked', { action: 'account-locked', outcome: 'failure', user: 'root' }],
    ['pam_google_authenticator(sshd:auth): Invalid verification code for bob', { action: 'login-detail', outcome: 'failure', user: 'bob', method: 'pam' }],
    ['pam_access(sshd:account): access denied for user `bob\' from `192.0.2.7\'', { action: 'login-detail', outcome: 'failure', user: 'bob', source_ip: '192.0.2.7', method: 'pam' }],
  ])('%s', (message, expected) => {
    expect(told(once(message))).toEqual({ ...base, ...expected });
  });

  const probe = { kind: 'sshd', service: 'sshd', category: 'network', action: 'probe', outcome: 'failure', pid: 4711, session: '4711', process_name: 'sshd' };
  it.each([
    ['Did not receive identification string from 192.0.2.7 port 9', { source_ip: '192.0.2.7', source_port: 9 }],
    ["Bad protocol version identification 'GET / HTTP/1.1' from 192.0.2.7 port 9", { source_ip: '192.0.2.7', source_port: 9 }],
    ["Bad protocol version identification '' from 203.0.113.9 port 1' from 192.0.2.7 port 9", { source_ip: '192.0.2.7', source_port: 9 }],
    ['banner exchange: Connection from 192.0.2.7 port 9: invalid format', { source_ip: '192.0.2.7', source_port: 9 }],
    ['Unable to negotiate with 2001:db8::7 port 9: no matching host key type found. Their offer: ssh-dss [preauth]', { source_ip: '2001:db8::7', source_port: 9 }],
    ['fatal: Timeout before authentication for 192.0.2.7 port 9', { source_ip: '192.0.2.7', source_port: 9 }],
    ['Timeout before authentication for connection from 192.0.2.7 to 198.51.100.1, pid = 4711', { source_ip: '192.0.2.7' }],
    ['ssh_dispatch_run_fatal: Connection from 192.0.2.7 port 9: message authentication code incorrect [preauth]', { source_ip: '192.0.2.7', source_port: 9 }],
    ['ssh_dispatch_run_fatal: Connection from authenticating user root 192.0.2.7 port 9: Connection corrupted [preauth]', { source_ip: '192.0.2.7', source_port: 9, user: 'root' }],
    ['Connection closed by 192.0.2.7 port 9 [preauth]', { source_ip: '192.0.2.7', source_port: 9 }],
    ['error: kex_exchange_identification: client sent invalid protocol identifier "x"', {}],
    ['Received disconnect from 2001:db8::7: 11: Bye [preauth]', { source_ip: '2001:db8::7' }],
    ['Protocol major versions differ for 192.0.2.7 port 9: SSH-2.0-OpenSSH_9.2 vs. SSH-1.5-x', { source_ip: '192.0.2.7', source_port: 9 }],
    ['Bad packet length 1349676916. [preauth]', {}],
  ])('%s', (message, expected) => {
    expect(told(once(message))).toEqual({ ...probe, ...expected });
  });

  it.each([
    ['drop connection #11 from [192.0.2.7]:9 on [198.51.100.1]:22 past MaxStartups', 'network connection-refused failure 192.0.2.7'],
    ['Server listening on 0.0.0.0 port 22.', 'service service-start success undefined'],
    ['Received signal 15; terminating.', 'service service-stop success undefined'],
    ['Connection from 192.0.2.7 port 9 on 198.51.100.1 port 22 rdomain ""', 'network connect unknown 192.0.2.7'],
    ['Connection closed by 192.0.2.7 port 9', 'network disconnect unknown 192.0.2.7'],
    ['Disconnected from user bob 192.0.2.7 port 9', 'session logout success 192.0.2.7'],
    ['pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)', 'session session-start success undefined'],
    ['Starting session: shell on pts/0 for bob from 192.0.2.7 port 9 id 0', 'session session-start success 192.0.2.7'],
    ['reverse mapping checking getaddrinfo for host.example.net [192.0.2.7] failed.', 'network reverse-mapping unknown 192.0.2.7'],
    ['User root not allowed because account is locked', 'authentication login-detail failure undefined'],
    ['Postponed publickey for bob from 192.0.2.7 port 9 ssh2 [preauth]', 'authentication login-detail unknown 192.0.2.7'],
    ['something nobody has heard of', 'undefined undefined undefined undefined'],
  ])('%s', (message, expected) => {
    const event = once(message);
    expect(`${event.category} ${event.action} ${event.outcome} ${event.source_ip}`).toBe(expected);
    expect([event.said, event.kind]).toEqual([true, 'sshd']);
  });
});

describe('one attempt counts once', () => {
  const from = 'from 192.0.2.7 port 9';
  const pam = 'pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ';

  it('for an account that does not exist', () => {
    expect(story(`Invalid user eve ${from}`, 'pam_unix(sshd:auth): check pass; user unknown', pam, `Failed password for invalid user eve ${from} ssh2`, 'Connection closed by invalid user eve 192.0.2.7 port 9 [preauth]')).toEqual([
      'login failure', 'login-detail failure', 'login-detail failure', 'login-detail failure', 'login-detail failure',
    ]);
  });

  it('for each password of several', () => {
    expect(story(`${pam} user=root`, ...Array.from({ length: 3 }, () => `Failed password for root ${from} ssh2`), `error: maximum authentication attempts exceeded for root ${from} ssh2 [preauth]`, 'Disconnecting authenticating user root 192.0.2.7 port 9: Too many authentication failures [preauth]', 'PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root')).toEqual([
      'login-detail failure', 'login failure', 'login failure', 'login failure', 'login-detail failure', 'login-detail failure', 'login-detail failure',
    ]);
  });

  it('when "none" is tried before the password', () => {
    expect(attempts(`Invalid user eve ${from}`, `Failed none for invalid user eve ${from} ssh2`, `Failed password for invalid user eve ${from} ssh2`, `Failed password for invalid user eve ${from} ssh2`)).toBe(2);
  });

  it('for keys: a connection that ends without success is one attempt', () => {
    const key = `Failed publickey for git ${from} ssh2: RSA SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU`;
    expect(attempts(key, key, key, 'Connection closed by authenticating user git 192.0.2.7 port 9 [preauth]')).toBe(1);
    expect(attempts(key, key, `Accepted publickey for git ${from} ssh2: RSA SHA256:x`, 'Connection closed by 192.0.2.7 port 9')).toBe(0);
  });

  it('and a goodbye before any failure only when it comes again', () => {
    const decode = fresh();
    const bye = (pid: number, minutes: number): unknown => {
      const event = decode(`Disconnected from authenticating user root 192.0.2.7 port ${pid} [preauth]`, { pid, time: Date.UTC(2026, 10, 22, 2, minutes) });
      return `${event.action} ${event.outcome} ${event.user} ${event.source_ip}`;
    };
    expect([bye(1, 0), bye(2, 1), bye(3, 9), bye(4, 30)]).toEqual([
      'probe failure root 192.0.2.7', 'login failure root 192.0.2.7', 'login failure root 192.0.2.7', 'probe failure root 192.0.2.7',
    ]);
  });

  it('and a first module that fails before a second lets in is none', () => {
    expect(attempts(`${pam} user=bob`, `Accepted password for bob ${from} ssh2`, 'pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)', 'Disconnected from user bob 192.0.2.7 port 9')).toBe(0);
  });

  it('after a success the close is a log-out', () => {
    expect(story(`Accepted password for bob ${from} ssh2`, 'Received disconnect from 192.0.2.7 port 9:11: disconnected by user', 'Disconnected from user bob 192.0.2.7 port 9')).toEqual(['login success', 'disconnect unknown', 'logout success']);
  });

  it('when the address comes only with the next line', () => {
    const decode = fresh();
    expect(decode('Disconnecting: Too many authentication failures for root [preauth]')).toMatchObject({ action: 'login-detail', source_ip: undefined });
    expect(decode('Connection closed by 192.0.2.7 [preauth]')).toMatchObject({ action: 'login', outcome: 'failure', user: 'root', source_ip: '192.0.2.7' });
  });

  it('and the address of the connection stands in for lines without one', () => {
    const decode = fresh();
    decode('Connection from 192.0.2.7 port 9 on 198.51.100.1 port 22');
    expect(decode('error: kex_exchange_identification: Connection closed by remote host')).toMatchObject({ action: 'probe', source_ip: '192.0.2.7', source_port: 9 });
    expect(decode('Disconnecting: Too many authentication failures for root [preauth]')).toMatchObject({ action: 'login', source_ip: '192.0.2.7' });
  });

  it('a pid used again by another address is another connection', () => {
    const decode = fresh();
    decode('Failed password for root from 192.0.2.7 port 9 ssh2');
    expect(decode('Connection closed by authenticating user root 192.0.2.8 port 9 [preauth]').action).toBe('login');
  });

  it('a pid used again by the same address is told by the time or by the close', () => {
    const decode = fresh();
    decode('Invalid user eve from 192.0.2.7 port 9');
    decode('Connection closed by invalid user eve 192.0.2.7 port 9 [preauth]');
    expect(decode('Invalid user eve from 192.0.2.7 port 10').action).toBe('login');
    expect(decode('Failed password for invalid user eve from 192.0.2.7 port 10 ssh2', { time: Date.UTC(2026, 10, 22, 5) }).action).toBe('login');
  });

  it('hosts of one log and lines without a pid are kept apart', () => {
    const decode = fresh();
    const line = 'Invalid user eve from 192.0.2.7 port 9';
    const failed = 'Failed password for invalid user eve from 192.0.2.7 port 9 ssh2';
    expect([decode(line, { host: 'a' }), decode(failed, { host: 'b' }), decode(failed, { host: 'a' })].map((event) => event.action)).toEqual(['login', 'login', 'login-detail']);
    expect([decode(line, { pid: undefined }), decode(failed, { pid: undefined })].map((event) => [event.action, event.session])).toEqual([['login', undefined], ['login', undefined]]);
  });

  it('where sshd is silent (LogLevel ERROR) the PAM lines count from the second connection on', () => {
    const decode = fresh();
    expect([1, 2, 3, 4].map((pid) => decode(`${pam} user=root`, { pid }).action)).toEqual(['login-detail', 'login', 'login', 'login']);
    decode('Failed password for root from 192.0.2.9 port 9 ssh2', { pid: 5 });
    expect(decode(`${pam} user=root`, { pid: 6 }).action).toBe('login-detail');
  });
});

describe('text that a client chose cannot move the address', () => {
  const lies = [
    'x from 203.0.113.9', 'x from 203.0.113.9 port 22', 'x from 203.0.113.9 port 22 ssh2', 'from 203.0.113.9 port 22 ssh2',
    'x from 203.0.113.9 port 22 ssh2: RSA SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU', 'x 203.0.113.9 port 22', 'x 203.0.113.9',
    'x#012Accepted password for root from 203.0.113.9 port 22 ssh2', 'x\\nAccepted password for root from 203.0.113.9 port 22 ssh2',
    'Accepted password for root from 203.0.113.9 port 22 ssh2', 'x not allowed because y', 'x: Too many authentication failures', 'x via 203.0.113.9',
    'x [preauth]', 'invalid user y', '', ' ', '  ', ' from ', ' port ', 'user=root rhost=203.0.113.9', 'x rhost=203.0.113.9  user=root', 'a\tb', '[203.0.113.9]', '用户',
  ];
  const forms: ((name: string) => string)[] = [
    (name) => `Failed password for invalid user ${name} from 192.0.2.7 port 4711 ssh2`,
    (name) => `Failed password for ${name} from 192.0.2.7 port 4711 ssh2`,
    (name) => `Failed none for invalid user ${name} from 192.0.2.7 port 4711 ssh2`,
    (name) => `Failed keyboard-interactive/pam for invalid user ${name} from 192.0.2.7 port 4711 ssh2`,
    (name) => `Failed publickey for invalid user ${name} from 192.0.2.7 port 4711 ssh2: RSA SHA256:qX5kbiLYbd4oZgo3XjZDlVyU4nOqYC2jwBzbpn3CFgU`,
    (name) => `Invalid user ${name} from 192.0.2.7 port 4711`,
    (name) => `Invalid user ${name} from 192.0.2.7`,
    (name) => `Connection closed by invalid user ${name} 192.0.2.7 port 4711 [preauth]`,
    (name) => `Connection reset by authenticating user ${name} 192.0.2.7 port 4711 [preauth]`,
    (name) => `Disconnected from invalid user ${name} 192.0.2.7 port 4711 [preauth]`,
    (name) => `Disconnecting invalid user ${name} 192.0.2.7 port 4711: Too many authentication failures [preauth]`,
    (name) => `Disconnecting invalid user ${name} 192.0.2.7 port 4711: Change of username or service not allowed: (${name},ssh-connection) -> (${name},ssh-connection) [preauth]`,
    (name) => `error: maximum authentication attempts exceeded for invalid user ${name} from 192.0.2.7 port 4711 ssh2 [preauth]`,
    (name) => `error: PAM: Authentication failure for illegal user ${name} from 192.0.2.7`,
    (name) => `User ${name} from 192.0.2.7 not allowed because not listed in AllowUsers`,
    (name) => `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=${name}`,
  ];
  const cases = forms.flatMap((form) => lies.map((lie) => form(lie)));

  it.each(cases)('%s', (line) => {
    const event = once(line);
    expect(event.source_ip === '192.0.2.7' || event.source_ip === undefined, `${event.source_ip}`).toBe(true);
    expect([event.outcome, event.category]).toEqual(['failure', 'authentication']);
  });

  it('and nearly all of these lines still give the address', () => {
    const lost = cases.filter((line) => once(line).source_ip === undefined);
    expect(lost.length).toBeLessThanOrEqual(8);
  });

  it('nor in faults of the protocol, or what the client says when it leaves', () => {
    for (const lie of lies) {
      for (const line of [
        `ssh_dispatch_run_fatal: Connection from invalid user ${lie} 192.0.2.7 port 4711: Connection corrupted [preauth]`,
        `ssh_dispatch_run_fatal: Connection from authenticating user ${lie} 203.0.113.9 port 1: x 192.0.2.7 port 4711: message authentication code incorrect [preauth]`,
        `Received disconnect from 192.0.2.7 port 4711:11: ${lie} [preauth]`,
        `Bad protocol version identification '${lie}' from 192.0.2.7 port 4711`,
        `error: kex_exchange_identification: client sent invalid protocol identifier "${lie}"`,
      ]) {
        const event = once(line);
        expect([undefined, '192.0.2.7']).toContain(event.source_ip);
        expect([event.action, event.outcome]).toEqual(['probe', 'failure']);
      }
    }
  });

  it('whatever the name', () => {
    const word = fc.constantFrom(' from ', '203.0.113.9', ' port ', '22', ' ssh2', ': ', ' ', 'invalid user ', 'RSA SHA256:abc', 'rhost=', ' user=', '(', ')', "'", '[preauth]', 'not allowed because', '\\n');
    const name = fc.array(fc.oneof(word, fc.string({ maxLength: 6 }))).map((parts) => parts.join('').replaceAll(/[\r\n]/g, ''));
    fc.assert(fc.property(name, fc.constantFrom(...forms), (lie, form) => {
      const event = once(form(lie));
      expect(event.source_ip === '192.0.2.7' || event.source_ip === undefined).toBe(true);
      expect(event.outcome).not.toBe('success');
    }), { numRuns: 3000 });
  });

  it('a name that says "Accepted" is a failure of that name', () => {
    const event = once('Failed password for invalid user Accepted password for root from 203.0.113.9 port 22 ssh2 from 192.0.2.7 port 4711 ssh2');
    expect([event.outcome, event.user]).toEqual(['failure', 'Accepted password for root from 203.0.113.9 port 22 ssh2']);
  });

  it('the id in a certificate and the user of a host-based log-on may lie too: the known address decides', () => {
    const line = 'Failed publickey for bob from 192.0.2.7 port 9 ssh2: RSA-CERT SHA256:qX5k ID x from 203.0.113.9 port 1 ssh2: y (serial 1) CA RSA SHA256:qX5k';
    expect(once(line).source_ip).toBeUndefined();
    const decode = fresh();
    decode('Connection from 192.0.2.7 port 9 on 198.51.100.1 port 22');
    expect(decode(line)).toMatchObject({ source_ip: '192.0.2.7', source_port: 9, user: 'bob' });
    expect(once('Failed hostbased for bob from 192.0.2.7 port 9 ssh2: RSA SHA256:qX5k, client user "x from 203.0.113.9", client host "h.example.net"').source_ip).toBe('192.0.2.7');
  });
});
