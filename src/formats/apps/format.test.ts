import { describe, expect, it } from 'vitest';
import { decodeAll, decodeOne, surestFormat } from '../../../test/decode.ts';
import { journal } from '../journal/format.ts';
import { syslog } from '../syslog/format.ts';
import { appLogs } from './format.ts';
import { apps } from './table.ts';

const ip = '203.0.113.7';
const evil = '198.51.100.66';
const json = (record: object) => JSON.stringify(record);

/** A failed log-on of each application as it writes it, from 203.0.113.7; the user where it tells. */
const failures: readonly (readonly [app: string, line: string, user?: string])[] = [
  ['bt-panel', `2026-11-22 02:27:01 用户名或密码错误,帐号:admin,密码:******,登录IP:${ip}`, 'admin'],
  ['cpanel', `[2026-11-22 02:27:01 +0000] info [cpaneld] ${ip} - bob "POST /login/?login_only=1 HTTP/1.1" FAILED LOGIN cpaneld: invalid cpanel user bob (has_cpuser_file failed)`, 'bob'],
  ['directadmin', `2026:11:22-02:27:01: '${ip}' 2 failed login attempts. Account 'bob'`, 'bob'],
  ['webmin', `1795314421.216.0 [22/Nov/2026 02:27:01] bob - ${ip} global miniserv.pl "failed" "-" "wrongpass"`, 'bob'],
  ['ispconfig', `Failed login for user 'bob' from ${ip} at 2026-11-22 02:27:01`, 'bob'],
  ['vesta', `2026-11-22 02:27:01 bob ${ip} failed to login`, 'bob'],
  ['plesk', `[2026-11-22 02:27:01.123] 812:1 ERR [panel] Failed login attempt with login 'bob' from IP ${ip}`, 'bob'],
  ['proxmox-backup', `2026-11-22T02:27:01+00:00: authentication failure; rhost=[::ffff:${ip}]:4711 user=root@pam msg=authentication error - AUTH_ERR (7)`, 'root@pam'],
  ['pterodactyl', `WARN: [Nov 22 02:27:01.643] failed to validate user credentials (invalid format) ip=${ip}:4711 subsystem=sftp username=bob`, 'bob'],
  ['monitorix', `Sun Nov 22 02:27:01 2026 - AUTHERR - [${ip}] Authentication error: /monitorix/`],
  ['grafana', `logger=context userId=0 orgId=0 uname= t=2026-11-22T02:27:01.366875297Z level=error msg="Invalid username or password" error="user not found" remote_addr=${ip} traceID=`],
  ['grafana', json({ error: '[password-auth.failed] failed to authenticate identity', level: 'info', msg: 'Unauthorized', remote_addr: ip, t: '2026-11-22T02:27:01Z' })],
  ['uptime-kuma', `2026-11-22T02:27:01.098Z [AUTH] WARN: Incorrect username or password for user bob. IP=${ip}`, 'bob'],
  ['authelia', `time="2026-11-22T02:27:01Z" level=error msg="Unsuccessful 1FA authentication attempt by user 'bob'" method=POST path=/api/firstfactor remote_ip=${ip} stack="x"`, 'bob'],
  ['authentik', json({ action: 'login_failed', client_ip: ip, context: { username: 'bob' }, event: 'Created Event', timestamp: '2026-11-22T02:27:01.098Z' }), 'bob'],
  ['keycloak', `2026-11-22 02:27:01,357 WARN  [org.keycloak.events] (executor-thread-1) type="LOGIN_ERROR", realmId="r", clientId="c", userId="null", ipAddress="${ip}", error="user_not_found", auth_method="openid-connect", username="bob"`, 'bob'],
  ['apereo-cas', `2026-11-22 02:27:01,116 INFO [org.apereo.inspektr.audit.support.Slf4jLoggingAuditTrailManager] - Sun Nov 22 02:27:01 UTC 2026|CAS|Supplied credentials: [x]|AUTHENTICATION_FAILED|bob|${ip}|192.0.2.1`, 'bob'],
  ['vaultwarden', `[2026-11-22 02:27:01.129][vaultwarden::api::identity][ERROR] Username or password is incorrect. Try again. IP: ${ip}. Username: bob@example.org.`, 'bob@example.org'],
  ['vaultwarden', `[2026-11-22 02:27:01.129][vaultwarden::api::admin][ERROR] Invalid admin token. IP: ${ip}`],
  ['bitwarden', `2026-11-22 02:27:01.008 +00:00 [WRN] Failed login attempt, 2FA invalid. ${ip}`],
  ['teleport', json({ event: 'user.login', code: 'T1000W', time: '2026-11-22T02:27:01.133Z', user: 'bob', success: false, 'addr.remote': `${ip}:4711` }), 'bob'],
  ['guacamole', `02:27:01.907 [http-nio-8080-exec-10] WARN  o.a.g.r.auth.AuthenticationService - Authentication attempt from [${ip}, 10.0.0.1] for user "bob" failed.`, 'bob'],
  ['kasm', json({ asctime: '2026-11-22 02:27:01,896', message: 'Authentication attempt invalid user: (bob)', metric_name: 'account.login.failed_invalid_user', request_ip: `${ip}, 10.0.0.1` }), 'bob'],
  ['sftpgo', json({ level: 'debug', time: '2026-11-22T02:27:01.100', sender: 'connection_failed', client_ip: ip, username: 'bob', protocol: 'SSH', error: 'invalid credentials' }), 'bob'],
  ['supavisor', `02:27:01.568 project=t user=bob region=local mode=transaction type=single app_name=psql peer_ip=${ip} [error] ClientHandler: Exchange error: "Wrong password" when method :auth_query`, 'bob'],
  ['znc', `[2026-11-22 02:27:01] [bob] failed to login from ${ip}`, 'bob'],
  ['roundcube', `[22-Nov-2026 02:27:01 +0000]: <3z506z6r> IMAP Error: Login failed for bob against localhost from ${ip}(X-Real-IP: ${evil}). AUTHENTICATE PLAIN: Authentication failed. in /x/rcube_imap.php on line 221 (POST /?_task=login)`, 'bob'],
  ['roundcube', `[22-Nov-2026 02:27:01 +0000]: <3z506z6r> Failed login for bob from ${ip} in session 4z506z6r (error: 0)`, 'bob'],
  ['squirrelmail', `11/22/2026 02:27:01 [LOGIN_ERROR] bob (example.org) from ${ip}: Unknown user or password incorrect.`, 'bob'],
  ['openwebmail', `Sun Nov 22 02:27:01 2026 - [72926] (${ip}) bob - login error - no such user - loginname=bob`, 'bob'],
  ['groupoffice', `[2026-11-22 02:27:01]LOGIN FAILED for user: "bob" from IP: ${ip}`, 'bob'],
  ['tine20', `78017 00cff -- none -- - 2026-11-22T02:27:01+00:00 WARN (4): Tinebase_Controller::login::106 Login with username bob from ${ip} failed (-1)!`, 'bob'],
  ['stalwart', `2026-11-22T02:27:01Z WARN Authentication failed (auth.failed) listenerId = "imap", remoteIp = ${ip}, remotePort = 1`],
  ['rainloop', `[2026-11-22 02:27:01] Auth failed: ip=${ip} user=bob host=imap.example.org`, 'bob'],
  ['gitea', `2026/11/22 02:27:01 ...ers/web/auth/auth.go:217:SignInPost() [W] Failed authentication attempt for bob from ${ip}:48560: user does not exist [uid: 0, name: bob]`, 'bob'],
  ['gitlab', `2026-11-22T02:27:01.725Z: Failed Login: username=bob ip=${ip}`, 'bob'],
  ['gitlab', json({ method: 'POST', path: '/users/sign_in', controller: 'SessionsController', action: 'create', status: 0, time: '2026-11-22T02:27:01.195Z', 'meta.remote_ip': ip })],
  ['jenkins', `2026-11-22 02:27:01.123+0000 [id=1] WARNING x: Failed login attempt for user 'bob' from '${ip}'`, 'bob'],
  ['sonarqube', `2026.11.22 02:27:01 DEBUG web[abc][auth.event] login failure [cause|wrong password][method|BASIC][provider|LOCAL|local][IP|${ip}|][login|bob]`, 'bob'],
  ['harbor', `2026-11-22T02:27:01Z [ERROR] [/core/controllers/base.go:109]: [client IP="${ip}, 172.18.0.1" requestID="x"]: failed to authenticate user:bob, error:Failed to authenticate user, due to error 'Invalid credentials'`, 'bob'],
  ['redmine', `W, [2026-11-22T02:27:01.245316 #1]  WARN -- : Failed login for 'bob' from ${ip} at 2026-11-22 02:27:01 UTC`, 'bob'],
  ['thehive', `[info] o.t.s.AccessLogFilter [1e60d1|2989d0] ${ip} POST /api/v1/login took 8ms and returned 401 65 bytes`],
  ['opensearch-dashboards', json({ type: 'response', '@timestamp': '2026-11-22T02:27:01Z', method: 'post', statusCode: 401, req: { url: '/auth/login?dataSourceId=', remoteAddress: ip } })],
  ['mattermost', json({ timestamp: '2026-11-22 02:27:01.000 Z', path: '/api/v4/users/login', status_code: '401', ip_addr: ip })],
  ['jellyfin', `[2026-11-22 02:27:01.729 +00:00] [INF] [79] Jellyfin.Server.Implementations.Users.UserManager: Authentication request for "bob" has been denied (IP: "${ip}").`, 'bob'],
  ['emby', `2026-11-22 02:27:01.092 Warn Server: AUTH-ERROR: ${ip} - Invalid username or password entered.`],
  ['radarr', `2026-11-22 02:27:01.9|Warn|Auth|Auth-Failure ip ${ip} username 'bob'`, 'bob'],
  ['overseerr', `2026-11-22T02:27:01.637Z [warn][API]: Failed sign-in attempt using invalid Overseerr password {"ip":"::ffff:${ip}","email":"bob"}`, 'bob'],
  ['ombi', `2026-11-22 02:27:01.110 +00:00 [Warning] Failed login attempt by IP: ${ip}`],
  ['navidrome', `time="2026-11-22T02:27:01Z" level=warning msg="HTTP: POST http://a.example/auth/login" elapsedTime=8.5ms httpStatus=401 remoteAddr=${ip} requestId=x userAgent="y"`],
  ['audiobookshelf', `[2026-11-22 02:27:01.438] ERROR: [LocalAuth] Failed login attempt for username "bob" from ip ${ip} (User not found)`, 'bob'],
  ['audiobookshelf', json({ timestamp: '2026-11-22 02:27:01.784', source: 'Auth.js:888', message: `[Auth] Failed login attempt for username "bob" from ip ${ip} (Invalid password)`, levelName: 'ERROR' }), 'bob'],
  ['calibre-web', `[2026-11-22 02:27:01,562]  WARN {cps.web:1475} Login failed for user "bob" IP-address: ${ip}`, 'bob'],
  ['immich', `[Nest] 7  - 11/22/2026, 2:27:01 AM    WARN [AuthService] Failed login attempt for user bob@example.org from ip address ${ip}`, 'bob@example.org'],
  ['qbittorrent', `(W) 2026-11-22T02:27:01 - WebAPI login failure. Reason: invalid credentials, attempt count: 1, IP: ${ip}, username: bob`, 'bob'],
  ['sabnzbd', `2026-11-22 02:27:01,797::WARNING::[interface:657] Unsuccessful login attempt from ${ip} [Mozilla/5.0]`],
  ['sabnzbd', `2026-11-22 02:27:01,797::WARNING::[interface:657] Unsuccessful login attempt from 10.0.0.2 (X-Forwarded-For: 192.0.2.66, ${ip}) [Mozilla/5.0]`],
  ['nextcloud', json({ reqId: 'x', level: 2, time: '2026-11-22T02:27:01+00:00', remoteAddr: ip, user: '--', app: 'core', method: 'POST', url: '/login', message: `Login failed: bob (Remote IP: ${ip})` }), 'bob'],
  ['joomla', `2026-11-22T02:27:01+00:00\tINFO ${ip}\tjoomlafailure\tUsername and password do not match`],
  ['fireflyiii', `[2026-11-22 02:27:01] local.WARNING: AUDIT: Login failed. Attempt for user "bob" failed. (${ip} -> POST:https://a.example/login)`, 'bob'],
  ['odoo', `2026-11-22 02:27:01,644 1 INFO odoo odoo.addons.base.models.res_users: Login failed for db:odoo login:bob from ${ip}`, 'bob'],
  ['joplin', `2026-11-22 02:27:01: [error] App: 403: POST /api/sessions: ${ip}: Invalid username or password: {"email":"bob"}`],
  ['miniflux', `miniflux  | time=2026-11-22T02:27:01.307Z level=WARN msg="Incorrect username or password" authentication_failed=true client_ip=${ip} user_agent="x" username=bob error="y"`, 'bob'],
  ['mealie', `ERROR    2026-11-22T02:27:01 - Incorrect username or password from ${ip}`],
  ['baserow', ` [BACKEND][2026-11-22 02:27:01] ${ip}:0 - "POST /api/user/token-auth/ HTTP/1.1" 401`],
  ['gotify', `[GIN] 2026/11/22 - 02:27:01 | 401 |     505.317µs |       ${ip} | POST     "/client"`],
  ['ntfy', json({ time: '2026-11-22T02:27:01.02Z', level: 'DEBUG', message: 'Connection closed with HTTP 403 (ntfy error 40301)', error: 'forbidden', error_code: 40301, http_status: 403, visitor_ip: ip })],
  ['paperless-ngx', `[2026-11-22 02:27:01,123] [INFO] [paperless.auth] Login failed for user \`bob\` from IP \`${ip}\`.`, 'bob'],
  ['filebrowser', `2026/11/22 02:27:01 /api/login: 403 ${ip} <nil>`],
  ['uvicorn', `INFO:     ${ip}:0 - "POST /api/v1/auths/signin HTTP/1.1" 400 Bad Request`],
  ['jupyter', `[W 2026-11-22 02:27:01.123 ServerApp] 401 POST /login?next=%2F (bob@${ip}) 12.34ms`],
  ['adguardhome', `2026/11/22 02:27:01.223387 [error] POST 192.0.2.1 /control/login: from ip ${ip}: invalid username or password`],
  ['home-assistant', `2026-11-22 02:27:01.123 WARNING (MainThread) [homeassistant.components.http.ban] Login attempt or request with invalid authentication from dsl.example (${ip}). Requested URL: '/auth'. (from ${evil})`],
  ['zoneminder', `11/22/26 02:27:01.117434 web_php[258].ERR [${ip}] [Could not retrieve user bob details] at /x/auth.php line 313`, 'bob'],
  ['technitium', `[2026-11-22 02:27:01 UTC] [${ip}:4711] DnsServerCore.DnsWebServiceException: Invalid username or password for user: bob`, 'bob'],
  ['qnap', `2026-11-22 02:27:01 conn log: Users: bob, Source IP: ${ip}, Computer name: ---, Connection type: HTTP, Accessed resources: Administration, Action: Login Fail`, 'bob'],
  ['3proxy', `22-11-2026 02:27:01 +0000 PROXY.3128 00004 bob ${ip}:28783 0.0.0.0:0 0 0 0 GET http://a.example/`, 'bob'],
  ['centreon', `2026-11-22 02:27:01|0|0|0|[WEB] [${ip}] Authentication failed for 'bob'`, 'bob'],
  ['stirling-pdf', `2026-11-22 02:27:01.123  WARN 1 --- x.CustomAuthenticationFailureHandler : Failed login attempt from IP: ${ip}`],
  ['seafile', `2026-11-22 02:27:01,123 [WARNING] seahub.auth.views:155 login Login attempt limit reached, username: bob, ip: ${ip}, attemps: 3`, 'bob'],
];

