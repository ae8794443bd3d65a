import { type App, fail, pass } from '../app-rules.ts';

/** Single sign-on, password stores and remote access. */
export const identity: readonly App[] = [
  {
    id: 'authelia',
    tags: ['authelia'],
    paths: ['/var/log/authelia.log', '/var/log/authelia/*.log'],
    records: [
      { when: { msg: /^Unsuccessful .* authentication attempt by user '/, remote_ip: /./ }, ip: ['remote_ip'], from: ['msg', /attempt by user '(?<user>[^']*)'/] },
      { when: { msg: /^Error occurred getting details for user with username input '/, remote_ip: /./ }, ip: ['remote_ip'], from: ['msg', /username input '(?<user>[^']*)'/] },
      { when: { msg: /^Error occurred validating an? .* authentication attempt for user '/, remote_ip: /./ }, ip: ['remote_ip'], from: ['msg', /for user '(?<user>[^']*)'/] },
      { when: { msg: /^Credentials are wrong for user /, remote_ip: /./ }, ip: ['remote_ip'], from: ['msg', /for user (?<user>\S+)/] },
      { when: { msg: /^Successful .* authentication attempt made by user '/, remote_ip: /./ }, ip: ['remote_ip'], from: ['msg', /made by user '(?<user>[^']*)'/], outcome: 'success' },
    ],
  },
  {
    id: 'authentik',
    tags: ['authentik'],
    records: [
      { when: { action: 'login_failed', client_ip: /./ }, ip: ['client_ip'], user: ['context.username', 'user.username', 'username'] },
      { when: { event: /^(?:Failed to authenticate|invalid_login|login_failed)$/, client_ip: /./ }, ip: ['client_ip', 'remote'], user: ['username', 'user'] },
      { when: { event: /failed-login|Invalid credentials/i, remote: /./ }, ip: ['remote'], user: ['username', 'user'] },
      { when: { action: 'login', client_ip: /./ }, ip: ['client_ip'], user: ['user.username', 'context.username'], outcome: 'success' },
    ],
  },
  {
    id: 'keycloak',
    tags: ['keycloak'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:WARN|INFO|DEBUG|ERROR) +\[org\.(?:keycloak|key)\./,
    rules: [
      fail('LOGIN_ERROR', String.raw`\[org\.\w+\.events\] \([^)]*\) (?:operationType=\S+ )?type="?(?:\w+_)?LOGIN_ERROR"?, .*?\bipAddress="?<IP>"?(?:, (?:.*?\busername="?(?<user>[^,"]*)"?)?|$)`),
      pass('type="LOGIN"', String.raw`\[org\.\w+\.events\] \([^)]*\) type="LOGIN", .*?\bipAddress="?<IP>"?(?:, (?:.*?\busername="?(?<user>[^,"]*)"?)?|$)`),
      pass('type=LOGIN,', String.raw`\[org\.\w+\.events\] \([^)]*\) type=LOGIN, .*?\bipAddress="?<IP>"?(?:, (?:.*?\busername="?(?<user>[^,"]*)"?)?|$)`),
    ],
    records: [{ when: { loggerName: 'org.keycloak.events', message: /type="?(?:\w+_)?LOGIN_ERROR/ }, from: ['message', /\bipAddress="?(?<ip>[\da-fA-F.:]+)"?(?:, .*?\busername="?(?<user>[^,"]*)"?)?/] }],
  },
  {
    id: 'apereo-cas',
    tags: ['cas'],
    line: /\[org\.apereo\.inspektr\.audit\./,
    rules: [
      fail('|AUTHENTICATION_FAILED|', String.raw`\|AUTHENTICATION_FAILED\|<USER>\|<IP>\|[^|]*$`),
      pass('|AUTHENTICATION_SUCCESS|', String.raw`\|AUTHENTICATION_SUCCESS\|<USER>\|<IP>\|[^|]*$`),
    ],
  },
  {
    id: 'lemonldap-ng',
    tags: ['llng', 'lemonldap-ng'],
    rules: [
      fail('Bad password for ', String.raw`^(?:\[\w+\] |Lemonldap::NG : )Bad password for <USER> \(<IP>\)$`),
      fail(' was not found in ', String.raw`^(?:\[\w+\] |Lemonldap::NG : )<USER> was not found in [\w ]+ \(<IP>\)$`),
      fail('ailed authentication', String.raw`^(?:\[\w+\] |Lemonldap::NG : )(?:User )?<USER>:? failed authentication \(<IP>\)$`),
    ],
  },
  {
    id: 'vaultwarden',
    tags: ['vaultwarden', 'bitwarden_rs'],
    paths: ['/vw-data/vaultwarden.log', '/bw-data/vaultwarden.log', '/var/log/vaultwarden.log'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[+-]\d\d:?\d\d)?\]\[(?:vaultwarden|bitwarden_rs|rocket|start|request|response|auth|handlebars)[\w:.]*\]\[/,
    rules: [
      fail('Username or password is incorrect.', String.raw`^(?:\[[\w:]+\]\[ERROR\] )?Username or password is incorrect\. Try again[.!] IP: <IP>\. Username: <USER>\.?$`),
      fail('Invalid admin token', String.raw`^(?:\[[\w:]+\]\[ERROR\] )?Invalid admin token[.!] IP: <IP>(?:\. Username: <USER>)?\.?$`),
      fail('Invalid TOTP code', String.raw`^(?:\[[\w:]+\]\[ERROR\] )?Invalid TOTP code! Server time: [\d: -]+ UTC IP: <IP>$`),
      fail(' IP: ', String.raw`^\[(?:vaultwarden|bitwarden_rs)::api::[\w:]+\]\[(?:ERROR|WARN)\] [^"']{1,120}? IP: <IP>\.?(?: Username: <USER>\.?)?$`),
      fail('Email 2FA', String.raw`^\[[\w:]+\]\[ERROR\] .*2FA.* IP: <IP>`),
    ],
  },
  {
    id: 'bitwarden',
    tags: ['bitwarden-identity', 'bitwarden-api'],
    paths: ['/opt/bitwarden/bwdata/logs/identity/*/*.txt', '/opt/bitwarden/bwdata/logs/identity/*.txt'],
    rules: [fail('Failed login attempt', String.raw`^(?:\[(?:WRN|Warning)\] |\[Bit\.[\w.]+\] )Failed login attempt(?:, 2FA invalid)?\. <IP>\s*$`)],
  },
  {
    id: 'teleport',
    tags: ['teleport'],
    paths: ['/var/lib/teleport/log/events.log', '/var/lib/teleport/log/*.log'],
    records: [
      { when: { event: 'user.login', success: 'false' }, ip: ['addr.remote'], user: ['user'] },
      { when: { event: 'user.login', success: 'true' }, ip: ['addr.remote'], user: ['user'], outcome: 'success' },
      { when: { event: 'auth', success: 'false' }, ip: ['addr.remote'], user: ['user'] },
    ],
  },
  {
    id: 'guacamole',
    tags: ['guacamole', 'guacd', 'tomcat', 'tomcat8', 'tomcat9', 'tomcat10'],
    rules: [
      fail('Authentication attempt from ', String.raw`(?:^|^.{0,200}? - |^WARNING: )Authentication attempt from (?:\[(?:<IP>)(?:, [^\]]*)?\]|(?<host>[\da-fA-F.:]+)) for user "<USER>" failed\.$`),
      pass(' successfully authenticated from ', String.raw`User "<USER>" successfully authenticated from \[?(?<host>[\da-fA-F.:]+)(?:, [^\]]*)?\]?\.$`),
    ],
  },
  {
    id: 'meshcentral',
    tags: ['https', 'meshcentral'],
    rules: [
      fail('Failed password for ', String.raw`^Failed password for (?:undefined|<USER>) from <IP> port <PORT>$`),
      fail('ailed login attempt', String.raw`^(?:Failed|Invalid) login attempt from <IP>`),
      pass('Accepted password for ', String.raw`^Accepted password for <USER> from <IP> port <PORT>$`),
    ],
  },
  {
    id: 'kasm',
    paths: ['/opt/kasm/current/log/*api*.log', '/opt/kasm/current/log/*json*.log'],
    records: [
      { when: { metric_name: /^account\.login\.failed/ }, ip: ['request_ip'], from: ['message', /: \((?<user>.*)\)$/] },
      { when: { metric_name: /^account\.login\.successful/ }, ip: ['request_ip'], from: ['message', /: \((?<user>.*)\)$/], outcome: 'success' },
    ],
  },
  {
    id: 'sftpgo',
    tags: ['sftpgo'],
    paths: ['/var/log/sftpgo/*.log', '/var/lib/sftpgo/sftpgo.log'],
    line: /^\{"level":"\w+","time":"[^"]{19,35}","sender":"/,
    records: [
      { when: { sender: 'connection_failed', client_ip: /./ }, ip: ['client_ip'], user: ['username'] },
      { when: { message: /^User "[^"]*" logged in with "/, sender: /./ }, from: ['message', /^User "(?<user>[^"]*)" logged in with "[^"]*",? from ip "(?<ip>[^"]*)"/], outcome: 'success' },
    ],
  },
  {
    id: 'supavisor',
    line: /^\d\d:\d\d:\d\d\.\d{3} (?:\w+=\S* )*region=\S+ (?:\w+=\S* )*\[\w+\] /,
    rules: [fail('peer_ip=', String.raw`^\d\d:\d\d:\d\d\.\d{3} (?:\w+=\S* )*?user=(?<user>\S*) (?:\w+=\S* )*?peer_ip=<IP> \[error\] ClientHandler: (?:Exchange error: "Wrong password"|User not found|Exchange error)`)],
  },
  {
    id: 'openvas',
    rules: [fail('Authentication failure for user', String.raw`Authentication failure for user:? (?:'|\[)?<USER>(?:'|\])?,? from <IP>$`)],
  },
  {
    id: 'znc',
    tags: ['znc'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[[^\]]+\] (?:connected|failed to|disconnected)/,
    rules: [
      fail('failed to login from', String.raw`^\[<USER>\] failed to login from <IP>$`),
      fail('failed to login from', String.raw`^\[<USER>\] failed to login from <IP>\s*$`),
    ],
  },
];
