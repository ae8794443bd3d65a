import { expect, it } from 'vitest';
import * as fc from 'fast-check';
import { networkText, networksOfRange, parseAddress } from '../../core/networks.ts';
import { canonicalIp } from '../../core/address.ts';
import type { IndicatorKind } from '../../core/lineage.ts';
import { bytesOf, levelFor, ListBuilder, sizesOf, type ListTable } from './list.ts';
import { Lists } from './lists.ts';
import { faultOf, guessFormat, openReader, type ListFormat } from './reader.ts';
import { comparisonsOf } from './stix.ts';

const now = Date.UTC(2026, 5, 1);
const hour = 3_600_000;

interface Read { lists: Lists; table: ListTable; refused: Record<string, number>; fault: string | undefined }

/** Reads a list in pieces of this many characters. */
function read(text: string, { format = 'plain', kind, column, what, own = false, piece = 7, at = now, name = 'test' }: { format?: ListFormat; kind?: IndicatorKind; column?: string | number; what?: string; own?: boolean; piece?: number; at?: number; name?: string } = {}): Read {
  const builder = new ListBuilder({ name, what, level: 'high', own }, now);
  const reader = openReader(format, builder, { kind, column, now });
  for (let i = 0; i < text.length; i += piece) reader.push(text.slice(i, i + piece));
  reader.end();
  const sealing = builder.seal();
  let step = sealing.next();
  while (!step.done) step = sealing.next();
  const lists = new Lists(() => at);
  lists.use([step.value]);
  return { lists, table: step.value, refused: Object.fromEntries(builder.refused), fault: faultOf(format, reader, builder, text.length) };
}

it('finds addresses, networks and ranges of a plain list', () => {
  const { lists, refused, fault } = read(`# heading
203.0.113.7
198.51.100.0/24   # a network
192.0.2.10-192.0.2.20
192.0.2.130 - 192.0.2.131
2001:db8:bad::/48
[2001:db8::5]:443
203.0.113.99:8443
::ffff:203.0.113.50
not an address at all
`);
  const told = (address: string): string | undefined => lists.address(address)?.value;
  expect(['203.0.113.7', '203.0.113.8', '198.51.100.255', '192.0.2.9', '192.0.2.10', '192.0.2.20', '192.0.2.21', '192.0.2.131', '203.0.113.99', '203.0.113.50'].map(told))
    .toEqual(['203.0.113.7', undefined, '198.51.100.0/24', undefined, '192.0.2.10/31', '192.0.2.20', undefined, '192.0.2.130/31', '203.0.113.99', '203.0.113.50']);
  expect(['2001:db8:bad:1::9', '2001:DB8:0:0::5', '2001:db8::6', '::ffff:203.0.113.7', '2001:db8:bad::1%eth0', 'nonsense', ''].map(told))
    .toEqual(['2001:db8:bad::/48', '2001:db8::5', undefined, '203.0.113.7', '2001:db8:bad::/48', undefined, undefined]);
  expect(refused).toEqual({ 'not understood': 1 });
  expect(fault).toBeUndefined();
});

it('leaves out what would judge half the internet or the machine itself', () => {
  const text = '0.0.0.0/0\n10.0.0.0/8\n127.0.0.1\n192.168.0.0/16\n::/0\nfe80::/10\nfd00::/8\n224.0.0.0/4\n100.64.0.0/10\n0.0.0.0\n10.1.2.3\n1.0.0.0-200.0.0.0\n203.0.113.1\n';
  const { table, refused } = read(text);
  expect(sizesOf(table).address).toBe(2);
  expect(refused).toEqual({ 'too broad': 6, 'private or local network': 5 });
  expect(read('127.0.0.1\n', { own: true }).lists.address('127.0.0.1')?.value).toBe('127.0.0.1');
});