describe('failed log-ons of applications', () => {
  it.each(failures.map(([app, line, user]) => ({ app, line, user })))('$app: $line', ({ app, line, user }) => {
    const event = decodeOne(appLogs, line);
    expect(event).toMatchObject({ kind: 'application', service: app, category: 'authentication', action: 'login', outcome: 'failure', source_ip: ip });
    expect(event.user).toBe(user);
    expect(surestFormat(line)).toBe('apps');
    // Guacamole, supavisor and TheHive write no date: the time is then that of the log.
    if (!['guacamole', 'uvicorn', 'supavisor', 'thehive', 'ispconfig'].includes(app)) expect(Math.floor(event.time / 1000)).toBe(Date.UTC(2026, 10, 22, 2, 27, 1) / 1000);
  });
});

describe('messages through syslog and the journal', () => {
  it.each([
    ['drupal', `site: https://a.example|1795314421|user|${ip}|https://a.example/user?x=%7C|https://a.example/user?x=||0||Login attempt failed from bob.`],
    ['wordpress', `wordpress(a.example)[7]: Authentication failure for bob from ${ip}`],
    ['wordpress', `wordpress(a.example)[7]: XML-RPC authentication attempt for unknown user bob from ${ip}`],
    ['phpmyadmin', `phpMyAdmin[7]: user denied: bob (mysql-denied) from ${ip}`],
    ['froxlor', `Froxlor: [Login Action ${ip}] User 'bob' tried to login with wrong password.`],
    ['roundcube', `roundcube[7]: <crk9n97i> IMAP Error: Login failed for bob from ${ip}. AUTHENTICATE PLAIN: Authentication failed. in /x/rcube_imap.php on line 193 (POST /mail/)`],
    ['sogo', `sogod[7]: SOGoRootPage Login from '${ip}, 10.0.0.1' for user 'bob' might not have worked - password policy: 65535  grace: -1  expire: -1  bound: 0`],
    ['horde', `HORDE: [error] [horde] FAILED LOGIN for bob [${ip}] to Horde [on line 116 of "/x/login.php"]`],
    ['opnsense', `audit[7]: /index.php: Web GUI authentication error for 'bob' from ${ip}`],
    ['lemonldap-ng', `LLNG[7]: [warn] Bad password for bob (${ip})`],
    ['meshcentral', `https[7]: Failed password for undefined from ${ip} port 4711`],
    ['jellyfin', `jellyfin[7]: [02:27:01] [INF] Authentication request for bob has been denied (IP: ${ip}).`],
    ['prowlarr', `Prowlarr[7]: [Warn] Auth: Auth-Failure ip ${ip} username 'bob'`],
    ['routeros', `system,error,critical: login failure for user bob from ${ip} via winbox`],
  ])('%s', (app, rest) => {
    const event = decodeOne(syslog, `Nov 22 02:27:01 web01 ${rest}`);
    expect(event).toMatchObject({ action: 'login', outcome: 'failure', source_ip: ip, time: Date.UTC(2026, 10, 22, 2, 27, 1) });
    // Radarr and its kin share their words; the first of them stands for all where the tag does not tell.
    if (app !== 'prowlarr') expect(event.service).toBe(app);
  });

  it('a container that logs to the journal', () => {
    const line = json({ __REALTIME_TIMESTAMP: '1795314421000000', MESSAGE: `203.0.113.7 - - [22/Nov/2026:02:27:01 +0000] "GET /x HTTP/1.1" 404 1 "-" "curl/8"`, SYSLOG_IDENTIFIER: '0123456789ab', CONTAINER_NAME: 'shop', _COMM: 'dockerd', _TRANSPORT: 'journal', _UID: '0' });
    expect(decodeOne(journal, line)).toMatchObject({ kind: 'access', source_ip: ip, http_status: 404 });
  });

  it('leaves other messages alone', () => {
    const event = decodeOne(syslog, 'Nov 22 02:27:01 web01 some-tool[7]: said "Login attempt failed" in passing');
    expect(event).toMatchObject({ kind: 'syslog' });
    expect(event.action).toBeUndefined();
    expect(event.source_ip).toBeUndefined();
  });
});

