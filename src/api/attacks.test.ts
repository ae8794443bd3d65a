/** What a skilled intruder tries at the server, one after the other; SECURITY.md names these tests. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { generateSync } from 'otplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type ApiServer, cookieOf, password, startApiServer } from '../../test/api-server.ts';
import { callerOf } from './access/caller.ts';
import { routes } from './routes/catalogue.ts';

let here: ApiServer;
beforeEach(async () => { here = await startApiServer(); });
afterEach(() => here.stop());

type Headers = Record<string, string>;
const send = (method: string, path: string, body: unknown, headers: Headers = {}): Promise<Answer> => here.ask(`/api/v1${path}`, { method, headers, body });
const get = (path: string, headers: Headers = {}): Promise<Answer> => here.ask(`/api/v1${path}`, { headers });
const logOn = (name: string, more: object = {}): Promise<Answer> => send('POST', '/session', { name, password, ...more });
const codes = (answers: readonly Answer[]): unknown[] => answers.map(({ status, body }) => (typeof body['code'] === 'string' ? body['code'] : status)).toSorted((a, b) => `${a}`.localeCompare(`${b}`));
/** From any address; what a proxy would claim goes along. */
const from = async (remoteAddress: string, method: 'GET' | 'POST', url: string, payload?: object, headers: Headers = {}): Promise<number> => (await here.server.app.inject({ remoteAddress, method, url: `/api/v1${url}`, headers: { host: 'localhost', ...headers }, ...(payload && { payload }) })).statusCode;

