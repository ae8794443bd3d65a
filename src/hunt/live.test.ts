/** The tables of the live state: what each makes of a machine that was planted, of this one, and of one that hides itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineFiles, processFiles } from '../../test/recorded-proc.ts';
import { bare, lacksSystemd, startSystemd } from '../../test/systemd.ts';
import { makeRoot, type Planted } from '../../test/throwaway-root.ts';
import { MoatError } from '../core/error.ts';
import type { Text } from '../core/text.ts';
import type { Run } from '../linux/run.ts';
import { tellingSpecials } from '../linux/tree.ts';
import { sampleAlert, sampleEvent } from '../stores/contract.ts';
import { views } from '../stores/sqlite/schema.ts';
import { openSqliteStore, type SqliteStore } from '../stores/sqlite/store.ts';
import { liveTables } from './catalogue.ts';
import { lookHere } from './live.ts';
import { querySqlite } from './query.ts';
import { storedTables } from './stored.ts';
import type { Known, KnownOrigin, Row, Told } from './table.ts';

const silent = (): Promise<Told> => { throw new MoatError('not-running', 'nobody is there', { zh: '没有人在' }); };

interface Seen { rows: readonly Row[]; notes: string[] }

/** One table over a root. */
async function read(name: string, { root, run, agent = silent }: { root: string; run?: Run; agent?: (what: Known) => Promise<Told> }): Promise<Seen> {
  const notes: string[] = [];
  const machine = lookHere(agent, root);
  const table = liveTables.find((one) => one.name === name)!;
  const blind = (what: string, { en }: Text): void => { notes.push(`${what}: ${en}`); };
  const rows = await table.read({ ...machine, ...(run && { run }), tree: tellingSpecials(machine.tree, blind), agent: async (what) => (await agent(what)).rows, blind, count: (what) => { notes.push(what); } });
  for (const row of rows) expect(Object.keys(table.columns)).toEqual(expect.arrayContaining(Object.keys(row)));
  return { rows, notes };
}
const planted = (name: string, files: Planted, agent?: (what: Known) => Promise<Told>): Promise<Seen> => read(name, { root: makeRoot(files), ...(agent && { agent }) });

it('is explained in both languages, under names that no stored view has', () => {
  const stored = new Set(Object.keys(views));
  for (const { name, title, blind, columns } of liveTables) {
    expect(stored.has(name), name).toBe(false);
    for (const { zh, en } of [title, blind, ...Object.values(columns).map(({ text }) => text)]) expect({ name, zh: /[\u4e00-\u9fff、]|^UID$/.test(zh), en: /^[\x20-\x7e…]+$/.test(en) }).toEqual({ name, zh: true, en: true });
    for (const column of Object.keys(columns)) expect(column).toMatch(/^[a-z_]+$/);
  }
  for (const { name, title, columns } of storedTables) for (const { zh, en } of [title, ...columns.map(({ text }) => text)]) expect({ name, zh: zh !== '', en: en !== '' }).toEqual({ name, zh: true, en: true });
});

describe('processes', () => {
  const files = { ...machineFiles, ...processFiles({ pid: 700, exe: '/opt/tool (deleted)', cmdline: 'tool --password hunter22 run', cgroup: `0::/docker/${'ab'.repeat(32)}\n` }) };

  it('tells what runs, and from the agent where it came from, by pid and start', async () => {
    const origin: KnownOrigin = { pid: 700, ticks: 70_000, kind: 'login', user: 'li', ip: '203.0.113.9', since: 5, package: 'tool', version: '1.2' };
    const { rows, notes } = await planted('processes', files, () => Promise.resolve({ rows: [origin, { ...origin, pid: 30, ticks: 1 }] }));
    expect(rows.map(({ pid }) => pid)).toEqual([1, 2, 30, 700]);
    expect(rows.at(-1)).toMatchObject({ pid: 700, ppid: 1, path: '/opt/tool', deleted: 1, cmdline: 'tool --password *** run', user: 'root', uid: 0, state: 'sleeping', cpu_ms: 100, started: 1_790_000_070_000, container_id: 'ab'.repeat(32), kernel: 0, origin: 'login', origin_user: 'li', origin_ip: '203.0.113.9', origin_since: 5, package: 'tool', package_version: '1.2' });
    // The same pid at another time is another process.
    expect(rows[2]).toMatchObject({ pid: 30, kernel: 1 });
    expect(rows[2]!['origin']).toBeUndefined();
    expect(notes).toEqual([]);
  });

  it('tells them without an agent too, and that origins are missing', async () => {
    const { rows, notes } = await planted('processes', files);
    expect([rows.length, notes]).toEqual([4, ['origin: nobody is there']]);
  });

  it('throws where /proc is not there', async () => {
    await expect(planted('processes', {})).rejects.toThrow('ENOENT');
  });
});

