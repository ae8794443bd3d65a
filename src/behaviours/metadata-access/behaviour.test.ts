import { describe, expect, it } from 'vitest';
import { Machine, debian } from '../../../test/machine.ts';
import type { Event } from '../../core/gen/event.ts';
import { make, tryOut, unfilled } from '../testing.ts';
import { metadataAccess } from './behaviour.ts';

const id = 'c0ffee0123456789c0ffee0123456789c0ffee0123456789c0ffee0123456789';
const connect = (m: Machine, pid: number, ip = '100.100.100.200', port = 80): Event => m.tell('network_connection', pid, { action: 'connect', direction: 'outbound', destination_ip: ip, destination_port: port });
const ask = (m: Machine, pid: number, target: string, ip = '100.100.100.200'): Event => m.tell('flow', pid, { action: 'first-bytes', direction: 'outbound', destination_ip: ip, destination_port: 80, payload: `GET ${target} HTTP/1.1\r\nHost: ${ip}\r\n\r\n` });
const request = (m: Machine, url: string, source_ip = '203.0.113.9'): Event => m.tell('nginx', undefined, { category: 'web', action: 'request', source_ip, url_decoded: url, http_status: 200 });

describe('who asks decides', () => {
  it('a web worker is high, for credentials critical, and both are one alert', () => {
    const m = new Machine(metadataAccess);
    const worker = m.worker();
    connect(m, worker);
    ask(m, worker, '/latest/meta-data/ram/security-credentials/EcsRole');
    expect(m.levels).toEqual(['high', 'critical']);
    expect(new Set(m.found.map((d) => d.key)).size).toBe(1);
    expect(m.found[1]?.group).toMatchObject({ origin_en: 'the web service php-fpm', what: 'GET /latest/meta-data/ram/security-credentials/EcsRole' });
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('so is a program that the worker started', () => {
    const m = new Machine(metadataAccess);
    connect(m, m.spawn(m.spawn(m.worker(), '/bin/sh', 'sh -c curl'), '/usr/bin/curl', 'curl http://169.254.169.254/', { uid: 33 }), '169.254.169.254');
    expect(m.levels).toEqual(['high']);
  });

  it('a container and an unowned program are high, one in a temporary folder also in a session', () => {
    for (const act of [
      (m: Machine) => connect(m, m.container(id, '/app/server'), '169.254.0.23'),
      (m: Machine) => connect(m, m.service('/opt/thing/agent')),
      (m: Machine) => connect(m, m.spawn(m.login('root'), '/tmp/.x/k')),
      (m: Machine) => connect(m, m.cron('/var/tmp/u.sh') && m.spawn(m.cron('x'), '/bin/bash', 'bash /var/tmp/u.sh')),
    ]) {
      const m = new Machine(metadataAccess);
      act(m);
      expect(m.worst).toBe('high');
    }
  });

  it('an administrator with curl is low, and medium once it is about credentials', () => {
    const m = new Machine(metadataAccess);
    const curl = m.spawn(m.login('root', '192.0.2.10'), '/usr/bin/curl', 'curl http://169.254.169.254/latest/meta-data/instance-id');
    ask(m, curl, '/latest/meta-data/instance-id', '169.254.169.254');
    expect(m.levels).toEqual(['low']);
    ask(m, curl, '/latest/meta-data/iam/security-credentials/x', '169.254.169.254');
    expect(m.levels).toEqual(['low', 'medium']);
  });

  it('a name asked for by a web worker counts, a resolver that asks for others does not', () => {
    const m = new Machine(metadataAccess);
    m.tell('dns_query', m.worker(), { action: 'query', destination_host: 'Metadata.Tencentyun.com.', destination_ip: '183.60.83.19', destination_port: 53 });
    m.tell('dns_query', m.service('/usr/lib/systemd/systemd-resolved'), { action: 'query', destination_host: 'metadata.google.internal' });
    expect(m.levels).toEqual(['medium']);
  });

  it('IPv6, and a link-local name server by another port than its own', () => {
    const m = new Machine(metadataAccess);
    const worker = m.worker();
    connect(m, worker, '169.254.169.253', 53);
    expect(m.found).toEqual([]);
    connect(m, worker, '169.254.169.253', 80);
    connect(m, worker, 'fd00:ec2::254');
    expect(m.worst).toBe('high');
  });
});

describe('quiet', () => {
  it.each<[string, (m: Machine) => void]>([
    ['cloud-init', (m) => { const c = m.service('/usr/bin/cloud-init', '/usr/bin/python3 /usr/bin/cloud-init init', { cgroup: '/system.slice/cloud-init.service' }); ask(m, c, '/latest/user-data'); connect(m, m.spawn(c, '/usr/bin/python3', '/usr/bin/python3 /usr/bin/cloud-init init')); }],
    ['the cloud\'s assistant and what it runs', (m) => { const a = m.service('/usr/local/share/aliyun-assist/2.2.3/aliyun-service', 'aliyun-service', { cgroup: '/system.slice/aliyun.service' }); ask(m, a, '/latest/meta-data/ram/security-credentials/'); connect(m, m.spawn(a, '/usr/bin/curl')); }],
    ['a monitoring agent of the cloud', (m) => { connect(m, m.service('/usr/local/qcloud/monitor/barad/barad_agent')); }],
    ['other addresses', (m) => { connect(m, m.worker(), '192.0.2.80'); connect(m, m.worker(), '127.0.0.1'); }],
    ['a request that comes in', (m) => { m.tell('network_connection', m.worker(), { action: 'accept', direction: 'inbound', source_ip: '203.0.113.9', destination_ip: '169.254.169.254', destination_port: 80 }); }],
    ['an SSRF attempt that led nowhere', (m) => { request(m, '/fetch?url=http://169.254.169.254/latest/meta-data/'); }],
  ])('%s', (_name, act) => {
    const m = new Machine(metadataAccess);
    act(m);
    expect(m.found).toEqual([]);
  });

  it('what the operator lists: a path, a name, a script, an image', () => {
    const m = new Machine(metadataAccess, { settings: { allowed: ['/opt/thing/agent', 'rclone', '/srv/app/upload.py', 'example/uploader'] }, containers: [{ id, image: 'registry.example/uploader:2' }] });
    connect(m, m.service('/opt/thing/agent'));
    connect(m, m.service('/usr/local/bin/rclone'));
    connect(m, m.service('/usr/bin/python3', '/usr/bin/python3 -u /srv/app/upload.py'));
    connect(m, m.container(id, '/app/up'));
    expect(m.found).toEqual([]);
    connect(m, m.service('/usr/bin/python3', '/usr/bin/python3 /srv/app/other.py'));
    expect(m.found).toHaveLength(1);
  });
});

describe('the web request behind it', () => {
  it('is joined whichever comes first, and makes it critical', () => {
    for (const first of [true, false]) {
      const m = new Machine(metadataAccess);
      const worker = m.worker();
      if (first) request(m, '/fetch?url=http://100.100.100.200/latest/meta-data/');
      connect(m, worker);
      if (!first) { m.clock += 3000; request(m, '/fetch?url=http://100.100.100.200/latest/meta-data/'); }
      expect(m.found.at(-1)).toMatchObject({ level: 'critical', attack: ['T1552.005', 'T1190'], group: { source_ip: '203.0.113.9', url: '/fetch?url=http://100.100.100.200/latest/meta-data/' } });
      expect(m.found.flatMap(unfilled)).toEqual([]);
    }
  });

  it('also when the address is written as one number, but not when it is long ago', () => {
    const m = new Machine(metadataAccess);
    request(m, '/img?u=http://2852039166/');
    m.clock += 60_000;
    const worker = m.worker();
    connect(m, worker, '169.254.169.254');
    expect(m.levels).toEqual(['high']);
    request(m, '/img?u=http://2852039166/');
    expect(m.levels).toEqual(['high', 'critical']);
  });
});

it('a flood of one worker is told at most once a minute', () => {
  const m = new Machine(metadataAccess);
  const worker = m.worker();
  for (let i = 0; i < 3000; i++) connect(m, worker);
  expect(m.found.length).toBeLessThan(3);
  m.clock += 61_000;
  connect(m, worker);
  expect(m.found.at(-1)?.count).toBeGreaterThan(2000);
});

it('knows the event alone', () => {
  const trial = tryOut(metadataAccess, {}, undefined, { packages: debian() });
  trial.run.observe(make('network_connection', 1_700_000_000_000, { direction: 'outbound', destination_ip: '169.254.169.254', destination_port: 80, process_path: '/tmp/x' }));
  expect(trial.found.map((d) => d.level)).toEqual(['high']);
});
