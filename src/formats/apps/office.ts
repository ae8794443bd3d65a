import { type App, fail, pass, request } from '../app-rules.ts';

/** Content management, file sharing, groupware, money and households. */
export const office: readonly App[] = [
  {
    id: 'nextcloud',
    tags: ['nextcloud', 'owncloud'],
    paths: ['/var/log/nextcloud/*.log', '/var/www/nextcloud/data/nextcloud.log', '/var/nextcloud/data/nextcloud.log', '/www/wwwroot/*/data/nextcloud.log', '/var/www/owncloud/data/owncloud.log'],
    records: [
      { when: { message: /^Login failed: /, remoteAddr: /./ }, from: ['message', /^Login failed: '?(?<user>.*?)'? \(Remote IP: '?(?<ip>[0-9A-Fa-f.:]+)/s], ip: ['remoteAddr'] },
      { when: { message: /^Two-factor challenge failed/, remoteAddr: /./ }, ip: ['remoteAddr'], user: ['user'] },
      { when: { message: /^Trusted domain error\./, remoteAddr: /./ }, ip: ['remoteAddr'], action: 'denied' },
      { when: { message: /^Bruteforce attempt from /, remoteAddr: /./ }, ip: ['remoteAddr'], action: 'limited' },
      { when: { message: /^(?:IP address throttled|Your IP address throttled)/, remoteAddr: /./ }, ip: ['remoteAddr'], action: 'limited' },
      { when: { message: /^Login attempt (?:with|for) (?:an )?(?:invalid|disabled)/, remoteAddr: /./ }, ip: ['remoteAddr'], user: ['user'] },
    ],
    rules: [fail('Login failed: ', String.raw`Login failed: '?<USER>'? \(Remote IP: '?<IP>'?(?:, X-Forwarded-For: '[^']*')?\)`)],
  },
  {
    id: 'wordpress',
    tags: ['wordpress', 'wp'],
    rules: [
      fail('uthentication ', String.raw`^(?:Blocked a|A|XML-RPC a)uthentication (?:attempt|failure) (?:for (?:unknown user )?<USER> )?from <IP>$`),
      fail('Empty username', String.raw`^Empty username from <IP>$`),
      fail('locked user enumeration', String.raw`^Blocked user enumeration attempt from <IP>$`, 'blocked'),
      fail('ingback', String.raw`^Pingback (?:error|requested|requested by|attempt) .*from <IP>$`, 'request'),
      fail('REST authentication', String.raw`^REST authentication (?:attempt|failure) (?:for (?:unknown user )?<USER> )?from <IP>$`),
      fail('XML-RPC ', String.raw`^XML-RPC (?:multicall )?authentication (?:attempt|failure)(?: for (?:unknown user )?<USER>)? from <IP>$`),
      fail('Spam comment', String.raw`^Spam comment \d+ from <IP>$`, 'blocked'),
      fail('omment', String.raw`^(?:Comment|Comment attempt|Attempted comment) .*from <IP>$`, 'blocked'),
      pass('Accepted password for ', String.raw`^Accepted password for <USER> from <IP>$`),
    ],
  },
  {
    id: 'drupal',
    tags: ['drupal', 'drupal-site'],
    rules: [
      // BASE|TIME|TYPE|ADDRESS|REQUEST|REFERER|UID|LINK|MESSAGE: request and referer are the client's and may hold bars, so the
      // message is tied to the end and the address to the front.
      fail('Login attempt failed f', String.raw`^https?://[^|]+\|\d{9,11}\|user\|<IP>\|[^|]+\|.*\|\d+\|[^|]*\|Login attempt failed (?:for|from) (?<user>[^|]*)\.$`),
      pass('Session opened for ', String.raw`^https?://[^|]+\|\d{9,11}\|user\|<IP>\|[^|]+\|[^|]*\|\d+\|[^|]*\|Session opened for (?<user>[^|]*)\.$`),
    ],
  },
  {
    id: 'joomla',
    paths: ['/var/www/*/administrator/logs/error.php', '/www/wwwroot/*/administrator/logs/error.php'],
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d\t[A-Z]+\t?/,
    rules: [fail('joomlafailure', String.raw`^[A-Z]+\s+<IP>\s+joomlafailure\s`)],
  },
  {
    id: 'phpmyadmin',
    tags: ['phpmyadmin'],
    paths: ['/var/log/phpmyadmin/*.log'],
    rules: [
      fail('user denied: ', String.raw`^user denied: <USER> \([\w-]+\) from <IP>\s*$`),
      pass('user authenticated: ', String.raw`^user authenticated: <USER> from <IP>\s*$`),
    ],
  },
  {
    id: 'mediawiki',
    tags: ['mediawiki'],
    rules: [fail('Login failed', String.raw`Login (?:attempt )?failed .*user="?<USER>"? .*ip="?<IP>"?`), fail('throttled', String.raw`Login attempt throttled .*ip="?<IP>"?`, 'limited')],
  },
  {
    id: 'typo3',
    tags: ['typo3'],
    rules: [fail('Login-attempt from', String.raw`(?:TYPO3: |component="[\w.]+": )?(?:TYPO3 )?Login-attempt from (?:'?<IP>'?)(?: \([^)]*\))?,? (?:for )?(?:username )?'<USER>'`)],
  },
  {
    id: 'magento',
    line: /^\[\d{4}-\d\d-\d\d[T ][^\]]+\] crowdsec-events\.INFO: /,
    rules: [
      fail('PAYMENT_FAILED', String.raw`\{"type":"PAYMENT_FAILED","ip":"<IP>"`, 'payment'),
      fail('CUSTOMER_LOGIN_FAILED', String.raw`\{"type":"(?:CUSTOMER|ADMIN)_LOGIN_FAILED","ip":"<IP>"`),
      fail('_LOGIN_FAILED', String.raw`\{"type":"\w+_LOGIN_FAILED","ip":"<IP>"`),
    ],
  },
  {
    id: 'fireflyiii',
    tags: ['fireflyiii', 'firefly-iii'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \w+\.[A-Z]+: AUDIT: /,
    rules: [
      fail('AUDIT: Login failed.', String.raw`^\w+\.\w+: AUDIT: Login failed\. Attempt for user "<USER>" failed\. \(<IP> -> POST:\S+\)`),
      { ...fail('AUDIT: User is trying to login', String.raw`^\w+\.\w+: AUDIT: User is trying to login using "<USER>" \(<IP> -> POST:\S+\)`, 'login-attempt'), outcome: 'unknown' },
      fail('AUDIT: MFA failure count', String.raw`^\w+\.\w+: AUDIT: MFA failure count is set to \d+\. \(<IP> \(<USER>\) -> POST:\S+\)`),
      fail('AUDIT: User ', String.raw`^\w+\.\w+: AUDIT: User .*(?:failed|wrong|incorrect).* \(<IP> (?:\(<USER>\) )?-> POST:\S+\)`),
    ],
  },
  {
    id: 'bookstack',
    tags: ['bookstack'],
    rules: [
      fail('Failed login for ', String.raw`^(?:\[?\w*\.?\w*:? ?)?Failed login for <USER> from <IP>$`),
    ],
  },
  {
    id: 'odoo',
    tags: ['odoo', 'odoo-bin'],
    paths: ['/var/log/odoo/*.log'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \S+ (?:odoo|openerp|werkzeug)/,
    rules: [
      fail('Login failed for db:', String.raw`^\d+ \w+ \S+ (?:odoo|openerp)\.addons\.base\.(?:models\.)?res_users: Login failed for db:\S+ login:<USER> from <IP>\s*$`),
      pass('Login successful for db:', String.raw`^\d+ \w+ \S+ (?:odoo|openerp)\.addons\.base\.(?:models\.)?res_users: Login successful for db:\S+ login:<USER> from <IP>\s*$`),
      fail('Login failed for db:', String.raw`^\d+ \w+ \S+ \S+\.res\.users: Login failed for db:\S+ login:<USER> from <IP>\s*$`),
    ],
  },
  {
    id: 'joplin',
    tags: ['joplin', 'joplin-server'],
    line: /^(?:\d\d:\d\d:\d\d \d\|app +\| )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: (?:\[\w+\] )?App: /,
    rules: [
      fail('POST /api/sessions', String.raw`(?:^|: )(?:\[error\] )?App: 403: POST /api/sessions: <IP>: Invalid username or password`),
      fail('POST /login (403)', String.raw`^\d\d:\d\d:\d\d \d\|app +\| (?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d): App: <IP>: \d+ \w+: POST /login \(403\)`),
      fail('POST /login (403)', String.raw`^App: <IP>: \d+ \w+: POST /login \(403\)`),
    ],
  },
  {
    id: 'miniflux',
    tags: ['miniflux'],
    records: [
      { when: { authentication_failed: 'true' }, ip: ['client_ip'], user: ['username'] },
      { when: { msg: /^\[(?:UI|API|Fever|GoogleReader|Auth).*\] .*(?:[Ii]ncorrect|[Ii]nvalid|No) / }, ip: ['client_ip', 'ClientIP'], user: ['username'] },
    ],
    rules: [fail('[ClientIP=', String.raw`\[ClientIP=<IP>\] .*(?:[Ii]ncorrect|[Ii]nvalid|unable to find)`), fail('Incorrect username or password', String.raw`\[UI:CheckLogin\] \[ClientIP=<IP>\] \[Username=<USER>\]`)],
  },
  {
    id: 'mealie',
    tags: ['mealie'],
    line: /^(?:ERROR|INFO|WARNING|DEBUG) +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d - |^\[(?:ERROR|INFO|WARNING)\|\w+\|L\d+\] \d{4}-/,
    rules: [fail('Incorrect username or password from', String.raw`^(?:ERROR +(?<time>[\dT:-]{19}) - |\[ERROR\|\w+\|L\d+\] [\dT:-]{19}[+-]?[\d:]*: |)Incorrect username or password from <IP>\s*$`)],
  },
  {
    id: 'baserow',
    tags: ['baserow', 'backend'],
    line: /^ ?\[BACKEND\]\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] /,
    rules: [
      fail('/api/user/token-auth/', String.raw`\[BACKEND\]\[(?<time>[\d: -]{19})\] <IP> - "POST /api/user/token-auth/ HTTP/[\d.]+" 401\s*$`),
      pass('/api/user/token-auth/', String.raw`\[BACKEND\]\[(?<time>[\d: -]{19})\] <IP> - "POST /api/user/token-auth/ HTTP/[\d.]+" 200\s*$`),
    ],
  },
  {
    id: 'gotify',
    tags: ['gotify', 'gotify-server'],
    line: /^(?:\d{4}-\d\d-\d\dT\S+ \| )?\d{4}\/\d\d\/\d\d - \d\d:\d\d:\d\d \| +\d{3} \| /,
    rules: [
      fail('[GIN] ', String.raw`\[GIN\] (?<time>\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d) \| 401 \| +\S+ \| +<IP> \| POST +"/client"`),
      fail(' | 401 | ', String.raw`\| 401 \| +\S+ \| +<IP> \| +POST +"?/(?:client|auth/login|current/user)"?`),
    ],
  },
  {
    id: 'ntfy',
    tags: ['ntfy'],
    paths: ['/var/log/ntfy.log'],
    line: /^\{"time":"[^"]{19,35}","level":"[A-Z]+","message":".*"visitor_id":"/,
    records: [
      { when: { http_status: /^40[13]$/, visitor_ip: /./, error: /^(?:unauthorized|forbidden)$/ }, ip: ['visitor_ip'], user: ['user_name'] },
    ],
  },
  {
    id: 'paperless-ngx',
    tags: ['paperless', 'paperless-ngx'],
    rules: [fail('Login failed for user', String.raw`^(?:\[\w+\] )?(?:\[paperless\.auth\] )?Login failed for user [\x60'"]<USER>[\x60'"] from (?:private )?IP [\x60'"]?<IP>[\x60'"]?\.?\s*$`)],
  },
  {
    id: 'rocket.chat',
    tags: ['rocketchat'],
    records: [{ when: { msg: /^(?:Failed login attempt|Failed login detected)/ }, from: ['msg', /Username: (?<user>\S+).*ClientAddress: (?<ip>[0-9A-Fa-f.:]+)/] }],
    rules: [fail('Failed login', String.raw`Failed login detected - Username\[<USER>\] ClientAddress\[<IP>\]`)],
  },
  {
    id: 'mattermost',
    tags: ['mattermost'],
    records: [{ when: { path: '/api/v4/users/login', status_code: '401', ip_addr: /./ }, ip: ['ip_addr'] }, { when: { event: 'login', status: 'fail' }, ip: ['ip_address', 'actor.ip_address'], user: ['login_id'] }],
  },
  {
    id: 'zammad',
    rules: [fail('Failed login', String.raw`Failed login for user '<USER>' from <IP>`)],
  },
  {
    id: 'seafile',
    paths: ['/opt/seafile/logs/seahub.log'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[[A-Z]+\] (?:seahub|django)/,
    rules: [fail('Login attempt limit reached', String.raw`seahub\.auth\.views:\d+ \w+ Login attempt limit reached, (?:freeze the user email/|)(?:username|email/username): <USER>, ip: <IP>, attemps: \d+`), fail('login failed', String.raw`[Ll]ogin failed.* (?:username|user): <USER>, ip: <IP>`)],
  },
  {
    id: 'freshrss',
    tags: ['freshrss'],
    rules: [fail('Password mismatch for', String.raw`(?:\[warning\] --- )?(?:\[\w+\] )?(?:FreshRSS: )?Password mismatch for user=<USER>, .*nonce=`), fail('nvalid', String.raw`Login for user <USER> failed.* \[<IP>\]`)],
  },
  {
    id: 'filebrowser',
    tags: ['filebrowser'],
    rules: [fail('/api/login: 403 ', String.raw`^/api/login: 403 <IP> <nil>$`)],
  },
  {
    id: 'romm',
    tags: ['romm'],
    rules: [
      fail('/api/login 4', String.raw`\[(?:RomM|romm)\]\[\w+\]\[(?<time>[\d: -]{19})\]\s+[0-9A-Fa-f.:]+ \| <IP> \| [A-Z]+ /api/login (?:401|403|429) \|`),
    ],
  },
  {
    id: 'stirling-pdf',
    tags: ['stirling-pdf'],
    rules: [fail('Failed login attempt from IP', String.raw`Failed login attempt from IP: <IP>$`)],
  },
  {
    id: 'uvicorn',
    line: /^(?:INFO|WARNING|ERROR): {2,5}[0-9A-Fa-f.:]+:\d+ - "/,
    rules: [
      fail(' - "POST ', String.raw`^INFO: +<IP> - "(?<method>POST) (?<target>\S*(?:login|sign-?in|auths?|token|session)\S*) HTTP/[\d.]+" (?<status>40[0137])\b`),
      fail(' 401 Unauthorized', String.raw`^INFO: +<IP> - "(?<method>[A-Z]+) (?<target>\S+) HTTP/[\d.]+" (?<status>401) Unauthorized$`, 'denied'),
      request('HTTP/', String.raw`^INFO: +<IP> - "(?<method>[A-Z]+) (?<target>\S+) HTTP/[\d.]+" (?<status>\d{3})\b`),
    ],
  },
  {
    id: 'jupyter',
    tags: ['jupyter', 'jupyterhub', 'jupyter-lab'],
    line: /^\[[IWEDC] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \w/,
    rules: [
      fail(' POST ', String.raw`^\[[WIE] (?<time>[\d: .-]{19,23})[^\]]*\] (?<status>40[13]) (?<method>POST) (?<target>\S*/(?:login|hub/login)\S*) \((?:[^@)]*@)?<IP>\)`),
      request(' (', String.raw`^\[[WIE] (?<time>[\d: .-]{19,23})[^\]]*\] (?<status>\d{3}) (?<method>[A-Z]+) (?<target>\S+) \((?:[^@)]*@)?<IP>\)`),
    ],
  },
  {
    id: 'snipe-it',
    rules: [fail('Failed login', String.raw`Failed login attempt.*username: <USER>.*(?:ip|IP): <IP>`)],
  },
  {
    id: 'ghost',
    records: [{ when: { 'err.message': /password is incorrect|no user with that email/i, 'req.meta.requestId': /./ }, ip: ['req.meta.ip', 'req.ip', 'req.headers.x-forwarded-for'] }],
  },
];
