/** Alerts. */
import * as z from 'zod';
import { done, idParams, level, page, pageQuery, record, time } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { cursorOf, readCursor } from '../cursor.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const query = z.strictObject({ ...pageQuery, level: level.optional(), status: z.enum(['open', 'closed']).optional(), rule: z.string().max(200).optional(), source_ip: z.string().max(100).optional(), since: z.coerce.number().int().optional() });
const cursor = z.strictObject({ time, id: z.string().max(200) });

export const alertRoutes = [
  route({
    id: 'alerts', method: 'GET', path: '/alerts', access: 'read', title: { zh: '告警，最近开始的在前', en: 'alerts, the latest beginning first' }, query, answer: page(record),
    run({ query: { limit, cursor: from, level: least, status, rule, source_ip, since } }, world: World) {
      const before = from === undefined ? { time: Number.MAX_SAFE_INTEGER, id: '' } : readCursor(from, cursor);
      const found = world.store.ledger.alerts({
        before, limit: limit + 1,
        ...(least && { level: least }), ...(status && { status }), ...(rule !== undefined && { rule }), ...(source_ip !== undefined && { sourceIp: source_ip }), ...(since !== undefined && { sinceMs: since }),
      });
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { body: { items, ...(found.length > limit && last && { next: cursorOf({ time: last.time, id: last.id }) }) } };
    },
  }),
  route({
    id: 'alert', method: 'GET', path: '/alerts/:id', access: 'read', title: { zh: '一条告警与证据', en: 'one alert with its evidence' }, params: idParams, answer: record,
    run({ params }, world: World) {
      const alert = world.store.ledger.alert(params.id);
      if (!alert) throw new Problem('not-found', { zh: '没有这条告警', en: 'no such alert' });
      return { body: alert };
    },
  }),
  route({
    id: 'alert-change', method: 'PATCH', path: '/alerts/:id', access: 'triage', title: { zh: '关闭或重新打开', en: 'close it or open it again' }, params: idParams, body: z.strictObject({ status: z.enum(['open', 'closed']) }), answer: done,
    async run({ params, body, actor }, world: World) {
      if (!world.store.ledger.alert(params.id)) throw new Problem('not-found', { zh: '没有这条告警', en: 'no such alert' });
      const changed = await world.ask(body.status === 'open' ? 'reopen' : 'close', params.id) === true;
      await world.audit({ by: actor!.by, operation: body.status === 'open' ? 'alert-reopen' : 'alert-close', target: params.id, why: '', result: changed ? 'done' : 'nothing to change' });
      return { body: { done: changed } };
    },
  }),
] as const;
