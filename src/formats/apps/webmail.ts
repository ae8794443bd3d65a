import { type App, fail, pass } from '../app-rules.ts';

/** Webmail, groupware and mail servers that keep logs of their own. */
export const webmail: readonly App[] = [
  {
    id: 'roundcube',
    tags: ['roundcube', 'roundcubemail'],
    paths: ['/var/log/roundcube/*', '/var/log/roundcubemail/*', '/www/wwwroot/*/logs/userlogins.log'],
    line: /^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}\]: /,
    rules: [
      // The user name is the client's, the IMAP server's answer may repeat it: the address is the last "from" before the first ". AUTHENTICATE", or the end.
      fail('Login failed for ', String.raw`^(?:<[\w]+> )?IMAP Error: Login failed for <USER>(?: against \S+)? from <IP>(?:\(X-(?:Real-IP|Forwarded-For): [^)]*\))?(?:\. (?:AUTHENTICATE|LOGIN|Empty startup greeting|Could not connect|Authentication failed|Connection|Unable)|\.? in /\S+ on line|$)`),
      fail('ailed login for ', String.raw`^(?:<[\w]+> )?(?:Failed|FAILED) login for <USER> from <IP>(?:\(X-(?:Real-IP|Forwarded-For): [^)]*\))?(?: in session \S+(?: \(error: \d+\))?| \(error: \d+\))?$`),
      fail('FAILED login for ', String.raw`^(?:<[\w]+> )?FAILED login for <USER> from <IP>$`),
      pass('uccessful login for ', String.raw`^(?:<[\w]+> )?Successful login for <USER> \(ID: \d+\) from <IP>(?:\(X-[^)]*\))?(?: in session \S+)?$`),
    ],
  },
  {
    id: 'sogo',
    tags: ['sogod', 'sogo'],
    paths: ['/var/log/sogo/sogo.log'],
    line: /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d sogod \[\d+\]: /,
    rules: [
      fail('might not have worked', String.raw`(?:^|sogod \[\d+\]: )SOGoRootPage Login from '<IP>(?:, [^']*)?' for user '<USER>' might not have worked`),
      pass('Login from ', String.raw`(?:^|sogod \[\d+\]: )SOGoRootPage (?:successful login|Login) from '<IP>(?:, [^']*)?' for user '<USER>' (?:was successful|- expire)`),
    ],
  },
  {
    id: 'horde',
    tags: ['horde'],
    line: /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d HORDE /,
    rules: [
      fail('FAILED LOGIN for ', String.raw`^(?:HORDE )?(?:\[\w+\] ){1,2}FAILED LOGIN for <USER> \[<IP>\] to [^[]+\[(?:on line|pid |imap)`),
      fail('FAILED LOGIN for ', String.raw`^(?:HORDE )?(?:\[\w+\] ){1,2}FAILED LOGIN (?:for|to) <USER> \[<IP>\](?: to .*| \[pid .*)?$`),
      pass('Login success for ', String.raw`^(?:HORDE )?(?:\[\w+\] ){1,2}Login success for <USER> (?:\[|\()<IP>(?:\]|\))`),
    ],
  },
  {
    id: 'squirrelmail',
    tags: ['squirrelmail'],
    paths: ['/var/lib/squirrelmail/prefs/squirrelmail_access_log'],
    line: /^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d \[LOGIN/,
    rules: [
      fail('[LOGIN_ERROR]', String.raw`^(?:(?<time>\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) )?\[LOGIN_ERROR\] <USER> \([^)]*\) from <IP>: `),
      pass('[LOGIN]', String.raw`^(?:(?<time>\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) )?\[LOGIN\] <USER> \([^)]*\) from <IP>: `),
    ],
  },
  {
    id: 'openwebmail',
    line: /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} - \[\d+\] \(/,
    rules: [
      fail(' error - ', String.raw`^\[\d+\] \(<IP>\) <USER> - (?:login|userinfo) error - `),
      pass(' - login - ', String.raw`^\[\d+\] \(<IP>\) <USER> - login - `),
    ],
  },
  {
    id: 'groupoffice',
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]LOGIN /,
    rules: [
      fail('LOGIN FAILED for user', String.raw`^LOGIN FAILED for user: "<USER>" from IP: <IP>$`),
      pass('LOGIN SUCCESS for user', String.raw`^LOGIN SUCCESS for user: "<USER>" from IP: <IP>$`),
    ],
  },
  {
    id: 'tine20',
    tags: ['tine20'],
    paths: ['/var/log/tine20/*.log'],
    line: /^\S{5} \S{5} -- .{1,80} -- ?-? \d{4}-\d\d-\d\dT/,
    rules: [fail('::login::', String.raw`(?<time>\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d) WARN \(\d\): Tinebase_Controller::login::\d+ Login with username <USER> from <IP> failed \(-\d+\)!$`)],
  },
  {
    id: 'stalwart',
    tags: ['stalwart-mail', 'stalwart'],
    paths: ['/opt/stalwart*/logs/*'],
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (?:INFO|WARN|ERROR|DEBUG|TRACE) .{1,80} \([\w-]+\.[\w-]+\)/,
    rules: [
      fail('(auth.', String.raw`^\w+ [\w ]+ \(auth\.(?:failed|error|too-many-attempts|missing-totp)\).*?\bremoteIp = <IP>(?:,|$)`),
      fail('(security.', String.raw`^\w+ [\w ]+ \(security\.[\w-]+\).*?\bremoteIp = <IP>(?:,|$)`, 'blocked'),
      pass('(auth.success)', String.raw`^\w+ [\w ]+ \(auth\.success\).*?\bremoteIp = <IP>(?:,|$)`),
    ],
  },
  {
    id: 'rainloop',
    tags: ['rainloop', 'snappymail'],
    rules: [
      fail('Auth failed', String.raw`^(?:\S+ )?Auth failed: ip=<IP> user=<USER> host=`),
      fail('auth failed', String.raw`ip=<IP> user=<USER> (?:host=\S+ )?.*auth failed`),
    ],
  },
];
