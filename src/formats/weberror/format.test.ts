import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { weberror } from './format.ts';

const one = (line: string) => decodeOne(weberror, line);
const nginx = (message: string, behind = ', server: a.example, request: "GET /x?y HTTP/1.1", host: "a.example:8080"') => `2026/11/22 02:27:01 [error] 123#0: *5 ${message}, client: 203.0.113.7${behind}`;

describe('nginx', () => {
  it.each([
    ['user "bob": password mismatch', { category: 'authentication', action: 'login', outcome: 'failure', user: 'bob', method: 'basic' }],
    ['user "b ob" was not found in "/etc/nginx/.htpasswd"', { action: 'login', outcome: 'failure', user: 'b ob' }],
    ["PAM: user 'bob' - not authenticated: Authentication failure", { action: 'login', outcome: 'failure', user: 'bob', method: 'pam' }],
    ['no user/password was provided for basic authentication', { action: 'denied', outcome: 'failure' }],
    ['access forbidden by rule', { action: 'denied', outcome: 'failure' }],
    ['directory index of "/srv/" is forbidden', { action: 'denied', outcome: 'failure' }],
    ['limiting requests, excess: 5.800 by zone "one"', { action: 'limited', outcome: 'failure' }],
    ['limiting connections by zone "one"', { action: 'limited', outcome: 'failure' }],
    ['open() "/srv/wp-login.php" failed (2: No such file or directory)', { action: 'not-found', outcome: 'failure', file_path: '/srv/wp-login.php' }],
    ['open() "/srv/.env" failed (13: Permission denied)', { action: 'denied', outcome: 'failure' }],
    ['client intended to send too large body: 3000000 bytes', { action: 'blocked', outcome: 'failure' }],
    ['client sent invalid method while reading client request line', { action: 'malformed-request', outcome: 'failure' }],
    ['FastCGI sent in stderr: "Primary script unknown" while reading response header from upstream', { action: 'not-found', outcome: 'failure' }],
    ['FastCGI sent in stderr: "PHP message: Failed login for amy@example.org" while reading response header from upstream', { action: 'login', outcome: 'failure', user: 'amy@example.org', service: 'php' }],
    ['connect() failed (111: Connection refused) while connecting to upstream', { action: 'error', outcome: 'unknown' }],
    [String.raw`ModSecurity: Access denied with code 403 (phase 2). Matched "Operator" [file "x"] [id "942100"] [msg "SQL Injection"] [data "x"] [uri "/x"] [unique_id "1"]`, { action: 'blocked', outcome: 'failure', extra: { waf_rule_id: '942100', waf_rule: 'SQL Injection' } }],
  ])('%s', (message, fields) => {
    expect(one(nginx(message))).toMatchObject({ kind: 'weberror', service: 'nginx', severity: 'err', pid: 123, session: '5', source_ip: '203.0.113.7', http_method: 'GET', url: '/x?y', http_host: 'a.example', time: Date.UTC(2026, 10, 22, 2, 27, 1), ...fields });
  });

  it('handshakes and the mail proxy', () => {
    expect(one('2026/11/22 02:27:01 [crit] 1#1: *9 SSL_do_handshake() failed (SSL: error:0A00006C) while SSL handshaking, client: 203.0.113.7, server: 0.0.0.0:443')).toMatchObject({ action: 'error', outcome: 'failure', source_ip: '203.0.113.7' });
    expect(one('2026/11/22 02:27:01 [info] 1#1: *9 client login failed: "Invalid login" while in http auth state, client: 203.0.113.7 using starttls, server: 0.0.0.0:587, login: "amy@example.org"')).toMatchObject({ action: 'login', outcome: 'failure', user: 'amy@example.org', source_ip: '203.0.113.7' });
    expect(one('2026/11/22 02:27:01 [info] 1#1: *9 client 203.0.113.7:4711 connected to 0.0.0.0:25')).toMatchObject({ action: 'connection', source_ip: '203.0.113.7' });
  });

  it('a user name cannot name another client', () => {
    const name = 'a": password mismatch, client: 198.51.100.66, server: x, request: "GET / HTTP/1.1", host: "y"';
    expect(one(nginx(`user "${name}" was not found in "/etc/h"`))).toMatchObject({ source_ip: '203.0.113.7', action: 'login' });
  });

  it('a referrer cannot name another client: where it could be either, there is none', () => {
    const behind = ', server: a.example, request: "GET / HTTP/1.1", host: "a.example", referrer: "x", client: 198.51.100.66, server: b, request: "GET / HTTP/1.1"';
    expect(one(nginx('open() "/srv/x" failed (2: No such file or directory)', behind)).source_ip).toBeUndefined();
    expect(one(nginx('access forbidden by rule', behind)).source_ip).toBe('203.0.113.7');
  });
});

