import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../core/action.ts';
import { actionContract, crashContract, openResponse, type Response } from '../../../test/actions.ts';
import { lacks } from '../../../test/need.ts';
import { freePort } from '../../../test/port.ts';
import { settingActions, settingWorld } from '../../../test/scenes/change-setting.ts';
import { scene as nginxScene, plantNginx } from '../../../test/scenes/change-nginx.ts';

const folders: string[] = [];
const daemons: ChildProcess[] = [];
let dir: string, response: Response;
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'moat-service-')); chmodSync(made, 0o755); folders.push(made); return made; };
const plant = (name: string, text: string): string => { const at = join(dir, name); mkdirSync(dirname(at), { recursive: true }); writeFileSync(at, text); return at; };
const run = (input: object, force = false): Promise<Receipt> => response.runner.run({ action: 'change-setting', input, by: 'operator:test', why: '', via: 'test', force });
const undo = (id: string): Promise<Receipt> => response.runner.undo(id, { by: 'operator:test', via: 'test', why: '' });
const until = async (what: () => boolean | Promise<boolean>): Promise<void> => { for (let i = 0; i < 1500; i++, await sleep(20)) if (await what()) return; throw new Error('it did not come true in time'); };
const read = (path: string): string => readFileSync(path, 'utf8');

async function start(program: string, args: readonly string[], isUp: () => boolean | Promise<boolean>): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: 'ignore' });
  daemons.push(child);
  await until(async () => child.exitCode !== null || await isUp());
  if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
  return child;
}

/** What a socket or port answers to this, until it closes or `enough` fits. */
const say = (at: { path: string } | { port: number }, text: string, enough: RegExp): Promise<string> => new Promise((resolve) => {
  const socket = connect('path' in at ? at : { ...at, host: '127.0.0.1' });
  let said = '';
  const end = (): void => { socket.destroy(); resolve(said); };
  socket.on('connect', () => socket.write(text)).on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); if (enough.test(said)) end(); }).on('error', end).on('close', end);
});
const get = (port: number, path = '/'): Promise<string> => say({ port }, `GET ${path} HTTP/1.0\r\nHost: example.test\r\n\r\n`, /$^/);

