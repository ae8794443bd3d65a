/** The link of a notice: a page with a button, and what the button does. The token is the authority, as on the command line: signed, for one answer, used once, expiring. */
import * as z from 'zod';
import { level, text, time } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const params = z.strictObject({ token: z.string().max(200).regex(/^[\w.-]+$/) });
const question = z.strictObject({ id: z.string(), answer: z.enum(['approve', 'reject']), what: text, level, expires: time, host: z.string() });
const faults: Readonly<Record<string, [zh: string, en: string]>> = {
  malformed: ['链接不完整', 'the link is not whole'], forged: ['链接不对', 'the link is wrong'], expired: ['链接已过期', 'the link has expired'], unknown: ['没有这个请求', 'no such request'], answered: ['请求已有人答复', 'it was answered'], used: ['链接已用过', 'the link was used'],
};
interface Asked { fault?: string; request?: string; answer?: 'approve' | 'reject' }

function refuse(fault: string): never {
  const [zh, en] = faults[fault] ?? ['链接无效', 'the link is of no use'];
  throw new Problem('gone', { zh, en });
}

/** Nothing is used up by looking: mail programs and chat servers open links by themselves. */
async function look(token: string, world: World): Promise<{ request: string; answer: 'approve' | 'reject' }> {
  const { fault, request, answer } = await world.ask('approval-look', token) as Asked;
  if (fault !== undefined || request === undefined || answer === undefined) return refuse(fault ?? 'malformed');
  return { request, answer };
}

export async function approvalOf(token: string, world: World): Promise<z.infer<typeof question>> {
  const { request, answer } = await look(token, world);
  const found = world.store.requests.get(request);
  if (!found) return refuse('unknown');
  if (found.answer !== undefined) return refuse('answered');
  if (found.expires <= world.now()) return refuse('expired');
  return { id: found.id, answer, what: found.what, level: found.level, expires: found.expires, host: world.host };
}

export async function answerByLink(token: string, answer: 'approve' | 'reject', address: string, world: World): Promise<void> {
  // Nobody guesses a signature: only the caller is slowed, so that nobody can keep others from answering.
  world.lockout.mustWait('approval', address, true);
  const by = `link from ${address}`;
  const decided = await world.ask('answer', { token, answer, by }) as { done: boolean; fault?: string };
  if (!decided.done) {
    if (decided.fault === 'forged' || decided.fault === 'malformed') world.lockout.wrong('approval', address, true);
    return refuse(decided.fault ?? 'malformed');
  }
  await world.audit({ by, operation: 'answer', target: token.split('.')[1] ?? '', why: '', result: answer });
}

export const approveRoutes = [
  route({ id: 'approval', method: 'GET', path: '/approve/:token', access: 'anyone', title: { zh: '通知里的链接问的是什么；什么也不做', en: 'what the link of a notice asks; does nothing' }, params, answer: question, run: async (call, world: World) => ({ body: await approvalOf(call.params.token, world) }) }),
  route({
    id: 'approval-answer', method: 'POST', path: '/approve/:token', access: 'anyone', title: { zh: '按链接答复，只能一次', en: 'answer by the link, once' }, params, body: z.strictObject({ answer: z.enum(['approve', 'reject']) }), answer: z.strictObject({ done: z.boolean(), answer: z.enum(['approve', 'reject']) }),
    async run(call, world: World) {
      await answerByLink(call.params.token, call.body.answer, call.address, world);
      return { body: { done: true, answer: call.body.answer } };
    },
  }),
] as const;