it('the narrowest network speaks, and the one around it when that has expired', () => {
  const bundle = (objects: object[]): string => JSON.stringify({ type: 'bundle', objects });
  const indicator = (value: string, until: string | undefined, what: string): object => ({ type: 'indicator', pattern_type: 'stix', pattern: `[ipv4-addr:value = '${value}']`, valid_until: until, indicator_types: [what] });
  const text = bundle([indicator('198.51.100.0/24', undefined, 'wide'), indicator('198.51.100.128/25', '2026-06-01T02:00:00Z', 'narrow'), indicator('198.51.100.200', '2026-06-01T01:00:00Z', 'one')]);
  const at = (time: number): string | undefined => read(text, { format: 'stix', at: time }).lists.address('198.51.100.200')?.what;
  expect([at(now), at(now + hour), at(now + 2 * hour)]).toEqual(['one', 'narrow', 'wide']);
});

it('finds domains with what stands below them', () => {
  const { lists, refused } = read('bad.example\n*.worse.example\n.worst.example.\n||ads.example^\n0.0.0.0 hosts.example # comment\nBücher.example\ncom\nexa mple\nhttp://user@Url.Example:8080/path\nhxxps://de[.]fanged.example/\n');
  const told = (name: string): string | undefined => lists.domain(name)?.value;
  expect(['bad.example', 'WWW.Bad.Example.', 'a.b.worse.example', 'notbad.example', 'example', 'worst.example', 'x.ads.example', 'hosts.example', 'xn--bcher-kva.example', 'url.example', 'de.fanged.example', '', '.', 'a..b'].map(told))
    .toEqual(['bad.example', 'bad.example', 'worse.example', undefined, undefined, 'worst.example', 'ads.example', 'hosts.example', 'xn--bcher-kva.example', 'url.example', 'de.fanged.example', undefined, undefined, undefined]);
  expect(refused).toEqual({ 'not understood': 2 });
  expect(lists.domain(`${'a.'.repeat(200)}bad.example`)).toBeUndefined();
});

it('a page on a host of many says nothing of the host', () => {
  const { lists, refused } = read('https://github.com/someone/tool\nhttps://files.bad.example/x\n');
  expect([lists.domain('github.com'), lists.domain('files.bad.example')?.value]).toEqual([undefined, 'files.bad.example']);
  expect(refused).toEqual({ 'page on a shared host': 1 });
});

const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const sha1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const monero = `4${'A'.repeat(94)}`;

it('finds hashes of three lengths in any case, and wallets exactly', () => {
  const { lists } = read(`${md5}\n${sha1.toUpperCase()}\n${sha256}\n${monero}\nbc1qexampleexampleexample\n0x${'aB'.repeat(20)}\n`);
  expect([md5.toUpperCase(), sha1, sha256, md5.replace('d', 'e'), sha256.slice(0, 63)].map((hex) => lists.hash(hex)?.value)).toEqual([md5, sha1, sha256, undefined, undefined]);
  expect(lists.hash(`${sha256.slice(0, 24)}${'0'.repeat(16)}`)).toBeUndefined();
  expect([monero, monero.toLowerCase(), 'bc1qexampleexampleexample', `0x${'Ab'.repeat(20)}`].map((text) => lists.wallet(text)?.kind)).toEqual(['wallet', undefined, 'wallet', 'wallet']);
});

it('keeps to one kind when it is told', () => {
  const text = '203.0.113.1\nbad.example\nhttp://203.0.113.2/x\n';
  expect(sizesOf(read(text, { kind: 'domain' }).table)).toMatchObject({ address: 0, domain: 1 });
  expect(sizesOf(read(text, { kind: 'address' }).table)).toMatchObject({ address: 2, domain: 0 });
  expect(sizesOf(read('SOMEWALLET1234567890\n', { kind: 'wallet' }).table).wallet).toBe(1);
});

