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
import { readBlocklist, writeBlocklist } from './blocklist-file.ts';
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
    const protection = new Protection({ root: '/nonexistent', allow: [parseNetwork('203.0.113.200')!], own: () => [], now: Date.now });
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

  it('leaves alone who is blocked for longer, and goes away whole', async () => {
    const { id } = await response.runner.run({ action: 'block-address', input: { address: '203.0.113.10' }, by: 'operator:wang', why: 'mine', via: 'test' });
    expect(await bring('203.0.113.10')).toMatchObject({ added: 0, there: 1 });
    expect(await handlers['blocklist-drop']!({ list: 'friends' })).toEqual({ lifted: 2 });
    expect(await blocked()).toEqual(['203.0.113.10']);
    expect(await handlers['blocklist-drop']!({ list: 'friends' })).toEqual({ lifted: 0 });
    await response.runner.undo(id, { by: 'operator:wang', via: 'test', why: '' });
    expect([...response.store.response.audit(1)].map(({ operation }) => operation)).toEqual(['import blocklist', 'block-address', 'drop blocklist', 'undo block-address']);
  });

  it.each([[{ list: 'a b', entries: [] }], [{ list: 'x', entries: 7 }], [{ entries: [] }]])('refuses %j', async (argument) => { await expect(handlers['blocklist-import']!(argument)).rejects.toMatchObject({ code: 'bad-input' }); });
});
