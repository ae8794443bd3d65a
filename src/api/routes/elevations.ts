/** More rights for a while: asked for with a reason, granted by somebody else who has them, gone by themselves. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { covers, type Elevation, permissionsOf } from '../../core/account.ts';
import { elevation, role } from '../contract/accounts.ts';
import { idParams, list, why } from '../contract/common.ts';
import { type Actor, route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

/** How long the question may wait. */
const askedMs = 4 * 3_600_000;
const minutesMost = 8 * 60, openMost = 3;

const show = (one: Elevation, actor: Actor, now: number): z.infer<typeof elevation> => ({ ...one, state: (one.state === 'waiting' || one.state === 'granted') && one.until <= now ? 'over' : one.state, own: one.account === actor.account });

function find(id: string, world: World): Elevation {
  const found = world.store.accounts.elevation(id);
  if (!found) throw new Problem('not-found', { zh: '没有这项申请', en: 'no such request' });
  return found;
}

async function answer(id: string, granted: boolean, actor: Actor, world: World): Promise<{ body: object }> {
  const one = find(id, world), now = world.now();
  if (one.account === actor.account) throw new Problem('not-permitted', { zh: '不能批准自己的申请', en: 'nobody answers their own request' });
  // Who has more rights for a while alone hands none on.
  const own = world.store.accounts.account(actor.account);
  if (!own || !covers(permissionsOf(own.role), one.role)) throw new Problem('not-permitted', { zh: `您无权授予“${one.role}”`, en: `expected an account that may do all that the role ${one.role} may` });
  if (one.state !== 'waiting') throw new Problem('conflict', { zh: '申请已有人答复', en: 'it was answered' });
  if (one.until <= now) throw new Problem('conflict', { zh: '申请已过期', en: 'it has expired' });
  const next: Elevation = { ...one, state: granted ? 'granted' : 'rejected', answered: { by: actor.name, time: now }, until: granted ? now + one.minutes * 60_000 : one.until };
  world.store.accounts.saveElevation(next);
  await world.audit({ by: actor.by, operation: granted ? 'elevation-grant' : 'elevation-reject', target: one.name, why: one.why, result: granted ? `role ${one.role} until ${new Date(next.until).toISOString()}` : `role ${one.role} refused` });
  world.feed.tell('request', one.id);
  return { body: show(next, actor, now) };
}

export const elevationRoutes = [
  route({
    id: 'elevations', method: 'GET', path: '/elevations', access: 'person', title: { zh: '临时提权的申请（可批准者看到全部）', en: 'requests for more rights; all of them for who may grant them' }, answer: list(elevation),
    run: ({ actor }, world: World) => ({ body: { items: world.store.accounts.elevations(actor!.may.has('accounts') ? undefined : actor!.account).map((one) => show(one, actor!, world.now())) } }),
  }),
  route({
    id: 'elevation-ask', method: 'POST', path: '/elevations', access: 'person', title: { zh: '申请临时提权', en: 'ask for more rights for a while' }, body: z.strictObject({ role, minutes: z.number().int().min(5).max(minutesMost), why: why.min(5) }), answer: elevation,
    async run({ body, actor }, world: World) {
      if (actor!.outside !== undefined) throw new Problem('not-permitted', { zh: '您的账号不用于本机', en: 'your account is for other hosts' });
      if (body.role === 'owner') throw new Problem('not-permitted', { zh: '不能临时成为所有者', en: 'nobody becomes an owner for a while' });
      if (covers(actor!.may, body.role)) throw new Problem('conflict', { zh: '您已有这些权限', en: 'you may do that already' });
      const now = world.now();
      const mine = world.store.accounts.elevations(actor!.account);
      if (mine.filter(({ state, until }) => state === 'waiting' && until > now).length >= openMost) throw new Problem('too-many', { zh: '等待答复的申请太多', en: 'too many of your requests wait' });
      const one: Elevation = { id: randomBytes(8).toString('hex'), account: actor!.account, name: actor!.name, ...body, created: now, until: now + askedMs, state: 'waiting' };
      world.store.accounts.saveElevation(one);
      await world.audit({ by: actor!.by, operation: 'elevation-ask', target: actor!.name, why: body.why, result: `role ${body.role} for ${body.minutes} minutes` });
      world.feed.tell('request', one.id);
      return { status: 201, body: show(one, actor!, now) };
    },
  }),
  route({ id: 'elevation-approve', method: 'POST', path: '/elevations/:id/approve', access: 'accounts', title: { zh: '批准', en: 'grant it' }, params: idParams, answer: elevation, run: ({ params, actor }, world: World) => answer(params.id, true, actor!, world) }),
  route({ id: 'elevation-reject', method: 'POST', path: '/elevations/:id/reject', access: 'accounts', title: { zh: '拒绝', en: 'refuse it' }, params: idParams, answer: elevation, run: ({ params, actor }, world: World) => answer(params.id, false, actor!, world) }),
  route({
    id: 'elevation-end', method: 'DELETE', path: '/elevations/:id', access: 'person', title: { zh: '交还，或由管理账号者收回', en: 'give it back; or take it away, for who manages accounts' }, params: idParams, answer: elevation,
    async run({ params, actor }, world: World) {
      const one = find(params.id, world), now = world.now();
      if (one.account !== actor!.account && !actor!.may.has('accounts')) throw new Problem('not-found', { zh: '没有这项申请', en: 'no such request' });
      if (one.state !== 'granted' && one.state !== 'waiting') throw new Problem('conflict', { zh: '已经结束', en: 'it is over' });
      const next: Elevation = { ...one, state: 'ended', until: Math.min(one.until, now) };
      world.store.accounts.saveElevation(next);
      await world.audit({ by: actor!.by, operation: 'elevation-end', target: one.name, why: '', result: `role ${one.role}` });
      world.feed.tell('request', one.id);
      return { body: show(next, actor!, now) };
    },
  }),
] as const;
