import { statSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { generateSync } from 'otplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { permissionsOf, roles } from '../core/account.ts';
import { MoatError } from '../core/error.ts';
import { verifyAudit } from '../engine/response/audit.ts';
import { sampleAlert, sampleIncident } from '../stores/contract.ts';
import { type Answer, type ApiServer, cookieOf, password, startApiServer } from '../../test/api-server.ts';
import { ownCertificate } from './access/certificate.ts';
import { accessTable } from './access/table.ts';
import { contract, oldest } from './contract/revision.ts';
import { routes } from './routes/catalogue.ts';

let here: ApiServer;
let { dir, store, server, certificate, asked, answers, faults, world, start, ask, as, audited } = {} as ApiServer;

beforeEach(async () => {
  here = await startApiServer();
  ({ dir, store, server, certificate, asked, answers, faults, world, start, ask, as, audited } = here);
});
afterEach(() => here.stop());

describe('set-up and log-on', () => {
  it('makes the first owner by a link that works once and for an hour; nothing else works before', async () => {
    expect((await ask('/api/v1/setup')).body).toEqual({ needed: true });
    expect((await ask('/api/v1/alerts')).status).toBe(401);
    const link = world.setUp.begin()!;
    const give = (token: string, with_: string = password): Promise<Answer> => ask('/api/v1/setup', { method: 'POST', body: { token, name: 'li', password: with_ } });
    expect((await give('x'.repeat(32))).body).toMatchObject({ code: 'gone', hint: 'moat server set-up' });
    expect((await give(link, 'too short')).body).toMatchObject({ status: 400, code: 'bad-input' });
    expect((await give(link, 'li-password-1234')).status).toBe(201);
    expect((await give(link)).body).toMatchObject({ code: 'gone' });
    expect(world.setUp.begin()).toBeUndefined();
    expect((await ask('/api/v1/setup')).body).toEqual({ needed: false });
    expect(audited()).toEqual(['account:li set-up li', 'account:li log-on li']);
    expect(verifyAudit(store.response.audit(1)).faults).toEqual([]);
  });

  it('a link that is an hour old is of no use', async () => {
    const link = world.setUp.begin()!;
    here.clock += 3_600_001;
    expect((await ask('/api/v1/setup', { method: 'POST', body: { token: link, name: 'li', password } })).body).toMatchObject({ code: 'gone' });
  });

  it('asks for the code of an authenticator, takes each once, and recovery codes once', async () => {
    const me = await as('analyst');
    const enrol = await ask('/api/v1/session/totp', { method: 'POST', headers: me, body: { password } });
    const { secret } = enrol.body as { secret: string };
    expect(enrol.body['uri']).toContain('otpauth://totp/');
    const code = (): string => generateSync({ secret, epoch: Math.floor(here.clock / 1000) });
    expect((await ask('/api/v1/session/totp', { method: 'PUT', headers: me, body: { code: '000000' } })).status).toBe(401);
    const { recovery } = (await ask('/api/v1/session/totp', { method: 'PUT', headers: me, body: { code: code() } })).body as { recovery: string[] };
    expect(new Set(recovery).size).toBe(10);
    const logOn = (more: object): Promise<Answer> => ask('/api/v1/session', { method: 'POST', body: { name: 'ANALYST-LI', password, ...more } });
    expect((await logOn({})).body).toMatchObject({ code: 'code-needed' });
    expect((await logOn({ code: code() })).body, 'it was used to confirm').toMatchObject({ code: 'wrong-credentials' });
    here.clock += 30_000;
    const entered = await logOn({ code: code() });
    expect(entered.body).toMatchObject({ name: 'analyst-li', totp: true, recovery_left: 10 });
    expect((await logOn({ code: code() })).status, 'used').toBe(401);
    expect((await logOn({ code: recovery[3]!.toUpperCase() })).body).toMatchObject({ recovery_left: 9 });
    expect((await logOn({ code: recovery[3] })).status, 'used').toBe(401);
    expect(JSON.stringify(store.accounts.byName('analyst-li'))).not.toContain(recovery[0]);
  });

  it('begins a new session each time, keeps no secret of it, and ends it', async () => {
    await as('reader');
    const before = '__Host-moat=chosen-by-somebody-else';
    const entered = await ask('/api/v1/session', { method: 'POST', headers: { cookie: before }, body: { name: 'reader-li', password } });
    const cookie = cookieOf(entered);
    expect(cookie).not.toBe(before);
    expect(String(entered.headers['set-cookie'])).toMatch(/^__Host-moat=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/);
    expect(JSON.stringify(store.accounts.sessions('id-reader'))).not.toContain(cookie.split('=')[1]);
    const headers = { 'cookie': cookie, 'x-moat-csrf': String(entered.body['csrf']) };
    expect((await ask('/api/v1/alerts', { headers })).status).toBe(200);
    expect((await ask('/api/v1/session', { method: 'DELETE', headers })).status).toBe(200);
    expect((await ask('/api/v1/alerts', { headers })).status).toBe(401);
    const late = await as('reader');
    here.clock += 8 * 3_600_000 + 1;
    expect((await ask('/api/v1/alerts', { headers: late })).status, 'idle for eight hours').toBe(401);
  });

  it('slows guessing, but not where the account always logs on from', async () => {
    await as('owner');
    const guess = (with_: string): Promise<Answer> => ask('/api/v1/session', { method: 'POST', body: { name: 'owner-li', password: with_ } });
    expect((await guess(password)).status).toBe(200);
    for (let i = 0; i < 5; i++) expect((await guess('wrong')).body).toMatchObject({ code: 'wrong-credentials' });
    expect(await guess(password)).toMatchObject({ status: 429, headers: { 'retry-after': '30' } });
    here.clock += 30_001;
    expect((await guess(password)).status).toBe(200);
    // From elsewhere, by many addresses: the account waits there, and here it does not.
    for (let i = 0; i < 40; i++) world.lockout.wrong('owner-li', `203.0.113.${i}`, false);
    expect(() => world.lockout.mustWait('owner-li', '198.51.100.1', false)).toThrow('too many wrong log-ons');
    expect((await guess(password)).status).toBe(200);
  });

  it('answers the same for an account that is not there', async () => {
    await as('reader');
    const bodies = await Promise.all(['reader-li', 'nobody'].map((name) => ask('/api/v1/session', { method: 'POST', body: { name, password: 'wrong' } })));
    expect(bodies[0]!.body).toEqual(bodies[1]!.body);
  });
});

describe('who may do what', () => {
  it('every role gets just the routes of its permissions; tokens of it too', async () => {
    const paths = routes.map((route) => ({ ...route, at: `/api/v1${route.path.replace(/:\w+/g, 'none')}` }));
    for (const role of roles) {
      const headers = await as(role);
      for (const { id, method, at, access } of paths) {
        if (access === 'anyone' || id === 'log-off') continue;
        // Shapes of answers are the agent's own test: here nothing stands behind the routes.
        const { status, body } = await ask(at, { method, headers, ...(method !== 'GET' && { body: {} }) });
        expect({ id, access: accessTable[id] }).toEqual({ id, access });
        const may = access === 'person' || permissionsOf(role).has(access);
        expect({ role, id, code: status === 403 ? body['code'] : 'let in' }).toEqual({ role, id, code: may ? 'let in' : 'not-permitted' });
      }
    }
    for (const { id, method, at, access } of paths) {
      if (access !== 'anyone') expect({ id, status: (await ask(at, { method, ...(method !== 'GET' && { body: {} }) })).status }).toEqual({ id, status: 401 });
    }
    expect(faults).toEqual([]);
  }, 60_000);

  it('a token does what its role and its account may, until it ends; it makes no session', async () => {
    const owner = await as('owner');
    const made = await ask('/api/v1/tokens', { method: 'POST', headers: owner, body: { name: 'grafana', role: 'reader', days: 7, own_password: password } });
    const headers = { authorization: `Bearer ${String(made.body['secret'])}` };
    expect((await ask('/api/v1/alerts', { headers })).status).toBe(200);
    expect((await ask('/api/v1/audit', { headers })).status).toBe(403);
    expect((await ask('/api/v1/session', { headers })).status, 'tokens are no people').toBe(403);
    expect((await ask('/api/v1/alerts', { headers: { authorization: 'Bearer moat_wrong' } })).status).toBe(401);
    expect(JSON.stringify((await ask('/api/v1/tokens', { headers: owner })).body)).not.toContain('digest');
    here.clock += 7 * 86_400_000 + 1;
    expect((await ask('/api/v1/alerts', { headers })).status).toBe(401);
  });

  it('nobody hands out, or takes from, more than they may themselves; an owner stays', async () => {
    const administrator = await as('administrator');
    const owner = await as('owner');
    const analyst = await as('analyst');
    const add = (headers: Record<string, string>, role: string): Promise<Answer> => ask('/api/v1/accounts', { method: 'POST', headers, body: { name: `new-${role}`, role, password, own_password: password } });
    expect((await add(administrator, 'owner')).status).toBe(403);
    expect((await add(administrator, 'responder')).status).toBe(201);
    expect((await add(administrator, 'responder')).body).toMatchObject({ code: 'conflict' });
    expect((await ask('/api/v1/accounts/id-owner', { method: 'PATCH', headers: administrator, body: { disabled: true } })).status).toBe(403);
    expect((await ask('/api/v1/accounts/id-owner', { method: 'PATCH', headers: owner, body: { role: 'reader', own_password: password } })).body).toMatchObject({ code: 'conflict' });
    // An auditor may see what an analyst may not: no token for it.
    expect((await ask('/api/v1/tokens', { method: 'POST', headers: analyst, body: { name: 'x', role: 'auditor', days: 1, own_password: password } })).status).toBe(403);
    const changed = await ask('/api/v1/accounts/id-analyst', { method: 'PATCH', headers: administrator, body: { role: 'reader', own_password: password } });
    expect(changed.body).toMatchObject({ role: 'reader' });
    expect(JSON.stringify(changed.body)).not.toContain('argon2');
    expect((await ask('/api/v1/alerts', { headers: analyst })).status, 'its sessions end').toBe(401);
  });
});

describe('more rights for a while, and fewer hosts', () => {
  it('somebody else grants them, they hold at once, and they are gone when their time is over', async () => {
    const responder = await as('responder');
    const administrator = await as('administrator');
    const owner = await as('owner');
    const request = (headers: Record<string, string>, role: string): Promise<Answer> => ask('/api/v1/elevations', { method: 'POST', headers, body: { role, minutes: 30, why: 'night shift' } });
    expect((await request(responder, 'owner')).status, 'nobody becomes an owner').toBe(403);
    expect((await request(responder, 'reader')).body, 'it may that already').toMatchObject({ code: 'conflict' });
    const waiting = await request(responder, 'administrator');
    expect(waiting.body).toMatchObject({ state: 'waiting', name: 'responder-li' });
    const answer = (headers: Record<string, string>, how = 'approve'): Promise<Answer> => ask(`/api/v1/elevations/${String(waiting.body['id'])}/${how}`, { method: 'POST', headers, body: {} });
    expect((await answer(responder)).status).toBe(403);
    expect((await ask('/api/v1/audit', { headers: responder })).status).toBe(403);
    expect((await answer(administrator)).body).toMatchObject({ state: 'granted' });
    expect((await answer(owner, 'reject')).body).toMatchObject({ code: 'conflict' });
    expect((await ask('/api/v1/audit', { headers: responder })).status).toBe(200);
    expect((await ask('/api/v1/session', { headers: responder })).body).toMatchObject({ role: 'administrator', elevated: here.clock + 30 * 60_000 });
    // Whoever was raised raises nobody, not even in their own name.
    const second = await request(await as('analyst'), 'administrator');
    expect((await ask(`/api/v1/elevations/${String(second.body['id'])}/approve`, { method: 'POST', headers: responder, body: {} })).status).toBe(403);
    here.clock += 30 * 60_000 + 1;
    expect((await ask('/api/v1/audit', { headers: responder })).status, 'it fell back by itself').toBe(403);
    expect(audited()).toContain('account:administrator-li elevation-grant responder-li');
  });

  it('an account or token for other hosts may do nothing here but look after itself', async () => {
    const owner = await as('owner');
    const headers = await as('responder');
    const hold = (scope: unknown): Promise<Answer> => ask('/api/v1/accounts/id-responder', { method: 'PATCH', headers: owner, body: { scope, own_password: password } });
    expect((await hold({ environments: ['production'] })).body).toMatchObject({ scope: { environments: ['production'] } });
    const elsewhere = await as('responder');
    expect((await ask('/api/v1/alerts', { headers: elsewhere })).body).toMatchObject({ status: 403, code: 'out-of-scope', detail: expect.stringContaining('this machine is of web and of the environment test') as unknown, detail_zh: expect.stringContaining('环境 production') as unknown });
    expect((await ask('/api/v1/audit', { headers: elsewhere })).body, 'what its role may nowhere').toMatchObject({ code: 'not-permitted' });
    expect((await ask('/api/v1/session', { headers: elsewhere })).body).toMatchObject({ elsewhere: true, may: [] });
    expect((await ask('/api/v1/elevations', { method: 'POST', headers: elsewhere, body: { role: 'administrator', minutes: 30, why: 'please' } })).status).toBe(403);
    expect((await ask('/api/v1/alerts', { headers })).status, 'its sessions ended').toBe(401);
    await hold({ groups: ['web'], environments: ['test', 'dev'] });
    expect((await ask('/api/v1/alerts', { headers: await as('responder') })).status).toBe(200);
    const { body } = await ask('/api/v1/tokens', { method: 'POST', headers: owner, body: { name: 'db', role: 'reader', days: 1, own_password: password, scope: { groups: ['database'] } } });
    expect((await ask('/api/v1/alerts', { headers: { authorization: `Bearer ${String(body['secret'])}` } })).status).toBe(403);
    expect((await ask('/api/v1/accounts/id-owner', { method: 'PATCH', headers: owner, body: { scope: { groups: ['x'] } } })).body).toMatchObject({ code: 'conflict' });
  });
});

describe('scopes', () => {
  it('hold by host group and environment together; outside an account may read when its scope says so, and no more', async () => {
    const owner = await as('owner');
    const statuses = async (scope: unknown): Promise<number[]> => {
      await as('responder');
      expect((await ask('/api/v1/accounts/id-responder', { method: 'PATCH', headers: owner, body: { scope, own_password: password } })).status).toBe(200);
      const headers = await as('responder');
      return [(await ask('/api/v1/alerts', { headers })).status, (await ask('/api/v1/blocks', { method: 'DELETE', headers, body: { address: '203.0.113.9' } })).status];
    };
    // This machine is of the group web and of the environment test.
    for (const [scope, wanted] of [
      [null, [200, 200]], [{ groups: ['web'] }, [200, 200]], [{ groups: ['db', 'web'] }, [200, 200]], [{ groups: ['db'] }, [403, 403]], [{ environments: ['test'] }, [200, 200]], [{ environments: ['dev'] }, [403, 403]], [{ environments: ['production'] }, [403, 403]],
      [{ groups: ['web'], environments: ['dev', 'test'] }, [200, 200]], [{ groups: ['web'], environments: ['production'] }, [403, 403]], [{ groups: ['db'], environments: ['test'] }, [403, 403]], [{ groups: [] }, [403, 403]],
      [{ groups: ['db'], outside: 'read' }, [200, 403]], [{ environments: ['production'], outside: 'read' }, [200, 403]],
    ] as const) expect({ scope, statuses: await statuses(scope) }).toEqual({ scope, statuses: wanted });
    const me = await as('responder');
    expect((await ask('/api/v1/session', { headers: me })).body).toMatchObject({ elsewhere: true, may: ['read'] });
    expect((await ask('/api/v1/blocks', { method: 'DELETE', headers: me, body: { address: '203.0.113.9' } })).body).toMatchObject({ code: 'out-of-scope', detail: expect.stringContaining('it may only look') as unknown });
    // Rights for a while do not reach beyond the scope either.
    store.accounts.saveElevation({ id: 'e1', account: 'id-responder', name: 'x', role: 'administrator', why: '', minutes: 60, created: here.clock, until: here.clock + 3_600_000, state: 'granted' });
    expect((await ask('/api/v1/audit', { headers: me })).body).toMatchObject({ code: 'out-of-scope' });
  });
});

describe('two ends of different age', () => {
  it('each answer says what the server is, and who is too old is told before anything is done', async () => {
    const { body, headers } = await ask('/api/v1/about');
    expect(body).toEqual({ version: '1', contract, oldest });
    expect((await ask('/api/v1/alerts')).headers).toMatchObject({ 'x-moat-version': '1', 'x-moat-contract': `${contract}` });
    expect(headers['x-moat-contract']).toBe(`${contract}`);
    const later = await start({ oldest: 5 });
    try {
      const owner = await as('owner');
      const block = (revision: string): Promise<Answer> => ask('/api/v1/blocks', { to: later, method: 'POST', headers: { ...owner, 'host': `localhost:${later.port}`, 'x-moat-contract': revision }, body: { address: '203.0.113.9', why: 'x' } });
      expect(await block('4')).toMatchObject({ status: 426, body: { code: 'too-old' } });
      expect(asked).toEqual([]);
      expect((await block('5')).status).toBe(201);
      expect((await block('nonsense')).status, 'a browser says none').toBe(201);
    } finally { await later.close(); }
  });
});

it('a file is sent as it is, goes on where it was cut off as long as it is the same, and is in the audit log', async () => {
  const headers = await as('responder');
  const bytes = Buffer.from('0123456789');
  answers['download evidence'] = { name: 'a"b.tar', bytes: 10, tag: 'abc', read: (from: number) => [bytes.subarray(from)] };
  const whole = await ask('/api/v1/evidence/e1/content?why=case', { headers });
  expect(whole).toMatchObject({ status: 200, text: '0123456789', headers: { 'etag': '"abc-10"', 'content-length': '10', 'content-disposition': 'attachment; filename="a_b.tar"' } });
  expect(await ask('/api/v1/evidence/e1/content', { headers: { ...headers, 'if-match': '"abc-10"', 'range': 'bytes=4-' } })).toMatchObject({ status: 206, text: '456789', headers: { 'content-range': 'bytes 4-9/10' } });
  expect((await ask('/api/v1/evidence/e1/content', { headers: { ...headers, 'if-match': '"other-10"', 'range': 'bytes=4-' } })).body).toMatchObject({ status: 412, code: 'changed-meanwhile' });
  for (const range of ['bytes=10-', 'bytes=-3', 'bytes=0-3', 'lines=1-']) expect((await ask('/api/v1/evidence/e1/content', { headers: { ...headers, range } })).body).toMatchObject({ status: 416, code: 'bad-range' });
  expect(audited()).toContain('account:responder-li evidence-export e1');
});

it('what changes of accounts and tokens is told to the live stream; that somebody was seen is not', async () => {
  const told: string[] = [];
  const unwatch = world.feed.watch((text) => { for (const [, kind, id] of text.matchAll(/event: (\w+)\ndata: .*"id":"([^"]*)"/g)) told.push(`${kind!} ${id!}`); });
  const owner = await as('owner');
  const settle = async (): Promise<string[]> => { await new Promise((resolve) => { setTimeout(resolve, 150); }); return told.splice(0); };
  const { body: made } = await ask('/api/v1/accounts', { method: 'POST', headers: owner, body: { name: 'wang', role: 'analyst', password, own_password: password } });
  const { body: token } = await ask('/api/v1/tokens', { method: 'POST', headers: owner, body: { name: 't', role: 'reader', days: 1, own_password: password } });
  const { id } = token['token'] as { id: string };
  expect(await settle()).toEqual([`account ${String(made['id'])}`, `token ${id}`]);
  here.clock += 120_000;
  expect((await ask('/api/v1/alerts', { headers: { authorization: `Bearer ${String(token['secret'])}` } })).status).toBe(200);
  expect((await ask('/api/v1/alerts', { headers: owner })).status).toBe(200);
  expect(await settle()).toEqual([]);
  await ask(`/api/v1/accounts/${String(made['id'])}`, { method: 'PATCH', headers: owner, body: { role: 'reader', own_password: password } });
  await ask(`/api/v1/tokens/${id}`, { method: 'DELETE', headers: owner });
  expect(new Set(await settle())).toEqual(new Set([`account ${String(made['id'])}`, `token ${id}`]));
  unwatch();
});

describe('the link of a notice', () => {
  const token = `a.${'b'.repeat(20)}.zzzz.${'c'.repeat(43)}`;
  const putQuestion = (): void => {
    store.requests.add({ id: 'q'.repeat(20), created: here.clock, expires: here.clock + 60_000, level: 'high', what: { zh: '封禁 <b>203.0.113.9</b>\u202e', en: 'block it' } });
    answers['approval-look'] = { request: 'q'.repeat(20), answer: 'approve' };
    answers['answer'] = { done: true };
  };
  const press = (more: Record<string, string> = {}, raw = 'answer=approve'): Promise<Answer> => ask(`/approve/${token}`, { method: 'POST', raw, headers: { 'content-type': 'application/x-www-form-urlencoded', ...more } });

  it('shows what is asked, inert, and does it when the button is pressed; looking does nothing', async () => {
    putQuestion();
    const shown = await ask(`/approve/${token}`);
    expect(shown).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' } });
    expect(shown.text).toContain('&lt;b&gt;203.0.113.9');
    expect(shown.text).toContain('\\x202e');
    expect(shown.text).not.toContain('<script');
    expect(String(shown.headers['content-security-policy'])).toMatch(/default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/);
    expect(asked.map(({ operation }) => operation)).toEqual(['approval-look']);
    expect((await press({ origin: 'https://evil.example' })).status).toBe(403);
    expect(await press({ origin: `https://localhost:${server.port}` })).toMatchObject({ status: 200 });
    expect(asked.at(-1)).toEqual({ operation: 'answer', argument: { token, answer: 'approve', by: 'link from 127.0.0.1' } });
    expect(audited()).toEqual([`link from 127.0.0.1 answer ${'b'.repeat(20)}`]);
  });

  it('that is used, old or forged is of no use, and trying many is slowed', async () => {
    putQuestion();
    answers['approval-look'] = { fault: 'expired' };
    expect(await ask(`/approve/${token}`)).toMatchObject({ status: 410, text: expect.stringContaining('链接已过期') as unknown });
    answers['answer'] = { done: false, fault: 'used' };
    expect((await press()).status).toBe(410);
    expect((await press({}, 'answer=maybe')).status).toBe(400);
    answers['answer'] = { done: false, fault: 'forged' };
    for (let i = 0; i < 5; i++) expect((await press()).status).toBe(410);
    expect((await press()).status).toBe(429);
    expect((await ask('/approve/..%2f..%2fetc')).status).toBe(410);
  });
});

describe('requests', () => {
  it('that another site sends are refused, and those by another name', async () => {
    const headers = await as('owner');
    const { 'x-moat-csrf': csrf, ...cookie } = headers;
    const change = (more: Record<string, string>): Promise<Answer> => ask('/api/v1/reload', { method: 'POST', headers: { ...cookie, ...more }, body: {} });
    expect((await change({})).body).toMatchObject({ code: 'csrf' });
    expect((await change({ 'x-moat-csrf': `${csrf!.slice(0, -1)}!` })).body).toMatchObject({ code: 'csrf' });
    expect((await change({ 'x-moat-csrf': csrf!, 'origin': 'https://evil.example' })).body).toMatchObject({ code: 'csrf' });
    expect((await change({ 'x-moat-csrf': csrf!, 'sec-fetch-site': 'cross-site' })).body).toMatchObject({ code: 'csrf' });
    expect((await change({ 'x-moat-csrf': csrf!, 'origin': `https://localhost:${server.port}` })).status).toBe(200);
    expect((await ask('/api/v1/setup', { headers: { host: 'rebound.example' } })).body).toMatchObject({ code: 'wrong-host' });
  });

  it('pages are stable while alerts come in; fields and filters hold', async () => {
    const headers = await as('reader');
    const add = (...names: string[]): void => store.commit({ events: [], positions: [], alerts: names.map((id, i) => sampleAlert(id, { time: here.clock - 1000 * (names.length - i), last_time: here.clock, level: i % 2 === 0 ? 'high' : 'low' })) });
    add('a', 'b', 'c', 'd', 'e');
    const first = await ask('/api/v1/alerts?limit=2&fields=id,level', { headers });
    expect(first.body['items']).toEqual([{ id: 'e', level: 'high' }, { id: 'd', level: 'low' }]);
    here.clock += 60_000;
    store.commit({ events: [], positions: [], alerts: [sampleAlert('f', { time: here.clock, last_time: here.clock }), sampleAlert('b', { time: here.clock - 64_000, last_time: here.clock })] });
    const second = await ask(`/api/v1/alerts?limit=5&fields=id&cursor=${String(first.body['next'])}`, { headers });
    expect(second.body).toEqual({ items: [{ id: 'c' }, { id: 'b' }, { id: 'a' }] });
    expect(((await ask('/api/v1/alerts?level=high', { headers })).body['items'] as { id: string }[]).map(({ id }) => id)).toEqual(['e', 'c', 'a']);
    for (const bad of ['?cursor=x', '?limit=0', '?limit=1e9', '?nonsense=1', '?fields=a;b']) expect((await ask(`/api/v1/alerts${bad}`, { headers })).body).toMatchObject({ code: 'bad-input' });
  });

  it('incidents are listed from a level on, page by page, the closed ones when they are asked for', async () => {
    const headers = await as('reader');
    const all = [sampleIncident('a1', { last_time: 1, level: 'high' }), sampleIncident('b2', { last_time: 2, level: 'critical' }), sampleIncident('c3', { last_time: 3, level: 'low' }), sampleIncident('d4', { last_time: 4, level: 'critical', status: 'closed' })];
    store.response.save({ incidents: { incidents: all.map((record) => ({ record: { ...record, revision: 1 }, expected: 0 })) } });
    const list = async (query: string): Promise<unknown> => ((await ask(`/api/v1/incidents?fields=id&${query}`, { headers })).body['items'] as { id: string }[]).map(({ id }) => id);
    expect(await list('level=high')).toEqual(['b2', 'a1']);
    expect(await list('status=all')).toEqual(['d4', 'c3', 'b2', 'a1']);
    const first = await ask('/api/v1/incidents?limit=2&fields=id', { headers });
    expect(await list(`limit=2&cursor=${String(first.body['next'])}`)).toEqual(['a1']);
    answers['incident-told'] = new MoatError('no-item', 'there is none');
    expect((await ask('/api/v1/incidents/x/story', { headers })).body).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('a change names the revision it saw; what was sent twice is done once', async () => {
    const headers = await as('analyst');
    answers['incident'] = { id: 'i1', revision: 7 };
    const seen = await ask('/api/v1/incidents/i1', { headers });
    expect(seen.headers['etag']).toBe('"7"');
    expect((await ask('/api/v1/incidents/i1', { headers: { ...headers, 'if-none-match': '"7"' } })).status).toBe(304);
    const change = (more: Record<string, string>, text = 'seen'): Promise<Answer> => ask('/api/v1/incidents/i1/changes', { method: 'POST', headers: { ...headers, ...more }, body: { deed: { op: 'note', text } } });
    answers['incident-change'] = new MoatError('stale', 'it was changed meanwhile');
    expect((await change({ 'if-match': '"7"' })).body).toMatchObject({ status: 412, code: 'changed-meanwhile' });
    expect(asked.at(-1)).toEqual({ operation: 'incident-change', argument: { id: 'i1', by: 'account:analyst-li', why: '', deed: { op: 'note', text: 'seen' }, revision: 7 } });
    answers['incident-change'] = { id: 'i1', revision: 8 };
    const before = asked.length;
    const twice = await Promise.all([change({ 'idempotency-key': 'k1' }), change({ 'idempotency-key': 'k1' })]);
    expect(twice.map(({ body }) => body)).toEqual([{ id: 'i1', revision: 8 }, { id: 'i1', revision: 8 }]);
    expect(asked.length - before).toBe(1);
    expect((await change({ 'idempotency-key': 'k1' }, 'other')).body).toMatchObject({ code: 'refused' });
  });

  it('what goes wrong is told in one form, and never what the log alone should say', async () => {
    const headers = await as('owner');
    const none = await ask('/api/v1/nothing', { headers });
    expect(none.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(none.body).toMatchObject({ status: 404, code: 'no-route', type: 'urn:moat:problem:no-route', detail_zh: '没有这个地址' });
    answers['status'] = new Error('cannot open /var/lib/moat/secret');
    expect((await ask('/api/v1/status', { headers })).text).not.toContain('secret');
    expect(faults).toHaveLength(1);
    const post = (raw: string, more: Record<string, string> = {}): Promise<Answer> => ask('/api/v1/blocks', { method: 'POST', headers: { ...headers, ...more }, raw });
    expect((await post('{"address":')).body).toMatchObject({ code: 'bad-input' });
    expect((await post('<x/>', { 'content-type': 'text/xml' })).body).toMatchObject({ code: 'unsupported' });
    expect((await post(JSON.stringify({ address: 'x'.repeat(2 << 20) }))).body).toMatchObject({ code: 'too-large' });
    expect((await post('{"__proto__":{"may":1},"address":"203.0.113.9","why":"x"}')).body).toMatchObject({ code: 'bad-input' });
    for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/api/v1/alerts/..%2f..%2fx', '/api/v1/alerts/%00', '//api/v1/alerts', '/api/v1/alerts/']) expect([400, 404]).toContain((await ask(path, { headers })).status);
  });

  it('limits how many come from one address', async () => {
    const small = await start({ perMinute: 3 });
    try {
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await ask('/api/v1/setup', { to: small })).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
    } finally { await small.close(); }
  });
});

describe('the connection', () => {
  it('is encrypted from the first start by an own authority, whose keys only the owner reads, and which is kept', async () => {
    for (const name of ['ca.key', 'server.key']) expect(statSync(join(dir, 'tls', name)).mode & 0o777).toBe(0o600);
    expect((await ownCertificate(join(dir, 'tls'), ['localhost'], here.clock)).fingerprint).toBe(certificate.fingerprint);
    const renewed = await ownCertificate(join(dir, 'tls'), ['localhost'], here.clock + 380 * 86_400_000);
    expect(renewed.fingerprint).not.toBe(certificate.fingerprint);
    expect(renewed.ca).toBe(certificate.ca);
    expect((await ownCertificate(join(dir, 'tls'), ['localhost', 'moat.example'], here.clock)).fingerprint, 'a new name').not.toBe(renewed.fingerprint);
    const { headers } = await ask('/api/v1/setup');
    expect(headers['strict-transport-security']).toContain('max-age=31536000');
    expect(headers['content-security-policy']).toMatch(/default-src 'none';script-src 'self'/);
    expect(headers['x-frame-options']).toBe('DENY');
  });

  it('leaves a port that another program has to it, and says so', async () => {
    const first = await start();
    try { await expect(start({ port: first.port })).rejects.toThrow(`expected port ${first.port} of 127.0.0.1 to be free`); } finally { await first.close(); }
  });

  it('is plain on loopback alone, when that is asked for', async () => {
    await expect(start({ certificate: undefined, address: '0.0.0.0' })).rejects.toThrow('plain HTTP is for loopback alone');
    const plain = await start({ certificate: undefined });
    try { expect((await ask('/api/v1/setup', { to: plain })).body).toEqual({ needed: true }); } finally { await plain.close(); }
  });
});

describe('the live stream', () => {
  /** Reads events until `until` holds. */
  const watch = (headers: Record<string, string>, until: (said: string) => boolean): Promise<string> => new Promise((resolve, reject) => {
    const made = httpsRequest({ host: '127.0.0.1', port: server.port, path: '/api/v1/stream', ca: certificate.ca, servername: 'localhost', headers: { host: `localhost:${server.port}`, ...headers } }, (response) => {
      let said = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { said += chunk; if (until(said)) { made.destroy(); resolve(said); } });
    });
    made.on('error', reject).end();
  });

  it('tells what changed, goes on where it was cut off, and says when that is too long ago', async () => {
    const headers = await as('reader');
    const watching = watch(headers, (said) => said.includes('"id":"a2"'));
    await expect.poll(() => world.feed.watching).toBe(1);
    world.feed.tell('alert', 'a1');
    world.feed.tell('alert', 'a2');
    const said = await watching;
    expect(said).toContain('event: alert\ndata: {"time":');
    const seen = /id: (\d+)\nevent: alert/.exec(said)![1]!;
    const resumed = await watch({ ...headers, 'last-event-id': seen }, (text) => text.includes('"id":"a2"'));
    expect(resumed).not.toContain('"id":"a1"');
    expect(await watch({ ...headers, 'last-event-id': '5' }, (text) => text.includes('event: '))).toContain('event: reset');
    expect((await ask('/api/v1/stream')).status).toBe(401);
    await expect.poll(() => world.feed.watching).toBe(0);
  });
});

it('describes itself: every route, its permission and its shapes, in OpenAPI 3.1', async () => {
  const { body } = await ask('/api/v1/openapi.json');
  expect(body['info'], 'which Moat answers is no part of it').toEqual({ title: 'Moat', version: `${contract}`, license: { name: 'Apache-2.0' } });
  const paths = body['paths'] as Record<string, Record<string, { 'operationId': string; 'x-moat-permission': string }>>;
  expect(Object.values(paths).flatMap((methods) => Object.values(methods)).map((one) => one['operationId']).toSorted()).toEqual(routes.map(({ id }) => id).toSorted());
  expect(paths['/alerts/{id}']!['patch']).toMatchObject({ 'x-moat-permission': 'triage', 'requestBody': { content: { 'application/json': { schema: { properties: { status: { enum: ['open', 'closed'] } } } } } } });
});