describe('a stolen session, or a screen left open', () => {
  it('makes nothing that would let somebody in later: that takes the password', async () => {
    const owner = await here.as('owner');
    await here.as('reader'); await here.as('administrator');
    const account = { name: 'spare', role: 'reader', password: 'a sentence that is long' }, token = { name: 'spare', role: 'reader', days: 366 };
    const change = '/accounts/id-reader', before = here.store.accounts.account('id-reader');
    const changes = [{ password: 'a sentence that is long' }, { role: 'administrator' }, { totp: false }, { passkeys: false }, { scope: null }, { scope: { groups: ['web'] } }, { disabled: false }, { disabled: true, role: 'owner' }, { disabled: true, totp: false }];
    for (const [method, path, body] of [['POST', '/accounts', account], ['POST', '/tokens', token], ...changes.map((one) => ['PATCH', change, one] as const), ['PATCH', '/accounts/id-administrator', { role: 'reader' }], ['POST', '/passkeys/options', {}], ['DELETE', '/session/totp', {}]] as const) {
      if (path.startsWith('/passkeys') || path.startsWith('/session')) { expect((await send(method, path, body, owner)).body, path).toMatchObject({ code: 'bad-input' }); continue; }
      expect((await send(method, path, body, owner)).body, path).toMatchObject({ code: 'bad-input' });
      expect((await send(method, path, { ...body, own_password: 'not this one' }, owner)).body, path).toMatchObject({ code: 'wrong-credentials' });
      here.clock += 3_600_000; // guessing is slowed; that has a test of its own
    }
    expect(here.store.accounts.account('id-reader')).toEqual(before);
    expect(here.store.accounts.byName('spare')).toBeUndefined();
    expect(here.store.accounts.tokens()).toEqual([]);
    expect((await logOn('reader-li')).status, 'the password is as it was').toBe(200);
    expect((await send('PATCH', '/accounts/id-reader', { password: 'a sentence that is long', own_password: password }, owner)).status).toBe(200);
    expect((await logOn('reader-li')).status).toBe(401);
  });

  it('is no place to guess the password either', async () => {
    const reader = await here.as('reader');
    const guess = (body: object): Promise<Answer> => send('PUT', '/session/password', { new_password: 'a sentence that is long', ...body }, reader);
    for (let i = 0; i < 5; i++) expect((await guess({ password: `guess ${i}` })).body).toMatchObject({ code: 'wrong-credentials' });
    expect((await guess({ password })).body).toMatchObject({ code: 'too-many' });
    expect((await send('POST', '/session/totp', { password }, reader)).body, 'nor elsewhere').toMatchObject({ code: 'too-many' });
    expect(here.audited().filter((entry) => entry === 'account:reader-li prove reader-li')).toHaveLength(5);
    here.clock += 30_001;
    expect((await guess({ password })).status).toBe(200);
  });

  it('ends when the password is changed, the role is, or the account is turned off; so do its tokens and what was granted', async () => {
    const owner = await here.as('owner'), other = await here.as('responder'), own = await here.as('responder');
    const { body } = await send('POST', '/tokens', { name: 'x', role: 'responder', days: 1, own_password: password }, own);
    const token = { authorization: `Bearer ${String(body['secret'])}` };
    expect((await send('PUT', '/session/password', { password, new_password: 'a sentence that is long' }, own)).status).toBe(200);
    expect([(await get('/alerts', own)).status, (await get('/alerts', other)).status]).toEqual([200, 401]);
    const asked = await send('POST', '/elevations', { role: 'administrator', minutes: 60, why: 'night shift' }, own);
    expect((await send('POST', `/elevations/${String(asked.body['id'])}/approve`, {}, owner)).status).toBe(200);
    expect((await get('/audit', own)).status).toBe(200);
    expect((await send('PATCH', '/accounts/id-responder', { role: 'reader', own_password: password }, owner)).status).toBe(200);
    expect((await get('/alerts', own)).status, 'its sessions end').toBe(401);
    expect((await get('/audit', await here.as('responder'))).status, 'and what was granted to it').toBe(403);
    const act = async (): Promise<number> => (await send('POST', '/blocks', { address: '203.0.113.9', why: 'x' }, token)).status;
    expect(await act(), 'its token is a reader\'s').toBe(403);
    expect((await get('/alerts', token)).status).toBe(200);
    expect((await send('PATCH', '/accounts/id-responder', { disabled: true }, owner)).status).toBe(200);
    expect((await get('/alerts', token)).status).toBe(401);
    expect((await logOn('responder-li', { password: 'a sentence that is long' })).status).toBe(401);
  });

  it('is thrown out by a password that somebody else sets: what it made with the old one ends too, and is counted', async () => {
    const owner = await here.as('owner'), stolen = await here.as('responder'), reader = await here.as('reader');
    const make = async (headers: Headers): Promise<Headers> => ({ authorization: `Bearer ${String((await send('POST', '/tokens', { name: 'x', role: 'reader', days: 366, own_password: password }, headers)).body['secret'])}` });
    const tokens = [await make(stolen), await make(stolen)], anothers = await make(reader);
    const statuses = (): Promise<number[]> => Promise.all([...tokens, anothers].map(async (token) => (await get('/alerts', token)).status));
    expect((await send('PUT', '/session/password', { password, new_password: 'a sentence that is long' }, stolen)).status).toBe(200);
    expect(await statuses(), 'programs go on when one changes one\'s own').toEqual([200, 200, 200]);
    expect((await send('PATCH', '/accounts/id-responder', { password: 'another sentence that is long', own_password: password }, owner)).status).toBe(200);
    expect(await statuses()).toEqual([401, 401, 200]);
    expect((await get('/alerts', stolen)).status).toBe(401);
    const [{ items }] = [(await get('/audit?limit=20', owner)).body as { items: { operation: string; result: string }[] }];
    expect(items.filter(({ operation }) => /password|account-change/.test(operation)).map(({ result }) => result)).toEqual(['password set, 2 API tokens ended', '0 other sessions ended, 2 API tokens stay']);
  });
});

