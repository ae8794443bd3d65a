import { describe, expect, it } from 'vitest';
import { debian, Stage } from '../../../test/stage.ts';
import { triad } from './behaviour.ts';

const stage = (settings: Record<string, boolean | number> = {}, planted: string[] = []): Stage => new Stage(triad, settings, { packages: debian(planted) });

function curl(s: Stage, parent: number, file: string, url = 'https://files.example/x', ip = '198.51.100.7'): number {
  const pid = s.spawn(parent, '/usr/bin/curl', `curl -so ${file} ${url}`);
  s.connect(pid, ip, 443);
  s.write(pid, file, 'create');
  s.end(pid);
  return pid;
}
const chmod = (s: Stage, parent: number, file: string): void => { s.write(s.spawn(parent, '/usr/bin/chmod', `chmod +x ${file}`), file, 'chmod', { mode: '0755' }); };

describe('a dropper in its first seconds', () => {
  it('from the web: told when the file is marked, before it runs', () => {
    const s = stage();
    const sh = s.spawn(s.phpWorker(), '/usr/bin/dash', 'sh -c curl …; chmod +x …; …');
    curl(s, sh, '/tmp/x');
    expect(s.levels()).toEqual([]);
    chmod(s, sh, '/tmp/x');
    expect(s.levels()).toEqual(['critical']);
    s.spawn(sh, '/tmp/x');
    expect(s.levels()).toEqual(['critical']);
    expect(s.found[0]).toMatchObject({ key: `${sh}:${s.node(sh).started}`, group: { peer: '198.51.100.7:443', file: '/tmp/x', origin_en: 'the web service php-fpm' } });
  });

  it.each([
    ['cron', '/tmp/x', 'https://files.example/x', ['high', 'critical']], ['cron', '/dev/shm/x', 'https://files.example/x', ['critical']], ['cron', '/usr/local/bin/x', 'https://files.example/x', ['medium']],
    ['cron', '/usr/local/bin/x', 'http://198.51.100.7/x', ['high']], ['login', '/tmp/x', 'https://files.example/x', ['low']], ['login', '/tmp/.x/y', 'http://198.51.100.7/x', ['high']], ['login', '/usr/local/bin/x', 'https://files.example/x', []],
    ['unknown', '/var/tmp/x', 'https://files.example/x', ['high', 'critical']],
  ] as const)('from %s that puts down and runs %s from %s', (from, file, url, levels) => {
    const s = stage();
    const top = s.spawn(from === 'cron' ? s.cronJob('x') : from === 'login' ? s.login() : s.seen(4000, 1, '/usr/bin/odd', 'odd'), '/usr/bin/bash', 'bash drop.sh');
    curl(s, top, file, url);
    chmod(s, top, file);
    s.spawn(top, file);
    expect(s.levels()).toEqual(levels);
  });

  it('that plants itself first and calls home then, by itself', () => {
    const s = stage();
    const agent = s.spawn(s.cronJob('x'), '/opt/.agent/agent');
    s.write(agent, '/etc/systemd/system/agent.service', 'create');
    expect(s.levels()).toEqual([]);
    s.connect(agent, '198.51.100.7', 443);
    expect(s.levels()).toEqual(['critical']);
  });

  it('in a database server and in a web server itself', () => {
    const s = stage();
    const redis = s.service('redis-server', '/usr/bin/redis-server');
    s.connect(redis, '198.51.100.7', 6379);
    s.rename(redis, '/var/spool/cron/temp-1.rdb', '/var/spool/cron/root');
    const worker = s.phpWorker();
    s.connect(worker, '198.51.100.7', 443);
    s.write(worker, '/var/www/.ssh/authorized_keys', 'create');
    s.write(worker, '/var/www/html/cache/a.php', 'create');
    expect(s.levels()).toEqual(['critical', 'critical']);
  });

  it('of a person that plants a key', () => {
    const s = stage();
    const bash = s.spawn(s.login(), '/usr/bin/bash', 'bash drop.sh');
    s.connect(s.spawn(bash, '/usr/bin/wget', 'wget -q https://files.example/k'), '198.51.100.7', 443);
    s.write(bash, '/root/.ssh/authorized_keys');
    expect(s.levels()).toEqual(['medium']);
    const other = s.spawn(s.login(), '/usr/bin/bash', 'bash drop.sh');
    s.connect(s.spawn(other, '/usr/bin/wget', 'wget -q http://198.51.100.7/k'), '198.51.100.7', 80);
    s.write(other, '/etc/cron.d/k', 'create');
    expect(s.levels()).toEqual(['medium', 'high']);
  });
});