describe('what the client chose names nobody else', () => {
  it.each([
    ['roundcube', `[22-Nov-2026 02:27:01 +0000]: <x> IMAP Error: Login failed for a from ${evil} from ${ip}. AUTHENTICATE PLAIN: NO user=a from ${evil} in /x/rcube_imap.php on line 1 (POST /)`],
    ['vaultwarden', `[2026-11-22 02:27:01.129][vaultwarden::api::identity][ERROR] Username or password is incorrect. Try again. IP: ${ip}. Username: x IP: ${evil}. Username: y.`],
    ['jellyfin', `[2026-11-22 02:27:01.729 +00:00] [INF] [79] UserManager: Authentication request for "a" has been denied (IP: "${evil}")." has been denied (IP: "${ip}").`],
    ['calibre-web', `[2026-11-22 02:27:01,562]  WARN {cps.web:1475} Login failed for user "a" IP-address: ${evil}" IP-address: ${ip}`],
    ['odoo', `2026-11-22 02:27:01,644 1 INFO odoo odoo.addons.base.models.res_users: Login failed for db:odoo login:a from ${evil} from ${ip}`],
    ['apereo-cas', `2026-11-22 02:27:01,116 INFO [org.apereo.inspektr.audit.x] - x|CAS|[username=a|AUTHENTICATION_FAILED|b|${evil}|c]|AUTHENTICATION_FAILED|a|${ip}|192.0.2.1`],
    ['authelia', `time="2026-11-22T02:27:01Z" level=error msg="Unsuccessful 1FA authentication attempt by user 'a' remote_ip=${evil} \\" remote_ip=${evil} x='" method=POST path=/ remote_ip=${ip}`],
    ['teleport', `{"event":"user.login","time":"2026-11-22T02:27:01Z","user":"a\\",\\"addr.remote\\":\\"${evil}:1","success":false,"addr.remote":"${ip}:4711"}`],
  ])('%s', (service, line) => expect(decodeOne(appLogs, line)).toMatchObject({ service, action: 'login', source_ip: ip }));

  it('is no failure when quoted by another message', () => {
    for (const line of [
      `2026-11-22 02:27:01 Wrong data received: Login failed for user 'x' from ${evil}`,
      `2026-11-22 02:27:01 searched for "authentication failed from ${evil}"`,
      `Nov 22 02:27:01 web01 x: https://a.example|1795314421|user|192.0.2.5|https://a.example/?x=|a|0||Login attempt failed from ${evil}|2||Session revisited for bob.`,
    ]) {
      const [event] = decodeAll(appLogs, [line]).events;
      expect([event?.action, event?.source_ip]).not.toContain(evil);
      expect(event?.action).not.toBe('login');
    }
  });
});