describe('raising oneself', () => {
  it('rights for a while make nobody who has them for good', async () => {
    const owner = await here.as('owner'), raised = await here.as('responder');
    const { body } = await send('POST', '/elevations', { role: 'administrator', minutes: 60, why: 'night shift' }, raised);
    await send('POST', `/elevations/${String(body['id'])}/approve`, {}, owner);
    expect((await get('/accounts', raised)).status).toBe(200);
    expect((await send('PATCH', '/accounts/id-responder', { role: 'administrator' }, raised)).body, 'itself').toMatchObject({ code: 'not-permitted' });
    expect((await send('POST', '/accounts', { name: 'spare', role: 'administrator', password: 'a sentence that is long', own_password: password }, raised)).body).toMatchObject({ code: 'not-permitted' });
    expect((await send('POST', '/tokens', { name: 'spare', role: 'administrator', days: 1, own_password: password }, raised)).body).toMatchObject({ code: 'not-permitted' });
    expect((await send('POST', '/accounts', { name: 'helper', role: 'analyst', password: 'a sentence that is long', own_password: password }, raised)).status, 'what it may itself').toBe(201);
  });

  it('who is for some hosts makes nobody for others, nor itself', async () => {
    const owner = await here.as('owner');
    await here.as('administrator'); await here.as('reader');
    await send('PATCH', '/accounts/id-administrator', { scope: { groups: ['web'] }, own_password: password }, owner);
    const held = await here.as('administrator');
    const add = (name: string, scope?: object): Promise<Answer> => send('POST', '/accounts', { name, role: 'reader', password: 'a sentence that is long', own_password: password, ...(scope && { scope }) }, held);
    expect((await add('everywhere')).body).toMatchObject({ code: 'not-permitted' });
    expect((await add('elsewhere', { groups: ['web', 'database'] })).body).toMatchObject({ code: 'not-permitted' });
    expect((await add('here', { groups: ['web'], environments: ['test'] })).status).toBe(201);
    expect((await add('reads-all', { groups: ['web'], outside: 'read' })).body, 'to read elsewhere is more than it may').toMatchObject({ code: 'not-permitted' });
    expect((await send('PATCH', '/accounts/id-administrator', { scope: null }, held)).body).toMatchObject({ code: 'not-permitted' });
    expect((await send('PATCH', '/accounts/id-reader', { disabled: true }, held)).body, 'somebody of all hosts').toMatchObject({ code: 'not-permitted' });
    expect((await send('POST', '/accounts', { name: 'some', role: 'owner', password: 'a sentence that is long', own_password: password, scope: { groups: ['web'] } }, owner)).body, 'an owner is for all').toMatchObject({ code: 'conflict' });
  });

  it('nobody ends the token of somebody who may more, or reads another\'s', async () => {
    const owner = await here.as('owner'), administrator = await here.as('administrator'), reader = await here.as('reader');
    const { body } = await send('POST', '/tokens', { name: 'x', role: 'reader', days: 1, own_password: password }, owner);
    const path = `/tokens/${(body['token'] as { id: string }).id}`;
    expect((await send('DELETE', path, {}, administrator)).body).toMatchObject({ code: 'not-permitted' });
    expect((await send('DELETE', path, {}, reader)).body, 'whether it is there is not told').toMatchObject({ code: 'not-found' });
    expect((await get('/tokens', reader)).body).toEqual({ items: [] });
    const theirs = (await get('/session/all', owner)).body['items'] as { id: string }[];
    expect((await send('DELETE', `/session/all/${theirs[0]!.id}`, {}, reader)).body).toMatchObject({ code: 'not-found' });
  });
});

