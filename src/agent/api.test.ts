/** The server over a real agent: what the routes ask is answered, in the shapes of the contract. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type AgentApi, type ApiAnswer, guessing, startAgentApi } from '../../test/agent-api.ts';
import { routes } from '../api/routes/catalogue.ts';

let api: AgentApi, warned: string[];
const ask: AgentApi['ask'] = (path, how) => api.ask(path, how);
const items: AgentApi['items'] = (path) => api.items(path);

beforeAll(async () => {
  api = await startAgentApi(() => `response: { firewall: off, allow: [198.51.100.0/24] }
exceptions: [{ rule: nothing, when: { user: x }, why: sample }]
`, guessing('203.0.113.9', 25));
  ({ warned } = api);
  await vi.waitUntil(async () => (await items('/incidents')).length > 0, { timeout: 30_000 });
}, 60_000);
afterAll(() => api.stop());

it('every route that reads answers in the shape of its contract', async () => {
  const [alert] = await items('/alerts?limit=1');
  const [incident] = await items('/incidents?limit=1');
  const known: Record<string, string> = { '/alerts/:id': String(alert!['id']), '/incidents/:id': String(incident!['id']), '/rules/:id': 'behaviour.sustained-cpu', '/playbooks/:id': 'brute-force' };
  const odd: string[] = [], absent: string[] = [];
  for (const { id, method, path } of routes) {
    if (method !== 'GET' || path.includes(':archive')) continue;
    const prefix = Object.keys(known).find((one) => path === one || path.startsWith(`${one}/`));
    const at = path.replace(':id', prefix === undefined ? 'none' : known[prefix]!).replace(/:\w+/g, 'none');
    const needs = id === 'origin' ? '?pid=1' : '';
    const { status, text } = await ask(`${at}${needs}`);
    // The link of a notice is a token: there is none here.
    if (id === 'approval') { expect(status).toBe(410); continue; }
    if (status === 404) absent.push(id);
    else if (status !== 200) odd.push(`${id}: ${status} ${text.slice(0, 300)}`);
  }
  // Nothing was done or looked at yet, and no process is watched.
  expect({ odd, warned, absent: absent.toSorted() }).toEqual({ odd: [], warned: [], absent: ['finding', 'job', 'origin', 'receipt', 'run', 'scan'] });
}, 60_000);

it('an alert says which selections of its rule matched, and is told with its raw events and its incident', async () => {
  const { body } = await ask(`/alerts/${String((await items('/alerts?source_ip=203.0.113.9&limit=50')).at(-1)!['id'])}`);
  const { why, raw } = body as { why: { kind: string; yaml?: string; explained: { held: boolean; detection: { selections: { held: boolean }[] } }[] }; raw: { message?: string }[] };
  expect(['rule', 'correlation']).toContain(why.kind);
  expect(why.yaml).toContain('detection:');
  expect(why.explained.some(({ held, detection }) => held && detection.selections.some((one) => one.held))).toBe(true);
  expect(raw.some(({ message }) => message?.includes('203.0.113.9'))).toBe(true);
});

it('filters and folds alerts, and searches their text page by page', async () => {
  const all = await items('/alerts?limit=500');
  expect(all.length).toBeGreaterThan(1);
  expect((await items('/alerts?level=high&limit=500')).map(({ id }) => id)).toEqual(all.filter(({ level }) => level === 'high' || level === 'critical').map(({ id }) => id));
  expect((await items('/alerts?text=203.0.113.9&limit=500')).length).toBeGreaterThan(0);
  expect(await items('/alerts?text=%25&limit=500')).toEqual(all.filter((one) => JSON.stringify([one['summary'], one['title']]).includes('%')));
  const folded = await items('/alerts?folded=true') as { rule_id: string; folded: { alerts: number } }[];
  expect(new Set(folded.map(({ rule_id: rule }) => rule)).size).toBe(folded.length);
  expect(folded.reduce((n, one) => n + one.folded.alerts, 0)).toBe(all.length);
});

it('an exception is shown before it holds, holds at once, survives in the settings, and is taken away; by whom and by which way stands in the audit log', async () => {
  const [alert] = await items('/alerts?source_ip=203.0.113.9&limit=1');
  const exception = { rule: String(alert!['rule_id']), when: { source_ip: '203.0.113.9' }, why: 'our own scanner' };
  expect((await ask('/alerts/exception-preview', { method: 'POST', body: exception })).body).toMatchObject({ alerts: expect.any(Number), samples: [expect.objectContaining({ rule_id: alert!['rule_id'] })] });
  const made = await ask('/exceptions', { method: 'POST', body: exception });
  expect(made).toMatchObject({ status: 201, body: { from: 'api', by: 'account:li' } });
  expect((await items('/exceptions')).map(({ from }) => from)).toEqual(['configuration', 'api']);
  expect((await ask('/exceptions/c1', { method: 'DELETE' })).status, 'that of the file stays').toBe(404);
  expect((await ask(`/exceptions/${String(made.body['id'])}`, { method: 'DELETE' })).body).toEqual({ done: true });
  expect((await items('/audit?operation=exception-add'))[0]).toMatchObject({ by: 'account:li', via: 'api' });
});

it('the mode and the allow list change here and stay as the file says otherwise; what makes no sense is refused and changes nothing', async () => {
  expect((await ask('/mode', { method: 'PUT', body: { mode: 'guard', why: 'a quiet week' } })).body).toMatchObject({ mode: 'guard', set_by: 'api' });
  expect((await ask('/status')).body).toMatchObject({ response: { mode: 'guard' } });
  expect((await ask('/allow', { method: 'POST', body: { network: '192.0.2.7', why: 'office' } })).status).toBe(201);
  expect((await ask('/allow', { method: 'POST', body: { network: 'nonsense', why: 'office' } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/allow', { method: 'DELETE', body: { network: '198.51.100.0/24' } })).status, 'that of the file').toBe(404);
  expect((await items('/allow')).map(({ network, from }) => [network, from])).toEqual([['198.51.100.0/24', 'configuration'], ['192.0.2.7', 'api']]);
  expect((await ask('/port-list', { method: 'POST', body: { enforce: false, ports: [{ port: 'what/ever', from: 'any' }], why: 'x' } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/port-list')).body).toMatchObject({ items: [], enforced: false });
}, 30_000);

const ruleText = `title: Somebody called wang\nname: wang_was_here\nstatus: test\nlevel: low\nlogsource: { product: linux, service: auth }\ndetection:\n  selection: { user: wang }\n  condition: selection\n`;
it('a rule of one\'s own is checked, tried on the past, saved, holds, and goes; others are never overwritten', async () => {
  expect((await ask('/rules/check', { method: 'POST', body: { text: 'title: [' } })).body).toMatchObject({ ok: false });
  const tried = await ask('/rules/test', { method: 'POST', body: { text: ruleText.replace('user: wang', 'user: root'), hours: 24 } });
  expect(tried.body).toMatchObject({ ok: true, looked: expect.any(Number) });
  expect(Number(tried.body['looked'])).toBeGreaterThan(10);
  expect((await ask('/rules/..%2fwang', { method: 'PUT', body: { text: ruleText } })).status).toBe(400);
  expect((await ask('/rules/other_name', { method: 'PUT', body: { text: ruleText } })).body).toMatchObject({ code: 'bad-input' });
  expect((await ask('/rules/wang_was_here', { method: 'PUT', body: { text: ruleText } })).body).toEqual({ id: 'wang_was_here', file: 'wang_was_here.yml', live: true });
  expect((await ask('/rules/wang_was_here')).body).toMatchObject({ own: true, enabled: true, yaml: ruleText });
  const [ours] = await items('/rules?kind=correlation&limit=1');
  const theirs = (await ask(`/rules/${String(ours!['id'])}`)).body;
  expect((await ask(`/rules/${String(ours!['id'])}`, { method: 'PUT', body: { text: theirs['yaml'] } })).status).not.toBe(200);
  expect((await ask('/rules/wang_was_here', { method: 'DELETE' })).body).toMatchObject({ live: true });
  expect((await ask('/rules/wang_was_here')).status).toBe(404);
}, 60_000);

it('hunting reads events and nothing that is Moat\'s own, within its limits', async () => {
  const hunt = (sql: string, more: object = {}): Promise<ApiAnswer> => ask('/hunt', { method: 'POST', body: { sql, ...more } });
  expect((await hunt('SELECT count(*) AS n FROM events WHERE source_ip = \'203.0.113.9\'')).body).toMatchObject({ columns: ['n'], rows: [[26]] });
  for (const sql of [
    'SELECT * FROM account', 'SELECT * FROM session', 'SELECT * FROM secret', 'SELECT * FROM api_token', 'SELECT * FROM settings', 'SELECT * FROM setting', 'SELECT * FROM audit_log', 'SELECT * FROM audit', 'SELECT * FROM sqlite_master', 'SELECT * FROM position', 'SELECT * FROM elevation', 'SELECT * FROM saved_query',
    'WITH x AS (SELECT * FROM account) SELECT * FROM x', 'SELECT (SELECT value FROM secret LIMIT 1)', 'SELECT * FROM pragma_database_list', 'PRAGMA database_list', 'ATTACH \'/etc/passwd\' AS x', 'SELECT load_extension(\'/tmp/x.so\')', 'SELECT readfile(\'/etc/passwd\')', 'INSERT INTO event (id) VALUES (1)', 'SELECT 1; DROP TABLE event', 'EXPLAIN DELETE FROM event', 'VACUUM INTO \'/tmp/x\'', 'SELECT * FROM "account"', 'SELECT * FROM main.account', 'select * from dbstat', 'SELECT * FROM incident_finding', 'SELECT * FROM used_token',
  ]) expect({ sql, status: (await hunt(sql)).status >= 400 }).toEqual({ sql, status: true });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT count(*) FROM x', { seconds: 1 })).body).toMatchObject({ code: 'refused' });
  expect((await hunt('WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x LIMIT 100000) SELECT n FROM x', { rows: 5 })).body).toMatchObject({ cut: 'rows' });
}, 120_000);
