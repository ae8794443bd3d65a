import { type App, fail, pass } from '../app-rules.ts';

const arr = (id: string, name: string): App => ({
  id,
  tags: [id],
  paths: [`/var/lib/${id}/logs/*.txt`, `/config/logs/${id}.txt`],
  rules: [
    fail('Auth-Failure ip ', String.raw`^(?:(?:Warn|Info)\|Auth\||\[(?:Warn|Info)\] Auth: )Auth-Failure ip <IP> username '<USER>'\s*$`),
    pass('Auth-Success ip ', String.raw`^(?:(?:Warn|Info)\|Auth\||\[(?:Warn|Info)\] Auth: )Auth-Success ip <IP> username '<USER>'\s*$`),
  ],
  line: new RegExp(String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\|(?:Info|Warn|Debug|Error|Trace|Fatal)\|(?=.*${name})`),
});

/** Media servers, download managers, photo and music collections. */
export const media: readonly App[] = [
  {
    id: 'jellyfin',
    tags: ['jellyfin'],
    paths: ['/var/log/jellyfin/*.log', '/var/lib/jellyfin/log/*.log'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d\] \[[A-Z]{3}\] \[\d+\] /,
    rules: [
      fail('has been denied (IP:', String.raw`^(?:\[[\d:]+\] )?(?:\[\w+\] )?(?:\[\d+\] )?(?:[\w.]+: )?Authentication request for "?<USER>"? has been denied \(IP: "?<IP>"?\)\.\s*$`),
      pass('has succeeded.', String.raw`^(?:\[[\d:]+\] )?(?:\[\w+\] )?(?:\[\d+\] )?(?:[\w.]+: )?Authentication request for "?<USER>"? has succeeded\.\s*$`),
    ],
  },
  {
    id: 'emby',
    tags: ['emby-server', 'embyserver', 'emby'],
    paths: ['/var/lib/emby/logs/*.txt'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (?:Info|Warn|Error|Debug) [\w-]+: /,
    rules: [
      fail('AUTH-ERROR: ', String.raw`^Warn Server: AUTH-ERROR: <IP> - `),
      fail('invalid username or password', String.raw`^\w+ \S+: .*invalid username or password.* (?:from|IP:?) <IP>`),
    ],
  },
  arr('radarr', 'Radarr'), arr('sonarr', 'Sonarr'), arr('lidarr', 'Lidarr'), arr('readarr', 'Readarr'), arr('prowlarr', 'Prowlarr'), arr('whisparr', 'Whisparr'), arr('bazarr', 'Bazarr'),
  {
    id: 'overseerr',
    tags: ['overseerr', 'jellyseerr', 'seerr'],
    line: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[\w+\]\[[\w .-]+\]: /,
    rules: [
      fail('ailed ', String.raw`^\[\w+\]\[(?:API|Auth)\]: Failed (?:sign-in|login|log-in)[^{]*\{"(?:account":\{"ip|ip)":"<IP>"(?:,"email":"(?<user>[^"]*)")?`),
      fail('ailed ', String.raw`^\[\w+\]\[(?:API|Auth)\]: Failed (?:sign-in|login|log-in)[^{]*\{"account":\{"email":"(?<user>[^"]*)"[^}]*"ip":"<IP>"`),
      fail('ailed ', String.raw`^\[\w+\]\[(?:API|Auth)\]: Failed (?:sign-in|login|log-in)[^{]*\{.*"ip":"<IP>"`),
    ],
    records: [{ when: { label: /^(?:API|Auth)$/, message: /^Failed (?:sign-in|login|log-in)/ }, ip: ['ip', 'account.ip'], user: ['email', 'account.email'] }],
  },
  {
    id: 'ombi',
    tags: ['ombi'],
    paths: ['/opt/ombi/Logs/*.txt', '/config/Logs/log-*.txt'],
    rules: [fail('Failed login attempt by IP', String.raw`^\[\w+\] Failed login attempt by IP: <IP>\s*$`)],
  },
  {
    id: 'navidrome',
    tags: ['navidrome'],
    paths: ['/var/log/navidrome.log', '/var/log/navidrome/*.log'],
    records: [
      { when: { msg: /^HTTP: POST \S+\/auth\/login$/, httpStatus: /^40[13]$/ }, ip: ['remoteAddr'] },
      { when: { msg: /^(?:Unsuccessful login|API: Invalid login|Invalid login)/i }, ip: ['remoteAddr', 'ip'], user: ['username', 'user'] },
    ],
  },
  {
    id: 'audiobookshelf',
    tags: ['audiobookshelf'],
    rules: [fail('Failed login attempt for username', String.raw`^(?:\w+: )?\[(?:Local)?Auth\] Failed login attempt for username "<USER>" from ip <IP> \([\w ]+\)(?: \(\w+\.js:\d+\))?\s*$`)],
    records: [{ when: { message: /^\[(?:Local)?Auth\] Failed login attempt for username "/ }, from: ['message', /^\[(?:Local)?Auth\] Failed login attempt for username "(?<user>.*?)" from ip (?<ip>[0-9A-Fa-f.:]+) \([\w ]+\)$/s] }],
  },
  {
    id: 'calibre-web',
    tags: ['calibre-web', 'cps'],
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] +\w+ \{[\w.]+:\d+\} /,
    rules: [
      fail('Login failed for user', String.raw`^\w+ \{cps\.[\w.]+:\d+\} Login failed for user "<USER>" IP-address: <IP>\s*$`),
      fail('OPDS Login failed for user', String.raw`^\w+ \{cps\.[\w.]+:\d+\} OPDS Login failed for user "<USER>" IP-address: <IP>\s*$`),
    ],
  },
  {
    id: 'immich',
    tags: ['immich_server', 'immich-server', 'immich'],
    line: /^\[Nest\] \d+ +- \d\d\/\d\d\/\d{4}, \d{1,2}:\d\d:\d\d/,
    rules: [fail('Failed login attempt for user', String.raw`^\[Nest\] \d+ +- (?<time>\d\d/\d\d/\d{4}, \d{1,2}:\d\d:\d\d(?: [AP]M)?) +WARN +\[(?:\w+:)?AuthService(?:~\w+)?\] Failed login attempt for user <USER> from ip address <IP>\s*$`)],
  },
  {
    id: 'qbittorrent',
    tags: ['qbittorrent', 'qbittorrent-nox'],
    paths: ['/home/*/.local/share/qBittorrent/logs/qbittorrent.log', '/config/qBittorrent/logs/qbittorrent.log'],
    line: /^\([NIWC]\) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d - /,
    rules: [
      fail('WebAPI login failure', String.raw`^(?:\(\w\) [\dT:-]{19} - )?WebAPI login failure\. Reason: [\w ]+(?:, attempt count: \d+)?, IP: <IP>, username: <USER>\s*$`),
      pass('WebAPI login success', String.raw`^(?:\(\w\) [\dT:-]{19} - )?WebAPI login success\. IP: <IP>\s*$`),
    ],
  },
  {
    id: 'sabnzbd',
    tags: ['sabnzbd', 'sabnzbdplus'],
    paths: ['/config/logs/sabnzbd.log'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}::[A-Z]+::\[\w+:\d+\] /,
    rules: [
      // The text is in the user's language; the shape is not: "… ADDRESS [AGENT]" logged by the web interface as a warning.
      fail('::WARNING::[interface:', String.raw`^WARNING::\[interface:\d+\] [^\[(0-9]{8,80}? <IP>(?: \(X-Forwarded-For: (?<forwarded>[^)]{0,500})\))? \[`),
    ],
  },
  {
    id: 'tautulli',
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - \w+ +:: /,
    rules: [fail('nvalid ', String.raw`nvalid .{0,20}login attempt from '<USER>'.{0,20}\(?(?:IP|ip)(?: address)?[: ]+<IP>`)],
  },
  {
    id: 'photoprism',
    tags: ['photoprism'],
    records: [
      { when: { msg: / › .*(?:invalid|failed|denied)/i, level: /warn|error/ }, from: ['msg', /^(?:audit: )?(?<ip>[0-9A-Fa-f.:]{3,45}) › .*?(?:login as (?<user>\S+))? ›/] },
    ],
    rules: [fail(' › ', String.raw`audit: <IP> › (?:session \S+ › )?login (?:as (?<user>\S+) )?› .*(?:invalid|failed|denied)`)],
  },
  {
    id: 'komga',
    rules: [fail('Login failed from', String.raw`Login failed from <IP>`), fail('failed login', String.raw`AuthenticationActivity\(.*email=(?<user>[^,]*), ip=<IP>.*success=false`)],
  },
  {
    id: 'deluge',
    tags: ['deluged', 'deluge-web'],
    rules: [fail('Login failed', String.raw`Login failed \(ClientIP <IP>\)`), pass('Login success', String.raw`Login success \(ClientIP <IP>\)`)],
  },
  {
    id: 'nzbget',
    rules: [fail('Authentication failed', String.raw`Authentication failed \(username: <USER>, IP: <IP>\)`), fail('rong username', String.raw`wrong username or password.* (?:from|ip) <IP>`)],
  },
  {
    id: 'plex',
    tags: ['plex', 'plexmediaserver'],
    rules: [fail('Signed-in Token', String.raw`\[<IP>:<PORT>\] .*(?:401|Unauthorized) \((?:GET|POST) `, 'denied')],
  },
];
