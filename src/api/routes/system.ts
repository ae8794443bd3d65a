/** This host, its state, the audit log. */
import * as z from 'zod';
import { record } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const list = z.strictObject({ items: z.array(record) });

export const systemRoutes = [
  route({ id: 'status', method: 'GET', path: '/status', access: 'read', title: { zh: '运行状态', en: 'how it goes' }, answer: record, run: async (_call, world: World) => ({ body: await world.ask('status') }) }),
  route({ id: 'processes', method: 'GET', path: '/host/processes', access: 'read', title: { zh: '进程与来源', en: 'processes with their origin' }, answer: record, run: async (_call, world: World) => ({ body: await world.ask('processes', true) }) }),
  route({
    id: 'origin', method: 'GET', path: '/host/origin', access: 'read', title: { zh: '进程、路径或地址的来历', en: 'the story of a pid, path or address' }, query: z.strictObject({ what: z.string().min(1).max(4096) }), answer: record,
    async run({ query }, world: World) {
      const story = await world.ask('origin', query);
      if (story === null || story === undefined) throw new Problem('not-found', { zh: '没有记录', en: 'nothing is known of it' });
      return { body: story };
    },
  }),
  route({
    id: 'audit', method: 'GET', path: '/audit', access: 'audit', title: { zh: '审计日志（最后若干条）', en: 'the audit log, its last entries' }, query: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) }), answer: list,
    run: async ({ query }, world: World) => ({ body: { items: await world.ask('audit', query) } }),
  }),
  route({
    id: 'audit-verify', method: 'POST', path: '/audit/verify', access: 'audit', title: { zh: '校验审计链（可给出另存的末尾哈希）', en: 'verify the chain; with the last hash as it was kept elsewhere' }, body: z.strictObject({ head: z.string().regex(/^[0-9a-f]{64}$/).optional() }), answer: record,
    run: async ({ body }, world: World) => ({ body: await world.ask('audit-verify', body.head) }),
  }),
  route({ id: 'reload', method: 'POST', path: '/reload', access: 'system', title: { zh: '重新读取配置', en: 'read the configuration again' }, answer: z.strictObject({ done: z.boolean() }), run: async (_call, world: World) => ({ body: { done: await world.ask('reload') === true } }) }),
] as const;
