import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openResponse, type Response } from '../../test/actions.ts';
import { lacks } from '../../test/need.ts';
import { measureActions, measureWorld } from '../../test/scenes/measure-world.ts';
import { Protection } from '../actions/protection.ts';
import { parseNetwork } from '../core/networks.ts';
import { blocklistText, readBlocklist, writeBlocklist } from './blocklist-file.ts';
import { blocklistHandlers, type ImportCounts } from './blocklists.ts';

describe('a block list as a file', () => {
  it.each([
    ['plain', '# ours\n203.0.113.9\n198.51.100.0/24   scans all day\n2001:db8::9 # bot\n\nnot an address\n203.0.113.9\n', { format: 'plain', bad: 1, first: 6, twins: 1 }, [['203.0.113.9', ''], ['198.51.100.0/24', 'scans all day'], ['2001:db8::9', 'bot']]],
    ['CSV by the names of columns', 'reason;ip;expires\n"guesses; often";203.0.113.9;2030-01-01T00:00:00Z\nx;nothing;\ny;198.51.100.7;soon\n', { format: 'csv', bad: 2, first: 3, twins: 0 }, [['203.0.113.9', 'guesses; often']]],
    ['CSV without names', '1,203.0.113.9,x\n2,198.51.100.0/24,y\n', { format: 'csv', bad: 0, twins: 0 }, [['203.0.113.9', ''], ['198.51.100.0/24', '']]],
    ['JSON lines', '{"ip":"203.0.113.9","until":4102444800,"reason":"bot"}\n{"ip":7}\n[1]\n{"network":"2001:db8::/64"}\n', { format: 'jsonl', bad: 2, first: 2, twins: 0 }, [['203.0.113.9', 'bot'], ['2001:db8::/64', '']]],
  ])('reads %s and counts what is none', (_, text, head, rows) => {
    const { entries, first, ...read } = readBlocklist(text);
    expect({ ...read, ...(first !== undefined && { first }) }).toEqual(head);
    expect(entries.map(({ network, why }) => [network, why])).toEqual(rows);
  });

  it('comes back as it was written, whatever the reasons hold', () => {
    const rows = [{ network: '203.0.113.9', since: 0, until: 4_102_444_800_000, why: '=cmd|x, "quoted"\nnew line', by: 'link:ban', times: 3 }, { network: '2001:db8::/64', since: 0, why: '', by: 'operator:wang', list: 'shared', times: 0 }];
    for (const format of ['plain', 'csv', 'jsonl'] as const) {
      const { entries, bad } = readBlocklist(writeBlocklist(rows, format));
      expect([format, bad, entries.map(({ network }) => network)]).toEqual([format, 0, rows.map(({ network }) => network)]);
      if (format !== 'plain') expect(entries[0]).toMatchObject({ until: 4_102_444_800_000, why: expect.stringContaining('cmd|x, "quoted"') });
    }
    expect(writeBlocklist(rows, 'csv')).not.toMatch(/(?:^|,)"?=/m);
  });

  it('is not fooled by what is no list, nor slowed down by long lines', () => {
    expect(readBlocklist(`<html>\n${'a'.repeat(100_000)}\n${'"'.repeat(50_000)}\n`)).toMatchObject({ entries: [], bad: 3, first: 1 });
    expect(readBlocklist('').entries).toEqual([]);
  });

  it('stands ten million lines of nothing, one endless line, and more addresses than there is room for', () => {
    expect(readBlocklist('\n'.repeat(10_000_000))).toMatchObject({ entries: [], bad: 0 });
    expect(readBlocklist(`203.0.113.9\n${'1'.repeat(20_000_000)}\n203.0.113.10`)).toMatchObject({ entries: [{ network: '203.0.113.9' }, { network: '203.0.113.10' }], bad: 1, first: 2 });
    const many = function* (): Iterable<string> { for (let i = 0; i < 900_001; i++) yield `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`; };
    expect(() => readBlocklist([...many()].join('\n'))).toThrow('expected at most 900000 addresses and networks');
  });

  it('is read no further than a list may be long, also from what tells no size', () => {
    expect(() => blocklistText('/dev/zero')).toThrow('expected a list of at most 64 MiB, got more');
    expect(() => blocklistText('/proc/self')).toThrow('EISDIR');
    expect(blocklistText('/proc/self/status')).toContain('VmRSS');
  });
});

const namespace = `mtl${process.pid}`;
describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip'] }))('a shared list', () => {
  let dir: string, response: Response, wall: Awaited<ReturnType<typeof measureWorld>>['wall'], handlers: ReturnType<typeof blocklistHandlers>;
  beforeAll(async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    dir = mkdtempSync(join(tmpdir(), 'moat-lists-'));
    const world = await measureWorld(namespace);
    ({ wall } = world);
    response = openResponse(dir, (parts) => measureActions(world.world(parts)));
    const protection = new Protection({ root: '/nonexistent', allow: [parseNetwork('203.0.113.200')!], own: () => [parseNetwork('192.0.2.1')!, parseNetwork('2001:db8::1')!], now: Date.now });
    handlers = blocklistHandlers({ store: response.store.response, journal: response.journal, firewall: () => Promise.resolve(wall), protection, now: Date.now, asked: () => ({ by: 'operator:wang', why: 'shared by a friend' }) });
  });
  afterAll(async () => {
    await response.close();
    wall.close();
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(dir, { recursive: true });
  });
  const bring = (...networks: string[]): Promise<ImportCounts> => handlers['blocklist-import']!({ list: 'friends', entries: networks.map((network) => ({ network, why: '' })) }) as Promise<ImportCounts>;
  const blocked = async (): Promise<string[]> => (await wall.list()).map(({ network }) => network.text).toSorted();

  it('is blocked under its name, once, but for what is never blocked', async () => {
    expect(await bring('203.0.113.9', '198.51.100.0/24', '127.0.0.1', '203.0.113.200', 'x')).toMatchObject({ added: 2, there: 0, refused: 2, bad: 1, why: [{ network: '127.0.0.1' }, { network: '203.0.113.200' }] });
    expect(await blocked()).toEqual(['198.51.100.0/24', '203.0.113.9']);
    const before = response.store.response.block('203.0.113.9');
    expect(before).toMatchObject({ list: 'friends', why: 'shared by a friend', times: 0 });
    expect(await bring('203.0.113.9', '198.51.100.0/24')).toMatchObject({ added: 0, there: 2 });
    expect(response.store.response.block('203.0.113.9')).toEqual(before);
  });

  it('is no way to cut off the machine, the operator or everybody, however it is written; what overlaps stands side by side', async () => {
    const everybody = ['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96', '128.0.0.0/1', '2000::/3'], ours = ['127.0.0.1', '::ffff:127.0.0.1', '192.0.2.1', '192.0.2.0/24', '2001:db8::1', '2001:db8::/64', '203.0.113.200/32', '0:0:0:0:0:ffff:203.0.113.200', 'fe80::1%eth0'];
    expect(await bring(...everybody, ...ours)).toMatchObject({ added: 0, refused: everybody.length + ours.length });
    const overlapping = ['198.18.0.0/15', '198.18.0.0/16', '198.18.7.7', '198.18.7.7/32', '2001:db8:9::/48', '2001:db8:9:1::/64'];
    expect(await bring(...overlapping)).toMatchObject({ added: 5 });
    expect(await blocked()).toEqual(expect.arrayContaining(['198.18.0.0/15', '198.18.0.0/16', '198.18.7.7', '2001:db8:9::/48', '2001:db8:9:1::/64']));
    // The packet filter made anew from the ledger takes them too.
    await wall.replace([...response.store.response.blocks()].map(({ network, until }) => ({ network: parseNetwork(network)!, until })));
    expect(await handlers['blocklist-drop']!({ list: 'friends' })).toEqual({ lifted: 7 });
    expect(await blocked()).toEqual([]);
    // Nothing is left of them that would fill the ledger.
    expect(response.store.response.block('198.18.0.0/15')).toBeUndefined();
    expect(await bring('203.0.113.9', '198.51.100.0/24')).toMatchObject({ added: 2 });
  });

  it('leaves room for who attacks, and goes when its time is over', async () => {
    const { response: store } = response.store;
    const full = { ...store, countBlocks: () => 899_999, block: (network: string) => store.block(network) };
    const crowded = blocklistHandlers({ store: full, journal: response.journal, firewall: () => Promise.resolve(wall), protection: { address: () => undefined }, now: Date.now, asked: () => ({ by: 'operator:wang', why: '' }) });
    await expect(crowded['blocklist-import']!({ list: 'friends', entries: [{ network: '198.18.0.1' }, { network: '198.18.0.2' }] })).rejects.toMatchObject({ code: 'too-large' });
    expect(store.block('198.18.0.1')).toBeUndefined();
    await handlers['blocklist-import']!({ list: 'short', entries: [{ network: '198.18.0.3', until: Date.now() + 1000 }] });
    store.prune(Date.now() + 2000);
    expect(store.block('198.18.0.3')).toBeUndefined();
    expect([...store.blocks(undefined, '198.51.100.0/24')].map(({ network }) => network)).toEqual(['203.0.113.9']);
    await wall.unblock([parseNetwork('198.18.0.3')!]);
  });

  it('leaves alone who is blocked for longer, and goes away whole', async () => {
    const { id } = await response.runner.run({ action: 'block-address', input: { address: '203.0.113.10' }, by: 'operator:wang', why: 'mine', via: 'test' });
    expect(await bring('203.0.113.10')).toMatchObject({ added: 0, there: 1 });
    expect(await handlers['blocklist-drop']!({ list: 'friends' })).toEqual({ lifted: 2 });
    expect(await blocked()).toEqual(['203.0.113.10']);
    expect(await handlers['blocklist-drop']!({ list: 'friends' })).toEqual({ lifted: 0 });
    await response.runner.undo(id, { by: 'operator:wang', via: 'test', why: '' });
    expect([...response.store.response.audit(1)].map(({ operation }) => operation)).toEqual(['import blocklist', 'import blocklist', 'drop blocklist', 'import blocklist', 'import blocklist', 'block-address', 'drop blocklist', 'undo block-address']);
  });

  it.each([[{ list: 'a b', entries: [] }], [{ list: 'x', entries: 7 }], [{ entries: [] }]])('refuses %j', async (argument) => { await expect(handlers['blocklist-import']!(argument)).rejects.toMatchObject({ code: 'bad-input' }); });
});
