/** Accounts of others, their sessions, and API tokens. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type Account, accountName, type ApiToken, covers, isScopeWithin, permissionsOf, type Role, roles, type Scope } from '../../core/account.ts';
import { checkPassword, hashPassword } from '../access/passwords.ts';
import { hasSecondFactor } from '../access/passkeys.ts';
import { makeToken } from '../access/sessions.ts';
import { account as accountShown, apiToken, role, roleEntry, scope, session as sessionShown, sessionsEnded, tokenMade } from '../contract/accounts.ts';
import { done, idParams, list } from '../contract/common.ts';
import { type Actor, type Call, route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';
import { again, sessionsOf } from './session.ts';

const day = 86_400_000;
const show = ({ id, name, role: of, created, disabled, totp, passwordChanged, lastLogIn, scope: held, passkeys }: Account): z.infer<typeof accountShown> => ({
  id, name, role: of, created, disabled, totp: totp?.confirmed === true, password_changed: passwordChanged, passkeys: passkeys?.length ?? 0, ...(held && { scope: held }), ...(lastLogIn && { last_log_on: lastLogIn }),
});

const showToken = ({ id, name, role: of, created, expires, seen, scope: held }: ApiToken, account: string): z.infer<typeof apiToken> => ({ id, name, account, role: of, created, expires, ...(seen !== undefined && { seen }), ...(held && { scope: held }) });

/**
 * Throws unless the actor may give for good all that the role may, for all these hosts: an administrator makes no owner and changes none, and who
 * has more rights for a while, or for some hosts, makes nobody who has them for good, or for others.
 */
function mustCover({ grants, scopes }: Actor, given: Role, held: Scope | undefined): void {
  if (!covers(grants, given)) throw new Problem('not-permitted', { zh: `您无权管理“${given}”`, en: `expected an account that may, for good, do all that the role ${given} may` });
  if (!scopes.every((scope) => isScopeWithin(held, scope))) throw new Problem('not-permitted', { zh: '您只能管理自己范围内的主机的账号', en: 'expected an account that is for all these hosts: name groups and environments among your own' });
}

/** One's own, once more: what is made with it lets somebody in, also when the screen that was left open is locked again. */
const ownPassword = z.string().max(1000).optional();

/** A person proves to be the one who logged on; a program has its token alone. */
async function mustProve(call: Pick<Call<unknown, unknown, unknown>, 'actor' | 'address'>, password: string | undefined, world: World): Promise<void> {
  if (call.actor!.session === undefined) return;
  if (password === undefined) throw new Problem('bad-input', { zh: 'own_password：请再输入一次自己的密码', en: 'own_password: expected one\'s own password once more' });
  await again(call, password, world);
}

function find(world: World, id: string): Account {
  const account = world.store.accounts.account(id);
  if (!account) throw new Problem('not-found', { zh: '没有这个账号', en: 'no such account' });
  return account;
}

function mustBeEverywhere(of: Role, held: Scope | undefined): void {
  if (of === 'owner' && held !== undefined) throw new Problem('conflict', { zh: '所有者不能限定范围', en: 'an owner is for all hosts' });
}

/** What was granted or asked for under a role that it has no more. */
function endElevations(world: World, account: string): void {
  const now = world.now();
  for (const one of world.store.accounts.elevations(account)) if (one.state === 'granted' || one.state === 'waiting') world.store.accounts.saveElevation({ ...one, state: 'ended', until: Math.min(one.until, now) });
}

/** Somebody must be able to let the others in. */
function mustKeepOwner(world: World, account: Account): void {
  const others = world.store.accounts.accounts().filter(({ id, role: of, disabled }) => of === 'owner' && !disabled && id !== account.id);
  if (account.role === 'owner' && others.length === 0) throw new Problem('conflict', { zh: '这是最后一个所有者', en: 'it is the last owner' }, { hint: 'make another account an owner first' });
}

