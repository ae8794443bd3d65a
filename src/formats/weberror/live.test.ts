import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeAll } from '../../../test/decode.ts';
import { lacks } from '../../../test/need.ts';
import { freePort } from '../../../test/port.ts';
import type { Event } from '../../core/gen/event.ts';
import { apache } from '../apache/format.ts';
import { nginx } from '../nginx/format.ts';
import { weberror } from './format.ts';

const folder = mkdtempSync(join(tmpdir(), 'moat-web-'));
chmodSync(folder, 0o755); // Apache's worker is www-data
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'www'));
writeFileSync(join(folder, 'www/index.html'), 'hello');
// alice: the password is "right", hashed by plain SHA-1, which both servers know.
writeFileSync(join(folder, 'users'), 'alice:{SHA}Qk7eVsVHFZ/W4BNCfRrrGtgcRpw=\n');

const nginxConf = (port: number) => `
daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx-error.log info; worker_processes 1; user root;
events { worker_connections 64; }
http { access_log ${folder}/nginx-access.log combined; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
server { listen 127.0.0.1:${port}; root ${folder}/www; location /private { auth_basic "x"; auth_basic_user_file ${folder}/users; } location /no { deny all; } } }`;

const apacheConf = (port: number) => `
ServerRoot /usr/lib/apache2
${['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_basic', 'dir'].map((name) => `LoadModule ${name}_module modules/mod_${name}.so`).join('\n')}
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
Mutex file:${folder} default
ServerName localhost
User www-data
Group www-data
DocumentRoot ${folder}/www
ErrorLog ${folder}/apache-error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog ${folder}/apache-access.log combined
<Directory ${folder}/www>
Require all granted
</Directory>
<Location /private>
AuthType Basic
AuthName x
AuthUserFile ${folder}/users
Require valid-user
</Location>
<Location /no>
Require all denied
</Location>`;

/** Sends bytes, waits until the server closes. */
function send(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
    socket.on('error', reject);
    socket.setTimeout(5000, () => socket.destroy());
  });
}

const get = (path: string, more = '') => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n${more}\r\n`, 'latin1');
const credentials = (user: string) => `Authorization: Basic ${Buffer.from(`${user}:wrong`).toString('base64')}\r\n`;
const forged = 'a" was not found in "/x", client: 198.51.100.66, server: y, request: "GET / HTTP';

/** Runs the server, plays the requests, stops it; returns nothing, the logs stand in the folder. */
async function play(command: string, args: string[], port: number): Promise<void> {
  const server = spawn(command, args, { stdio: 'ignore' });
  try {
    await reachable(server, port);
    await send(port, get("/?id=1%27%20or%201=1", 'User-Agent: a"b\\c \xe4\xb8\xad\r\nReferer: x", client: 198.51.100.66, server: y\r\n'));
    await send(port, get('/private', credentials('alice')));
    await send(port, get('/private', credentials(forged)));
    await send(port, get('/private'));
    await send(port, get('/no'));
    await send(port, Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 13, 10, 13, 10]));
    await send(port, Buffer.from('QUIT "x" - - [22/Nov/2020:00:00:00 +0000]\r\n\r\n'));
  } finally {
    const ended = new Promise((resolve) => { server.once('exit', resolve); });
    server.kill('SIGTERM');
    await ended;
  }
}

async function reachable(server: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await send(port, get('/'));
      return;
    } catch (error) {
      if (tries > 100 || server.exitCode !== null) throw error;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }
}

const linesOf = (name: string) => readFileSync(join(folder, name), 'utf8').split('\n').filter((line) => line !== '');
const brief = ({ action, outcome, user, source_ip, http_status }: Event) => ({ action, outcome, user, source_ip, http_status });
const port = await freePort();

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nginx'] }))('a real nginx', () => {
  it('writes what we read', async () => {
    writeFileSync(join(folder, 'nginx.conf'), nginxConf(port));
    await play('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf')], port);
    const access = decodeAll(nginx, linesOf('nginx-access.log'));
    expect(access.unparsed).toBe(0);
    const own = access.events.slice(-7);
    expect(own[0]).toMatchObject({ url_decoded: "/?id=1' or 1=1", http_user_agent: 'a"b\\c 中', http_referer: 'x", client: 198.51.100.66, server: y' });
    expect(own.map(brief)).toEqual([
      { action: 'request', outcome: 'success', source_ip: '127.0.0.1', http_status: 200 },
      { action: 'login', outcome: 'failure', user: 'alice', source_ip: '127.0.0.1', http_status: 401 },
      { action: 'login', outcome: 'failure', user: forged.slice(0, forged.indexOf(':')), source_ip: '127.0.0.1', http_status: 401 },
      { action: 'request', outcome: 'failure', source_ip: '127.0.0.1', http_status: 401 },
      { action: 'request', outcome: 'failure', source_ip: '127.0.0.1', http_status: 403 },
      { action: 'malformed-request', outcome: 'failure', source_ip: '127.0.0.1', http_status: 400 },
      { action: 'malformed-request', outcome: 'failure', source_ip: '127.0.0.1', http_status: 400 },
    ]);
    const errors = decodeAll(weberror, linesOf('nginx-error.log'));
    expect(errors.unparsed).toBe(0);
    expect(errors.events.every(({ source_ip }) => source_ip === undefined || source_ip === '127.0.0.1')).toBe(true);
    expect(errors.events.filter(({ outcome }) => outcome === 'failure').map(({ action, user }) => [action, user])).toEqual([
      ['login', 'alice'], ['login', forged.slice(0, forged.indexOf(':'))], ['denied', undefined], ['denied', undefined], ['malformed-request', undefined], ['malformed-request', undefined],
    ]);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/apache2'] }))('a real Apache', () => {
  it('writes what we read', async () => {
    writeFileSync(join(folder, 'apache.conf'), apacheConf(port + 1));
    await play('/usr/sbin/apache2', ['-X', '-f', join(folder, 'apache.conf')], port + 1);
    const access = decodeAll(apache, linesOf('apache-access.log'));
    expect(access.unparsed).toBe(0);
    const own = access.events.slice(-7);
    expect(own[0]).toMatchObject({ url_decoded: "/?id=1' or 1=1", http_user_agent: 'a"b\\c 中', http_referer: 'x", client: 198.51.100.66, server: y', source_ip: '127.0.0.1' });
    expect(own.map(({ action, http_status, user }) => [action, http_status, user]).slice(1, 5)).toEqual([
      ['login', 401, 'alice'], ['login', 401, forged.slice(0, forged.indexOf(':'))], ['request', 401, undefined], ['request', 403, undefined],
    ]);
    expect(own.slice(5).map(({ outcome, source_ip }) => [outcome, source_ip])).toEqual([['failure', '127.0.0.1'], ['failure', '127.0.0.1']]);
    const errors = decodeAll(weberror, linesOf('apache-error.log'));
    expect(errors.unparsed).toBe(0);
    expect(errors.events.filter(({ action }) => action === 'login' || action === 'denied').map(({ action, outcome, user, source_ip }) => ({ action, outcome, user, source_ip }))).toEqual([
      { action: 'login', outcome: 'failure', user: 'alice', source_ip: '127.0.0.1' },
      { action: 'login', outcome: 'failure', user: forged.slice(0, forged.indexOf(':')), source_ip: '127.0.0.1' },
      { action: 'denied', outcome: 'failure', user: undefined, source_ip: '127.0.0.1' },
    ]);
  });
});
