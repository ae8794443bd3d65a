/**
 * An ordinary day of a server, played in a few minutes with the real programs while the whole of `moat up` watches
 * through the kernel sensor: it must end without an alert of level high or above and with fewer than five in all.
 * Runs by itself: other tests attack this machine, and the kernel sensor sees all of it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import { moatBin } from '../live/moat.ts';
import { sshdNeeds, startSshd } from '../live/sshd.ts';
import { lacks } from '../need.ts';
import { freePort } from '../port.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const big = { maxBuffer: 64 * 2 ** 20 };

interface Alert { id: string; level: string; rule_id: string; summary: string; pid?: number; count: number; time: string; path?: string }

describe.skipIf(lacks(sshdNeeds) || await lacksKernel())('an ordinary day', { timeout: 300_000 }, () => {
  let folder: string;
  let watch: Watch;
  let before: Set<string>;
  const daemons: ChildProcess[] = [];
  let cron: ChildProcess | undefined;
  const at = (...names: string[]): string => join(folder, ...names);
  const run = async (file: string, args: readonly string[] = [], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<string> => (await execute(file, args, { ...big, ...options })).stdout;
  const daemon = (file: string, args: readonly string[]): ChildProcess => {
    const child = spawn(file, args, { stdio: 'ignore' });
    daemons.push(child);
    return child;
  };
  /** Said and left out where the program is not installed. */
  const needs = (...files: string[]): boolean => !lacks({ files, why: 'a part of the ordinary day' });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'moat-day-'));
    watch = await startWatch({ metrics: true });
    await sleep(3000);
    before = new Set((await alerts()).map(({ id }) => id));
  });
  afterAll(async () => {
    // unshare takes no SIGTERM; without it its cron ends.
    cron?.kill('SIGKILL');
    for (const child of daemons) await end(child);
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const alerts = async (): Promise<Alert[]> => (await run(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), 'alerts', '--json'])).split('\n').filter(Boolean).map((line) => JSON.parse(line) as Alert);

  it('cron runs its jobs all the while', async () => {
    if (!needs('/usr/sbin/cron')) return;
    // In a mount namespace of its own: this machine's tables are not touched.
    mkdirSync(at('cron/spool/crontabs'), { recursive: true });
    mkdirSync(at('cron/cron.d'));
    writeFileSync(at('cron/cron.d/day'), `* * * * * root cd / && /usr/bin/find ${folder} -maxdepth 1 -name '*.tmp' -delete\n* * * * * root /bin/date >> ${at('cron/date.log')}\n`, { mode: 0o644 });
    writeFileSync(at('cron/crontab'), 'SHELL=/bin/sh\n');
    cron = daemon('/usr/bin/unshare', ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', 'mount --bind "$1/cron.d" /etc/cron.d && mount --bind "$1/crontab" /etc/crontab && mount --bind "$1/spool" /var/spool/cron && mount -t tmpfs tmpfs /run && exec /usr/sbin/cron -f', 'sh', at('cron')]);
    await sleep(500);
  });

  it('packages are installed and upgraded', async () => {
    await run('/usr/bin/apt-get', ['install', '-y', '-q', '--reinstall', '--no-install-recommends', 'tzdata', 'libbpf1'], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    await run('/usr/bin/dpkg', ['--verify', 'tzdata']);
  });

  it('a project is installed, built and compiled', async () => {
    for (const name of ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tools', 'src', 'schema', 'rules']) cpSync(join(root, name), at('project', name), { recursive: true });
    await run('npm', ['ci', '--no-audit'], { cwd: at('project') });
    await run(process.execPath, ['tools/build.mjs'], { cwd: at('project') });
    if (!needs('/usr/bin/gcc')) return;
    for (let i = 0; i < 20; i++) writeFileSync(at(`part${i}.c`), `int part${i}(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * ${i}; return s; }\n`);
    writeFileSync(at('main.c'), `${Array.from({ length: 20 }, (_, i) => `int part${i}(int);`).join('\n')}\nint main(void) { return part3(4) == 18 ? 0 : 1; }\n`);
    for (let i = 0; i < 20; i++) await run('/usr/bin/gcc', ['-O2', '-c', at(`part${i}.c`), '-o', at(`part${i}.o`)]);
    await run('/usr/bin/gcc', ['-o', at('program'), at('main.c'), ...Array.from({ length: 20 }, (_, i) => at(`part${i}.o`))]);
    await run(at('program'));
    await run('/usr/bin/git', ['clone', '-q', '--no-hardlinks', root, at('clone')]);
  });

  it('a site answers under load', async () => {
    const port = await freePort();
    const fpm = '/usr/sbin/php-fpm8.2';
    mkdirSync(at('www/cache'), { recursive: true, mode: 0o777 });
    writeFileSync(at('www/index.php'), '<?php $n = (int)($_GET["n"] ?? 0); file_put_contents(__DIR__ . "/cache/" . ($n % 50) . ".json", json_encode(["n" => $n])); echo "page ", $n, "\\n";');
    writeFileSync(at('www/about.html'), '<p>about</p>');
    const php = needs(fpm);
    if (php) {
      writeFileSync(at('fpm.conf'), `[global]\nerror_log = ${at('fpm.log')}\ndaemonize = no\n[www]\nuser = www-data\ngroup = www-data\nlisten = ${at('fpm.sock')}\nlisten.mode = 0666\npm = static\npm.max_children = 3\n`);
      await run('/bin/chown', ['-R', 'www-data', at('www')]);
      await run('/bin/chmod', ['755', folder]);
      daemon(fpm, ['-y', at('fpm.conf'), '-F']);
    }
    writeFileSync(at('nginx.conf'), `daemon off; pid ${at('nginx.pid')}; error_log ${at('error.log')}; user www-data; events {} http { access_log ${at('access.log')}; client_body_temp_path ${at('body')}; proxy_temp_path ${at('proxy')}; fastcgi_temp_path ${at('fcgi')}; uwsgi_temp_path ${at('uwsgi')}; scgi_temp_path ${at('scgi')}; server { listen 127.0.0.1:${port}; root ${at('www')}; location ~ \\.php$ { fastcgi_pass unix:${at('fpm.sock')}; include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; } } }`);
    daemon('/usr/sbin/nginx', ['-c', at('nginx.conf')]);
    await answers(`http://127.0.0.1:${port}/about.html`);
    for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 20 }, (_, j) => fetch(`http://127.0.0.1:${port}/${php && j % 2 ? `index.php?n=${i * 20 + j}` : 'about.html'}`).then((answer) => answer.text())));
  });

  it('databases work and are dumped', async () => {
    if (needs('/usr/sbin/mariadbd', '/usr/bin/mariadb-install-db', '/usr/bin/mariadb-dump')) {
      const sock = at('maria.sock');
      await run('/usr/bin/mariadb-install-db', ['--no-defaults', '--user=root', `--datadir=${at('maria')}`, '--auth-root-authentication-method=normal']);
      daemon('/usr/sbin/mariadbd', ['--no-defaults', '--user=root', `--datadir=${at('maria')}`, `--socket=${sock}`, '--skip-networking', `--pid-file=${at('maria.pid')}`]);
      for (let i = 0; i < 100 && !existsSync(sock); i++) await sleep(200);
      const sql = ['CREATE DATABASE shop', 'CREATE TABLE shop.goods (id INT PRIMARY KEY, name TEXT)', ...Array.from({ length: 2000 }, (_, i) => `INSERT INTO shop.goods VALUES (${i}, 'thing ${i}')`)].join(';\n');
      writeFileSync(at('shop.sql'), sql);
      await run('/bin/sh', ['-c', 'mariadb --no-defaults -u root --socket="$1" < "$2" && mariadb-dump --no-defaults -u root --socket="$1" shop | gzip > "$3"', 'sh', sock, at('shop.sql'), at('shop.sql.gz')]);
    }
    const bin = '/usr/lib/postgresql/15/bin';
    if (needs(`${bin}/initdb`, `${bin}/pgbench`)) {
      mkdirSync(at('pg'), { mode: 0o755 });
      await run('/bin/chmod', ['755', folder]);
      await run('/bin/chown', ['postgres', at('pg')]);
      const as = (...args: string[]): Promise<string> => run('/sbin/runuser', ['-u', 'postgres', '--', ...args]);
      await as(`${bin}/initdb`, '-D', at('pg/data'), '-A', 'trust');
      daemon('/sbin/runuser', ['-u', 'postgres', '--', `${bin}/postgres`, '-D', at('pg/data'), '-k', at('pg'), '-c', 'listen_addresses=']);
      for (let i = 0; i < 100 && !existsSync(at('pg/.s.PGSQL.5432')); i++) await sleep(200);
      await sleep(500);
      await as(`${bin}/pgbench`, '-h', at('pg'), '-i', '-s', '2', 'postgres');
      await as(`${bin}/pgbench`, '-h', at('pg'), '-c', '4', '-T', '2', 'postgres');
      await as(`${bin}/pg_dump`, '-h', at('pg'), '-f', at('pg/dump.sql'), 'postgres');
    }
    if (needs('/usr/bin/redis-server', '/usr/bin/redis-cli')) {
      const port = String(await freePort());
      daemon('/usr/bin/redis-server', ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '1 1']);
      await sleep(1000);
      for (let i = 0; i < 30; i++) await run('/usr/bin/redis-cli', ['-p', port, 'set', `key${i}`, 'value']);
      await run('/usr/bin/redis-cli', ['-p', port, 'bgsave']);
    }
  });

  it('people work over ssh', async () => {
    const sshd = await startSshd();
    try {
      for (let i = 0; i < 4; i++) expect(await sshd.login(sshd.user, sshd.password)).toBe(true);
      const ssh = (command: string): Promise<string> => run('/usr/bin/sshpass', ['-e', 'ssh', '-p', String(sshd.port), '-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', `${sshd.user}@127.0.0.1`, command], { env: { ...process.env, SSHPASS: sshd.password } });
      await ssh('uptime; df -h; ps aux | head -5; ls -la /var/log; tail -n 3 /etc/hosts; free -m; id');
      await ssh('cd /tmp && mkdir -p harbour-notes && echo note > harbour-notes/today.txt && cat harbour-notes/today.txt && rm -r harbour-notes');
    } finally { await sshd.stop(); }
  });

  it('logs are rotated and backups are taken while the machine is at full load', async () => {
    const full = needs('/usr/bin/stress-ng') ? run('/usr/bin/stress-ng', ['--cpu', '2', '--timeout', '15s', '--quiet']) : undefined;
    copyFileSync('/etc/services', at('app.log'));
    writeFileSync(at('logrotate.conf'), `${at('app.log')} {\n  rotate 3\n  size 1\n  compress\n  create\n}\n`, { mode: 0o644 });
    for (let i = 0; i < 3; i++) {
      await run('/usr/sbin/logrotate', ['-f', '-s', at('logrotate.state'), at('logrotate.conf')]);
      copyFileSync('/etc/services', at('app.log'));
    }
    await run('/bin/tar', ['czf', at('doc.tar.gz'), '-C', '/usr/share', 'doc']);
    if (needs('/usr/bin/rsync')) await run('/usr/bin/rsync', ['-a', '--delete', '/usr/share/doc/', at('mirror/')]);
    if (needs('/usr/bin/zstd')) await run('/usr/bin/zstd', ['-q', '-12', '-T0', at('doc.tar.gz'), '-o', at('doc.tar.gz.zst')]);
    await full;
  });

  it('ends without an alert of level high, and with fewer than five in all', async () => {
    // Cron begins its jobs with the minute: one of them at least belongs to the day.
    for (let i = 0; i < 650 && existsSync(at('cron')) && !existsSync(at('cron/date.log')); i++) await sleep(100);
    if (existsSync(at('cron'))) expect(existsSync(at('cron/date.log'))).toBe(true);
    await sleep(2000);
    const raised = (await alerts()).filter(({ id }) => !before.has(id));
    const ours: Alert[] = [];
    for (const alert of raised) if (await isOurs(alert)) ours.push(alert);
    const told = ours.map(({ level, rule_id, summary, count }) => `${level} ${rule_id} ×${count}: ${summary}`);
    expect(told.filter((text) => /^(high|critical) /.test(text))).toEqual([]);
    expect(told.length, told.join('\n')).toBeLessThan(5);
  });

  /** Whether what it is about descends from this test: what else the machine does meanwhile is not the day's. */
  const isOurs = async ({ pid }: Alert): Promise<boolean> => {
    if (pid === undefined) return true;
    const story = await run(process.execPath, [moatBin, '--data', join(watch.folder, 'data'), 'origin', String(pid), '--json']).catch(() => '');
    return story === '' || story.includes(`"pid":${process.pid},`) || story.includes(`"pid":${process.pid}}`);
  };
});

async function answers(url: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await fetch(url).then((answer) => answer.ok, () => false)) return;
    await sleep(100);
  }
  throw new Error(`nothing answers at ${url}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
  child.kill('SIGTERM');
  await Promise.race([gone, sleep(10_000).then(() => child.kill('SIGKILL'))]);
}
