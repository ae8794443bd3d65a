/** Alerts and exceptions. */
import * as z from 'zod';
import type { Alert } from '../../core/alert.ts';
import { type AlertRow, alertRow, alertWhole, exception, exceptionBody, exceptionPreview } from '../contract/alerts.ts';
import { done, flag, idParams, level, list, page, pageQuery, time, when } from '../contract/common.ts';
import { route } from '../contract/route.ts';
import { cursorOf, readCursor } from '../cursor.ts';
import { Problem } from '../problem.ts';
import type { World } from '../world.ts';

const query = z.strictObject({
  ...pageQuery, level: level.optional(), status: z.enum(['open', 'closed']).optional(), rule: z.string().max(200).optional(), source_ip: z.string().max(100).optional(), host: z.string().max(253).optional(), pid: z.coerce.number().int().min(0).max(4_194_304).optional(), path: z.string().max(4096).optional(),
  /** A word in what people read of it. */
  text: z.string().min(1).max(200).optional(), from: when, to: when, since: when, folded: flag,
});
const cursor = z.strictObject({ time, id: z.string().max(200) });
/** A search looks through so many at a time; the next page goes on where it stopped. */
const searchedAtOnce = 10_000;
/** Folded rows are made of at most so many alerts a page. */
const foldedAtOnce = 2000;

export const alertRoutes = [
  route({
    id: 'alerts', method: 'GET', path: '/alerts', access: 'read', title: { zh: '告警，最近开始的在前；folded=true 把同一规则的合为一行', en: 'alerts, the latest beginning first; folded=true makes one row of those of a rule' }, query, answer: page(alertRow),
    run({ query: { limit, cursor: from, level: least, status, rule, source_ip, host, pid, path, text, from: since, since: sinceToo, to, folded } }, world: World) {
      const before = from === undefined ? { time: Number.MAX_SAFE_INTEGER, id: '' } : readCursor(from, cursor);
      const filter = {
        before, limit: folded ? foldedAtOnce : limit + 1, ...(least && { level: least }), ...(status && { status }), ...(rule !== undefined && { rule }), ...(source_ip !== undefined && { sourceIp: source_ip }), ...(host !== undefined && { host }), ...(pid !== undefined && { pid }), ...(path !== undefined && { path }),
        ...((since ?? sinceToo) !== undefined && { sinceMs: since ?? sinceToo }), ...(to !== undefined && { untilMs: to }),
      };
      if (text !== undefined) {
        const { alerts, next } = world.store.ledger.search({ ...filter, limit: folded ? foldedAtOnce : limit }, text, searchedAtOnce);
        return { body: { items: folded ? foldedRows(alerts, limit).items : alerts, ...(next && { next: cursorOf(next) }) } };
      }
      const found = world.store.ledger.alerts(filter);
      if (folded) {
        const { items, last } = foldedRows(found, limit);
        return { body: { items, ...(last && { next: cursorOf({ time: last.time, id: last.id }) }) } };
      }
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { body: { items, ...(found.length > limit && last && { next: cursorOf({ time: last.time, id: last.id }) }) } };
    },
  }),
  route({
    id: 'alert', method: 'GET', path: '/alerts/:id', access: 'read', title: { zh: '一条告警：证据、原始事件、规则的哪些部分成立、来历', en: 'one alert: evidence, raw events, which selections of the rule matched, where it came from' }, params: idParams, answer: alertWhole,
    run: async ({ params }, world: World) => ({ body: await world.ask('alert-whole', params.id) }),
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
  route({
    id: 'exception-preview', method: 'POST', path: '/alerts/exception-preview', access: 'read', title: { zh: '这条例外会让哪些已存告警不再出现；什么也不改', en: 'which stored alerts this exception would have kept quiet; changes nothing' }, body: exceptionBody.extend({ why: z.string().max(1000).default('') }), answer: exceptionPreview,
    run: async ({ body }, world: World) => ({ body: await world.ask('exception-preview', asException(body)) }),
  }),
  route({ id: 'exceptions', method: 'GET', path: '/exceptions', access: 'read', title: { zh: '例外', en: 'exceptions' }, answer: list(exception), run: async (_call, world: World) => ({ body: { items: await world.ask('exceptions') } }) }),
  route({
    id: 'exception-add', method: 'POST', path: '/exceptions', access: 'triage', title: { zh: '新增例外，立即生效', en: 'add an exception; it holds at once' }, body: exceptionBody, answer: exception,
    run: async ({ body, actor }, world: World) => ({ status: 201, body: await world.ask('exception-add', { exception: body, by: actor!.by, why: body.why }) }),
  }),
  route({
    id: 'exception-remove', method: 'DELETE', path: '/exceptions/:id', access: 'triage', title: { zh: '撤销例外', en: 'take an exception away' }, params: idParams, answer: done,
    run: async ({ params, actor }, world: World) => ({ body: { done: await world.ask('exception-remove', { id: params.id, by: actor!.by }) === true } }),
  }),
] as const;

/** A date holds to its end, as one in the configuration does. */
const asException = ({ until, ...rest }: z.output<typeof exceptionBody>): object => ({ ...rest, ...(until !== undefined && { until: Date.parse(`${until}T23:59:59.999`) }) });

/** One row for each rule, in the order of the latest of each. `last`: the last alert that is in a row, when there may be more behind it. */
function foldedRows(alerts: readonly Alert[], limit: number): { items: AlertRow[]; last?: Alert } {
  const rows = new Map<string, { row: AlertRow; sources: Set<string> }>();
  let last: Alert | undefined;
  let isCut = alerts.length >= foldedAtOnce;
  for (const one of alerts) {
    const found = rows.get(one.rule_id);
    if (!found && rows.size >= limit) { isCut = true; break; }
    last = one;
    if (!found) { rows.set(one.rule_id, { row: { ...one, folded: { alerts: 1, events: one.count, first: one.time, sources: one.source_ip === undefined ? 0 : 1 } }, sources: new Set(one.source_ip === undefined ? [] : [one.source_ip]) }); continue; }
    const { row: { folded }, sources } = found;
    folded!.alerts++;
    folded!.events += one.count;
    folded!.first = Math.min(folded!.first, one.time);
    if (one.source_ip !== undefined) sources.add(one.source_ip);
    folded!.sources = sources.size;
  }
  return { items: [...rows.values()].map(({ row }) => row), ...(isCut && last && { last }) };
}