it('reads CSV by guess, by number and by name', () => {
  const named = '# made by hand\n"first_seen","dst_ip","dst_port","family"\n"2026-05-01 10:00:00","203.0.113.5","443","Some, ""RAT"""\n"2026-05-02 11:00:00","203.0.113.6","8080","x"\n';
  for (const column of [undefined, 2, 'dst_ip', 'DST_IP']) {
    const { lists, fault, table } = read(named, { format: 'csv', column });
    expect([lists.address('203.0.113.5')?.value, lists.address('203.0.113.6')?.value, sizesOf(table).address, fault]).toEqual(['203.0.113.5', '203.0.113.6', 2, undefined]);
  }
  const comment = '# heading\n# seen,ioc,note\n2026,bad.example,1\n2026,worse.example,2\n';
  expect(read(comment, { format: 'csv', column: 'ioc' }).lists.domain('worse.example')?.value).toBe('worse.example');
  expect(read('a;198.51.100.3;x\nb;198.51.100.4;y\n', { format: 'csv' }).lists.address('198.51.100.3')?.value).toBe('198.51.100.3');
  expect(read(named, { format: 'csv', column: 'missing' }).fault).toBe('expected a column named missing, got first_seen, dst_ip, dst_port, family');
  const long = `ip,note\n${Array.from({ length: 200 }, (_, i) => `198.51.100.${i},n`).join('\n')}\n`;
  expect(sizesOf(read(long, { format: 'csv' }).table).address).toBe(200);
});

it('reads MISP events, feeds and attribute searches', () => {
  const attribute = (type: string, value: string, more = {}): object => ({ type, value, to_ids: true, Tag: [{ name: 'tlp:clear', Attribute: 'x' }], ...more });
  const attributes = [
    attribute('ip-dst', '203.0.113.1'), attribute('ip-dst|port', '203.0.113.2|443'), attribute('domain|ip', 'bad.example|203.0.113.3'), attribute('url', 'http://203.0.113.4/x'), attribute('filename|sha256', `run.sh|${sha256}`),
    attribute('xmr', monero), attribute('ip-src', '203.0.113.5', { to_ids: false }), attribute('hostname', 'gone.example', { deleted: true }), attribute('yara', 'rule x {}'), attribute('hostname', 'named.example:8080'),
  ];
  for (const text of [
    JSON.stringify({ response: [{ Event: { info: 'a "quoted" \\ name', Attribute: attributes.slice(0, 3), Object: [{ name: 'file', Attribute: attributes.slice(3) }] } }] }, undefined, 2),
    JSON.stringify({ Event: { Attribute: attributes } }), JSON.stringify({ response: { Attribute: attributes } }),
  ]) {
    for (const piece of [1, 13, 1e6]) {
      const { lists, refused, fault, table } = read(text, { format: 'misp', piece, what: 'c2' });
      expect(['203.0.113.1', '203.0.113.2', '203.0.113.3', '203.0.113.4', '203.0.113.5'].map((ip) => lists.address(ip)?.what)).toEqual(['c2', 'c2', 'c2', 'c2', undefined]);
      expect([lists.domain('bad.example')?.list, lists.domain('named.example')?.list, lists.hash(sha256)?.list, lists.wallet(monero)?.list]).toEqual(['test', 'test', 'test', 'test']);
      expect({ refused, fault, size: Object.values(sizesOf(table)).reduce((a, b) => a + b) }).toEqual({ refused: { 'not for detection': 2, 'not understood': 1 }, fault: undefined, size: 8 });
    }
  }
});

