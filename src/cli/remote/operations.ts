/** What the running Moat is asked, by the routes of its server: the same operations, arguments and answers as over the control socket. */
import type { AuditEntry, Receipt } from '../../core/action.ts';
import { MoatError, saidBy } from '../../core/error.ts';
import type { Text } from '../../core/text.ts';
import type { Asked, Fetch } from './http.ts';

type Argument = Readonly<Record<string, unknown>>;
type Operation = (argument: Argument, fetch: Fetch, given: unknown) => Promise<unknown>;

const pageMost = 500;
/** More than any list holds. */
const allMost = 1_000_000;

const part = (id: unknown): string => encodeURIComponent(String(id));
/** Without who asks and from where: the server knows by the token. */
const bodyOf = (argument: Argument, ...left: string[]): Record<string, unknown> => Object.fromEntries(Object.entries(argument).filter(([name, value]) => value !== undefined && !['by', 'asker', 'id', ...left].includes(name)));
const mustSayWhy = ({ why }: Argument): void => { if (typeof why !== 'string' || why.trim() === '') throw new MoatError('bad-input', 'expected a reason: what is done from afar is done by a token', { zh: '远程操作须写明原因', hint: '--why "…"' }); };
const post = (path: string, body: unknown, more: Partial<Asked> = {}): Asked => ({ method: 'POST', path, body, ...more });

/** All pages of a list, `most` rows at most. */
export async function pages<T>(fetch: Fetch, path: string, query: NonNullable<Asked['query']>, most = allMost): Promise<T[]> {
  const rows: T[] = [];
  for (let cursor: string | undefined; ;) {
    const { items, next } = await fetch({ method: 'GET', path, query: { ...query, limit: Math.max(1, Math.min(pageMost, most - rows.length)), cursor } }) as { items: T[]; next?: string };
    for (const item of items) rows.push(item);
    if (next === undefined || rows.length >= most) return rows.slice(0, most);
    cursor = next;
  }
}

const items = async (fetch: Fetch, path: string): Promise<unknown> => (await fetch({ method: 'GET', path }) as { items: unknown }).items;

/** Nothing where there is none. */
async function maybe(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if ((error as MoatError).code === 'not-found') return null;
    throw error;
  }
}

/** Who types is elsewhere: neither their process nor their connection is of that machine. */
const acting = (plan: boolean): Operation => ({ action, input, ...rest }, fetch) => fetch(post(`/actions/${part(action)}`, { input: bodyOf(input as Argument, 'over', 'why'), ...bodyOf(rest, 'from'), plan }));

/** What became of each thing. */
async function oneByOne({ what, ...rest }: Argument, ask: (body: object) => Promise<unknown>): Promise<{ what: string; done: boolean; why?: Text }[]> {
  const done: { what: string; done: boolean; why?: Text }[] = [];
  for (const one of what as string[]) {
    try {
      await ask({ what: one, ...bodyOf(rest) });
      done.push({ what: one, done: true });
    } catch (error) {
      if ((error as MoatError).code !== 'refused') throw error;
      done.push({ what: one, done: false, why: saidBy(error) });
    }
  }
  return done;
}

