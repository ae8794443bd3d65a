/** Single actions by their own names, each shown first when `plan` is set; privileges for a while; programs that may not run. */
import * as z from 'zod';
import type { Receipt } from '../../core/action.ts';
import type { Text } from '../../core/text.ts';
import { actionInputs, type ActionName, denied, grant, lineRemoved } from '../contract/actions.ts';
import { done, flag, list, why } from '../contract/common.ts';
import { receipt, receiptOrPlan } from '../contract/response.ts';
import { route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

/** The former state is Moat's own: it may hold what the action took away. */
export const shown = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shown);
  const { state: _, ...rest } = value as Receipt;
  return rest;
};
export const shownOrPlan = (value: unknown, isPlan: boolean): unknown => (isPlan ? { plan: true, ...(shown(value) as object) } : shown(value));

export const forMs = z.number().int().min(1000).max(366 * 86_400_000).optional();
const usual = { why: why.default(''), force: z.boolean().default(false), plan: z.boolean().default(false) };
const planNote: Text = { zh: '（plan：只看方案）', en: ' (plan: only show)' };

/** By which operation of the agent each is shown and done. */
const operationOf: Readonly<Record<ActionName, 'network' | 'system' | 'step'>> = {
  'isolate-host': 'network', 'rate-limit': 'network', 'close-port': 'network',
  'stop-unit': 'system', 'lock-account': 'system', 'end-sessions': 'system', 'unload-module': 'system', 'stop-container': 'system',
  'restore-file': 'step', 'change-setting': 'step', 'change-mode': 'step', 'deny-file': 'step', 'cloud-step': 'step',
};
const titles: Readonly<Record<ActionName, Text>> = {
  'isolate-host': { zh: '隔离主机：只留管理通道与发出请求的这条连接', en: 'isolate this machine but for its management channel and the connection that asks' },
  'rate-limit': { zh: '限速', en: 'limit a rate' }, 'close-port': { zh: '关闭端口', en: 'close a port' },
  'stop-unit': { zh: '停止并屏蔽服务单元', en: 'stop and mask a unit' }, 'lock-account': { zh: '锁定账户', en: 'lock an account' }, 'end-sessions': { zh: '结束账户的会话', en: 'end the sessions of an account' },
  'unload-module': { zh: '卸载内核模块', en: 'unload a kernel module' }, 'stop-container': { zh: '停止或暂停容器', en: 'stop or pause a container' },
  'restore-file': { zh: '恢复文件', en: 'restore a file' }, 'change-setting': { zh: '改一项设置', en: 'change a setting' }, 'change-mode': { zh: '改文件权限', en: 'change the rights of a file' },
  'deny-file': { zh: '禁止运行程序', en: 'keep a program from running' }, 'cloud-step': { zh: '在云账号里做一步', en: 'take a step in a cloud account' },
};

/** A list of what became of each thing: the first that was not done is told as what went wrong. */
function mustBeDone(value: unknown): void {
  const [outcome] = (Array.isArray(value) ? value : []) as { what: string; done: boolean; why?: Text }[];
  if (outcome?.done === false) throw new Problem('refused', { zh: `${outcome.what}：${outcome.why?.zh ?? ''}`, en: `${outcome.what}: ${outcome.why?.en ?? ''}` });
}
const program = z.strictObject({ what: z.string().max(1000).regex(/^(?:\/[^\0\n]*|[0-9a-fA-F]{64})$/, 'expected an absolute path or a SHA-256'), why: why.default('') });

