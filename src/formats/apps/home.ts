import { type App, fail, pass, request } from '../app-rules.ts';

/** Name servers with a web face, smart homes, cameras, and firewalls that report what they did. */
export const home: readonly App[] = [
  {
    id: 'adguardhome',
    tags: ['adguardhome'],
    rules: [
      fail('/control/login: ', String.raw`^\[?\w+\]? (?:auth: )?POST \S+ /control/login: (?:from ip )<IP>: invalid username or password\s*$`),
      fail('/control/login: ', String.raw`^\[?\w+\]? POST <IP> /control/login: invalid username or password\s*$`),
      fail('invalid username or password', String.raw`^\[?\w+\]? auth: .*(?:ip|addr)[= ]"?<IP>"?.*invalid username or password`),
      pass('successfully logged in from ip', String.raw`^\[?\w+\]? auth: user "<USER>" successfully logged in from ip <IP>\s*$`),
    ],
    records: [{ when: { msg: /invalid username or password|login failed/i, remote_ip: /./ }, ip: ['remote_ip'] }],
  },
  {
    id: 'home-assistant',
    tags: ['homeassistant', 'hass', 'home-assistant'],
    paths: ['/config/home-assistant.log', '/home/homeassistant/.homeassistant/home-assistant.log'],
    line: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) \(\w+\) \[/,
    rules: [
      // "from NAME (ADDRESS)": the name is what reverse DNS says and is the client's to choose; the agent comes after.
      fail('with invalid authentication from ', String.raw`^WARNING \(\w+\) \[homeassistant\.components\.http\.ban\] Login attempt or request with invalid authentication from [\w.:%-]{1,255} \(<IP>\)`),
      fail('with invalid authentication from ', String.raw`^WARNING \(\w+\) \[homeassistant\.components\.http\.ban\] Login attempt or request with invalid authentication from <IP>`),
      fail('Banned IP ', String.raw`^WARNING \(\w+\) \[homeassistant\.components\.http\.ban\] Banned IP <IP> for too many login attempts`, 'blocked'),
    ],
  },
  {
    id: 'openhab',
    rules: [fail('nvalid credentials', String.raw`nvalid credentials .*(?:from|IP|ip)[ =]<IP>`)],
  },
  {
    id: 'zoneminder',
    tags: ['zmwww', 'web_php', 'zm'],
    rules: [
      // Of its own file; through Apache the same words come in the error log.
      fail('[Login denied for user', String.raw`^(?<time>\d\d[/-]\d\d[/-]\d\d,? \d{1,2}:\d\d:\d\d)(?: [AP]M \w+)?\.\d+ \w+\[\d+\]\.[A-Z]{3} \[<IP>\] \[Login denied for user "(?<user>[^"]*)"\]`),
      fail('[Could not retrieve user', String.raw`^(?<time>\d\d[/-]\d\d[/-]\d\d,? \d{1,2}:\d\d:\d\d)(?: [AP]M \w+)?\.\d+ \w+\[\d+\]\.[A-Z]{3} \[<IP>\] \[Could not retrieve user <USER> details\]`),
    ],
  },
  {
    id: 'qnap',
    tags: ['qlogd'],
    rules: [
      fail('Action: Login Fail', String.raw`conn log: Users: <USER>, Source IP: <IP>, Computer name: .*Action: Login Fail$`),
      pass('Action: Login OK', String.raw`conn log: Users: <USER>, Source IP: <IP>, Computer name: .*Action: Login OK$`),
    ],
  },
  {
    id: '3proxy',
    rules: [fail('PROXY.', String.raw`^(?<time>\d\d-\d\d-\d{4} [\d:]+ [+-]\d{4}) \S+ \d{3}0[1-9] (?<user>\S+) <IP>:<PORT> [\d.]+:\d+ \d+ \d+ \d+ `)],
  },
  {
    id: 'game-server',
    rules: [fail('Bad Rcon: ', String.raw`^L (?<time>\d\d/\d\d/\d{4} - [\d:]{8}): Bad Rcon: .* from "<IP>:<PORT>"$`)],
  },
  {
    id: 'zoraxy',
    line: /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\] \[[\w-]+(?::[\w-]+)?\] \[(?:origin|system):/,
    rules: [request('[client: ', String.raw`^\[router:[\w-]+\] \[origin:(?<site>[^\]]*)\] \[client: <IP>\] \[useragent: (?<agent>.*)\] (?<method>[A-Z]+) (?<target>\S+) (?<status>\d{3})$`)],
  },
  {
    id: 'shinobi',
    rules: [fail('Failed Authentication', String.raw`Failed Authentication.*(?:ip|IP):? '?<IP>`)],
  },
  {
    id: 'technitium',
    rules: [fail('Invalid username or password', String.raw`^(?:UTC\] |Local\] )?\[?<IP>:<PORT>\] (?:DnsServerCore\.\w+: )?Invalid username or password(?: for user: (?<user>[^\s]*))?`)],
  },
  {
    id: 'unifi',
    line: /^CEF: ?0\|Ubiquiti\|/,
    rules: [
      fail('|Ubiquiti|', String.raw`0\|Ubiquiti\|[^|]*\|[^|]*\|\d+\|(?:Threat Detected and Blocked|Blocked by [^|]*|Firewall Block[^|]*)\|\d+\|.*?\bsrc=<IP> `, 'blocked'),
      fail('|Ubiquiti|', String.raw`0\|Ubiquiti\|[^|]*\|[^|]*\|\d+\|[^|]*(?:Login Failed|Failed Login|Login Attempt)[^|]*\|\d+\|.*?\bsrc=<IP>(?: |$)`),
      pass('|Ubiquiti|', String.raw`0\|Ubiquiti\|[^|]*\|[^|]*\|\d+\|Admin Accessed [^|]*\|\d+\|.*?\bUNIFIadmin=<USER> src=<IP> `),
    ],
  },
  {
    id: 'openappsec',
    line: /^\{"eventTime": "[^"]+","eventName": "/,
    records: [
      { when: { eventName: 'Web Request', 'eventData.waapIncidentType': /./ }, ip: ['eventData.httpSourceId', 'eventData.sourceIP'], action: 'detected' },
      { when: { eventName: 'Web Request', 'eventData.sourceIP': /./ }, ip: ['eventData.httpSourceId', 'eventData.sourceIP'], action: 'detected' },
    ],
  },
  {
    id: 'endlessh',
    tags: ['endlessh', 'endlessh-go'],
    rules: [fail('ACCEPT host=', String.raw`(?:^|\.go:\d+\] )ACCEPT host=<IP> port=<PORT> (?:fd|n)=`, 'honeypot')],
  },
  {
    id: 'cowrie',
    tags: ['cowrie'],
    rules: [fail('login attempt [', String.raw`\[\w+,\d+,<IP>\] login attempt \[b?'?<USER>'?/.*\] failed`), fail('New connection: ', String.raw`New connection: <IP>:<PORT> \(`, 'honeypot')],
    records: [{ when: { eventid: 'cowrie.login.failed' }, ip: ['src_ip'], user: ['username'] }, { when: { eventid: 'cowrie.login.success' }, ip: ['src_ip'], user: ['username'], action: 'honeypot' }],
  },
];