afterAll(() => { for (const one of folders) rmSync(one, { recursive: true, force: true }); });
beforeEach(() => {
  dir = folder();
  response = openResponse(join(dir, 'store'), () => settingActions(settingWorld(dir)));
});
afterEach(async () => {
  await response.close();
  for (const child of daemons.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nginx', '/usr/bin/unshare'] }))('change-setting of nginx', () => {
  describe('contract', () => actionContract(() => nginxScene(folder())));
  describe('kill -9', () => crashContract({ module: join(import.meta.dirname, '../../../test/scenes/change-nginx.ts'), argument: folder(), open: nginxScene, cuts: 6 }));

  describe('running', () => {
    let port: number, config: string;
    beforeEach(async () => {
      port = await freePort();
      config = plantNginx(dir, port);
      await start('/usr/sbin/nginx', ['-c', config, '-p', dir, '-g', 'daemon off;'], () => existsSync(join(dir, 'nginx.pid')));
      await until(async () => (await get(port)).includes('HTTP/1.1'));
    });

    it('sets what holds for all, in the line that decides, and every connection after it sees it', async () => {
      expect(await get(port)).toMatch(/Server: nginx\/\d/);
      const { id, steps } = await run({ kind: 'nginx', config, key: 'server_tokens', value: 'off' });
      // A worker of before may take one more connection.
      await until(async () => (await get(port)).includes('Server: nginx\r\n'));
      expect(read(config)).toContain('  server_tokens off; # shown\n');
      expect(steps.map(({ text }) => text.en).join('\n')).toContain(`127.0.0.1:${port}`);
      await undo(id);
      await until(async () => /Server: nginx\/\d/.test(await get(port)));
      expect(read(config)).toContain('  server_tokens on; # shown\n');
    });

    it('one line in a file that is included, and a whole location', async () => {
      mkdirSync(join(dir, 'www/files'), { recursive: true });
      writeFileSync(join(dir, 'www/files/a.txt'), 'x');
      const site = join(dir, 'sites/one.conf'), before = read(site);
      expect(await get(port, '/files/')).toContain('a.txt');
      const first = await run({ kind: 'nginx', config, key: 'autoindex', value: 'off', at: `${site}:5` });
      await until(async () => (await get(port, '/files/')).includes('403'));
      const second = await run({ kind: 'nginx', config, key: 'location', value: 'off', at: '/door' });
      await until(async () => (await get(port, '/door')).includes('404'));
      expect(read(site)).toContain('#moat#   location /door {\n');
      // Others wrote below it meanwhile: only ours goes back.
      writeFileSync(site, `${read(site)}# more\n`);
      await undo(second.id);
      await until(async () => (await get(port, '/door')).includes('invented'));
      await undo(first.id);
      expect(read(site)).toBe(`${before}# more\n`);
    });

    it('is not written when nginx does not take it, and comes back when it does not read it', async () => {
      const before = read(config);
      writeFileSync(join(dir, 'sites/two.conf'), 'server { listen 127.0.0.1:99999; }\n');
      await expect(run({ kind: 'nginx', config, key: 'server_tokens', value: 'off' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('two.conf') as string });
      rmSync(join(dir, 'sites/two.conf'));
      expect(read(config)).toBe(before);
      // Fine to read, but its port is another's: nginx keeps what it had.
      const taken = await freePort();
      const other = createServer().listen(taken, '127.0.0.1');
      await once(other, 'listening');
      writeFileSync(join(dir, 'sites/three.conf'), `server { listen 127.0.0.1:${taken}; }\n`);
      response = await withPatience(400);
      await expect(run({ kind: 'nginx', config, key: 'server_tokens', value: 'off' })).rejects.toMatchObject({ code: 'failed' });
      expect([read(config), (await get(port)).includes('HTTP/1.1')]).toEqual([before, true]);
      other.close();
    });

    it('refuses what shares its line, is not there, or is so already', async () => {
      const site = join(dir, 'sites/one.conf');
      await expect(run({ kind: 'nginx', config, key: 'server_tokens', value: 'on' })).rejects.toMatchObject({ code: 'not-there' });
      for (const at of ['/none', `${site}:2`, 'x']) await expect(run({ kind: 'nginx', config, key: 'location', value: 'off', at })).rejects.toMatchObject({ code: 'not-there' });
      writeFileSync(join(dir, 'sites/two.conf'), 'server { listen 127.0.0.1:1; location /a { return 204; } }\n');
      await expect(run({ kind: 'nginx', config, key: 'location', value: 'off', at: '/a' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('shares its line') as string });
      for (const more of [{ key: 'server_tokens', value: 'off; include /etc/passwd' }, { key: 'server_tokens', value: 'off\nx' }, { key: 'load_module', value: 'x' }, { key: 'autoindex', value: 7 }, { key: 'location', value: 'off', at: 7 }]) await expect(run({ kind: 'nginx', config, ...more })).rejects.toMatchObject({ code: 'bad-input' });
    });
  });
});

async function withPatience(settleMs: number): Promise<Response> {
  await response.close();
  return openResponse(join(dir, 'store'), () => settingActions({ ...settingWorld(dir), settleMs }));
}

describe.skipIf(lacks({ root: true, files: ['/usr/bin/redis-server', '/usr/bin/unshare'] }))('change-setting of Redis', () => {
  let port: number, config: string;
  const secret = 'Invented-Long-Pass-0123456789';
  const ping = (password?: string): Promise<string> => say({ port }, `${password === undefined ? '' : `AUTH ${password}\r\n`}PING\r\n`, password === undefined ? /\r\n/ : /\r\n[^]*\r\n/);
  beforeEach(async () => {
    port = await freePort();
    config = plant('redis.conf', `# of a test\nport ${port}\nbind 127.0.0.1\nprotected-mode no\npidfile ${dir}/redis.pid\ndir ${dir}\nsave ""\n`);
    await start('/usr/bin/redis-server', [config], async () => existsSync(join(dir, 'redis.pid')) && (await ping()).includes('PONG'));
  });

  it('gives it a password at once and for the next start, shows it to nobody, and takes it away again', async () => {
    const before = read(config);
    const receipt = await run({ kind: 'redis', config, key: 'requirepass', value: secret, confirm_within: 60 });
    expect([await ping(), await ping(secret)]).toEqual([expect.stringContaining('NOAUTH'), '+OK\r\n+PONG\r\n']);
    expect(receipt.until).toBeGreaterThan(0);
    expect(read(config)).toBe(`${before}requirepass ${secret}\n`);
    expect(JSON.stringify([receipt.title, receipt.steps, receipt.target, receipt.verdict])).not.toContain(secret);
    // Another one, told by the password that holds now.
    const next = await run({ kind: 'redis', config, key: 'requirepass', value: `${secret}x` });
    expect(await ping(`${secret}x`)).toContain('PONG');
    await undo(next.id);
    expect(await ping(secret)).toContain('PONG');
    await undo(receipt.id);
    expect([await ping(), read(config)]).toEqual(['+PONG\r\n', before]);
  });

  it('shuts it to other machines', async () => {
    const { id } = await run({ kind: 'redis', config, key: 'protected-mode', value: 'yes', confirm_within: 0 });
    expect(await say({ port }, 'CONFIG GET protected-mode\r\n', /yes|no/)).toContain('yes');
    await undo(id);
    expect(await say({ port }, 'CONFIG GET protected-mode\r\n', /yes|no/)).toMatch(/\r\nno/);
  });

  it('refuses what it would not start with, what is no password, and what only a restart takes in', async () => {
    const before = read(config);
    writeFileSync(config, `${before}maxmemory-policy invented\n`);
    await expect(run({ kind: 'redis', config, key: 'protected-mode', value: 'yes' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('does not take') as string });
    writeFileSync(config, before);
    for (const value of ['short', 'with blank in the middle', `${secret}"`, `${secret}\nslaveof x 1`]) {
      const fault = await run({ kind: 'redis', config, key: 'requirepass', value }).then(() => undefined, (error: Error & { code?: string }) => error);
      expect([fault?.code, fault?.message.includes(value)]).toEqual(['bad-input', false]);
    }
    await expect(run({ kind: 'redis', config, key: 'enable-debug-command', value: 'no' })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    await expect(run({ kind: 'redis', config, key: 'protected-mode', value: 'no' })).rejects.toMatchObject({ code: 'not-there' });
  });

  it('is not tried with the rights of root when somebody else may write to it, nor by a program that somebody else put there', async () => {
    const before = read(config), only = plant('secret.conf', 'maxclients 100\n');
    chmodSync(only, 0o600);
    writeFileSync(config, `${before}include ${only}\n`);
    chownSync(config, 4711, 4711);
    await expect(run({ kind: 'redis', config, key: 'protected-mode', value: 'yes' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('does not take') as string });
    chmodSync(only, 0o644);
    expect((await run({ kind: 'redis', config, key: 'protected-mode', value: 'yes', confirm_within: 0 })).status).toBe('applied');
    // A pid file that names a program of somebody's own: nothing of it is run, or taken for the service.
    const own = join(dir, 'redis-server');
    copyFileSync('/bin/sleep', own);
    chmodSync(own, 0o755);
    const child = await start(own, ['300'], () => true);
    writeFileSync(join(dir, 'redis.pid'), `${child.pid}\n`);
    const { plan: { steps } } = await response.runner.plan('change-setting', { kind: 'redis', config, key: 'protected-mode', value: 'no' });
    expect(steps.map(({ text }) => text.en).join('\n')).toContain('does not run');
  });

  it('goes back by itself when it no longer answers anybody', async () => {
    const before = read(config);
    response = await withPatience(400);
    // An address that this machine does not have.
    await expect(run({ kind: 'redis', config, key: 'bind', value: '203.0.113.7' })).rejects.toMatchObject({ code: 'failed' });
    expect([read(config), await ping()]).toEqual([before, '+PONG\r\n']);
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/php-fpm8.2', '/usr/bin/unshare'] }))('change-setting of PHP', () => {
  let config: string;
  beforeEach(async () => {
    const socket = join(dir, 'php.sock');
    plant('php-fpm.conf', `[global]\npid = ${dir}/fpm.pid\nerror_log = ${dir}/fpm.log\ninclude=${dir}/pool.d/*.conf\n`);
    plant('pool.d/www.conf', `[www]\nuser = www-data\ngroup = www-data\nlisten = ${socket}\npm = static\npm.max_children = 1\n`);
    config = plant('php.ini', '[PHP]\nexpose_php = On\nauto_prepend_file = /tmp/invented.php\n; disable_functions =\n[HOST=example.test]\nexpose_php = Off\n');
    await start('/usr/sbin/php-fpm8.2', ['-F', '-y', join(dir, 'php-fpm.conf'), '-c', config], () => existsSync(socket) && existsSync(join(dir, 'fpm.pid')));
  });
  const worker = (): string => execFileSync('pgrep', ['-P', read(join(dir, 'fpm.pid')).trim()]).toString();

  it('takes a file out that every page would run, forbids functions, and new workers have it', async () => {
    const before = read(config), old = worker();
    const first = await run({ kind: 'php', config, key: 'auto_prepend_file', value: '' });
    await until(() => worker() !== old);
    const second = await run({ kind: 'php', config, key: 'disable_functions', value: 'exec,system,passthru' });
    expect(read(config)).toBe('[PHP]\nexpose_php = On\nauto_prepend_file = ""\n; disable_functions =\ndisable_functions = "exec,system,passthru"\n[HOST=example.test]\nexpose_php = Off\n');
    // As PHP itself reads it.
    expect(execFileSync('/usr/sbin/php-fpm8.2', ['-c', config, '-i']).toString()).toMatch(/disable_functions.*exec,system,passthru/);
    await undo(second.id);
    await undo(first.id);
    expect(read(config)).toBe(before);
  });

  it('for one pool alone', async () => {
    const pool = join(dir, 'pool.d/www.conf'), before = read(pool);
    const { id } = await run({ kind: 'php', config: pool, key: 'allow_url_include', value: 'off' });
    expect(read(pool)).toBe(`${before}php_admin_flag[allow_url_include] = off\n`);
    await undo(id);
    expect(read(pool)).toBe(before);
  });

  it('refuses what its own check does not take, and tells what says otherwise', async () => {
    plant('conf.d/20-more.ini', 'expose_php = On\n');
    const { plan: { steps } } = await response.runner.plan('change-setting', { kind: 'php', config, key: 'expose_php', value: 'Off' });
    expect(steps.map(({ text }) => text.en).join('\n')).toContain('conf.d/20-more.ini says expose_php = On');
    writeFileSync(config, `${read(config)}[broken\n=(\n`);
    await expect(run({ kind: 'php', config, key: 'expose_php', value: 'Off' })).rejects.toMatchObject({ code: 'refused' });
    for (const more of [{ key: 'extension', value: 'x' }, { key: 'auto_prepend_file', value: '/x"\ny' }, { key: 'open_basedir', value: '/a;/b' }]) await expect(run({ kind: 'php', config, ...more })).rejects.toMatchObject({ code: 'bad-input' });
  });
});

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/mariadbd', '/usr/bin/mariadb-install-db', '/usr/bin/mysql', '/usr/bin/unshare'] }))('change-setting of MySQL', () => {
  it('tells the running one what it takes, writes what holds, and leaves alone what needs a restart', async () => {
    const socket = join(dir, 'sock'), pidFile = join(dir, 'mysqld.pid'), data = join(dir, 'db');
    const config = plant('my.cnf', `[client]\nport = 1\n!includedir ${dir}/conf.d\n`);
    const server = plant('conf.d/50-server.cnf', `[mysqld]\nuser = root\nskip-networking\nsocket = ${socket}\npid-file = ${pidFile}\ndatadir = ${data}\ninnodb_buffer_pool_size = 8M\ninnodb_log_file_size = 4M\nlocal-infile = 1 # open\n`);
    execFileSync('/usr/bin/mariadb-install-db', ['--no-defaults', '--user=root', `--datadir=${data}`, '--skip-test-db', '--innodb-log-file-size=4M'], { stdio: 'ignore' });
    const ask = (text: string): string => execFileSync('/usr/bin/mysql', ['--no-defaults', `--socket=${socket}`, '-uroot', '-N', '-e', text]).toString().trim();
    await start('/usr/sbin/mariadbd', [`--defaults-file=${config}`], () => existsSync(socket) && existsSync(pidFile));
    const before = read(server);
    const { id, steps } = await run({ kind: 'mysql', config, key: 'local-infile', value: '0' });
    expect([ask('SELECT @@GLOBAL.local_infile'), read(server)]).toEqual(['0', before.replace('local-infile = 1 # open', 'local-infile = 0')]);
    expect(steps.map(({ text }) => text.en).join('\n')).toContain(socket);
    await undo(id);
    expect([ask('SELECT @@GLOBAL.local_infile'), read(server)]).toEqual(['1', before]);
    await expect(run({ kind: 'mysql', config, key: 'secure_file_priv', value: dir })).rejects.toMatchObject({ code: 'refused', hint: '--force' });
    // Under no unit: it cannot be restarted, so all is as before.
    await expect(run({ kind: 'mysql', config, key: 'secure_file_priv', value: dir }, true)).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('by hand') as string });
    expect(read(server)).toBe(before);
    writeFileSync(server, `${before}invented_variable = 1\n`);
    await expect(run({ kind: 'mysql', config, key: 'local_infile', value: '0' })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('invented_variable') as string });
    for (const value of ['2', "0; DROP TABLE x", 0]) await expect(run({ kind: 'mysql', config, key: 'local_infile', value })).rejects.toMatchObject({ code: 'bad-input' });
  });
});