/** By the names that the control socket has for them. */
export const operations: Readonly<Record<string, Operation>> = {
  'status': (_, fetch) => fetch({ method: 'GET', path: '/status' }),
  'processes': (_, fetch, given) => fetch({ method: 'GET', path: '/host/processes', query: { ended: given === true } }),
  'origin': ({ what }, fetch) => maybe(fetch({ method: 'GET', path: '/origin', query: /^\d+$/.test(String(what)) ? { pid: String(what) } : String(what).startsWith('/') ? { path: String(what) } : { address: String(what) } })),
  'host-listeners': (_, fetch) => fetch({ method: 'GET', path: '/host/listeners' }),
  'findings': async ({ limit, level, kind, check, gone }, fetch) => pages(fetch, '/findings', { level: level as string, kind: kind as string, check: check as string, gone: gone === true }, Number(limit)),
  'close': (_, fetch, id) => changeAlert(fetch, id, 'closed'),
  'reopen': (_, fetch, id) => changeAlert(fetch, id, 'open'),

  async 'block'(argument, fetch) { mustSayWhy(argument); return await fetch(post('/blocks', bodyOf(argument))); },
  'unblock': (argument, fetch) => fetch({ method: 'DELETE', path: '/blocks', body: bodyOf(argument) }),
  // All of it at once: there is nothing after it.
  'blocklist': async ({ after }, fetch) => (after === undefined ? await pages(fetch, '/blocks', {}) : []),
  'allow-list': (_, fetch) => items(fetch, '/allow'),
  async 'allow-add'(argument, fetch) { mustSayWhy(argument); return (await fetch(post('/allow', bodyOf(argument))) as { items: unknown }).items; },
  'allow-remove': async (argument, fetch) => (await fetch({ method: 'DELETE', path: '/allow', body: bodyOf(argument) }) as { items: unknown }).items,
  'actions': ({ limit }, fetch) => pages(fetch, '/receipts', {}, Number(limit ?? 50)),
  'action': (_, fetch, id) => maybe(fetch({ method: 'GET', path: `/receipts/${part(id)}` })),
  'undo': ({ id, ...rest }, fetch) => fetch(post(`/receipts/${part(id)}/undo`, bodyOf(rest))),
  async 'pause'(argument, fetch) {
    const { for_ms: forMs = 0, why } = argument;
    if (forMs !== 0) mustSayWhy(argument);
    return await fetch(post('/response/pause', { for_ms: forMs, why: why ?? 'resumed' }));
  },
  'kill': (argument, fetch) => fetch(post('/host/processes/kill', bodyOf(argument))),
  'freeze': (argument, fetch) => fetch(post('/host/processes/freeze', bodyOf(argument))),
  async 'thaw'(argument, fetch) {
    const { what } = argument;
    const frozen = await pages<Receipt>(fetch, '/receipts', { action: 'freeze-tree', status: 'applied' });
    const wanted = frozen.filter(({ id, target }) => id === what || target === `pid ${String(what)}`);
    const done: unknown[] = [];
    for (const { id } of wanted) done.push(await fetch(post(`/receipts/${part(id)}/undo`, bodyOf(argument, 'what'))));
    return done;
  },
  'quarantine': (argument, fetch) => fetch(post('/quarantine', bodyOf(argument))),
  'quarantine-list': async (_, fetch) => { const { items: rows, broken, stored } = await fetch({ method: 'GET', path: '/quarantine' }) as { items: unknown[]; broken: string[]; stored: number }; return { rows, broken, stored, folder: 'quarantine' }; },
  'restore': ({ id, ...rest }, fetch) => fetch(post(`/quarantine/${part(id)}/restore`, bodyOf(rest))),
  'audit': async ({ limit }, fetch) => (await pages<AuditEntry>(fetch, '/audit', {}, Number(limit ?? 50))).toReversed(),
  'audit-verify': (_, fetch, head) => fetch(post('/audit/verify', head === undefined ? {} : { head })),
  'requests': (_, fetch) => items(fetch, '/requests'),
  async 'answer'({ token, answer }, fetch) {
    const request = await fetch({ method: 'GET', path: `/approve/${part(token)}` }) as { answer: unknown };
    if (request.answer !== answer) return { done: false, fault: 'other-answer', request };
    await fetch(post(`/approve/${part(token)}`, { answer }));
    return { done: true, request };
  },

  'linkage': (_, fetch) => fetch({ method: 'GET', path: '/linkage' }),
  'playbooks': (_, fetch) => items(fetch, '/playbooks'),
  'playbook': (_, fetch, id) => fetch({ method: 'GET', path: `/playbooks/${part(id)}` }),
  'playbook-dry-run': ({ id, ...rest }, fetch) => fetch(post(`/playbooks/${part(id)}/run`, { ...bodyOf(rest), dry: true })),
  'playbook-run': ({ id, ...rest }, fetch) => fetch(post(`/playbooks/${part(id)}/run`, { ...bodyOf(rest), dry: false })),
  'playbook-runs': ({ run, limit }, fetch) => (run === undefined ? pages(fetch, '/runs', {}, Number(limit ?? 50)) : fetch({ method: 'GET', path: `/runs/${part(run)}` })),
  'playbook-stop': ({ run, ...rest }, fetch) => fetch(post(`/runs/${part(run)}/stop`, bodyOf(rest))),
  'playbook-answer': ({ run, answer, ...rest }, fetch) => fetch(post(`/runs/${part(run)}/${answer === 'approve' ? 'approve' : 'reject'}`, bodyOf(rest))),

  'incident': (_, fetch, id) => fetch({ method: 'GET', path: `/incidents/${part(id)}` }),
  'incident-story': ({ id }, fetch) => fetch({ method: 'GET', path: `/incidents/${part(id)}/story` }),
  'incident-change': ({ id, revision, ...rest }, fetch) => fetch(post(`/incidents/${part(id)}/changes`, bodyOf(rest), { revision: revision as number | undefined })),
  'incident-merge': ({ id, revision, ...rest }, fetch) => fetch(post(`/incidents/${part(id)}/merge`, bodyOf(rest), { revision: revision as number | undefined })),
  'incident-plan': ({ id }, fetch) => fetch(post(`/incidents/${part(id)}/plan`, {})),
  async 'incident-kept-plan'({ id }, fetch) {
    const { plan } = await fetch({ method: 'GET', path: `/incidents/${part(id)}/plan` }) as { plan: unknown };
    if (plan === null) throw new MoatError('refused', `no plan of ${String(id)} was made yet`, { zh: `还没有为 ${String(id)} 生成过方案`, hint: `moat incident plan ${String(id)}` });
    return plan;
  },
  'incident-step': ({ id, ...rest }, fetch) => fetch(post(`/incidents/${part(id)}/plan/apply`, bodyOf(rest))),
  'incident-undo': ({ id, ...rest }, fetch) => fetch(post(`/incidents/${part(id)}/plan/undo`, bodyOf(rest))),
  'incident-verify': ({ id }, fetch) => fetch(post(`/incidents/${part(id)}/plan/verify`, {})),
  'recovery-plan': ({ id, folders }, fetch) => fetch(post(`/incidents/${part(id)}/recovery`, { folders })),
  async 'recovery-kept'({ id, maybe: isMaybe }, fetch) {
    const kept = await fetch({ method: 'GET', path: `/incidents/${part(id)}/recovery` }) as { plan: unknown; steps: unknown };
    if (kept.plan === null && isMaybe === true) return null;
    if (kept.plan === null) throw new MoatError('refused', `no recovery of ${String(id)} was planned yet`, { zh: `还没有为 ${String(id)} 做过恢复方案`, hint: `moat incident recover ${String(id)}` });
    return { plan: kept.plan, steps: kept.steps };
  },
  'recovery-step': ({ id, step, why }, fetch) => fetch(post(`/incidents/${part(id)}/recovery/apply`, { step, why })),
  'recovery-check': ({ id, step }, fetch) => fetch(post(`/incidents/${part(id)}/recovery/check`, { step })),
  'recovery-services': ({ id, go }, fetch) => fetch(post(`/incidents/${part(id)}/recovery/services`, { go })),
  'recovery-undo': ({ id, step, why }, fetch) => fetch(post(`/incidents/${part(id)}/recovery/undo`, { step, why })),
  'recovery-finish': ({ id, services, ...rest }, fetch) => fetch(post(`/incidents/${part(id)}/recovery/finish`, { ...bodyOf(rest), services: services === true ? 'looked' : false })),

  ...Object.fromEntries(['network', 'system', 'step'].flatMap((kind) => [[`${kind}-plan`, acting(true)], [`${kind}-do`, acting(false)]])),
  'step-confirm': ({ id }, fetch) => fetch(post(`/receipts/${part(id)}/confirm`, {})),
  'isolate-confirm': ({ id }, fetch) => fetch(post('/isolation/confirm', { id })),
  'release': async (argument, fetch) => (await fetch({ method: 'DELETE', path: '/isolation', body: bodyOf(argument) }) as { items: unknown }).items,
  'remove-line': ({ path, line, text, ...rest }, fetch) => fetch(post('/actions/remove-line', { input: { path, line, text }, ...bodyOf(rest) })),
  async 'firewall-check'(_, fetch) {
    const { enforced, items: rows, why } = await fetch({ method: 'GET', path: '/host/listeners' }) as { enforced: boolean; items: unknown[]; why?: Text };
    if (why !== undefined) throw new MoatError('refused', why.en, { text: why });
    return { enforced, rows };
  },
  'grant': (argument, fetch) => fetch(post('/grants', bodyOf(argument))),
  'grants': async ({ all }, fetch) => (await fetch({ method: 'GET', path: '/grants', query: { all: all === true } }) as { items: unknown }).items,
  'deny-list': (_, fetch) => fetch({ method: 'GET', path: '/denied' }),
  'deny-add': (argument, fetch) => oneByOne(argument, (body) => fetch(post('/denied', body))),
  'deny-remove': (argument, fetch) => oneByOne(argument, (body) => fetch({ method: 'DELETE', path: '/denied', body })),
  'intelligence': (_, fetch) => items(fetch, '/intelligence'),
  'intelligence-check': (_, fetch, value) => fetch({ method: 'GET', path: '/intelligence/check', query: { value: String(value) } }),
  'blocklist-import': ({ list, entries, why }, fetch) => fetch(post(`/block-lists/${part(list)}`, { entries, why })),
  'blocklist-drop': ({ list, why }, fetch) => fetch({ method: 'DELETE', path: `/block-lists/${part(list)}`, body: { why } }),
  'notice-test': ({ id }, fetch) => fetch(post(`/notices/${part(id)}/test`, {})),
  'evidence-verify': ({ id }, fetch) => fetch({ method: 'GET', path: `/evidence/${part(id)}` }),
  'evidence-key': (_, fetch) => fetch({ method: 'GET', path: '/evidence-key' }),
  'evidence-change': ({ id, deed, why }, fetch) => fetch(deed === 'remove' ? { method: 'DELETE', path: `/evidence/${part(id)}`, body: { why } } : post(`/evidence/${part(id)}/${part(deed)}`, { why })),
  'incident-indicators': ({ id, why, forMs, withdraw }, fetch) => fetch(post(`/incidents/${part(id)}/indicators`, { why, withdraw, ...(withdraw !== true && { for_ms: forMs }) })),
};

const changeAlert = async (fetch: Fetch, id: unknown, status: 'open' | 'closed'): Promise<boolean> => (await maybe(fetch({ method: 'PATCH', path: `/alerts/${part(id)}`, body: { status } })) as { done: boolean } | null)?.done === true;