describe('Apache', () => {
  const old = (message: string) => `[Sun Nov 22 02:27:01 2026] [error] [client 203.0.113.7] ${message}`;
  const now = (message: string) => `[Sun Nov 22 02:27:01.123456 2026] [auth_basic:error] [pid 7:tid 9] [client 203.0.113.7:4711] ${message}`;
  it.each([
    [old('user bob not found: /private'), { action: 'login', outcome: 'failure', user: 'bob', url: '/private' }],
    [old('user bob: authentication failure for "/private": Password Mismatch'), { action: 'login', user: 'bob' }],
    [old('File does not exist: /srv/www/pma, referer: https://x.example/'), { action: 'not-found', outcome: 'failure', file_path: '/srv/www/pma', http_referer: 'https://x.example/' }],
    [old("script '/srv/www/wp-login.php' not found or unable to stat"), { action: 'not-found', outcome: 'failure' }],
    [old('Invalid method in request \\x16\\x03\\x01'), { action: 'malformed-request', outcome: 'failure' }],
    [old('request failed: URI too long (longer than 8190)'), { action: 'malformed-request', outcome: 'failure' }],
    [now('AH01617: user bob: authentication failure for "/private": Password Mismatch'), { action: 'login', outcome: 'failure', user: 'bob', source_port: 4711, pid: 7 }],
    [now('AH01618: user b ob not found: /private'), { action: 'login', user: 'b ob' }],
    [now("AH01794: user `bob' in realm `x' not found: /digest"), { action: 'login', user: 'bob' }],
    [now('AH01790: user bob: password mismatch: /digest'), { action: 'login', user: 'bob' }],
    [now("AH01788: realm mismatch - got `a' but expected `b'"), { action: 'login', outcome: 'failure' }],
    [now('AH01776: invalid nonce abc received - hash is not def'), { action: 'login', outcome: 'failure' }],
    [now('AH01614: client used wrong authentication scheme: /digest'), { action: 'login', outcome: 'failure' }],
    [now('AH01630: client denied by server configuration: /srv/www/no'), { action: 'denied', outcome: 'failure' }],
    [now('AH01215: /bin/bash: warning: HTTP_X: ignoring function definition attempt'), { action: 'detected', outcome: 'failure' }],
    [now('PHP Notice:  Undefined variable in /srv/www/x.php on line 3'), { action: 'error', outcome: 'unknown' }],
    [now("PHP message: ALERT - ASCII-NUL chars not allowed - dropped variable 'x' (attacker '203.0.113.7', file '/srv/x.php')"), { action: 'blocked', outcome: 'failure', service: 'suhosin' }],
    ['[Sun Nov 22 02:27:01 2026] [core:error] [pid 7] (13)Permission denied: [client 203.0.113.7:4711] AH00035: access to /x denied (filesystem path) because search permissions are missing', { action: 'denied', outcome: 'failure' }],
    ['[Sun Nov 22 02:27:01 2026] [:error] [pid 7:tid 9] [client 203.0.113.7:4711] [client 203.0.113.7] ModSecurity: Access denied with code 403 (phase 2). [id "1"] [msg "m"] [hostname "a.example"] [uri "/x"]', { action: 'blocked', outcome: 'failure', url: '/x' }],
    ['[Sun Nov 22 02:27:01.123456 2026] [core:error] [pid 7:tid 9] [client 2001:db8::7:4711] AH00126: Invalid URI in request GET /../ HTTP/1.1', { action: 'malformed-request', source_ip: '2001:db8::7', source_port: 4711 }],
  ])('%s', (line, fields) => expect(one(line)).toMatchObject({ kind: 'weberror', source_ip: '203.0.113.7', ...fields }));

  it('the message cannot name another client', () => {
    expect(one(now('AH01618: user x] [client 198.51.100.66] y not found: /private')).source_ip).toBe('203.0.113.7');
  });
});

describe('others', () => {
  it.each([
    ["2026-11-22 02:27:01: (mod_auth.c.525) password doesn't match for /x username: bob, IP: 203.0.113.7", { service: 'lighttpd', action: 'login', outcome: 'failure', user: 'bob', source_ip: '203.0.113.7' }],
    ["2026-11-22 02:27:01: (mod_auth.c.850) password doesn't match for /x username: a, IP: 198.51.100.66 IP: 203.0.113.7", { user: 'a, IP: 198.51.100.66', source_ip: '203.0.113.7' }],
    ['2026-11-22 02:27:01: (http_auth.c.1136) get_password failed, IP: 203.0.113.7', { action: 'login', source_ip: '203.0.113.7' }],
    ['2026-11-22 02:27:01: (mod_auth.c.690) digest: auth failed for bob : wrong password, IP: 203.0.113.7', { action: 'login', user: 'bob', method: 'digest' }],
    ['2026-11-22 02:27:01: (server.c.1704) server started', { service: 'lighttpd', action: 'error', outcome: 'unknown' }],
    ['2026-11-22 02:27:01.774649 [NOTICE] [12] [203.0.113.7:4711:HTTP2-41#_AdminVHost] [STDERR] [WebAdmin Console] Failed Login Attempt - username:bob ip:203.0.113.7 url:', { service: 'litespeed', action: 'login', outcome: 'failure', user: 'bob', source_ip: '203.0.113.7' }],
    ['[22-Nov-2026 02:27:01] WARNING: [pool www] child 12 exited on signal 11', { service: 'php-fpm', severity: 'warning' }],
    ["[22-Nov-2026 02:27:01 Asia/Shanghai] ALERT - configured request variable name length limit exceeded - dropped variable 'x' (attacker '203.0.113.7', file '/srv/x.php')", { service: 'suhosin', action: 'blocked', source_ip: '203.0.113.7' }],
  ])('%s', (line, fields) => expect(one(line)).toMatchObject({ kind: line.includes('WebAdmin') ? 'application' : 'weberror', ...fields }));

  it('keeps what has no head, with the time of the line before', () => {
    const { events, unparsed } = decodeAll(weberror, ['2026/11/22 02:27:01 [notice] 1#1: nginx/1.22.1', '  thrown in /srv/x.php on line 3', 'x'.repeat(1_000_000), ', client: '.repeat(100_000)]);
    expect(unparsed).toBe(3);
    expect(events).toHaveLength(4);
    expect(new Set(events.map(({ time }) => time))).toEqual(new Set([Date.UTC(2026, 10, 22, 2, 27, 1)]));
  });

  it('sniffs', () => expect([nginx('x'), "2026-11-22 02:27:01: (mod_auth.c.525) x", '[Sun Nov 22 02:27:01 2026] [error] [client 203.0.113.7] x'].map(surestFormat)).toEqual(['weberror', 'weberror', 'weberror']));
});