describe('applications unknown to us', () => {
  it('a plain statement with one address', () => {
    expect(decodeOne(appLogs, `2026-11-22 02:27:01,123 WARN [shop.auth] Login failed for bob from ${ip}`, '/var/log/shop/shop.log')).toMatchObject({ action: 'login', outcome: 'failure', source_ip: ip, service: 'shop' });
  });

  it('two addresses are none', () => {
    expect(decodeOne(appLogs, `2026-11-22 02:27:01,123 WARN [shop.auth] Login failed for a from ${evil} from ${ip}`).action).toBe('log');
  });

  it('a record with the peer in a key', () => {
    expect(decodeOne(appLogs, json({ level: 'warn', time: '2026-11-22T02:27:01Z', msg: 'invalid password', username: 'bob', remote_ip: ip, service: 'shop' }))).toMatchObject({ action: 'login', outcome: 'failure', service: 'shop', user: 'bob', source_ip: ip });
  });

  it('anything else is kept as text, however long and odd', () => {
    const lines = ['', 'hello', '{"a":1}', '\u001B[31mred\u001B[0m', 'a=b c=d e=f', 'from '.repeat(200_000), 'Failed login attempt for user '.repeat(20_000), `{"msg":"${'\\"'.repeat(200_000)}"}`];
    const { events, unparsed } = decodeAll(appLogs, lines);
    expect(unparsed).toBe(0);
    expect(events.map(({ action }) => action)).toEqual(lines.slice(1).map(() => 'log'));
  });
});

it('every application has a name of its own, and rules or records', () => {
  expect(new Set(apps.map(({ id }) => id)).size).toBe(apps.length);
  expect(apps.filter(({ rules, records }) => (rules?.length ?? 0) + (records?.length ?? 0) === 0)).toEqual([]);
});
