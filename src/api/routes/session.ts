/** Set-up, log-on and log-off, one's own password, second factor and sessions. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type Account, accountName } from '../../core/account.ts';
import { hashPassword, isPassword, checkPassword } from '../access/passwords.ts';
import { newRecovery, newTotp, totpStep, useCode } from '../access/one-time.ts';
import { hasSecondFactor, isCopy, type PasskeyAnswer, proofOptions, proved } from '../access/passkeys.ts';
import { callerOf } from '../access/caller.ts';
import { actorOf, beginSession } from '../access/sessions.ts';
import { me, recoveryCodes, session as sessionShown } from '../contract/accounts.ts';
import { done, list } from '../contract/common.ts';
import { type Actor, type Call, type Reply, route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const name = z.string().regex(accountName);
const secret = z.string().max(1000);

const wrong = (): Problem => new Problem('wrong-credentials', { zh: '账号、密码或验证码不对', en: 'the name, the password or the code is wrong' });

const meOf = (account: Account, csrf: string, expires: number, actor: Actor): z.infer<typeof me> => ({
  name: account.name, role: actor.role, may: [...actor.may], csrf, expires, totp: account.totp?.confirmed === true, recovery_left: account.recovery.length, passkeys: account.passkeys?.length ?? 0, ...(actor.elevated !== undefined && { elevated: actor.elevated }), elsewhere: actor.outside !== undefined,
});

/** A log-on that has proved itself: a new session, so that none that was there before is raised. */
export async function enter(account: Account, call: Pick<Call<unknown, unknown, unknown>, 'address' | 'agent'>, world: World): Promise<Reply> {
  const now = world.now();
  const known: Account = { ...account, lastLogIn: { time: now, address: call.address } };
  world.store.accounts.save(known);
  const { secret: value, session } = beginSession(world.store.accounts, known, call, now);
  const actor = actorOf(world.store.accounts, known, session, now, world.place());
  await world.audit({ by: actor.by, operation: 'log-on', target: account.name, why: '', result: `from ${call.address}` });
  return { body: meOf(known, session.csrf, session.expires, actor), session: { secret: value, expires: session.expires } };
}

/** The account of whoever asks. */
export function own(actor: Actor | undefined, world: World): Account {
  const account = actor && world.store.accounts.account(actor.account);
  if (!account) throw new Problem('not-logged-in', { zh: '请先登录', en: 'log in first' });
  return account;
}

/**
 * The password once more, before what would let somebody at an unlocked screen stay; guessing it there is slowed as at the log-on. Gives the
 * account as it is afterwards: it may have changed meanwhile.
 */
export async function again({ actor, address }: Pick<Call<unknown, unknown, unknown>, 'actor' | 'address'>, password: string, world: World): Promise<Account> {
  const before = own(actor, world), counted = `again ${before.id}`;
  world.lockout.mustWait(counted, address, false);
  const account = await isPassword(password, before.password) ? own(actor, world) : undefined;
  if (account?.password !== before.password) {
    if (world.lockout.wrong(counted, address, false)) await world.audit({ by: actor!.by, operation: 'prove', target: before.name, why: '', result: `refused (password), from ${address}` });
    throw wrong();
  }
  world.lockout.right(counted, address);
  return account;
}

/** What a browser gave for a challenge that it was given with a ticket. */
export const passkeyProof = z.strictObject({ ticket: z.string().regex(/^[\w-]{22}$/), response: z.looseObject({ id: z.string().min(1).max(1400), type: z.literal('public-key') }) });
/** A log-on that fails: counted and audited by whoever gives it. Throws. */
type Fail = (problem: Problem, why: string) => Promise<never>;