it('reads STIX indicators and counts patterns it does not understand', () => {
  const indicator = (pattern: string, more = {}): object => ({ type: 'indicator', pattern, pattern_type: 'stix', valid_from: '2026-01-01T00:00:00Z', ...more });
  const text = JSON.stringify({ type: 'bundle', id: 'bundle--1', objects: [
    { type: 'identity', name: 'x' }, indicator("[ipv4-addr:value = '203.0.113.1'] OR [ipv6-addr:value='2001:db8::1']"), indicator("[ipv4-addr:value ISSUBSET '198.51.100.0/24']"),
    indicator("[domain-name:value IN ('bad.example', 'worse.example')]", { indicator_types: ['malicious-activity'] }), indicator("[url:value = 'https://files.example/a.sh']"), indicator("[url:value = 'http://203.0.113.9/a']"),
    indicator(`[file:hashes.'SHA-256' = '${sha256}' AND file:hashes.MD5 = '${md5}']`), indicator(`[file:hashes."SHA-1" = '${sha1}']`),
    indicator("[ipv4-addr:value = '203.0.113.2' AND network-traffic:dst_port = 443]"), indicator("[ipv4-addr:value = '203.0.113.3'] FOLLOWEDBY [domain-name:value = 'x.example']"), indicator('rule x {}', { pattern_type: 'yara' }),
    indicator("[ipv4-addr:value = '203.0.113.4']", { valid_until: '2026-05-01T00:00:00Z' }), indicator("[ipv4-addr:value = '203.0.113.5']", { revoked: true }), indicator("[ipv4-addr:value != '203.0.113.6']"),
  ] });
  const { lists, refused, fault } = read(text, { format: 'stix' });
  expect(['203.0.113.1', '2001:db8::1', '198.51.100.7', '203.0.113.9', '203.0.113.2', '203.0.113.3', '203.0.113.4', '203.0.113.5', '203.0.113.6'].map((ip) => lists.address(ip) !== undefined))
    .toEqual([true, true, true, true, false, false, false, false, false]);
  expect([lists.domain('worse.example')?.what, lists.domain('files.example')?.what, lists.hash(sha256)?.kind, lists.hash(md5)?.kind, lists.hash(sha1)?.kind]).toEqual(['malicious-activity', 'listed', 'hash', 'hash', 'hash']);
  expect(refused).toEqual({ 'not understood': 4, expired: 2 });
  expect(fault).toBeUndefined();
});

it('reads patterns as they are written', () => {
  expect(comparisonsOf(String.raw`[domain-name:value = 'it\'s.example']`)).toEqual([{ kind: 'domain', value: "it's.example" }]);
  for (const pattern of ['', '[', '[]', "[ipv4-addr:value = '1.2.3.4'", "[ipv4-addr:value = 1]", "[(ipv4-addr:value = '1.2.3.4')]", "[ipv4-addr:value = '1.2.3.4'] WITHIN 5 SECONDS", "[ipv4-addr:value IN ('1.2.3.4'", '[__proto__:value = 1]', "[ipv4-addr:value = 'x] "]) expect(comparisonsOf(pattern)).toBeUndefined();
});

it('tells the form of a list', () => {
  const guess = (text: string, name = 'list.txt'): string => guessFormat(text, name, undefined);
  expect([guess('203.0.113.1\n'), guess('# x\n"a","203.0.113.1"\n'), guess('a,b,c\nd,e,f\n'), guess('x', 'feed.csv'), guess('{"type":"bundle","objects":[]}'), guess('{"response":[]}'), guess('[2001:db8::1]:443\n'), guessFormat('x', 'x', 2)])
    .toEqual(['plain', 'csv', 'csv', 'csv', 'stix', 'misp', 'plain', 'csv']);
});

it('refuses what is no list', () => {
  expect(read('<!doctype html>\n<html>\n<body>\n<h1>404 Not Found</h1>\n</body>\n</html>\n').fault).toBe('expected a plain list, got 0 of 6 lines understood');
  expect(read('').fault).toBe('expected a list, got an empty file');
  expect(read('# nothing at the moment\n').fault).toBeUndefined();
  expect(read('{"objects":[{"type":"indic', { format: 'stix' }).fault).toBe('expected whole JSON, got a part of it');
  expect(read('Not found', { format: 'misp' }).fault).toBe('expected JSON, got text');
  expect(read('{"objects":[}', { format: 'stix' }).fault).toBe('expected JSON, got } out of place');
  expect(read('['.repeat(100), { format: 'stix' }).fault).toBe('expected at most 64 levels, got more');
  const large = read(`{"objects":[{"type":"indicator","x":"${'y'.repeat(300_000)}"},{"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.1']"}]}`, { format: 'stix', piece: 4096 });
  expect([large.refused['too large'], large.lists.address('203.0.113.1')?.value]).toEqual([1, '203.0.113.1']);
  const endless = read(`${'x'.repeat(100_000)}\n203.0.113.1\n`, { piece: 1000 });
  expect([endless.refused['too large'], endless.lists.address('203.0.113.1')?.value]).toEqual([1, '203.0.113.1']);
});

