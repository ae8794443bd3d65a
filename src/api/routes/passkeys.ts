/**
 * Passkeys: made and kept by whoever is logged on; after the password they are a second factor (see log-on), and those that ask for a finger
 * or a PIN are a log-on of their own.
 */
import * as z from 'zod';
import type { Account, Passkey } from '../../core/account.ts';
import { hasSecondFactor, passkeysMost, proofOptions, registered, registrationOptions, shortId } from '../access/passkeys.ts';
import { newRecovery } from '../access/one-time.ts';
import { me } from '../contract/accounts.ts';
import { done } from '../contract/common.ts';
import { passkey, passkeyBegun, passkeyMade, passkeys } from '../contract/passkeys.ts';
import { route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';
import { again, byPasskey, enter, own, passkeyProof } from './session.ts';

const name = z.string().trim().min(1).max(100);
const password = z.string().max(1000);
const show = (kept: Passkey): z.infer<typeof passkey> => ({ id: shortId(kept), name: kept.name, created: kept.created, ...(kept.used !== undefined && { used: kept.used }), synced: kept.synced });
const params = z.strictObject({ id: z.string().regex(/^[0-9a-f]{16}$/) });
const none = (): Problem => new Problem('not-found', { zh: '没有这把密钥', en: 'no such passkey' });
const full = (): Problem => new Problem('conflict', { zh: `最多 ${passkeysMost} 把`, en: `expected at most ${passkeysMost} passkeys` });
const count = (account: Account): number => account.passkeys?.length ?? 0;

export const passkeyRoutes = [
  route({
    id: 'passkeys', method: 'GET', path: '/passkeys', access: 'person', title: { zh: '自己的通行密钥；domain 与 origins：从这些地址打开才能用', en: 'one\'s own passkeys; they work where the console is opened by one of origins' }, answer: passkeys,
    run: ({ actor }, world: World) => ({ body: { items: (own(actor, world).passkeys ?? []).map(show), ...world.passkeys() } }),
  }),
  route({
    id: 'passkey-options', method: 'POST', path: '/passkeys/options', access: 'person', title: { zh: '开始登记通行密钥', en: 'begin to make a passkey' }, body: z.strictObject({ password }), answer: passkeyBegun,
    async run(call, world: World) {
      const account = await again(call, call.body.password, world);
      if (count(account) >= passkeysMost) throw full();
      const options = await registrationOptions(account, world.host, world.passkeys());
      return { body: { ticket: world.challenges.begin(options.challenge, `register ${account.id}`), options } };
    },
  }),
  route({
    id: 'passkey-add', method: 'POST', path: '/passkeys', access: 'person', title: { zh: '登记通行密钥；首个两步验证时给出恢复码（只显示一次）', en: 'keep a passkey; the first second factor gives recovery codes, shown once' },
    body: passkeyProof.extend({ name }), answer: passkeyMade,
    async run({ body, actor }, world: World) {
      const { accounts } = world.store;
      const challenge = world.challenges.take(body.ticket, `register ${actor!.account}`);
      const made = await registered(body.response, challenge, body.name, world.passkeys(), world.now());
      if (accounts.accounts().some((one) => one.passkeys?.some(({ id }) => id === made.id))) throw new Problem('conflict', { zh: '这把已登记', en: 'it is kept already' });
      // As it is now: the account may have changed while the key was looked at.
      const account = own(actor, world);
      if (count(account) >= passkeysMost) throw full();
      const recovery = hasSecondFactor(account) ? undefined : newRecovery();
      accounts.save({ ...account, passkeys: [...account.passkeys ?? [], made], ...(recovery && { recovery: recovery.digests }) });
      await world.audit({ by: actor!.by, operation: 'passkey-add', target: account.name, why: '', result: made.name });
      return { status: 201, body: { passkey: show(made), ...(recovery && { recovery: recovery.codes }) } };
    },
  }),
  route({
    id: 'passkey-rename', method: 'PATCH', path: '/passkeys/:id', access: 'person', title: { zh: '改通行密钥的名称', en: 'name a passkey anew' }, params, body: z.strictObject({ name }), answer: passkey,
    async run({ params: { id }, body, actor }, world: World) {
      const account = own(actor, world);
      const before = account.passkeys?.find((one) => shortId(one) === id);
      if (!before) throw none();
      const next = { ...before, name: body.name };
      world.store.accounts.save({ ...account, passkeys: account.passkeys!.map((one) => (one === before ? next : one)) });
      await world.audit({ by: actor!.by, operation: 'passkey-rename', target: account.name, why: '', result: `${before.name} is ${next.name}` });
      return { body: show(next) };
    },
  }),
  route({
    id: 'passkey-remove', method: 'DELETE', path: '/passkeys/:id', access: 'person', title: { zh: '删除通行密钥', en: 'remove a passkey' }, params, body: z.strictObject({ password }), answer: done,
    async run(call, world: World) {
      const { params: { id }, body, actor } = call;
      const account = await again(call, body.password, world);
      const gone = account.passkeys?.find((one) => shortId(one) === id);
      if (!gone) throw none();
      const next: Account = { ...account, passkeys: account.passkeys!.filter((one) => one !== gone) };
      // Nothing is left that they could stand in for.
      world.store.accounts.save(hasSecondFactor(next) ? next : { ...next, recovery: [] });
      await world.audit({ by: actor!.by, operation: 'passkey-remove', target: account.name, why: '', result: gone.name });
      return { body: { done: true } };
    },
  }),
  route({
    id: 'passkey-log-on-options', method: 'POST', path: '/session/passkey/options', access: 'anyone', title: { zh: '开始用通行密钥登录', en: 'begin to log on by a passkey' }, answer: passkeyBegun,
    async run({ address }, world: World) {
      world.lockout.mustWait('', address, true);
      const options = await proofOptions(world.passkeys());
      return { body: { ticket: world.challenges.begin(options.challenge, 'log-on'), options } };
    },
  }),
  route({
    id: 'passkey-log-on', method: 'POST', path: '/session/passkey', access: 'anyone', title: { zh: '用通行密钥登录，不用密码', en: 'log on by a passkey, without a password' }, body: passkeyProof, answer: me,
    async run(call, world: World) {
      // Nobody guesses a signature: only the address is slowed, so that nobody can lock somebody else out.
      world.lockout.mustWait('', call.address, true);
      const { id } = call.body.response;
      const account = world.store.accounts.accounts().find((one) => one.passkeys?.some((kept) => kept.id === id));
      const fail = async (problem: Problem, why: string): Promise<never> => {
        const whom = account?.name ?? '(unknown)';
        if (world.lockout.wrong('', call.address, true)) await world.audit({ by: `account:${whom}`, operation: 'log-on', target: whom, why: '', result: `refused (${why}), from ${call.address}` });
        throw problem;
      };
      if (!account || account.disabled) return fail(new Problem('wrong-credentials', { zh: '通行密钥不对', en: 'the passkey is wrong' }), 'passkey');
      const proved = await byPasskey(account, call.body, 'log-on', true, fail, world);
      world.lockout.right('', call.address);
      return enter(proved, call, world);
    },
  }),
] as const;
