import { describe, expect, it } from 'vitest';
import { began, Machine, debian } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import { unfilled } from '../testing.ts';
import { scanFanOut } from './behaviour.ts';

const day = 86_400_000;
const connect = (m: Machine, pid: number, destination_ip: string, destination_port: number, action = 'connect-attempt'): Event => m.tell('network_connection', pid, { action, direction: 'outbound', protocol: 'tcp', destination_ip, destination_port });
const sweep = (m: Machine, pid: number, n: number, port: number, action?: string): void => { for (let i = 0; i < n; i++) connect(m, pid, `198.51.100.${i}`, port, action); };

describe('scans', () => {
  it('a program in a temporary folder that knocks at SSH of many is critical, once', () => {
    const m = new Machine(scanFanOut);
    sweep(m, m.spawn(m.cron('/tmp/.s/k'), '/tmp/.s/k', 'k 198.51.100.0/24'), 250, 22);
    expect(m.levels).toEqual(['critical']);
    expect(m.found[0]?.group).toMatchObject({ things: '22', origin_en: expect.stringContaining('cron job') as string });
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('the tree counts, not the process: a shell that starts nc for each address', () => {
    const m = new Machine(scanFanOut);
    const sh = m.spawn(m.worker(), '/bin/sh', 'sh -c scan', { uid: 33 });
    for (let i = 0; i < 30; i++) connect(m, m.spawn(sh, '/usr/bin/nc', `nc -z 192.0.2.${i} 6379`), `192.0.2.${i}`, 6379);
    expect(m.levels).toEqual(['critical']);
  });

  it('many ports of one address', () => {
    const m = new Machine(scanFanOut);
    const sh = m.spawn(m.worker(), '/usr/bin/python3', 'python3 -c x', { uid: 33 });
    for (let port = 1000; port < 1040; port++) connect(m, sh, '192.0.2.7', port);
    expect(m.found[0]).toMatchObject({ level: 'critical', group: { address: '192.0.2.7', ports: '30' } });
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('an administrator with nmap is medium', () => {
    const m = new Machine(scanFanOut);
    sweep(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/nmap', 'nmap -sT -p22 198.51.100.0/24'), 60, 22);
    expect(m.levels).toEqual(['medium']);
  });

  it('web ports need many, and a slow sweep is none', () => {
    const m = new Machine(scanFanOut);
    const bot = m.service('/opt/bot/crawl');
    sweep(m, bot, 100, 443, 'connect');
    expect(m.found).toEqual([]);
    const slow = m.service('/opt/other/agent');
    for (let i = 0; i < 200; i++) { m.clock += 20_000; connect(m, slow, `203.0.113.${i}`, 22); }
    expect(m.found).toEqual([]);
  });

  it('a torrent client is low', () => {
    const m = new Machine(scanFanOut);
    const t = m.service('/usr/bin/transmission-daemon');
    for (let i = 0; i < 120; i++) connect(m, t, `203.0.${i}.7`, 20_000 + i * 7);
    expect([m.worst, new Set(m.found.map((d) => d.key)).size]).toEqual(['low', 1]);
  });
});

describe('quiet', () => {
  it.each<[string, (m: Machine) => void]>([
    ['a blackbox exporter', (m) => sweep(m, m.service('/usr/local/bin/blackbox_exporter'), 250, 22, 'connect')],
    ['zabbix and what it starts', (m) => { const z = m.service('/usr/sbin/zabbix_server'); for (let i = 0; i < 100; i++) connect(m, m.spawn(z, '/usr/bin/nc'), `192.0.2.${i}`, 3306); }],
    ['ansible over ssh', (m) => { const a = m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/python3', '/usr/bin/python3 /usr/bin/ansible-playbook site.yml'); for (let i = 0; i < 200; i++) connect(m, m.spawn(a, '/usr/bin/ssh', 'ssh h'), `192.0.2.${i}`, 22, 'connect'); }],
    ['a load balancer\'s checks', (m) => sweep(m, m.service('/usr/sbin/haproxy'), 200, 3306)],
    ['a name server', (m) => sweep(m, m.service('/usr/sbin/unbound'), 250, 53, 'connect')],
    ['a mail server', (m) => sweep(m, m.spawn(m.service('/usr/lib/postfix/sbin/master'), '/usr/lib/postfix/sbin/smtp'), 200, 25, 'connect')],
    ['apt', (m) => sweep(m, m.spawn(m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/apt-get', 'apt-get update'), '/usr/lib/apt/methods/https'), 30, 443, 'connect')],
    ['npm', (m) => sweep(m, m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/node', 'node /usr/bin/npm ci'), 40, 443, 'connect')],
    ['a database pool', (m) => { const app = m.service('/srv/app/server'); for (let i = 0; i < 400; i++) connect(m, app, '192.0.2.8', 5432, 'connect'); }],
    ['connections that come in', (m) => { const s = m.service('/usr/sbin/nginx'); for (let i = 0; i < 250; i++) m.tell('network_connection', s, { action: 'accept', direction: 'inbound', source_ip: `198.51.100.${i}`, destination_ip: '192.0.2.5', destination_port: 22 }); }],
    ['loopback', (m) => { const s = m.service('/srv/app/test'); for (let port = 1; port < 400; port++) connect(m, s, '127.0.0.1', port); }],
  ])('%s', (_name, act) => {
    const m = new Machine(scanFanOut);
    act(m);
    expect(m.found.map((d) => d.summary?.en)).toEqual([]);
  });

  it('a crawler that the operator lists, by script', () => {
    const m = new Machine(scanFanOut, { settings: { crawlers: ['/srv/crawl/main.py'] } });
    sweep(m, m.service('/usr/bin/python3', '/usr/bin/python3 /srv/crawl/main.py'), 250, 8080);
    expect(m.found).toEqual([]);
    sweep(m, m.service('/usr/bin/python3', '/usr/bin/python3 /srv/other/main.py'), 250, 8080);
    expect(m.levels).toEqual(['medium']);
  });

  it('a known name in a temporary folder excuses nothing', () => {
    const m = new Machine(scanFanOut);
    sweep(m, m.service('/dev/shm/prometheus'), 100, 22);
    expect(m.levels).toEqual(['critical']);
  });
});

describe('lateral movement by SSH', () => {
  const ssh = (m: Machine, from: number, ip: string): void => { connect(m, m.spawn(from, '/usr/bin/ssh', `ssh root@${ip}`), ip, 22, 'connect'); };

  it('from a web worker to three new hosts is high, and critical when keys were read', () => {
    for (const keys of [false, true]) {
      const m = new Machine(scanFanOut);
      const sh = m.spawn(m.worker(), '/bin/bash', 'bash', { uid: 33 });
      if (keys) m.tell('file_event', m.spawn(sh, '/usr/bin/find', 'find / -name id_rsa'), { action: 'read', file_path: '/home/deploy/.ssh/id_ed25519' });
      for (let i = 1; i < 6; i++) ssh(m, sh, `192.0.2.${i}`);
      expect([m.worst, m.found[0]?.title.en, new Set(m.found.map((d) => d.key)).size]).toEqual([keys ? 'critical' : 'high', 'Lateral movement by SSH', 1]);
      if (keys) expect(m.found[0]?.group?.['keys']).toBe('/home/deploy/.ssh/id_ed25519');
      expect(m.found.flatMap(unfilled)).toEqual([]);
    }
  });

  it('an administrator of a known network may; a session from a new one may not', () => {
    const m = new Machine(scanFanOut);
    const admin = m.login('root', '192.0.2.10');
    for (let i = 1; i < 9; i++) ssh(m, admin, `198.51.100.${i}`);
    expect(m.found).toEqual([]);
    m.clock = began + 4 * day;
    const stranger = m.login('root', '203.0.113.77');
    for (let i = 21; i < 26; i++) ssh(m, stranger, `198.51.100.${i}`);
    expect(m.worst).toBe('high');
    expect(m.found[0]?.group?.['origin_en']).toBe('the log-on session of root from 203.0.113.77');
  });

  it('hosts that were reached before are not new, also after a restart', () => {
    const first = new Machine(scanFanOut);
    const cron = first.cron('/srv/backup.sh');
    for (let i = 1; i < 9; i++) ssh(first, cron, `192.0.2.${i}`);
    expect(first.found).toEqual([]);
    const second = new Machine(scanFanOut, { state: first.trial.run.save?.() ?? '', knowledge: { packages: debian() } });
    second.clock = began + 2 * day;
    const again = second.cron('/srv/backup.sh');
    for (let i = 1; i < 9; i++) ssh(second, again, `192.0.2.${i}`);
    expect(second.found).toEqual([]);
    for (let i = 31; i < 36; i++) ssh(second, again, `192.0.2.${i}`);
    expect(second.worst).toBe('medium');
  });
});