export const actionRoutes = [
  ...(Object.keys(actionInputs) as ActionName[]).map((action) => route({
    id: `do-${action}`, method: 'POST', path: `/actions/${action}`, access: 'act', title: { zh: titles[action].zh + planNote.zh, en: titles[action].en + planNote.en },
    body: z.strictObject({ input: actionInputs[action], ...usual, for_ms: forMs }), answer: receiptOrPlan, ...(action === 'isolate-host' && { keepsTalking: true }),
    async run({ body: { input, plan, ...body }, actor, connection }, world: World) {
      // Whoever asks must be able to confirm it, and to take it back.
      const whole = action === 'isolate-host' && connection !== undefined ? { ...input, over: connection } : input;
      return { body: shownOrPlan(await world.ask(`${operationOf[action]}-${plan ? 'plan' : 'do'}`, { action, input: whole, ...body, by: actor!.by }), plan) };
    },
  })),
  route({
    id: 'do-remove-line', method: 'POST', path: '/actions/remove-line', access: 'act', title: { zh: '删除文本文件的一行：plan 给出那一行现在的内容，执行时原样送回', en: 'remove a line of a text file: plan tells what stands there, which is sent back to do it' },
    body: z.strictObject({ input: z.strictObject({ path: z.string().startsWith('/').max(4096), line: z.number().int().min(1), text: z.string().max(64 * 1024).optional() }), ...usual }).refine(({ input, plan }) => plan || input.text !== undefined, 'expected the text that stands in that line, as plan tells it'),
    answer: lineRemoved,
    run: async ({ body: { input, ...body }, actor }, world: World) => ({ body: shownOrPlan(await world.ask('remove-line', { ...input, ...body, by: actor!.by }), body.plan) }),
  }),
  route({ id: 'isolation-confirm', method: 'POST', path: '/isolation/confirm', access: 'act', title: { zh: '确认隔离：不再自动撤销', en: 'confirm the isolation: it is not taken back by itself' }, body: z.strictObject({ id: z.string().max(200).optional() }), answer: receipt, run: async ({ body, actor }, world: World) => ({ body: shown(await world.ask('isolate-confirm', { ...body, by: actor!.by })) }) }),
  route({ id: 'isolation-end', method: 'DELETE', path: '/isolation', access: 'act', title: { zh: '解除隔离', en: 'end the isolation' }, body: z.strictObject({ why: why.default('') }), answer: list(receipt), run: async ({ body, actor }, world: World) => { const undone = await world.ask('release', { ...body, by: actor!.by }); return { body: { items: Array.isArray(undone) ? undone.map(shown) : [] } }; } }),

  // It hands out root: for who looks after this Moat itself.
  route({
    id: 'grant', method: 'POST', path: '/grants', access: 'system', title: { zh: '临时允许一个账号用 sudo（plan：只看方案）', en: 'let an account use sudo for a while (plan: only show)' },
    body: z.strictObject({ user: z.string().min(1).max(256), commands: z.array(z.string().startsWith('/').max(4096)).max(50).default([]), for_ms: z.number().int().min(60_000).max(7 * 86_400_000), why: why.default(''), plan: z.boolean().default(false) }), answer: receiptOrPlan,
    run: async ({ body, actor }, world: World) => ({ body: shownOrPlan(await world.ask('grant', { ...body, by: actor!.by }), body.plan) }),
  }),
  route({ id: 'grants', method: 'GET', path: '/grants', access: 'read', title: { zh: '临时授权（all：也列已结束的）', en: 'privileges for a while (all: those that are over too)' }, query: z.strictObject({ all: flag }), answer: list(grant), run: async ({ query }, world: World) => { const rows = await world.ask('grants', query); return { body: { items: Array.isArray(rows) ? rows : [] } }; } }),

  route({ id: 'denied', method: 'GET', path: '/denied', access: 'read', title: { zh: '禁止运行的程序', en: 'programs that may not run' }, answer: denied, run: async (_call, world: World) => ({ body: await world.ask('deny-list') }) }),
  route({
    id: 'deny', method: 'POST', path: '/denied', access: 'act', title: { zh: '禁止运行（路径或 SHA-256）', en: 'keep a program from running (its path or SHA-256)' }, body: program.extend({ force: z.boolean().default(false) }), answer: done,
    async run({ body: { what, why: reason, force }, actor }, world: World) {
      mustBeDone(await world.ask('deny-add', { what: [what], why: reason === '' ? actor!.by : reason, force }));
      await world.audit({ by: actor!.by, operation: 'deny', target: what, why: reason, result: 'it may not run' });
      return { body: { done: true } };
    },
  }),
  route({
    id: 'deny-end', method: 'DELETE', path: '/denied', access: 'act', title: { zh: '重新允许运行', en: 'let a program run again' }, body: program, answer: done,
    async run({ body: { what, why: reason }, actor }, world: World) {
      mustBeDone(await world.ask('deny-remove', { what: [what] }));
      await world.audit({ by: actor!.by, operation: 'deny-end', target: what, why: reason, result: 'it may run again' });
      return { body: { done: true } };
    },
  }),
] as const;