it('of several lists the first speaks; entries without an end follow their list', () => {
  const [a, b] = [read('203.0.113.1\n', { what: 'first', name: 'a' }).table, read('203.0.113.1\n203.0.113.2\n', { what: 'second', name: 'b' }).table];
  const lists = new Lists(() => now);
  lists.use([a, b]);
  expect([lists.size, lists.address('203.0.113.1')?.list, lists.address('203.0.113.2')?.list]).toEqual([3, 'a', 'b']);
  a.expires = now - 1;
  expect(lists.address('203.0.113.1')?.list).toBe('b');
  expect(['c2', 'miner', 'tor', 'scanner', undefined].map(levelFor)).toEqual(['high', 'high', 'medium', 'low', 'medium']);
});

it('agrees with a plain search, whatever networks overlap', () => {
  fc.assert(fc.property(
    fc.array(fc.record({ words: fc.nat(0xffff), bits: fc.integer({ min: 8, max: 32 }) }), { maxLength: 60 }), fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 20 }),
    (networks, asked) => {
      // All within 203.0.0.0/16, so that they overlap often.
      const base = 203 * 2 ** 24;
      const mask = (value: number, bits: number): number => Math.floor(value / 2 ** (32 - bits)) * 2 ** (32 - bits);
      const { lists } = read(networks.map(({ words, bits }) => networkText([base + words], 4, bits)).join('\n') || '#');
      for (const low of asked) {
        const address = base + low;
        const widest = networks.filter(({ words, bits }) => mask(base + words, bits) === mask(address, bits)).map(({ bits }) => bits);
        const expected = widest.length === 0 ? undefined : networkText([mask(address, Math.max(...widest))], 4, Math.max(...widest));
        expect(lists.address(networkText([address], 4, 32))?.value).toBe(expected);
      }
    },
  ));
});

it('reads addresses as the rest of Moat does', () => {
  const words = new Uint32Array(4);
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 40 })), (text) => {
    const version = parseAddress(text, 0, text.length, words);
    const canonical = canonicalIp(text);
    if (canonical !== undefined && !text.includes('%') && !text.startsWith('[') && !/(?:^|\.)0\d/.test(text)) expect(version === 0 ? undefined : networkText(words, version, version === 4 ? 32 : 128)).toBe(canonical);
    if (version !== 0) expect(canonical).toBeDefined();
  }));
  const covered = [...networksOfRange(5, 1000)].reduce((sum, { bits }) => sum + 2 ** (32 - bits), 0);
  expect([covered, [...networksOfRange(0, 0xffffffff)].length, [...networksOfRange(7, 7)]]).toEqual([996, 1, [{ from: 7, bits: 32 }]]);
});

it('holds a hundred thousand entries of each kind in few bytes, and each is found', () => {
  const n = 100_000;
  const hex = (i: number): string => (Math.imul(i + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0').repeat(8);
  const lines = Array.from({ length: n }, (_, i) => `${20 + (i >> 14)}.${(i >> 8) & 63}.${i & 255}.9\n2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::/64\nhost${i}.net${i % 100}.example\n${hex(i)}\n`);
  const { lists, table, refused } = read(lines.join(''), { piece: 1 << 16 });
  expect(refused).toEqual({});
  expect(sizesOf(table)).toEqual({ address: 2 * n, domain: n, hash: n, wallet: 0 });
  expect(bytesOf(table) / (4 * n)).toBeLessThan(40);
  let found = 0;
  for (let i = 0; i < n; i++) {
    if (lists.address(`${20 + (i >> 14)}.${(i >> 8) & 63}.${i & 255}.9`)) found++;
    if (lists.address(`2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::77`)) found++;
    if (lists.domain(`www.host${i}.net${i % 100}.example`)?.value === `host${i}.net${i % 100}.example`) found++;
    if (lists.hash(hex(i))) found++;
    if (lists.domain(`host${i}.other.example`) || lists.address(`20.0.${i & 255}.${i % 9}`)) found--;
  }
  expect(found).toBe(4 * n);
});