describe('two at once', () => {
  it('with the set-up link: one is the owner', async () => {
    const token = here.world.setUp.begin()!;
    expect(codes(await Promise.all(['li', 'wang'].map((name) => send('POST', '/setup', { token, name, password }))))).toEqual([201, 'gone']);
    expect(here.store.accounts.accounts()).toHaveLength(1);
  });

  it('with one name, one code of an authenticator, or one recovery code: one has it', async () => {
    const owner = await here.as('owner');
    const add = (): Promise<Answer> => send('POST', '/accounts', { name: 'wang', role: 'reader', password: 'a sentence that is long', own_password: password }, owner);
    const added = await Promise.all([add(), add()]);
    expect(added.map(({ status }) => status === 201)).toContain(true);
    expect(here.store.accounts.accounts().filter(({ name }) => name === 'wang')).toHaveLength(1);
    expect(here.faults).toEqual([]);
    const reader = await here.as('reader');
    const { secret } = (await send('POST', '/session/totp', { password }, reader)).body as { secret: string };
    const code = (): string => generateSync({ secret, epoch: Math.floor(here.clock / 1000) });
    const { recovery } = (await send('PUT', '/session/totp', { code: code() }, reader)).body as { recovery: string[] };
    here.clock += 30_000;
    expect(codes(await Promise.all([1, 2].map(() => logOn('reader-li', { code: code() }))))).toEqual([200, 'wrong-credentials']);
    expect(codes(await Promise.all([1, 2].map(() => logOn('reader-li', { code: recovery[0] }))))).toEqual([200, 'wrong-credentials']);
  });

  it('owners who turn each other off: one stays', async () => {
    const one = await here.as('owner');
    here.store.accounts.save({ ...here.store.accounts.byName('owner-li')!, id: 'id-second', name: 'second' });
    const { headers: entered, body } = await logOn('second');
    const two = { 'cookie': cookieOf({ headers: entered } as Answer), 'x-moat-csrf': String(body['csrf']) };
    const off = { disabled: true, password: 'a sentence that is long', own_password: password };
    await Promise.all([send('PATCH', '/accounts/id-second', off, one), send('PATCH', '/accounts/id-owner', off, two)]);
    expect(here.store.accounts.accounts().filter(({ role, disabled }) => role === 'owner' && !disabled)).toHaveLength(1);
  });
});

