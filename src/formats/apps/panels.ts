import { type App, fail, pass } from '../app-rules.ts';

/** Hosting panels, device consoles and what watches servers. */
export const panels: readonly App[] = [
  {
    id: 'bt-panel',
    tags: ['bt-panel', 'bt'],
    rules: [
      fail('登录IP', String.raw`(?:用户名或密码错误|密码错误|帐号|账号)[^,，]*[,，](?:帐号|账号)[:：]<USER>[,，].*登录IP[:：]<IP>$`),
      fail('登录失败', String.raw`<IP> 登录失败[,，](?:用户|帐号|账号)[:：]<USER>$`),
      pass('登录成功', String.raw`登录成功[,，](?:用户|帐号|账号)[:：]<USER>[,，].*登录IP[:：]<IP>$`),
    ],
  },
  {
    id: 'cpanel',
    tags: ['cpaneld', 'whostmgrd', 'webmaild'],
    paths: ['/usr/local/cpanel/logs/login_log'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \w+ \[(?:cpaneld|whostmgrd|webmaild|cphulkd|cpdavd)\] /,
    rules: [
      fail(' has locked out IP ', String.raw`^\w+ \[\w+\] <IP> - <USER> "[^"]*" FAILED LOGIN \w+: brute force attempt \(user .*\) has locked out IP `, 'address-blocked'),
      fail('FAILED LOGIN ', String.raw`^\w+ \[\w+\] <IP> - <USER> "[^"]*" FAILED LOGIN `),
      pass('SUCCESS LOGIN ', String.raw`^\w+ \[\w+\] <IP> - <USER> "[^"]*" SUCCESS LOGIN `),
    ],
  },
  {
    id: 'directadmin',
    tags: ['directadmin', 'da'],
    paths: ['/var/log/directadmin/login.log'],
    line: /^\d{4}:\d\d:\d\d-\d\d:\d\d:\d\d: '/,
    rules: [
      fail(' failed login attempt', String.raw`^(?<time>\d{4}:\d\d:\d\d-\d\d:\d\d:\d\d): '<IP>' \d+ failed login attempts?\. (?:Invalid a|A)ccount '<USER>'(?: via '.*')?$`),
      pass(' successful login to ', String.raw`^(?<time>\d{4}:\d\d:\d\d-\d\d:\d\d:\d\d): '<IP>' successful login to '<USER>' after \d+ attempts$`),
    ],
  },
  {
    id: 'webmin',
    tags: ['webmin', 'miniserv.pl', 'usermin'],
    paths: ['/var/webmin/webmin.log', '/var/usermin/usermin.log'],
    line: /^\d{9,11}\.\d+\.\d+ \[\d{1,2}\/[A-Z][a-z]{2}\/\d{4} \d\d:\d\d:\d\d\] /,
    rules: [
      fail(' miniserv.pl "failed"', String.raw`\[(?<time>\d{1,2}/\w{3}/\d{4} \d\d:\d\d:\d\d)\] <USER> \S+ <IP> \S+ miniserv\.pl "failed"`),
      pass(' miniserv.pl "login"', String.raw`\[(?<time>\d{1,2}/\w{3}/\d{4} \d\d:\d\d:\d\d)\] <USER> \S+ <IP> \S+ miniserv\.pl "login"`),
      fail(' login as ', String.raw`^(?:Non-existent|Invalid|Non-local) login as <USER> from <IP>\s*$`),
      pass('Successful login as ', String.raw`^Successful login as <USER> from <IP>\s*$`),
      fail('Security alert: Host ', String.raw`^Security alert: Host <IP> blocked`, 'blocked'),
    ],
  },
  {
    id: 'froxlor',
    tags: ['froxlor'],
    rules: [
      fail(' tried to login', String.raw`^\[Login Action <IP>\] (?:Unknown user|User) '<USER>' tried to login`),
      fail(' tried to login', String.raw`^froxlor\.WARNING: (?:Unknown user|User) tried to login[^{]*\{"source":"login","action":"\d+","user":"<IP>"\}`),
    ],
  },
  {
    id: 'ispconfig',
    tags: ['ispconfig'],
    rules: [
      fail('Failed login for user', String.raw`^Failed login for user '<USER>' from <IP> at `),
      pass('Successful login for user', String.raw`^Successful login for user '<USER>' from <IP> at `),
    ],
  },
  {
    id: 'plesk',
    tags: ['plesk', 'sw-engine', 'login_up'],
    rules: [fail('ailed login attempt with login ', String.raw`ailed login attempt with login '<USER>' from IP <IP>$`)],
  },
  {
    id: 'vesta',
    paths: ['/usr/local/vesta/log/auth.log', '/usr/local/hestia/log/auth.log', '/var/log/vesta/auth.log', '/var/log/hestia/auth.log'],
    rules: [
      fail(' failed to log', String.raw`^<USER> <IP> failed to log ?in`),
      pass(' successfully logged in', String.raw`^<USER> <IP> successfully logged in`),
    ],
  },
  {
    id: 'proxmox',
    tags: ['pvedaemon', 'pveproxy', 'pvesh'],
    rules: [
      fail('authentication failure; rhost=', String.raw`^authentication (?:failure|failure); rhost=<IP> user=<USER> msg=`),
      pass('successful auth for user', String.raw`^successful auth for user '<USER>'$`),
    ],
  },
  {
    id: 'proxmox-backup',
    tags: ['proxmox-backup-api', 'proxmox-backup-proxy', 'pmgdaemon'],
    paths: ['/var/log/proxmox-backup/api/auth.log'],
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d: (?:authentication failure; rhost=|successful auth for user )/,
    rules: [
      fail('authentication failure; rhost=', String.raw`^authentication failure; rhost=<IP>:<PORT> user=<USER> msg=`),
      pass('successful auth for user', String.raw`^successful auth for user '<USER>'$`),
    ],
  },
  {
    id: 'pterodactyl',
    tags: ['wings', 'pterodactyl'],
    paths: ['/var/log/pterodactyl/wings.log'],
    line: /^ ?(?:WARN|INFO|DEBUG|ERROR): \[[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{3}\] /,
    rules: [fail('failed to validate user credentials', String.raw`\[(?<time>\w{3} [ \d]\d [\d:.]+)\] failed to validate user credentials \([^)]*\) ip=<IP> (?:.* )?username=<USER>$`)],
  },
  {
    id: 'opnsense',
    tags: ['audit', 'configd.py', 'opnsense', 'php-fpm', 'pfsense'],
    rules: [
      fail('authentication error for', String.raw`^/\S*: (?:Web GUI|webConfigurator) authentication error for (?:user )?'<USER>' from:? <IP>(?: during .*)?$`),
      pass('uccessful login for user', String.raw`^/\S*: Successful login for user '<USER>' from:? <IP>`),
      pass('ser logged in', String.raw`^/\S*: User logged in for '<USER>' from:? <IP>`),
    ],
  },
  {
    id: 'synology-dsm',
    rules: [fail(' failed to ', String.raw`User \[<USER>\] from \[<IP>\] failed to (?:sign in to|log in(?: to)?) \[[^\]]*\]`)],
  },
  {
    id: 'routeros',
    tags: ['system,error,critical'],
    line: /^\S{19,40} \S{1,255} (?:system|firewall|account|wireless|dhcp|ppp|interface|script|hotspot|radius)(?:,\w+)*,(?:info|error|warning|critical|debug|account) /,
    rules: [
      fail('login failure for user', String.raw`^(?:\S{1,255} )?(?:system,error,critical )?(?:\S+: )?login failure for user <USER> from <IP> via [\w ()-]+$`),
      pass('logged in from', String.raw`^(?:\S{1,255} )?(?:system,info,account )?(?:\S+: )?user <USER> logged in from <IP> via \S+$`),
    ],
  },
  {
    id: 'monitorix',
    tags: ['monitorix'],
    paths: ['/var/log/monitorix-httpd'],
    line: /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} - (?:OK|NOTEXIST|NOTALLOWED|AUTHERR) - \[/,
    rules: [
      fail('NOTEXIST - [', String.raw`^NOTEXIST - \[<IP>\] `, 'not-found'),
      fail('NOTALLOWED - [', String.raw`^NOTALLOWED - \[<IP>\] `, 'denied'),
      fail('AUTHERR - [', String.raw`^AUTHERR - \[<IP>\] `),
    ],
  },
  {
    id: 'zabbix',
    tags: ['zabbix_server', 'zabbix_web', 'zabbix'],
    rules: [fail('ailed login ', String.raw`(?:login failed|failed login)(?: of user)? "<USER>" from "?<IP>"?`)],
  },
  {
    id: 'grafana',
    tags: ['grafana', 'grafana-server'],
    paths: ['/var/log/grafana/grafana.log'],
    records: [
      { when: { msg: /^invalid username or password$/i, remote_addr: /./ }, ip: ['remote_addr'], user: ['uname', 'username'] },
      { when: { error: /password-auth\.failed|\[identity\.not-found\]|[iI]nvalid [uU]sername or [pP]assword/, remote_addr: /./ }, ip: ['remote_addr'], user: ['uname'] },
      { when: { msg: /^Successful Login$/i, User: /./ }, user: ['User'], ip: ['remote_addr'], outcome: 'success' },
      { when: { msg: 'Request Completed', status: '401', path: /^\/login/, remote_addr: /./ }, ip: ['remote_addr'], action: 'request' },
    ],
  },
  {
    id: 'cockpit',
    rules: [fail('cockpit-session', String.raw`cockpit-session: .*authentication failure; .*rhost=<IP>(?: +user=<USER>)?$`)],
  },
  {
    // Dockge, of the same author, writes the same.
    id: 'uptime-kuma',
    tags: ['uptime-kuma', 'dockge'],
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) \[[A-Z_]+\] (?:WARN|INFO|ERROR|DEBUG): /,
    rules: [fail('[AUTH] ', String.raw`^\[AUTH\] WARN: (?:Incorrect username or password|Invalid token provided|Wrong (?:password|token)|No token provided) for user <USER>\. IP=<IP>$`)],
  },
  {
    id: 'portainer',
    tags: ['portainer'],
    records: [{ when: { context: /auth/i, message: /(?:invalid credentials|authentication failed)/i }, ip: ['ip', 'remote_addr'], user: ['username', 'user'] }],
  },
];
