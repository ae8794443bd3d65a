/** Blocks, actions with their receipts, playbooks, and what waits for a person. */
import * as z from 'zod';
import { idParams, record, why } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const list = z.strictObject({ items: z.array(record) });
const limited = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });
const forMs = z.number().int().min(1000).max(366 * 86_400_000).optional();
const items = (value: unknown): { body: { items: unknown[] } } => ({ body: { items: Array.isArray(value) ? value : [] } });

export const responseRoutes = [
  route({ id: 'blocks', method: 'GET', path: '/blocks', access: 'read', title: { zh: '封禁列表', en: 'what is blocked' }, answer: z.unknown(), run: async (_call, world: World) => ({ body: await world.ask('blocklist') }) }),
  route({
    id: 'block', method: 'POST', path: '/blocks', access: 'act', title: { zh: '封禁地址或网段', en: 'block an address or network' },
    body: z.strictObject({ address: z.string().max(100), for_ms: forMs, why: why.min(1), force: z.boolean().default(false) }), answer: record,
    run: async ({ body, actor }, world: World) => ({ status: 201, body: await world.ask('block', { ...body, by: actor!.by }) }),
  }),
  route({
    id: 'unblock', method: 'POST', path: '/blocks/remove', access: 'act', title: { zh: '解封', en: 'unblock' }, body: z.strictObject({ address: z.string().max(100), why: why.default('') }), answer: z.unknown(),
    run: async ({ body, actor }, world: World) => ({ body: await world.ask('unblock', { ...body, by: actor!.by }) }),
  }),
  route({ id: 'actions', method: 'GET', path: '/actions', access: 'read', title: { zh: '处置记录，最新在前', en: 'receipts of actions, newest first' }, query: limited, answer: list, run: async ({ query }, world: World) => items(await world.ask('actions', query)) }),
  route({
    id: 'action', method: 'GET', path: '/actions/:id', access: 'read', title: { zh: '一条处置记录', en: 'one receipt' }, params: idParams, answer: record,
    async run({ params }, world: World) {
      const receipt = await world.ask('action', params.id);
      if (receipt === null || receipt === undefined) throw new Problem('not-found', { zh: '没有这条处置记录', en: 'no such receipt' });
      return { body: receipt };
    },
  }),
  route({
    id: 'action-undo', method: 'POST', path: '/actions/:id/undo', access: 'act', title: { zh: '撤销', en: 'undo it' }, params: idParams, body: z.strictObject({ why: why.default('') }), answer: z.unknown(),
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('undo', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'pause', method: 'POST', path: '/response/pause', access: 'act', title: { zh: '暂停或恢复自动处置（0 为恢复）', en: 'pause automatic response, or go on (0)' }, body: z.strictObject({ for_ms: z.number().int().min(0).max(7 * 86_400_000), why: why.min(1) }), answer: z.unknown(),
    run: async ({ body, actor }, world: World) => ({ body: await world.ask('pause', { ...body, by: actor!.by }) }),
  }),
  route({ id: 'linkage', method: 'GET', path: '/response/linkage', access: 'read', title: { zh: '联动表', en: 'the linkage table' }, answer: record, run: async (_call, world: World) => ({ body: await world.ask('linkage') }) }),
  route({ id: 'playbooks', method: 'GET', path: '/playbooks', access: 'read', title: { zh: '预案', en: 'playbooks' }, answer: list, run: async (_call, world: World) => items(await world.ask('playbooks')) }),
  route({ id: 'playbook-runs', method: 'GET', path: '/playbook-runs', access: 'read', title: { zh: '预案执行记录', en: 'runs of playbooks' }, query: limited, answer: list, run: async ({ query }, world: World) => items(await world.ask('playbook-runs', query)) }),
  route({ id: 'requests', method: 'GET', path: '/requests', access: 'read', title: { zh: '等待人答复的请求', en: 'what waits for a person' }, answer: list, run: async (_call, world: World) => items(world.store.requests.open(world.now())) }),
  route({
    id: 'request-answer', method: 'POST', path: '/requests/:id/answer', access: 'approve', title: { zh: '同意或拒绝', en: 'approve or reject' }, params: idParams, body: z.strictObject({ answer: z.enum(['approve', 'reject']) }), answer: z.unknown(),
    async run({ params, body, actor }, world: World) {
      const decided = world.store.requests.decide(params.id, body.answer, actor!.by, world.now());
      if (decided === 'unknown') throw new Problem('not-found', { zh: '没有这个请求', en: 'no such request' });
      if (decided !== 'decided') throw new Problem('conflict', decided === 'expired' ? { zh: '请求已过期', en: 'the request has expired' } : { zh: '请求已有人答复', en: 'the request was answered' });
      await world.audit({ by: actor!.by, operation: 'answer', target: params.id, why: '', result: body.answer });
      await world.ask('answered');
      return { body: { done: true } };
    },
  }),
] as const;
