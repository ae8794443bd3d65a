import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { debian, listing, Machine, type MachineOptions } from '../../../test/machine.ts';
import { honest, miners, wallet } from '../../../test/miner-profiles.ts';
import { make, tryOut, unfilled } from '../testing.ts';
import { miner } from './behaviour.ts';

const pools = readFileSync('intel/pools.txt', 'utf8').split('\n').map((name) => [name, 'miner']);
const options: MachineOptions = {
  packages: debian(['/usr/sbin/rsylsogd'], ['/usr/bin/replaced']),
  knowledge: { intelligence: listing({ ...Object.fromEntries(pools), '203.0.113.66': 'miner', 'hidden.example.com': 'miner' }) },
};

const machine = (more: MachineOptions = {}): Machine => new Machine(miner, { ...options, ...more });

describe('rates', () => {
  it('finds more than 98.6 % of at least 60 miners, and says who, whence and why', () => {
    expect(miners.length).toBeGreaterThanOrEqual(60);
    const missed = miners.filter((profile) => {
      const m = machine();
      profile.play(m);
      expect(m.found.flatMap(unfilled)).toEqual([]);
      return m.found.length === 0;
    }).map(({ name }) => name);
    expect((miners.length - missed.length) / miners.length, missed.join(', ')).toBeGreaterThan(0.986);
  });

  it('raises nothing on at least 60 kinds of honest load', () => {
    expect(honest.length).toBeGreaterThanOrEqual(60);
    const wrong = honest.flatMap((profile) => {
      const m = machine();
      profile.play(m);
      return m.found.map(({ group, level }) => `${profile.name}: ${level} ${JSON.stringify(group)}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('the alert', () => {
  const login = `{"id":1,"method":"login","params":{"login":"${wallet}","pass":"x","agent":"XMRig/6"}}`;

  it('comes with the first bytes, before any work, with every piece, the program and where it came from', () => {
    const m = machine();
    const bash = m.login('root', '203.0.113.9');
    const pid = m.spawn(bash, '/tmp/auditd', './auditd -n');
    m.connect(pid, '198.51.100.7', 3333);
    m.flow(pid, '198.51.100.7', 3333, login);
    expect(m.found).toHaveLength(1);
    const [alarm] = m.found;
    expect(alarm).toMatchObject({ ruleId: 'behaviour.miner', level: 'critical', key: '/tmp/auditd', attack: ['T1496.001', 'T1036.005'] });
    expect(alarm?.group).toMatchObject({ program: '/tmp/auditd', pid_: String(pid), stratum: 'login, xmrig', disguise: 'auditd', port: '198.51.100.7:3333', score: '100' });
    // The engine tells the origin with the alert.
    expect(alarm?.events.at(-1)).toMatchObject({ origin: 'login', origin_ip: '203.0.113.9' });
    expect(alarm?.summary?.zh).toContain('流量中有矿池协议（{stratum}）；钱包 {wallet}；名称冒充 {disguise}');
    expect(alarm?.group?.['wallet']).toContain(wallet);
  });

  it('is one for a miner started again and again, and grows with what is learned', () => {
    const m = machine();
    const bash = m.cron('/opt/a/up');
    for (let i = 0; i < 5; i++) {
      const pid = m.spawn(bash, '/opt/a/up', './up');
      m.ask(pid, 'xmr.pool.example.io');
      m.connect(pid, '198.51.100.7', 3333);
      m.wait(60_000);
      m.end(pid);
    }
    expect(m.found.map(({ key, level }) => `${level} ${key}`)).toEqual(['high /opt/a/up']);
    const pid = m.spawn(bash, '/opt/a/up', './up');
    m.flow(pid, '198.51.100.7', 80, login);
    expect(m.found.map(({ level }) => level)).toEqual(['high', 'critical']);
    m.wait(7 * 3_600_000);
    m.flow(m.spawn(bash, '/opt/a/up', './up'), '198.51.100.7', 80, login);
    expect(m.found).toHaveLength(3);
  });

  it('scripts of one interpreter are different programs', () => {
    const m = machine();
    const bash = m.login();
    m.ask(m.spawn(bash, '/usr/bin/python3.11', 'python3 a.py'), 'pool.supportxmr.com');
    const busy = m.spawn(bash, '/usr/bin/python3.11', 'python3 train.py');
    m.connect(busy, '198.51.100.3', 443);
    m.load(30, [{ pid: busy, percent: 390 }], 98);
    expect(m.found).toEqual([]);
  });

  it('spares what may mine', () => {
    for (const allow of [['/opt/farm/'], ['/opt/farm/rig']]) {
      const m = machine({ settings: { allow } });
      m.flow(m.spawn(m.login(), '/opt/farm/rig', './rig'), '198.51.100.7', 3333, login);
      expect(m.found).toEqual([]);
    }
  });

  it('what a tree\'s shell prepared does not taint a server of that tree', () => {
    const m = machine();
    const bash = m.login('root');
    m.spawn(bash, '/usr/bin/bash', `bash -c echo donate to ${wallet}`);
    const pid = m.spawn(bash, '/opt/shop/serve', './serve');
    m.tell('listener', pid, { destination_ip: '0.0.0.0', destination_port: 8080 });
    m.load(30, [{ pid, percent: 100 }], 40);
    expect(m.found).toEqual([]);
  });

  it('old pieces do not add up with new ones', () => {
    const m = machine();
    const bash = m.login();
    const pid = m.spawn(bash, '/opt/x/y', './y');
    m.ask(pid, 'xmr.example.io');
    m.clock += 25 * 3_600_000;
    m.connect(pid, '198.51.100.7', 443);
    m.load(6, [{ pid, percent: 390 }], 98);
    expect(m.found).toEqual([]);
  });

  it('without packages, lineage and lists it still reads traffic and command lines', () => {
    const { run, found } = tryOut(miner);
    run.observe(make('flow', 1e12, { pid: 5, process_started: 1, process_path: '/opt/a', direction: 'outbound', destination_ip: '198.51.100.7', destination_port: 3333, payload: login }));
    run.observe(make('process_creation', 1e12, { pid: 6, process_started: 1, process_path: '/opt/b', process_cmdline: `b -o stratum+tcp://198.51.100.7:3333 -u ${wallet}` }));
    expect(found.map(({ key, level }) => `${level} ${key}`)).toEqual(['critical /opt/a', 'critical /opt/b']);
    expect(found.flatMap(unfilled)).toEqual([]);
  });

  it('two containers are two programs', () => {
    const m = machine();
    for (const container_id of ['a'.repeat(64), 'b'.repeat(64)]) {
      const pid = m.spawn(1, '/app/x', './x', { container_id });
      m.flow(pid, '198.51.100.7', 3333, login, { container_id });
    }
    expect(m.found.map(({ key }) => key)).toEqual([`${'a'.repeat(12)} /app/x`, `${'b'.repeat(12)} /app/x`]);
  });
});
