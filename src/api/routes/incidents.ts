/** Incidents: what `moat incident` does. The shapes of bodies are checked again by the agent, which is asked as the command line asks it. */
import * as z from 'zod';
import { levels } from '../../core/level.ts';
import { idParams, level, page, pageQuery, time, when, why } from '../contract/common.ts';
import {
  applied, cleanupPlan, document, keptPlan, incident, incidentRow, incidentStatuses, indicatorList, keptRecovery, planVerdict, recoveredStep, recoveryChecked, recoveryFinished, recoveryPlan, servicesLooked, stats, stepDone, stepUndone, toldStory,
} from '../contract/incidents.ts';
import { route } from '../contract/route.ts';
import { cursorOf, readCursor } from '../cursor.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const query = z.strictObject({ ...pageQuery, status: z.enum([...incidentStatuses, 'open', 'all']).default('open'), level: level.optional(), kind: z.enum(['story', 'campaign']).optional() });
const cursor = z.strictObject({ last: time, id: z.string().max(64) });
const over = new Set<string>(['closed', 'false-alarm']);
/** Steps are named by their number, as text. */
const step = z.union([z.number().int().min(1).max(100_000), z.string().regex(/^\d{1,6}$/)]).transform(String);
const stepBody = z.strictObject({ step, why: why.default(''), force: z.boolean().default(false) });
const lang = z.enum(['zh', 'en']).default('zh');
/** How far a bundle of STIX may be shared (Traffic Light Protocol). */
const tlps = ['white', 'green', 'amber', 'red'] as const;
/** Rounds of asking whether the look at services is over; each waits 45 s at most. */
const roundsMost = 6;

