import { type App, fail, pass } from '../app-rules.ts';

/** Code hosting, build servers, artefact stores and what developers keep beside them. */
export const code: readonly App[] = [
  {
    id: 'gitea',
    tags: ['gitea', 'forgejo', 'gogs'],
    paths: ['/var/lib/gitea/log/*.log', '/var/lib/forgejo/log/*.log', '/home/git/gogs/log/*.log', '/data/gitea/log/*.log'],
    line: /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (?:\[[A-Z]+\] )?\.{0,3}[\w/.-]+\.go:\d+:/,
    rules: [
      // The address follows the first "from" after the name; what comes behind the colon repeats the name.
      fail('Failed authentication attempt for ', String.raw`^(?:\S+:\w*\(?\)? )?(?:\[\w\] )?(?:\[[0-9a-f-]+\] )?Failed authentication attempt for (?<user>\S+(?: \S+){0,3}?) from <IP>: (?:user|User|Email|email|invalid|password|[\w' ]+ (?:is|does|not|has))`),
      fail('Failed authentication attempt', String.raw`^(?:\S+:\w*\(?\)? )?(?:\[\w\] )?(?:\[[0-9a-f-]+\] )?Failed authentication attempt for (?<user>\S+) from <IP>\s*$`),
      fail('Failed authentication attempt from', String.raw`^(?:\S+:\w*\(?\)? )?(?:\[\w\] )?(?:\[[0-9a-f-]+\] )?Failed authentication attempt from <IP>`),
      fail('invalid credentials from', String.raw`(?:^|\] )invalid credentials from <IP>(?:$|:)`),
      fail('Invalid credentials: username', String.raw`^\[[\w .:/-]+\] .*Invalid credentials: username or password, from: <IP>$`),
    ],
  },
  {
    id: 'gitlab',
    tags: ['gitlab', 'gitlab-rails'],
    paths: ['/var/log/gitlab/gitlab-rails/application.log', '/var/log/gitlab/gitlab-rails/application_json.log', '/var/log/gitlab/gitlab-rails/production_json.log', '/var/log/gitlab/gitlab-rails/auth_json.log'],
    rules: [fail('Failed Login: username=', String.raw`Failed Login: username=<USER> ip=<IP>\s*$`), pass('Successful Login: username=', String.raw`Successful Login: username=<USER> ip=<IP> `)],
    records: [
      // Rails logs a refused password as a session that was created without a status or with 401, or shown again with 200 or 422.
      { when: { controller: 'SessionsController', action: 'create', method: 'POST', status: /^(?:0|200|401|422)$/ }, ip: ['remote_ip', 'meta.remote_ip'], user: ['username', 'meta.user'], from: ['params.1.value.login', /^(?<user>.*)$/s] },
      { when: { controller: /^(?:Oauth|Omniauth|Ldap::Omniauth)\w*Controller$/, action: /^(?:failure|omniauth_error)$/ }, ip: ['remote_ip', 'meta.remote_ip'], user: ['meta.user'] },
      { when: { controller: 'SessionsController', action: 'create', status: '302' }, ip: ['remote_ip', 'meta.remote_ip'], user: ['username', 'meta.user'], outcome: 'success' },
      { when: { message: /^Failed Login: username=/ }, from: ['message', /^Failed Login: username=(?<user>.*?) ip=(?<ip>[0-9A-Fa-f.:]+)\s*$/s] },
      { when: { message: /^(?:Rack_Attack|Rack Attack)$/, remote_ip: /./ }, ip: ['remote_ip'], action: 'limited' },
    ],
  },
  {
    id: 'jenkins',
    tags: ['jenkins'],
    paths: ['/var/log/jenkins/jenkins.log'],
    rules: [
      fail('Failed login attempt for user', String.raw`Failed login attempt for user '<USER>' from '<IP>'`),
      fail('ailed to authenticate', String.raw`ailed to authenticate user <USER> from <IP>$`),
    ],
  },
  {
    id: 'sonarqube',
    paths: ['/opt/sonarqube/logs/web.log'],
    line: /^\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d (?:DEBUG|INFO|WARN|ERROR) +web\[/,
    rules: [
      fail('login failure', String.raw`\[auth\.event\] login failure \[(?:cause\|[^\]]*?\]\[)?(?:method\|\w+\]\[provider\|[^|]*\|[^\]]*\]\[)IP\|<IP>\|[^\]]*\]\[(?:cause\|[^\]]*\]\[)?login\|<USER>\]$`),
      fail('login failure', String.raw`\[auth\.event\] login failure .*?\[IP\|<IP>\|[^\]]*\](?:.*\[login\|(?<user>[^\]]*)\])?`),
      pass('login success', String.raw`\[auth\.event\] login success .*?\[IP\|<IP>\|[^\]]*\]\[login\|(?<user>[^\]]*)\]`),
    ],
  },
  {
    id: 'nexus',
    rules: [
      fail('uthentication fail', String.raw`(?:Authentication failed|failed authentication) for user:? '?<USER>'?,? from <IP>$`),
    ],
    records: [{ when: { domain: 'security.user', type: /fail/i }, ip: ['initiator'], from: ['initiator', /^(?<user>[^/]*)\/(?<ip>[0-9A-Fa-f.:]+)$/] }],
  },
  {
    id: 'harbor',
    tags: ['core', 'harbor-core'],
    rules: [
      fail('failed to authenticate user', String.raw`failed to authenticate user:? <USER>, (?:error:|client IP: <IP>)`),
      fail('failed to authenticate user', String.raw`\[client IP="<IP>(?:, [^"]*)?"[^\]]*\]:? .*failed to authenticate user:? ?<USER>, error:`),
      fail('client IP:', String.raw`\[client IP="?<IP>"? .*\buser="?(?<user>[^" ]*)"?\].*(?:[Ff]ailed to|[Uu]nauthorized)`),
    ],
  },
  {
    id: 'redmine',
    paths: ['/var/log/redmine/*/production.log', '/usr/share/redmine/log/production.log'],
    line: /^[DIWEF], \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+ #\d+\] +\w+ -- : /,
    rules: [
      fail('Failed login for ', String.raw`^(?:[DIWEF], \[(?<time>[\dT:.-]+) #\d+\] +\w+ -- : )?(?:\[[0-9a-f-]+\] )?Failed (?:login|authentication) for '<USER>' from <IP> at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\s*$`),
      pass('Successful authentication for ', String.raw`^(?:[DIWEF], \[(?<time>[\dT:.-]+) #\d+\] +\w+ -- : )?(?:\[[0-9a-f-]+\] )?Successful authentication for '<USER>' from <IP> at `),
    ],
  },
  {
    id: 'phabricator',
    rules: [fail('wrong password', String.raw`^<IP> .*wrong password for <USER>$`)],
  },
  {
    id: 'thehive',
    paths: ['/var/log/thehive/application.log'],
    line: /^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} )?\[\w+\] +(?:o\.t\.s\.|from org\.thp\.)/,
    rules: [
      fail('/login took ', String.raw`AccessLogFilter (?:in \S+ )?\[[^\]]*\] <IP> POST /api/(?:v\d/)?login took \d+ms and returned 401 `),
      pass('/login took ', String.raw`AccessLogFilter (?:in \S+ )?\[[^\]]*\] <IP> POST /api/(?:v\d/)?login took \d+ms and returned 200 `),
    ],
  },
  {
    id: 'jira',
    paths: ['/var/atlassian/application-data/jira/log/*.log', '/var/atlassian/application-data/confluence/logs/*.log'],
    rules: [
      fail('tried to login but', String.raw`The user '<USER>' (?:is required to answer a CAPTCHA|has FAILED authentication|tried to login but)`),
      fail('FAILED authentication', String.raw` (?:\d+x\d+x\d+ \S+ )<IP>(?:,[0-9A-Fa-f.:, ]+)? /\S* The user '<USER>' has FAILED authentication`),
    ],
  },
  {
    id: 'n8n',
    records: [{ when: { eventName: 'n8n.audit.user.login.failed' }, ip: ['payload.ip', 'ip'], user: ['payload.userEmail'] }],
  },
  {
    id: 'elasticsearch',
    records: [{ when: { 'event.action': 'authentication_failed', 'origin.address': /./ }, ip: ['origin.address'], user: ['user.name'] }],
  },
  {
    id: 'opensearch-dashboards',
    tags: ['opensearch-dashboards', 'wazuh-dashboard', 'kibana'],
    records: [
      { when: { type: 'response', method: 'post', statusCode: '401', 'req.url': /^\/(?:auth\/login|internal\/security\/login)/ }, ip: ['req.remoteAddress'] },
      { when: { 'event.action': 'user_login', 'event.outcome': 'failure' }, ip: ['client.ip', 'source.ip'], user: ['user.name'] },
    ],
  },
  {
    id: 'centreon',
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?(?:\|-?\d+){3}\|/,
    rules: [fail('Authentication failed for', String.raw`(?:\|?-?\d+\|){2,3}\[[^\]]*\] \[<IP>\] Authentication failed for '<USER>'`)],
  },
  {
    id: 'vault',
    records: [{ when: { type: 'response', 'request.path': /^auth\/\w+\/login/, error: /./ }, ip: ['request.remote_address'] }],
  },
];