/** The account with its passkey used, proved by what the browser gave. `purpose`: of the challenge. */
export async function byPasskey(found: Account, { ticket, response }: { ticket: string; response: PasskeyAnswer }, purpose: string, alone: boolean, fail: Fail, world: World): Promise<Account> {
  let counter: number;
  try {
    counter = await proved(response, found, world.challenges.take(ticket, purpose), world.passkeys(), { alone });
  } catch (error) {
    if (error instanceof Problem) return await fail(error, 'passkey');
    throw error;
  }
  // As it is now: of two that come at once with one counter, the second is told.
  const account = world.store.accounts.account(found.id);
  const before = account?.passkeys?.find(({ id }) => id === response.id);
  if (!account || !before || account.disabled) return await fail(wrong(), 'passkey');
  if (isCopy(before.counter, counter)) return await fail(new Problem('wrong-credentials', { zh: '这把通行密钥的计数倒退了，可能已被复制：请删除它', en: 'the passkey counts backwards, so somebody may have a copy: remove it' }), `passkey ${before.name} counts backwards: it may have been copied`);
  return { ...account, passkeys: account.passkeys!.map((one) => (one === before ? { ...one, counter, used: world.now() } : one)) };
}

/** What an account may prove itself by after its password; for a passkey the challenge goes along. */
async function asksSecond(account: Account, world: World): Promise<Problem> {
  const hasKey = (account.passkeys?.length ?? 0) > 0;
  const options = hasKey ? await proofOptions(world.passkeys(), account) : undefined;
  return new Problem('code-needed', hasKey ? { zh: '请用通行密钥或验证码完成登录', en: 'a passkey or a code is needed' } : { zh: '请输入验证码', en: 'the code of your authenticator is needed' }, {
    more: { factors: [...(account.totp?.confirmed ? ['code'] : []), ...(options ? ['passkey'] : []), ...(account.recovery.length > 0 ? ['recovery'] : [])], ...(options && { passkey: { ticket: world.challenges.begin(options.challenge, `second ${account.id}`), options } }) },
  });
}

/** With the beginning of the digest for an id: the whole of it is nobody's business. */
export const sessionsOf = (world: World, account: string, current: string | undefined): z.infer<typeof sessionShown>[] => world.store.accounts.sessions(account).map(({ digest, created, seen, expires, address, agent }) => ({ id: digest.slice(0, 16), current: digest === current, created, seen, expires, address, agent }));

