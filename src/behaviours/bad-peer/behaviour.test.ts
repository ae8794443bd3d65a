import { describe, expect, it } from 'vitest';
import { began, Machine } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import { unfilled } from '../testing.ts';
import { Beacons } from './beacon.ts';
import { badPeer } from './behaviour.ts';
import { registeredDomain } from './tunnel.ts';

const connect = (m: Machine, pid: number, destination_ip: string, destination_port: number, more: Partial<Event> = {}): Event => m.tell('network_connection', pid, { action: 'connect', direction: 'outbound', protocol: 'tcp', destination_ip, destination_port, ...more });
const ask = (m: Machine, pid: number, destination_host: string): Event => m.tell('dns_query', pid, { action: 'query', destination_host, destination_ip: '192.0.2.53', destination_port: 53 });
const addresses = new Set<string>();

describe('Tor', () => {
  it('names of the dark web: who asks decides', () => {
    const cases: [string, (m: Machine) => number][] = [
      ['critical', (m) => m.spawn(m.worker(), '/bin/sh', 'sh', { uid: 33 })], ['critical', (m) => m.service('/tmp/.x')], ['high', (m) => m.service('/opt/x/run')], ['medium', (m) => m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/curl', 'curl x')],
    ];
    for (const [level, start] of cases) {
      const m = new Machine(badPeer);
      const pid = start(m);
      ask(m, pid, 'abcdefghij234567.onion');
      ask(m, pid, 'www.abcdefghij234567.ONION.');
      expect([m.worst, new Set(m.found.map((d) => d.key)).size]).toEqual([level, 1]);
      expect(m.found.flatMap(unfilled)).toEqual([]);
    }
  });

  it('a tor of one\'s own is high, Debian\'s is low, an allowed one is nothing', () => {
    const run = (path: string, settings = {}): string => { const m = new Machine(badPeer, { settings }); connect(m, m.service(path), '203.0.113.8', 9001); return m.worst; };
    expect([run('/opt/t/tor'), run('/var/tmp/tor'), run('/usr/bin/tor'), run('/usr/bin/tor', { torAllowed: true })]).toEqual(['high', 'critical', 'low', 'quiet']);
  });

  it('its ports by an unowned program, its proxy by a web worker\'s child', () => {
    const m = new Machine(badPeer);
    connect(m, m.service('/opt/a/agent'), '203.0.113.8', 9030);
    expect(m.worst).toBe('medium');
    connect(m, m.spawn(m.worker(), '/usr/bin/curl', 'curl --socks5 127.0.0.1:9050', { uid: 33 }), '127.0.0.1', 9050);
    expect(m.worst).toBe('high');
  });
});

describe('abroad', () => {
  const logon = (m: Machine): void => { m.tell('sshd', undefined, { category: 'authentication', action: 'login', outcome: 'success', user: 'root', source_ip: '203.0.113.1', source_country: 'CN' }); };
  const go = (m: Machine, pid: number, country = 'NL', port = 443): Event => connect(m, pid, '203.0.113.99', port, { destination_country: country });

  it('an odd program is high at once, an unowned new one low after learning', () => {
    const m = new Machine(badPeer);
    logon(m);
    go(m, m.service('/dev/shm/k'));
    expect(m.levels).toEqual(['high']);
    go(m, m.service('/opt/early/app'));
    m.clock = began + 2 * 86_400_000;
    go(m, m.service('/opt/early/app'));
    expect(m.levels).toEqual(['high']);
    go(m, m.service('/opt/late/app'));
    expect(m.levels).toEqual(['high', 'low']);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('says nothing at home, without knowing home, of packages, of listed programs, and of web servers themselves', () => {
    const m = new Machine(badPeer, { settings: { abroadAllowed: ['k2'] } });
    go(m, m.service('/dev/shm/k'));
    logon(m);
    go(m, m.service('/dev/shm/k'), 'CN');
    go(m, m.service('/dev/shm/k'), 'ZZ');
    go(m, m.service('/dev/shm/k2'));
    m.clock = began + 2 * 86_400_000;
    go(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/apt-get', 'apt-get update'));
    go(m, m.worker());
    expect(m.found).toEqual([]);
    go(m, m.spawn(m.worker(), '/usr/bin/wget', 'wget', { uid: 33 }));
    expect(m.levels).toEqual(['medium']);
  });

  it('remembers home and who travels over a restart', () => {
    const first = new Machine(badPeer);
    logon(first);
    go(first, first.service('/opt/early/app'));
    const second = new Machine(badPeer, { state: first.trial.run.save?.() ?? '' });
    second.clock = began + 2 * 86_400_000;
    go(second, second.service('/opt/early/app'));
    go(second, second.service('/opt/late/app'));
    expect(second.found.map((d) => d.key)).toEqual(['abroad:/opt/late/app']);
  });
});

describe('beacons', () => {
  /** Calls every `every` s for `minutes`, each off by at most `jitter` of it. */
  const call = (m: Machine, pid: number, every: number, minutes: number, jitter: number, port = 443): void => {
    const start = m.clock;
    let wobble = 1;
    for (let at = 0; at < minutes * 60; at += every) {
      wobble = (wobble * 48_271) % 2_147_483_647;
      m.clock = start + at * 1000 + Math.round((wobble / 2_147_483_647 - 0.5) * 2 * jitter * every * 1000);
      connect(m, pid, '203.0.113.44', port);
    }
  };

  it.each([[60, 40, 0], [60, 45, 0.1], [300, 70, 0.15], [10, 40, 0.05], [20, 60, 0.02]])('every %i s for %i min with jitter %f', (every, minutes, jitter) => {
    const m = new Machine(badPeer);
    call(m, m.service('/var/tmp/.u/agent'), every, minutes, jitter);
    expect(m.levels).toEqual(['high']);
    expect(Number(m.found[0]?.group?.['seconds']) / every).toBeCloseTo(Math.round(Number(m.found[0]?.group?.['seconds']) / every), 0);
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('each call may be a new process: a script run by cron', () => {
    const m = new Machine(badPeer);
    for (let i = 0; i < 45; i++) { m.clock = began + i * 60_000; connect(m, m.spawn(m.cron('/opt/x.sh'), '/opt/x', '/opt/x'), '203.0.113.44', 8443); }
    expect(m.levels).toEqual(['high']);
  });

  it('an interpreter with its program in the command line counts as odd', () => {
    const m = new Machine(badPeer);
    call(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/python3', 'python3 -c import socket'), 60, 40, 0.1);
    expect(m.levels).toEqual(['high']);
  });

  it.each<[string, (m: Machine) => void]>([
    ['people\'s own pace', (m) => { call(m, m.service('/var/tmp/a'), 60, 120, 0.9); }],
    ['too short', (m) => { call(m, m.service('/var/tmp/a'), 60, 20, 0); }],
    ['packages', (m) => { call(m, m.service('/usr/sbin/zabbix_agentd'), 60, 90, 0); }],
    ['a listed program', (m) => { call(m, m.service('/opt/mon/agent'), 60, 90, 0); }],
    ['name servers and clocks', (m) => { call(m, m.service('/opt/x/dns'), 60, 90, 0, 53); }],
    ['a private address', (m) => { const pid = m.service('/var/tmp/a'); for (let i = 0; i < 90; i++) { m.clock += 60_000; connect(m, pid, '10.0.0.8', 443); } }],
  ])('%s: none', (_name, act) => {
    const m = new Machine(badPeer, { settings: { beaconAllowed: ['/opt/mon/agent'] } });
    act(m);
    expect(m.found).toEqual([]);
  });

  it('random calls are no beat, whatever their rate', () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const beacons = new Beacons(0.2, 1_800_000, () => undefined);
    let beats = 0;
    for (let pair = 0; pair < 500; pair++) {
      let time = 0;
      const mean = 5000 + random() * 300_000;
      for (let i = 0; i < 150; i++) { time += -Math.log(1 - random()) * mean; if (beacons.add(`p${pair}`, time)) beats++; }
    }
    expect(beats).toBe(0);
  });
});

describe('DNS tunnels', () => {
  const hex = (i: number, n: number): string => Array.from({ length: n }, (_, k) => ((i * 7919 + k * 104_729) % 16).toString(16)).join('') + i.toString(16).padStart(4, '0');

  it('many long names below one domain, whatever asks; a program of one\'s own is high', () => {
    for (const [path, level] of [['/usr/lib/systemd/systemd-resolved', 'medium'], ['/opt/x/tool', 'high'], ['/tmp/iodine', 'critical']] as const) {
      const m = new Machine(badPeer);
      const pid = m.service(path);
      for (let i = 0; i < 300; i++) ask(m, pid, `${hex(i, 50)}.${hex(i, 20)}.t.example.com.cn`);
      expect(m.found.map((d) => [d.level, d.group?.['domain']])).toEqual([[level, 'example.com.cn']]);
      expect(m.found.flatMap(unfilled)).toEqual([]);
    }
  });

  it('not of the same names again, short ones, reverse look-ups, block lists, or slowly', () => {
    const m = new Machine(badPeer);
    const pid = m.service('/opt/x/tool');
    for (let i = 0; i < 300; i++) {
      ask(m, pid, `${hex(i % 20, 40)}.cdn.example.com`);
      ask(m, pid, `host-${i}.example.net`);
      ask(m, pid, `${Array.from({ length: 32 }, (_, k) => ((i + k) % 16).toString(16)).join('.')}.ip6.arpa`);
      ask(m, pid, `${hex(i, 40)}.dbl.spamhaus.org`);
    }
    for (let i = 0; i < 300; i++) { m.clock += 20_000; ask(m, pid, `${hex(i, 40)}.slow.example.org`); }
    expect(m.found).toEqual([]);
  });

  it('knows what somebody registered', () => {
    expect(['a.b.example.com', 'a.example.com.cn', 'example.org', 'x.co.uk', 'com', ''].map(registeredDomain)).toEqual(['example.com', 'example.com.cn', 'example.org', 'x.co.uk', 'com', '']);
  });
});

it('keeps its pairs bounded', () => {
  const m = new Machine(badPeer);
  const pid = m.service('/var/tmp/a');
  for (let i = 0; i < 9000; i++) { const ip = `203.${i >> 8 & 255}.${i & 255}.7`; addresses.add(ip); connect(m, pid, ip, 443); }
  expect(m.trial.counts.get('pairs of program and address forgotten')).toBe(addresses.size - 4000);
});