describe('many addresses of one caller', () => {
  it('are one caller: the /64 of IPv6, also behind another writing of IPv4; what a proxy claims counts for nothing', async () => {
    expect(['2001:db8:1:2:3:4:5:6', '2001:DB8:1:2::9', '::ffff:203.0.113.9', '203.0.113.9', 'fe80::1%eth0', ''].map(callerOf)).toEqual(['2001:db8:1:2::/64', '2001:db8:1:2::/64', '203.0.113.9', '203.0.113.9', 'fe80::/64', '']);
    const guess = (address: string): Promise<number> => from(address, 'POST', '/session', { name: 'nobody', password: 'wrong' }, { 'x-forwarded-for': `198.51.100.${Math.floor(Math.random() * 200)}`, 'forwarded': 'for=198.51.100.7' });
    const said = [];
    for (let i = 1; i <= 6; i++) said.push(await guess(`2001:db8:1:2::${i}`));
    expect(said).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await guess('2001:db8:1:3::1'), 'somebody else').toBe(401);
    expect([...here.store.response.audit(1)].map(({ result }) => result).join()).not.toContain('198.51.100.');
  });

  it('share one rate, also for addresses at which there is nothing', async () => {
    const small = await here.start({ perMinute: 4 });
    try {
      const statuses = async (url: string, method: 'GET' | 'POST'): Promise<number[]> => {
        const found = [];
        for (let i = 1; i <= 6; i++) found.push((await small.app.inject({ remoteAddress: `2001:db8::${url.length}:${i}`, method, url, headers: { host: 'localhost', 'x-forwarded-for': `203.0.113.${i}` } })).statusCode);
        return found;
      };
      expect(await statuses('/api/v1/setup', 'GET')).toEqual([200, 200, 200, 200, 429, 429]);
      expect((await statuses('/nothing/here', 'POST')).slice(-2)).toEqual([429, 429]);
    } finally { await small.close(); }
  });

  it('do not help with a log-on of one\'s own between two guesses at somebody else\'s', async () => {
    await here.as('owner'); await here.as('reader');
    await logOn('owner-li');
    const said = [];
    for (let i = 0; i < 7; i++) {
      said.push((await logOn('owner-li', { password: `guess ${i}` })).status);
      await logOn('reader-li');
    }
    expect(said).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  it('keep nobody from the set-up link, or from the link of a notice', async () => {
    const link = here.world.setUp.begin()!;
    here.answers['answer'] = { done: false, fault: 'forged' };
    for (let i = 0; i < 40; i++) {
      await from(`203.0.113.${i}`, 'POST', '/setup', { token: 'x'.repeat(32), name: 'wang', password });
      await from(`203.0.113.${i}`, 'POST', `/approve/a.${'b'.repeat(20)}.zzzz.${'c'.repeat(43)}`, { answer: 'approve' });
    }
    here.answers['answer'] = { done: true };
    expect(await from('198.51.100.9', 'POST', `/approve/a.${'b'.repeat(20)}.zzzz.${'c'.repeat(43)}`, { answer: 'approve' })).toBe(200);
    expect(await from('198.51.100.9', 'POST', '/setup', { token: link, name: 'li', password })).toBe(201);
  });
});

it('the set-up link stays used, also when the owner it made is turned off within the hour', async () => {
  const token = here.world.setUp.begin()!;
  expect((await send('POST', '/setup', { token, name: 'li', password })).status).toBe(201);
  here.store.accounts.save({ ...here.store.accounts.byName('li')!, disabled: true });
  expect((await get('/setup')).body).toEqual({ needed: true });
  expect((await send('POST', '/setup', { token, name: 'wang', password })).body).toMatchObject({ code: 'gone' });
});

it('a session that is used all the time ends after a week', async () => {
  const headers = await here.as('reader'), week = here.clock + 7 * 86_400_000;
  while (here.clock + 7 * 3_600_000 < week) {
    here.clock += 7 * 3_600_000;
    expect((await get('/alerts', headers)).status).toBe(200);
  }
  here.clock = week + 1;
  expect((await get('/alerts', headers)).status).toBe(401);
});

it('log-ons and live streams are fewer than other requests', async () => {
  const statuses = [];
  for (let i = 0; i < 21; i++) statuses.push(await from('203.0.113.9', 'POST', '/session', {}));
  expect(statuses).toEqual([...Array.from({ length: 20 }, () => 400), 429]);
  const reader = await here.as('reader');
  for (let i = 0; i < 300; i++) here.world.feed.watch(() => undefined);
  expect((await get('/stream', reader)).body).toMatchObject({ code: 'too-many' });
});

it('no page of it is framed, takes scripts from elsewhere, or is kept: the API, the console, and what is not there', async () => {
  const folder = join(here.dir, 'console');
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Moat</title>');
  const server = await here.start({ consoleFolder: folder });
  try {
    for (const path of ['/', '/alerts', '/%2e%2e/%2e%2e/etc/passwd', '/assets/none.js', '/api/v1/setup', '/api/v1/none']) {
      const { headers } = await here.ask(path, { to: server });
      const policy = String(headers['content-security-policy']).split(';').map((one) => one.trim());
      expect({ path, policy }).toEqual({ path, policy: expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) as unknown });
      expect({ path, ...headers }).toMatchObject({ 'path': path, 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin', 'cache-control': 'no-store' });
    }
  } finally { await server.close(); }
});

it('a name that an account has does not use the set-up link up', async () => {
  await here.as('owner');
  here.store.accounts.save({ ...here.store.accounts.byName('owner-li')!, disabled: true });
  const token = here.world.setUp.begin()!;
  expect((await send('POST', '/setup', { token, name: 'OWNER-li', password })).body).toMatchObject({ code: 'conflict' });
  expect((await send('POST', '/setup', { token, name: 'li', password })).status).toBe(201);
});

it('secrets that are compared may be of any letters; a page of this host that came without encryption is another\'s', async () => {
  const { cookie, 'x-moat-csrf': csrf } = await here.as('owner') as { 'cookie': string; 'x-moat-csrf': string };
  expect((await send('POST', '/reload', {}, { cookie, 'x-moat-csrf': 'é'.repeat(csrf.length) })).body).toMatchObject({ code: 'csrf' });
  expect(here.faults).toEqual([]);
  const { port } = here.server;
  expect((await send('POST', '/reload', {}, { cookie, 'x-moat-csrf': csrf, 'origin': `http://localhost:${port}` })).body).toMatchObject({ code: 'csrf' });
  expect((await send('POST', '/reload', {}, { cookie, 'x-moat-csrf': csrf, 'origin': 'null' })).body).toMatchObject({ code: 'csrf' });
});

it('no answer that is private may be kept by a browser or a proxy', async () => {
  const owner = await here.as('owner');
  here.answers['incident'] = { id: 'i1', revision: 7 };
  const answers = await Promise.all(routes.filter(({ method, access }) => method === 'GET' && access !== 'anyone').map(async ({ path }) => ({ path, kept: (await get(path.replace(/:\w+/g, 'none'), owner)).headers['cache-control'] })));
  expect(answers.filter(({ kept }) => kept !== 'no-store')).toEqual([]);
  expect(await here.ask('/api/v1/incidents/i1', { headers: { ...owner, 'if-none-match': '"7"' } })).toMatchObject({ status: 304, headers: { 'cache-control': 'no-store' } });
});

describe('an open stream', () => {
  interface Stream { said: () => string; ended: Promise<void> }
  const watch = async (headers: Headers, server = here.server): Promise<Stream> => {
    const { certificate } = here;
    const made = request({ host: '127.0.0.1', port: server.port, path: '/api/v1/stream', ca: certificate.ca, servername: 'localhost', agent: false, headers: { host: `localhost:${server.port}`, ...headers } });
    made.end();
    const [response] = await once(made, 'response') as [IncomingMessage];
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => { text += piece; });
    return { said: () => text, ended: once(response, 'end').then(() => undefined) };
  };

  it('ends with its session, and tells nothing more', async () => {
    const owner = await here.as('owner'), reader = await here.as('reader');
    const stream = await watch(reader);
    await expect.poll(() => here.world.feed.watching).toBe(1);
    here.world.feed.tell('alert', 'before');
    await expect.poll(stream.said).toContain('before');
    expect((await send('PATCH', '/accounts/id-reader', { disabled: true }, owner)).status).toBe(200);
    here.world.feed.tell('alert', 'afterwards');
    await stream.ended;
    expect(stream.said()).not.toContain('afterwards');
    await expect.poll(() => here.world.feed.watching).toBe(0);
  });

  it('keeps no session alive, and ends when nobody can say whether it may', async () => {
    // A server looks its accounts up as it found them at its start.
    const { accounts } = here.store;
    let isGone = false;
    Object.assign(here.world.store, { accounts: { ...accounts, session: (digest: string) => { if (isGone) throw new Error('the disk is gone'); return accounts.session(digest); } } });
    const server = await here.start();
    const stream = await watch(await here.as('reader'), server);
    const before = here.store.accounts.sessions('id-reader');
    here.clock += 3_600_000;
    here.world.feed.tell('alert', 'a1');
    await expect.poll(stream.said).toContain('a1');
    expect(here.store.accounts.sessions('id-reader')).toEqual(before);
    isGone = true;
    here.world.feed.tell('alert', 'a2');
    await stream.ended;
    expect(stream.said()).not.toContain('a2');
    expect(here.faults).toHaveLength(1);
    await server.close();
  });
});

describe('the connection itself', () => {
  const open = (): Promise<TLSSocket> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: here.server.port, ca: here.certificate.ca!, servername: 'localhost' }, () => { resolve(socket); }).on('error', reject);
  });
  const all = async (socket: Socket): Promise<string> => {
    let said = '';
    socket.on('error', () => undefined).on('data', (piece: Buffer) => { said += piece.toString('latin1'); });
    await once(socket, 'close');
    return said;
  };
  const raw = async (text: string): Promise<string> => {
    const socket = await open();
    socket.write(text, 'latin1');
    return all(socket);
  };

  it('of requests that a proxy might read otherwise nothing is answered but a refusal, and the connection ends', async () => {
    const head = 'POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n', second = 'GET /api/v1/setup HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const odd: Record<string, string> = {
      'length and chunks': `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`, 'two lengths': `${head}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}${second}`, 'a length with a sign': `${head}Content-Length: +2\r\n\r\n{}${second}`,
      'chunks by another name': `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`, 'a blank before the colon': `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`, 'a folded header': `${head}Content-Length: 2\r\nX-A: b\r\n Transfer-Encoding: chunked\r\n\r\n{}${second}`,
      'an odd chunk size': `${head}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n${second}`, 'a bare end of line': `POST /api/v1/session HTTP/1.1\nHost: localhost\nContent-Length: 2\n\n{}${second}`, 'a NUL in a header': `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}${second}`, 'no HTTP': '\u0016\u0003\u0001garbage\r\n\r\n',
    };
    for (const [name, text] of Object.entries(odd)) {
      const said = await raw(text);
      expect({ name, first: /^HTTP\/1\.1 (\d+)/.exec(said)?.[1], answers: said.match(/HTTP\/1\.1 \d/g)?.length, leaked: said.includes('"needed"') }).toEqual({ name, first: '400', answers: 1, leaked: false });
    }
    expect(await raw(`GET /api/v1/setup HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    for (const asked of ['GET /api/v1/setup HTTP/1.0\r\n\r\n', 'GET http://localhost/api/v1/setup HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n', 'GET /api/v1/setup HTTP/1.1\r\nHost: rebound.example\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\nConnection: close\r\n\r\n', 'GET /api/v1/setup HTTP/1.1\r\nHost: localhost.\r\nConnection: close\r\n\r\n']) expect(await raw(asked), asked).toMatch(/^HTTP\/1\.[01] 403 [^]*wrong-host/);
    expect(here.faults).toEqual([]);
  });

  it('that does nothing, or all too slowly, is ended', async () => {
    const server = await here.start({ patience: { handshakeMs: 300, requestMs: 300, lookMs: 50 } });
    try {
      expect(await all(connectPlain({ host: '127.0.0.1', port: server.port })), 'no handshake').toBe('');
      for (const half of ['GET /api/v1/setup HTTP/1.1\r\nHost: loc', 'POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{']) {
        const socket = connect({ host: '127.0.0.1', port: server.port, ca: here.certificate.ca!, servername: 'localhost' });
        socket.write(half);
        expect(await all(socket)).toMatch(/^HTTP\/1\.1 4\d\d /);
      }
    } finally { await server.close(); }
  });

  it('that one caller holds by the hundred leaves room for others', async () => {
    const sockets: Socket[] = [];
    try {
      for (let i = 0; i < 250; i++) {
        const socket = connectPlain({ host: '127.0.0.1', port: here.server.port }).on('error', () => undefined);
        sockets.push(socket);
        await once(socket, 'connect');
      }
      expect(await all(connectPlain({ host: '127.0.0.1', port: here.server.port })), 'one more is cut off').toBe('');
      expect((await here.ask('/api/v1/setup', { from: '127.0.0.2' })).status).toBe(200);
    } finally { for (const socket of sockets) socket.destroy(); }
    await expect.poll(() => get('/setup').then(({ status }) => status, () => 'cut off')).toBe(200);
  });

  it('of an old TLS is refused', async () => {
    const old = connect({ host: '127.0.0.1', port: here.server.port, ca: here.certificate.ca!, servername: 'localhost', minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
    const [error] = await once(old, 'error') as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION/);
    const now = await open();
    expect(now.getProtocol()).toBe('TLSv1.3');
    now.destroy();
  });
});
