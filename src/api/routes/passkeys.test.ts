import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ZodError } from 'zod';
import { type Account, permissionsOf } from '../../core/account.ts';
import { Journal } from '../../engine/response/journal.ts';
import { openSqliteStore, type SqliteStore } from '../../stores/sqlite/store.ts';
import { Authenticator } from '../../../test/authenticator.ts';
import { Challenges } from '../access/challenges.ts';
import { Lockout } from '../access/lockout.ts';
import { hashPassword } from '../access/passwords.ts';
import { SetUp } from '../access/set-up.ts';
import { Feed } from '../feed.ts';
import { Problem } from '../problem.ts';
import type { Call } from '../contract/route.ts';
import type { World } from '../world.ts';
import { routes } from './catalogue.ts';

const password = 'correct horse battery';
const hashed = hashPassword(password);
const site = { origin: 'https://localhost:8443', rpId: 'localhost' };
let dir: string, store: SqliteStore, world: World, clock: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'moat-passkeys-'));
  clock = Date.now();
  const now = (): number => clock;
  store = openSqliteStore({ dir, now });
  const journal = new Journal(store.response);
  world = {
    host: 'web1', version: '1', download: () => Promise.reject(new Error('not asked')), place: () => ({ group: undefined, environment: 'production' }), passkeys: () => ({ domain: 'localhost', origins: [site.origin] }), challenges: new Challenges(now), now, store, feed: new Feed(now), lockout: new Lockout(now), setUp: new SetUp(store.accounts, now),
    ask: () => Promise.reject(new Error('nothing is asked of the agent')), fault: () => undefined, audit: (entry) => journal.write({ audit: [{ ...entry, time: now(), via: 'api' }] }),
  };
  for (const name of ['li', 'wang']) store.accounts.save({ id: `id-${name}`, name, role: 'analyst', created: clock, disabled: false, password: await hashed, passwordChanged: clock, recovery: [] });
});
afterEach(() => { store.close(); rmSync(dir, { recursive: true }); });

interface Answer { [field: string]: unknown; ticket: string; options: { challenge: string; allowCredentials?: { id: string }[]; userVerification?: string; excludeCredentials?: { id: string }[]; rp?: { id: string } } }
/** As the server does: shapes first. */
async function ask(id: string, body: object = {}, { as, params, address = '198.51.100.7' }: { as?: string; params?: object; address?: string } = {}): Promise<Answer> {
  const route = routes.find((one) => one.id === id)!;
  const account = as === undefined ? undefined : store.accounts.byName(as)!;
  const call = { params: route.params?.parse(params), query: undefined, body: route.body?.parse(body), address, agent: 'test', revision: undefined, actor: account && { account: account.id, name: account.name, role: account.role, may: permissionsOf(account.role), session: 'none', by: `account:${account.name}` } };
  return (await route.run(call as Call<never, never, never>, world)).body as Answer;
}
const codeOf = async (asked: Promise<unknown>): Promise<string> => asked.then(() => 'done', (error: unknown) => (error instanceof Problem ? error.code : error instanceof ZodError ? 'bad-input' : String(error)));
const account = (name: string): Account => store.accounts.byName(name)!;
const audited = (): string[] => [...store.response.audit(1)].map(({ by, operation, result }) => `${by} ${operation} ${result}`);

async function register(device: Authenticator, as: string, how: object = {}): Promise<Answer> {
  const { ticket, options } = await ask('passkey-options', { password }, { as });
  return ask('passkey-add', { ticket, name: 'laptop', response: device.make({ challenge: options.challenge, ...site, ...how }) }, { as });
}
async function logOn(device: Authenticator, how: object = {}, more: { address?: string } = {}): Promise<Answer> {
  const { ticket, options } = await ask('passkey-log-on-options', {}, more);
  return ask('passkey-log-on', { ticket, response: device.prove({ challenge: options.challenge, ...site, ...how }) }, more);
}

