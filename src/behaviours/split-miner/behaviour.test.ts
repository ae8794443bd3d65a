import { describe, expect, it } from 'vitest';
import { Machine } from '../../../test/machine.ts';
import { unfilled } from '../testing.ts';
import { splitMiner } from './behaviour.ts';

const machine = (): Machine => new Machine(splitMiner);
const folder = '/usr/local/share/syslog';

/** Twelve parts: a dropper that wrote and planted the others, two started by cron, three units, the rest by each other. */
function twelve(m: Machine, how: { stratum?: boolean; work?: boolean } = { work: true }): void {
  const bash = m.login('root');
  const dropper = m.spawn(bash, '/tmp/install', '/tmp/install');
  const names = ['rsyslogd-agent', 'journald-gc', 'logrotate2', 'auditd-flush', 'syslog-net', 'klogd1', 'logd.3', 'systemd-logx', 'kworker.d', 'watchdogd', 'run.sh'];
  for (const [i, name] of names.entries()) m.file(dropper, 'create', `${folder}/${name}`, { file_inode: 100 + i, file_device: 8 });
  m.file(dropper, 'create', '/etc/cron.d/syslog-check');
  for (const unit of ['syslog-a', 'syslog-b', 'syslog-c']) m.file(dropper, 'create', `/etc/systemd/system/${unit}.service`);
  m.end(dropper);
  const runs: number[] = [];
  for (const unit of ['syslog-a', 'syslog-b', 'syslog-c']) runs.push(m.service(`${folder}/${names[runs.length]}`, `${folder}/${names[runs.length]} -n`, { unit: unit }));
  const cron = m.cron(`${folder}/run.sh`);
  const script = m.spawn(cron, '/usr/bin/bash', `bash ${folder}/run.sh`);
  runs.push(m.spawn(m.cron(`${folder}/logd.3`), `${folder}/logd.3`));
  for (const name of ['auditd-flush', 'syslog-net', 'klogd1', 'systemd-logx']) runs.push(m.spawn(script, `${folder}/${name}`));
  for (const name of ['kworker.d', 'watchdogd']) runs.push(m.spawn(runs[0]!, `${folder}/${name}`));
  if (how.stratum === true) m.flow(runs[5]!, '198.51.100.7', 443, '{"id":1,"method":"mining.subscribe","params":[]}');
  if (how.work === true) m.load(5, runs.map((pid) => ({ pid, percent: 12 })), 60);
}

describe('a miner in twelve parts', () => {
  it('is told as one, all parts named, each of them small', () => {
    const m = machine();
    twelve(m);
    const keys = new Set(m.found.map(({ key }) => key));
    expect(keys.size).toBe(1);
    const alarm = m.found.at(-1);
    expect(alarm).toMatchObject({ ruleId: 'behaviour.split-miner', level: 'high', group: { parts: '12' } });
    const named = Object.entries(alarm?.group ?? {}).filter(([name]) => name.startsWith('part_')).map(([, text]) => text);
    expect(named).toHaveLength(12);
    expect(named.join(' ')).toContain('/tmp/install');
    expect(named.join(' ')).toContain(`${folder}/run.sh (cron)`);
    expect(named.join(' ')).toContain(`${folder}/klogd1 (run.sh)`);
    expect(named.join(' ')).toContain('(syslog-a.service)');
    expect(alarm?.summary?.en).toContain('pose as services');
    // Who started them: the cron entry, the units, and the session in which the dropper was run.
    expect(alarm?.group?.['launchers_en']).toContain('the cron job');
    expect(alarm?.group?.['launchers_en']).toContain('the service syslog-a');
    expect(alarm?.group?.['launchers_en']).toMatch(/the log-on session of root from 203\.0\.113\.9 → \/usr\/bin\/bash\[\d+\]/);
    expect(alarm?.group?.['source_ip']).toBe('203.0.113.9');
    expect(m.found.flatMap(unfilled)).toEqual([]);
  });

  it('is told before it works when one part speaks to the pool', () => {
    const m = machine();
    twelve(m, { stratum: true });
    expect(m.found.at(-1)).toMatchObject({ level: 'critical', group: { parts: '12', mining: 'mining.subscribe' } });
  });

  it('is linked by a local proxy and a shared pool where folders differ', () => {
    const m = machine();
    const proxy = m.service('/var/lib/.a/journald-net', '/var/lib/.a/journald-net', { unit: 'journal-net' });
    m.tell('listener', proxy, { action: 'listener-start', destination_ip: '127.0.0.1', destination_port: 33_001 });
    m.connect(proxy, '198.51.100.7', 14_444);
    const workers = ['/opt/b/x1', '/srv/c/x2', '/var/cache/d/rsyslogd'].map((path) => m.spawn(m.cron(path), path));
    for (const pid of workers) m.connect(pid, '127.0.0.1', 33_001);
    const spare = m.service('/opt/e/spare', '/opt/e/spare', { unit: 'spare' });
    m.connect(spare, '198.51.100.7', 14_444);
    m.load(5, workers.map((pid) => ({ pid, percent: 60 })), 90);
    expect(m.found.at(-1)?.group).toMatchObject({ parts: '5' });
  });
});