it('legs that belong to different work, come too late or from an old tree are not joined', () => {
  const s = stage();
  const shell = s.login();
  curl(s, shell, '/home/wang/page.html');
  chmod(s, shell, '/tmp/own.sh');
  const job = s.cronJob('x');
  curl(s, job, '/srv/feed');
  s.later(130_000);
  chmod(s, job, '/tmp/x');
  const old = s.service('app', '/srv/app/app');
  s.connect(old, '198.51.100.7', 443);
  s.write(old, '/etc/cron.d/app', 'create');
  expect(s.levels()).toEqual([]);
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
  s.write(postinst, '/etc/systemd/system/x.service', 'create');
  s.connect(postinst, '203.0.113.80', 443);
  const npm = s.spawn(shell, '/usr/bin/node', 'npm ci');
  s.connect(npm, '203.0.113.80', 443);
  s.write(npm, '/home/wang/a/node_modules/x/cli.js', 'chmod', { mode: '0755' });
  const git = s.spawn(shell, '/usr/bin/git', 'git clone https://git.example/x');
  s.connect(s.spawn(git, '/usr/lib/git-core/git-remote-https', 'git-remote-https'), '203.0.113.80', 443);
  s.write(git, '/home/wang/x/run.sh', 'chmod', { mode: '0755' });
  const rsync = s.spawn(s.cronJob('rsync'), '/usr/bin/rsync', 'rsync -a backup.example::x /srv');
  s.connect(rsync, '203.0.113.80', 873);
  s.write(rsync, '/srv/bin/x', 'chmod', { mode: '0755' });
  s.write(rsync, '/etc/cron.d/x', 'create');
  const certbot = s.spawn(s.cronJob('certbot'), '/usr/bin/python3.11', '/usr/bin/python3 /usr/bin/certbot -q renew');
  s.connect(certbot, '203.0.113.80', 443);
  s.write(certbot, '/etc/cron.d/certbot');
  s.write(certbot, '/etc/letsencrypt/renewal-hooks/x', 'chmod', { mode: '0755' });
  const ansible = s.spawn(s.spawn(shell, '/usr/bin/dash', "/bin/sh -c 'python3 …'"), '/usr/bin/python3.11', '/usr/bin/python3 /home/wang/.ansible/tmp/x/AnsiballZ_get_url.py');
  s.connect(ansible, '203.0.113.80', 443);
  s.write(ansible, '/usr/local/bin/tool', 'create');
  s.write(ansible, '/usr/local/bin/tool', 'chmod', { mode: '0755' });
  const puppet = s.spawn(s.service('puppet', '/usr/bin/puppet'), '/usr/bin/puppet', 'puppet agent');
  s.connect(puppet, '203.0.113.80', 8140);
  s.write(puppet, '/etc/cron.d/x', 'create');
  const chrome = s.spawn(shell, '/usr/lib/chromium/chromium', 'chromium');
  s.connect(chrome, '203.0.113.80', 443);
  s.write(chrome, '/home/wang/.config/autostart/chromium.desktop', 'create');
  const cargo = s.spawn(shell, '/home/wang/.cargo/bin/cargo', 'cargo build');
  s.connect(cargo, '203.0.113.80', 443);
  s.write(s.spawn(cargo, '/usr/bin/gcc', 'gcc'), '/home/wang/x/target/release/x', 'chmod', { mode: '0755' });
  const assistant = s.service('aliyun', '/usr/local/share/aliyun-assist/aliyun-service');
  const script = s.spawn(assistant, '/usr/bin/bash', 'bash /usr/local/share/aliyun-assist/work/script/t-1.sh');
  curl(s, script, '/usr/local/bin/x');
  chmod(s, script, '/usr/local/bin/x');
  // Names and accounts are asked of the network by everybody, and a database stands on this machine.
  const job = s.cronJob('x');
  s.connect(job, '10.0.0.2', 53);
  s.connect(job, '127.0.0.1', 5432);
  s.write(job, '/etc/cron.d/x', 'create');
  expect(s.found.map((d) => [d.level, d.group?.['top'], d.group?.['file']])).toEqual([]);
});

it('the machine itself counts when asked for', () => {
  const s = stage({ local: true });
  const top = s.spawn(s.cronJob('x'), '/usr/bin/bash', 'bash drop.sh');
  curl(s, top, '/tmp/x', 'http://127.0.0.1:8000/x', '127.0.0.1');
  chmod(s, top, '/tmp/x');
  expect(s.levels()).toEqual(['critical']);
});
