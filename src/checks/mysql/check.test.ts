import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { mysql } from './check.ts';

const conf = '/etc/mysql/conf.d/x.cnf';
const told = async (text: string, more = {}) => (await scanRoot([mysql], { [conf]: text, ...more })).findings.map(({ kind, level, path }) => `${kind} ${level} ${path}`);
const elf = (...words: string[]): Buffer => Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]), Buffer.alloc(40), Buffer.from(`\0${words.join('\0')}\0`)]);
const folder = '/usr/lib/mysql/plugin';

describe('mysql', () => {
  it('finds settings that let anybody in', async () => {
    expect(await told('[mysqld]\nskip-grant-tables\n')).toEqual([`weakness critical ${conf}`]);
    expect(await told('[mysqld]\nskip_grant_tables = 1\nbind-address=127.0.0.1\n')).toEqual([`weakness high ${conf}`]);
    expect(await told('[mariadb]\nbind_address = 0.0.0.0 # all\nsecure-file-priv=""\n')).toEqual([`weakness medium ${conf}`, `weakness medium ${conf}`]);
    expect(await told('[mysqld]\nuser=root\ngeneral_log_file=/var/www/html/log.php\n')).toEqual([`weakness high ${conf}`, `intrusion high ${conf}`]);
    expect(await told('[mysqld]\ninit-file=/var/lib/mysql/.i.sql\nplugin-load=a=/tmp/a.so\n', { '/var/lib/mysql/.i.sql': 'CREATE FUNCTION x RETURNS STRING SONAME "x.so";\n' })).toEqual([`intrusion high ${conf}`, 'intrusion medium /var/lib/mysql/.i.sql']);
    expect(await told('', { '/root/.my.cnf': { text: '[client]\npassword=hunter-2\n', mode: 0o644 }, '/home/lin/.my.cnf': { text: '[client]\npassword=hunter-2\n', mode: 0o600 } })).toEqual(['weakness medium /root/.my.cnf']);
  });

  it('reads what SET PERSIST keeps as JSON', async () => {
    const auto = '/var/lib/mysql/mysqld-auto.cnf';
    const meta = { Timestamp: 1, User: 'root', Host: 'localhost' };
    const kept = (group: string, variables: Record<string, string>) => ({ Version: 2, [group]: Object.fromEntries(Object.entries(variables).map(([name, Value]) => [name, { Value, Metadata: meta }])) });
    expect(await told('', { [auto]: JSON.stringify(kept('mysql_dynamic_variables', { general_log_file: '/var/www/html/x.php', max_connections: '200' })) })).toEqual([`intrusion high ${auto}`]);
    expect(await told('', { [auto]: JSON.stringify({ Version: 1, mysql_server: { mysql_server_static_options: { secure_file_priv: { Value: '', Metadata: meta } } } }) })).toEqual([`weakness medium ${auto}`]);
    // It wins over the files.
    expect(await told('[mysqld]\nbind-address=0.0.0.0\n', { [auto]: JSON.stringify(kept('mysql_static_variables', { bind_address: '127.0.0.1' })) })).toEqual([]);
    expect(await told('[mysqld]\ndatadir=/srv/db\n', { '/srv/db/mysqld-auto.cnf': JSON.stringify(kept('mysql_static_variables', { bind_address: '*' })) })).toEqual(['weakness medium /srv/db/mysqld-auto.cnf']);
    expect(await told('', { [auto]: JSON.stringify(kept('mysql_dynamic_variables', { max_connections: '200', event_scheduler: 'ON' })) })).toEqual([]);
    for (const text of ['{', '[mysqld]\nskip-grant-tables\n']) expect((await scanRoot([mysql], { [auto]: text })).blind.map(({ what }) => what)).toEqual([auto]);
    expect(await told('', { [auto]: `{"mysql_server":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}` })).toEqual([]);
  });

  it('is silent for ordinary settings', async () => {
    expect(await told('[mysqld]\nuser = mysql\nbind-address = 127.0.0.1\nsecure_file_priv = /var/lib/mysql-files\nevent_scheduler=ON\n[client]\nskip-grant-tables\n')).toEqual([]);
    expect(await told('[mysqld]\nbind-address=10.0.0.2\nrequire_secure_transport=ON\nssl_cert=/etc/mysql/c.pem\nplugin_load_add=auth_socket\n')).toEqual([]);
  });

  it('finds libraries and functions that run commands', async () => {
    const root = makeRoot({
      [`${folder}/udf.so`]: elf('x_deinit', 'popen'), [`${folder}/lib_mysqludf_sys.so`]: elf('sys_exec'), [`${folder}/odd.so`]: elf('nothing'), [`${folder}/auth.so`]: { text: elf('x_deinit', 'popen'), package: 'mariadb-server' }, [`${folder}/own.so`]: elf('_maria_plugin_interface_version_', 'x_init', 'system'), [`${folder}/readme`]: 'text',
      '/var/lib/mysql/mysql/func.MAD': Buffer.from('\x01\x08sys_eval\0\0\x13lib_mysqludf_sys.so\0', 'latin1'), '/var/lib/mysql/mysql/event.MAD': Buffer.from('\x01nightly SELECT sys_exec("id")', 'latin1'),
      '/usr/local/mysql/data/mysql/func.MYD': Buffer.from('\x01\x03geo\0geo_tools.so\0', 'latin1'),
    });
    expect(shown(await scanRoot([mysql], root))).toEqual([`critical ${folder}/lib_mysqludf_sys.so`, `critical ${folder}/udf.so`, 'high /var/lib/mysql/mysql/func.MAD', `medium ${folder}/odd.so`, 'medium /var/lib/mysql/mysql/event.MAD', 'low /usr/local/mysql/data/mysql/func.MYD']);
    rmSync(join(root, folder), { recursive: true });
    rmSync(join(root, 'var/lib/mysql/mysql'), { recursive: true });
    expect(shown(await scanRoot([mysql], root))).toEqual(['low /usr/local/mysql/data/mysql/func.MYD']);
  });

  it('looks at PostgreSQL', async () => {
    const hba = '/etc/postgresql/15/main/pg_hba.conf';
    const set = '/etc/postgresql/15/main/postgresql.conf';
    const auto = '/var/lib/postgresql/15/main/postgresql.auto.conf';
    expect(await told('', { [hba]: 'local all postgres peer\nhost all all 127.0.0.1/32 trust\nhost all all 10.0.0.0/8 scram-sha-256\n', [set]: "archive_command = 'test ! -f /mnt/a/%f && cp %p /mnt/a/%f'\nshared_preload_libraries = 'pg_stat_statements'\n" })).toEqual([]);
    expect(await told('', { [hba]: 'host all all 0.0.0.0/0 trust\nhost all all 10.1.0.0 255.255.0.0 trust\n' })).toEqual([`weakness critical ${hba}`, `weakness high ${hba}`]);
    expect(await told('', { [set]: "shared_preload_libraries = '/tmp/x.so'\n" })).toEqual([`intrusion high ${set}`]);
    expect(await told('', { [auto]: "ssl_passphrase_command = 'bash -c \"id;sleep 1\"'\n" })).toEqual([`intrusion medium ${auto}`]);
    expect(await told('', { '/usr/lib/postgresql/15/lib/x.so': elf('system'), '/usr/lib/postgresql/15/lib/y.so': { text: elf('system'), package: 'postgresql-15' } })).toEqual(['intrusion medium /usr/lib/postgresql/15/lib/x.so']);
  });

  it('looks at MongoDB', async () => {
    const mongo = '/etc/mongod.conf';
    expect(await told('', { [mongo]: 'net:\n  bindIp: 127.0.0.1\n' })).toEqual([]);
    expect(await told('', { [mongo]: 'net:\n  bindIp: 0.0.0.0\nsecurity:\n  authorization: enabled\n' })).toEqual([]);
    expect(await told('', { [mongo]: 'net:\n  bindIp: 127.0.0.1,0.0.0.0\n' })).toEqual([`weakness critical ${mongo}`]);
    expect(await told('', { [mongo]: 'dbpath=/data\nbind_ip=10.0.0.3\n' })).toEqual([`weakness high ${mongo}`]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read, and what is no YAML', async () => {
    const report = await scanWithout([mysql], makeRoot({ [conf]: '[mysqld]\nskip-grant-tables\n', '/var/lib/mysql/mysql/func.MAD': 'x', '/etc/mongod.conf': '[['.repeat(5000) }), conf, '/var/lib/mysql/mysql');
    expect(report.blind.map(({ what }) => what)).toEqual(expect.arrayContaining([conf, '/var/lib/mysql/mysql/func.MAD', '/etc/mongod.conf']));
  });
});
