/** Blocks, actions with their receipts, settings of the response, playbooks, quarantine, notices, and what waits for a person. */
import * as z from 'zod';
import { count, done, idParams, list, page, pageQuery, text, time, why } from '../contract/common.ts';
import {
  allowEntry, block, channel, dryRun, firewallPreview, fixed, flow, imported, linkage, mode, modeWords, playbook, playbookHead, playbookRun, portList, quarantine, receipt, receiptOrPlan, receiptStatus, request, tested, unblocked, wantedPort, zone, zones,
} from '../contract/response.ts';
import { route } from '../contract/route.ts';
import { cursorOf, readCursor } from '../cursor.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';
import { forMs, shown, shownOrPlan } from './actions.ts';

const address = z.string().min(1).max(100);
const items = (value: unknown): { body: { items: unknown[] } } => ({ body: { items: Array.isArray(value) ? value : [] } });
const made = z.strictObject({ created: time, id: z.string().max(200) });
const afterText = z.strictObject({ after: z.string().max(5000) });
const force = z.boolean().default(false), plan = z.boolean().default(false);
const scalar = z.union([z.string().max(1000), z.number(), z.boolean()]);

const listParams = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/) });
const undoBody = z.strictObject({ why: why.default('') });

export const responseRoutes = [
  route({
    id: 'blocks', method: 'GET', path: '/blocks', access: 'read', title: { zh: '封禁列表', en: 'what is blocked' }, query: z.strictObject({ ...pageQuery, list: z.string().max(64).optional(), text: z.string().max(100).optional() }), answer: page(block),
    async run({ query: { limit, cursor, list: of, text: word } }, world: World) {
      const after = cursor === undefined ? '' : readCursor(cursor, afterText).after;
      const all = (await world.ask('blocklist') as { network: string; list?: string; why: string; by: string }[]).filter((one) => one.network > after && (of === undefined || one.list === of) && (word === undefined || one.network.includes(word) || one.why.includes(word) || one.by.includes(word)));
      const found = all.toSorted((a, b) => (a.network < b.network ? -1 : 1)).slice(0, limit + 1);
      const last = found[limit - 1];
      return { body: { items: found.slice(0, limit), ...(found.length > limit && last && { next: cursorOf({ after: last.network }) }) } };
    },
  }),
  route({
    id: 'block', method: 'POST', path: '/blocks', access: 'act', title: { zh: '封禁地址或网段', en: 'block an address or network' },
    body: z.strictObject({ address, for_ms: forMs, why: why.min(1), force }), answer: receipt,
    run: async ({ body, actor }, world: World) => ({ status: 201, body: shown(await world.ask('block', { ...body, by: actor!.by })) }),
  }),
  route({
    id: 'unblock', method: 'DELETE', path: '/blocks', access: 'act', title: { zh: '解封', en: 'unblock' }, body: z.strictObject({ address, why: why.default('') }), answer: unblocked,
    async run({ body, actor }, world: World) {
      const answered = await world.ask('unblock', { ...body, by: actor!.by }) as { undone: unknown[] };
      return { body: { ...answered, undone: shown(answered.undone) } };
    },
  }),
  route({
    id: 'blocks-import', method: 'POST', path: '/block-lists/:id', access: 'act', title: { zh: '以列表之名封禁许多地址（每次至多 2000 项；重复导入不变）', en: 'block many addresses under the name of a list (2,000 at once; the same once more changes nothing)' }, params: listParams,
    body: z.strictObject({ entries: z.array(z.strictObject({ network: address, until: time.optional(), why: z.string().max(500).optional() })).min(1).max(2000), why: why.default('') }), answer: imported,
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('blocklist-import', { list: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'blocks-drop', method: 'DELETE', path: '/block-lists/:id', access: 'act', title: { zh: '整份列表解封', en: 'let all of a list through again' }, params: listParams, body: undoBody, answer: z.strictObject({ lifted: count }),
    run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('blocklist-drop', { list: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'receipts', method: 'GET', path: '/receipts', access: 'read', title: { zh: '处置记录，最新在前', en: 'receipts of actions, newest first' },
    query: z.strictObject({ ...pageQuery, action: z.string().max(64).optional(), status: receiptStatus.optional(), target: z.string().max(4096).optional(), from: z.string().max(200).optional() }), answer: page(receipt),
    run({ query: { limit, cursor, action, status, target, from } }, world: World) {
      const before = cursor === undefined ? { created: Number.MAX_SAFE_INTEGER, id: '' } : readCursor(cursor, made);
      const found = world.store.response.receipts({ before, limit: limit + 1, ...(action !== undefined && { action }), ...(status && { status: [status] }), ...(target !== undefined && { target }), ...(from !== undefined && { from }) });
      const last = found[limit - 1];
      return { body: { items: found.slice(0, limit).map(shown), ...(found.length > limit && last && { next: cursorOf({ created: last.created, id: last.id }) }) } };
    },
  }),
  route({
    id: 'receipt', method: 'GET', path: '/receipts/:id', access: 'read', title: { zh: '一条处置记录', en: 'one receipt' }, params: idParams, answer: receipt,
    async run({ params }, world: World) {
      const found = await world.ask('action', params.id);
      if (found === null || found === undefined) throw new Problem('not-found', { zh: '没有这条处置记录', en: 'no such receipt' });
      return { body: shown(found) };
    },
  }),
  route({
    id: 'receipt-undo', method: 'POST', path: '/receipts/:id/undo', access: 'act', title: { zh: '撤销', en: 'undo it' }, params: idParams, body: undoBody, answer: receipt,
    run: async ({ params, body, actor }, world: World) => ({ body: shown(await world.ask('undo', { id: params.id, ...body, by: actor!.by })) }),
  }),
  route({
    id: 'receipt-confirm', method: 'POST', path: '/receipts/:id/confirm', access: 'act', title: { zh: '确认：不再自动撤销', en: 'confirm it: it is not taken back by itself' }, params: idParams, body: undoBody, answer: receipt,
    run: async ({ params, body, actor }, world: World) => ({ body: shown(await world.ask('step-confirm', { id: params.id, ...body, by: actor!.by })) }),
  }),
  route({
    id: 'finding-fix', method: 'POST', path: '/findings/:id/fix', access: 'act', title: { zh: '按发现的修复办法处置（plan：只看方案）', en: 'put a finding right by the actions it names (plan: only show)' }, params: idParams, body: z.strictObject({ why: why.default(''), force, plan }), answer: fixed,
    async run({ params, body, actor }, world: World) {
      const answered = await world.ask('finding-fix', { id: params.id, ...body, by: actor!.by }) as { receipts?: unknown[] };
      return { body: answered.receipts ? { ...answered, receipts: shown(answered.receipts) } : answered };
    },
  }),
  ...(['kill', 'freeze'] as const).map((what) => route({
    id: `process-${what}`, method: 'POST', path: `/host/processes/${what}`, access: 'act', title: what === 'kill' ? { zh: '结束进程及其子孙（plan：只看方案）', en: 'end a process and its children (plan: only show)' } : { zh: '冻结进程及其子孙（plan：只看方案）', en: 'freeze a process and its children (plan: only show)' },
    body: z.strictObject({ pid: z.number().int().min(2).max(4_194_304), started: time.optional(), why: why.default(''), force, plan, for_ms: forMs }), answer: receiptOrPlan,
    run: async ({ body, actor }, world: World) => ({ body: shownOrPlan(await world.ask(what, { ...body, by: actor!.by }), body.plan) }),
  })),
  route({
    id: 'pause', method: 'POST', path: '/response/pause', access: 'act', title: { zh: '暂停或恢复自动处置（0 为恢复）', en: 'pause automatic response, or go on (0)' }, body: z.strictObject({ for_ms: z.number().int().min(0).max(7 * 86_400_000), why: why.min(1) }), answer: z.strictObject({ pausedUntil: time.optional() }),
    run: async ({ body, actor }, world: World) => ({ body: await world.ask('pause', { ...body, by: actor!.by }) }),
  }),
  route({ id: 'allow-list', method: 'GET', path: '/allow', access: 'read', title: { zh: '从不封禁的地址与网段', en: 'addresses and networks that are never blocked' }, answer: list(allowEntry), run: async (_call, world: World) => items(await world.ask('allow-list')) }),
  route({ id: 'allow-add', method: 'POST', path: '/allow', access: 'act', title: { zh: '加入允许名单', en: 'add to the allow list' }, body: z.strictObject({ network: address, why: why.min(1) }), answer: list(allowEntry), run: async ({ body, actor }, world: World) => ({ ...items(await world.ask('allow-add', { ...body, by: actor!.by })), status: 201 }) }),
  route({ id: 'allow-remove', method: 'DELETE', path: '/allow', access: 'act', title: { zh: '从允许名单去掉', en: 'take from the allow list' }, body: z.strictObject({ network: address, why: why.default('') }), answer: list(allowEntry), run: async ({ body, actor }, world: World) => items(await world.ask('allow-remove', { ...body, by: actor!.by })) }),
  route({ id: 'port-list', method: 'GET', path: '/port-list', access: 'read', title: { zh: '端口白名单', en: 'ports that may be entered' }, answer: portList, run: async (_call, world: World) => ({ body: await world.ask('port-list') }) }),
  route({ id: 'port-list-set', method: 'POST', path: '/port-list', access: 'system', title: { zh: '设置端口白名单（代替配置中的）', en: 'set the ports that may be entered, in place of those configured' }, body: z.strictObject({ enforce: z.boolean(), ports: z.array(wantedPort).max(1000), why: why.min(1) }), answer: portList, run: async ({ body, actor }, world: World) => ({ body: await world.ask('port-list-set', { ...body, by: actor!.by }) }) }),
  route({ id: 'port-list-preview', method: 'POST', path: '/port-list/preview', access: 'system', title: { zh: '端口白名单会改变什么（不保存）', en: 'what other ports would mean (nothing is kept)' }, body: z.strictObject({ enforce: z.boolean(), ports: z.array(wantedPort).max(1000) }), answer: firewallPreview, run: async ({ body }, world: World) => ({ body: await world.ask('port-list-preview', body) }) }),
  route({ id: 'port-list-reset', method: 'DELETE', path: '/port-list', access: 'system', title: { zh: '恢复为配置文件中的', en: 'as the configuration file has it again' }, body: undoBody, answer: portList, run: async ({ body, actor }, world: World) => ({ body: await world.ask('port-list-set', { ...body, remove: true, by: actor!.by }) }) }),
  route({ id: 'zones', method: 'GET', path: '/zones', access: 'read', title: { zh: '分区与流向', en: 'zones and flows' }, answer: zones, run: async (_call, world: World) => ({ body: await world.ask('zones') }) }),
  route({ id: 'zones-set', method: 'POST', path: '/zones', access: 'system', title: { zh: '设置分区与流向（代替配置中的）', en: 'set zones and flows, in place of those configured' }, body: z.strictObject({ zones: z.array(zone).max(12), flows: z.array(flow).max(1000), why: why.min(1) }), answer: zones, run: async ({ body, actor }, world: World) => ({ body: await world.ask('zones-set', { ...body, by: actor!.by }) }) }),
  route({ id: 'zones-preview', method: 'POST', path: '/zones/preview', access: 'system', title: { zh: '分区会改变什么（不保存）', en: 'what other zones would mean (nothing is kept)' }, body: z.strictObject({ zones: z.array(zone).max(12), flows: z.array(flow).max(1000) }), answer: firewallPreview, run: async ({ body }, world: World) => ({ body: await world.ask('zones-preview', body) }) }),
  route({ id: 'zones-reset', method: 'DELETE', path: '/zones', access: 'system', title: { zh: '恢复为配置文件中的', en: 'as the configuration file has it again' }, body: undoBody, answer: zones, run: async ({ body, actor }, world: World) => ({ body: await world.ask('zones-set', { ...body, remove: true, by: actor!.by }) }) }),
  route({ id: 'mode', method: 'GET', path: '/mode', access: 'read', title: { zh: '处置模式', en: 'the mode of response' }, answer: mode, run: async (_call, world: World) => ({ body: await world.ask('mode') }) }),
  route({ id: 'mode-set', method: 'PUT', path: '/mode', access: 'system', title: { zh: '设置处置模式', en: 'set the mode of response' }, body: z.strictObject({ mode: z.enum(modeWords), why: why.min(1) }), answer: mode, run: async ({ body, actor }, world: World) => ({ body: await world.ask('mode-set', { ...body, by: actor!.by }) }) }),
  route({ id: 'linkage', method: 'GET', path: '/linkage', access: 'read', title: { zh: '联动表', en: 'the linkage table' }, answer: linkage, run: async (_call, world: World) => ({ body: await world.ask('linkage') }) }),
  route({ id: 'playbooks', method: 'GET', path: '/playbooks', access: 'read', title: { zh: '预案', en: 'playbooks' }, answer: list(playbookHead), run: async (_call, world: World) => items(await world.ask('playbooks')) }),
  route({ id: 'playbook', method: 'GET', path: '/playbooks/:id', access: 'read', title: { zh: '一个预案', en: 'one playbook' }, params: idParams, answer: playbook, run: async ({ params }, world: World) => ({ body: await world.ask('playbook', params.id) }) }),
  route({
    id: 'playbook-run', method: 'POST', path: '/playbooks/:id/run', access: 'act', title: { zh: '执行预案；dry 只给出将做什么', en: 'run a playbook; dry tells what would be done' }, params: idParams,
    body: z.strictObject({ dry: z.boolean().default(true), alert: z.string().max(200).optional(), set: z.record(z.string().max(100), scalar).optional(), why: why.default('') }), answer: z.union([dryRun, playbookRun]),
    run: async ({ params, body: { dry, ...body }, actor }, world: World) => ({ status: dry ? 200 : 201, body: await world.ask(dry ? 'playbook-dry-run' : 'playbook-run', { id: params.id, ...body, by: actor!.by }) }),
  }),
  route({
    id: 'runs', method: 'GET', path: '/runs', access: 'read', title: { zh: '预案执行记录', en: 'runs of playbooks' },
    query: z.strictObject({ ...pageQuery, status: z.enum(['running', 'done', 'failed', 'stopped']).optional(), playbook: z.string().max(100).optional() }), answer: page(playbookRun),
    async run({ query: { limit, cursor, status, playbook: of } }, world: World) {
      const before = cursor === undefined ? { created: Number.MAX_SAFE_INTEGER, id: '' } : readCursor(cursor, made);
      const found = await world.ask('playbook-runs', { limit: limit + 1, before, ...(status && { status: [status] }), ...(of !== undefined && { playbook: of }) }) as { created: number; id: string }[];
      const last = found[limit - 1];
      return { body: { items: found.slice(0, limit), ...(found.length > limit && last && { next: cursorOf({ created: last.created, id: last.id }) }) } };
    },
  }),
  route({ id: 'run', method: 'GET', path: '/runs/:id', access: 'read', title: { zh: '一次预案执行', en: 'one run of a playbook' }, params: idParams, answer: playbookRun, run: async ({ params }, world: World) => ({ body: await world.ask('playbook-runs', { run: params.id }) }) }),
  route({ id: 'run-stop', method: 'POST', path: '/runs/:id/stop', access: 'act', title: { zh: '停止；undo 同时撤销已做的', en: 'stop it; undo takes back what it did' }, params: idParams, body: z.strictObject({ undo: z.boolean().default(false), why: why.default('') }), answer: playbookRun, run: async ({ params, body, actor }, world: World) => ({ body: await world.ask('playbook-stop', { run: params.id, ...body, by: actor!.by }) }) }),
  ...(['approve', 'reject'] as const).map((answer) => route({
    id: `run-${answer}`, method: 'POST', path: `/runs/:id/${answer}`, access: 'approve', title: answer === 'approve' ? { zh: '同意预案等待的步骤', en: 'approve what a run waits with' } : { zh: '拒绝预案等待的步骤', en: 'reject what a run waits with' }, params: idParams, body: z.strictObject({ step: z.string().max(200).optional() }), answer: playbookRun,
    async run({ params, body, actor }, world: World) {
      const run = await world.ask('playbook-answer', { run: params.id, ...body, answer, by: actor!.by });
      await world.audit({ by: actor!.by, operation: 'answer', target: params.id, why: '', result: answer });
      return { body: run };
    },
  })),
  route({ id: 'requests', method: 'GET', path: '/requests', access: 'read', title: { zh: '等待人答复的请求', en: 'what waits for a person' }, answer: list(request), run: (_call, world: World) => items(world.store.requests.open(world.now())) }),
  route({
    id: 'request-answer', method: 'POST', path: '/requests/:id/answer', access: 'approve', title: { zh: '同意或拒绝', en: 'approve or reject' }, params: idParams, body: z.strictObject({ answer: z.enum(['approve', 'reject']) }), answer: done,
    async run({ params, body, actor }, world: World) {
      const decided = world.store.requests.decide(params.id, body.answer, actor!.by, world.now());
      if (decided === 'unknown') throw new Problem('not-found', { zh: '没有这个请求', en: 'no such request' });
      if (decided !== 'decided') throw new Problem('conflict', decided === 'expired' ? { zh: '请求已过期', en: 'the request has expired' } : { zh: '请求已有人答复', en: 'the request was answered' });
      await world.audit({ by: actor!.by, operation: 'answer', target: params.id, why: '', result: body.answer });
      await world.ask('answered');
      return { body: { done: true } };
    },
  }),
  route({
    id: 'quarantine', method: 'GET', path: '/quarantine', access: 'read', title: { zh: '隔离区', en: 'what lies in quarantine' }, answer: quarantine,
    async run(_call, world: World) {
      const { rows, broken, stored } = await world.ask('quarantine-list') as { rows: unknown[]; broken: string[]; stored: number };
      return { body: { items: rows, broken, stored } };
    },
  }),
  route({
    id: 'quarantine-add', method: 'POST', path: '/quarantine', access: 'act', title: { zh: '隔离文件（plan：只看方案）', en: 'quarantine a file (plan: only show)' }, body: z.strictObject({ path: z.string().startsWith('/').max(4096), why: why.default(''), force, plan }), answer: z.union([receiptOrPlan, z.strictObject({ plan: z.literal(true), target: z.string(), title: text, steps: z.array(z.strictObject({ text, command: z.array(z.string()).optional() })), risk: z.enum(['low', 'medium', 'high']) })]),
    run: async ({ body, actor }, world: World) => ({ body: shownOrPlan(await world.ask('quarantine', { ...body, by: actor!.by }), body.plan) }),
  }),
  route({ id: 'quarantine-restore', method: 'POST', path: '/quarantine/:id/restore', access: 'act', title: { zh: '从隔离区放回', en: 'put back from quarantine' }, params: idParams, body: undoBody, answer: receipt, run: async ({ params, body, actor }, world: World) => ({ body: shown(await world.ask('restore', { id: params.id, ...body, by: actor!.by })) }) }),
  route({
    id: 'quarantine-content', method: 'GET', path: '/quarantine/:id/content', access: 'act', title: { zh: '下载隔离的文件（原样内容，供分析）', en: 'what was taken away, as it is (for analysis)' }, params: idParams, answer: z.unknown(), isDownload: true,
    async run({ params, actor }, world: World) {
      const download = await world.download('quarantine', params.id);
      await world.audit({ by: actor!.by, operation: 'quarantine-export', target: params.id, why: '', result: `sent to who asked, ${download.bytes} bytes` });
      return { body: undefined, download };
    },
  }),
  route({ id: 'notices', method: 'GET', path: '/notices', access: 'read', title: { zh: '通知渠道与排队', en: 'channels of notices and their queues' }, answer: list(channel), run: async (_call, world: World) => items(await world.ask('notices')) }),
  route({
    id: 'notice-test', method: 'POST', path: '/notices/:id/test', access: 'system', title: { zh: '发一条测试通知', en: 'send a test notice' }, params: idParams, answer: tested,
    async run({ params, actor }, world: World) {
      const outcome = await world.ask('notice-test', { id: params.id }) as { outcome: string };
      await world.audit({ by: actor!.by, operation: 'notice-test', target: params.id, why: '', result: outcome.outcome });
      return { body: outcome };
    },
  }),
] as const;