describe('honest groups', () => {
  it.each<[string, (m: Machine) => void]>([
    ['an application of many programs, planted by its installer, at full load', (m) => {
      const setup = m.spawn(m.login('root'), '/opt/app/install', '/opt/app/install');
      for (const unit of ['app-web', 'app-job']) m.file(setup, 'create', `/etc/systemd/system/${unit}.service`);
      m.file(setup, 'create', '/etc/cron.d/app');
      const web = m.service('/opt/app/web', '/opt/app/web', { unit: 'app-web' }), job = m.service('/opt/app/job', '/opt/app/job', { unit: 'app-job' });
      const workers = [1, 2, 3, 4].map((i) => m.spawn(job, `/opt/app/worker${i}`));
      m.spawn(m.cron('/opt/app/clean'), '/opt/app/clean');
      m.load(10, [web, ...workers].map((pid) => ({ pid, percent: 90 })), 99);
    }],
    ['a build: compilers and tests of its own tree', (m) => {
      const runner = m.service('/usr/local/bin/ci-runner', '/usr/local/bin/ci-runner', { unit: 'runner' });
      const sh = m.spawn(runner, '/usr/bin/bash', 'bash -c make');
      const pids = ['/home/ci/build/tool', '/home/ci/build/gen', '/home/ci/build/test'].map((path) => m.spawn(sh, path));
      m.load(10, pids.map((pid) => ({ pid, percent: 100 })), 99);
    }],
    ['log shippers in /opt', (m) => {
      const pids = ['/opt/elastic/filebeat', '/opt/elastic/journalbeat', '/opt/elastic/auditbeat'].map((path) => m.service(path, path, { unit: path.slice(13) }));
      for (const pid of pids) m.connect(pid, '10.0.0.9', 5044);
      m.load(10, pids.map((pid) => ({ pid, percent: 40 })), 30);
    }],
    ['packages\' own daemons', (m) => {
      const pids = ['/usr/sbin/rsyslogd', '/usr/lib/systemd/systemd-journald', '/usr/sbin/cron', '/usr/sbin/logrotate'].map((path) => m.service(path, path, { unit: path.slice(10) }));
      m.load(10, pids.map((pid) => ({ pid, percent: 80 })), 99);
    }],
    ['scripts of root in cron', (m) => {
      for (const name of ['backup.sh', 'rotate.sh', 'report.py']) { const sh = m.cron(`/root/scripts/${name}`); const pid = m.spawn(sh, '/usr/bin/bash', `bash /root/scripts/${name}`); m.load(4, [{ pid, percent: 95 }], 50); m.end(pid); }
    }],
  ])('%s', (_name, play) => {
    const m = machine();
    play(m);
    expect(m.found.map(({ group }) => group)).toEqual([]);
  });
});

it('what has run for hours and starts programs is a supervisor, no part', () => {
  const m = machine();
  const agent = m.service('/opt/agent/agent', '/opt/agent/agent', { unit: 'agent' });
  m.wait(2 * 3_600_000);
  const parts = ['auditd-flush', 'klogd1', 'syslog-net'].map((name) => m.spawn(agent, `/var/tmp/.sys/${name}`));
  m.flow(parts[0]!, '198.51.100.7', 443, '{"id":1,"method":"mining.subscribe","params":[]}');
  const group = Object.entries(m.found.at(-1)?.group ?? {});
  const named = group.filter(([name]) => name.startsWith('part_')).map(([, text]) => text).join(' ');
  expect(named).toContain('/var/tmp/.sys/klogd1');
  expect(named).not.toContain('/opt/agent/agent');
  // It is named as who started them.
  expect(m.found.at(-1)?.group?.['launchers_en']).toContain('the service agent → /opt/agent/agent');
});
