/** Lists from files and from a web server on loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configSchema, type Config } from './config-schema.ts';
import { fetchList, refusedRedirect } from './intelligence-fetch.ts';
import { IntelligenceLists, readLists, type ListState } from './intelligence.ts';

let folder: string;
let server: Server;
let base: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const asked: IncomingMessage[] = [];
const open: IntelligenceLists[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'moat-intel-'));
  asked.length = 0;
  server = createServer((request, response) => { asked.push(request); answer(request, response); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((lists) => lists.close()));
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
  rmSync(folder, { recursive: true, force: true });
});

const config = (lists: object[], builtin = false): Config['intelligence'] => configSchema.parse({ intelligence: { builtin, lists } }).intelligence;
let clock = Date.UTC(2026, 5, 1);

function start(): { lists: IntelligenceLists; said: string[]; of: (name: string) => ListState } {
  const said: string[] = [];
  const lists = new IntelligenceLists({ dataFolder: folder, version: '0', fileEveryMs: 10, now: () => clock, health: (part, state, detail) => said.push(`${part} ${state} ${detail?.en ?? ''}`) });
  open.push(lists);
  return { lists, said, of: (name) => { const state = lists.state().find((list) => list.name === name); if (!state) throw new Error(`no list ${name}`); return state; } };
}
async function until(met: () => boolean): Promise<void> { while (!met()) await sleep(5); }
const text = (body: string, headers: Record<string, string> = {}) => (_: IncomingMessage, response: ServerResponse): void => { response.writeHead(200, headers).end(body); };

it('reads files of every form beside one another', async () => {
  writeFileSync(join(folder, 'plain.txt'), '203.0.113.1\n198.51.100.0/24\nbad.example\n');
  writeFileSync(join(folder, 'table.csv'), 'ip,seen\n203.0.113.2,x\n203.0.113.3,y\n');
  writeFileSync(join(folder, 'misp.json'), JSON.stringify({ Event: { Attribute: [{ type: 'ip-dst', value: '203.0.113.4', to_ids: true }] } }));
  writeFileSync(join(folder, 'stix.json.gz'), gzipSync(JSON.stringify({ type: 'bundle', objects: [{ type: 'indicator', pattern: "[domain-name:value = 'worse.example']" }] })));
  const { lists, of } = start();
  await lists.configure(config([
    { name: 'plain', file: join(folder, 'plain.txt'), what: 'c2' }, { name: 'table', file: join(folder, 'table.csv'), level: 'low' },
    { name: 'misp', file: join(folder, 'misp.json') }, { name: 'stix', file: join(folder, 'stix.json.gz') },
  ], true));
  await until(() => lists.state().every((list) => list.state === 'live'));
  const { intelligence } = lists;
  expect(lists.state().map(({ name, format, level, entries }) => [name, format, level, entries.address, entries.domain])).toEqual([
    ['plain', 'plain', 'high', 2, 1], ['table', 'csv', 'low', 2, 0], ['misp', 'misp', 'medium', 1, 0], ['stix', 'stix', 'medium', 0, 1], ['pools', 'plain', 'high', 0, 20],
  ]);
  expect([intelligence.address('198.51.100.9'), intelligence.address('203.0.113.3')?.list, intelligence.address('203.0.113.4')?.list, intelligence.domain('x.worse.example')?.list, intelligence.domain('pool.supportxmr.com')])
    .toEqual([{ kind: 'address', value: '198.51.100.0/24', what: 'c2', list: 'plain', level: 'high' }, 'table', 'misp', 'stix', { kind: 'domain', value: 'supportxmr.com', what: 'miner', list: 'pools', level: 'high' }]);
  expect(of('plain').source).toBe(join(folder, 'plain.txt'));
});

it('asks again only for what changed, and keeps the last good copy over a restart', async () => {
  let body = '203.0.113.1\n';
  answer = (request, response) => {
    const tag = `"${body.length}"`;
    if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
    else response.writeHead(200, { etag: tag, 'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT' }).end(body);
  };
  const settings = config([{ name: 'feed', url: `${base}/list.txt`, refresh_hours: 1, expire_days: 2 }]);
  const first = start();
  await first.lists.configure(settings);
  await until(() => first.of('feed').state === 'live');
  expect(first.lists.intelligence.address('203.0.113.1')).toMatchObject({ list: 'feed', expires: clock + 2 * 86_400_000 });
  expect(first.of('feed')).toMatchObject({ updated: clock, next: clock + 3_600_000 });
  await first.lists.close();
  expect(readdirSync(join(folder, 'intelligence')).sort()).toEqual(['feed.json', 'feed.list']);

  // Not due yet: what is on disk is used, nothing is asked.
  clock += 1_800_000;
  const second = start();
  await second.lists.configure(settings);
  await until(() => second.of('feed').next !== undefined);
  expect([asked.length, second.lists.intelligence.address('203.0.113.1')?.list]).toEqual([1, 'feed']);
  await second.lists.close();

  clock += 3_600_000;
  const third = start();
  await third.lists.configure(settings);
  await until(() => third.of('feed').next !== undefined);
  expect(asked[1]?.headers).toMatchObject({ 'if-none-match': '"12"', 'if-modified-since': 'Mon, 01 Jun 2026 00:00:00 GMT', 'user-agent': 'moat/0' });
  expect(third.lists.intelligence.address('203.0.113.1')).toMatchObject({ expires: clock + 2 * 86_400_000 });
  await third.lists.close();

  clock += 3_600_000;
  body = '203.0.113.22\n';
  const fourth = start();
  await fourth.lists.configure(settings);
  await until(() => fourth.lists.intelligence.address('203.0.113.22') !== undefined);
  expect(fourth.lists.intelligence.address('203.0.113.1')).toBeUndefined();
  // A feed that is never fetched again goes stale by itself.
  clock += 3 * 86_400_000;
  expect(fourth.lists.intelligence.address('203.0.113.22')).toBeUndefined();
});

it('keeps the old list when an update is bad, and says so', async () => {
  answer = text('203.0.113.1\n');
  const settings = config([{ name: 'feed', url: `${base}/list.txt`, refresh_hours: 1 }]);
  const before = start();
  await before.lists.configure(settings);
  await until(() => before.of('feed').state === 'live');
  await before.lists.close();
  const bad: [string, typeof answer, string][] = [
    ['a page of another kind', text('<html>\n<h1>Sign in</h1>\n</html>\n'), 'expected a plain list, got 0 of 3 lines understood'],
    ['nothing', text(''), 'expected a list, got an empty file'],
    ['an error', (_, response) => { response.writeHead(503).end('later'); }, 'expected status 200, got 503'],
    ['an end in the middle', (_, response) => { response.writeHead(200, { 'content-length': '1000' }).write('203.0.113.9\n', () => { response.destroy(); }); }, 'expected an answer, got '],
  ];
  for (const [what, answers, fault] of bad) {
    answer = answers;
    clock += 3_700_000;
    const { lists, said, of } = start();
    await lists.configure(settings);
    await until(() => of('feed').fault !== undefined);
    expect(of('feed').fault, what).toContain(fault);
    expect(said.at(-1), what).toContain('intelligence feed blind');
    expect(said.at(-1), what).toMatch(/; the 1 entries of 2026-\d\d-\d\d stay$/);
    expect(lists.intelligence.address('203.0.113.1')?.list, what).toBe('feed');
    expect(readFileSync(join(folder, 'intelligence/feed.list'), 'utf8'), what).toBe('203.0.113.1\n');
    expect(readdirSync(join(folder, 'intelligence')).sort(), what).toEqual(['feed.json', 'feed.list']);
    // Sooner again than usual, since it failed.
    await until(() => of('feed').next !== undefined);
    expect(of('feed').next, what).toBe(clock + 300_000);
    await lists.close();
  }
});

it('bounds what it takes from a server in size and time', async () => {
  answer = (_, response) => {
    const flood = (): void => { while (!response.destroyed && response.write('203.0.113.1\n'.repeat(1000))); response.once('drain', flood); };
    flood();
  };
  const options = { etag: undefined, modified: undefined, agent: 'x', signal: new AbortController().signal };
  await expect(fetchList(base, join(folder, 'x'), { ...options, bytesMax: 100_000 })).rejects.toMatchObject({ code: 'too-large' });
  answer = () => undefined;
  await expect(fetchList(base, join(folder, 'x'), { ...options, timeoutMs: 100 })).rejects.toMatchObject({ code: 'unreachable', message: 'expected an answer in time, got none' });
  await expect(fetchList('http://127.0.0.1:1/', join(folder, 'x'), options)).rejects.toMatchObject({ code: 'unreachable' });
});

it('reads a file again when it changes, and keeps what it had when it turns bad or goes', async () => {
  const file = join(folder, 'own.txt');
  const { lists, said } = start();
  const saying = (what: string): Promise<void> => until(() => said.at(-1)?.includes(what) === true);
  await lists.configure(config([{ name: 'own', file }]));
  await saying('intelligence own blind ENOENT');
  // The operator's own list may name this machine.
  writeFileSync(file, '127.0.0.1\n');
  await saying('intelligence own live 1 entries');
  writeFileSync(file, '127.0.0.1\n203.0.113.1\n\n');
  await saying('intelligence own live 2 entries');
  writeFileSync(file, 'these are words\nand no list\n');
  await saying('intelligence own blind expected a plain list, got 0 of 2 lines understood; the 2 entries of ');
  rmSync(file);
  await saying('ENOENT');
  expect(lists.intelligence.address('127.0.0.1')?.list).toBe('own');
});

it('a new configuration keeps the lists that stay and drops the others', async () => {
  answer = text('203.0.113.1\n');
  const [a, b] = [{ name: 'a', url: `${base}/a` }, { name: 'b', url: `${base}/b` }];
  const { lists, of } = start();
  await lists.configure(config([a, b]));
  await until(() => lists.state().every((list) => list.state === 'live'));
  await lists.configure(config([b, { name: 'c', url: `${base}/c`, what: 'tor' }]));
  await until(() => of('c').state === 'live');
  expect(lists.state().map((list) => list.name)).toEqual(['b', 'c']);
  expect(new Set(asked.map((request) => request.url))).toEqual(new Set(['/a', '/b', '/c']));
  expect([asked.length, lists.intelligence.size]).toEqual([3, 2]);
});

it('is read without the network for a question', async () => {
  answer = text('203.0.113.1\n');
  const settings = config([{ name: 'feed', url: `${base}/list.txt` }, { name: 'never', url: `${base}/never.txt` }, { name: 'gone', file: '/nowhere/list.txt' }]);
  const { lists, of } = start();
  await lists.configure(config([{ name: 'feed', url: `${base}/list.txt` }]));
  await until(() => of('feed').state === 'live');
  await lists.close();
  const { intelligence, states } = await readLists(settings, folder);
  expect(intelligence.address('203.0.113.1')?.list).toBe('feed');
  expect(states.map((state) => state.state)).toEqual(['live', 'blind', 'blind']);
  expect(asked.length).toBe(1);
});

it('refuses settings that cannot be', () => {
  const fault = (list: object): string => configSchema.safeParse({ intelligence: { lists: [list] } }).error?.issues[0]?.message ?? '';
  expect(fault({ name: 'x' })).toBe('expected either file or url');
  expect(fault({ name: 'x', file: 'a', url: 'http://a.example' })).toBe('expected either file or url');
  expect(fault({ name: '../x', file: 'a' })).not.toBe('');
  expect(fault({ name: 'x', url: 'ftp://a.example' })).not.toBe('');
  expect(configSchema.safeParse({ intelligence: { lists: [{ name: 'x', file: 'a' }, { name: 'x', file: 'b' }] } }).error?.issues[0]?.message).toBe('expected a different name for each list');
});

it('a list leads nowhere that only this machine or its network reaches', async () => {
  const refused = (to: string, from = 'https://lists.example/bad.txt', resolved: string[] = ['198.51.100.7']): Promise<string | undefined> => refusedRedirect(new URL(from), new URL(to, from), (name) => { expect(name).not.toMatch(/^[\d.:]+$/); return Promise.resolve(resolved); });
  for (const to of ['https://cdn.example/x', '/other', 'https://203.0.113.9/x', 'https://[2001:db8::1]/x']) expect(await refused(to), to).toBeUndefined();
  for (const to of ['https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://017700000001/', 'https://127.1/', 'https://0/', 'https://169.254.169.254/latest/meta-data', 'https://100.100.100.200/', 'https://10.0.0.1/', 'https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[fe80::1]/', 'https://[fd00::1]/', 'https://[64:ff9b::7f00:1]/', 'https://x@127.0.0.1/', 'https://\uff11\uff12\uff17.0.0.1/']) expect(await refused(to), to).toContain('not of the internet');
  expect(await refused('https://rebound.example/', undefined, ['198.51.100.7', '127.0.0.1'])).toContain('not of the internet');
  expect(await refused('https://localhost/', undefined, ['::1'])).toContain('not of the internet');
  for (const to of ['http://cdn.example/x', 'file:///etc/shadow', 'ftp://cdn.example/', 'data:text/plain,x', 'gopher://127.0.0.1/']) expect(await refused(to), to).toContain('not https all the way');
  expect(await refused('http://127.0.0.2/', 'http://127.0.0.1/list'), 'a mirror inside').toBeUndefined();
});

it('follows redirects, but not for ever, and to the metadata of no cloud', async () => {
  const options = { etag: undefined, modified: undefined, agent: 'moat', signal: new AbortController().signal };
  const lead = (to: (path: string) => string): void => { answer = (request, response) => { const next = to(request.url ?? ''); if (next === '') response.end('203.0.113.1\n'); else response.writeHead(302, { location: next }).end(); }; };
  lead((path) => (path === '/3' ? '' : `/${Number(path.slice(1)) + 1}`));
  expect(await fetchList(`${base}/0`, join(folder, 'x'), options)).toMatchObject({ changed: true });
  expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('203.0.113.1\n');
  lead((path) => `${path}x`);
  await expect(fetchList(`${base}/`, join(folder, 'x'), options)).rejects.toMatchObject({ code: 'unreachable', message: 'expected at most 5 redirects, got more' });
  for (const [to, said] of [['http://169.254.169.254/latest/meta-data/', /169\.254\.169\.254, which is not of the internet/], ['file:///etc/passwd', /to file, not https/], ['http://[', /to no address/]] as const) {
    lead(() => to);
    await expect(fetchList(`${base}/`, join(folder, 'x'), options), to).rejects.toMatchObject({ code: 'unreachable', message: expect.stringMatching(said) as unknown });
  }
});