export const sessionRoutes = [
  route<World>({
    id: 'setup-state', method: 'GET', path: '/setup', access: 'anyone', title: { zh: '是否需要初始设置', en: 'whether the first owner is still to be made' },
    answer: z.strictObject({ needed: z.boolean() }),
    run: (_call, world) => ({ body: { needed: world.setUp.isNeeded } }),
  }),
  route({
    id: 'setup', method: 'POST', path: '/setup', access: 'anyone', title: { zh: '用一次性链接创建第一个所有者', en: 'make the first owner by the one-time link' },
    body: z.strictObject({ token: secret, name, password: secret }), answer: me,
    async run(call, world: World) {
      // Nobody guesses the link: only the caller is slowed, so that nobody can keep the owner from using it.
      world.lockout.mustWait('set-up', call.address, true);
      if (!world.setUp.isRight(call.body.token)) {
        world.lockout.wrong('set-up', call.address, true);
        throw new Problem('gone', { zh: '链接已失效或不对', en: 'the link is wrong, used or too old' }, { hint: 'moat server set-up' });
      }
      checkPassword(call.body.password, call.body.name);
      // An owner who was turned off still has the name; the link is not used up by that.
      if (world.store.accounts.byName(call.body.name)) throw new Problem('conflict', { zh: `已有账号“${call.body.name}”，请换一个名称`, en: `there is an account ${call.body.name} already: take another name` });
      const now = world.now();
      const password = await hashPassword(call.body.password);
      // Two with the same link: the second finds it used.
      if (!world.setUp.isRight(call.body.token)) throw new Problem('gone', { zh: '链接已用过', en: 'the link was used' });
      world.setUp.end();
      const account: Account = { id: randomBytes(8).toString('hex'), name: call.body.name, role: 'owner', created: now, disabled: false, password, passwordChanged: now, recovery: [] };
      await world.audit({ by: `account:${account.name}`, operation: 'set-up', target: account.name, why: '', result: `first owner, from ${call.address}` });
      return { ...await enter(account, call, world), status: 201 };
    },
  }),
  route({
    id: 'log-on', method: 'POST', path: '/session', access: 'anyone', title: { zh: '登录', en: 'log on' },
    body: z.strictObject({ name: z.string().max(200), password: secret, code: z.string().max(100).optional(), passkey: passkeyProof.optional() }), answer: me,
    async run(call, world: World) {
      const { accounts } = world.store;
      const account = accounts.byName(call.body.name);
      const isKnown = account?.lastLogIn !== undefined && callerOf(account.lastLogIn.address) === callerOf(call.address);
      const counted = (account?.name ?? call.body.name).toLowerCase();
      world.lockout.mustWait(counted, call.address, isKnown);
      const fail: Fail = async (problem, why) => {
        if (world.lockout.wrong(counted, call.address, isKnown)) await world.audit({ by: `account:${account?.name ?? '(unknown)'}`, operation: 'log-on', target: account?.name ?? '(unknown)', why: '', result: `refused (${why}), from ${call.address}` });
        throw problem;
      };
      const right = await isPassword(call.body.password, account?.password);
      if (!right || !account) return fail(wrong(), 'password');
      // It may have changed while the password was checked: a code is used once.
      let current = accounts.account(account.id);
      if (!current || current.disabled || current.password !== account.password) return fail(wrong(), 'password');
      if (hasSecondFactor(current)) {
        const { code, passkey } = call.body;
        if (passkey !== undefined) current = await byPasskey(current, passkey, `second ${current.id}`, false, fail, world);
        // Asking for it tells that the password is right, so it counts as a wrong log-on until the code comes.
        else if (code === undefined) return fail(await asksSecond(current, world), 'no code');
        else {
          current = useCode(current, code, world.now());
          if (!current) return fail(wrong(), 'code');
        }
      }
      world.lockout.right(counted, call.address);
      return enter(current, call, world);
    },
  }),
  route({
    id: 'session', method: 'GET', path: '/session', access: 'person', title: { zh: '当前登录', en: 'who is logged on' }, answer: me,
    run(call, world: World) {
      const session = world.store.accounts.session(call.actor!.session!)!;
      return { body: meOf(own(call.actor, world), session.csrf, session.expires, call.actor!) };
    },
  }),
  route({
    id: 'log-off', method: 'DELETE', path: '/session', access: 'person', title: { zh: '退出登录', en: 'log off' }, answer: done,
    async run(call, world: World) {
      world.store.accounts.endSession(call.actor!.session!);
      await world.audit({ by: call.actor!.by, operation: 'log-off', target: call.actor!.name, why: '', result: 'done' });
      return { body: { done: true }, session: 'end' };
    },
  }),
  route({
    id: 'own-password', method: 'PUT', path: '/session/password', access: 'person', title: { zh: '改自己的密码（其他会话随之结束；API 令牌照常有效）', en: 'change one\'s own password; other sessions end, API tokens stay' },
    body: z.strictObject({ password: secret, new_password: secret }), answer: done,
    async run(call, world: World) {
      const { name: called } = await again(call, call.body.password, world);
      checkPassword(call.body.new_password, called);
      const password = await hashPassword(call.body.new_password);
      const account = own(call.actor, world);
      world.store.accounts.save({ ...account, password, passwordChanged: world.now() });
      const ended = world.store.accounts.endSessions(account.id, call.actor!.session);
      await world.audit({ by: call.actor!.by, operation: 'change-password', target: account.name, why: '', result: `${ended} other sessions ended, ${world.store.accounts.tokens(account.id).length} API tokens stay` });
      return { body: { done: true } };
    },
  }),
  route({
    id: 'totp-begin', method: 'POST', path: '/session/totp', access: 'person', title: { zh: '开启动态验证码：取得密钥', en: 'begin with one-time codes: get the secret' },
    body: z.strictObject({ password: secret }), answer: z.strictObject({ secret: z.string(), uri: z.string() }),
    async run(call, world: World) {
      const account = await again(call, call.body.password, world);
      if (account.totp?.confirmed) throw new Problem('conflict', { zh: '已经开启；请先关闭', en: 'it is on already: turn it off first' });
      const made = newTotp(account.name, world.host);
      world.store.accounts.save({ ...account, totp: { secret: made.secret, confirmed: false, step: 0 } });
      return { body: made };
    },
  }),
  route({
    id: 'totp-confirm', method: 'PUT', path: '/session/totp', access: 'person', title: { zh: '用一个验证码确认；得到恢复码（只显示一次）', en: 'confirm by a code; recovery codes are shown once' },
    body: z.strictObject({ code: z.string().max(100) }), answer: recoveryCodes,
    async run(call, world: World) {
      const account = own(call.actor, world);
      const step = account.totp && !account.totp.confirmed ? totpStep(account.totp.secret, call.body.code, world.now(), 0) : undefined;
      if (!account.totp || step === undefined) throw wrong();
      const { codes, digests } = newRecovery();
      world.store.accounts.save({ ...account, totp: { ...account.totp, confirmed: true, step }, recovery: digests });
      await world.audit({ by: call.actor!.by, operation: 'totp-on', target: account.name, why: '', result: 'done' });
      return { body: { recovery: codes } };
    },
  }),
  route({
    id: 'totp-off', method: 'DELETE', path: '/session/totp', access: 'person', title: { zh: '关闭动态验证码', en: 'turn one-time codes off' },
    body: z.strictObject({ password: secret }), answer: done,
    async run(call, world: World) {
      const { totp, ...account } = await again(call, call.body.password, world);
      // Recovery codes stand in for passkeys too.
      world.store.accounts.save({ ...account, recovery: hasSecondFactor(account) ? account.recovery : [] });
      await world.audit({ by: call.actor!.by, operation: 'totp-off', target: account.name, why: '', result: totp ? 'done' : 'it was off' });
      return { body: { done: totp !== undefined } };
    },
  }),
  route({
    id: 'recovery-renew', method: 'POST', path: '/session/recovery', access: 'person', title: { zh: '换一组恢复码（只显示一次，旧的作废）', en: 'new recovery codes, shown once; those there were are of no use any more' },
    body: z.strictObject({ password: secret }), answer: recoveryCodes,
    async run(call, world: World) {
      const account = await again(call, call.body.password, world);
      if (!hasSecondFactor(account)) throw new Problem('conflict', { zh: '请先开启动态验证码或通行密钥', en: 'there is no second factor: turn one-time codes on or add a passkey first' });
      const { codes, digests } = newRecovery();
      world.store.accounts.save({ ...account, recovery: digests });
      await world.audit({ by: call.actor!.by, operation: 'recovery-renew', target: account.name, why: '', result: `${codes.length} new codes` });
      return { body: { recovery: codes } };
    },
  }),
  route({
    id: 'own-sessions', method: 'GET', path: '/session/all', access: 'person', title: { zh: '自己的全部会话', en: 'all one\'s own sessions' },
    answer: list(sessionShown), run: (call, world: World) => ({ body: { items: sessionsOf(world, call.actor!.account, call.actor!.session) } }),
  }),
  route({
    id: 'end-own-session', method: 'DELETE', path: '/session/all/:id', access: 'person', title: { zh: '结束自己的一个会话', en: 'end one of one\'s own sessions' },
    params: z.strictObject({ id: z.string().regex(/^[0-9a-f]{16}$/) }), answer: done,
    async run(call, world: World) {
      const found = world.store.accounts.sessions(call.actor!.account).find(({ digest }) => digest.startsWith(call.params.id));
      if (!found) throw new Problem('not-found', { zh: '没有这个会话', en: 'no such session' });
      world.store.accounts.endSession(found.digest);
      await world.audit({ by: call.actor!.by, operation: 'end-session', target: call.actor!.name, why: '', result: `begun from ${found.address}` });
      return { body: { done: true } };
    },
  }),
] as const;