it('listeners and connections have the process that holds them', async () => {
  const row = (sl: number, local: string, remote: string, state: string, inode: number): string => `   ${sl}: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
  const files = {
    ...machineFiles, ...processFiles({ pid: 800, exe: '/usr/sbin/nginx', fds: { 3: 'socket:[11]', 4: 'socket:[12]', 5: 'socket:[13]' } }),
    '/proc/net/tcp': `  sl  local_address rem_address   st\n${row(0, '00000000:0050', '00000000:0000', '0A', 11)}${row(1, '0A00000A:0050', '097100CB:9C40', '01', 12)}${row(2, '0A00000A:9C41', '077100CB:0050', '02', 13)}${row(3, '0A00000A:9C42', '077100CB:0050', '01', 99)}`,
    '/proc/net/udp': `  sl  local_address rem_address   st\n${row(0, '00000000:0035', '00000000:0000', '07', 98)}`,
  };
  expect((await planted('listeners', files)).rows).toEqual([{ protocol: 'tcp', address: '0.0.0.0', port: 80, pid: 800, name: 'nginx', path: '/usr/sbin/nginx', uid: 0, user: 'root' }, { protocol: 'udp', address: '0.0.0.0', port: 53, uid: 0, user: 'root' }]);
  expect((await planted('connections', files)).rows.map(({ direction, state, local_ip, local_port, remote_ip, remote_port, pid }) => [direction, state, local_ip, local_port, remote_ip, remote_port, pid])).toEqual([
    ['inbound', 'established', '10.0.0.10', 80, '203.0.113.9', 40_000, 800], ['outbound', 'connecting', '10.0.0.10', 40_001, '203.0.113.7', 80, 800], ['outbound', 'established', '10.0.0.10', 40_002, '203.0.113.7', 80, undefined],
  ]);
  await expect(planted('connections', machineFiles)).rejects.toMatchObject({ code: 'blind' });
});

it('users have the state of their password and never its hash', async () => {
  const { rows } = await planted('users', {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nli:x:1000:1000:Li:/home/li:/bin/bash\nnew:x:1001:1001::/home/new:/bin/sh\nwww:x:33:33::/var/www:/usr/sbin/nologin\nold::1002:1002::/home/old:/bin/sh\n', '/etc/group': 'sudo:x:27:li,new\ndocker:x:99:li\n',
    '/etc/shadow': 'root:$6$salt$secrethash:19000:0:99999:7:::\nli:!:19001:0:99999:7:::\nnew::19002:0:99999:7:::\n',
  });
  expect(rows.map(({ name, can_log_on, groups, password }) => [name, can_log_on, groups, password])).toEqual([['root', 1, '', 'set'], ['li', 1, 'sudo,docker', 'locked'], ['new', 1, 'sudo', 'empty'], ['www', 0, '', undefined], ['old', 1, '', 'empty']]);
  expect(rows[0]!['password_changed']).toBe(19_000 * 86_400_000);
  expect(JSON.stringify(rows)).not.toContain('secrethash');
  await expect(planted('users', { '/etc/passwd': '->/nowhere' })).rejects.toMatchObject({ code: 'blind' });
});

it('logons say when this machine keeps none', async () => {
  await expect(planted('logons', {})).rejects.toMatchObject({ code: 'blind' });
  expect((await planted('logons', { '/run/systemd/sessions/4': 'USER=li\nREMOTE_HOST=203.0.113.9\nTTY=pts/0\nLEADER=700\nREALTIME=1790000000000000\nSTATE=active\n' })).rows).toEqual([{ user: 'li', source_ip: '203.0.113.9', terminal: 'pts/0', pid: 700, since: 1_790_000_000_000, until: undefined, active: 1 }]);
});

it('keys come with their fingerprint, from where sshd looks for them', async () => {
  const blob = 'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
  const { rows } = await planted('keys', { '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nli:x:1000:1000:Li:/home/li:/bin/bash\n', '/etc/ssh/sshd_config': 'AuthorizedKeysFile .ssh/authorized_keys /srv/keys/%u\n', '/root/.ssh/authorized_keys': `# ours\ncommand="deploy --token=s3cr3tvalue" ssh-ed25519 ${blob} deploy@ci\nno key\n`, '/srv/keys/li': `ssh-ed25519 ${blob} li@laptop\n` });
  expect(rows.map(({ user, path, line, type, comment, options }) => [user, path, line, type, comment, options])).toEqual([['root', '/root/.ssh/authorized_keys', 2, 'ssh-ed25519', 'deploy@ci', 'command="deploy --token=***'], ['li', '/srv/keys/li', 1, 'ssh-ed25519', 'li@laptop', '']].map((one) => one.map((cell) => (typeof cell === 'string' && cell.startsWith('command=') ? expect.stringMatching(/^command="deploy --token=\*\*\*/) as string : cell))));
  expect(rows[0]!['fingerprint']).toMatch(/^SHA256:/);
});

it('cron tells of every table and folder, whose job it is, and whether it runs', async () => {
  const { rows } = await planted('cron', {
    '/etc/debian_version': '12.11\n', '/etc/crontab': 'SHELL=/bin/sh\n17 * * * * root run-parts /etc/cron.hourly\n', '/etc/cron.d/app': '* * * * * li mysql -psecret9 -e x\n', '/etc/cron.d/old.bak': '* * * * * root /x\n',
    '/var/spool/cron/crontabs/www-data': '@reboot /var/www/tick\n', '/etc/cron.daily/sync': { text: '#!/bin/sh\n', mode: 0o755 },
  });
  expect(rows.map(({ path, line, user, schedule, command, runs }) => [path, line, user, schedule, command, runs])).toEqual([
    ['/etc/crontab', 2, 'root', '17 * * * *', 'run-parts /etc/cron.hourly', 1], ['/etc/cron.d/app', 1, 'li', '* * * * *', 'mysql -p*** -e x', 1], ['/etc/cron.d/old.bak', 1, 'root', '* * * * *', '/x', 0],
    ['/var/spool/cron/crontabs/www-data', 1, 'www-data', '@reboot', '/var/www/tick', 1], ['/etc/cron.daily/sync', undefined, 'root', '@daily', '/etc/cron.daily/sync', 1],
  ]);
});

it('units and timers are told from their files, with what is dropped in, and that systemd was not asked', async () => {
  const files = {
    '/usr/lib/systemd/system/app.service': '[Unit]\nDescription=App\n[Service]\nExecStart=/opt/app --password hunter22\nUser=app\n[Install]\nWantedBy=multi-user.target\n', '/etc/systemd/system/app.service.d/more.conf': '[Service]\nExecStartPost=/bin/true\n',
    '/etc/systemd/system/multi-user.target.wants/app.service': '->/usr/lib/systemd/system/app.service', '/etc/systemd/system/gone.service': '->/dev/null', '/etc/systemd/system/app.timer': '[Timer]\nOnCalendar=hourly\nOnBootSec=5min\n[Install]\nWantedBy=timers.target\n',
    '/usr/lib/systemd/system/helper.service': '[Service]\nExecStart=/opt/helper\n', '/etc/systemd/system/other.service': '->/usr/lib/systemd/system/app.service',
  };
  const { rows, notes } = await planted('units', files);
  const told = Object.fromEntries(rows.map(({ name, ...rest }) => [name, rest]));
  expect(told['app.service']).toMatchObject({ kind: 'service', description: 'App', user: 'app', state: 'enabled', drop_ins: 1, path: '/usr/lib/systemd/system/app.service', exec: '/opt/app --password ***\n/bin/true' });
  expect(Object.fromEntries(rows.map(({ name, state }) => [name, state]))).toEqual({ 'app.service': 'enabled', 'gone.service': 'masked', 'app.timer': 'disabled', 'helper.service': 'static', 'other.service': 'alias' });
  expect(told['app.service']!['active']).toBeUndefined();
  expect(notes).toEqual(['systemd: systemd does not run here: what units do now is not known']);
  expect((await planted('timers', files)).rows).toMatchObject([{ name: 'app.timer', unit: 'app.service', schedule: 'OnCalendar=hourly\nOnBootSec=5min', state: 'disabled' }]);
});

it('modules, mounts and containers', async () => {
  expect((await planted('modules', { ...machineFiles, '/proc/modules': 'nf_tables 200 2 nft_ct,nft_x, Live 0x0\nevil 16384 0 - Live 0x0 (OE)\n' })).rows).toEqual([{ name: 'nf_tables', size: 200, state: 'live', taints: '', used_by: 'nft_ct,nft_x' }, { name: 'evil', size: 16_384, state: 'live', taints: 'OE', used_by: '' }]);
  expect((await planted('modules', machineFiles)).notes).toEqual(['/proc/modules: there is no such list: this kernel takes no modules']);
  await expect(planted('modules', { ...machineFiles, '/proc/sys/kernel/modules_disabled': '0\n' })).rejects.toMatchObject({ code: 'blind' });
  expect((await planted('mounts', { '/proc/self/mountinfo': '22 1 0:5 / /mnt/a\\040b rw,noexec - ext4 /dev/sdb1 rw\n' })).rows).toEqual([{ path: '/mnt/a b', device: '/dev/sdb1', type: 'ext4', options: 'rw,noexec' }]);
  await expect(planted('mounts', {})).rejects.toMatchObject({ code: 'blind' });
  const id = 'cd'.repeat(32);
  const files = { ...machineFiles, ...processFiles({ pid: 700, cgroup: `0::/docker/${id}\n` }), ...processFiles({ pid: 701, cgroup: `0::/docker/${id}\n` }), [`/var/lib/docker/containers/${id}/config.v2.json`]: '{"Name":"/web","Config":{"Image":"nginx:1"}}' };
  expect((await planted('containers', files)).rows).toEqual([{ id, name: 'web', image: 'nginx:1', runtime: 'docker', processes: 2 }]);
});

describe('in a question', () => {
  let dir: string, store: SqliteStore;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'moat-live-'));
    store = openSqliteStore({ dir });
    const event = sampleEvent('e1', Date.now());
    event.pid = process.pid;
    store.commit({ events: [event], alerts: [sampleAlert('A1', { source_ip: '127.0.0.1' })], positions: [] });
  });
  afterAll(() => {
    store.close();
    rmSync(dir, { recursive: true });
  });
  const asked: Known[] = [];
  const ask = (sql: string, more: Parameters<typeof querySqlite>[2] = {}): ReturnType<typeof querySqlite> => querySqlite(dir, sql, {
    async *agent(what) { asked.push(what); yield { rows: [{ name: 'sl', version: '5.02', arch: 'amd64', manager: 'dpkg', odd: { x: 1 } }] }; yield { rows: [{ name: 'x'.repeat(9000), version: Number.NaN, manager: null }], notes: [{ zh: '有一处坏了', en: 'one place is broken' }] }; }, ...more,
  });

  it('is filled only when it is read, with the time of the look, and joins what was stored', async () => {
    const before = Date.now();
    const { rows, live } = await ask("SELECT p.pid, p.name = 'node' OR p.name LIKE '%', e.id, (SELECT count(*) FROM users) > 0 FROM processes AS p JOIN events AS e ON e.pid = p.pid");
    expect(rows).toEqual([[process.pid, 1, 'e1', 1]]);
    expect(live.map(({ table }) => table)).toEqual(['processes', 'users']);
    for (const { at, rows: n } of live) expect([at >= before && at <= Date.now(), n > 0]).toEqual([true, true]);
    expect(asked.splice(0)).toEqual(['origins']);
    expect((await ask("SELECT 'processes', \"id\" FROM events WHERE id = 'packages'")).live).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('sees a socket that was opened a moment ago, by whichever way of naming the table', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => { server.once('listening', resolve); });
    const { port } = server.address() as { port: number };
    for (const table of ['listeners', '"LISTENERS"', '[listeners]', '`listeners`', "'listeners'", 'temp.listeners', '(SELECT * FROM listeners)']) expect({ table, rows: (await ask(`SELECT address, pid FROM ${table} WHERE port = ${port}`)).rows }).toEqual({ table, rows: [['127.0.0.1', process.pid]] });
    expect((await ask(`WITH l AS (SELECT * FROM listeners) SELECT count(*) FROM l WHERE port = ${port}`)).rows).toEqual([[1]]);
    server.close();
  });

  it('takes from the agent what it tells and no more, and says what is missing', async () => {
    expect(await ask('SELECT name, version, arch, manager FROM packages')).toMatchObject({ rows: [['sl', '5.02', 'amd64', 'dpkg'], [`${'x'.repeat(4000)}…`, null, null, null]], live: [{ table: 'packages', rows: 2, notes: [{ zh: '有一处坏了', en: 'one place is broken' }] }] });
  });

  it('what a machine is called stays text: no cell becomes SQL, and no name of a question hides a table', async () => {
    const hostile = ["'); DROP TABLE packages; --", '"; ATTACH \'/tmp/x\' AS x; --', "x' UNION SELECT value FROM secret --", 'a\n; DELETE FROM users'];
    const agent: NonNullable<Parameters<typeof querySqlite>[2]>['agent'] = async function* () { yield await Promise.resolve({ rows: hostile.map((name) => ({ name, version: name, manager: 'dpkg' })) }); };
    expect((await ask('SELECT name, version, (SELECT count(*) FROM users) > 0 FROM packages', { agent })).rows).toEqual(hostile.map((name) => [name, name, 1]));
    // A name of the question's own is that of the question; the tables stay what they are.
    expect((await ask('WITH processes AS (SELECT 1 AS pid) SELECT pid FROM processes')).rows).toEqual([[1]]);
    await expect(ask('WITH secret AS (SELECT 1) SELECT * FROM main.secret')).rejects.toMatchObject({ code: 'refused' });
  });

  it('is an error, never empty, where it could not be looked at', async () => {
    for (const sql of ['SELECT * FROM packages', 'SELECT count(*) FROM files_changed', 'SELECT 1 WHERE EXISTS (SELECT 1 FROM sensors)']) await expect(querySqlite(dir, sql), sql).rejects.toMatchObject({ code: 'blind', message: expect.stringContaining('only a running Moat knows it'), text: { zh: expect.stringContaining('只有运行中的 Moat 才知道') }, hintText: { en: 'start it with: moat up' } });
    await expect(ask('SELECT * FROM packages', { async *agent() { yield await Promise.reject(new MoatError('unavailable', 'still being read', { zh: '还在读' })); } })).rejects.toMatchObject({ code: 'blind', text: { zh: '看不到 packages：还在读' } });
    // An agent that never answers is waited for no longer than the question may take.
    await expect(ask('SELECT * FROM packages', { timeoutMs: 1500, async *agent() { await new Promise(() => undefined); yield { rows: [] }; } })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('is read and nothing else, by whoever may', async () => {
    for (const sql of [
      'DELETE FROM processes', 'INSERT INTO processes (pid) VALUES (1)', 'UPDATE users SET uid = 0', 'DROP TABLE keys', 'CREATE TEMP TABLE x AS SELECT * FROM users', 'WITH x AS (SELECT 1) DELETE FROM users', 'EXPLAIN DELETE FROM users',
      'SELECT * FROM sqlite_temp_master', 'SELECT * FROM temp.sqlite_master', 'SELECT sql FROM sqlite_temp_schema', "SELECT * FROM pragma_table_info('users')", 'SELECT * FROM main.users', 'SELECT * FROM processes; DELETE FROM processes', 'CREATE TEMP TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END',
      'SELECT readfile(path) FROM keys', "SELECT load_extension(path) FROM processes", 'SELECT * FROM secret, users', 'SELECT * FROM (SELECT value FROM secret UNION SELECT name FROM users)',
    ]) await expect(ask(sql), sql).rejects.toMatchObject({ name: 'StoreError', code: expect.stringMatching(/refused|query/) });
    await expect(ask('SELECT * FROM users', { views: ['events', 'processes'] })).rejects.toMatchObject({ code: 'refused', hint: 'There are: events, processes.' });
    for (const sql of ['SELECT count(*) FROM users', 'SELECT 1 FROM users LIMIT 1', 'SELECT count(*) FROM temp.users', 'SELECT EXISTS (SELECT 1 FROM users)']) await expect(ask(sql, { views: ['events', 'processes'] }), sql).rejects.toMatchObject({ code: 'refused' });
    expect((await ask('SELECT count(*) > 0 FROM processes', { views: ['processes'] })).rows).toEqual([[1]]);
    await expect(ask('SELECT count(*) FROM processes a, processes b, processes c, processes d, processes e', { timeoutMs: 3000 })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('helps with a column that is not there', async () => {
    await expect(ask('SELECT pidd FROM processes JOIN users ON 1')).rejects.toMatchObject({ code: 'query', message: 'no such column: pidd, at line 1, column 8', hint: expect.stringMatching(/^processes: pid, ppid.*\nusers: name, uid/) });
  });
});

it('a pipe where a table was to be read is told', async () => {
  const root = makeRoot();
  mkdirSync(join(root, 'etc/cron.d'), { recursive: true });
  execFileSync('mkfifo', [join(root, 'etc/crontab')]);
  expect((await read('cron', { root })).notes).toEqual(['/etc/crontab: expected a file, got a named pipe: what a program reads there cannot be looked at']);
});

it.skipIf(lacksSystemd())('units and timers have what a systemd that runs says of them', async () => {
  const systemd = await startSystemd({
    'etc/systemd/system/app.service': `${bare}[Service]\nExecStart=/bin/sleep 1000\n`, 'etc/systemd/system/broken.service': `${bare}[Service]\nType=oneshot\nExecStart=/bin/false\n`,
    'etc/systemd/system/nightly.timer': `${bare}[Timer]\nOnCalendar=yearly\nUnit=app.service\n[Install]\nWantedBy=test.target\n`,
  });
  try {
    await systemd.systemctl('enable', '--now', 'nightly.timer');
    await systemd.systemctl('start', 'app');
    await systemd.systemctl('start', 'broken').catch(() => undefined);
    const { rows, notes } = await read('units', { root: systemd.root, run: systemd.run });
    expect(notes).toEqual([]);
    const of = (name: string): Row | undefined => rows.find((one) => one['name'] === name);
    expect(of('app.service')).toMatchObject({ active: 'active', state: 'static' });
    expect(of('app.service')!['pid']).toBeGreaterThan(1);
    expect(of('broken.service')).toMatchObject({ active: 'failed', pid: undefined });
    const timer = (await read('timers', { root: systemd.root, run: systemd.run })).rows.find((one) => one['name'] === 'nightly.timer');
    expect(timer).toMatchObject({ unit: 'app.service', state: 'enabled', active: 'active', last: undefined });
    expect(new Date(Number(timer!['next'])).toISOString()).toMatch(/^\d{4}-/);
    expect(Number(timer!['next'])).toBeGreaterThan(Date.now());
  } finally { await systemd.close(); }
});