export const incidentRoutes = [
  route({
    id: 'incidents', method: 'GET', path: '/incidents', access: 'read', title: { zh: '事件，最近有动静的在前', en: 'incidents, the latest that something happened in first' }, query, answer: page(incidentRow),
    run({ query: { limit, cursor: from, status, level: least, kind } }, world: World) {
      const wanted = status === 'all' ? undefined : status === 'open' ? incidentStatuses.filter((one) => !over.has(one)) : [status];
      const found = world.store.incidents.incidents({ limit: limit + 1, ...(wanted && { status: wanted }), ...(least && { level: levels.slice(levels.indexOf(least)) }), ...(kind && { kind }), ...(from !== undefined && { after: readCursor(from, cursor) }) });
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { body: { items, ...(found.length > limit && last && { next: cursorOf({ last: last.last_time, id: last.id }) }) } };
    },
  }),
  route({
    id: 'incident', method: 'GET', path: '/incidents/:id', access: 'read', title: { zh: '一起事件', en: 'one incident' }, params: idParams, answer: incident, hasRevision: true,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident', params.id) }),
  }),
  route({
    id: 'incident-story', method: 'GET', path: '/incidents/:id/story', access: 'read', title: { zh: '事件的经过：图、时间线、入口、缺口', en: 'its story: the graph, the timeline, the way in, the gaps' }, params: idParams, answer: toldStory,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-told', { id: params.id }) }),
  }),
  route({
    id: 'incident-change', method: 'POST', path: '/incidents/:id/changes', access: 'triage', title: { zh: '改状态、指派、笔记、任务、标签、链接、时限（If-Match：所见的修订号）', en: 'change its status, assignee, notes, tasks, tags, links or clock (If-Match: the revision that was seen)' },
    params: idParams, body: z.strictObject({ deed: z.looseObject({ op: z.string().max(40) }), why: why.default('') }), answer: incident, hasRevision: true,
    run: async ({ params, body, actor, revision }, world: World) => ({ body: await world.ask('incident-change', { id: params.id, by: actor!.by, why: body.why, deed: body.deed, ...(revision !== undefined && { revision }) }) }),
  }),
  route({
    id: 'incident-merge', method: 'POST', path: '/incidents/:id/merge', access: 'triage', title: { zh: '与另一起事件合并', en: 'merge it with another' }, params: idParams, body: z.strictObject({ other: idParams.shape.id, why: why.default('') }), answer: incident, hasRevision: true,
    run: async ({ params, body, actor, revision }, world: World) => ({ body: await world.ask('incident-merge', { id: params.id, other: body.other, by: actor!.by, why: body.why, ...(revision !== undefined && { revision }) }) }),
  }),
  route({
    id: 'incident-plan', method: 'POST', path: '/incidents/:id/plan', access: 'act', title: { zh: '生成清理方案（不执行）', en: 'make the clean-up plan; does nothing' }, params: idParams, answer: cleanupPlan,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-plan', { id: params.id }) }),
  }),
  route({
    id: 'incident-plan-kept', method: 'GET', path: '/incidents/:id/plan', access: 'read', title: { zh: '上次生成的方案', en: 'the plan that was made last' }, params: idParams, answer: keptPlan,
    run: async ({ params }, world: World) => ({ body: { plan: await world.ask('incident-kept-plan', { id: params.id, done: true, maybe: true }) } }),
  }),
  route({
    id: 'incident-step', method: 'POST', path: '/incidents/:id/plan/apply', access: 'act', title: { zh: '执行方案的一步', en: 'do one step of the plan' }, params: idParams, body: stepBody, answer: stepDone,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('incident-step', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-undo', method: 'POST', path: '/incidents/:id/plan/undo', access: 'act', title: { zh: '撤销方案的一步', en: 'undo one step of the plan' }, params: idParams, body: stepBody.omit({ force: true }), answer: stepUndone,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('incident-undo', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-verify', method: 'POST', path: '/incidents/:id/plan/verify', access: 'act', title: { zh: '复查：做过的是否还在、是否又出现', en: 'look again: whether what was done holds, and nothing is back' }, params: idParams, answer: planVerdict,
    run: async ({ params }, world: World) => ({ body: await world.ask('incident-verify', { id: params.id }) }),
  }),
  route({
    id: 'incident-recovery', method: 'GET', path: '/incidents/:id/recovery', access: 'read', title: { zh: '恢复方案、各步状态、签认与重点观察', en: 'the recovery plan, how its steps stand, sign-off and watch' }, params: idParams, answer: keptRecovery,
    async run({ params }, world: World) {
      const { recovery, watch } = await world.ask('incident', params.id) as { recovery?: unknown; watch?: unknown };
      const kept = await world.ask('recovery-kept', { id: params.id, maybe: true }) as { plan: unknown; steps: unknown[] } | null;
      return { body: { plan: kept?.plan ?? null, steps: kept?.steps ?? [], ...(recovery !== undefined && { summary: recovery }), ...(watch !== undefined && { watch }) } };
    },
  }),
  route({
    id: 'incident-recovery-plan', method: 'POST', path: '/incidents/:id/recovery', access: 'act', title: { zh: '生成恢复方案（不执行）', en: 'make the recovery plan; does nothing' }, params: idParams, body: z.strictObject({ folders: z.array(z.string().max(4096)).max(20).optional() }), answer: recoveryPlan,
    run: async ({ params, body }, world: World) => ({ status: 201, body: await world.ask('recovery-plan', { id: params.id, ...body }) }),
  }),
  route({
    id: 'incident-recovery-step', method: 'POST', path: '/incidents/:id/recovery/apply', access: 'act', title: { zh: '执行恢复的一步', en: 'do one step of the recovery' }, params: idParams, body: stepBody.omit({ force: true }), answer: recoveredStep,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('recovery-step', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-recovery-undo', method: 'POST', path: '/incidents/:id/recovery/undo', access: 'act', title: { zh: '撤销恢复的一步', en: 'undo one step of the recovery' }, params: idParams, body: stepBody.omit({ force: true }), answer: recoveredStep,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('recovery-undo', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'incident-recovery-check', method: 'POST', path: '/incidents/:id/recovery/check', access: 'act', title: { zh: '再核对恢复的一步', en: 'look again at the files of one step of the recovery' }, params: idParams, body: stepBody.pick({ step: true }), answer: recoveryChecked,
    run: async ({ params, body }, world: World) => ({ body: await world.ask('recovery-check', { id: params.id, ...body }) }),
  }),
  route({
    id: 'incident-recovery-services', method: 'POST', path: '/incidents/:id/recovery/services', access: 'act', title: { zh: '检查服务与数据库：go 为开始，之后再问直到 done', en: 'look at services and databases: go begins; asked again until it is done' }, params: idParams, body: z.strictObject({ go: z.boolean().default(false) }), answer: servicesLooked,
    run: async ({ params, body }, world: World) => ({ body: await world.ask('recovery-services', { id: params.id, ...body }) }),
  }),
  route({
    id: 'incident-recovery-finish', method: 'POST', path: '/incidents/:id/recovery/finish', access: 'approve', title: { zh: '复查（services：也检查服务与数据库；looked：按刚才查到的）并签认；accept 写明为何可以接受缺失', en: 'look at all of it (services: at services and databases too; looked: by what was found a moment ago) and sign it off; accept says why what is missing may stay so' }, params: idParams,
    body: z.strictObject({ why: why.default(''), accept: why.optional(), services: z.union([z.boolean(), z.literal('looked')]).default(true) }), answer: recoveryFinished,
    async run({ params, body, actor }, world: World) {
      // The agent looks itself: nobody says how services are.
      for (let round = 0, isDone = body.services !== true; !isDone; round++) {
        if (round === roundsMost) throw new Problem('unavailable', { zh: '服务检查还没有结束，请稍后再试', en: 'the look at services goes on: try again later' }, { retryAfter: 60 });
        isDone = (await world.ask('recovery-services', { id: params.id, go: round === 0 }) as { done: boolean }).done;
      }
      return { body: await world.ask('recovery-finish', { id: params.id, ...body, services: body.services !== false, by: actor!.by }) };
    },
  }),
  route({
    id: 'incident-report', method: 'GET', path: '/incidents/:id/report', access: 'read', title: { zh: '事件报告（文件内容在 content；PDF 为 base64；interruption_ms、leak_gb 用于损失估算）', en: 'the report: the file is in content, PDF as base64; interruption_ms and leak_gb are for the estimate of cost' }, params: idParams, query: z.strictObject({ format: z.enum(['md', 'html', 'pdf', 'json']).default('md'), lang, interruption_ms: z.coerce.number().int().min(0).max(10 * 365 * 86_400_000).optional(), leak_gb: z.coerce.number().min(0).max(1e9).optional() }), answer: document,
    run: async ({ params, query: asked }, world: World) => ({ body: await world.ask('incident-report', { id: params.id, ...asked }) }),
  }),
  route({
    id: 'incident-indicators', method: 'GET', path: '/incidents/:id/indicators', access: 'read', title: { zh: '指标；写 format 则为文件', en: 'indicators; a file when a format is named' }, params: idParams, query: z.strictObject({ format: z.enum(['stix', 'csv', 'txt']).optional(), lang, tlp: z.enum(tlps).optional(), for_ms: z.coerce.number().int().min(60_000).max(3650 * 86_400_000).optional() }), answer: z.union([indicatorList, document]),
    run: async ({ params, query: asked }, world: World) => ({ body: await world.ask('incident-indicator-list', { id: params.id, ...asked }) }),
  }),
  route({
    id: 'incident-indicators-apply', method: 'POST', path: '/incidents/:id/indicators', access: 'act', title: { zh: '把指标放入封禁与情报列表，或撤下', en: 'put its indicators on the block and intelligence lists, or take them off' }, params: idParams, body: z.strictObject({ withdraw: z.boolean().default(false), for_ms: z.number().int().min(60_000).max(3650 * 86_400_000).optional(), why: why.default('') }), answer: applied,
    run: async ({ params, body: { for_ms: forMs, ...body }, actor }, world: World) => ({ body: await world.ask('incident-indicators', { id: (await world.ask('incident', params.id) as { id: string }).id, ...body, ...(forMs !== undefined && { forMs }), by: actor!.by }) }),
  }),
  route({ id: 'stats', method: 'GET', path: '/stats', access: 'read', title: { zh: '事件统计：发现、遏制、恢复用时', en: 'figures over all incidents' }, query: z.strictObject({ since: when }), answer: stats, run: async ({ query: asked }, world: World) => ({ body: await world.ask('stats', asked) }) }),
] as const;