it('is made with the password, named, listed, and logs on without a password; nothing of it that logs on is told', async () => {
  const device = new Authenticator();
  expect(await codeOf(ask('passkey-options', { password: 'wrong' }, { as: 'li' }))).toBe('wrong-credentials');
  const { passkey, recovery } = await register(device, 'li') as unknown as { passkey: { id: string }; recovery: string[] };
  expect(recovery).toHaveLength(10);
  expect((await ask('passkey-options', { password }, { as: 'li' })).options.excludeCredentials).toMatchObject([{ id: device.id }]);
  expect(await ask('passkey-rename', { name: ' phone ' }, { as: 'li', params: { id: passkey.id } })).toMatchObject({ name: 'phone' });
  expect(await ask('passkeys', {}, { as: 'li' })).toEqual({ items: [{ id: passkey.id, name: 'phone', created: clock, synced: false }], domain: 'localhost', origins: [site.origin] });
  expect(await logOn(device, { userHandle: Buffer.from('id-li').toString('base64url') })).toMatchObject({ name: 'li', passkeys: 1, totp: false, recovery_left: 10 });
  expect(await ask('passkeys', {}, { as: 'li' })).toMatchObject({ items: [{ used: clock }] });
  expect(audited()).toEqual(['account:li prove refused (password), from 198.51.100.7', 'account:li passkey-add laptop', 'account:li passkey-rename laptop is phone', 'account:li log-on from 198.51.100.7']);
  expect(await codeOf(ask('passkey-remove', { password: 'wrong' }, { as: 'li', params: { id: passkey.id } }))).toBe('wrong-credentials');
  expect(await codeOf(ask('passkey-remove', { password }, { as: 'wang', params: { id: passkey.id } })), 'of somebody else').toBe('not-found');
  await ask('passkey-remove', { password }, { as: 'li', params: { id: passkey.id } });
  expect(account('li')).toMatchObject({ passkeys: [], recovery: [] });
  expect(await codeOf(logOn(device))).toBe('wrong-credentials');
});

it('is a second factor after the password: the password alone lets nobody in; a device without a PIN will do, a recovery code too', async () => {
  const device = new Authenticator();
  const { recovery } = await register(device, 'li', { verified: false }) as unknown as { recovery: string[] };
  const enter = (more: object = {}): Promise<Answer> => ask('log-on', { name: 'li', password, ...more });
  const asked = async (): Promise<Answer> => enter().then(() => expect.unreachable(), (error: unknown) => { const { code, more } = error as Problem; expect(code).toBe('code-needed'); expect(more).toMatchObject({ factors: ['passkey', 'recovery'] }); return more!['passkey'] as Answer; });
  const first = await asked();
  expect(first.options).toMatchObject({ allowCredentials: [{ id: device.id }], userVerification: 'preferred' });
  const response = device.prove({ challenge: first.options.challenge, ...site, verified: false });
  expect(await enter({ passkey: { ticket: first.ticket, response } })).toMatchObject({ name: 'li' });
  expect(await codeOf(enter({ passkey: { ticket: first.ticket, response } })), 'once').toBe('gone');
  expect(await enter({ code: recovery[2] })).toMatchObject({ recovery_left: 9 });
  expect(await codeOf(enter({ code: '000000' }))).toBe('wrong-credentials');
  expect(await codeOf(logOn(device, { verified: false })), 'alone it must ask for a finger or a PIN').toBe('wrong-credentials');
  // A challenge of one purpose is good for no other.
  const alone = await ask('passkey-log-on-options');
  expect(await codeOf(enter({ passkey: { ticket: alone.ticket, response: device.prove({ challenge: alone.options.challenge, ...site }) } }))).toBe('gone');
});

it('an unconfirmed authenticator is no second factor, and its codes are none', async () => {
  await register(new Authenticator(), 'li');
  await ask('totp-begin', { password }, { as: 'li' });
  const { generateSync } = await import('otplib');
  expect(await codeOf(ask('log-on', { name: 'li', password, code: generateSync({ secret: account('li').totp!.secret, epoch: Math.floor(clock / 1000) }) }))).toBe('wrong-credentials');
});

