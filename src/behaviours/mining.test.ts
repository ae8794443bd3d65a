import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandSigns, nameSign, poolName, trafficSigns } from './mining.ts';

const sum = (signs: { weight: number }[]): number => signs.reduce((n, { weight }) => n + weight, 0);
const listed = new Set(readFileSync('intel/pools.txt', 'utf8').split('\n'));
const isPool = (host: string): boolean => host.split('.').some((_, i, labels) => listed.has(labels.slice(i).join('.')));
const xmr = '44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A';

describe('traffic', () => {
  it.each([
    '{"id":1,"method":"mining.subscribe","params":["cpuminer/2.5"]}\n',
    '{"params": [], "id": 1, "method": "mining.authorize"}',
    '{"id":1,"jsonrpc":"2.0","method":"mining\\u002esubscribe","params":[]}',
    '{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":["0x00"]}',
    `{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"${xmr}","pass":"x"}}`,
    '{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"worker1","pass":"x","agent":"XMRig/6.21.0","algo":["rx/0"]}}',
    '{"method": "login", "params": {"login": "abc", "pass": "x", "agent": "logd/1", "algo": ["rx/0"]}}',
  ])('is mining: %s', (payload) => { expect(sum(trafficSigns(payload))).toBeGreaterThanOrEqual(95); });

  it.each([
    'GET / HTTP/1.1\r\nHost: pool.example.org\r\n\r\n',
    '{"jsonrpc":"2.0","method":"login","params":{"user":"wang","password":"x"}}',
    '{"jsonrpc":"2.0","method":"eth_call","params":[{"to":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}]}',
    '{"method":"login","id":3,"user":"a","pass":"b"}',
    'SSH-2.0-OpenSSH_9.2\r\n', '\x16\x03\x01', '*1\r\n$4\r\nPING\r\n', '',
  ])('is not: %s', (payload) => { expect(sum(trafficSigns(payload))).toBeLessThan(35); });
});

describe('names', () => {
  it.each(['pool.supportxmr.com', 'xmr-eu1.nanopool.org', 'stratum.example.net', 'rx.unmineable.com', 'xmr.pool-3.example.org', 'asia.hashvault.pro', 'mining-pool.example.io', 'kawpow.auto.nicehash.com', 'gulf.moneroocean.stream'])('%s is a pool', (name) => { expect(poolName(name, isPool)?.weight ?? 0).toBeGreaterThanOrEqual(45); });
  it.each(['pool.ntp.org', '2.debian.pool.ntp.org', 'deb.debian.org', 'registry.npmjs.org', 'api.github.com', 'carpool.example.com', 'minecraft.example.net', 'eth0.example.net', 'etcd.example.org', 'mirrors.aliyun.com', 'wow.example.com', '1.0.0.127.in-addr.arpa', 'pool', 'examine.example.org', 'whirlpool.example.com'])('%s is none', (name) => { expect(poolName(name, isPool)?.weight ?? 0).toBeLessThan(35); });
});

describe('command lines', () => {
  it.each([
    'xmrig -o pool.example.org:3333 -u wallet -p x --donate-level 1', './a -a rx/0 -o 198.51.100.4:14444 -u x', `./b -o proxy.example.org:443 -u ${xmr}`, 'c --url=stratum+ssl://198.51.100.9:443 --user=a.b', 'minerd -a cryptonight -o stratum+tcp://x.example.org:80 -u y',
    'd --algo=kawpow --pool xmr.example.org:7777 -w 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', 'e --coin monero --cpu-max-threads-hint=35 --rig-id web1', 'f -o asia.hashvault.pro:443 --tls',
  ])('is a miner: %s', (cmdline) => { expect(sum(commandSigns(cmdline, isPool))).toBeGreaterThanOrEqual(70); });
  it.each([
    'mysql -u root -p -h db.example.org', 'curl -u wang:secret -o page.html https://example.org:8443/', 'gcc -o main main.c', 'ssh -o StrictHostKeyChecking=no -p 2222 root@192.0.2.4', 'docker run -p 3333:3333 node:20 node -a', 'python3 -m http.server 8888', 'node --max-old-space-size=4096 server.js', 'java -Xmx4g -jar app.jar --server.port=7777',
    'ffmpeg -i a.mp4 -c:v libx264 -o b.mp4', 'git clone https://git.example.org:3000/a.git -o origin', 'celery -A app worker', 'redis-cli -h 10.0.0.4 -p 6379 -a secret', 'psql -U u -h 10.0.0.5 -w', 'kubectl --server=k8s.example.org:6443 get pods', 'vault --server vault.example.org:8200 -u x',
  ])('is none: %s', (cmdline) => { expect(sum(commandSigns(cmdline, isPool))).toBeLessThan(35); });

  it('takes anything without throwing, in time linear to its length', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), (text) => { expect(() => [commandSigns(text), trafficSigns(text), poolName(text), nameSign(text)]).not.toThrow(); }));
    for (const text of ['-o '.repeat(5000), 'a.'.repeat(5000), `stratum+tcp://${'a'.repeat(100_000)}`, '4'.repeat(100_000), '\\u00'.repeat(20_000), `-o ${'a-'.repeat(3000)}:3333`]) expect(() => [commandSigns(text), trafficSigns(text), poolName(text)]).not.toThrow();
  });
});