export const accountRoutes = [
  route({
    id: 'accounts', method: 'GET', path: '/accounts', access: 'accounts', title: { zh: '账号列表', en: 'accounts' }, answer: list(accountShown),
    run: (_call, world: World) => ({ body: { items: world.store.accounts.accounts().map(show) } }),
  }),
  route({
    id: 'account-add', method: 'POST', path: '/accounts', access: 'accounts', title: { zh: '新建账号', en: 'make an account' },
    body: z.strictObject({ name: z.string().regex(accountName), role, password: z.string().max(1000), scope: scope.optional(), own_password: ownPassword }), answer: accountShown,
    async run(call, world: World) {
      const { name, role: of, password, scope: held } = call.body;
      mustCover(call.actor!, of, held);
      mustBeEverywhere(of, held);
      checkPassword(password, name);
      await mustProve(call, call.body.own_password, world);
      if (world.store.accounts.byName(name)) throw new Problem('conflict', { zh: `已有账号“${name}”`, en: `there is an account ${name} already` });
      const now = world.now();
      const account: Account = { id: randomBytes(8).toString('hex'), name, role: of, created: now, disabled: false, password: await hashPassword(password), passwordChanged: now, recovery: [], ...(held && { scope: held }) };
      world.store.accounts.save(account);
      await world.audit({ by: call.actor!.by, operation: 'account-add', target: name, why: '', result: `role ${of}` });
      return { status: 201, body: show(account) };
    },
  }),
  route({
    id: 'account-change', method: 'PATCH', path: '/accounts/:id', access: 'accounts', title: { zh: '改账号的角色、停用或启用、重设密码、关闭其验证码（其会话随之结束；单纯停用之外须再次输入自己的密码；重设密码时其 API 令牌一并作废）', en: 'change an account\'s role, disable or enable it, set its password, turn its codes off; its sessions end. all but turning it off takes one\'s own password; a password that is set ends its API tokens too' },
    params: idParams, body: z.strictObject({ role: role.optional(), disabled: z.boolean().optional(), password: z.string().max(1000).optional(), totp: z.literal(false).optional(), passkeys: z.literal(false).optional(), scope: scope.nullable().optional(), own_password: ownPassword }), answer: accountShown,
    async run(call, world: World) {
      const { role: of, disabled, password, totp, passkeys, scope: held } = call.body;
      const actor = call.actor!;
      const asItIs = (): Account => {
        const account = find(world, call.params.id);
        const next = { role: of ?? account.role, scope: held === undefined ? account.scope : held ?? undefined };
        mustCover(actor, account.role, account.scope);
        mustCover(actor, next.role, next.scope);
        mustBeEverywhere(next.role, next.scope);
        if ((of !== undefined && of !== 'owner') || disabled === true) mustKeepOwner(world, account);
        // Somebody at an unlocked screen, or with a stolen session, would stay: one's own is changed with the password that one knows.
        if (account.id === actor.account && (password ?? totp ?? passkeys) !== undefined) throw new Problem('conflict', { zh: '自己的密码与第二步验证请在“我的账号”中修改，需先输入现有密码', en: 'one\'s own password and second factor are changed at /session, with the password that there is' });
        return account;
      };
      const { name } = asItIs();
      if (password !== undefined) checkPassword(password, name);
      // To turn an account off lets nobody in, and may have to be quick; anything else opens or gives something.
      if (disabled !== true || (of ?? password ?? totp ?? passkeys ?? held) !== undefined) await mustProve(call, call.body.own_password, world);
      const hashed = password === undefined ? undefined : await hashPassword(password);
      // All of it may have changed meanwhile, for other accounts too.
      const account = asItIs();
      const { totp: before, scope: scopeBefore, passkeys: keysBefore, ...rest } = account;
      const next: Account = {
        ...rest, ...(held === undefined ? scopeBefore && { scope: scopeBefore } : held && { scope: held }), ...(keysBefore && passkeys !== false && { passkeys: keysBefore }), ...(before && totp !== false && { totp: before }),
        ...(of !== undefined && { role: of }), ...(disabled !== undefined && { disabled }), ...(hashed !== undefined && { password: hashed, passwordChanged: world.now() }),
      };
      // Nothing is left that they could stand in for.
      if (!hasSecondFactor(next)) next.recovery = [];
      world.store.accounts.save(next);
      world.store.accounts.endSessions(account.id, account.id === actor.account ? actor.session : undefined);
      if (of !== undefined || disabled === true) endElevations(world, account.id);
      // Somebody else sets it when it was lost or stolen: who had it may have made tokens that would outlive it.
      const tokens = hashed === undefined ? [] : world.store.accounts.tokens(account.id);
      for (const { id } of tokens) world.store.accounts.endToken(id);
      const what = [of !== undefined && `role ${of}`, disabled !== undefined && (disabled ? 'disabled' : 'enabled'), hashed !== undefined && `password set, ${tokens.length} API tokens ended`, totp === false && 'one-time codes off', passkeys === false && 'passkeys removed', held !== undefined && `scope ${held === null ? 'all hosts' : JSON.stringify(held)}`].filter((word) => word !== false);
      await world.audit({ by: actor.by, operation: 'account-change', target: account.name, why: '', result: what.join(', ') });
      return { body: show(next) };
    },
  }),
  route({
    id: 'account-remove', method: 'DELETE', path: '/accounts/:id', access: 'accounts', title: { zh: '删除账号', en: 'remove an account' }, params: idParams, answer: done,
    async run(call, world: World) {
      const account = find(world, call.params.id);
      mustCover(call.actor!, account.role, account.scope);
      mustKeepOwner(world, account);
      world.store.accounts.remove(account.id);
      await world.audit({ by: call.actor!.by, operation: 'account-remove', target: account.name, why: '', result: 'done' });
      return { body: { done: true } };
    },
  }),
  route({
    id: 'account-sessions', method: 'GET', path: '/accounts/:id/sessions', access: 'accounts', title: { zh: '一个账号的会话', en: 'the sessions of an account' }, params: idParams, answer: list(sessionShown),
    run: (call, world: World) => ({ body: { items: sessionsOf(world, find(world, call.params.id).id, call.actor!.session) } }),
  }),
  route({
    id: 'account-sessions-end', method: 'DELETE', path: '/accounts/:id/sessions', access: 'accounts', title: { zh: '结束一个账号的全部会话（自己的当前会话除外）', en: 'end the sessions of an account; of one\'s own all but this one' }, params: idParams, answer: sessionsEnded,
    async run(call, world: World) {
      const account = find(world, call.params.id);
      mustCover(call.actor!, account.role, account.scope);
      const ended = world.store.accounts.endSessions(account.id, call.actor!.session);
      await world.audit({ by: call.actor!.by, operation: 'end-sessions', target: account.name, why: '', result: `${ended} ended` });
      return { body: { ended } };
    },
  }),
  route({ id: 'roles', method: 'GET', path: '/roles', access: 'person', title: { zh: '角色与权限', en: 'the roles, and what each may do' }, answer: list(roleEntry), run: (_call, _world: World) => ({ body: { items: roles.map((one) => ({ role: one, may: [...permissionsOf(one)] })) } }) }),
  route({
    id: 'tokens', method: 'GET', path: '/tokens', access: 'person', title: { zh: '自己的 API 令牌（可管理账号者看到全部）', en: 'one\'s own API tokens; all of them for who manages accounts' }, answer: list(apiToken),
    run(call, world: World) {
      const tokens = world.store.accounts.tokens(call.actor!.may.has('accounts') ? undefined : call.actor!.account);
      return { body: { items: tokens.map((token) => showToken(token, world.store.accounts.account(token.account)?.name ?? '')) } };
    },
  }),
  route({
    id: 'token-add', method: 'POST', path: '/tokens', access: 'person', title: { zh: '新建 API 令牌（只显示一次）', en: 'make an API token; it is shown once' },
    body: z.strictObject({ name: z.string().regex(accountName), role, days: z.number().int().min(1).max(366), scope: scope.optional(), own_password: ownPassword }), answer: tokenMade,
    async run(call, world: World) {
      const account = find(world, call.actor!.account);
      // Its hosts are always among those of the account: both are asked.
      mustCover(call.actor!, call.body.role, account.scope);
      await mustProve(call, call.body.own_password, world);
      const { secret, token } = makeToken(world.store.accounts, account, { name: call.body.name, role: call.body.role, expires: world.now() + call.body.days * day, ...(call.body.scope && { scope: call.body.scope }) }, world.now());
      await world.audit({ by: call.actor!.by, operation: 'token-add', target: `${account.name}/${token.name}`, why: '', result: `role ${token.role}, ${call.body.days} days` });
      return { status: 201, body: { secret, token: showToken(token, account.name) } };
    },
  }),
  route({
    id: 'token-end', method: 'DELETE', path: '/tokens/:id', access: 'person', title: { zh: '作废 API 令牌', en: 'revoke an API token' }, params: idParams, answer: done,
    async run(call, world: World) {
      const token = world.store.accounts.tokens().find(({ id }) => id === call.params.id);
      // Whether somebody else's is there is not told.
      if (!token || (token.account !== call.actor!.account && !call.actor!.may.has('accounts'))) throw new Problem('not-found', { zh: '没有这个令牌', en: 'no such token' });
      const owner = find(world, token.account);
      if (owner.id !== call.actor!.account) mustCover(call.actor!, owner.role, owner.scope);
      world.store.accounts.endToken(token.id);
      await world.audit({ by: call.actor!.by, operation: 'token-end', target: `${owner.name}/${token.name}`, why: '', result: 'done' });
      return { body: { done: true } };
    },
  }),
] as const;
