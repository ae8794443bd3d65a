/** Incidents: what `moat incident` does. The shapes of bodies are checked again by the agent, which is asked as the command line asks it. */
import * as z from 'zod';
import { atLeast } from '../../core/level.ts';
import { idParams, level, page, pageQuery, record, time, why } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { cursorOf, readCursor } from '../cursor.ts';
import type { World } from '../world.ts';

const statuses = ['new', 'triaged', 'contained', 'eradicated', 'recovered', 'closed', 'false-alarm'] as const;
const query = z.strictObject({ ...pageQuery, status: z.enum([...statuses, 'open', 'all']).default('open'), level: level.optional() });
const cursor = z.strictObject({ last: time, id: z.string().max(64) });
const over = new Set<string>(['closed', 'false-alarm']);
const mostRead = 2000;
const stepBody = z.strictObject({ step: z.number().int().min(1), why: why.default(''), force: z.boolean().default(false) });

export const incidentRoutes = [
  route({
    id: 'incidents', method: 'GET', path: '/incidents', access: 'read', title: { zh: '事件，最近有动静的在前', en: 'incidents, the latest that something happened in first' }, query, answer: page(record),
    run({ query: { limit, cursor: from, status, level: least } }, world: World) {
      const after = from === undefined ? undefined : readCursor(from, cursor);
      const wanted = status === 'all' ? undefined : status === 'open' ? statuses.filter((one) => !over.has(one)) : [status];
      const found = world.store.incidents.incidents({ limit: mostRead, ...(wanted && { status: wanted }) })
        .filter((one) => (least === undefined || atLeast(one.level, least)) && (after === undefined || one.last_time < after.last || (one.last_time === after.last && one.id < after.id)))
        .toSorted((a, b) => b.last_time - a.last_time || (a.id < b.id ? 1 : -1));
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { body: { items, ...(found.length > limit && last && { next: cursorOf({ last: last.last_time, id: last.id }) }) } };
    },
  }),
  route({
    id: 'incident', method: 'GET', path: '/incidents/:id', access: 'read', title: { zh: '一起事件', en: 'one incident' }, params: idParams, answer: record, hasRevision: true,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident', params.id) }),
  }),
  route({
    id: 'incident-story', method: 'GET', path: '/incidents/:id/story', access: 'read', title: { zh: '事件的经过：图、入口、缺口', en: 'its story: the graph, the way in, the gaps' }, params: idParams, answer: record,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-story', { id: params.id }) }),
  }),
  route({
    id: 'incident-change', method: 'POST', path: '/incidents/:id/changes', access: 'triage', title: { zh: '改状态、指派、笔记、任务、标签、链接、时限（If-Match：所见的修订号）', en: 'change its status, assignee, notes, tasks, tags, links or clock (If-Match: the revision that was seen)' },
    params: idParams, body: z.strictObject({ deed: z.looseObject({ op: z.string().max(40) }), why: why.default('') }), answer: record, hasRevision: true,
    run: async ({ params, body, actor, revision }, world: World) => ({ body: await world.ask('incident-change', { id: params.id, by: actor!.by, why: body.why, deed: body.deed, ...(revision !== undefined && { revision }) }) }),
  }),
  route({
    id: 'incident-plan', method: 'POST', path: '/incidents/:id/plan', access: 'act', title: { zh: '生成清理方案（不执行）', en: 'make the clean-up plan; does nothing' }, params: idParams, answer: record,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-plan', { id: params.id }) }),
  }),
  route({
    id: 'incident-plan-kept', method: 'GET', path: '/incidents/:id/plan', access: 'read', title: { zh: '上次生成的方案', en: 'the plan that was made last' }, params: idParams, answer: record,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-kept-plan', { id: params.id, done: true }) }),
  }),
  route({
    id: 'incident-step', method: 'POST', path: '/incidents/:id/plan/apply', access: 'act', title: { zh: '执行方案的一步', en: 'do one step of the plan' }, params: idParams, body: stepBody, answer: record,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('incident-step', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-undo', method: 'POST', path: '/incidents/:id/plan/undo', access: 'act', title: { zh: '撤销方案的一步', en: 'undo one step of the plan' }, params: idParams, body: stepBody.omit({ force: true }), answer: record,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('incident-undo', { id: params.id, ...body, by: actor!.by }) }),
  }),
] as const;