it.each<[string, object]>([
  ['of another site', { origin: 'https://evil.example' }],
  ['of another port', { origin: 'https://localhost:9999' }],
  ['for another domain', { rpId: 'evil.example' }],
  ['to another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
  ['that makes a key instead', { type: 'webauthn.create' }],
  ['for another account', { userHandle: Buffer.from('id-wang').toString('base64url') }],
])('an answer %s lets nobody in, and none of that kind is kept', async (_name, how) => {
  const device = new Authenticator();
  await register(device, 'li');
  await register(new Authenticator(), 'wang');
  expect(await codeOf(logOn(device, how))).toBe('wrong-credentials');
  expect(audited().at(-1)).toBe('account:li log-on refused (passkey), from 198.51.100.7');
  if (!('userHandle' in how)) expect(await codeOf(register(new Authenticator(), 'wang', { ...how, ...('type' in how && { type: 'webauthn.get' }) }))).toBe('wrong-credentials');
  expect(account('wang').passkeys).toHaveLength(1);
});

it('each challenge is used once, soon, and by whom it was given', async () => {
  const device = new Authenticator();
  await register(device, 'li');
  const { ticket, options } = await ask('passkey-log-on-options');
  const answer = { ticket, response: device.prove({ challenge: options.challenge, ...site }) };
  expect(await ask('passkey-log-on', answer)).toMatchObject({ name: 'li' });
  expect(await codeOf(ask('passkey-log-on', answer)), 'replayed').toBe('gone');
  const late = await ask('passkey-log-on-options');
  clock += 5 * 60_000 + 1;
  expect(await codeOf(ask('passkey-log-on', { ticket: late.ticket, response: device.prove({ challenge: late.options.challenge, ...site }) }))).toBe('gone');
  const mine = await ask('passkey-options', { password }, { as: 'li' });
  expect(await codeOf(ask('passkey-add', { ticket: mine.ticket, name: 'x', response: new Authenticator().make({ challenge: mine.options.challenge, ...site }) }, { as: 'wang' }))).toBe('gone');
  // However many are begun, they are bounded: the oldest is void.
  const old = await ask('passkey-log-on-options', {}, { address: '198.51.100.8' });
  for (let i = 0; i < 2000; i++) world.challenges.begin('x', 'log-on');
  expect(await codeOf(ask('passkey-log-on', { ticket: old.ticket, response: device.prove({ challenge: old.options.challenge, ...site }) }, { address: '198.51.100.8' }))).toBe('gone');
});

it('a copy is told by its counter, also of two that come at once; a forged counter tells nothing', async () => {
  const device = new Authenticator();
  await register(device, 'li', { counter: 5 });
  expect(await logOn(device, { counter: 9 })).toMatchObject({ name: 'li' });
  await expect(logOn(device, { counter: 9 })).rejects.toThrow('counts backwards');
  expect(audited().at(-1)).toContain('laptop counts backwards: it may have been copied');
  await expect(logOn(new Authenticator(), { counter: 1, as: device.id }), 'not signed by it').rejects.toThrow('the passkey is wrong');
  const both = await Promise.allSettled([logOn(device, { counter: 10 }), logOn(device, { counter: 10 })]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const uncounted = new Authenticator();
  await register(uncounted, 'wang', { counter: 0 });
  for (let i = 0; i < 2; i++) expect(await logOn(uncounted, { counter: 0 })).toMatchObject({ name: 'wang' });
});

it('a credential is of one account; twenty are the most; what names its maker is refused', async () => {
  const device = new Authenticator();
  await register(device, 'li');
  expect(await codeOf(register(device, 'wang')), 'kept by another').toBe('conflict');
  // After the password of one, a key of another is no second factor.
  await register(new Authenticator(), 'wang');
  const asked = await ask('log-on', { name: 'wang', password }).then(() => expect.unreachable(), (error: unknown) => (error as Problem).more!['passkey'] as Answer);
  expect(await codeOf(ask('log-on', { name: 'wang', password, passkey: { ticket: asked.ticket, response: device.prove({ challenge: asked.options.challenge, ...site }) } }))).toBe('wrong-credentials');
  expect(await codeOf(register(new Authenticator(), 'wang', { attestation: 'tpm' }))).toBe('wrong-credentials');
  store.accounts.save({ ...account('wang'), passkeys: Array.from({ length: 20 }, (_, i) => ({ id: `k${i}`, name: 'x', key: '', counter: 0, created: clock, synced: false })) });
  expect(await codeOf(ask('passkey-options', { password }, { as: 'wang' }))).toBe('conflict');
});

it('wrong ones slow the address and nobody else; a disabled account stays out', async () => {
  const device = new Authenticator();
  await register(device, 'li');
  for (let i = 0; i < 5; i++) expect(await codeOf(logOn(device, { rpId: 'evil.example' }))).toBe('wrong-credentials');
  expect(await codeOf(logOn(device))).toBe('too-many');
  expect(await logOn(device, {}, { address: '198.51.100.9' })).toMatchObject({ name: 'li' });
  store.accounts.save({ ...account('li'), disabled: true });
  expect(await codeOf(logOn(device, {}, { address: '198.51.100.9' }))).toBe('wrong-credentials');
});

it.each<[string, object]>([['empty', {}], ['without a response', { id: 'x', type: 'public-key' }], ['with none', { id: 'x', type: 'public-key', response: null }], ['large and broken', { id: 'x', type: 'public-key', rawId: 'x', response: { clientDataJSON: '\0', attestationObject: 'A'.repeat(100_000), authenticatorData: 'v', signature: '!' } }]])('a hostile answer, %s, is wrong and never a fault', async (_name, response) => {
  const device = new Authenticator();
  await register(device, 'li');
  const { ticket } = await ask('passkey-options', { password }, { as: 'li' });
  expect(await codeOf(ask('passkey-add', { ticket, name: 'x', response }, { as: 'li' }))).toMatch(/wrong-credentials|bad-input/);
  const begun = await ask('passkey-log-on-options');
  expect(await codeOf(ask('passkey-log-on', { ticket: begun.ticket, response: { ...response, id: device.id } }))).toMatch(/wrong-credentials|bad-input/);
});
